#include "imap/capability.h"
#include "imap/id.h"
#include "imap/limits.h"
#include "imap/list.h"
#include "imap/namespace.h"
#include "imap/status.h"
#include "core/imap/imap_case.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static bool capabilities(struct reader *r, struct arena *arena, struct writer *w)
{
    struct capabilities value;
    bool good = capabilities_read(r, &value) && (reader_accept(r, ']') || reader_expect_crlf(r));
    if (good) {
        capabilities_write(w, &value);
    }
    return good;
}

static bool list(struct reader *r, struct arena *arena, struct writer *w)
{
    struct list_entry value;
    bool good = list_entry_read(r, &value) && reader_expect_crlf(r);
    if (good) {
        list_entry_write(w, "LIST", &value);
    }
    return good;
}

static bool status(struct reader *r, struct arena *arena, struct writer *w)
{
    struct status_data value;
    bool good = status_data_read(r, &value) && reader_expect_crlf(r);
    if (good) {
        status_data_write(w, &value);
    }
    return good;
}

static bool status_items(struct reader *r, struct arena *arena, struct writer *w)
{
    unsigned value;
    bool good = status_items_read(r, &value);
    if (good) {
        status_items_write(w, value);
    }
    return good;
}

static bool namespaces(struct reader *r, struct arena *arena, struct writer *w)
{
    struct namespaces value;
    bool good = namespaces_read(r, arena, &value) && reader_expect_crlf(r);
    if (good) {
        namespaces_write(w, &value);
    }
    return good;
}

static bool id(struct reader *r, struct arena *arena, struct writer *w)
{
    struct id_fields value;
    bool good = id_read(r, arena, &value) && reader_expect_crlf(r);
    if (good) {
        id_write(w, &value);
    }
    return good;
}

static void capabilities_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"some", capabilities, "IMAP4rev1 IDLE AUTH=PLAIN\r\n", "IMAP4rev1 IDLE AUTH=PLAIN"},
        {"in a code", capabilities, "IMAP4rev1 SASL-IR]", "IMAP4rev1 SASL-IR"},
        {"none", capabilities, "\r\n", ""},
        {"lower case", capabilities, "imap4REV1 literal+ auth=scram-sha-256-plus\r\n",
         "IMAP4rev1 LITERAL+ AUTH=SCRAM-SHA-256-PLUS"},
        {"LITERAL +", capabilities, "IMAP4rev1 LITERAL + IDLE\r\n", "IMAP4rev1 LITERAL+ IDLE"},
        {"extra spaces", capabilities, "  IMAP4rev1   IDLE  \r\n", "IMAP4rev1 IDLE"},
        {"unknown", capabilities, "IMAP4rev1 X-FOO=BAR X-RIGHTS=texk IDLE\xe9 THREAD=FOO\r\n",
         "IMAP4rev1"},
        {"rights in any order", capabilities, "RIGHTS=kxte ACL\r\n", "ACL RIGHTS=texk"},
        {"repeated", capabilities, "IDLE IDLE\r\n", "IDLE"},
        {"limits", capabilities, "APPENDLIMIT=35651584 MESSAGELIMIT=1000\r\n",
         "APPENDLIMIT=35651584 MESSAGELIMIT=1000"},
        {"limit without number", capabilities, "APPENDLIMIT\r\n", "APPENDLIMIT"},
        {"limit with no number", capabilities, "APPENDLIMIT=x MESSAGELIMIT=99999999999\r\n",
         "APPENDLIMIT MESSAGELIMIT"},
        {"UTF8=ONLY implies ACCEPT", capabilities, "UTF8=ONLY\r\n", "UTF8=ACCEPT"},
        {"QRESYNC implies CONDSTORE", capabilities, "QRESYNC\r\n", "CONDSTORE QRESYNC"},
        {"no parameters on others", capabilities, "IDLE=5 COMPRESS=LZ4\r\n", ""},
        {"the last of them", capabilities, "AUTH=OAUTHBEARER X-GM-EXT-1\r\n",
         "X-GM-EXT-1 AUTH=OAUTHBEARER"},
        {"a parenthesis", capabilities, "IMAP4rev1 (IDLE)\r\n", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void every_capability_has_a_name_of_its_own(void **state)
{
    for (unsigned i = 0; i < CAP_COUNT; i++) {
        enum capability found;
        assert_non_null(capability_name((enum capability)i));
        assert_true(capability_parse(str_from(capability_name((enum capability)i)), &found));
        assert_int_equal(found, i);
    }
    enum capability found;
    assert_true(capability_parse(STR("appendlimit=5"), &found));
    assert_int_equal(found, CAP_APPENDLIMIT);
    assert_false(capability_parse(STR("IDLE=5"), &found));
    assert_false(capability_parse(STR(""), &found));
    struct capabilities caps = {0};
    capabilities_set(&caps, CAP_AUTH_OAUTHBEARER, true);
    assert_true(capabilities_have(&caps, CAP_AUTH_OAUTHBEARER));
    assert_false(capabilities_have(&caps, CAP_AUTH_XOAUTH2));
    capabilities_set(&caps, CAP_AUTH_OAUTHBEARER, false);
    assert_false(capabilities_have(&caps, CAP_AUTH_OAUTHBEARER));
}

static void law9_capabilities_are_bounded(void **state)
{
    for (size_t extra = 0; extra < 2; extra++) {
        struct wire_input in;
        struct writer w;
        struct capabilities value;
        writer_init(&w, WRITER_LITERAL_SYNC, false, 10000);
        for (size_t i = 0; i < LIMIT_CAPABILITIES + extra; i++) {
            writer_cstr(&w, "X ");
        }
        writer_crlf(&w);
        wire_open(&in, buf_str(&w.buf), 0);
        assert_int_equal(capabilities_read(in.reader, &value), extra == 0);
        wire_close(&in);
        writer_free(&w);
    }
}

static void lists_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"plain", list, "(\\HasNoChildren) \"/\" INBOX\r\n", "LIST (\\HasNoChildren) \"/\" INBOX"},
        {"no attributes", list, "() \".\" a.b\r\n", "LIST () \".\" a.b"},
        {"special use", list, "(\\Sent \\Subscribed) \"/\" \"Sent Mail\"\r\n",
         "LIST (\\Subscribed \\Sent) \"/\" \"Sent Mail\""},
        {"any case", list, "(\\noselect \\HASCHILDREN) \"/\" x\r\n",
         "LIST (\\Noselect \\HasChildren) \"/\" x"},
        {"NIL delimiter", list, "() NIL x\r\n", "LIST () NIL x"},
        {"empty delimiter", list, "() \"\" x\r\n", "LIST () NIL x"},
        {"backslash delimiter", list, "() \"\\\\\" x\r\n", "LIST () \"\\\\\" x"},
        {"NonExistent implies Noselect", list, "(\\NonExistent) \"/\" x\r\n",
         "LIST (\\Noselect \\NonExistent) \"/\" x"},
        {"literal name", list, "() \"/\" {5}\r\na\\b\"c\r\n", "LIST () \"/\" \"a\\\\b\\\"c\""},
        {"brackets", list, "(\\All) \"/\" [Gmail]/All\r\n", "LIST (\\All) \"/\" [Gmail]/All"},
        {"extended data", list,
         "() \"/\" x (\"CHILDINFO\" (\"SUBSCRIBED\") OLDNAME ({1}\r\n)))\r\n",
         "LIST () \"/\" x (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (\")\"))"},
        {"unknown attributes", list, "(\\X-Foo \\Sent \\*) \"/\" x\r\n", "LIST (\\Sent) \"/\" x"},
        {"quoted attributes", list, "(\"\\\\Sent\") \"/\" x\r\n", "LIST (\\Sent) \"/\" x"},
        {"extra spaces", list, " ( \\Sent  \\Marked )  \"/\"  x  \r\n",
         "LIST (\\Marked \\Sent) \"/\" x"},
        {"XLIST", list, "(\\Inbox \\Starred) \"/\" x\r\n", "LIST (\\Flagged \\Inbox) \"/\" x"},
        {"XLIST's others", list, "(\\AllMail \\Spam) \"/\" x\r\n", "LIST (\\All \\Junk) \"/\" x"},
        {"odd characters", list, "() \"/\" a{b\\%*\xe9\r\n", "LIST () \"/\" {7}\r\na{b\\%*\xe9"},
        {"a mailbox named NIL", list, "() \"/\" NIL\r\n", "LIST () \"/\" \"NIL\""},
        {"delimiter of two", list, "() \"//\" x\r\n", NULL},
        {"delimiter without quotes", list, "() / x\r\n", NULL},
        {"no name", list, "() \"/\"\r\n", NULL},
        {"no attributes at all", list, "\"/\" x\r\n", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void every_attribute_has_a_name(void **state)
{
    for (uint32_t bit = 1; bit <= LIST_INBOX; bit <<= 1) {
        uint32_t found;
        assert_true(list_attribute_parse(str_from(list_attribute_name(bit)), &found));
        assert_int_equal(found, bit);
    }
}

static void statuses_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"some", status, "INBOX (MESSAGES 231 UIDNEXT 44292)\r\n",
         "STATUS INBOX (MESSAGES 231 UIDNEXT 44292)"},
        {"all", status,
         "\"a b\" (APPENDLIMIT 9 MAILBOXID (F22-1) HIGHESTMODSEQ 7011231777 SIZE 4294967296 "
         "DELETED 1 "
         "RECENT 2 UNSEEN 3 UIDVALIDITY 4 UIDNEXT 5 MESSAGES 6)\r\n",
         "STATUS \"a b\" (MESSAGES 6 UIDNEXT 5 UIDVALIDITY 4 UNSEEN 3 RECENT 2 DELETED 1 SIZE "
         "4294967296 HIGHESTMODSEQ 7011231777 MAILBOXID (F22-1) APPENDLIMIT 9)"},
        {"empty list", status, "x ()\r\n", "STATUS x ()"},
        {"literal name", status, "{3}\r\na b (MESSAGES 1)\r\n", "STATUS \"a b\" (MESSAGES 1)"},
        {"brackets", status, "[Gmail]/x (messages 1)\r\n", "STATUS [Gmail]/x (MESSAGES 1)"},
        {"extra spaces", status, " x  ( MESSAGES  1 ) \r\n", "STATUS x (MESSAGES 1)"},
        {"unknown items", status, "x (FOO (a (b)) MESSAGES 1 X-BAR \"c\")\r\n",
         "STATUS x (MESSAGES 1)"},
        {"float size", status, "x (SIZE 9.3736e+06)\r\n", "STATUS x (SIZE 9373600)"},
        {"modseq -1", status, "x (HIGHESTMODSEQ -1)\r\n", "STATUS x (HIGHESTMODSEQ 0)"},
        {"no modseq", status, "x (HIGHESTMODSEQ NIL MESSAGES 1)\r\n", "STATUS x (MESSAGES 1)"},
        {"no append limit", status, "x (APPENDLIMIT NIL MESSAGES 1)\r\n", "STATUS x (MESSAGES 1)"},
        {"a MAILBOXID that is freed memory", status,
         "x (MAILBOXID (\x5c\x8a[\xf3U) MESSAGES 1)\r\n", "STATUS x (MESSAGES 1)"},
        {"and parentheses in it", status, "x (MAILBOXID (\x8a)(V) MESSAGES 1)\r\n",
         "STATUS x (MESSAGES 1)"},
        {"no MAILBOXID in it", status, "x (MAILBOXID () MESSAGES 1)\r\n", "STATUS x (MESSAGES 1)"},
        {"a MAILBOXID without an end", status, "x (MAILBOXID (ab MESSAGES 1\r\n", NULL},
        {"float UIDNEXT", status, "x (UIDNEXT 9.3736e+06)\r\n", NULL},
        {"UIDVALIDITY over 32 bits", status, "x (UIDVALIDITY 4294967296)\r\n", NULL},
        {"modseq over 63 bits", status, "x (HIGHESTMODSEQ 9223372036854775808)\r\n", NULL},
        {"negative count", status, "x (MESSAGES -1)\r\n", NULL},
        {"no list", status, "x\r\n", NULL},
        {"no value", status, "x (MESSAGES)\r\n", NULL},
        {"asked for", status_items, "(UIDNEXT messages  HIGHESTMODSEQ)",
         "(MESSAGES UIDNEXT HIGHESTMODSEQ)"},
        {"asked for nothing", status_items, "()", "()"},
        {"asked for the unknown", status_items, "(FOO)", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void namespaces_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"one", namespaces, "((\"\" \"/\")) NIL NIL\r\n", "((\"\" \"/\")) NIL NIL"},
        {"prefix", namespaces, "((\"INBOX.\" \".\")) NIL NIL\r\n", "((\"INBOX.\" \".\")) NIL NIL"},
        {"several", namespaces,
         "((\"\" \"/\")(\"#mh/\" \"/\" \"X-PARAM\" (\"FLAG1\" \"FLAG2\"))) ((\"~\" \"/\")) "
         "((\"#s\" "
         "\".\"))\r\n",
         "((\"\" \"/\")(\"#mh/\" \"/\")) ((\"~\" \"/\")) ((\"#s\" \".\"))"},
        {"NIL delimiter", namespaces, "((\"\" NIL)) NIL NIL\r\n", "((\"\" NIL)) NIL NIL"},
        {"all NIL", namespaces, "NIL NIL NIL\r\n", "NIL NIL NIL"},
        {"groups left out", namespaces, "((\"\" \"/\"))\r\n", "((\"\" \"/\")) NIL NIL"},
        {"extra spaces", namespaces, " (  (\"\" \"/\" )  (NIL NIL)  )  NIL  NIL \r\n",
         "((\"\" \"/\")(\"\" NIL)) NIL NIL"},
        {"delimiter of two", namespaces, "((\"\" \"//\")) NIL NIL\r\n", NULL},
        {"no list", namespaces, "\"\" NIL NIL\r\n", NULL},
        {"no end", namespaces, "((\"\" \"/\") NIL NIL\r\n", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void ids_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"NIL", id, "NIL\r\n", "NIL"},
        {"empty", id, "()\r\n", "NIL"},
        {"fields", id, "(\"name\" \"Dovecot\" \"version\" NIL)\r\n",
         "(\"name\" \"Dovecot\" \"version\" NIL)"},
        {"atoms and spaces", id, "( name  Cyrus )\r\n", "(\"name\" \"Cyrus\")"},
        {"quoted NIL", id, "(\"a\" \"NIL\")\r\n", "(\"a\" \"NIL\")"},
        {"value missing", id, "(\"a\")\r\n", NULL},
        {"no list", id, "\"a\"\r\n", NULL},
    };
    IMAP_CASES_RUN(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capabilities_are_read),
        cmocka_unit_test(every_capability_has_a_name_of_its_own),
        cmocka_unit_test(law9_capabilities_are_bounded),
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(every_attribute_has_a_name),
        cmocka_unit_test(statuses_are_read),
        cmocka_unit_test(namespaces_are_read),
        cmocka_unit_test(ids_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
