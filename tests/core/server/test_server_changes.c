/* What sessions tell about each other's changes, and QRESYNC. */
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SELECTED(n, highest)                                                                       \
    n "> s SELECT INBOX\n" n "< * FLAGS …\n" n "< * OK [PERMANENTFLAGS …\n" n "< * 4 EXISTS\n" n   \
      "< * 0 RECENT\n" n "< * OK [UNSEEN 1] …\n" n "< * OK [UIDVALIDITY 1704067201] …\n" n         \
      "< * OK [UIDNEXT 5] …\n" n "< * OK [HIGHESTMODSEQ " highest "] …\n" n                        \
      "< * OK [MAILBOXID (F1)] …\n" n "< s OK [READ-WRITE] …\n"
#define ENABLED(n) n "> e ENABLE QRESYNC\n" n "< * ENABLED QRESYNC\n" n "< e OK …\n"

static void add_messages(struct conversation *c, size_t count)
{
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            mem_backend_append(c->env.backend, "u", "INBOX", STR("x\r\n"), 0, 0, NULL, &err), 0);
    }
}

/* Four messages in INBOX. */
static void run_all(const struct script *scripts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct conversation c;
        conversation_init(&c);
        add_messages(&c, 4);
        conversation_play(&c, scripts[i].name, scripts[i].text);
        conversation_free(&c);
    }
}

#define RUN(scripts) run_all(scripts, sizeof scripts / sizeof *scripts)

static void sessions_see_each_other(void **state)
{
    static const struct script scripts[] = {
        {"flags",
         SELECTED("1", "5") SELECTED(
             "2", "5") "1> a STORE 2 +FLAGS (\\Seen)\n1< * 2 FETCH (FLAGS (\\Seen))\n1< a OK …\n"
                       "2> a NOOP\n2< * 2 FETCH (FLAGS (\\Seen))\n2< a OK …\n2> b NOOP\n2< b OK "
                       "…\n1> b NOOP\n"
                       "1< b OK …\n"},
        {"new messages", SELECTED("1", "5") SELECTED(
                             "2", "5") "1> a APPEND INBOX {1+}$x\n1< * 5 EXISTS\n1< a OK …\n2> a "
                                       "NOOP\n2< * 5 EXISTS\n2< a OK …\n"
                                       "2> b FETCH 5 UID\n2< * 5 FETCH (UID 5)\n2< b OK …\n"},
        {"while one is idle",
         SELECTED("1", "5") SELECTED(
             "2",
             "5") "2> i IDLE\n2< + idling\n1> a STORE 1 +FLAGS.SILENT (\\Deleted)\n1< a OK …\n"
                  "2?\n2< * 1 FETCH (FLAGS (\\Deleted))\n1> b EXPUNGE\n1< * 1 EXPUNGE\n1< b OK …\n"
                  "1> c APPEND INBOX {1+}$x\n1< * 4 EXISTS\n1< c OK …\n"
                  "2?\n2< * 1 EXPUNGE\n2< * 4 EXISTS\n2?\n2.\n2> DONE\n2< i OK …\n"},
        {"expunge waits while numbers are in use",
         SELECTED("1", "5") SELECTED(
             "2",
             "5") "1> a STORE 1,3 +FLAGS.SILENT (\\Deleted)\n1< a OK …\n1> b EXPUNGE\n"
                  "1< * 3 EXPUNGE\n1< * 1 EXPUNGE\n1< b OK …\n"
                  "2> a FETCH 1:* UID\n2< * 2 FETCH (UID 2)\n2< * 4 FETCH (UID 4)\n2< a OK …\n"
                  "2> b STORE 2 +FLAGS (\\Seen)\n2< * 2 FETCH (FLAGS (\\Seen))\n2< b OK …\n"
                  "2> c SEARCH ALL\n2< * SEARCH 2 4\n2< c OK …\n"
                  "2> d UID FETCH 4 FLAGS\n2< * 4 FETCH (UID 4 FLAGS ())\n"
                  "2< * 3 EXPUNGE\n2< * 1 EXPUNGE\n2< d OK …\n"
                  "2> e FETCH 1:2 UID\n2< * 1 FETCH (UID 2)\n2< * 2 FETCH (UID 4)\n2< e OK …\n"},
        {"new and old at once: expunged first, then counted, then flags",
         SELECTED("1", "5")
             SELECTED("2", "5") "1> a STORE 1 +FLAGS.SILENT (\\Deleted)\n1< a OK …\n1> b "
                                "EXPUNGE\n1< * 1 EXPUNGE\n1< b OK …\n"
                                "1> c APPEND INBOX {1+}$x\n1< * 4 EXISTS\n1< c OK …\n"
                                "1> d STORE 1 +FLAGS.SILENT (\\Seen)\n1< d OK …\n"
                                "2> a NOOP\n2< * 1 EXPUNGE\n2< * 4 EXISTS\n2< * 1 FETCH (FLAGS "
                                "(\\Seen))\n2< a OK …\n"},
        {"come and gone between looks",
         SELECTED("1", "5")
             SELECTED("2", "5") "1> a APPEND INBOX (\\Deleted) {1+}$x\n1< * 5 EXISTS\n1< a OK …\n"
                                "1> b EXPUNGE\n1< * 5 EXPUNGE\n1< b OK …\n2> a NOOP\n2< a OK …\n"},
        {"a silent STORE does not hide another's change",
         SELECTED("1", "5")
             SELECTED("2", "5") "1> a STORE 1 +FLAGS.SILENT (\\Seen)\n1< a OK …\n"
                                "2> a STORE 1 +FLAGS.SILENT (\\Flagged)\n2< * 1 FETCH (FLAGS "
                                "(\\Flagged \\Seen))\n2< a OK …\n"
                                "1> b NOOP\n1< * 1 FETCH (FLAGS (\\Flagged \\Seen))\n1< b OK …\n"},
        {"the mailbox is deleted",
         "1> a CREATE x\n1< a OK …\n1> b SELECT x\n1< * FLAGS …\n1< * OK …\n1< * 0 EXISTS\n"
         "1< * 0 RECENT\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n1< b OK …\n"
         "2> a DELETE x\n2< a OK …\n1> c NOOP\n1< * BYE …\n1!\n"},
    };
    RUN(scripts);
}

static void sessions_with_qresync(void **state)
{
    static const struct script scripts[] = {
        {"QRESYNC: VANISHED and UIDs everywhere",
         ENABLED("1") ENABLED("2") SELECTED("1", "5") SELECTED(
             "2",
             "5") "1> a UID STORE 1,3 +FLAGS.SILENT (\\Deleted)\n1< * 1 FETCH (UID 1 MODSEQ (6))\n"
                  "1< * 3 FETCH (UID 3 MODSEQ (7))\n1< a OK …\n1> b UID EXPUNGE 1:*\n1< * VANISHED "
                  "1,3\n"
                  "1< b OK [HIGHESTMODSEQ 8] …\n1> c STORE 1 +FLAGS (\\Seen)\n"
                  "1< * 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (9))\n1< c OK …\n"
                  "2> a NOOP\n2< * VANISHED 1,3\n2< * 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ "
                  "(9))\n2< a OK …\n"
                  "1> d UID MOVE 2 INBOX\n1< * OK [COPYUID 1704067201 2 5] …\n1< * VANISHED 2\n1< "
                  "* 2 EXISTS\n"
                  "1< d OK [HIGHESTMODSEQ 11] …\n"},
        {"CLOSED",
         ENABLED("1") SELECTED(
             "1", "5") "1> a SELECT nowhere\n1< * OK [CLOSED] …\n1< a NO …\n1> b NOOP\n1< b OK …\n"
                       "1> c FETCH 1 UID\n1< c BAD …\n"},
    };
    RUN(scripts);
}

/* UIDs 1 and 3 expunged, 2 seen, 5 new; before that the mark was 5. */
#define CHANGED                                                                                    \
    SELECTED("1", "5")                                                                             \
    "1> a STORE 1,3 +FLAGS.SILENT (\\Deleted)\n1< a OK …\n1> b EXPUNGE\n1< * 3 EXPUNGE\n"        \
    "1< * 1 EXPUNGE\n1< b OK …\n1> c STORE 1 +FLAGS.SILENT (\\Seen)\n1< c OK …\n"              \
    "1> d APPEND INBOX {1+}$x\n1< * 3 EXISTS\n1< d OK …\n" ENABLED("2")
#define RESYNCED                                                                                     \
    "2< * FLAGS …\n2< * OK [PERMANENTFLAGS …\n2< * 3 EXISTS\n2< * 0 RECENT\n2< * OK [UNSEEN 2] " \
    "…\n2< * OK [UIDVALIDITY 1704067201] …\n2< * OK [UIDNEXT 6] …\n"                           \
    "2< * OK [HIGHESTMODSEQ 10] …\n2< * OK [MAILBOXID (F1)] …\n"

static void qresync(void **state)
{
    static const struct script scripts[] = {
        {"all that happened",
         CHANGED "2> a SELECT INBOX (QRESYNC (1704067201 5))\n" RESYNCED
                 "2< * VANISHED (EARLIER) 1,3\n2< * 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (9))\n"
                 "2< * 3 FETCH (UID 5 FLAGS () MODSEQ (10))\n2< a OK [READ-WRITE] …\n"},
        {"of what is known",
         CHANGED "2> a SELECT INBOX (QRESYNC (1704067201 5 2:3))\n" RESYNCED
                 "2< * VANISHED (EARLIER) 3\n2< * 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (9))\n"
                 "2< a OK [READ-WRITE] …\n"},
        {"with sequence match data",
         CHANGED "2> a EXAMINE INBOX (QRESYNC (1704067201 8 1:5 (1,2 1,2)))\n"
                 "2< * FLAGS …\n2< * OK [PERMANENTFLAGS ()] …\n2< * 3 EXISTS\n2< * 0 RECENT\n2< * "
                 "OK [UNSEEN 2] …\n"
                 "2< * OK [UIDVALIDITY …\n2< * OK [UIDNEXT 6] …\n2< * OK [HIGHESTMODSEQ 10] …\n"
                 "2< * OK [MAILBOXID …\n2< * 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (9))\n"
                 "2< * 3 FETCH (UID 5 FLAGS () MODSEQ (10))\n2< a OK [READ-ONLY] …\n"},
        {"nothing happened", CHANGED "2> a SELECT INBOX (QRESYNC (1704067201 10))\n" RESYNCED
                                     "2< a OK [READ-WRITE] …\n"},
        {"another UIDVALIDITY",
         CHANGED "2> a SELECT INBOX (QRESYNC (7 5))\n" RESYNCED "2< a OK [READ-WRITE] …\n"},
        {"UID FETCH with VANISHED",
         CHANGED "2> a SELECT INBOX (QRESYNC (1704067201 10))\n" RESYNCED
                 "2< a OK …\n2> b UID FETCH 2:* FLAGS (CHANGEDSINCE 5 VANISHED)\n"
                 "2< * VANISHED (EARLIER) 3\n2< * 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (9))\n"
                 "2< * 3 FETCH (UID 5 FLAGS () MODSEQ (10))\n2< b OK …\n"},
        {"not enabled", "1> a SELECT INBOX (QRESYNC (1704067201 5))\n1< a BAD …\n"},
    };
    RUN(scripts);
}

/* RFC 7162 section 3.2.5.2: then everything that may be gone is told. */
static void qresync_with_a_short_memory(void **state)
{
    struct conversation c;
    struct error err = ERROR_INIT;
    conversation_init(&c);
    add_messages(&c, 4);
    conversation_play(&c, "change", CHANGED);
    assert_int_equal(mem_backend_forget_expunged(c.env.backend, "u", "INBOX", &err), 0);
    conversation_play(&c, "resync",
                      "2> a SELECT INBOX (QRESYNC (1704067201 5 1:9))\n" RESYNCED
                      "2< * VANISHED (EARLIER) 1,3\n"
                      "2< * 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (9))\n"
                      "2< * 3 FETCH (UID 5 FLAGS () MODSEQ (10))\n2< a OK …\n");
    conversation_free(&c);
}

/* A session that has the mailbox open finds out even if the list of the expunged is gone. */
static void short_memory_while_selected(void **state)
{
    struct conversation c;
    struct error err = ERROR_INIT;
    conversation_init(&c);
    add_messages(&c, 4);
    conversation_play(&c, "select", SELECTED("1", "5"));
    assert_int_equal(mem_backend_expunge(c.env.backend, "u", "INBOX", 2, &err), 0);
    assert_int_equal(mem_backend_forget_expunged(c.env.backend, "u", "INBOX", &err), 0);
    conversation_play(&c, "look", "1> a NOOP\n1< * 2 EXPUNGE\n1< a OK …\n");
    conversation_free(&c);
}

static void changes_from_the_side(void **state)
{
    struct conversation c;
    struct error err = ERROR_INIT;
    conversation_init(&c);
    add_messages(&c, 4);
    conversation_play(&c, "select", SELECTED("1", "5") "1> i IDLE\n1< + idling\n");
    assert_int_equal(
        mem_backend_set_flags(c.env.backend, "u", "INBOX", 3, FLAG_SEEN | FLAG_DRAFT, &err), 0);
    conversation_play(&c, "flags", "1?\n1< * 3 FETCH (FLAGS (\\Seen \\Draft))\n");
    add_messages(&c, 1);
    conversation_play(&c, "new", "1?\n1< * 5 EXISTS\n");
    assert_int_equal(mem_backend_expunge(c.env.backend, "u", "INBOX", 1, &err), 0);
    conversation_play(&c, "gone", "1?\n1< * 1 EXPUNGE\n");
    assert_int_equal(mem_backend_renumber(c.env.backend, "u", "INBOX", &err), 0);
    conversation_play(&c, "renumbered", "1?\n1< * BYE …\n1!\n");
    conversation_play(&c, "after",
                      "2> a STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\n"
                      "2< * STATUS INBOX (MESSAGES 4 UIDNEXT 5 UIDVALIDITY 1704067202)"
                      "\n2< a OK …\n");
    conversation_free(&c);
}

/* RFC 3501 section 2.3.2: of each message one session alone is told, which EXAMINE does not change;
 * IMAP4rev2 knows nothing of it. */
static void recent(void **state)
{
    struct conversation c;
    conversation_init(&c);
    c.env.options.recent = true;
    conversation_play(
        &c, "recent",
        "1~ 1 APPEND INBOX {1+}$m\n1~ 2 APPEND INBOX (\\Seen) {1+}$n\n"
        "1> s STATUS INBOX (RECENT)\n1< * STATUS INBOX (RECENT 2)\n1< s OK …\n"
        "2> e EXAMINE INBOX\n2< * FLAGS …\n2< * OK …\n2< * 2 EXISTS\n2< * 2 RECENT\n2< * OK …\n"
        "2< * OK …\n2< * OK …\n2< * OK …\n2< * OK …\n2< e OK …\n"
        "1> s SELECT INBOX\n1< * FLAGS …\n1< * OK …\n1< * 2 EXISTS\n1< * 2 RECENT\n1< * OK …\n"
        "1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n1< s OK …\n"
        "1> f FETCH 1:2 FLAGS\n1< * 1 FETCH (FLAGS (\\Recent))\n"
        "1< * 2 FETCH (FLAGS (\\Seen \\Recent))\n1< f OK …\n"
        "1> n SEARCH NEW\n1< * SEARCH 1\n1< n OK …\n1> o SEARCH OLD\n1< * SEARCH\n1< o OK …\n"
        "1> p STORE 1 +FLAGS (\\Flagged)\n1< * 1 FETCH (FLAGS (\\Flagged \\Recent))\n1< p OK …\n"
        "2~ c CLOSE\n2> s SELECT INBOX\n2< * FLAGS …\n2< * OK …\n2< * 2 EXISTS\n2< * 0 RECENT\n"
        "2< * OK …\n2< * OK …\n2< * OK …\n2< * OK …\n2< * OK …\n2< s OK …\n"
        "2> f FETCH 1 FLAGS\n2< * 1 FETCH (FLAGS (\\Flagged))\n2< f OK …\n"
        "2~ 3 APPEND INBOX {1+}$o\n1> n NOOP\n1< * 3 EXISTS\n1< * 2 RECENT\n1< n OK …\n"
        "3~ e ENABLE IMAP4rev2\n3~ s SELECT INBOX\n3> f FETCH 3 FLAGS\n3< * 3 FETCH (FLAGS ())\n"
        "3< f OK …\n");
    conversation_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_see_each_other),
        cmocka_unit_test(sessions_with_qresync),
        cmocka_unit_test(qresync),
        cmocka_unit_test(qresync_with_a_short_memory),
        cmocka_unit_test(short_memory_while_selected),
        cmocka_unit_test(changes_from_the_side),
        cmocka_unit_test(recent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
