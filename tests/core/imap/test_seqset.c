#include "imap/seqset.h"
#include "imap/copyuid.h"
#include "imap/limits.h"
#include "imap/vanished.h"
#include "core/imap/imap_case.h"
#include "core/wire/dice.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static bool set(struct reader *r, struct arena *arena, struct writer *w)
{
    AUTO_SEQSET struct seqset value;
    bool good = seqset_read(r, &value);
    if (good) {
        seqset_write(w, &value);
    }
    return good;
}

static bool uids(struct reader *r, struct arena *arena, struct writer *w)
{
    AUTO_SEQSET struct seqset value;
    bool good = seqset_read_uids(r, &value);
    if (good) {
        seqset_write(w, &value);
    }
    return good;
}

static bool ordered(struct reader *r, struct arena *arena, struct writer *w)
{
    AUTO_SEQSET struct seqset value;
    bool good = seqset_read_ordered(r, &value);
    if (good) {
        seqset_write(w, &value);
    }
    return good;
}

static bool vanished(struct reader *r, struct arena *arena, struct writer *w)
{
    AUTO_SEQSET struct seqset value = {0};
    bool earlier;
    bool good = vanished_read(r, &earlier, &value) && reader_expect_crlf(r);
    if (good && seqset_is_empty(&value)) {
        writer_cstr(w, earlier ? "EARLIER nothing" : "nothing");
    } else if (good) {
        vanished_write(w, earlier, &value);
    }
    return good;
}

static bool copyuid(struct reader *r, struct arena *arena, struct writer *w)
{
    struct copyuid value;
    bool good = copyuid_read(r, &value);
    if (good) {
        copyuid_write(w, &value);
        copyuid_free(&value);
    }
    return good;
}

static bool appenduid(struct reader *r, struct arena *arena, struct writer *w)
{
    struct copyuid value;
    bool good = appenduid_read(r, &value);
    if (good) {
        appenduid_write(w, &value);
        copyuid_free(&value);
    }
    return good;
}

static void sets_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"one", set, "7", "7"},
        {"list", set, "1:3,7,9:*", "1:3,7,9:*"},
        {"star", set, "*", "*"},
        {"star first", set, "*:4", "4:*"},
        {"star twice", set, "*:*", "*"},
        {"descending range", set, "20:10", "10:20"},
        {"unsorted", set, "9,1:3,5", "1:3,5,9"},
        {"touching", set, "1,2,3:4,5:*", "1:*"},
        {"overlapping", set, "1:5,2:3,4:9", "1:9"},
        {"repeated", set, "7,7,7", "7"},
        {"inside star", set, "5:*,9,*", "5:*"},
        {"before star", set, "3,*", "3,*"},
        {"the largest number", set, "4294967294", "4294967294"},
        {"zero", set, "0", NULL},
        {"zero in a range", set, "0:4", NULL},
        {"over 32 bits", set, "4294967296", NULL},
        {"nothing", set, "", NULL},
        {"comma at the end", set, "1,", NULL},
        {"colon at the end", set, "1:", NULL},
        {"float", set, "9.3736e+06", NULL},
        {"letters", set, "abc", NULL},
        {"uid-set", uids, "5,1:3", "1:3,5"},
        {"uid-set with star", uids, "1:*", NULL},
        {"law1: a UID that would be sent back as *", uids, "3,4294967295", NULL},
        {"a range of UIDs to the last number", uids, "4294967295:5", "5:4294967294"},
        {"the last number, in order", ordered, "5,4294967295", NULL},
        {"order is kept", ordered, "304,319:320,3:1", "304,319:320,1:3"},
        {"ordered with star", ordered, "1,*", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void vanished_and_codes_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"live", vanished, "405,407,410:425\r\n", "VANISHED 405,407,410:425"},
        {"earlier", vanished, "(EARLIER) 300:310,405\r\n", "VANISHED (EARLIER) 300:310,405"},
        {"earlier in lower case", vanished, "(earlier)  7\r\n", "VANISHED (EARLIER) 7"},
        {"zero", vanished, "0,5\r\n", "VANISHED 5"},
        {"range from zero", vanished, "(EARLIER) 0:5\r\n", "VANISHED (EARLIER) 5"},
        {"only zero", vanished, "0\r\n", "nothing"},
        {"empty", vanished, "\r\n", "nothing"},
        {"empty earlier", vanished, "(EARLIER) \r\n", "EARLIER nothing"},
        {"repeated and unsorted", vanished, "5,3,5\r\n", "VANISHED 3,5"},
        {"star", vanished, "1:*\r\n", NULL},
        {"unknown word", vanished, "(LATER) 1\r\n", NULL},
        {"COPYUID", copyuid, "38505 304,319:320 3956:3958", "COPYUID 38505 304,319:320 3956:3958"},
        {"COPYUID keeps the order", copyuid, "1 9,3 5:6", "COPYUID 1 9,3 5:6"},
        {"COPYUID without validity", copyuid, "0 1 2", "COPYUID 0 1 2"},
        {"COPYUID of no UIDs", copyuid, "5 0 0", "COPYUID 5 0 0"},
        {"APPENDUID of none", appenduid, "0 0", "APPENDUID 0 0"},
        {"COPYUID without destination", copyuid, "1 2", NULL},
        {"COPYUID with star", copyuid, "1 1:* 2:3", NULL},
        {"COPYUID with zero", copyuid, "1 0 2", "COPYUID 1 0 2"},
        {"COPYUID over 32 bits", copyuid, "4294967296 1 2", NULL},
        {"APPENDUID", appenduid, "38505 3955", "APPENDUID 38505 3955"},
        {"APPENDUID of several", appenduid, "38505 3955:3957", "APPENDUID 38505 3955:3957"},
        {"APPENDUID without UID", appenduid, "38505", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static struct seqset from_text(const char *text)
{
    struct wire_input in;
    struct seqset out = {0};
    wire_open(&in, str_from(text), 0);
    if (text[0] != '\0') {
        assert_true(seqset_read_ordered(in.reader, &out));
    }
    wire_close(&in);
    return out;
}

static void copyuid_maps_one_by_one(void **state)
{
    static const struct {
        uint32_t uidvalidity;
        const char *source;
        const char *dest;
        uint32_t uid;
        uint32_t mapped;
    } cases[] = {
        {1, "304,319:320", "3956:3958", 304, 3956},
        {1, "304,319:320", "3956:3958", 320, 3958},
        {1, "304,319:320", "3956:3958", 305, 0},
        {1, "9,3", "5,8", 3, 8},
        {1, "9,3", "5,8", 9, 5},
        {1, "1:3", "5:6", 1, 0}, /* the sets do not correspond */
        {1, "1", "5:6", 1, 0},
        {0, "1", "5", 1, 0}, /* no UIDVALIDITY: not told */
        {1, "", "5", 5, 0},
        {1, "1:4294967294", "1:4294967294", 4294967294, 4294967294},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct copyuid c = {.uidvalidity = cases[i].uidvalidity,
                            .source = from_text(cases[i].source),
                            .dest = from_text(cases[i].dest)};
        assert_int_equal(copyuid_map(&c, cases[i].uid), cases[i].mapped);
        copyuid_free(&c);
    }
}

/* Against a plain array of 64 marks. */
static void sets_agree_with_a_model(void **state)
{
    enum { N = 64 };
    struct dice dice = {11};
    for (unsigned round = 0; round < 400; round++) {
        AUTO_SEQSET struct seqset value = {0};
        bool model[N + 2] = {false};
        for (unsigned step = 0; step < 30; step++) {
            uint32_t first = 1 + dice_below(&dice, N);
            uint32_t last = first + dice_below(&dice, N + 1 - first);
            bool add = dice_below(&dice, 3) != 0;
            if (add) {
                seqset_add_range(&value, first, last);
            } else {
                seqset_remove_range(&value, first, last);
            }
            for (uint32_t n = first; n <= last; n++) {
                model[n] = add;
            }
        }
        uint64_t count = 0;
        uint32_t cursor = 0;
        for (uint32_t n = 1; n <= N; n++) {
            assert_int_equal(seqset_contains(&value, n), model[n]);
            count += model[n] ? 1 : 0;
            if (model[n]) {
                assert_true(seqset_next(&value, &cursor));
                assert_int_equal(cursor, n);
            }
        }
        assert_false(seqset_next(&value, &cursor));
        assert_int_equal(seqset_count(&value), count);
        assert_int_equal(seqset_is_empty(&value), count == 0);
        for (size_t i = 1; i < value.len; i++) {
            assert_true(value.items[i].first > value.items[i - 1].last + 1);
        }
    }
}

static void star_counts_its_ends(void **state)
{
    AUTO_SEQSET struct seqset value = {0};
    uint32_t cursor = 0;
    seqset_add_range(&value, 5, SEQ_STAR);
    assert_true(seqset_has_star(&value));
    assert_int_equal(seqset_count(&value), 2);
    assert_true(seqset_next(&value, &cursor));
    assert_int_equal(cursor, 5);
    assert_true(seqset_next(&value, &cursor));
    assert_int_equal(cursor, SEQ_STAR);
    assert_false(seqset_next(&value, &cursor));
    assert_true(seqset_contains(&value, 7));
    assert_false(seqset_contains(&value, 4));
    seqset_add(&value, 4);
    assert_int_equal(value.len, 1);
    seqset_remove_range(&value, 6, 7);
    AUTO_SEQSET struct seqset expected = {0};
    seqset_add_range(&expected, 4, 5);
    seqset_add_range(&expected, 8, SEQ_STAR);
    assert_true(seqset_eq(&value, &expected));
    seqset_remove_range(&value, 1, SEQ_STAR);
    assert_true(seqset_is_empty(&value));
}

static void take_bounds_the_text_and_loses_nothing(void **state)
{
    struct dice dice = {12};
    for (unsigned round = 0; round < 200; round++) {
        AUTO_SEQSET struct seqset value = {0};
        AUTO_SEQSET struct seqset whole = {0};
        AUTO_SEQSET struct seqset together = {0};
        AUTO_SEQSET struct seqset part = {0};
        size_t max_bytes = 21 + dice_below(&dice, 80);
        for (unsigned i = 0; i < 50; i++) {
            seqset_add(&value, 1 + (uint32_t)(dice_next(&dice) >> dice_below(&dice, 24) >> 40));
        }
        seqset_add_set(&whole, &value);
        while (seqset_take(&value, max_bytes, &part)) {
            struct writer w;
            writer_init(&w, WRITER_LITERAL_SYNC, false, 10000);
            seqset_write(&w, &part);
            assert_true(w.buf.len <= max_bytes);
            seqset_add_set(&together, &part);
            writer_free(&w);
        }
        assert_true(seqset_is_empty(&value));
        assert_true(seqset_eq(&whole, &together));
    }
}

static void take_gives_one_range_at_least(void **state)
{
    AUTO_SEQSET struct seqset value = {0};
    AUTO_SEQSET struct seqset part = {0};
    seqset_add_range(&value, 1000000, 2000000);
    assert_true(seqset_take(&value, 3, &part));
    assert_int_equal(seqset_count(&part), 1000001);
    assert_false(seqset_take(&value, 3, &part));
}

static void an_empty_set_cannot_be_written(void **state)
{
    struct writer w;
    struct error err = ERROR_INIT;
    writer_init(&w, WRITER_LITERAL_SYNC, false, 100);
    seqset_write(&w, &(struct seqset){0});
    assert_int_equal(writer_finish(&w, &err), -ERR_STATE);
    writer_free(&w);
}

/* As many ranges as a set may have, from the far end (reading must not be quadratic), and one more.
 */
static void law9_ranges_are_bounded(void **state)
{
    struct reader_limits large = wire_test_limits;
    large.unit_bytes = 32 * 1024 * 1024;
    for (uint32_t extra = 0; extra < 2; extra++) {
        struct wire_input in;
        struct writer w;
        AUTO_SEQSET struct seqset value = {0};
        writer_init(&w, WRITER_LITERAL_SYNC, false, 32 * 1024 * 1024);
        for (uint32_t n = LIMIT_SET_RANGES + extra; n > 1; n--) {
            writer_number(&w, (uint64_t)n * 2);
            writer_byte(&w, ',');
        }
        writer_byte(&w, '2');
        wire_open_limits(&in, buf_str(&w.buf), 0, &large);
        assert_int_equal(seqset_read(in.reader, &value), extra == 0);
        assert_int_equal(value.len, extra == 0 ? LIMIT_SET_RANGES : 0);
        wire_close(&in);
        writer_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_read),
        cmocka_unit_test(vanished_and_codes_are_read),
        cmocka_unit_test(copyuid_maps_one_by_one),
        cmocka_unit_test(sets_agree_with_a_model),
        cmocka_unit_test(star_counts_its_ends),
        cmocka_unit_test(take_bounds_the_text_and_loses_nothing),
        cmocka_unit_test(take_gives_one_range_at_least),
        cmocka_unit_test(an_empty_set_cannot_be_written),
        cmocka_unit_test(law9_ranges_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
