/* FETCH of what is computed from a message: envelopes, structures, sections, BINARY, previews. */
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char nested[] =
    "From: Fred <fred@example.org>\r\nTo: team: ann@example.org;\r\nSubject: all\r\n"
    "Date: Wed, 17 Jul 1996 02:23:25 -0700\r\nMessage-ID: <n@x>\r\n"
    "Content-Type: multipart/mixed; boundary=\"o\"\r\n\r\npreamble\r\n"
    "--o\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n"
    "--o\r\nContent-Type: application/octet-stream; name=x\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
    "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n"
    "--o\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-odd\r\n\r\nodd\r\n--o--\r\n";

static void parts(void **state)
{
    static const struct script scripts[] = {
        {"envelope", "1> a FETCH 1 ENVELOPE\n"
                     "1< * 1 FETCH (ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700\" \"all\" "
                     "((\"Fred\" NIL \"fred\" \"example.org\")) "
                     "((\"Fred\" NIL \"fred\" \"example.org\")) "
                     "((\"Fred\" NIL \"fred\" \"example.org\")) "
                     "((NIL NIL \"team\" NIL)(NIL NIL \"ann\" \"example.org\")(NIL NIL NIL NIL)) "
                     "NIL NIL NIL \"<n@x>\"))\n1< a OK …\n"},
        {"body", "1> a FETCH 1 BODY\n"
                 "1< * 1 FETCH (BODY ((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL "
                 "\"quoted-printable\" 15 0)(\"application\" \"octet-stream\" (\"name\" \"x\") NIL "
                 "NIL \"base64\" 4)(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 24 (NIL \"inner\" "
                 "NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" \"us-ascii\") "
                 "NIL NIL \"7BIT\" 6 0) 2)(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
                 "\"x-odd\" 3 0) \"mixed\"))\n1< a OK …\n"},
        {"sections",
         "1> a FETCH 1 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[3.HEADER] BODY.PEEK[3.TEXT] "
         "BODY.PEEK[9] BODY.PEEK[2]<1.2>)\n"
         "1< * 1 FETCH (BODY[1] {15}\n1< Gr=C3=BC=C3=9Fe BODY[1.MIME] {88}\n"
         "1< Content-Type: text/plain; charset=utf-8\n"
         "1< Content-Transfer-Encoding: quoted-printable\n1< \n1<  BODY[3.HEADER] {18}\n"
         "1< Subject: inner\n1< \n1<  BODY[3.TEXT] {6}\n1< inside BODY[9] NIL BODY[2]<1> {2}\n"
         "1< AE)\n1< a OK …\n"},
        {"binary", "1> a FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[2] BINARY.PEEK[9])\n"
                   "1< * 1 FETCH (BINARY[1] {7}\n1< Gr\xc3\xbc\xc3\x9f"
                   "e BINARY.SIZE[2] 3 BINARY[9] NIL)\n"
                   "1< a OK …\n"},
        {"binary that cannot be decoded",
         "1> a FETCH 1 BINARY.PEEK[4]\n1< * 1 FETCH (BINARY[4] NIL)\n1< a NO [UNKNOWN-CTE] …\n"},
        {"preview",
         "1> a FETCH 1 PREVIEW\n1< * 1 FETCH (PREVIEW {7}\n1< Gr\xc3\xbc\xc3\x9f"
         "e)\n"
         "1< a OK …\n1> b FETCH 1 (PREVIEW (LAZY))\n1< * 1 FETCH (PREVIEW …\n1< …\n1< b OK …\n"},
        {"identities",
         "1> a FETCH 1 (EMAILID THREADID SAVEDATE)\n1< * 1 FETCH (EMAILID (M…\n1< a OK …\n"},
        {"RFC 822's names",
         "1> a FETCH 1 RFC822.HEADER\n1< * 1 FETCH (RFC822.HEADER {…\n1< From: Fred …\n1< To: …\n"
         "1< Subject: all\n1< Date: …\n1< Message-ID: …\n1< Content-Type: …\n1< \n1< )\n1< a OK …\n"
         "1~ 3 FETCH 1 RFC822.TEXT\n1> b FETCH 1 FLAGS\n1< * 1 FETCH (FLAGS (\\Seen))\n1< b OK "
         "…\n"},
        {"macros", "1> a FETCH 1 FAST\n1< * 1 FETCH (FLAGS () INTERNALDATE …\n1< a OK …\n"
                   "1> b FETCH 1 ALL\n1< * 1 FETCH (FLAGS () INTERNALDATE …\n1< b OK …\n"
                   "1> c FETCH 1 FULL\n1< * 1 FETCH (FLAGS () INTERNALDATE …\n1< c OK …\n"},
        {"a window", "1~ 2 COPY 1 INBOX\n1~ 3 COPY 1:2 INBOX\n"
                     "1> a UID FETCH 1:* UID (PARTIAL -1:-2)\n1< * 3 FETCH (UID 3)\n"
                     "1< * 4 FETCH (UID 4)\n1< a OK …\n"
                     "1> b UID FETCH 1:* UID (PARTIAL 2:2)\n1< * 2 FETCH (UID 2)\n1< b OK …\n"
                     "1> c FETCH 1:* UID (PARTIAL 1:1)\n1< c BAD …\n"},
        {"not here", "1> a FETCH 1 X-GM-MSGID\n1< a BAD …\n"},
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct conversation c;
        struct error err = ERROR_INIT;
        conversation_init(&c);
        assert_int_equal(mem_backend_append(c.env.backend, "u", "INBOX", str_from(nested), 0,
                                            BACKEND_DATE_NOW, NULL, &err),
                         0);
        conversation_play(&c, scripts[i].name, "1~ 1 SELECT INBOX\n");
        conversation_play(&c, scripts[i].name, scripts[i].text);
        conversation_free(&c);
    }
}

static void off(void **state)
{
    static const struct {
        enum capability capability;
        const char *item;
    } cases[] = {
        {CAP_BINARY, "BINARY.PEEK[1]"},     {CAP_BINARY, "BINARY.SIZE[1]"},
        {CAP_PREVIEW, "PREVIEW"},           {CAP_SAVEDATE, "SAVEDATE"},
        {CAP_OBJECTID, "EMAILID"},          {CAP_OBJECTID, "THREADID"},
        {CAP_PARTIAL, "UID (PARTIAL 1:2)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conversation c;
        char *script AUTO_FREE =
            xasprintf("1~ 1 SELECT INBOX\n1> a UID FETCH 1 %s\n1< a BAD …\n", cases[i].item);
        conversation_init(&c);
        capabilities_set(&c.env.options.capabilities, cases[i].capability, false);
        conversation_play(&c, cases[i].item, script);
        conversation_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts), cmocka_unit_test(off)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
