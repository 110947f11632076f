/* What a person writes, base subjects, windows over results, and the bounds of searches. */
#include "imap/limits.h"
#include "imap/sort.h"
#include "imap/thread.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* 2026-03-10 15:00 UTC */
#define NOW_S 1773154800

static void a_person_is_understood(void **state)
{
    static const struct {
        const char *words;
        const char *expected;
    } cases[] = {
        {"from alice since 2026-01-01 unseen or subject \"x\" text y not flagged larger 10K",
         "FROM \"alice\" SINCE 1-Jan-2026 UNSEEN OR SUBJECT \"x\" TEXT \"y\" NOT FLAGGED LARGER "
         "10240"},
        {"", "ALL"},
        {"  ", "ALL"},
        {"all", "ALL"},
        {"hello \"big world\"", "TEXT \"hello\" TEXT \"big world\""},
        {"\"seen\"", "TEXT \"seen\""},
        {"subject seen", "SUBJECT \"seen\""},
        {"FROM \"a \\\"b\\\" \\\\c\"", "FROM \"a \\\"b\\\" \\\\c\""},
        {"not (seen flagged)", "NOT (SEEN FLAGGED)"},
        {"or (seen) (from a to b)", "OR SEEN (FROM \"a\" TO \"b\")"},
        {"or or seen draft deleted", "OR OR SEEN DRAFT DELETED"},
        {"seen and flagged", "SEEN FLAGGED"},
        {"before today since yesterday", "BEFORE 10-Mar-2026 SINCE 9-Mar-2026"},
        {"since 7d before 2w", "SINCE 3-Mar-2026 BEFORE 24-Feb-2026"},
        {"on 1-feb-1994 senton 2024-02-29", "ON 1-Feb-1994 SENTON 29-Feb-2024"},
        {"larger 5 smaller 2M larger 1g", "LARGER 5 SMALLER 2097152 LARGER 1073741824"},
        {"older 3h younger 2w", "OLDER 10800 YOUNGER 1209600"},
        {"uid 5:7,9 1:3,* $", "UID 5:7,9 1:3,* $"},
        {"keyword $Junk unkeyword foo", "KEYWORD $Junk UNKEYWORD foo"},
        {"header List-Id \"a b\"", "HEADER List-Id \"a b\""},
        {"modseq 5 emailid M1 x-gm-raw \"in:inbox\"", "MODSEQ 5 EMAILID M1 X-GM-RAW \"in:inbox\""},
        {"fuzzy subject x", "FUZZY SUBJECT \"x\""},
        {"subject \"\"", "SUBJECT \"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        struct error err = ERROR_INIT;
        struct writer w;
        const struct search_key *key;
        writer_init(&w, WRITER_LITERAL_PLUS, false, 10000);
        if (search_parse(arena, str_from(cases[i].words), NOW_S, &key, &err) != 0) {
            fail_msg("%s: %s", cases[i].words, err.text);
        }
        search_keys_write(&w, key);
        assert_int_equal(writer_finish(&w, &err), 0);
        assert_string_equal(w.buf.data, cases[i].expected);
        writer_free(&w);
    }
}

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *words;
        const char *told; /* part of it */
    } cases[] = {
        {"from", "something must follow \"FROM\""},
        {"(seen", "a closing parenthesis is missing"},
        {"seen)", "a closing parenthesis that nothing opened"},
        {"()", "nothing stands in the parentheses"},
        {"or seen", "\"or\" takes the two keys"},
        {"(or seen) flagged", "\"or\" takes the two keys"},
        {"not", "a key must follow \"NOT\""},
        {"since tomorrow", "\"tomorrow\" does not fit \"SINCE\""},
        {"since 2026-02-30", "\"2026-02-30\" does not fit"},
        {"larger 5X", "\"5X\" does not fit \"LARGER\""},
        {"larger 99999999999999999999G", "does not fit"},
        {"older 0", "\"0\" does not fit"},
        {"uidafter 0", "\"0\" does not fit \"UIDAFTER\""},
        {"uidbefore 4294967296", "does not fit"},
        {"modseq 9223372036854775808", "does not fit"},
        {"uid x", "\"x\" does not fit \"UID\""},
        {"1:", "\"1:\" is no set"},
        {"0", "\"0\" is no set"},
        {"subject \"x", "the closing quote is missing"},
        {"\xff", "no UTF-8"},
        {"header a", "something must follow \"HEADER\""},
        {"and", "it ends where a key was expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        struct error err = ERROR_INIT;
        const struct search_key *key;
        assert_int_equal(search_parse(arena, str_from(cases[i].words), NOW_S, &key, &err),
                         -ERR_USAGE);
        if (strstr(err.text, cases[i].told) == NULL) {
            fail_msg("%s: %s", cases[i].words, err.text);
        }
    }
}

static void law9_searches_are_bounded(void **state)
{
    static const char *const pieces[] = {"not ", "(", "or seen ", "fuzzy "};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        struct error err = ERROR_INIT;
        struct buf text AUTO_BUF = BUF_INIT(10000000);
        const struct search_key *key;
        struct wire_input in;
        for (unsigned k = 0; k < 100000; k++) {
            buf_add_cstr(&text, pieces[i]);
        }
        assert_int_equal(search_parse(arena, buf_str(&text), NOW_S, &key, &err), -ERR_USAGE);
        wire_open(&in, buf_str(&text), 0);
        assert_false(search_keys_read(in.reader, in.arena, &key));
        wire_close(&in);
    }
    struct arena *arena AUTO_ARENA = arena_new();
    struct error err = ERROR_INIT;
    struct writer w;
    struct search_key *deep = search_all(arena);
    for (unsigned k = 0; k < 100000; k++) {
        deep = search_not(arena, deep);
    }
    writer_init(&w, WRITER_LITERAL_PLUS, false, 10000000);
    search_keys_write(&w, deep);
    assert_int_equal(writer_finish(&w, &err), -ERR_STATE);
    assert_false(search_uses_modseq(deep));
    writer_free(&w);
}

static void builders(void **state)
{
    struct arena *arena AUTO_ARENA = arena_new();
    struct error err = ERROR_INIT;
    struct writer w;
    struct seqset set AUTO_SEQSET = {0};
    seqset_add_range(&set, 5, 9);
    struct search_key *key = search_and(
        arena, search_or(arena, search_flag(arena, FLAG_SEEN, true), search_set(arena, &set, true)),
        search_not(arena, search_keyword(arena, STR("$Junk"), true)));
    key = search_and(arena, key, search_day(arena, SEARCH_SINCE, 2026, 2, 1));
    key = search_and(arena, key, search_number(arena, SEARCH_LARGER, 5));
    key = search_and(arena, key, search_header(arena, STR("X-A"), STR("b")));
    key = search_and(arena, key,
                     search_fuzzy(arena, search_text(arena, SEARCH_BODY, STR("\xc3\xa9"))));
    assert_false(search_uses_modseq(key));
    assert_true(search_is_8bit(key));
    writer_init(&w, WRITER_LITERAL_PLUS, false, 10000);
    search_keys_write(&w, key);
    assert_int_equal(writer_finish(&w, &err), 0);
    assert_string_equal(w.buf.data, "OR SEEN UID 5:9 NOT KEYWORD $Junk SINCE 1-Feb-2026 LARGER 5 "
                                    "HEADER X-A \"b\" FUZZY BODY {2+}\r\n\xc3\xa9");
    writer_free(&w);
}

static void what_cannot_be_written_fails(void **state)
{
    struct arena *arena AUTO_ARENA = arena_new();
    struct search_key *const keys[] = {
        search_text(arena, SEARCH_BODY, str_make("a\0b", 3)),
        search_keyword(arena, STR("a b"), true),
        search_flag(arena, FLAG_WILDCARD, true),
        search_text(arena, SEARCH_EMAILID, STR("a\r\nb")),
        search_set(arena, &(struct seqset){0}, true),
        search_day(arena, SEARCH_ON, 12000, 1, 1),
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct error err = ERROR_INIT;
        struct writer w;
        writer_init(&w, WRITER_LITERAL_PLUS, false, 10000);
        search_keys_write(&w, keys[i]);
        assert_int_equal(writer_finish(&w, &err), -ERR_STATE);
        writer_free(&w);
    }
}

static void law9_results_in_any_order_are_taken_in_time(void **state)
{
    struct buf text AUTO_BUF = BUF_INIT(40000000);
    struct wire_input in;
    struct search_result result;
    buf_add_cstr(&text, "");
    for (uint32_t n = 400000; n > 0; n -= 2) {
        buf_addf(&text, " %u", n);
    }
    buf_add_cstr(&text, "\r\n");
    struct reader_limits limits = wire_test_limits;
    limits.unit_bytes = 40000000;
    wire_open_limits(&in, buf_str(&text), 0, &limits);
    assert_true(search_result_read(in.reader, &result));
    assert_int_equal(seqset_count(&result.all), 200000);
    search_result_free(&result);
    wire_close(&in);
}

/* ---- SORT ---- */

static void sorting_is_told_in_words(void **state)
{
    struct error err = ERROR_INIT;
    struct sort_request request = {0};
    assert_int_equal(sort_parse(STR("reverse date, subject"), &request, &err), 0);
    assert_int_equal(request.criteria_len, 2);
    assert_int_equal(request.criteria[0].key, SORT_DATE);
    assert_true(request.criteria[0].reverse);
    assert_int_equal(request.criteria[1].key, SORT_SUBJECT);
    assert_false(request.criteria[1].reverse);
    static const char *const wrong[] = {"", "reverse", "foo", "reverse reverse date"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(sort_parse(str_from(wrong[i]), &request, &err), -ERR_USAGE);
    }
}

static void base_subjects(void **state)
{
    static const struct {
        const char *subject;
        const char *base;
        bool reply;
    } cases[] = {
        {"hello", "hello", false},
        {"Re: hello", "hello", true},
        {"re: RE: Fwd: FW: hello (fwd) (FWD)", "hello", true},
        {"Re [3]: hello", "hello", true},
        {"[list] hello", "hello", false},
        {"[list] [x] Re: [y] hello", "hello", true},
        {"[hello]", "[hello]", false},
        {"[a] [hello]", "[hello]", false},
        {"Re: [hello]", "[hello]", true},
        {"[fwd: Re: hello]", "hello", true},
        {"  a \t b\r\n c ", "a b c", false},
        {"Reply", "Reply", false},
        {"", "", false},
        {"Re:", "", true},
        {"[a[b]", "[a[b]", false},
        {"(fwd)", "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        bool reply;
        struct str base = sort_base_subject(arena, str_from(cases[i].subject), &reply);
        if (!str_eq(base, str_from(cases[i].base)) || reply != cases[i].reply) {
            fail_msg("%s: \"%.*s\"", cases[i].subject, STR_ARG(base));
        }
    }
}

static void law9_subjects_of_any_shape_are_taken_in_time(void **state)
{
    static const char *const pieces[] = {"[a]", "re:", "[fwd:", "(fwd)", "re[a]", " \t"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        struct buf text AUTO_BUF = BUF_INIT(10000000);
        bool reply;
        for (unsigned k = 0; k < 200000; k++) {
            buf_add_cstr(&text, pieces[i]);
        }
        assert_true(sort_base_subject(arena, buf_str(&text), &reply).len <= text.len);
    }
}

static void windows(void **state)
{
    static const struct {
        struct partial_range range;
        size_t count, begin, end;
    } cases[] = {
        {{false, 1, 100}, 50, 0, 50},  {{false, 10, 20}, 50, 9, 20},
        {{false, 51, 60}, 50, 50, 50}, {{true, 1, 10}, 50, 40, 50},
        {{true, 45, 60}, 50, 0, 6},    {{true, 51, 60}, 50, 0, 0},
        {{false, 1, 1}, 0, 0, 0},      {{true, 1, UINT32_MAX}, 3, 0, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t begin, end;
        partial_range_apply(&cases[i].range, cases[i].count, &begin, &end);
        assert_int_equal(begin, cases[i].begin);
        assert_int_equal(end, cases[i].end);
    }
}

/* ---- THREAD ---- */

static bool read_threads(const char *piece, unsigned times, const char *behind)
{
    struct buf text AUTO_BUF = BUF_INIT(40000000);
    struct wire_input in;
    struct thread_node *threads;
    struct writer w;
    struct error err = ERROR_INIT;
    for (unsigned k = 0; k < times; k++) {
        buf_add_cstr(&text, piece);
    }
    buf_add_cstr(&text, behind);
    struct reader_limits limits = wire_test_limits;
    limits.unit_bytes = 40000000;
    wire_open_limits(&in, buf_str(&text), 0, &limits);
    bool good = thread_result_read(in.reader, in.arena, &threads);
    writer_init(&w, WRITER_LITERAL_SERVER, false, 40000000);
    if (good) {
        thread_result_write(&w, threads);
        assert_int_equal(writer_finish(&w, &err), 0);
    }
    writer_free(&w);
    wire_close(&in);
    return good;
}

static void law9_threads_are_bounded(void **state)
{
    assert_false(read_threads("(1 ", 2000, "\r\n"));
    assert_false(read_threads("(", 2000, "\r\n"));
    assert_true(read_threads("(1)", 100000, "\r\n"));
    struct buf chain AUTO_BUF = BUF_INIT(1000000);
    buf_add_cstr(&chain, "(1");
    for (unsigned k = 0; k < 100000; k++) {
        buf_add_cstr(&chain, " 2");
    }
    buf_add_cstr(&chain, ")\r\n");
    assert_true(read_threads("", 0, chain.data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_is_understood),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(law9_searches_are_bounded),
        cmocka_unit_test(builders),
        cmocka_unit_test(what_cannot_be_written_fails),
        cmocka_unit_test(law9_results_in_any_order_are_taken_in_time),
        cmocka_unit_test(sorting_is_told_in_words),
        cmocka_unit_test(base_subjects),
        cmocka_unit_test(law9_subjects_of_any_shape_are_taken_in_time),
        cmocka_unit_test(windows),
        cmocka_unit_test(law9_threads_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
