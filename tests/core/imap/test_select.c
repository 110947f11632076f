#include "imap/append.h"
#include "imap/section.h"
#include "imap/select.h"
#include "core/imap/imap_case.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static bool select_params(struct reader *r, struct arena *arena, struct writer *w)
{
    struct select_params value;
    bool good = select_params_read(r, &value);
    if (good) {
        good = reader_expect_crlf(r);
        select_params_write(w, &value);
        seqset_free(&value.known_uids);
    }
    return good;
}

static bool append_params(struct reader *r, struct arena *arena, struct writer *w)
{
    struct append_params value;
    struct str message;
    bool good = append_params_read(r, arena, &value) && reader_expect_string(r, &message);
    if (good) {
        append_params_write(w, &value);
        writer_string(w, message);
    }
    return good;
}

static bool section(struct reader *r, struct arena *arena, struct writer *w)
{
    struct section value;
    bool good = section_read(r, arena, &value);
    if (good) {
        section_write(w, &value);
    }
    return good;
}

static void select_params_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"none", select_params, "\r\n", ""},
        {"a space", select_params, " \r\n", ""},
        {"condstore", select_params, " (CONDSTORE)\r\n", " (CONDSTORE)"},
        {"qresync", select_params, " (QRESYNC (67890007 20050715194045000))\r\n",
         " (QRESYNC (67890007 20050715194045000))"},
        {"qresync with UIDs", select_params,
         " (QRESYNC (67890007 90060115194045000 41,43:211,214:541))\r\n",
         " (QRESYNC (67890007 90060115194045000 41,43:211,214:541))"},
        {"qresync with a match", select_params, " (QRESYNC (1 2 41,43:211 (1,5 41,211)))\r\n",
         " (QRESYNC (1 2 41,43:211))"},
        {"qresync with a match alone", select_params, " (qresync (1 2 (1,5 41,211)))\r\n",
         " (QRESYNC (1 2))"},
        {"both", select_params, " ( CONDSTORE  QRESYNC (1 2) ) \r\n", " (QRESYNC (1 2))"},
        {"twice", select_params, " (QRESYNC (1 2 3:4) QRESYNC (1 2 5:6))\r\n", NULL},
        {"star", select_params, " (QRESYNC (1 2 1:*))\r\n", NULL},
        {"modseq zero", select_params, " (QRESYNC (1 0))\r\n", NULL},
        {"UIDVALIDITY zero", select_params, " (QRESYNC (0 1))\r\n", NULL},
        {"no modseq", select_params, " (QRESYNC (1))\r\n", NULL},
        {"unknown", select_params, " (FOO)\r\n", NULL},
        {"empty", select_params, " ()\r\n", NULL},
        {"no end", select_params, " (QRESYNC (1 2 3:4)\r\n", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void a_star_among_known_uids_cannot_be_written(void **state)
{
    struct writer w;
    struct error err = ERROR_INIT;
    struct select_params params = {.qresync = true, .uidvalidity = 1, .modseq = 2};
    seqset_add_range(&params.known_uids, 1, SEQ_STAR);
    writer_init(&w, WRITER_LITERAL_SYNC, false, 100);
    select_params_write(&w, &params);
    assert_int_equal(writer_finish(&w, &err), -ERR_STATE);
    seqset_free(&params.known_uids);
    writer_free(&w);
}

static void append_params_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"literal", append_params, " {1}\r\nx", " () \"x\""},
        {"flags", append_params, " (\\Seen foo) {1}\r\nx", " (\\Seen foo) \"x\""},
        {"empty flags", append_params, " () {1}\r\nx", " () \"x\""},
        {"Recent is left out", append_params, " (\\Recent) {1}\r\nx", " () \"x\""},
        {"date", append_params, " \"17-Jul-1996 02:44:25 -0700\" {1}\r\nx",
         " () \"17-Jul-1996 02:44:25 -0700\" \"x\""},
        {"both", append_params, "  (\\Draft)  \" 1-Jan-2000 00:00:00 +0100\"  {1+}\r\nx",
         " (\\Draft) \" 1-Jan-2000 00:00:00 +0100\" \"x\""},
        {"impossible date", append_params, " \"31-Feb-2000 00:00:00 +0000\" {1}\r\nx", NULL},
        {"no date", append_params, " \"yesterday\" {1}\r\nx", NULL},
        {"no space", append_params, "{1}\r\nx", NULL},
        {"no literal", append_params, " (\\Seen)\r\n", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void sections_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"whole", section, "[]", "[]"},
        {"header", section, "[header]", "[HEADER]"},
        {"text", section, "[TEXT]", "[TEXT]"},
        {"part", section, "[1.2.3]", "[1.2.3]"},
        {"part's header", section, "[4.1.HEADER]", "[4.1.HEADER]"},
        {"part's MIME", section, "[4.2.2.1.MIME]", "[4.2.2.1.MIME]"},
        {"fields", section, "[HEADER.FIELDS (DATE From)]", "[HEADER.FIELDS (DATE From)]"},
        {"fields as strings", section, "[1.header.fields.not  ( \"To\"  {4}\r\na b]  )]",
         "[1.HEADER.FIELDS.NOT (To \"a b]\")]"},
        {"partial", section, "[]<0.2048>", "[]<0.2048>"},
        {"origin", section, "[TEXT]<4294967295>", "[TEXT]<4294967295>"},
        {"32 deep", section, "[1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1]",
         "[1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1]"},
        {"33 deep", section, "[1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1]",
         NULL},
        {"part zero", section, "[0]", NULL},
        {"point at the end", section, "[1.]", "[1]"},
        {"two points", section, "[1..2]", NULL},
        {"MIME of the whole", section, "[MIME]", NULL},
        {"no fields", section, "[HEADER.FIELDS ()]", NULL},
        {"fields without list", section, "[HEADER.FIELDS]", NULL},
        {"unknown", section, "[FOO]", NULL},
        {"part over 32 bits", section, "[4294967296]", NULL},
        {"offset over 32 bits", section, "[]<4294967296>", NULL},
        {"empty partial", section, "[]<0.0>", NULL},
        {"no end", section, "[1", NULL},
        {"partial without end", section, "[]<1", NULL},
    };
    IMAP_CASES_RUN(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(select_params_are_read),
        cmocka_unit_test(a_star_among_known_uids_cannot_be_written),
        cmocka_unit_test(append_params_are_read),
        cmocka_unit_test(sections_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
