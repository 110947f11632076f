#include "base/files.h"
#include "store/index_txn.h"
#include "store/marker.h"
#include "sync/engine.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/*
 * What was lost is found by content (law 6): another UIDVALIDITY, a lost index, a backup of either
 * side, a Maildir that was here before. No body is transferred that both sides have, nothing is
 * deleted, nothing doubled; also when the pass is broken off at any command.
 */

static char *below(const struct engine *e, const char *name)
{
    return arena_printf(e->arena, "%s/%s", e->dir, name);
}

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

static void renumber(struct engine *e, const char *mailbox)
{
    struct error err = ERROR_INIT;
    assert_int_equal(mem_backend_renumber(e->env.backend, LOCKSTEP_USER, mailbox, &err), 0);
}

static void lose_index(struct engine *e)
{
    assert_int_equal(rename(e->state, below(e, "lost")), 0);
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
    renumber(e, "INBOX");
}

static void other_uidvalidity_and_changes(struct engine *e)
{
    renumber(e, "INBOX");
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
    renumber(e, "INBOX");
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
    assert_int_equal(rename(e->root, below(e, "newer")), 0);
    assert_int_equal(rename(below(e, "copy"), e->root), 0);
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
    assert_int_equal(rename(below(e, "state"), below(e, "newer")), 0);
    assert_int_equal(rename(below(e, "copy"), below(e, "state")), 0);
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
    renumber(&e, "INBOX");
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
    renumber(&e, "INBOX");
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

/* ---- a Maildir that was here before ---- */

static void law6_a_first_sync_onto_mail_pairs_it(void **state)
{
    static const struct {
        const char *file; /* of the message that only this side has */
        const char *server;
        int ends;
    } cases[] = {
        {"1700000000.1234_5.host", "INBOX[m1 m2/FS m3 only] New[n1]", 0},
        {"1700000000.1234_5.host,U=17", "INBOX[m1 m2/FS m3] New[n1]", 1},
        {"1700000000_0.1.host,U=9,FMD5=7e33429f656f1e6e9d79b29c3f82c57e",
         "INBOX[m1 m2/FS m3] New[n1]", 1},
        {"1700000000.M1P2Q3.host,S=10,W=11", "INBOX[m1 m2/FS m3] New[n1]", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct engine e;
        engine_init(&e, NULL);
        (void)server_append(&e, "INBOX", "m1", "");
        (void)server_append(&e, "INBOX", "m2", "S");
        (void)server_append(&e, "INBOX", "m3", "");
        local_create(&e, "INBOX");
        local_create(&e, "New");
        local_add(&e, "INBOX", "m1", "");
        local_add(&e, "INBOX", "m2", "F");
        local_add_as(&e, "INBOX", cases[i].file, "only");
        local_add(&e, "New", "n1", "");
        engine_pass_ends(&e, cases[i].ends);
        assert_server(&e, cases[i].server);
        assert_local(&e, "INBOX[m1 m2/FS m3 only] New[n1]");
        assert_int_equal(e.counts.bodies, 1);
        engine_wait(&e, 120);
        engine_pass_ends(&e, cases[i].ends);
        assert_server(&e, cases[i].server);
        assert_int_equal(e.counts.bodies, 0);
        engine_free(&e);
    }
}

/* Several identical ones are settled by count. */
static void law2_identical_ones_are_settled_by_count(void **state)
{
    for (unsigned here = 0; here <= 4; here++) {
        struct engine e;
        engine_init(&e, NULL);
        for (int i = 0; i < 3; i++)
            (void)server_append(&e, "INBOX", "same", "");
        local_create(&e, "INBOX");
        for (unsigned i = 0; i < here; i++)
            local_add_as(&e, "INBOX", arena_printf(e.arena, "%u.user", i), "same");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.counts.bodies, here < 3 ? 3 - here : 0);
        const char *all = here < 4 ? "INBOX[same same same]" : "INBOX[same same same same]";
        assert_both(&e, all);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Where too little of a folder is found on the server, it may be the wrong folder. */
static void law6_little_in_common_is_held(void **state)
{
    static const struct {
        unsigned common, only;
        int ends;
    } cases[] = {{8, 2, 0}, {7, 3, 1}, {7, 2, 0}, {0, 9, 0}, {0, 10, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct engine e;
        engine_init(&e, NULL);
        server_fill(&e, "INBOX", "c", cases[i].common);
        local_create(&e, "INBOX");
        local_fill(&e, "INBOX", "c", cases[i].common);
        local_fill(&e, "INBOX", "x", cases[i].only);
        engine_pass_ends(&e, cases[i].ends);
        unsigned sent = cases[i].ends == 0 ? cases[i].only : 0;
        assert_int_equal(server_count(&e, "INBOX"), cases[i].common + sent);
        assert_int_equal(e.report.messages.held, cases[i].only - sent);
        engine_free(&e);
    }
}

/* A folder that appears on both sides of an account in step. */
static void law6_a_folder_that_never_met_is_paired(void **state)
{
    struct engine e;
    set_up(&e);
    server_create(&e, "New");
    (void)server_append(&e, "New", "n1", "");
    (void)server_append(&e, "New", "n2", "");
    local_create(&e, "New");
    local_add(&e, "New", "n2", "S");
    local_add(&e, "New", "n3", "");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 1);
    assert_both(&e, "INBOX[m1 m2/S m3] New[n1 n2/S n3] Other[o1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* The server does not make the mailbox in the first pass: what waits in the folder is still looked
 * at as what a first pass meets, and once that is done its records hold. */
static void law6_a_first_folder_that_could_not_be_made_is_paired(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    local_create(&e, "New");
    local_add(&e, "New", "n1", "");
    local_add_as(&e, "New", "1700000000.1234_5.host,U=17", "only");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "CREATE", .at = 1});
    assert_int_not_equal(engine_pass(&e, NULL), 0);
    lockstep_env_clear_faults(&e.env);
    engine_pass_ends(&e, 1);
    assert_server(&e, "INBOX[] New[n1]");
    assert_int_equal(e.report.messages.held, 1);
    local_remove(&e, "New", "n1");
    engine_pass_ends(&e, 1);
    assert_server(&e, "INBOX[] New[]");
    assert_local(&e, "INBOX[] New[only]");
    engine_free(&e);
}

/* ---- in bulk ---- */

#define MANY 200

/* Two weeks older, and one in a hundred missing. */
static void law6_an_old_backup_deletes_and_doubles_nothing(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", MANY);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    disk_copy(&e, "mail", "copy");
    server_fill(&e, "INBOX", "new", 20);
    engine_pass_ends(&e, 0);
    assert_int_equal(rename(e.root, below(&e, "newer")), 0);
    assert_int_equal(rename(below(&e, "copy"), e.root), 0);
    local_remove(&e, "INBOX", "m7");
    local_remove(&e, "INBOX", "m77");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 22);
    assert_int_equal(server_count(&e, "INBOX"), MANY + 20);
    assert_int_equal(folder_count(&e, "INBOX"), MANY + 20);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void law6_an_old_server_deletes_and_doubles_nothing(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    server_fill(&e, "INBOX", "m", MANY);
    engine_pass_ends(&e, 0);
    server_fill(&e, "INBOX", "new", 20);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    engine_replace_server(&e);
    server_fill(&e, "INBOX", "m", MANY);
    engine_pass_ends(&e, 1);
    assert_int_equal(e.counts.bodies, 0);
    assert_int_equal(e.report.messages.held, 20);
    assert_int_equal(server_count(&e, "INBOX"), MANY);
    assert_int_equal(folder_count(&e, "INBOX"), MANY + 20);
    engine_wait(&e, 120);
    engine_pass_ends(&e, 1);
    assert_int_equal(server_count(&e, "INBOX"), MANY);
    assert_int_equal(folder_count(&e, "INBOX"), MANY + 20);
    engine_free(&e);
}

/* ---- what moved between mailboxes since the backup ---- */

static const char *const RUNGS[] = {
    NULL,
    "    disable: [OBJECTID]\n",
    "    disable: [OBJECTID, QRESYNC, CONDSTORE, MOVE]\n",
};

static void begin_with_two(struct engine *e, const char *account)
{
    engine_begin(e, account, 30, "Archive", "a", 30);
}

static void move_on_both_sides(struct engine *e)
{
    server_move(e, "INBOX", "Archive", "m1");
    server_move(e, "Archive", "INBOX", "a1");
    local_move(e, "INBOX", "Archive", "m2");
    local_move(e, "Archive", "INBOX", "a2");
    engine_pass_ends(e, 0);
    server_flags(e, "Archive", "m1", "F");
    local_flags(e, "Archive", "m2", "S");
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
}

static void assert_moved_without_bodies(struct engine *e, const char *view)
{
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(e, 0);
        const struct report_messages *m = &e->report.messages;
        buf_add_byte(&e->plan, '\0');
        assert_null(strstr(e->plan.data, "hold: upload")); /* what moves is told once */
        if (e->counts.bodies + m->uploaded + m->downloaded + m->deleted_local + m->deleted_remote >
            0) {
            engine_tell(e);
            fail_msg("pass %d: more than moves", pass);
        }
        engine_wait(e, 61);
    }
    assert_string_equal(server_view(e), view);
    assert_string_equal(local_view(e), view);
    engine_assert_settled(e);
}

static void law6_an_old_backup_goes_where_messages_moved(void **state)
{
    for (size_t i = 0; i < sizeof RUNGS / sizeof RUNGS[0]; i++) {
        struct engine e;
        begin_with_two(&e, RUNGS[i]);
        disk_copy(&e, "mail", "copy");
        move_on_both_sides(&e);
        const char *view = arena_printf(e.arena, "%s", server_view(&e));
        assert_int_equal(rename(e.root, below(&e, "newer")), 0);
        assert_int_equal(rename(below(&e, "copy"), e.root), 0);
        assert_moved_without_bodies(&e, view);
        engine_free(&e);
    }
}

static void law6_an_old_server_takes_moves_back(void **state)
{
    for (size_t i = 0; i < sizeof RUNGS / sizeof RUNGS[0]; i++) {
        struct engine e;
        begin_with_two(&e, RUNGS[i]);
        /* Of what was changed meanwhile the files tell. */
        server_flags(&e, "INBOX", "m1", "F");
        server_flags(&e, "INBOX", "m2", "S");
        const char *view = arena_printf(e.arena, "%s", server_view(&e));
        server_flags(&e, "INBOX", "m1", "");
        server_flags(&e, "INBOX", "m2", "");
        move_on_both_sides(&e);
        engine_replace_server(&e);
        server_create(&e, "Archive");
        server_fill(&e, "INBOX", "m", 30);
        server_fill(&e, "Archive", "a", 30);
        assert_moved_without_bodies(&e, view);
        engine_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law6_an_old_backup_goes_where_messages_moved),
        cmocka_unit_test(law6_an_old_server_takes_moves_back),
        cmocka_unit_test(law6_what_was_lost_is_found_by_content),
        cmocka_unit_test(law6_what_was_deleted_is_not_what_comes),
        cmocka_unit_test(law6_what_was_moved_is_not_a_copy_here),
        cmocka_unit_test(law6_a_dry_run_finds_and_changes_nothing),
        cmocka_unit_test(law4_broken_off_at_each_command),
        cmocka_unit_test(law6_a_first_sync_onto_mail_pairs_it),
        cmocka_unit_test(law2_identical_ones_are_settled_by_count),
        cmocka_unit_test(law6_little_in_common_is_held),
        cmocka_unit_test(law6_a_folder_that_never_met_is_paired),
        cmocka_unit_test(law6_a_first_folder_that_could_not_be_made_is_paired),
        cmocka_unit_test(law6_an_old_backup_deletes_and_doubles_nothing),
        cmocka_unit_test(law6_an_old_server_deletes_and_doubles_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
