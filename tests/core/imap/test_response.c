#include "imap/response.h"
#include "core/imap/imap_case.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The head in words, then the status behind it as the writer has it. */
static bool response(struct reader *r, struct arena *arena, struct writer *w)
{
    static const char *const kinds[] = {"tagged", "untagged", "continue"};
    struct response_head head;
    struct imap_response_status status;
    if (!response_head_read(r, arena, &head)) {
        return false;
    }
    writer_cstr(w, kinds[head.kind]);
    if (head.kind == RESPONSE_TAGGED) {
        writer_format(w, " tag=%s", head.tag.ptr);
    }
    if (head.has_number) {
        writer_format(w, " number=%u", head.number);
    }
    if (head.name.len > 0) {
        writer_format(w, " name=%s", head.name.ptr);
    }
    if (head.status == STATUS_NONE) {
        return reader_skip_line(r) && reader_expect_crlf(r);
    }
    if (!imap_response_status_read(r, arena, head.status, &status)) {
        return false;
    }
    writer_cstr(w, ": ");
    imap_response_status_write(w, &status);
    imap_response_status_free(&status);
    return true;
}

/* "* OK" and what follows it. */
static bool status(struct reader *r, struct arena *arena, struct writer *w)
{
    struct imap_response_status value;
    if (!imap_response_status_read(r, arena, STATUS_OK, &value)) {
        return false;
    }
    imap_response_status_write(w, &value);
    imap_response_status_free(&value);
    return true;
}

static void heads_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"tagged", response, "a1 OK done\r\n", "tagged tag=a1 name=OK: OK done\r\n"},
        {"tagged NO", response, "a1 no nope\r\n", "tagged tag=a1 name=NO: NO nope\r\n"},
        {"tagged nonsense", response, "a1 FOO x\r\n", "tagged tag=a1 name=FOO"},
        {"untagged", response, "* BYE bye\r\n", "untagged name=BYE: BYE bye\r\n"},
        {"preauth", response, "* PREAUTH hi\r\n", "untagged name=PREAUTH: PREAUTH hi\r\n"},
        {"bad", response, "* BAD [PARSE] x\r\n", "untagged name=BAD: BAD [PARSE] x\r\n"},
        {"number", response, "* 23 exists\r\n", "untagged number=23 name=EXISTS"},
        {"zero", response, "* 0 FETCH (FLAGS ())\r\n", "untagged number=0 name=FETCH"},
        {"a status word behind a number", response, "* 5 OK\r\n", "untagged number=5 name=OK"},
        {"data", response, "* FLAGS (\\Seen)\r\n", "untagged name=FLAGS"},
        {"unknown", response, "* X-FOO (a {3}\r\n\r\n) b\r\n", "untagged name=X-FOO"},
        {"continue", response, "+ go ahead\r\n", "continue"},
        {"continue without space", response, "+\r\n", "continue"},
        {"continue with text only", response, "+go\r\n", "continue"},
        {"bare code", response, "* [COPYUID 1 2 3] done\r\n",
         "untagged name=OK: OK [COPYUID 1 2 3] done\r\n"},
        {"bare code without star", response, "[COPYUID 1 2 3] done\r\n",
         "untagged name=OK: OK [COPYUID 1 2 3] done\r\n"},
        {"spaces behind the star", response, "*  5   EXISTS\r\n", "untagged number=5 name=EXISTS"},
        {"no name", response, "* (x)\r\n", "untagged"},
        {"number alone", response, "* 5\r\n", "untagged number=5"},
        {"no text at all", response, "a1 OK\r\n", "tagged tag=a1 name=OK: OK \r\n"},
        {"number over 32 bits", response, "* 4294967296 EXISTS\r\n", NULL},
        {"no space behind the star", response, "*OK x\r\n", NULL},
        {"an empty line", response, "\r\n", NULL},
        {"a tag alone", response, "a1\r\n", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void codes_are_read(void **state)
{
    static const struct imap_case cases[] = {
        {"text", status, " hello there\r\n", "OK hello there\r\n"},
        {"none", status, " [READ-WRITE] done\r\n", "OK [READ-WRITE] done\r\n"},
        {"lower case", status, " [read-only] done\r\n", "OK [READ-ONLY] done\r\n"},
        {"number", status, " [UIDNEXT 4392] x\r\n", "OK [UIDNEXT 4392] x\r\n"},
        {"zero", status, " [UIDNEXT 0] x\r\n", "OK [UIDNEXT 0] x\r\n"},
        {"modseq", status, " [HIGHESTMODSEQ 9223372036854775807] x\r\n",
         "OK [HIGHESTMODSEQ 9223372036854775807] x\r\n"},
        {"capabilities", status, " [CAPABILITY IMAP4rev1 IDLE] x\r\n",
         "OK [CAPABILITY IMAP4rev1 IDLE] x\r\n"},
        {"permanent flags", status, " [PERMANENTFLAGS (\\Seen foo \\*)] x\r\n",
         "OK [PERMANENTFLAGS (\\Seen foo \\*)] x\r\n"},
        {"no permanent flags", status, " [PERMANENTFLAGS ()] x\r\n",
         "OK [PERMANENTFLAGS ()] x\r\n"},
        {"modified", status, " [MODIFIED 7,9:11] x\r\n", "OK [MODIFIED 7,9:11] x\r\n"},
        {"appenduid", status, " [APPENDUID 38505 3955] x\r\n", "OK [APPENDUID 38505 3955] x\r\n"},
        {"copyuid", status, " [COPYUID 1 304,319:320 3956:3958] x\r\n",
         "OK [COPYUID 1 304,319:320 3956:3958] x\r\n"},
        {"mailboxid", status, " [MAILBOXID (F2212ea87)] x\r\n", "OK [MAILBOXID (F2212ea87)] x\r\n"},
        {"message limit", status, " [MESSAGELIMIT 1000 23221] x\r\n",
         "OK [MESSAGELIMIT 1000 23221] x\r\n"},
        {"referral", status, " [REFERRAL imap://a;b@c/] x\r\n",
         "OK [REFERRAL imap://a;b@c/] x\r\n"},
        {"in progress", status, " [INPROGRESS (\"A1\" 5 10)] x\r\n",
         "OK [INPROGRESS (\"A1\" 5 10)] x\r\n"},
        {"a list of none before one", status, " [BADCHARSET ()(a b)] x\r\n",
         "OK [BADCHARSET () (a b)] x\r\n"},
        {"charsets", status, " [BADCHARSET (US-ASCII UTF-8)] x\r\n",
         "OK [BADCHARSET (US-ASCII UTF-8)] x\r\n"},
        {"unknown", status, " [X-FOO a (b) c] x\r\n", "OK [X-FOO a (b) c] x\r\n"},
        {"unknown without argument", status, " [X-FOO] x\r\n", "OK [X-FOO] x\r\n"},
    };
    IMAP_CASES_RUN(cases);
}

static void tolerated(void **state)
{
    static const struct imap_case cases[] = {
        {"no text behind the code", status, " [HIGHESTMODSEQ 5]\r\n", "OK [HIGHESTMODSEQ 5] \r\n"},
        {"no space behind the code", status, " [UIDNEXT 5]x\r\n", "OK [UIDNEXT 5] x\r\n"},
        {"no space before the code", status, "[UIDNEXT 5] x\r\n", "OK [UIDNEXT 5] x\r\n"},
        {"no text", status, "\r\n", "OK \r\n"},
        {"a space only", status, " \r\n", "OK \r\n"},
        {"extra spaces", status, "  [ UIDNEXT  5 ]  x\r\n", "OK [UIDNEXT 5] x\r\n"},
        {"no argument", status, " [UNSEEN] x\r\n", "OK [UNSEEN 0] x\r\n"},
        {"] in a keyword", status, " [PERMANENTFLAGS (foo] \\Seen [bar] \\*)] x\r\n",
         "OK [PERMANENTFLAGS (\\Seen foo] [bar] \\*)] x\r\n"},
        {"no UIDs in APPENDUID", status, " [APPENDUID 7 0] x\r\n", "OK [APPENDUID 7 0] x\r\n"},
        {"no UIDs in COPYUID", status, " [COPYUID 0 0 0] x\r\n", "OK [COPYUID 0 0 0] x\r\n"},
        {"modseq -1", status, " [HIGHESTMODSEQ -1] x\r\n", "OK [HIGHESTMODSEQ 0] x\r\n"},
        {"8-bit text", status, " caf\xe9\r\n", "OK caf\xe9\r\n"},
        {"brackets in the text", status, " x [y] {5}\r\n", "OK x [y] {5}\r\n"},
        {"surplus argument", status, " [READ-ONLY really] x\r\n", "OK [READ-ONLY really] x\r\n"},
        {"code that never ends", status, " [UIDNEXT 5\r\n", "OK [UIDNEXT 5] \r\n"},
        {"text that looks like a code", status, " [Gmail is here\r\n", "OK [Gmail is here] \r\n"},
        {"bare LF", status, " [UIDNEXT 5] x\n", "OK [UIDNEXT 5] x\r\n"},
    };
    IMAP_CASES_RUN(cases);
}

static void refused(void **state)
{
    static const struct imap_case cases[] = {
        {"UIDVALIDITY over 32 bits", status, " [UIDVALIDITY 4294967296] x\r\n", NULL},
        {"UIDNEXT as a float", status, " [UIDNEXT 9.3736e+06] x\r\n", NULL},
        {"UIDNEXT runs on", status, " [UIDNEXT 9e6] x\r\n", NULL},
        {"UIDNEXT no number", status, " [UIDNEXT abc] x\r\n", NULL},
        {"modseq over 63 bits", status, " [HIGHESTMODSEQ 9223372036854775808] x\r\n", NULL},
        {"COPYUID with star", status, " [COPYUID 1 1:* 2:3] x\r\n", NULL},
        {"MODIFIED with star", status, " [MODIFIED *] x\r\n", NULL},
        {"MODIFIED with zero", status, " [MODIFIED 0] x\r\n", NULL},
        {"flags without end", status, " [PERMANENTFLAGS (\\Seen] x\r\n", NULL},
        {"cut off", status, " [UIDNEXT 5] x", NULL},
    };
    IMAP_CASES_RUN(cases);
}

static void an_empty_code_is_read(void **state)
{
    struct wire_input in;
    struct imap_response_status value;
    wire_open(&in, STR(" [] text\r\n"), 0);
    assert_true(imap_response_status_read(in.reader, in.arena, STATUS_NO, &value));
    assert_int_equal(value.code, CODE_OTHER);
    assert_int_equal(value.code_name.len, 0);
    assert_true(str_eq(value.text, STR("text")));
    wire_close(&in);
}

static void every_code_has_a_name_of_its_own(void **state)
{
    for (unsigned i = CODE_ALERT; i < CODE_COUNT; i++) {
        struct wire_input in;
        struct writer w;
        struct imap_response_status value;
        assert_true(strlen(response_code_name((enum response_code)i)) > 0);
        writer_init(&w, WRITER_LITERAL_SERVER, false, 1000);
        writer_format(&w, " [%s] x\r\n", response_code_name((enum response_code)i));
        wire_open(&in, buf_str(&w.buf), 0);
        assert_true(imap_response_status_read(in.reader, in.arena, STATUS_NO, &value));
        assert_int_equal(value.code, i);
        assert_int_equal(value.status, STATUS_NO);
        imap_response_status_free(&value);
        wire_close(&in);
        writer_free(&w);
    }
    assert_string_equal(imap_status_name(STATUS_PREAUTH), "PREAUTH");
}

/* Nothing that is told can end the line or the code. */
static void law7_text_cannot_make_another_response(void **state)
{
    static const struct imap_response_status cases[] = {
        {.status = STATUS_NO, .text = {"x\r\n* OK", 7}},
        {.status = STATUS_NO, .text = {"x\0y", 3}},
        {.status = STATUS_NO, .code = CODE_OTHER, .code_name = {"A]", 2}},
        {.status = STATUS_NO, .code = CODE_REFERRAL, .id = {"x] y", 4}},
        {.status = STATUS_NO, .code = CODE_REFERRAL, .id = {"x\ny", 3}},
        {.status = STATUS_NO, .code = CODE_MAILBOXID, .id = {"x y", 3}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer w;
        struct error err = ERROR_INIT;
        writer_init(&w, WRITER_LITERAL_SERVER, false, 1000);
        imap_response_status_write(&w, &cases[i]);
        assert_int_equal(writer_finish(&w, &err), -ERR_STATE);
        writer_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_read),
        cmocka_unit_test(codes_are_read),
        cmocka_unit_test(tolerated),
        cmocka_unit_test(refused),
        cmocka_unit_test(an_empty_code_is_read),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
        cmocka_unit_test(law7_text_cannot_make_another_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
