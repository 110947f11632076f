/* IMAP4rev2, UTF8=ACCEPT, UIDONLY, MESSAGELIMIT, UNAUTHENTICATE, LIST-EXTENDED, MULTIAPPEND,
 * REPLACE. */
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void rev2(void **state)
{
    static const struct script scripts[] = {
        {"select",
         "1> s SELECT INBOX\n1< * FLAGS …\n1< * OK [PERM…\n1< * 1 EXISTS\n1< * LIST () \"/\" "
         "INBOX\n"
         "1< * OK [UIDVALIDITY …\n1< * OK [UIDNEXT …\n1< * OK [HIGHEST…\n1< * OK [MAILBOXID …\n"
         "1< s OK [READ-WRITE] …\n1> t SELECT INBOX\n1< * OK [CLOSED] …\n1< * FLAGS …\n1< * OK …\n"
         "1< * 1 EXISTS\n1< * LIST …\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n1< t OK …\n"},
        {"search", "1~ 1 SELECT INBOX\n1> a SEARCH ALL\n1< * ESEARCH (TAG \"a\") ALL 1\n1< a OK …\n"
                   "1> b UID SEARCH ALL\n1< * ESEARCH (TAG \"b\") UID ALL 1\n1< b OK …\n"},
        {"names", "1> a CREATE \"\xc3\xa4\"\n1< a OK …\n1> b LIST \"\" \"\xc3\xa4\"\n"
                  "1< * LIST (\\HasNoChildren) \"/\" \"\xc3\xa4\"\n1< b OK …\n"
                  "1> c CREATE \"\xff\"\n1< c NO [CANNOT] …\n"},
    };
    RUN_AFTER("1~ 01 APPEND INBOX {1+}$m\n1~ 02 ENABLE IMAP4rev2\n", scripts);
}

static void rev2_alone(void **state)
{
    struct conversation c;
    conversation_init(&c);
    capabilities_set(&c.env.options.capabilities, CAP_IMAP4REV1, false);
    capabilities_set(&c.env.options.capabilities, CAP_MOVE, false);
    conversation_play(
        &c, "pure",
        "1> a CAPABILITY\n1< * CAPABILITY IMAP4rev2 LITERAL+ …\n1< a OK …\n"
        "1> b LSUB \"\" *\n1< b BAD Unknown command\n"
        "1> c CREATE \"\xc3\xa4\"\n1< c OK …\n1~ 1 SELECT INBOX\n"
        "1> d CHECK\n1< d BAD Unknown command\n1> e MOVE 1:* x\n1< e NO [TRYCREATE] …\n");
    conversation_free(&c);
}

/* What has not all of RFC 9051 does not say it has. */
static void rev2_is_whole(void **state)
{
    struct conversation c;
    conversation_init(&c);
    capabilities_set(&c.env.options.capabilities, CAP_MOVE, false);
    conversation_play(&c, "no MOVE",
                      "1> a CAPABILITY\n1< * CAPABILITY IMAP4rev1 LITERAL+ …\n1< a OK …\n"
                      "1> b ENABLE IMAP4rev2\n1< * ENABLED\n1< b OK …\n");
    conversation_free(&c);
}

static void utf8(void **state)
{
    static const struct script scripts[] = {
        {"names", "1> a CREATE \"\xc3\xa4\"\n1< a OK …\n1> b STATUS \"\xc3\xa4\" (MESSAGES)\n"
                  "1< * STATUS \"\xc3\xa4\" (MESSAGES 0)\n1< b OK …\n"},
        {"append", "1> a APPEND INBOX UTF8 (~{5+}$m\xc3\xa4$)\n1< a OK …\n"
                   "1> b APPEND INBOX CATENATE (URL x)\n1< b BAD …\n"},
        {"no charset", "1~ 1 SELECT INBOX\n1> a SEARCH CHARSET US-ASCII ALL\n1< a BAD …\n"
                       "1> b SEARCH SUBJECT \"\xc3\xa4\"\n1< * SEARCH\n1< b OK …\n"},
    };
    RUN_AFTER("1~ 01 ENABLE UTF8=ACCEPT\n", scripts);
    conversation_run("not enabled", "1> a APPEND INBOX UTF8 (~{1+}$m)\n1< a BAD …\n"
                                    "1> b CREATE \"\xc3\xa4\"\n1< b NO [CANNOT] …\n");
}

/* RFC 9586. */
static void uidonly(void **state)
{
    static const struct script scripts[] = {
        {"no numbers", "1> a FETCH 1 FLAGS\n1< a BAD [UIDREQUIRED] …\n"
                       "1> b SEARCH ALL\n1< b BAD [UIDREQUIRED] …\n"
                       "1> c UID SEARCH 1:2\n1< c BAD [UIDREQUIRED] …\n"
                       "1> d STORE 1 FLAGS ()\n1< d BAD [UIDREQUIRED] …\n"
                       "1> e COPY 1 x\n1< e BAD [UIDREQUIRED] …\n"},
        {"answers", "1> a UID FETCH 1:* FLAGS\n1< * 1 UIDFETCH (FLAGS ())\n"
                    "1< * 2 UIDFETCH (FLAGS ())\n1< a OK …\n"
                    "1> b UID STORE 2 FLAGS (\\Deleted)\n1< * 2 UIDFETCH (FLAGS (\\Deleted))\n"
                    "1< b OK …\n1> c EXPUNGE\n1< * VANISHED 2\n1< c OK …\n"
                    "1> d UID SEARCH ALL\n1< * SEARCH 1\n1< d OK …\n"},
        {"select",
         "1> s SELECT INBOX\n1< * FLAGS …\n1< * OK [PERM…\n1< * 2 EXISTS\n1< * 0 RECENT\n"
         "1< * OK [UIDVAL…\n1< * OK [UIDNEXT …\n1< * OK [HIGH…\n1< * OK [MAILB…\n1< s OK …\n"},
    };
    RUN_AFTER("1~ 01 APPEND INBOX {1+}$m\n1~ 02 APPEND INBOX {1+}$m\n1~ 03 ENABLE UIDONLY\n"
              "1~ 04 SELECT INBOX\n",
              scripts);
}

/* RFC 9738. */
static void message_limit(void **state)
{
    static const struct script scripts[] = {
        {"fetch", "1> a UID FETCH 1:* UID\n1< * 3 FETCH (UID 3)\n1< * 4 FETCH (UID 4)\n"
                  "1< a OK [MESSAGELIMIT 2 3] …\n1> b UID FETCH 1:2 UID\n1< * 1 FETCH (UID 1)\n"
                  "1< * 2 FETCH (UID 2)\n1< b OK FETCH done\n"},
        {"search", "1> a SEARCH ALL\n1< * SEARCH 3 4\n1< a OK [MESSAGELIMIT 2 3] …\n"
                   "1> b SEARCH UIDBEFORE 4\n1< * SEARCH 3\n1< b OK [MESSAGELIMIT 2 3] …\n"},
        {"store", "1> a UID STORE 1:* +FLAGS.SILENT (k)\n1< a OK [MESSAGELIMIT 2 3] …\n"
                  "1> b FETCH 2:3 FLAGS\n1< * 2 FETCH (FLAGS ())\n1< * 3 FETCH (FLAGS (k))\n"
                  "1< b OK …\n"},
        {"copy", "1> a COPY 1:3 INBOX\n1< a NO [MESSAGELIMIT 2] …\n"},
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct conversation c;
        conversation_init(&c);
        capabilities_set(&c.env.options.capabilities, CAP_MESSAGELIMIT, true);
        c.env.options.capabilities.message_limit = 2;
        conversation_play(&c, scripts[i].name,
                          "1~ 1 APPEND INBOX {1+}$a {1+}$b {1+}$c {1+}$d\n1~ 2 SELECT INBOX\n");
        conversation_play(&c, scripts[i].name, scripts[i].text);
        conversation_free(&c);
    }
}

static void unauthenticate(void **state)
{
    conversation_run(
        "back to the beginning",
        "1~ 1 ENABLE QRESYNC IMAP4rev2\n1~ 2 SELECT INBOX\n"
        "1> a UNAUTHENTICATE\n1< a OK …\n1> b SELECT INBOX\n1< b BAD Not in this state\n"
        "1> c LOGIN u p\n1< c OK [CAPABILITY …\n"
        "1> d ENABLE QRESYNC\n1< * ENABLED QRESYNC\n1< d OK …\n"
        "1> e CREATE \"\xc3\xa4\"\n1< e NO [CANNOT] …\n");
}

static void append(void **state)
{
    static const struct script scripts[] = {
        {"several",
         "1> a APPEND INBOX (\\Seen) {1+}$a (k) \" 1-Jan-2020 00:00:00 +0000\" {2+}$bb\n"
         "1< a OK [APPENDUID 1704067201 1:2] …\n1~ 2 EXAMINE INBOX\n"
         "1> b FETCH 1:* (FLAGS RFC822.SIZE)\n1< * 1 FETCH (FLAGS (\\Seen) RFC822.SIZE 1)\n"
         "1< * 2 FETCH (FLAGS (k) RFC822.SIZE 2)\n1< b OK …\n"},
        {"all or none",
         "1> a APPEND INBOX {1+}$a (bad]flag {1+}$b\n1< a BAD …\n"
         "1> b STATUS INBOX (MESSAGES)\n1< * STATUS INBOX (MESSAGES 0)\n1< b OK …\n"},
        {"waiting for each", "1> a APPEND INBOX {1}\n1< + Go ahead\n1+ a {1}$\n1< + Go ahead\n"
                             "1> b\n1< a OK …\n"},
        {"binary", "1> a APPEND INBOX ~{3+}$a\x01z\n1< a OK …\n"},
        {"too big", "1> a APPEND INBOX {99999999}\n1< a NO [TOOBIG] …\n"},
        {"STATUS", "1> a STATUS INBOX (APPENDLIMIT)\n1< * STATUS INBOX (APPENDLIMIT 67108864)\n"
                   "1< a OK …\n"},
        {"replace",
         "1~ 1 APPEND INBOX {1+}$a\n1~ 2 APPEND INBOX {1+}$b\n1~ 3 SELECT INBOX\n"
         "1> a REPLACE 1 INBOX (\\Draft) {2+}$cc\n1< * OK [APPENDUID 1704067201 3] …\n"
         "1< * 1 EXPUNGE\n1< * 2 EXISTS\n1< a OK REPLACE done\n"
         "1> b UID REPLACE 2 INBOX {1+}$d\n1< * OK [APPENDUID …\n1< * 1 EXPUNGE\n1< * 2 EXISTS\n"
         "1< b OK …\n1> c UID REPLACE 77 INBOX {1+}$d\n1< c NO [NONEXISTENT] …\n"
         "1> d REPLACE 1 no {1}\n1< d NO [TRYCREATE] …\n1> e REPLACE 9 INBOX {1+}$d\n1< e NO …\n"
         "1> g SEARCH ALL\n1< * SEARCH 1 2\n1< g OK …\n"},
    };
    RUN_AFTER(NULL, scripts);
}

/* RFC 5258 section 5 has these mailboxes. */
static void list_extended(void **state)
{
    static const struct script scripts[] = {
        {"children and subscribed", "1> a LIST \"\" % RETURN (CHILDREN SUBSCRIBED)\n"
                                    "1< * LIST (\\HasChildren) \"/\" Fruit\n1< * LIST "
                                    "(\\HasNoChildren \\Subscribed) \"/\" INBOX\n"
                                    "1< * LIST (\\HasNoChildren) \"/\" Tofu\n1< * LIST "
                                    "(\\HasChildren) \"/\" Vegetable\n1< a OK …\n"},
        {"recursive", "1> a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %\n"
                      "1< * LIST () \"/\" Fruit (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
                      "1< * LIST (\\Subscribed) \"/\" INBOX\n"
                      "1< * LIST () \"/\" Vegetable (\"CHILDINFO\" (\"SUBSCRIBED\"))\n1< a OK …\n"},
        {"recursive over what is not there",
         "1~ 1 SUBSCRIBE no/where\n1> a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" n%\n"
         "1< * LIST (\\NonExistent) \"/\" no (\"CHILDINFO\" (\"SUBSCRIBED\"))\n1< a OK …\n"
         "1> b LSUB \"\" n%\n1< * LSUB (\\Noselect) \"/\" no\n1< b OK …\n"},
        {"several patterns",
         "1> a LIST \"\" (INBOX Fruit/%)\n1< * LIST () \"/\" Fruit/Apple\n"
         "1< * LIST () \"/\" Fruit/Banana\n1< * LIST () \"/\" INBOX\n1< a OK …\n"},
        {"recursive alone", "1> a LIST (RECURSIVEMATCH) \"\" %\n1< a BAD …\n"},
        {"rights and annotations",
         "1~ 1 SETMETADATA Tofu (/private/a 1)\n"
         "1> a LIST \"\" Tofu RETURN (MYRIGHTS METADATA (/private/a) STATUS (MESSAGES))\n"
         "1< * LIST () \"/\" Tofu\n1< * STATUS Tofu (MESSAGES 0)\n"
         "1< * MYRIGHTS Tofu acdeiklprstwx\n1< * METADATA Tofu (/private/a \"1\")\n1< a OK …\n"},
        {"XLIST",
         "1~ 1 CREATE Sent (USE (\\Sent))\n1> a XLIST \"\" %\n"
         "1< * XLIST (\\HasChildren) \"/\" Fruit\n"
         "1< * XLIST (\\HasNoChildren \\Inbox) \"/\" INBOX\n"
         "1< * XLIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
         "1< * XLIST (\\HasNoChildren) \"/\" Tofu\n1< * XLIST (\\HasChildren) \"/\" Vegetable\n"
         "1< a OK …\n"},
    };
    RUN_AFTER("1~ 01 CREATE Fruit/Apple\n1~ 02 CREATE Fruit/Banana\n1~ 03 CREATE Tofu\n"
              "1~ 04 CREATE Vegetable/Broccoli\n1~ 05 SUBSCRIBE INBOX\n"
              "1~ 06 SUBSCRIBE Fruit/Banana\n1~ 07 SUBSCRIBE Vegetable/Broccoli\n",
              scripts);
}

static void off(void **state)
{
    static const struct script_without scripts[] = {
        {CAP_MULTIAPPEND, "1> a APPEND INBOX {1+}$a {1+}$b\n1< a BAD …\n"},
        {CAP_BINARY, "1> a APPEND INBOX ~{1+}$a\n1< a BAD …\n"},
        {CAP_REPLACE, "1~ 1 SELECT INBOX\n1> a REPLACE 1 INBOX {1+}$a\n1< a BAD Unknown command\n"},
        {CAP_UNAUTHENTICATE, "1> a UNAUTHENTICATE\n1< a BAD Unknown command\n"},
        {CAP_XLIST, "1> a XLIST \"\" *\n1< a BAD Unknown command\n"},
        {CAP_UIDONLY, "1> a ENABLE UIDONLY\n1< * ENABLED\n1< a OK …\n"},
        {CAP_UTF8_ACCEPT, "1> a ENABLE UTF8=ACCEPT\n1< * ENABLED\n1< a OK …\n"},
        {CAP_IMAP4REV2, "1> a ENABLE IMAP4rev2\n1< * ENABLED\n1< a OK …\n"},
        {CAP_NOTIFY, "1> a NOTIFY NONE\n1< a BAD Unknown command\n"},
        {CAP_SORT, "1~ 1 SELECT INBOX\n1> a SORT (DATE) UTF-8 ALL\n1< a BAD Unknown command\n"},
        {CAP_SORT_DISPLAY, "1~ 1 SELECT INBOX\n1> a SORT (DISPLAYTO) UTF-8 ALL\n1< a BAD …\n"},
        {CAP_ESORT, "1~ 1 SELECT INBOX\n1> a SORT RETURN () (DATE) UTF-8 ALL\n1< a BAD …\n"},
        {CAP_ESEARCH, "1~ 1 SELECT INBOX\n1> a SEARCH RETURN () ALL\n1< a BAD …\n"},
        {CAP_THREAD_REFERENCES,
         "1~ 1 SELECT INBOX\n1> a THREAD REFERENCES UTF-8 ALL\n1< a BAD …\n"},
        {CAP_SEARCHRES, "1~ 1 SELECT INBOX\n1> a SEARCH RETURN (SAVE) ALL\n1< a BAD …\n"
                        "1> b FETCH \\$ UID\n1< b BAD …\n"},
        {CAP_PARTIAL, "1~ 1 SELECT INBOX\n1> a SEARCH RETURN (PARTIAL 1:2) ALL\n1< a BAD …\n"},
        {CAP_WITHIN, "1~ 1 SELECT INBOX\n1> a SEARCH OLDER 1\n1< a BAD …\n"},
        {CAP_SAVEDATE, "1~ 1 SELECT INBOX\n1> a SEARCH SAVEDSINCE 1-Jan-2020\n1< a BAD …\n"},
        {CAP_SEARCH_FUZZY, "1~ 1 SELECT INBOX\n1> a SEARCH FUZZY TEXT x\n1< a BAD …\n"},
        {CAP_OBJECTID, "1~ 1 SELECT INBOX\n1> a SEARCH EMAILID x\n1< a BAD …\n"},
        {CAP_APPENDLIMIT, "1> a STATUS INBOX (APPENDLIMIT)\n1< a BAD …\n"},
    };
    conversation_run_without(scripts, sizeof scripts / sizeof *scripts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rev2),           cmocka_unit_test(rev2_alone),
        cmocka_unit_test(rev2_is_whole),  cmocka_unit_test(utf8),
        cmocka_unit_test(uidonly),        cmocka_unit_test(message_limit),
        cmocka_unit_test(unauthenticate), cmocka_unit_test(append),
        cmocka_unit_test(list_extended),  cmocka_unit_test(off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
