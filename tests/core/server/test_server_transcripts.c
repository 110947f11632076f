/*
 * The transcripts of the client, played to the embedded server: what the one says the other must
 * understand. A command that a transcript answers with OK may here be answered with NO, as the
 * mailboxes are others, but never with BAD, and most are done.
 */
#include "base/alloc.h"
#include "support/lockstep_env.h"
#include "support/transcript.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define MESSAGES 120

static const char *const files[] = {
    "acl.txt",      "append.txt",   "batch.txt",  "change.txt",  "fetch.txt",
    "idle.txt",     "list.txt",     "login.txt",  "mailbox.txt", "manage.txt",
    "notify.txt",   "messages.txt", "quota.txt",  "raw.txt",     "metadata.txt",
    "pipeline.txt", "search.txt",   "select.txt", "sort.txt",
};

/* The server's part in these is one that no server should play. */
static const char *const strange[] = {
    "MULTIAPPEND, the second refused",
    "the server ends it",
    "a tag that is not in flight",
};

struct tally {
    const char *file, *name;
    size_t commands, done;
};

static void hear(struct session *s, struct str input, struct buf *said)
{
    while (session_feed(s, input, said) == SESSION_MORE) {
        input = STR_EMPTY;
    }
}

/* What is said before the transcript begins: mailboxes with messages. */
static void fill(struct session *s, struct buf *said)
{
    static const char *const names[] = {"Work", "Trash", "Sent", "a", "b", "A", "B"};
    struct buf text AUTO_BUF = BUF_INIT(SIZE_MAX / 2);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        buf_addf(&text, "c CREATE %s\r\n", names[i]);
    }
    for (unsigned i = 0; i < MESSAGES; i++) {
        buf_addf(&text, "a APPEND INBOX {19+}\r\nSubject: m%03u\r\n\r\nx\r\n\r\n", i);
    }
    hear(s, buf_str(&text), said);
}

/* "A1 OK": the status that the tag was answered with; empty: it was not. */
static struct str answer_to(const struct buf *said, struct str tag)
{
    struct str rest = buf_str(said);
    struct str line;
    while (str_split(&rest, '\n', &line) || rest.len > 0) {
        if (str_starts(line, tag) && line.len > tag.len && line.ptr[tag.len] == ' ') {
            line = str_from_offset(line, tag.len + 1);
            struct str status = line;
            (void)str_split(&line, ' ', &status);
            return status;
        }
    }
    return STR_EMPTY;
}

/* A mailbox could not be selected before it. */
static bool is_of_wrong_state(const struct buf *said, struct str tag)
{
    char wanted[64];
    int len = snprintf(wanted, sizeof wanted, "%.*s BAD Not in this state", STR_ARG(tag));
    return memmem(said->data, said->len, wanted, (size_t)len) != NULL;
}

/* Holds the answers against those of the transcript. */
static void compare(struct tally *t, const struct transcript_step *steps, size_t len,
                    const struct buf *said)
{
    for (size_t i = 0; i < len; i++) {
        struct str line = steps[i].bytes;
        struct str tag;
        if (steps[i].kind != TRANSCRIPT_SERVER || !str_split(&line, ' ', &tag) ||
            !str_starts(tag, STR("A")) || !str_starts(line, STR("OK"))) {
            continue;
        }
        struct str told = answer_to(said, tag);
        t->commands++;
        t->done += str_eq(told, STR("OK"));
        bool refused = str_eq(told, STR("NO")) || is_of_wrong_state(said, tag);
        if (!str_eq(told, STR("OK")) && !refused) {
            fail_msg("%s, %s: %.*s is answered with \"%.*s\":\n%.*s", t->file, t->name,
                     STR_ARG(tag), STR_ARG(told), STR_ARG(buf_str(said)));
        }
    }
}

static bool begins_logged_in(const struct transcript_step *steps, size_t len)
{
    return len > 0 && steps[0].kind == TRANSCRIPT_SERVER &&
           str_starts(steps[0].bytes, STR("* PREAUTH"));
}

/* X… is nobody's command. */
static bool can_be_played(const char *name, const struct transcript_step *steps, size_t len)
{
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        if (strcmp(name, strange[i]) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (steps[i].kind == TRANSCRIPT_CLIENT &&
            memmem(steps[i].bytes.ptr, steps[i].bytes.len, " X", 2) != NULL) {
            return false;
        }
    }
    return begins_logged_in(steps, len);
}

static void play(struct tally *t)
{
    struct lockstep_env env;
    struct buf said AUTO_BUF = BUF_INIT(SIZE_MAX / 2);
    size_t len;
    struct transcript *transcript = transcript_load(t->file, t->name);
    const struct transcript_step *steps = transcript_steps(transcript, &len);
    if (can_be_played(t->name, steps, len)) {
        lockstep_env_init(&env);
        env.options.preauth = true;
        env.options.preauth_user = LOCKSTEP_USER;
        struct backend vtable = mem_backend_vtable(env.backend);
        struct session *session = session_new(&vtable, &env.options);
        fill(session, &said);
        buf_clear(&said);
        for (size_t i = 0; i < len; i++) {
            if (steps[i].kind == TRANSCRIPT_CLIENT) {
                hear(session, steps[i].bytes, &said);
            }
        }
        compare(t, steps, len, &said);
        session_free(&session);
        lockstep_env_free(&env);
    }
    transcript_free(&transcript);
}

static void each_transcript(void **state)
{
    struct tally all = {0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[256];
        char *path AUTO_FREE = xasprintf("%s/%s", TRANSCRIPTS_DIR, files[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        while (fgets(name, sizeof name, file) != NULL) {
            if (strncmp(name, "== ", 3) == 0) {
                name[strcspn(name, "\n")] = '\0';
                struct tally one = {.file = files[i], .name = name + 3};
                play(&one);
                all.commands += one.commands;
                all.done += one.done;
            }
        }
        (void)fclose(file);
    }
    assert_true(all.commands >= 300);
    assert_true(all.done * 100 >= all.commands * 65);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_transcript),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
