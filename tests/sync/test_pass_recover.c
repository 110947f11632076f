#include "base/files.h"
#include "store/index_txn.h"
#include "sync/engine.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/*
 * What was lost is found by content (law 6): another UIDVALIDITY, a lost index, a backup of either
 * side. No body is transferred that both sides have, nothing is deleted, nothing doubled; also when
 * the pass is broken off at any command.
 */

static void set_up(struct engine *e)
{
    engine_init(e, NULL);
    server_create(e, "Other");
    (void)server_append(e, "INBOX", "m1", "");
    (void)server_append(e, "INBOX", "m2", "S");
    (void)server_append(e, "INBOX", "m3", "");
    (void)server_append(e, "Other", "o1", "");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m2/S m3] Other[o1]");
}

static void lose_index(struct engine *e)
{
    assert_int_equal(rename(e->state, arena_printf(e->arena, "%s/lost", e->dir)), 0);
}

static void damage_index(struct engine *e)
{
    struct error err = ERROR_INIT;
    AUTO_FD int fd = -1;
    char *path = path_join(e->state, "index.mdb");
    assert_int_equal(file_open(AT_FDCWD, path, O_WRONLY | O_TRUNC, 0600, &fd, &err), 0);
    assert_int_equal(file_write(fd, "garbage", 7, path, &err), 0);
    xfree(&path);
}

static void earlier_index(struct engine *e)
{
    struct error err = ERROR_INIT;
    AUTO_BUF struct buf record = BUF_INIT(64);
    AUTO_TXN struct index_txn *txn = NULL;
    struct index *index;
    enum index_opened opened;
    assert_int_equal(index_open(e->state, &index, &opened, &err), 0);
    assert_int_equal(index_begin_write(index, &txn, &err), 0);
    index_encode_number(&record, INDEX_SCHEMA_VERSION - 1);
    assert_int_equal(index_put(txn, INDEX_DB_META, INDEX_META_SCHEMA, &record, &err), 0);
    assert_int_equal(index_commit(&txn, &err), 0);
    index_close(&index);
}

/* ---- troubles: what happens to an account in step, and how it stands when all is found ---- */

static void other_uidvalidity(struct engine *e)
{
    server_renumber(e, "INBOX");
}

static void other_uidvalidity_and_changes(struct engine *e)
{
    server_renumber(e, "INBOX");
    server_expunge(e, "INBOX", "m1");
    server_flags(e, "INBOX", "m3", "R");
    (void)server_append(e, "INBOX", "m4", "");
    local_flags(e, "INBOX", "m2", "FS");
    local_add(e, "INBOX", "m5", "");
    local_remove(e, "INBOX", "m3");
    (void)server_append(e, "Other", "o2", "");
}

/* As mail programs move that keep the name. */
static void other_uidvalidity_and_a_move_into_it(struct engine *e)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    server_renumber(e, "INBOX");
    assert_int_equal(maildir_scan(e->maildir, "Other", &snapshot, &err), 0);
    assert_int_equal(snapshot.files.len, 1);
    const struct maildir_file *file = &snapshot.files.items[0];
    assert_int_equal(maildir_move(e->maildir, "Other", file, "INBOX", &file->parsed, &err), 0);
    maildir_snapshot_free(&snapshot);
}

static void lost_index_and_changes(struct engine *e)
{
    lose_index(e);
    server_expunge(e, "INBOX", "m1");
    server_flags(e, "INBOX", "m3", "R");
    (void)server_append(e, "INBOX", "m4", "");
    local_flags(e, "INBOX", "m2", "FS");
    local_add(e, "INBOX", "m5", "");
}

static void older_maildir(struct engine *e)
{
    disk_copy(e, "mail", "copy");
    (void)server_append(e, "INBOX", "m4", "");
    local_add(e, "INBOX", "m5", "S");
    local_remove(e, "INBOX", "m2");
    local_flags(e, "INBOX", "m3", "S");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m3/S m4 m5/S] Other[o1]");
    disk_put_back(e, "copy", "mail");
}

static void older_index(struct engine *e)
{
    disk_copy(e, "state", "copy");
    for (int i = 0; i < 2; i++) {
        (void)server_append(e, "INBOX", i == 0 ? "m4" : "m6", "");
        local_add(e, "INBOX", i == 0 ? "m5" : "m7", "S");
        engine_pass_ends(e, 0);
        engine_pass_ends(e, 0);
    }
    local_remove(e, "INBOX", "m2");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    assert_both(e, "INBOX[m1 m3 m4 m5/S m6 m7/S] Other[o1]");
    disk_put_back(e, "copy", "state");
    local_remove(e, "INBOX", "m3");
}

static void older_server(struct engine *e)
{
    (void)server_append(e, "INBOX", "m4", "");
    (void)server_append(e, "INBOX", "m5", "");
    local_flags(e, "INBOX", "m1", "S");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
    engine_replace_server(e);
    server_create(e, "Other");
    (void)server_append(e, "INBOX", "m1", "");
    (void)server_append(e, "INBOX", "m2", "S");
    /* Since the backup another took the UID of m3. */
    (void)server_append(e, "INBOX", "m6", "");
    (void)server_append(e, "Other", "o1", "");
}

static const struct trouble {
    const char *name;
    void (*happens)(struct engine *e);
    const char *server, *local;
    unsigned bodies; /* of messages that are not here */
    int ends;        /* 1: something is held */
    uint64_t held;
} TROUBLES[] = {
    {"another UIDVALIDITY", other_uidvalidity, "INBOX[m1 m2/S m3] Other[o1]",
     "INBOX[m1 m2/S m3] Other[o1]", 0, 0, 0},
    {"another UIDVALIDITY, and changes on both sides", other_uidvalidity_and_changes,
     "INBOX[m2/FS m3/R m4 m5] Other[o1 o2]", "INBOX[m1 m2/FS m3/R m4 m5] Other[o1 o2]", 3, 1, 1},
    {"another UIDVALIDITY, and a move into it", other_uidvalidity_and_a_move_into_it,
     "INBOX[m1 m2/S m3 o1] Other[]", "INBOX[m1 m2/S m3 o1] Other[]", 0, 0, 0},
    {"a lost index", lose_index, "INBOX[m1 m2/S m3] Other[o1]", "INBOX[m1 m2/S m3] Other[o1]", 0, 0,
     0},
    {"a lost index, and changes on both sides", lost_index_and_changes,
     "INBOX[m2/FS m3/R m4 m5] Other[o1]", "INBOX[m1 m2/FS m3/R m4 m5] Other[o1]", 1, 1, 1},
    {"a damaged index", damage_index, "INBOX[m1 m2/S m3] Other[o1]", "INBOX[m1 m2/S m3] Other[o1]",
     0, 0, 0},
    {"an index of an earlier version", earlier_index, "INBOX[m1 m2/S m3] Other[o1]",
     "INBOX[m1 m2/S m3] Other[o1]", 0, 0, 0},
    {"an older Maildir", older_maildir, "INBOX[m1 m3/S m4 m5/S] Other[o1]",
     "INBOX[m1 m2/S m3/S m4 m5/S] Other[o1]", 2, 1, 1},
    {"an older index", older_index, "INBOX[m1 m3 m4 m5/S m6 m7/S] Other[o1]",
     "INBOX[m1 m3 m4 m5/S m6 m7/S] Other[o1]", 1, 0, 0},
    {"an older server", older_server, "INBOX[m1/S m2/S m6] Other[o1]",
     "INBOX[m1/S m2/S m3 m4 m5 m6] Other[o1]", 1, 1, 3},
};
#define TROUBLES_LEN (sizeof TROUBLES / sizeof *TROUBLES)

static void assert_found_again(struct engine *e, const struct trouble *t, const char *what,
                               uint64_t at)
{
    const char *server = server_view(e);
    const char *local = local_view(e);
    if (strcmp(server, t->server) != 0 || strcmp(local, t->local) != 0) {
        engine_tell(e);
        fail_msg("%s, %s %llu: the sides hold\n  %s\n  %s\nnot\n  %s\n  %s", t->name, what,
                 (unsigned long long)at, server, local, t->server, t->local);
    }
}

/* Further passes, a minute and more apart, have nothing to do. */
static void assert_at_rest(struct engine *e, const struct trouble *t, const char *what, uint64_t at)
{
    for (int pass = 0; pass < 2; pass++) {
        engine_wait(e, 120);
        if (engine_pass(e, NULL) != t->ends || e->report.messages.held != t->held) {
            engine_tell(e);
            fail_msg("%s, %s %llu: a further pass holds %llu: %s", t->name, what,
                     (unsigned long long)at, (unsigned long long)e->report.messages.held,
                     e->report.error.text);
        }
        assert_int_equal(e->counts.bodies, 0);
        assert_found_again(e, t, what, at);
    }
}

static void law6_what_was_lost_is_found_by_content(void **state)
{
    for (size_t i = 0; i < TROUBLES_LEN; i++) {
        const struct trouble *t = &TROUBLES[i];
        struct engine e;
        set_up(&e);
        t->happens(&e);
        int ended = engine_pass(&e, NULL);
        assert_found_again(&e, t, "pass", 1);
        if (ended != t->ends || e.counts.bodies != t->bodies) {
            engine_tell(&e);
            fail_msg("%s: the pass ended with %d, after %u bodies: %s", t->name, ended,
                     e.counts.bodies, e.report.error.text);
        }
        assert_int_equal(e.report.messages.deleted_local, 0);
        assert_int_equal(e.report.messages.deleted_remote, 0);
        assert_at_rest(&e, t, "pass", 2);
        engine_free(&e);
    }
}

/* What was deleted before is not the same message moved in since. */
static void law6_what_was_deleted_is_not_what_comes(void **state)
{
    struct engine e;
    set_up(&e);
    server_copy(&e, "Other", "INBOX", "o1");
    engine_pass_ends(&e, 0);
    local_remove(&e, "INBOX", "o1");
    engine_pass_ends(&e, 0);
    server_renumber(&e, "INBOX");
    server_move(&e, "Other", "INBOX", "o1");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_both(&e, "INBOX[m1 m2/S m3 o1] Other[]");
    engine_free(&e);
}

/* Nor is a file of its own what the server moved to another mailbox meanwhile. */
static void law6_what_was_moved_is_not_a_copy_here(void **state)
{
    struct engine e;
    set_up(&e);
    server_create(&e, "Away");
    engine_pass_ends(&e, 0);
    server_renumber(&e, "INBOX");
    server_move(&e, "Other", "Away", "o1");
    local_add(&e, "INBOX", "o1", "");
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    assert_both(&e, "Away[o1] INBOX[m1 m2/S m3 o1] Other[]");
    engine_free(&e);
}

/* A dry run tells the same and changes nothing. */
static void law6_a_dry_run_finds_and_changes_nothing(void **state)
{
    for (size_t i = 0; i < TROUBLES_LEN; i++) {
        const struct trouble *t = &TROUBLES[i];
        struct engine e;
        struct pass_options dry = {.dry_run = true};
        set_up(&e);
        t->happens(&e);
        const char *disk = disk_view(&e);
        const char *server = server_view(&e);
        bool damaged = t->happens == damage_index || t->happens == earlier_index;
        assert_int_equal(engine_pass(&e, &dry), damaged ? 74 : 0);
        assert_string_equal(disk_view(&e), disk);
        assert_string_equal(server_view(&e), server);
        const char *plan = arena_str(e.arena, buf_str(&e.plan)).ptr;
        if (!damaged && strstr(plan, "found again by content") == NULL)
            fail_msg("%s: the plan does not tell: %s", t->name, plan);
        engine_free(&e);
    }
}

/* Broken off at each command, the next passes come to the same end. */
static void broken_off(enum fault_kind kind, const char *what)
{
    for (size_t i = 0; i < TROUBLES_LEN; i++) {
        const struct trouble *t = &TROUBLES[i];
        bool reached = true;
        for (uint64_t at = 1; reached; at++) {
            struct engine e;
            set_up(&e);
            t->happens(&e);
            lockstep_env_clear_faults(&e.env);
            lockstep_env_fault(&e.env, (struct fault){.kind = kind, .at = at});
            (void)engine_pass(&e, NULL);
            reached = e.env.fault_hits[0] >= at;
            lockstep_env_clear_faults(&e.env);
            for (int pass = 0; pass < 2; pass++) {
                engine_wait(&e, 120);
                (void)engine_pass(&e, NULL);
            }
            assert_found_again(&e, t, what, at);
            assert_at_rest(&e, t, what, at);
            engine_free(&e);
        }
    }
}

static void law4_broken_off_at_each_command(void **state)
{
    broken_off(FAULT_BYE, "BYE at command");
    broken_off(FAULT_DO_AND_CUT, "cut after command");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law6_what_was_lost_is_found_by_content),
        cmocka_unit_test(law6_what_was_deleted_is_not_what_comes),
        cmocka_unit_test(law6_what_was_moved_is_not_a_copy_here),
        cmocka_unit_test(law6_a_dry_run_finds_and_changes_nothing),
        cmocka_unit_test(law4_broken_off_at_each_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
