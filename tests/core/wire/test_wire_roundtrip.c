#include "wire/reader.h"
#include "wire/writer.h"
#include "core/wire/dice.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What the writer writes the reader reads back equal: seeded, so that a failure can be repeated. */
#define ROUNDS 3000

static struct str random_bytes(struct dice *dice, char *out, size_t max)
{
    static const char likely[] = "abc \"\\{}()[]%*&+~\r\nNIL";
    size_t len = dice_below(dice, (uint32_t)max + 1);
    bool odd = dice_below(dice, 3) == 0;
    for (size_t i = 0; i < len; i++) {
        out[i] =
            odd ? (char)(1 + dice_below(dice, 255)) : likely[dice_below(dice, sizeof likely - 1)];
    }
    return str_make(out, len);
}

static void strings(void **state)
{
    struct dice dice = {1};
    for (unsigned round = 0; round < ROUNDS; round++) {
        char bytes[40];
        struct writer w;
        struct wire_input in;
        struct error err = ERROR_INIT;
        struct str value = random_bytes(&dice, bytes, sizeof bytes);
        struct str back[4];
        writer_init(&w, (enum writer_literals)dice_below(&dice, 4), dice_below(&dice, 2) == 0,
                    1000);
        writer_astring(&w, value);
        writer_sp(&w);
        writer_string(&w, value);
        writer_sp(&w);
        writer_nstring(&w, value);
        writer_sp(&w);
        writer_list_mailbox(&w, value);
        writer_crlf(&w);
        assert_int_equal(writer_finish(&w, &err), 0);
        wire_open(&in, buf_str(&w.buf), wire_chunks[dice_below(&dice, 4)]);
        (void)(reader_expect_astring(in.reader, &back[0]) && reader_expect_sp(in.reader) &&
               reader_expect_string(in.reader, &back[1]) && reader_expect_sp(in.reader) &&
               reader_expect_nstring(in.reader, &back[2]) && reader_expect_sp(in.reader) &&
               reader_expect_list_mailbox(in.reader, &back[3]) && reader_expect_crlf(in.reader));
        wire_assert_good(&in, w.buf.data);
        for (size_t i = 0; i < 4; i++) {
            assert_true(str_eq(back[i], value));
        }
        assert_true(reader_at_end(in.reader));
        wire_close(&in);
        writer_free(&w);
    }
}

static void numbers(void **state)
{
    struct dice dice = {2};
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t value = dice_next(&dice) >> dice_below(&dice, 64);
        uint64_t back[2] = {0};
        struct writer w;
        struct wire_input in;
        writer_init(&w, WRITER_LITERAL_SYNC, false, 1000);
        writer_number(&w, value);
        writer_sp(&w);
        writer_number(&w, value);
        writer_crlf(&w);
        wire_open(&in, buf_str(&w.buf), 0);
        assert_true(reader_expect_number64(in.reader, &back[0]) && reader_expect_sp(in.reader) &&
                    reader_expect_size(in.reader, &back[1]) && reader_expect_crlf(in.reader));
        assert_true(back[0] == value && back[1] == value);
        wire_close(&in);
        writer_free(&w);
    }
}

/* Whatever the bytes: it ends, and the reader reads no further than it may. */
static void noise(void **state)
{
    struct dice dice = {3};
    for (unsigned round = 0; round < ROUNDS; round++) {
        char bytes[60];
        struct wire_input in;
        struct str value;
        struct str data = random_bytes(&dice, bytes, sizeof bytes);
        wire_open(&in, data, wire_chunks[dice_below(&dice, 4)]);
        for (unsigned step = 0; step < 100 && !reader_at_end(in.reader); step++) {
            (void)(dice_below(&dice, 2) == 0 ? reader_skip_value(in.reader)
                                             : reader_expect_astring(in.reader, &value));
            (void)reader_accept_sp(in.reader);
            if (reader_failed(in.reader)) {
                break;
            }
        }
        assert_true(reader_offset(in.reader) <= data.len);
        wire_close(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),
        cmocka_unit_test(numbers),
        cmocka_unit_test(noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
