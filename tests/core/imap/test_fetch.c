#include "imap/fetch.h"
#include "imap/limits.h"
#include "core/imap/imap_case.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A sink that keeps what it is told, in words, and fails when asked to. */
enum sink_step { STEP_NEVER, STEP_BEGIN, STEP_PIECE, STEP_END };
struct test_sink {
    struct writer *w;
    enum sink_step fail_at;
};

static bool sink_step(struct test_sink *sink, enum sink_step step, struct error *err)
{
    if (sink->fail_at == step) {
        error_set(err, ERR_WRITE, SCOPE_MESSAGE, "disk full");
    }
    return sink->fail_at != step;
}

static bool sink_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    struct test_sink *sink = self;
    writer_format(sink->w, "{uid %u ", so_far->uid);
    section_write(sink->w, section);
    writer_format(sink->w, " %llu:", (unsigned long long)size);
    return sink_step(sink, STEP_BEGIN, err);
}

static bool sink_piece(void *self, struct str data, struct error *err)
{
    struct test_sink *sink = self;
    assert_true(data.len > 0);
    writer_raw(sink->w, data);
    return sink_step(sink, STEP_PIECE, err);
}

static bool sink_end(void *self, struct error *err)
{
    struct test_sink *sink = self;
    writer_cstr(sink->w, "} ");
    return sink_step(sink, STEP_END, err);
}

static bool read_and_show(struct reader *r, struct arena *arena, struct writer *w,
                          enum sink_step fail_at)
{
    struct test_sink self = {w, fail_at};
    struct fetch_sink sink = {sink_begin, sink_piece, sink_end, &self};
    struct error sink_error = ERROR_INIT;
    struct fetch_data value = {.seq = 12};
    if (!fetch_data_read(r, arena, &sink, &value, &sink_error)) {
        return false;
    }
    assert_int_equal(value.seq, 12);
    assert_int_equal(error_is_set(&sink_error), fail_at != STEP_NEVER);
    fetch_data_write_items(w, &value);
    if (value.body_is_nil) {
        writer_cstr(w, " no body");
    }
    return true;
}

static bool fetch(struct reader *r, struct arena *arena, struct writer *w)
{
    return read_and_show(r, arena, w, STEP_NEVER);
}

static void data_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"flags", fetch, "(UID 7 FLAGS (\\Seen $Forwarded))", "UID 7 FLAGS (\\Seen $Forwarded)"},
        {"no flags", fetch, "(FLAGS ())", "FLAGS ()"},
        {"items in another order", fetch, "(RFC822.SIZE 5 FLAGS (\\Draft) UID 4294967294)",
         "UID 4294967294 FLAGS (\\Draft) RFC822.SIZE 5"},
        {"any case", fetch, "(uid 7 Flags (\\SEEN))", "UID 7 FLAGS (\\Seen)"},
        {"date", fetch, "(INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")",
         "INTERNALDATE \"17-Jul-1996 02:44:25 -0700\""},
        {"modseq", fetch, "(UID 1 MODSEQ (9223372036854775807))",
         "UID 1 MODSEQ (9223372036854775807)"},
        {"object ids", fetch, "(EMAILID (M1-x_y) THREADID (T1))", "EMAILID (M1-x_y) THREADID (T1)"},
        {"object ids NIL", fetch, "(EMAILID NIL THREADID nil)", "EMAILID NIL THREADID NIL"},
        {"Gmail ids of 64 bits", fetch,
         "(X-GM-MSGID 18446744073709551615 X-GM-THRID 1278455344230334865)",
         "X-GM-MSGID 18446744073709551615 X-GM-THRID 1278455344230334865"},
        {"large size", fetch, "(RFC822.SIZE 9223372036854775807)",
         "RFC822.SIZE 9223372036854775807"},
        {"envelope and structure", fetch,
         "(ENVELOPE (NIL \"x\" ((NIL NIL \"a\" \"b\")) {2}\r\n)) NIL) BODYSTRUCTURE ((\"TEXT\" "
         "\"PLAIN\" NIL)(\"A\" \"B\") \"MIXED\") BODY (\"TEXT\") UID 3)",
         "UID 3 ENVELOPE (NIL \"x\" ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL NIL NIL) "
         "BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0 NIL NIL NIL NIL)(\"A\" \"B\" "
         "NIL NIL NIL \"7BIT\" 0 NIL NIL NIL NIL) \"MIXED\" NIL NIL NIL NIL) "
         "BODY ((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0)(\"A\" \"B\" NIL NIL NIL \"7BIT\" 0) "
         "\"MIXED\")"},
        {"Recent", fetch, "(FLAGS (\\Recent \\Seen))", "FLAGS (\\Seen \\Recent)"},
        {"nothing", fetch, "()", ""},
    };
    IMAP_CASES_RUN(cases);
}

static void bodies_go_to_the_sink(void **state)
{
    static const struct imap_case cases[] = {
        {"literal", fetch, "(UID 7 BODY[] {5}\r\nab)\r\n)", "{uid 7 [] 5:ab)\r\n} UID 7"},
        {"body before the UID", fetch, "(BODY[] {2}\r\nab UID 7)", "{uid 0 [] 2:ab} UID 7"},
        {"quoted", fetch, "(UID 7 BODY[TEXT] \"a\\\"b\")", "{uid 7 [TEXT] 3:a\"b} UID 7"},
        {"empty quoted", fetch, "(UID 7 BODY[] \"\")", "{uid 7 [] 0:} UID 7"},
        {"empty literal", fetch, "(UID 7 BODY[] {0}\r\n)", "{uid 7 [] 0:} UID 7"},
        {"NIL", fetch, "(UID 7 BODY[] NIL)", "UID 7 no body"},
        {"literal8", fetch, "(UID 7 BODY[] ~{3}\r\nabc)", "{uid 7 [] 3:abc} UID 7"},
        {"literal+ from a server", fetch, "(UID 7 BODY[] {3+}\r\nabc)", "{uid 7 [] 3:abc} UID 7"},
        {"header fields", fetch, "(BODY[HEADER.FIELDS (Subject \"x y\")] {2}\r\n\r\n UID 7)",
         "{uid 0 [HEADER.FIELDS (Subject \"x y\")] 2:\r\n} UID 7"},
        {"partial", fetch, "(UID 7 BODY[1.2.MIME]<100> {1}\r\nx)",
         "{uid 7 [1.2.MIME]<100> 1:x} UID 7"},
        {"two sections", fetch, "(UID 7 BODY[1] {1}\r\nx BODY[2] \"y\")",
         "{uid 7 [1] 1:x} {uid 7 [2] 1:y} UID 7"},
        {"answered as it was asked", fetch, "(UID 7 BODY.PEEK[] {1}\r\nx)", "{uid 7 [] 1:x} UID 7"},
    };
    IMAP_CASES_RUN(cases);
}

static void tolerated(void **state)
{
    static const struct imap_case cases[] = {
        {"double spaces", fetch, "( UID  7  FLAGS ( \\Seen   foo ) )", "UID 7 FLAGS (\\Seen foo)"},
        {"quoted flags", fetch, "(FLAGS (\"\\\\Seen\" \"foo\" \"\"))", "FLAGS (\\Seen foo)"},
        {"] in a keyword", fetch, "(FLAGS (a]b [c] \\Seen))", "FLAGS (\\Seen a]b [c])"},
        {"unknown system flag", fetch, "(FLAGS (\\XYZ \\Seen))", "FLAGS (\\Seen \\XYZ)"},
        {"float size", fetch, "(RFC822.SIZE 9.3736e+06 UID 7)", "UID 7 RFC822.SIZE 9373600"},
        {"MODSEQ -1", fetch, "(UID 7 MODSEQ (-1))", "UID 7"},
        {"MODSEQ 0", fetch, "(UID 7 MODSEQ (0))", "UID 7"},
        {"impossible date", fetch, "(INTERNALDATE \"00-Jan-0000 00:00:00 +0000\" UID 7)",
         "UID 7 INTERNALDATE \" 1-Jan-1970 00:00:00 +0000\""},
        {"Gmail labels", fetch,
         "(X-GM-LABELS (\\Inbox [Gmail]/foo \"a b\" +x\\y {3}\r\n) ( Sent) UID 7)",
         "UID 7 X-GM-LABELS (\"\\\\Inbox\" [Gmail]/foo \"a b\" \"+x\\\\y\" \") (\" Sent)"},
        {"unknown items", fetch,
         "(X-FOO bar X-BAR (a (b)) X-BAZ \"c\" X-BIN[1.2]<0> ~{3}\r\n)\r\n X-BIN.SIZE[1] 5 UID "
         "7)",
         "UID 7"},
        {"preview", fetch, "(PREVIEW \"hello ) there\" UID 7)", "UID 7 PREVIEW \"hello ) there\""},
        {"save date NIL", fetch, "(SAVEDATE NIL UID 7)", "UID 7 SAVEDATE NIL"},
        {"old item", fetch, "(RFC822.HEADER {2}\r\n)) UID 7)", "{uid 0 [HEADER] 2:))} UID 7"},
    };
    IMAP_CASES_RUN(cases);
}

static void refused(void **state)
{
    static const struct imap_case cases[] = {
        {"float UID", fetch, "(UID 9.3736e+06)", NULL},
        {"UID runs on", fetch, "(UID 9e6 (x))", NULL},
        {"negative UID", fetch, "(UID -1)", NULL},
        {"zero UID", fetch, "(UID 0)", NULL},
        {"law1: a UID that would be sent back as *", fetch, "(UID 4294967295)", NULL},
        {"UID over 32 bits", fetch, "(UID 4294967296)", NULL},
        {"MODSEQ over 63 bits", fetch, "(MODSEQ (9223372036854775808))", NULL},
        {"MODSEQ as 2^64-1", fetch, "(MODSEQ (18446744073709551615))", NULL},
        {"size over 64 bits", fetch, "(RFC822.SIZE 18446744073709551616)", NULL},
        {"an atom as a body", fetch, "(BODY[] abc)", NULL},
        {"a list as a body", fetch, "(BODY[] (abc))", NULL},
        {"unknown section", fetch, "(BODY[FOO] \"\")", NULL},
        {"no list", fetch, "UID 7", NULL},
        {"item without value", fetch, "(UID)", NULL},
        {"no end", fetch, "(UID 7", NULL},
        {"literal over the limit", fetch, "(BODY[] {1000001}\r\nx)", NULL},
        {"literal cut off", fetch, "(BODY[] {10}\r\nabc", NULL},
        {"nested too deep", fetch, "(BODYSTRUCTURE ((((((((((((a)))))))))))))", NULL},
        {"date as a number", fetch, "(INTERNALDATE 5)", NULL},
        {"flags without list", fetch, "(FLAGS \\Seen)", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static bool fail_begin(struct reader *r, struct arena *arena, struct writer *w)
{
    return read_and_show(r, arena, w, STEP_BEGIN);
}

static bool fail_piece(struct reader *r, struct arena *arena, struct writer *w)
{
    return read_and_show(r, arena, w, STEP_PIECE);
}

static bool fail_end(struct reader *r, struct arena *arena, struct writer *w)
{
    return read_and_show(r, arena, w, STEP_END);
}

/* The rest of the response is consumed, and nothing more is stored. */
static void law7_a_sink_that_fails_stops_the_storing_only(void **state)
{
    static const struct imap_case cases[] = {
        {"at the beginning", fail_begin, "(UID 7 BODY[1] {2}\r\nab BODY[2] \"y\" FLAGS ())",
         "{uid 7 [1] 2:UID 7 FLAGS ()"},
        {"at a piece", fail_piece, "(UID 7 BODY[1] \"ab\" BODY[2] {1}\r\ny FLAGS ())",
         "{uid 7 [1] 2:abUID 7 FLAGS ()"},
        {"at the end of a string", fail_end, "(UID 7 BODY[1] \"ab\" BODY[2] {1}\r\ny FLAGS ())",
         "{uid 7 [1] 2:ab} UID 7 FLAGS ()"},
        {"at the end of a literal", fail_end, "(UID 7 BODY[1] {2}\r\nab BODY[2] \"y\" FLAGS ())",
         "{uid 7 [1] 2:ab} UID 7 FLAGS ()"},
    };
    IMAP_CASES_RUN(cases);
}

static void without_a_sink_bodies_are_dropped(void **state)
{
    struct wire_input in;
    struct fetch_data value = {.seq = 1};
    wire_open(&in, STR("(UID 7 BODY[] {5}\r\n(abc) FLAGS ())"), 3);
    assert_true(fetch_data_read(in.reader, in.arena, NULL, &value, NULL));
    assert_int_equal(value.body_size, 5);
    assert_int_equal(value.have, FETCH_UID | FETCH_BODY_SECTION | FETCH_FLAGS);
    wire_close(&in);
}

static void law9_flags_are_bounded(void **state)
{
    for (size_t extra = 0; extra < 2; extra++) {
        struct wire_input in;
        struct writer w;
        struct imap_flags flags;
        writer_init(&w, WRITER_LITERAL_SYNC, false, 100000);
        writer_cstr(&w, "(\\Seen");
        for (size_t i = 0; i < LIMIT_FLAGS + extra; i++) {
            writer_format(&w, " k%zu", i);
        }
        writer_byte(&w, ')');
        wire_open(&in, buf_str(&w.buf), 0);
        assert_int_equal(flags_read(in.reader, in.arena, &flags), extra == 0);
        if (extra == 0) {
            assert_int_equal(flags.keywords_len, LIMIT_FLAGS);
            assert_true(flags_have_keyword(&flags, STR("K511")));
            assert_false(flags_have_keyword(&flags, STR("k512")));
        }
        wire_close(&in);
        writer_free(&w);
    }
}

static bool bare_flags(struct reader *r, struct arena *arena, struct writer *w)
{
    struct imap_flags flags;
    bool good = flags_read_bare(r, arena, &flags) && reader_expect_crlf(r);
    if (good) {
        flags_write_permanent(w, &flags);
    }
    return good;
}

static void store_takes_flags_without_parentheses(void **state)
{
    static const struct imap_case cases[] = {
        {"list", bare_flags, "(\\Seen foo)\r\n", "(\\Seen foo)"},
        {"one", bare_flags, "\\Seen\r\n", "(\\Seen)"},
        {"several", bare_flags, "\\Seen foo  \\Deleted \r\n", "(\\Deleted \\Seen foo)"},
        {"star", bare_flags, "(foo \\*)\r\n", "(foo \\*)"},
        {"none", bare_flags, "\r\n", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void keywords_that_would_break_the_line_are_refused(void **state)
{
    static const struct {
        struct str keyword;
        bool valid;
    } cases[] = {
        {{"$Forwarded", 10}, true}, {{"a]b", 3}, true},     {{"\\XYZ", 4}, true},
        {{"", 0}, false},           {{"\\", 1}, false},     {{"a b", 3}, false},
        {{"a)", 2}, false},         {{"a\r\nb", 4}, false}, {{"caf\xc3\xa9", 5}, false},
        {{"\\*", 2}, false},        {{"a\\b", 3}, false},   {{"a\0", 2}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer w;
        struct error err = ERROR_INIT;
        struct str keyword = cases[i].keyword;
        struct imap_flags flags = {.keywords = &keyword, .keywords_len = 1};
        assert_int_equal(flags_keyword_is_valid(keyword), cases[i].valid);
        writer_init(&w, WRITER_LITERAL_SYNC, false, 100);
        flags_write(&w, &flags);
        assert_int_equal(writer_finish(&w, &err), cases[i].valid ? 0 : -ERR_STATE);
        writer_free(&w);
    }
}

/* What was asked for, written again. */
static bool request(struct reader *r, struct arena *arena, struct writer *w)
{
    struct fetch_request value;
    if (!fetch_request_read(r, arena, &value) || !reader_expect_crlf(r)) {
        return false;
    }
    fetch_request_write(w, &value);
    return true;
}

static void requests_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"one item", request, "FLAGS\r\n", "(FLAGS)"},
        {"list", request, "(UID FLAGS BODY.PEEK[])\r\n", "(UID FLAGS BODY.PEEK[])"},
        {"FAST", request, "FAST\r\n", "(FLAGS INTERNALDATE RFC822.SIZE)"},
        {"ALL", request, "all\r\n", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"},
        {"FULL", request, "FULL\r\n", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)"},
        {"RFC822", request, "(UID RFC822)\r\n", "(UID RFC822)"},
        {"RFC822.HEADER", request, "RFC822.HEADER\r\n", "(RFC822.HEADER)"},
        {"RFC822.TEXT", request, "RFC822.TEXT\r\n", "(RFC822.TEXT)"},
        {"structures", request, "(BODY BODYSTRUCTURE)\r\n", "(BODYSTRUCTURE BODY)"},
        {"two sections", request, "(BODY.PEEK[1.MIME] BODY[2]<0.100>)\r\n",
         "(BODY[1.MIME] BODY[2]<0.100>)"},
        {"changed since", request, "(FLAGS) (CHANGEDSINCE 12345)\r\n",
         "(FLAGS) (CHANGEDSINCE 12345)"},
        {"vanished", request, "(UID) (CHANGEDSINCE 5 VANISHED)\r\n",
         "(UID) (CHANGEDSINCE 5 VANISHED)"},
        {"extra spaces", request, "( UID  FLAGS )  ( VANISHED  CHANGEDSINCE 5 ) \r\n",
         "(UID FLAGS) (CHANGEDSINCE 5 VANISHED)"},
        {"unknown item", request, "(FOO)\r\n", NULL},
        {"empty list", request, "()\r\n", NULL},
        {"unknown modifier", request, "FLAGS (FOO 1)\r\n", NULL},
        {"PEEK without section", request, "BODY.PEEK\r\n", NULL},
        {"empty partial", request, "BODY[]<0.0>\r\n", NULL},
        {"changed since over 63 bits", request, "FLAGS (CHANGEDSINCE 9223372036854775808)\r\n",
         NULL},
    };
    IMAP_CASES_RUN(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_are_read),
        cmocka_unit_test(bodies_go_to_the_sink),
        cmocka_unit_test(tolerated),
        cmocka_unit_test(refused),
        cmocka_unit_test(law7_a_sink_that_fails_stops_the_storing_only),
        cmocka_unit_test(without_a_sink_bodies_are_dropped),
        cmocka_unit_test(law9_flags_are_bounded),
        cmocka_unit_test(store_takes_flags_without_parentheses),
        cmocka_unit_test(keywords_that_would_break_the_line_are_refused),
        cmocka_unit_test(requests_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
