/* NOTIFY (RFC 5465): session 1 listens, session 2 acts. */
#include "imap/limits.h"
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define BEGIN "2~ 01 CREATE x\n2~ 02 CREATE y/z\n"

static void selected(void **state)
{
    static const struct script scripts[] = {
        {"at any time",
         "1~ 1 SELECT INBOX\n1> a NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange))\n"
         "1< a OK …\n2~ 1 APPEND INBOX {1+}$m\n1?\n1< * 1 EXISTS\n2~ 2 SELECT INBOX\n"
         "2~ 3 STORE 1 FLAGS (\\Deleted)\n1?\n1< * 1 FETCH (UID 1 FLAGS (\\Deleted))\n"
         "2~ 4 EXPUNGE\n1?\n1< * 1 EXPUNGE\n1?\n1.\n"},
        {"expunges wait",
         "1~ 1 SELECT INBOX\n"
         "1> a NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))\n1< a OK …\n"
         "2~ 1 APPEND INBOX (\\Deleted) {1+}$m\n1?\n1< * 1 EXISTS\n2~ 2 SELECT INBOX\n2~ 3 "
         "EXPUNGE\n"
         "1?\n1.\n1> b NOOP\n1< * 1 EXPUNGE\n1< b OK …\n"},
        {"new messages with what was asked for",
         "1~ 1 SELECT INBOX\n1> a NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[TEXT]) "
         "MessageExpunge))\n1< a OK …\n2~ 1 APPEND INBOX {4+}$$$\n1?\n1< * 1 EXISTS\n"
         "1< * 1 FETCH (UID 1 BODY[TEXT] {2}\n1< \n1< )\n"
         "2~ 2 SELECT INBOX\n2~ 3 STORE 1 FLAGS (k)\n1?\n1.\n"},
        {"nothing of the selected one",
         "1~ 1 SELECT INBOX\n1> a NOTIFY SET (PERSONAL (MessageNew MessageExpunge))\n1< a OK …\n"
         "2~ 1 APPEND INBOX {1+}$m\n1?\n1.\n1> b NOOP\n1< b OK …\n"
         "1> c APPEND INBOX {1+}$m\n1< * 2 EXISTS\n1< c OK …\n"},
        {"none", "1~ 1 SELECT INBOX\n1> a NOTIFY NONE\n1< a OK …\n2~ 1 APPEND INBOX {1+}$m\n"
                 "1?\n1.\n1> b NOOP\n1< b OK …\n"},
        {"in the middle of a command nothing",
         "1~ 1 SELECT INBOX\n1> a NOTIFY SET (SELECTED (MessageNew MessageExpunge))\n1< a OK …\n"
         "1+ b NO\n2~ 1 APPEND INBOX {1+}$m\n1?\n1.\n1+ OP$\n1< * 1 EXISTS\n1< b OK …\n"},
        {"in IDLE too",
         "1~ 1 SELECT INBOX\n1> a NOTIFY SET (SELECTED (MessageNew MessageExpunge)) "
         "(MAILBOXES x (MessageNew MessageExpunge))\n1< a OK …\n1> b IDLE\n"
         "1< + idling\n2~ 1 APPEND x {1+}$m\n1?\n1< * STATUS x (MESSAGES 1 UIDNEXT 2 "
         "UIDVALIDITY …\n1> DONE\n1< b OK …\n"},
    };
    RUN_AFTER(BEGIN, scripts);
}

static void others(void **state)
{
    static const struct script scripts[] = {
        {"the state first",
         "1> a NOTIFY SET STATUS (MAILBOXES (x no) (MessageNew MessageExpunge))\n"
         "1< * STATUS x (MESSAGES 0 UIDNEXT 1 UIDVALIDITY …\n1< a OK …\n"},
        {"new, flags, expunge",
         "1> a NOTIFY SET (SUBTREE y (MessageNew MessageExpunge FlagChange))\n1< a OK …\n"
         "2~ 1 APPEND y/z {1+}$m\n1?\n1< * STATUS y/z (MESSAGES 1 UIDNEXT 2 UIDVALIDITY …\n"
         "2~ 2 SELECT y/z\n2~ 3 STORE 1 FLAGS (\\Deleted)\n1?\n1< * STATUS y/z (UIDVALIDITY …\n"
         "2~ 4 EXPUNGE\n1?\n1< * STATUS y/z (MESSAGES 0 …\n2~ 5 APPEND x {1+}$m\n1?\n1.\n"},
        {"with CONDSTORE", "1~ 1 ENABLE CONDSTORE\n"
                           "1> a NOTIFY SET (MAILBOXES x (MessageNew MessageExpunge FlagChange))\n"
                           "1< a OK …\n2~ 1 APPEND x {1+}$m\n1?\n"
                           "1< * STATUS x (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 1704067202 "
                           "HIGHESTMODSEQ 2)\n"},
        {"names", "1> a NOTIFY SET (PERSONAL (MailboxName))\n1< a OK …\n2~ 1 CREATE new\n1?\n"
                  "1< * LIST () \"/\" new\n2~ 2 RENAME new newer\n1?\n"
                  "1< * LIST () \"/\" newer (\"OLDNAME\" (new))\n2~ 3 DELETE newer\n1?\n"
                  "1< * LIST (\\NonExistent) \"/\" newer\n"},
        {"children go along", "1> a NOTIFY SET (PERSONAL (MailboxName))\n1< a OK …\n"
                              "2~ 1 RENAME y w\n1?\n1< * LIST () \"/\" w (\"OLDNAME\" (y))\n"},
        {"one's own doing is not told", "1> a NOTIFY SET (PERSONAL (MailboxName))\n1< a OK …\n"
                                        "1> b CREATE new\n1< b OK …\n1?\n1.\n"},
        {"subscriptions",
         "1> a NOTIFY SET (PERSONAL (SubscriptionChange))\n1< a OK …\n"
         "2~ 1 SUBSCRIBE x\n1?\n1< * LIST (\\Subscribed) \"/\" x\n"
         "2~ 2 UNSUBSCRIBE x\n1?\n1< * LIST () \"/\" x\n2~ 3 CREATE new\n1?\n1.\n"},
        {"subscribed ones",
         "1~ 1 SUBSCRIBE x\n"
         "1> a NOTIFY SET (SUBSCRIBED (MessageNew MessageExpunge))\n1< a OK …\n"
         "2~ 1 APPEND x {1+}$m\n1?\n1< * STATUS x …\n2~ 2 APPEND y {1+}$m\n1?\n1.\n"},
        {"inboxes", "1> a NOTIFY SET (INBOXES (MessageNew MessageExpunge))\n1< a OK …\n"
                    "2~ 1 APPEND x {1+}$m\n1?\n1.\n2~ 2 APPEND INBOX {1+}$m\n1?\n"
                    "1< * STATUS INBOX …\n"},
        {"annotations",
         "1~ 1 SETMETADATA x (/private/b 1)\n"
         "1> a NOTIFY SET (MAILBOXES x (MailboxMetadataChange)) (PERSONAL (ServerMetadataChange))\n"
         "1< a OK …\n2~ 1 SETMETADATA x (/private/a 1 /private/b 2)\n1?\n"
         "1< * METADATA x /private/a /private/b\n2~ 2 SETMETADATA x (/private/a NIL)\n1?\n"
         "1< * METADATA x /private/a\n2~ 3 SETMETADATA \"\" (/shared/a 1)\n1?\n"
         "1< * METADATA \"\" /shared/a\n2~ 4 SETMETADATA y (/private/a 1)\n1?\n1.\n"},
        {"rights that go", "1> a NOTIFY SET (PERSONAL (MessageNew MessageExpunge))\n1< a OK …\n"
                           "2~ 1 SETACL x u la\n2~ 2 APPEND y {1+}$m\n1?\n1< * STATUS y …\n"},
        {"before the answer to a command",
         "1> a NOTIFY SET (PERSONAL (MailboxName))\n1< a OK …\n2~ 1 CREATE new\n"
         "1> b NOOP\n1< * LIST () \"/\" new\n1< b OK …\n"},
    };
    RUN_AFTER(BEGIN, scripts);
}

static void refusals(void **state)
{
    static const struct script scripts[] = {
        {"unknown event", "1> a NOTIFY SET (PERSONAL (Hats))\n1< a NO [BADEVENT (MessageNew …\n"},
        {"not done here",
         "1> a NOTIFY SET (PERSONAL (MessageNew MessageExpunge AnnotationChange))\n"
         "1< a NO [BADEVENT …\n"},
        {"half a pair", "1> a NOTIFY SET (PERSONAL (MessageNew))\n1< a BAD …\n"},
        {"wrong place", "1> a NOTIFY SET (SELECTED (MailboxName))\n1< a BAD …\n"},
        {"nothing", "1> a NOTIFY SET\n1< a BAD …\n1> b NOTIFY\n1< b BAD …\n"},
        {"items that are not there",
         "1> a NOTIFY SET (SELECTED (MessageNew (X-GM-MSGID) MessageExpunge))\n1< a BAD …\n"},
    };
    RUN_AFTER(BEGIN, scripts);
}

static void too_much(void **state)
{
    struct conversation c;
    conversation_init(&c);
    c.env.options.notify_limit = 2;
    conversation_play(&c, "overflow",
                      "1~ 1 NOTIFY SET (PERSONAL (MailboxName))\n2~ 1 CREATE a\n2~ 2 CREATE b\n1?\n"
                      "1< * LIST () \"/\" a\n1< * LIST () \"/\" b\n2~ 3 CREATE c\n2~ 4 CREATE d\n"
                      "2~ 5 CREATE e\n1?\n1< * OK [NOTIFICATIONOVERFLOW] …\n2~ 6 CREATE g\n1?\n1.\n"
                      "1~ 2 NOTIFY SET (PERSONAL (MailboxName))\n2~ 7 CREATE h\n1?\n"
                      "1< * LIST () \"/\" h\n");
    conversation_free(&c);
}

/* So many at once are told, one more is too many. */
static void limit_server_notifications(void **state)
{
    for (unsigned more = 0; more < 2; more++) {
        struct conversation c;
        struct error err = ERROR_INIT;
        conversation_init(&c);
        conversation_play(&c, "begin", "1~ 1 NOTIFY SET (PERSONAL (MailboxName))\n");
        for (unsigned i = 0; i < LIMIT_SERVER_NOTIFICATIONS + more; i++) {
            char name[20];
            (void)snprintf(name, sizeof name, "m%u", i);
            assert_int_equal(mem_backend_create(c.env.backend, "u", name, 0, &err), 0);
        }
        (void)session_feed(c.sessions[1], STR_EMPTY, &c.said[1]);
        assert_int_equal(memmem(c.said[1].data, c.said[1].len, "NOTIFICATIONOVERFLOW", 20) != NULL,
                         more == 1);
        conversation_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selected),
        cmocka_unit_test(others),
        cmocka_unit_test(refusals),
        cmocka_unit_test(too_much),
        cmocka_unit_test(limit_server_notifications),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
