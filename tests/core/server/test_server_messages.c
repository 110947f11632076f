/* APPEND, FETCH, STORE, EXPUNGE, COPY, MOVE, SEARCH in one session. */
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SELECTED                                                                                     \
    "1> s SELECT INBOX\n1< * FLAGS …\n1< * OK [PERMANENTFLAGS …\n1< * 3 EXISTS\n1< * 0 RECENT\n" \
    "1< * OK [UNSEEN 1] …\n1< * OK [UIDVALIDITY …\n1< * OK [UIDNEXT 4] …\n"                    \
    "1< * OK [HIGHESTMODSEQ 4] …\n1< * OK [MAILBOXID …\n1< s OK [READ-WRITE] …\n"

static const char *const messages[] = {
    "From: a@example\r\nSubject: one\r\n two\r\nDate: Mon, 1 Jan 2024 10:00:00 "
    "+0100\r\n\r\nBody\r\n",
    "From: b@example\r\nSubject: other\r\n\r\nAnother\r\nline",
    "no header at all\r\n",
};
static const unsigned flags[] = {0, FLAG_SEEN, FLAG_FLAGGED};

/* Three messages of 2024-01-01, -02 and -03, INBOX selected. */
static void run_all(const struct script *scripts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct conversation c;
        struct error err = ERROR_INIT;
        conversation_init(&c);
        for (size_t m = 0; m < 3; m++) {
            assert_int_equal(mem_backend_append(c.env.backend, "u", "INBOX", str_from(messages[m]),
                                                flags[m], 1704067200 + 86400 * (int64_t)m, NULL,
                                                &err),
                             0);
        }
        assert_int_equal(mem_backend_create(c.env.backend, "u", "other", 0, &err), 0);
        conversation_play(&c, scripts[i].name, SELECTED);
        conversation_play(&c, scripts[i].name, scripts[i].text);
        conversation_free(&c);
    }
}

#define RUN(scripts) run_all(scripts, sizeof scripts / sizeof *scripts)

static void append(void **state)
{
    static const struct script scripts[] = {
        {"waiting literal",
         "1> a APPEND other {2}\n1< + …\n1> ab\n1< a OK [APPENDUID 1704067202 1] …\n"},
        {"literal at once",
         "1> a APPEND other {2+}\n1.\n1> ab\n1< a OK [APPENDUID 1704067202 1] …\n"},
        {"flags and date",
         "1> a APPEND INBOX (\\Seen \\Recent key) \"02-Feb-2020 10:00:00 +0100\" {2+}$ab\n"
         "1< * 4 EXISTS\n1< a OK [APPENDUID 1704067201 4] …\n"
         "1> b FETCH 4 (FLAGS INTERNALDATE RFC822.SIZE)\n1< * 4 FETCH (FLAGS (\\Seen key) "
         "INTERNALDATE \" 2-Feb-2020 09:00:00 +0000\" RFC822.SIZE 2)\n1< b OK …\n"},
        {"no date is now",
         "1> a APPEND INBOX {2+}$ab\n1< * 4 EXISTS\n1< a OK …\n"
         "1> b FETCH 4 INTERNALDATE\n"
         "1< * 4 FETCH (INTERNALDATE \" 1-Jan-2024 00:00:00 +0000\")\n1< b OK …\n"},
        {"no mailbox, before the literal is sent",
         "1> a APPEND nowhere {2}\n1< a NO [TRYCREATE] …\n1> b NOOP\n1< b OK …\n"},
        {"no mailbox, its name a literal",
         "1> a APPEND {7}\n1< + …\n1> nowhere {2}\n1< a NO [TRYCREATE] …\n"},
        {"no mailbox, literal at once",
         "1> a APPEND nowhere {2+}$ab\n1< a NO [TRYCREATE] …\n1> b NOOP\n1< b OK …\n"},
        {"too big, before the literal is sent",
         "1> a APPEND other {99999999999}\n1< a NO [TOOBIG] …\n1> b NOOP\n1< b OK …\n"},
        {"an empty message", "1> a APPEND other {0+}$\n1< a OK …\n"},
        {"no literal", "1> a APPEND other abc\n1< a BAD …\n"},
        {"a wrong date", "1> a APPEND other \"32-Feb-2020 10:00:00 +0100\" {2+}$ab\n1< a BAD …\n"},
    };
    RUN(scripts);
}

static void fetch(void **state)
{
    static const struct script scripts[] = {
        {"items",
         "1> a FETCH 1:2 (UID FLAGS RFC822.SIZE)\n1< * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 83)\n"
         "1< * 2 FETCH (UID 2 FLAGS (\\Seen) RFC822.SIZE 48)\n1< a OK …\n"},
        {"by uid", "1> a UID FETCH 2,* FLAGS\n1< * 2 FETCH (UID 2 FLAGS (\\Seen))\n"
                   "1< * 3 FETCH (UID 3 FLAGS (\\Flagged))\n1< a OK …\n"},
        {"beyond the last", "1> a UID FETCH 100:* UID\n1< * 3 FETCH (UID 3)\n1< a OK …\n"
                            "1> b UID FETCH 50 UID\n1< b OK …\n1> c FETCH 4 UID\n1< c BAD …\n"
                            "1> d FETCH *:1 UID\n1< * 1 FETCH (UID 1)\n1< * 2 FETCH (UID 2)\n"
                            "1< * 3 FETCH (UID 3)\n1< d OK …\n"},
        {"emailid", "1> a FETCH 3 EMAILID\n1< * 3 FETCH (EMAILID "
                    "(Mcdfc90e969316bd8df07e97ed5672c75))\n1< a OK …\n"},
        {"whole, marked seen",
         "1> a FETCH 2 BODY[]\n1< * 2 FETCH (BODY[] {48}\n1< From: b@example\n1< Subject: "
         "other\n1< \n"
         "1< Another\n1< line)\n1< a OK …\n1> b FETCH 3 BODY[TEXT]\n"
         "1< * 3 FETCH (FLAGS (\\Flagged \\Seen) BODY[TEXT] {0}\n1< )\n1< b OK …\n"},
        {"peek",
         "1> a FETCH 1 (FLAGS BODY.PEEK[TEXT]<1.3>)\n"
         "1< * 1 FETCH (FLAGS () BODY[TEXT]<1> {3}\n1< ody)\n1< a OK …\n"
         "1> b FETCH 1 BODY.PEEK[]<1000.5>\n1< * 1 FETCH (BODY[]<1000> {0}\n1< )\n1< b OK …\n"},
        {"fields",
         "1> a FETCH 1 BODY.PEEK[HEADER.FIELDS (subject date)]\n"
         "1< * 1 FETCH (BODY[HEADER.FIELDS (subject date)] {60}\n1< Subject: one\n1<  two\n"
         "1< Date: Mon, 1 Jan 2024 10:00:00 +0100\n1< \n1< )\n1< a OK …\n"
         "1> b FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (subject date)]\n"
         "1< * 1 FETCH (BODY[HEADER.FIELDS.NOT (subject date)] {19}\n1< From: a@example\n"
         "1< \n1< )\n1< b OK …\n"},
        {"parts", "1> a FETCH 1 (BODY.PEEK[1] BODY.PEEK[2])\n1< * 1 FETCH (BODY[1] {6}\n1< Body\n"
                  "1<  BODY[2] NIL)\n1< a OK …\n"},
        {"modseq",
         "1> a FETCH 1 (MODSEQ)\n1< * 1 FETCH (MODSEQ (2))\n1< a OK …\n"
         "1> b STORE 1 +FLAGS (\\Seen)\n1< * 1 FETCH (FLAGS (\\Seen) MODSEQ (5))\n1< b OK …\n"},
        {"changed since", "1> a UID FETCH 1:* FLAGS (CHANGEDSINCE 3)\n"
                          "1< * 3 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ (4))\n1< a OK …\n"},
        {"vanished out of place",
         "1> a UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)\n1< a BAD …\n"},
    };
    RUN(scripts);
}

static void store(void **state)
{
    static const struct script scripts[] = {
        {"replace",
         "1> a STORE 3 FLAGS (\\Seen key)\n1< * 3 FETCH (FLAGS (\\Seen key))\n1< a OK …\n"},
        {"add and remove", "1> a UID STORE 2:3 +FLAGS (\\Deleted)\n"
                           "1< * 2 FETCH (UID 2 FLAGS (\\Deleted \\Seen))\n"
                           "1< * 3 FETCH (UID 3 FLAGS (\\Flagged \\Deleted))\n1< a OK …\n"
                           "1> b STORE 2 -FLAGS.SILENT (\\Seen)\n1< b OK …\n1> c FETCH 2 FLAGS\n"
                           "1< * 2 FETCH (FLAGS (\\Deleted))\n1< c OK …\n"},
        {"without parentheses", "1> a STORE 1 +FLAGS \\Seen key\n"
                                "1< * 1 FETCH (FLAGS (\\Seen key))\n1< a OK …\n"},
        {"no change is told all the same",
         "1> a STORE 2 +FLAGS (\\Seen)\n1< * 2 FETCH (FLAGS (\\Seen))\n1< a OK …\n"
         "1> b STATUS INBOX (HIGHESTMODSEQ)\n1< * STATUS INBOX (HIGHESTMODSEQ 4)\n1< b OK …\n"},
        {"unchanged since", "1> a UID STORE 1:3 (UNCHANGEDSINCE 3) +FLAGS.SILENT (\\Answered)\n"
                            "1< * 1 FETCH (UID 1 MODSEQ (5))\n1< * 2 FETCH (UID 2 MODSEQ (6))\n"
                            "1< a OK [MODIFIED 3] …\n"},
        {"recent is not stored",
         "1> a STORE 1 +FLAGS (\\Recent)\n1< * 1 FETCH (FLAGS ())\n1< a OK …\n"},
        {"read only",
         "1> e EXAMINE other\n1< * FLAGS …\n1< * OK [PERMANENTFLAGS ()] …\n1< * 0 EXISTS\n"
         "1< * 0 RECENT\n1< * OK [UIDVALIDITY …\n1< * OK [UIDNEXT 1] …\n"
         "1< * OK [HIGHESTMODSEQ 1] …\n1< * OK [MAILBOXID …\n1< e OK [READ-ONLY] …\n"
         "1> a UID STORE 1 +FLAGS (\\Seen)\n1< a NO [NOPERM] …\n"
         "1> b EXPUNGE\n1< b NO …\n"},
        {"nonsense", "1> a STORE 1 HATS (\\Seen)\n1< a BAD …\n1> b STORE 9 FLAGS ()\n1< b BAD …\n"},
    };
    RUN(scripts);
}

static void expunge(void **state)
{
    static const struct script scripts[] = {
        {"expunge", "1> a STORE 1,3 +FLAGS.SILENT (\\Deleted)\n1< a OK …\n1> b EXPUNGE\n"
                    "1< * 3 EXPUNGE\n1< * 1 EXPUNGE\n1< b OK EXPUNGE done\n1> c FETCH 1:* UID\n"
                    "1< * 1 FETCH (UID 2)\n1< c OK …\n"},
        {"by uid", "1> a STORE 1:3 +FLAGS.SILENT (\\Deleted)\n1< a OK …\n1> b UID EXPUNGE 2:9\n"
                   "1< * 3 EXPUNGE\n1< * 2 EXPUNGE\n1< b OK EXPUNGE done\n"},
        {"nothing marked", "1> a EXPUNGE\n1< a OK …\n"},
        {"close expunges and does not tell",
         "1> a STORE 1 +FLAGS.SILENT (\\Deleted)\n1< a OK …\n1> b CLOSE\n1< b OK CLOSE done\n"
         "1> c STATUS INBOX (MESSAGES)\n1< * STATUS INBOX (MESSAGES 2)\n1< c OK …\n"
         "1> d FETCH 1 UID\n1< d BAD …\n"},
        {"unselect does not expunge",
         "1> a STORE 1 +FLAGS.SILENT (\\Deleted)\n1< a OK …\n1> b UNSELECT\n1< b OK …\n"
         "1> c STATUS INBOX (MESSAGES)\n1< * STATUS INBOX (MESSAGES 3)\n1< c OK …\n"},
    };
    RUN(scripts);
}

static void copy(void **state)
{
    static const struct script scripts[] = {
        {"copy", "1> a COPY 1:2 other\n1< a OK [COPYUID 1704067202 1:2 1:2] …\n"
                 "1> b STATUS other (MESSAGES SIZE)\n1< * STATUS other (MESSAGES 2 SIZE 131)\n"
                 "1< b OK …\n"},
        {"to itself", "1> a UID COPY 3 INBOX\n1< * 4 EXISTS\n1< a OK [COPYUID 1704067201 3 4] …\n"},
        {"nothing", "1> a UID COPY 77 other\n1< a OK COPY done\n"},
        {"to nowhere", "1> a UID COPY 1 nowhere\n1< a NO [TRYCREATE] …\n"},
        {"move", "1> a UID MOVE 2 other\n1< * OK [COPYUID 1704067202 2 1] …\n1< * 2 EXPUNGE\n"
                 "1< a OK MOVE done\n1> b FETCH 1:* UID\n1< * 1 FETCH (UID 1)\n"
                 "1< * 2 FETCH (UID 3)\n1< b OK …\n"},
        {"move to nowhere", "1> a MOVE 1 nowhere\n1< a NO [TRYCREATE] …\n"},
        {"a copy has the same identity",
         "1> a COPY 1 INBOX\n1< * 4 EXISTS\n1< a OK …\n1> b FETCH 1,4 EMAILID\n"
         "1< * 1 FETCH (EMAILID (M9346ba69d9cc59bb4f8c958083812e58))\n"
         "1< * 4 FETCH (EMAILID (M9346ba69d9cc59bb4f8c958083812e58))\n1< b OK …\n"},
    };
    RUN(scripts);
}

static void search(void **state)
{
    static const struct script scripts[] = {
        {"all", "1> a SEARCH ALL\n1< * SEARCH 1 2 3\n1< a OK …\n"},
        {"none", "1> a SEARCH DRAFT\n1< * SEARCH\n1< a OK …\n"},
        {"flags", "1> a UID SEARCH UNSEEN NOT FLAGGED\n1< * SEARCH 1\n1< a OK …\n"},
        {"or", "1> a SEARCH OR SEEN (FLAGGED UNSEEN)\n1< * SEARCH 2 3\n1< a OK …\n"},
        {"sets", "1> a SEARCH 2:* UID 1:2\n1< * SEARCH 2\n1< a OK …\n"},
        {"header", "1> a SEARCH HEADER Subject TWO\n1< * SEARCH 1\n1< a OK …\n"
                   "1> b SEARCH SUBJECT o FROM b@\n1< * SEARCH 2\n1< b OK …\n"
                   "1> c SEARCH HEADER From \"\"\n1< * SEARCH 1 2\n1< c OK …\n"},
        {"text", "1> a SEARCH BODY another\n1< * SEARCH 2\n1< a OK …\n"
                 "1> b SEARCH TEXT header\n1< * SEARCH 3\n1< b OK …\n"},
        {"size", "1> a SEARCH LARGER 48\n1< * SEARCH 1\n1< a OK …\n"
                 "1> b SEARCH SMALLER 48\n1< * SEARCH 3\n1< b OK …\n"},
        {"dates", "1> a SEARCH SINCE 2-Jan-2024\n1< * SEARCH 2 3\n1< a OK …\n"
                  "1> b SEARCH ON 2-Jan-2024\n1< * SEARCH 2\n1< b OK …\n"
                  "1> c SEARCH BEFORE \"02-Jan-2024\"\n1< * SEARCH 1\n1< c OK …\n"
                  "1> d SEARCH SENTON 1-Jan-2024\n1< * SEARCH 1\n1< d OK …\n"
                  "1> e SEARCH SINCE yesterday\n1< e BAD …\n"},
        {"modseq", "1> a SEARCH MODSEQ 3\n1< * SEARCH 2 3 (MODSEQ 4)\n1< a OK …\n"},
        {"keyword",
         "1> a STORE 1 +FLAGS.SILENT (key)\n1< a OK …\n1> b SEARCH KEYWORD KEY\n"
         "1< * SEARCH 1\n1< b OK …\n1> c SEARCH UNKEYWORD key\n1< * SEARCH 2 3\n1< c OK …\n"},
        {"literal", "1> a SEARCH SUBJECT {3}\n1< + …\n1> one\n1< * SEARCH 1\n1< a OK …\n"},
        {"charset",
         "1> a SEARCH CHARSET UTF-8 SUBJECT one\n1< * SEARCH 1\n1< a OK …\n"
         "1> b SEARCH CHARSET KOI8-R SUBJECT one\n1< b NO [BADCHARSET (US-ASCII UTF-8)] …\n"},
        {"nonsense", "1> a SEARCH\n1< a BAD …\n1> b SEARCH HATS\n1< b BAD …\n1> c SEARCH (ALL\n"
                     "1< c BAD …\n1> d SEARCH OR ALL\n1< d BAD …\n1> e SEARCH 9\n1< e BAD …\n"},
    };
    RUN(scripts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append),  cmocka_unit_test(fetch), cmocka_unit_test(store),
        cmocka_unit_test(expunge), cmocka_unit_test(copy),  cmocka_unit_test(search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
