#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct fault_case {
    const char *name;
    struct fault fault;
    const char *script;
};

static const struct fault_case cases[] = {
    {"NO",
     {.kind = FAULT_NO, .command = "NOOP", .at = 2},
     "1> a NOOP\n1< a OK …\n1> b NOOP\n1< b NO [UNAVAILABLE] …\n1> c NOOP\n1< c OK …\n"},
    {"BAD with words",
     {.kind = FAULT_BAD, .command = "CREATE", .at = 1, .text = "[CLIENTBUG] no"},
     "1> a CREATE x\n1< a BAD [CLIENTBUG] no\n1> b SELECT x\n1< b NO …\n"},
    {"any command",
     {.kind = FAULT_NO, .at = 3},
     "1> a NOOP\n1< a OK …\n1> b CREATE x\n1< b NO …\n1> c NOOP\n1< c OK …\n"},
    {"BYE",
     {.kind = FAULT_BYE, .command = "NOOP", .at = 1, .text = "so long"},
     "1> a NOOP\n1< * BYE so long\n1!\n2> a NOOP\n2< a OK …\n"},
    {"silence after the deed",
     {.kind = FAULT_SILENCE, .command = "APPEND", .at = 1},
     "1> a APPEND INBOX {1+}$x\n1!\n2> a STATUS INBOX (MESSAGES)\n"
     "2< * STATUS INBOX (MESSAGES 1)\n2< a OK …\n"},
    {"deed, untagged answer, cut",
     {.kind = FAULT_DO_AND_CUT, .command = "STATUS", .at = 1},
     "1> a STATUS INBOX (MESSAGES)\n1< * STATUS INBOX (MESSAGES 0)\n1!\n"},
    {"NO after the deed",
     {.kind = FAULT_DO_AND_NO, .command = "APPEND", .at = 1, .text = "Server error"},
     "1> a APPEND INBOX {1+}$x\n1< a NO Server error\n1> b STATUS INBOX (MESSAGES)\n"
     "1< * STATUS INBOX (MESSAGES 1)\n1< b OK …\n"},
    {"wrong size",
     {.kind = FAULT_LIE_SIZE, .value = 7},
     "1> a APPEND INBOX {3+}$abc\n1< a OK …\n1> s SELECT INBOX\n1< * FLAGS …\n1< * OK …\n"
     "1< * 1 EXISTS\n1< * 0 RECENT\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n"
     "1< s OK …\n1> b FETCH 1 (RFC822.SIZE BODY.PEEK[])\n1< * 1 FETCH (RFC822.SIZE 10 BODY[] {3}\n"
     "1< abc)\n1< b OK …\n"},
    {"hidden body",
     {.kind = FAULT_HIDE_UID, .value = 1},
     "1> a APPEND INBOX {3+}$abc\n1< a OK …\n1> s SELECT INBOX\n1< * FLAGS …\n1< * OK …\n"
     "1< * 1 EXISTS\n1< * 0 RECENT\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n"
     "1< s OK …\n1> b UID FETCH 1 (FLAGS BODY.PEEK[])\n1< * 1 FETCH (UID 1 FLAGS ())\n1< b OK …\n"},
    {"UIDNEXT",
     {.kind = FAULT_LIE_UIDNEXT, .value = (uint64_t)-1},
     "1~ 1 APPEND INBOX {1+}$m\n1> a STATUS INBOX (UIDNEXT)\n1< * STATUS INBOX (UIDNEXT 1)\n"
     "1< a OK …\n"},
    {"UIDVALIDITY",
     {.kind = FAULT_LIE_UIDVALIDITY, .value = 9},
     "1> a STATUS INBOX (UIDVALIDITY)\n1< * STATUS INBOX (UIDVALIDITY 1704067210)\n1< a OK …\n"},
    {"EXISTS",
     {.kind = FAULT_LIE_EXISTS, .value = 3},
     "1> s SELECT INBOX\n1< * FLAGS …\n1< * OK …\n1< * 3 EXISTS\n1< * 0 RECENT\n1< * OK …\n"
     "1< * OK …\n1< * OK …\n1< * OK …\n1< s OK …\n"},
    {"a UID that is not listed",
     {.kind = FAULT_MISSING_UID, .value = 2},
     "1~ 1 APPEND INBOX {1+}$a {1+}$b {1+}$c\n1~ 2 SELECT INBOX\n1> a UID FETCH 1:* UID\n"
     "1< * 1 FETCH (UID 1)\n1< * 3 FETCH (UID 3)\n1< a OK …\n"
     "1> b UID SEARCH ALL\n1< * SEARCH 1 3\n1< b OK …\n"},
    {"silent ENABLE",
     {.kind = FAULT_SILENT_ENABLE},
     "1~ 1 APPEND INBOX (\\Deleted) {1+}$m\n1> e ENABLE QRESYNC\n1< e OK …\n1~ s SELECT INBOX\n"
     "1> x EXPUNGE\n1< * VANISHED 1\n1< x OK …\n"},
    {"ID first",
     {.kind = FAULT_ID_FIRST},
     "1> a SELECT INBOX\n1< a NO SELECT Unsafe Login\n1> b EXAMINE INBOX\n1< b NO …\n"
     "1> c STATUS INBOX (MESSAGES)\n1< * STATUS INBOX (MESSAGES 0)\n1< c OK …\n"
     "1~ d ID NIL\n1~ e SELECT INBOX\n1> f NOOP\n1< f OK …\n"},
    {"APPEND without flags",
     {.kind = FAULT_LOSE_FLAGS, .value = FLAG_FLAGGED},
     "1~ a APPEND INBOX (\\Seen \\Flagged x) {1+}$m\n1~ b SELECT INBOX\n1> c FETCH 1 FLAGS\n"
     "1< * 1 FETCH (FLAGS (\\Seen))\n1< c OK …\n"},
    {"expunged when marked",
     {.kind = FAULT_EXPUNGE_MARKED},
     "1~ a APPEND INBOX {1+}$a {1+}$b\n1~ b SELECT INBOX\n"
     "1> c UID STORE 2 +FLAGS (\\Deleted)\n1< * 2 EXPUNGE\n1< c OK …\n"
     "1> d UID STORE 1 +FLAGS (\\Seen)\n1< * 1 FETCH …\n1< d OK …\n"},
    {"what is below INBOX",
     {.kind = FAULT_INBOX_CASE},
     "1~ a CREATE INBOX/x\n1> b STATUS inbox/x (MESSAGES)\n1< * STATUS Inbox/x (MESSAGES 0)\n"
     "1< b OK …\n1> c LIST \"\" *x\n1< * LIST (\\HasNoChildren) \"/\" Inbox/x\n1< c OK …\n"},
    {"other bytes",
     {.kind = FAULT_GARBLE, .at = 1, .value = 100000},
     "1> a NOOP\n1< 4u\x1a\x1eu\x11:;0X_\n"},
    {"no codes",
     {.kind = FAULT_NO_UIDPLUS_CODES},
     "1> a APPEND INBOX {3+}$abc\n1< a OK APPEND done\n1> s SELECT INBOX\n1< * FLAGS …\n1< * OK …\n"
     "1< * 1 EXISTS\n1< * 0 RECENT\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n1< * OK …\n"
     "1< s OK …\n1> b COPY 1 INBOX\n1< * 2 EXISTS\n1< b OK COPY done\n1> c MOVE 1 INBOX\n"
     "1< * 1 EXPUNGE\n1< * 2 EXISTS\n1< c OK MOVE done\n"},
};

static void faults(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conversation c;
        conversation_init(&c);
        lockstep_env_fault(&c.env, cases[i].fault);
        conversation_play(&c, cases[i].name, cases[i].script);
        conversation_free(&c);
    }
}

/* The input is taken up to the very byte, and what it completes is done. */
static void cut_in(void **state)
{
    static const char line[] = "a CREATE x\r\nb CREATE y\r\n";
    for (uint64_t at = 1; at <= sizeof line - 1; at++) {
        struct conversation c;
        struct buf out AUTO_BUF = BUF_INIT(65536);
        struct error err = ERROR_INIT;
        conversation_init(&c);
        lockstep_env_fault(&c.env, (struct fault){.kind = FAULT_CUT_IN, .at = 13 + at});
        struct backend vtable = mem_backend_vtable(c.env.backend);
        struct session *session = session_new(&vtable, &c.env.options);
        assert_int_equal(session_feed(session, STR("l LOGIN u p\r\n"), &out), SESSION_READ);
        assert_int_equal(session_feed(session, str_from(line), &out), SESSION_CUT);
        assert_int_equal(session_counters(session).bytes_in, 13 + at);
        int x = mem_backend_create(c.env.backend, "u", "x", 0, &err);
        assert_int_equal(x < 0, at >= 12);
        error_clear(&err);
        int y = mem_backend_create(c.env.backend, "u", "y", 0, &err);
        assert_int_equal(y < 0, at >= 24);
        /* A fault fires once: the next session lives. */
        struct session *next = session_new(&vtable, &c.env.options);
        assert_int_equal(session_feed(next, str_from(line), &out), SESSION_READ);
        session_free(&next);
        session_free(&session);
        conversation_free(&c);
    }
}

static void cut_out(void **state)
{
    struct conversation c;
    struct buf whole AUTO_BUF = BUF_INIT(65536);
    conversation_init(&c);
    struct backend vtable = mem_backend_vtable(c.env.backend);
    struct session *session = session_new(&vtable, &c.env.options);
    session_feed(session, STR("a NOOP\r\n"), &whole);
    session_free(&session);
    for (uint64_t at = 1; at <= whole.len; at++) {
        struct buf out AUTO_BUF = BUF_INIT(65536);
        c.env.faults.bytes_out = 0;
        lockstep_env_clear_faults(&c.env);
        lockstep_env_fault(&c.env, (struct fault){.kind = FAULT_CUT_OUT, .at = at});
        session = session_new(&vtable, &c.env.options);
        assert_int_equal(session_feed(session, STR("a NOOP\r\n"), &out), SESSION_CUT);
        assert_int_equal(out.len, at);
        assert_memory_equal(out.data, whole.data, at);
        session_free(&session);
    }
    conversation_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults),
        cmocka_unit_test(cut_in),
        cmocka_unit_test(cut_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
