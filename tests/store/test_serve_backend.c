/* Maildirs behind the embedded server: conversations, other programs in between, and restarts. */
#include "store/serve_backend.h"
#include "base/files.h"
#include "core/server/conversation.h"
#include "store/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

struct serving {
    struct fixture *f;
    struct conversation c;
    struct serve_backend *backend;
    struct backend vtable;
};

static void serve(struct serving *t, struct fixture *f)
{
    t->f = f;
    conversation_init(&t->c);
    ok(f, serve_backend_new(f->dir, &t->c.env.clock, &t->backend, &f->err));
    ok(f, serve_backend_add_user(t->backend, "u", "p", &f->err));
    t->vtable = serve_backend_vtable(t->backend);
    t->c.backend = &t->vtable;
}

static void stop(struct serving *t)
{
    conversation_free(&t->c);
    serve_backend_free(&t->backend);
}

/* Serves the user's Maildir anew and plays. */
static void play(struct fixture *f, const char *name, const char *script)
{
    struct serving t;
    serve(&t, f);
    conversation_play(&t.c, name, script);
    stop(&t);
}

#define SELECTED(n, exists)                                                                        \
    n "> s SELECT INBOX\n" n "< * FLAGS …\n" n "< * OK [PERM…\n" n "< * " exists " EXISTS\n" n     \
      "< * 0 RECENT\n" n "< * OK [UNSEEN …\n" n "< * OK [UIDVAL…\n" n "< * OK [UIDNEXT …\n" n      \
      "< * OK [HIGHEST…\n" n "< * OK [MAILBOXID …\n" n "< s OK …\n"

static void messages_stay(void **state)
{
    struct fixture *f = *state;
    play(f, "append",
         "1> a APPEND INBOX (\\Seen work) \"01-Jan-2020 00:00:00 +0000\" {17+}$"
         "Subject: x$$y$\n1< a OK [APPENDUID …\n"
         "1> b APPEND INBOX {17+}$Subject: x$$z$\n1< b OK …\n");
    assert_int_equal(count_files(f, "u/INBOX/cur"), 1);
    assert_int_equal(count_files(f, "u/INBOX/new"), 1);
    play(f, "again",
         SELECTED("1", "2") "1> a UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])\n"
                            "1< * 1 FETCH (UID 1 FLAGS (\\Seen work) INTERNALDATE "
                            "\" 1-Jan-2020 00:00:00 +0000\" RFC822.SIZE 17 BODY[] {17}\n"
                            "1< Subject: x\n1< \n1< y\n1< )\n"
                            "1< * 2 FETCH (UID 2 FLAGS () INTERNALDATE …\n"
                            "1< Subject: x\n1< \n1< z\n1< )\n1< a OK …\n");
}

/* Maildir's P has no flag of IMAP's own. */
static void forwarded_is_a_keyword(void **state)
{
    struct fixture *f = *state;
    play(f, "made", "1> a NOOP\n1< a OK …\n");
    put_file(f, "u/INBOX/cur/1.x:2,PS", STR("Subject: x\n\n"));
    play(f, "told",
         "1> s EXAMINE INBOX\n1< * FLAGS …\n1< * OK …\n1< * 1 EXISTS\n1< * 0 RECENT\n1< * OK …\n"
         "1< * OK …\n1< * OK …\n1< * OK …\n1< s OK …\n"
         "1> a FETCH 1 FLAGS\n1< * 1 FETCH (FLAGS (\\Seen $Forwarded))\n1< a OK …\n");
}

static void changes_stay(void **state)
{
    struct fixture *f = *state;
    play(f, "change",
         "1> a APPEND INBOX {1+}$a\n1< a OK …\n1> b APPEND INBOX {1+}$b\n1< b OK …\n"
         "1> c APPEND INBOX {1+}$c\n1< c OK …\n" SELECTED(
             "1",
             "3") "1> d UID STORE 1 FLAGS (\\Flagged k1)\n1< * 1 FETCH (UID 1 FLAGS (\\Flagged "
                  "k1))\n"
                  "1< d OK …\n1> e UID STORE 2 +FLAGS.SILENT (\\Deleted)\n1< e OK …\n"
                  "1> g EXPUNGE\n1< * 2 EXPUNGE\n1< g OK …\n1> h UID MOVE 3 Archive\n"
                  "1< h NO [TRYCREATE] …\n1> i CREATE Archive\n1< i OK …\n1> j UID MOVE 3 Archive\n"
                  "1< * OK [COPYUID …\n1< * 2 EXPUNGE\n1< j OK …\n");
    play(f, "again",
         SELECTED("1", "1") "1> a UID FETCH 1:* FLAGS\n"
                            "1< * 1 FETCH (UID 1 FLAGS (\\Flagged k1))\n1< a OK …\n"
                            "1> b STATUS Archive (MESSAGES UIDNEXT)\n"
                            "1< * STATUS Archive (MESSAGES 1 UIDNEXT 2)\n1< b OK …\n"
                            "1> c APPEND INBOX {1+}$d\n1< * 2 EXISTS\n1< c OK [APPENDUID …\n"
                            "1> d UID SEARCH ALL\n1< * SEARCH 1 4\n1< d OK …\n");
}

/* UIDVALIDITY and the memory of what was expunged outlive the server. */
static void qresync_over_a_restart(void **state)
{
    struct fixture *f = *state;
    play(
        f, "before",
        "1> a APPEND INBOX {1+}$a\n1< a OK [APPENDUID 1704067200 1] …\n"
        "1> b APPEND INBOX {1+}$b\n1< b OK …\n" SELECTED(
            "1",
            "2") "1> c STORE 1 +FLAGS.SILENT (\\Deleted)\n1< c OK …\n1> d EXPUNGE\n1< * 1 EXPUNGE\n"
                 "1< d OK …\n");
    play(f, "after",
         "1> e ENABLE QRESYNC\n1< * ENABLED QRESYNC\n1< e OK …\n"
         "1> s SELECT INBOX (QRESYNC (1704067200 3))\n1< * FLAGS …\n1< * OK …\n1< * 1 EXISTS\n"
         "1< * 0 RECENT\n1< * OK …\n1< * OK [UIDVALIDITY 1704067200] …\n1< * OK …\n1< * OK …\n"
         "1< * OK …\n1< * VANISHED (EARLIER) 1\n1< s OK …\n");
}

static void law8_other_programs_change_it(void **state)
{
    struct fixture *f = *state;
    struct serving t;
    serve(&t, f);
    conversation_play(&t.c, "begin", "1> a APPEND INBOX {1+}$a\n1< a OK …\n" SELECTED("1", "1"));
    put_file(f, "u/INBOX/new/100.other", STR("Subject: new\n\nx\n"));
    conversation_play(&t.c, "too soon", "1> a NOOP\n1< a OK …\n");
    lockstep_env_advance(&t.c.env, 1000);
    conversation_play(&t.c, "delivered",
                      "1> a NOOP\n1< * 2 EXISTS\n1< a OK …\n"
                      "1> b FETCH 2 (UID RFC822.SIZE)\n1< * 2 FETCH (UID 2 RFC822.SIZE 19)\n"
                      "1< b OK …\n");
    char *from = path_join(f->dir, "u/INBOX/new/100.other");
    char *to = path_join(f->dir, "u/INBOX/cur/100.other:2,FS");
    assert_int_equal(rename(from, to), 0);
    conversation_play(&t.c, "found where it is",
                      "1> a FETCH 2 BODY.PEEK[TEXT]\n1< * 2 FETCH (BODY[TEXT] {3}\n1< x\n1< )\n"
                      "1< a OK …\n");
    lockstep_env_advance(&t.c.env, 1000);
    conversation_play(&t.c, "marked",
                      "1> a NOOP\n1< * 2 FETCH (FLAGS (\\Flagged \\Seen))\n1< a OK …\n");
    assert_int_equal(remove(to), 0);
    lockstep_env_advance(&t.c.env, 1000);
    conversation_play(&t.c, "removed", "1> a NOOP\n1< * 2 EXPUNGE\n1< a OK …\n");
    xfree(&from);
    xfree(&to);
    stop(&t);
}

static void mailboxes(void **state)
{
    struct fixture *f = *state;
    play(f, "make",
         "1> a CREATE Lists/C\n1< a OK …\n1> b CREATE Sent (USE (\\Sent))\n1< b OK …\n"
         "1> c SUBSCRIBE Lists/C\n1< c OK …\n1> d SUBSCRIBE gone\n1< d OK …\n"
         "1> e CREATE Sent\n1< e NO [ALREADYEXISTS] …\n1> g CREATE ../x\n1< g OK …\n");
    play(f, "again",
         "1> a LIST \"\" *\n1< * LIST (\\Noselect \\HasChildren) \"/\" ..\n"
         "1< * LIST (\\HasNoChildren) \"/\" ../x\n1< * LIST (\\HasNoChildren) \"/\" INBOX\n"
         "1< * LIST (\\Noselect \\HasChildren) \"/\" Lists\n"
         "1< * LIST (\\HasNoChildren) \"/\" Lists/C\n"
         "1< * LIST (\\HasNoChildren \\Sent) \"/\" Sent\n1< a OK …\n"
         "1> b LIST (SUBSCRIBED) \"\" *\n1< * LIST (\\Subscribed) \"/\" Lists/C\n"
         "1< * LIST (\\NonExistent \\Subscribed) \"/\" gone\n1< b OK …\n"
         "1> c APPEND Lists/C {1+}$a\n1< c OK …\n1> d RENAME Lists Old\n1< d NO …\n"
         "1> e RENAME Lists/C Old/C\n1< e OK …\n1> g STATUS Old/C (MESSAGES)\n"
         "1< * STATUS Old/C (MESSAGES 1)\n1< g OK …\n1> h DELETE Old/C\n1< h OK …\n"
         "1> i SELECT Old/C\n1< i NO [NONEXISTENT] …\n1> j DELETE INBOX\n1< j NO …\n");
    assert_false(file_exists(f, "x"));
}

static void inbox_is_emptied_by_rename(void **state)
{
    struct fixture *f = *state;
    play(f, "rename",
         "1> a APPEND INBOX (\\Flagged) {1+}$a\n1< a OK …\n1> b RENAME INBOX Old\n1< b OK …\n"
         "1> c STATUS INBOX (MESSAGES)\n1< * STATUS INBOX (MESSAGES 0)\n1< c OK …\n"
         "1> d STATUS Old (MESSAGES)\n1< * STATUS Old (MESSAGES 1)\n1< d OK …\n");
}

static void a_torn_line_does_not_count(void **state)
{
    struct fixture *f = *state;
    play(f, "before", "1> a APPEND INBOX {1+}$a\n1< a OK …\n");
    char *path = path_join(f->dir, "u/INBOX/maildird-uids");
    FILE *log = fopen(path, "a");
    assert_non_null(log);
    fprintf(log, "expunged 1");
    fclose(log);
    play(f, "after", SELECTED("1", "1"));
    log = fopen(path, "w");
    fprintf(log, "maildird uids 7 1\n");
    fclose(log);
    play(f, "another version", "1> a SELECT INBOX\n1< a NO [SERVERBUG] …\n");
    xfree(&path);
}

static void one_server_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct serving one;
    serve(&one, f);
    conversation_play(&one.c, "first", "1> a APPEND INBOX {1+}$a\n1< a OK …\n" SELECTED("1", "1"));
    play(f, "second", "1> a SELECT INBOX\n1< a NO [SERVERBUG] …\n");
    stop(&one);
    play(f, "third", SELECTED("1", "1"));
}

static void users_have_names_of_directories(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"", ".", "..", "../x", "a/b", ".hidden"};
    struct serving t;
    serve(&t, f);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fails(f, serve_backend_add_user(t.backend, names[i], "p", &f->err), ERR_USAGE);
    }
    stop(&t);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_stay),
        TEST(forwarded_is_a_keyword),
        TEST(changes_stay),
        TEST(qresync_over_a_restart),
        TEST(law8_other_programs_change_it),
        TEST(mailboxes),
        TEST(inbox_is_emptied_by_rename),
        TEST(a_torn_line_does_not_count),
        TEST(one_server_at_a_time),
        TEST(users_have_names_of_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
