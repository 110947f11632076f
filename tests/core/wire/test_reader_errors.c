#include "wire/reader.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What happens behind an error, and at the end of the input. */

static void after_an_error_nothing_is_consumed(void **state)
{
    struct wire_input in;
    struct str value;
    struct reader_literal header;
    struct error err = ERROR_INIT;
    uint32_t n;
    wire_open(&in, STR("abc \"d\" {1}\r\n5\r\n"), 0);
    assert_false(reader_expect_number(in.reader, &n));
    assert_false(reader_accept(in.reader, 'a'));
    assert_false(reader_expect_atom(in.reader, &value));
    assert_false(reader_expect_text(in.reader, &value));
    assert_false(reader_accept_word(in.reader, "abc"));
    assert_false(reader_accept_literal(in.reader, &header));
    assert_false(reader_skip_value(in.reader));
    assert_false(reader_skip_line(in.reader));
    assert_false(reader_at_crlf(in.reader));
    assert_false(reader_at_end(in.reader));
    assert_false(reader_fail(in.reader, "another error"));
    assert_int_equal(reader_peek(in.reader), -1);
    assert_int_equal(reader_offset(in.reader), 0);
    assert_int_equal(reader_check(in.reader, &err), -ERR_PROTOCOL);
    assert_string_equal(err.text, "expected a number, found \"abc \"d\" {1}\", at byte 0");
    wire_close(&in);
}

static void errors_tell_where_the_input_ended(void **state)
{
    struct wire_input in;
    struct error err = ERROR_INIT;
    wire_open(&in, STR("* "), 0);
    assert_true(reader_expect(in.reader, '*'));
    assert_true(reader_expect_sp(in.reader));
    assert_true(reader_at_end(in.reader));
    assert_false(reader_failed(in.reader));
    assert_false(reader_expect(in.reader, 'x'));
    assert_int_equal(reader_check(in.reader, &err), -ERR_NETWORK);
    assert_string_equal(err.text, "the input ended where \"x\" was expected, at byte 2");
    wire_close(&in);
}

static void errors_of_the_source_are_kept(void **state)
{
    struct error cancelled = {.code = ERR_CANCELLED, .scope = SCOPE_CANCELLED, .text = "stop"};
    for (size_t cut = 0; cut < 14; cut++) {
        struct wire_input in;
        struct error err = ERROR_INIT;
        struct str value;
        wire_open(&in, str_make("\"ab\" {4}\r\nabcd", cut), 0);
        in.end = &cancelled;
        (void)(reader_expect_string(in.reader, &value) && reader_expect_sp(in.reader) &&
               reader_expect_string(in.reader, &value));
        assert_int_equal(reader_check(in.reader, &err), -ERR_CANCELLED);
        assert_int_equal(err.scope, SCOPE_CANCELLED);
        assert_string_equal(err.text, "stop");
        wire_close(&in);
    }
}

static void input_may_come_later(void **state)
{
    struct wire_input in;
    struct str value;
    wire_open(&in, STR_EMPTY, 0);
    assert_true(reader_at_end(in.reader));
    in.data = STR("abc ");
    assert_false(reader_at_end(in.reader));
    assert_true(reader_expect_atom(in.reader, &value));
    wire_close(&in);
}

static void buffered_bytes_can_be_moved_out(void **state)
{
    struct wire_input in;
    wire_open(&in, STR("OK\r\nrest"), 0);
    struct str value;
    assert_true(reader_expect_atom(in.reader, &value));
    assert_true(reader_expect_crlf(in.reader));
    assert_true(reader_has_buffered(in.reader));
    struct str taken = reader_take_buffered(in.reader);
    assert_true(str_eq(taken, STR("rest")));
    assert_false(reader_has_buffered(in.reader));
    assert_true(reader_at_end(in.reader));
    wire_close(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_an_error_nothing_is_consumed),
        cmocka_unit_test(errors_tell_where_the_input_ended),
        cmocka_unit_test(errors_of_the_source_are_kept),
        cmocka_unit_test(input_may_come_later),
        cmocka_unit_test(buffered_bytes_can_be_moved_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
