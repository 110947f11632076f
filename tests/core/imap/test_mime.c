/* What is computed of messages. */
#include "imap/mime.h"
#include "base/alloc.h"
#include "imap/limits.h"
#include "imap/mime_decode.h"
#include "core/imap/noise.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plain[] = "From: \"Alice A.\" <alice@example.com>\r\n"
                            "To: bob@example.org (Bob), Friends: carol@x.y, \"d e\"@z ;\r\n"
                            "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n continued\r\n"
                            "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
                            "Message-ID: <1@example.com>\r\n"
                            "\r\n"
                            "Hello\r\nworld\r\n";

static const char mixed[] =
    "Subject: x\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=\"b 1\"\r\n"
    "\r\n"
    "preamble\r\n"
    "--b 1\r\n"
    "Content-Type: text/html; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "<html><head><title>no</title></head><p>caf=E9 &amp; more</p>=\r\n"
    "\r\n"
    "--b 1  \r\n"
    "Content-Type: application/octet-stream (comment); name=\"a\\\"b.bin\"\r\n"
    "Content-Transfer-Encoding: BASE64\r\n"
    "Content-Disposition: attachment; filename=a.bin; size=3\r\n"
    "Content-Language: en, de\r\n"
    "Content-ID: <2@x>\r\n"
    "\r\n"
    "AAEC\r\n"
    "--b 1\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: inner\r\n"
    "Content-Type: multipart/alternative; boundary=c\r\n"
    "\r\n"
    "--c\r\n"
    "\r\n"
    "one\r\n"
    "--c\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "\r\n"
    "two\r\n"
    "--c--\r\n"
    "--b 1--\r\n"
    "epilogue\r\n";

static void assert_envelope(const char *message, const char *expected)
{
    struct arena *arena AUTO_ARENA = arena_new();
    struct error err = ERROR_INIT;
    struct envelope envelope;
    struct writer w;
    mime_envelope(arena, mime_parse(arena, str_from(message)), &envelope);
    writer_init(&w, WRITER_LITERAL_SERVER, false, 1000000);
    envelope_write(&w, &envelope);
    assert_int_equal(writer_finish(&w, &err), 0);
    assert_string_equal(w.buf.data, expected);
    writer_free(&w);
}

static void envelopes(void **state)
{
    assert_envelope(
        plain,
        "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"=?utf-8?Q?Gr=C3=BC=C3=9Fe?= continued\" "
        "((\"Alice A.\" NIL \"alice\" \"example.com\")) ((\"Alice A.\" NIL \"alice\" "
        "\"example.com\")) ((\"Alice A.\" NIL \"alice\" \"example.com\")) ((\"Bob\" NIL "
        "\"bob\" \"example.org\")(NIL NIL \"Friends\" NIL)(NIL NIL \"carol\" \"x.y\")(NIL "
        "NIL \"d e\" \"z\")(NIL NIL NIL NIL)) NIL NIL NIL \"<1@example.com>\")");
    assert_envelope("", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    assert_envelope("To: a@b\nTo: c@d\nReply-To: x\n\n",
                    "(NIL NIL NIL NIL ((NIL NIL \"x\" \"\")) ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" "
                    "\"d\")) NIL NIL NIL NIL)");
}

static void addresses(void **state)
{
    static const struct {
        const char *value;
        const char *expected;
    } cases[] = {
        {"a@b", "((NIL NIL \"a\" \"b\"))"},
        {"<a@b>", "((NIL NIL \"a\" \"b\"))"},
        {" A  B <a@b> , , c@d", "((\"A B\" NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))"},
        {"\"x, \\\"y\\\"\" <a@b>", "((\"x, \\\"y\\\"\" NIL \"a\" \"b\"))"},
        {"A <@r1,@r2:a@b>", "((\"A\" \"@r1,@r2\" \"a\" \"b\"))"},
        {"undisclosed-recipients:;", "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL))"},
        {"G: a@b", "((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL))"},
        {"G: a@b; c@d",
         "((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)(NIL NIL \"c\" \"d\"))"},
        {"a . b @ c . d", "((NIL NIL \"a.b\" \"c.d\"))"},
        {"a@b (x (y) z)", "((\"x (y) z\" NIL \"a\" \"b\"))"},
        {"=?utf-8?q?a?= <a@b>", "((\"=?utf-8?q?a?=\" NIL \"a\" \"b\"))"},
        {"alice", "((NIL NIL \"alice\" \"\"))"},
        {"<a@b", "((NIL NIL \"a\" \"b\"))"},
        {"\"unclosed", "((NIL NIL \"unclosed\" \"\"))"},
        {"@", "((NIL NIL \"\" \"\"))"},
        {"", "NIL"},
        {",,;", "NIL"},
        {"(only a comment)", "NIL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        struct imap_addresses out;
        struct writer w;
        mime_addresses(arena, str_from(cases[i].value), &out);
        writer_init(&w, WRITER_LITERAL_SERVER, false, 1000000);
        imap_addresses_write(&w, &out);
        if (strcmp(w.buf.data, cases[i].expected) != 0) {
            fail_msg("%s: %s", cases[i].value, w.buf.data);
        }
        writer_free(&w);
    }
}

static void dates(void **state)
{
    static const struct {
        const char *value;
        bool good;
        int64_t unix_s;
        int32_t zone_s;
    } cases[] = {
        {"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", true, 837595405, -25200},
        {"17 Jul 1996 02:23 GMT", true, 837570180, 0},
        {"(c) Wed (c), 1 Jan 70 00:00:00 +0000", true, 0, 0},
        {"1 Jan 00 00:00:00 EST", true, 946702800, -18000},
        {"1 January 2000 00:00:00 XYZ", true, 946684800, 0},
        {"", false, 0, 0},
        {"yesterday", false, 0, 0},
        {"31 Feb 2000 00:00:00 +0000", false, 0, 0},
        {"1 Jan 2000 24:00:00 +0000", false, 0, 0},
        {"1 Jan 99999 00:00:00 +0000", false, 0, 0},
        {"1 J 2000 00:00:00 +0000", false, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t unix_s = 0;
        int32_t zone_s = 0;
        if (mime_date(str_from(cases[i].value), &unix_s, &zone_s) != cases[i].good) {
            fail_msg("%s", cases[i].value);
        }
        if (cases[i].good) {
            assert_int_equal(unix_s, cases[i].unix_s);
            assert_int_equal(zone_s, cases[i].zone_s);
        }
    }
}

static void structures(void **state)
{
    static const struct {
        const char *message;
        const char *expected;
    } cases[] = {
        {plain,
         "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7BIT\" 14 2 NIL NIL NIL NIL)"},
        {mixed,
         "((\"text\" \"html\" (\"charset\" \"iso-8859-1\") NIL NIL \"quoted-printable\" 63 1 NIL "
         "NIL "
         "NIL NIL)(\"application\" \"octet-stream\" (\"name\" \"a\\\"b.bin\") \"<2@x>\" NIL "
         "\"BASE64\" 4 NIL (\"attachment\" (\"filename\" \"a.bin\" \"size\" \"3\")) (\"en\" "
         "\"de\") "
         "NIL)(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 137 (NIL \"inner\" NIL NIL NIL NIL NIL "
         "NIL NIL NIL) ((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7BIT\" 3 0 NIL "
         "NIL "
         "NIL NIL)(\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7BIT\" 3 0 NIL NIL NIL "
         "NIL) "
         "\"alternative\" (\"boundary\" \"c\") NIL NIL NIL) 10 NIL NIL NIL NIL) \"mixed\" "
         "(\"boundary\" \"b 1\") NIL NIL NIL)"},
        {"Content-Type: multipart/mixed\n\nno boundary\n",
         "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL) \"mixed\" NIL NIL NIL "
         "NIL)"},
        {"Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: x\n\ny\n--a--\n",
         "((\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 13 (NIL \"x\" NIL NIL NIL NIL NIL NIL NIL "
         "NIL) (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7BIT\" 1 0 NIL NIL NIL "
         "NIL) 2 "
         "NIL NIL NIL NIL) \"digest\" (\"boundary\" \"a\") NIL NIL NIL)"},
        {"Content-Type: foo\n\nx",
         "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7BIT\" 1 "
         "0 NIL NIL NIL NIL)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        struct error err = ERROR_INIT;
        struct body_part part;
        struct writer w;
        mime_bodystructure(arena, mime_parse(arena, str_from(cases[i].message)), &part);
        writer_init(&w, WRITER_LITERAL_SERVER, false, 1000000);
        bodystructure_write(&w, &part, true);
        assert_int_equal(writer_finish(&w, &err), 0);
        assert_string_equal(w.buf.data, cases[i].expected);
        writer_free(&w);
    }
}

/* A section by its words, "1.2.HEADER". */
static struct section section_of(struct arena *arena, const char *words)
{
    struct section section;
    struct wire_input in;
    char text[128];
    (void)snprintf(text, sizeof text, "[%s]", words);
    wire_open(&in, str_from(text), 0);
    assert_true(section_read(in.reader, arena, &section));
    for (size_t i = 0; i < section.fields_len; i++) {
        section.fields[i] = arena_str(arena, section.fields[i]);
    }
    wire_close(&in);
    return section;
}

static void sections(void **state)
{
    static const struct {
        const char *message, *section;
        const char *expected; /* NULL: there is none */
    } cases[] = {
        {plain, "1", "Hello\r\nworld\r\n"},
        {plain, "TEXT", "Hello\r\nworld\r\n"},
        {plain, "HEADER.FIELDS (message-id x)", "Message-ID: <1@example.com>\r\n\r\n"},
        {plain, "HEADER.FIELDS.NOT (from to date message-id)",
         "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n continued\r\n\r\n"},
        {plain, "2", NULL},
        {plain, "1.1", NULL},
        {plain, "1.HEADER", NULL},
        {mixed, "2", "AAEC"},
        {mixed, "2.MIME",
         "Content-Type: application/octet-stream (comment); name=\"a\\\"b.bin\"\r\n"
         "Content-Transfer-Encoding: BASE64\r\n"
         "Content-Disposition: attachment; filename=a.bin; size=3\r\n"
         "Content-Language: en, de\r\nContent-ID: <2@x>\r\n\r\n"},
        {mixed, "3.HEADER.FIELDS (Subject)", "Subject: inner\r\n\r\n"},
        {mixed, "3.1", "one"},
        {mixed, "3.2", "two"},
        {mixed, "3.2.MIME", "Content-Type: text/plain; charset=utf-8\r\n\r\n"},
        {mixed, "3.3", NULL},
        {mixed, "3.1.1", NULL},
        {mixed, "4", NULL},
        {mixed, "4294967295", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        struct str out;
        struct section section = section_of(arena, cases[i].section);
        bool found =
            mime_section(arena, mime_parse(arena, str_from(cases[i].message)), &section, &out);
        assert_int_equal(found, cases[i].expected != NULL);
        if (found && !str_eq(out, str_from(cases[i].expected))) {
            fail_msg("%s: %.*s", cases[i].section, STR_ARG(out));
        }
    }
    struct section part = {.has_partial = true, .offset = 2, .count = 3};
    assert_true(str_eq(mime_partial(STR("abcdef"), &part), STR("cde")));
    part.offset = 9;
    assert_int_equal(mime_partial(STR("abcdef"), &part).len, 0);
}

static void binaries(void **state)
{
    struct arena *arena AUTO_ARENA = arena_new();
    const struct mime_part *message = mime_parse(arena, str_from(mixed));
    struct str out;
    struct section section = section_of(arena, "2");
    assert_int_equal(mime_binary(arena, message, &section, &out), MIME_BINARY_OK);
    assert_true(str_eq(out, str_make("\0\1\2", 3)));
    section = section_of(arena, "1");
    assert_int_equal(mime_binary(arena, message, &section, &out), MIME_BINARY_OK);
    assert_true(str_eq(out, STR("<html><head><title>no</title></head><p>caf\xe9 &amp; more</p>")));
    section = section_of(arena, "9");
    assert_int_equal(mime_binary(arena, message, &section, &out), MIME_BINARY_NO_PART);
    message = mime_parse(arena, STR("Content-Transfer-Encoding: x-uuencode\r\n\r\nx"));
    section = section_of(arena, "1");
    assert_int_equal(mime_binary(arena, message, &section, &out), MIME_BINARY_UNKNOWN_CTE);
    message = mime_parse(arena, STR("Content-Transfer-Encoding: base64\r\n\r\n***"));
    assert_int_equal(mime_binary(arena, message, &section, &out), MIME_BINARY_UNKNOWN_CTE);
}

static void decoding(void **state)
{
    static const struct {
        const char *text, *quoted_printable, *base64; /* base64 NULL: refused */
    } cases[] = {
        {"a=3Db=\r\nc", "a=bc", NULL},
        {"a=3", "a=3", NULL},
        {"a=", "a", NULL},
        {"= \t\nx=xyz", "x=xyz", NULL},
        {"aGVs\r\nbG8=", "aGVs\r\nbG8", "hello"},
        {"aGVsbG8", "aGVsbG8", "hello"},
        {"a", "a", NULL},
        {"", "", ""},
    };
    struct arena *arena AUTO_ARENA = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str text = str_from(cases[i].text);
        struct str out;
        assert_true(
            str_eq(mime_decode_quoted_printable(arena, text), str_from(cases[i].quoted_printable)));
        bool good = mime_decode_base64(arena, text, &out);
        assert_int_equal(good, cases[i].base64 != NULL);
        assert_true(!good || str_eq(out, str_from(cases[i].base64)));
    }
}

static void words(void **state)
{
    static const struct {
        const char *value, *expected;
    } cases[] = {
        {"=?utf-8?Q?Gr=C3=BC=C3=9Fe?= x", "Gr\xc3\xbc\xc3\x9f"
                                          "e x"},
        {"=?ISO-8859-1?Q?a_b?= =?iso-8859-1?q?=E9?=", "a b\xc3\xa9"},
        {"=?utf-8?B?w6k=?=", "\xc3\xa9"},
        {"=?utf-8?B?w6?= =?utf-8?B?k=?=", "w6k="},
        {"=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\xc3\xa9"},
        {"=?utf-8*de?q?x?=", "x"},
        {"=?utf-8?x?x?=", "=?utf-8?x?x?="},
        {"=?utf-8?q?x", "=?utf-8?q?x"},
        {"a = b =? c", "a = b =? c"},
        {"\xff\xc3\xa9", "\xef\xbf\xbd\xc3\xa9"},
        {"=?x-none//TRANSLIT?q?=E9?=", "\xef\xbf\xbd"},
    };
    struct arena *arena AUTO_ARENA = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str out = mime_decode_words(arena, str_from(cases[i].value));
        if (!str_eq(out, str_from(cases[i].expected))) {
            fail_msg("%s: %.*s", cases[i].value, STR_ARG(out));
        }
    }
}

static void previews(void **state)
{
    static const struct {
        const char *message, *expected;
    } cases[] = {
        {plain, "Hello world"},
        {mixed, "caf\xc3\xa9 & more"},
        {"Content-Type: text/html\n\n<style>p{}</style><b>a</b>&lt;b&nbsp;<script>x<y</script>c",
         "a <b c"},
        {"Content-Type: image/png\n\nx", ""},
        {"Content-Type: text/plain; charset=iso-8859-1\n\ncaf\xe9", "caf\xc3\xa9"},
        {"Content-Type: text/plain\nContent-Disposition: attachment\n\nx", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        struct str out = mime_preview(arena, mime_parse(arena, str_from(cases[i].message)));
        if (!str_eq(out, str_from(cases[i].expected))) {
            fail_msg("%s: %.*s", cases[i].message, STR_ARG(out));
        }
    }
    struct arena *arena AUTO_ARENA = arena_new();
    struct buf text AUTO_BUF = BUF_INIT(1000000);
    buf_add_cstr(&text, "Content-Transfer-Encoding: base64\n\n");
    for (unsigned i = 0; i < 30000; i++) {
        buf_add_cstr(&text, "w6nDqcOpw6nD\r\nqcOp");
    }
    struct str out = mime_preview(arena, mime_parse(arena, buf_str(&text)));
    assert_int_equal(out.len, 400);
}

/* ---- bounds ---- */

static size_t depth_of(const struct mime_part *part)
{
    size_t deepest = 0;
    for (const struct mime_part *child = part->children; child != NULL; child = child->next) {
        size_t depth = depth_of(child);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static void law9_depth_and_parts_are_bounded(void **state)
{
    struct arena *arena AUTO_ARENA = arena_new();
    struct buf deep AUTO_BUF = BUF_INIT(10000000);
    struct buf wide AUTO_BUF = BUF_INIT(10000000);
    struct buf nested AUTO_BUF = BUF_INIT(10000000);
    struct body_part part;
    buf_add_cstr(&wide, "Content-Type: multipart/mixed; boundary=a\n\n");
    for (unsigned i = 0; i < 20000; i++) {
        buf_add_cstr(&deep, "Content-Type: message/rfc822\n\n");
        buf_add_cstr(&wide, "--a\n\n");
        buf_addf(&nested, "Content-Type: multipart/mixed; boundary=%u\n\n--%u\n", i, i);
    }
    const struct mime_part *message = mime_parse(arena, buf_str(&deep));
    assert_int_equal(depth_of(message), LIMIT_MIME_DEPTH + 1);
    mime_bodystructure(arena, message, &part);
    assert_true(mime_parse(arena, buf_str(&wide))->children_len <= LIMIT_BODY_PARTS);
    assert_int_equal(depth_of(mime_parse(arena, buf_str(&nested))), LIMIT_MIME_DEPTH + 1);
}

static void law9_fields_of_any_shape_are_taken_in_time(void **state)
{
    static const char *const pieces[] = {"\"a\" ",     "(",   "a,", "a:;",     "<",
                                         "@",          "\\",  "=?", "; a=",    "\"",
                                         "=?a?q?b?= ", "a b", "((", ";a=\"b\""};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct arena *arena AUTO_ARENA = arena_new();
        struct buf text AUTO_BUF = BUF_INIT(10000000);
        struct envelope envelope;
        struct body_part part;
        buf_add_cstr(&text, "Content-Type: a/b");
        for (unsigned k = 0; k < 100000; k++) {
            buf_add_cstr(&text, pieces[i]);
        }
        buf_add_cstr(&text, "\nTo: ");
        for (unsigned k = 0; k < 100000; k++) {
            buf_add_cstr(&text, pieces[i]);
        }
        const struct mime_part *message = mime_parse(arena, buf_str(&text));
        mime_envelope(arena, message, &envelope);
        mime_bodystructure(arena, message, &part);
        (void)mime_decode_words(arena, buf_str(&text));
        assert_true(envelope.to.len <= LIMIT_ADDRESSES);
        assert_true(arena_used(arena) < (size_t)256 * 1024 * 1024);
    }
}

static void assert_structure_is_read_back(struct arena *arena, const struct mime_part *message)
{
    struct body_part part;
    struct body_part back;
    struct writer once;
    struct writer twice;
    struct error err = ERROR_INIT;
    struct wire_input in;
    mime_bodystructure(arena, message, &part);
    writer_init(&once, WRITER_LITERAL_SERVER, false, 1000000);
    writer_init(&twice, WRITER_LITERAL_SERVER, false, 1000000);
    bodystructure_write(&once, &part, true);
    assert_int_equal(writer_finish(&once, &err), 0);
    wire_open(&in, buf_str(&once.buf), 0);
    assert_true(bodystructure_read(in.reader, in.arena, &back));
    bodystructure_write(&twice, &back, true);
    assert_string_equal(once.buf.data, twice.buf.data);
    wire_close(&in);
    writer_free(&once);
    writer_free(&twice);
}

static void law7_damaged_messages_are_taken(void **state)
{
    static const char *const messages[] = {plain, mixed};
    struct dice dice = {3};
    for (unsigned round = 0; round < 10000; round++) {
        struct arena *arena AUTO_ARENA = arena_new();
        char text[2048];
        struct str out;
        const char *good = messages[dice_below(&dice, 2)];
        size_t len = strlen(good);
        memcpy(text, good, len);
        len = noise_damage(&dice, text, len, sizeof text);
        char *exact = xmemdup(text, len);
        const struct mime_part *message = mime_parse(arena, str_make(exact, len));
        struct section section = {
            .path = {1 + dice_below(&dice, 4), 1 + dice_below(&dice, 3)},
            .path_len = dice_below(&dice, 3),
            .part = (enum section_part)dice_below(&dice, SECTION_MIME + 1),
        };
        (void)mime_section(arena, message, &section, &out);
        (void)mime_binary(arena, message, &section, &out);
        assert_true(str_is_utf8(mime_preview(arena, message)));
        assert_structure_is_read_back(arena, message);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes),
        cmocka_unit_test(addresses),
        cmocka_unit_test(dates),
        cmocka_unit_test(structures),
        cmocka_unit_test(sections),
        cmocka_unit_test(binaries),
        cmocka_unit_test(decoding),
        cmocka_unit_test(words),
        cmocka_unit_test(previews),
        cmocka_unit_test(law9_depth_and_parts_are_bounded),
        cmocka_unit_test(law9_fields_of_any_shape_are_taken_in_time),
        cmocka_unit_test(law7_damaged_messages_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
