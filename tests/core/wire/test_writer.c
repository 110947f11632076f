#include "wire/writer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

typedef void write_call(struct writer *w, struct str s);

struct writer_case {
    write_call *call;
    struct str value;
    const char *expected; /* NULL: cannot be written */
    bool utf8;
};

static void strings_take_the_form_they_need(void **state)
{
    static const struct writer_case cases[] = {
        {writer_atom, {"FLAGS", 5}, "FLAGS", false},
        {writer_atom, {"", 0}, NULL, false},
        {writer_atom, {"a b", 3}, NULL, false},
        {writer_atom, {"a]", 2}, NULL, false},
        {writer_atom, {"a\r\nb", 4}, NULL, false},
        {writer_atom, {"caf\xe9", 4}, NULL, false},
        {writer_astring, {"INBOX", 5}, "INBOX", false},
        {writer_astring, {"a]b", 3}, "a]b", false},
        {writer_astring, {"nil", 3}, "\"nil\"", false},
        {writer_astring, {"", 0}, "\"\"", false},
        {writer_astring, {"a b", 3}, "\"a b\"", false},
        {writer_astring, {"%", 1}, "\"%\"", false},
        {writer_astring, {"a\"b\\", 4}, "\"a\\\"b\\\\\"", false},
        {writer_astring, {"a\r\nb", 4}, "{4}\r\na\r\nb", false},
        {writer_astring, {"a\nb", 3}, "{3}\r\na\nb", false},
        {writer_astring, {"caf\xc3\xa9", 5}, "{5}\r\ncaf\xc3\xa9", false},
        {writer_astring, {"caf\xc3\xa9", 5}, "\"caf\xc3\xa9\"", true},
        {writer_astring, {"caf\xe9", 4}, "{4}\r\ncaf\xe9", true},
        {writer_astring, {"a\0b", 3}, NULL, false},
        {writer_string, {"abc", 3}, "\"abc\"", false},
        {writer_string, {NULL, 0}, "\"\"", false},
        {writer_nstring, {NULL, 0}, "NIL", false},
        {writer_nstring, {"", 0}, "\"\"", false},
        {writer_nstring, {"NIL", 3}, "\"NIL\"", false},
        {writer_list_mailbox, {"%", 1}, "%", false},
        {writer_list_mailbox, {"a/*", 3}, "a/*", false},
        {writer_list_mailbox, {"a b*", 4}, "\"a b*\"", false},
        {writer_text, {"a [b] \xc3\xa9", 8}, "a [b] \xc3\xa9", false},
        {writer_text, {"a\r\nb", 4}, NULL, false},
        {writer_text, {"a\0b", 3}, NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer w;
        struct error err = ERROR_INIT;
        writer_init(&w, WRITER_LITERAL_SYNC, cases[i].utf8, 1000);
        cases[i].call(&w, cases[i].value);
        int result = writer_finish(&w, &err);
        if (cases[i].expected == NULL) {
            assert_int_equal(result, -ERR_STATE);
            assert_true(strlen(err.text) > 0);
        } else {
            assert_int_equal(result, 0);
            assert_string_equal(w.buf.data, cases[i].expected);
        }
        writer_free(&w);
    }
}

static void numbers_are_decimal(void **state)
{
    struct writer w;
    writer_init(&w, WRITER_LITERAL_SYNC, false, 1000);
    writer_number(&w, 0);
    writer_sp(&w);
    writer_number(&w, UINT64_MAX);
    writer_format(&w, " %s-%d", "x", 7);
    writer_byte(&w, '!');
    writer_raw(&w, STR(" \\Seen"));
    writer_crlf(&w);
    assert_string_equal(w.buf.data, "0 18446744073709551615 x-7! \\Seen\r\n");
    writer_free(&w);
}

static void literals_break_where_the_peer_must_answer(void **state)
{
    static const struct {
        enum writer_literals literals;
        uint64_t size;
        bool binary;
        const char *expected;
        bool breaks;
    } cases[] = {
        {WRITER_LITERAL_SYNC, 5, false, "x {5}\r\n", true},
        {WRITER_LITERAL_SYNC, 0, false, "x {0}\r\n", true},
        {WRITER_LITERAL_SYNC, 5, true, "x ~{5}\r\n", true},
        {WRITER_LITERAL_MINUS, 4096, false, "x {4096+}\r\n", false},
        {WRITER_LITERAL_MINUS, 4097, false, "x {4097}\r\n", true},
        {WRITER_LITERAL_PLUS, 5000000000, false, "x {5000000000+}\r\n", false},
        {WRITER_LITERAL_PLUS, 5, true, "x ~{5+}\r\n", false},
        {WRITER_LITERAL_SERVER, 5, false, "x {5}\r\n", false},
        {WRITER_LITERAL_SERVER, 5, true, "x ~{5}\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer w;
        writer_init(&w, cases[i].literals, false, 1000);
        writer_cstr(&w, "x ");
        writer_literal_header(&w, cases[i].size, cases[i].binary);
        assert_string_equal(w.buf.data, cases[i].expected);
        assert_int_equal(w.breaks_len, cases[i].breaks ? 1 : 0);
        if (cases[i].breaks) {
            assert_int_equal(w.breaks[0], w.buf.len);
        }
        writer_free(&w);
    }
}

static void breaks_ascend_and_clear(void **state)
{
    struct writer w;
    struct error err = ERROR_INIT;
    writer_init(&w, WRITER_LITERAL_SYNC, false, 1000);
    writer_cstr(&w, "a LOGIN ");
    writer_astring(&w, STR("a\nb"));
    writer_sp(&w);
    writer_astring(&w, STR("c\nd"));
    writer_crlf(&w);
    assert_string_equal(w.buf.data, "a LOGIN {3}\r\na\nb {3}\r\nc\nd\r\n");
    assert_int_equal(w.breaks_len, 2);
    assert_int_equal(w.breaks[0], strlen("a LOGIN {3}\r\n"));
    assert_int_equal(w.breaks[1], strlen("a LOGIN {3}\r\na\nb {3}\r\n"));
    writer_atom(&w, STR("("));
    assert_int_equal(writer_finish(&w, &err), -ERR_STATE);
    writer_clear(&w);
    assert_int_equal(w.breaks_len, 0);
    assert_int_equal(w.buf.len, 0);
    assert_int_equal(writer_finish(&w, &err), 0);
    writer_free(&w);
}

static void long_strings_go_as_literals(void **state)
{
    char text[1100];
    struct writer w;
    memset(text, 'a', sizeof text);
    writer_init(&w, WRITER_LITERAL_PLUS, false, 10000);
    writer_astring(&w, str_make(text, sizeof text));
    assert_true(str_starts(buf_str(&w.buf), STR("{1100+}\r\naaa")));
    writer_free(&w);
}

static void the_first_failure_is_told(void **state)
{
    struct writer w;
    struct error err = ERROR_INIT;
    writer_init(&w, WRITER_LITERAL_SYNC, false, 1000);
    writer_fail(&w, "the keyword %s", "x");
    writer_fail(&w, "something else");
    assert_int_equal(writer_finish(&w, &err), -ERR_STATE);
    assert_string_equal(err.text, "cannot be written: the keyword x");
    writer_free(&w);
}

static void law9_the_maximum_holds(void **state)
{
    struct writer w;
    struct error err = ERROR_INIT;
    writer_init(&w, WRITER_LITERAL_SYNC, false, 8);
    writer_cstr(&w, "12345678");
    assert_int_equal(writer_finish(&w, &err), 0);
    writer_byte(&w, '9');
    assert_int_equal(writer_finish(&w, &err), -ERR_STATE);
    assert_int_equal(w.buf.len, 8);
    writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_take_the_form_they_need),
        cmocka_unit_test(numbers_are_decimal),
        cmocka_unit_test(literals_break_where_the_peer_must_answer),
        cmocka_unit_test(breaks_ascend_and_clear),
        cmocka_unit_test(long_strings_go_as_literals),
        cmocka_unit_test(the_first_failure_is_told),
        cmocka_unit_test(law9_the_maximum_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
