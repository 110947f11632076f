#include "base/alloc.h"
#include "base/files.h"
#include "store/index_fixture.h"
#include "store/index_txn.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- opening ---- */

static void an_index_is_made_once(void **state)
{
    struct fixture *f = *state;
    struct index *index;
    enum index_opened opened;
    assert_false(index_exists(f->state));
    ok(f, index_open(f->state, &index, &opened, &f->err));
    assert_int_equal(opened, INDEX_CREATED);
    assert_true(index_exists(f->state));
    AUTO_FREE char *path = path_join(f->state, "index.mdb");
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    assert_int_equal(stat(f->state, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0700);
    index_close(&index);
    assert_null(index);
    ok(f, index_open(f->state, &index, &opened, &f->err));
    assert_int_equal(opened, INDEX_OPENED);
    struct index_txn *txn;
    struct index_meta meta;
    ok(f, index_begin_read(index, &txn, &f->err));
    fails(f, index_meta_get(txn, &meta, &f->err), ERR_NOT_FOUND);
    index_abort(&txn);
    index_close(&index);
}

/* A crash between the making of the file and its first commit. */
static void law4_an_index_that_was_never_begun_is_begun(void **state)
{
    struct fixture *f = *state;
    struct index *index;
    enum index_opened opened;
    ok(f, file_mkdir_all(f->state, 0700, &f->err));
    put_file(f, "state/index.mdb", STR_EMPTY);
    assert_false(index_exists(f->state));
    ok(f, index_open(f->state, &index, &opened, &f->err));
    assert_int_equal(opened, INDEX_CREATED);
    index_close(&index);
    /* And one that LMDB made but nobody wrote to. */
    AUTO_FREE char *path = path_join(f->state, "index.mdb");
    assert_int_equal(unlink(path), 0);
    MDB_env *env;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    mdb_env_close(env);
    ok(f, index_open(f->state, &index, &opened, &f->err));
    assert_int_equal(opened, INDEX_CREATED);
    index_close(&index);
}

/* A later one may belong to a newer program that is there too; an earlier one is of no use. */
static void an_index_of_another_version_is_refused(void **state)
{
    static const struct {
        uint64_t version;
        enum error_code code;
    } rows[] = {{INDEX_SCHEMA_VERSION + 1, ERR_REFUSED}, {INDEX_SCHEMA_VERSION - 1, ERR_DAMAGED}};
    struct index_fixture *f = *state;
    enum index_opened opened;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AUTO_BUF struct buf record = BUF_INIT(100);
        AUTO_FREE char *aside = NULL;
        index_encode_number(&record, rows[i].version);
        begin_write(f);
        ok(f->base, index_put(f->txn, INDEX_DB_META, INDEX_META_SCHEMA, &record, f->err));
        commit(f);
        index_close(&f->index);
        fails(f->base, index_open(f->base->state, &f->index, &opened, f->err), rows[i].code);
        assert_null(f->index);
        assert_int_equal(f->err->code, ERR_NONE);
        ok(f->base, index_set_aside(f->base->state, (int64_t)i, &aside, f->err));
        assert_int_equal(access(aside, R_OK), 0);
        ok(f->base, index_open(f->base->state, &f->index, &opened, f->err));
        assert_int_equal(opened, INDEX_CREATED);
    }
}

/* ---- transactions ---- */

static void law4_an_aborted_transaction_leaves_nothing(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    uint32_t second = add_mailbox(f, "Second");
    struct index_message message = sample_message(f, 1, true);
    put_message(f, &message);
    index_abort(&f->txn);
    assert_null(f->txn);
    reopen(f);
    begin_write(f);
    struct index_mailbox mailbox;
    fails(f->base, index_mailbox_get(f->txn, f->arena, second, &mailbox, f->err), ERR_NOT_FOUND);
    fails(f->base, index_message_get(f->txn, f->arena, f->mailbox, 1, &message, f->err),
          ERR_NOT_FOUND);
    ok(f->base, index_mailbox_get(f->txn, f->arena, f->mailbox, &mailbox, f->err));
    assert_int_equal(mailbox.records, 0);
    assert_int_equal(mailbox.files, 0);
    index_abort(&f->txn);
    index_abort(&f->txn);
}

static void law3_what_was_committed_is_there_after_reopening(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    struct index_message message = sample_message(f, 7, true);
    put_message(f, &message);
    commit(f);
    reopen(f);
    begin_read(f);
    struct index_message found;
    ok(f->base, index_message_get(f->txn, f->arena, f->mailbox, 7, &found, f->err));
    assert_true(str_eq(found.base, STR("7.base")));
    struct index_mailbox mailbox;
    ok(f->base, index_mailbox_get(f->txn, f->arena, f->mailbox, &mailbox, f->err));
    assert_int_equal(mailbox.records, 1);
    assert_int_equal(mailbox.files, 1);
}

/* A reader sees the state of its beginning; another thread may end what this one begins to read. */
static void *read_in_thread(void *self)
{
    struct index_fixture *f = self;
    struct error err = ERROR_INIT;
    struct index_txn *txn;
    struct index_meta meta;
    bool fine = index_begin_read(f->index, &txn, &err) == 0 &&
                index_meta_get(txn, &meta, &err) == 0 && meta.generation == 1;
    if (fine) {
        index_abort(&txn);
    }
    return fine ? f : NULL;
}

static void readers_do_not_wait_for_the_writer(void **state)
{
    struct index_fixture *f = *state;
    struct index_meta meta = {.account = "work", .identity = "0f", .generation = 1};
    begin_write(f);
    ok(f->base, index_meta_put(f->txn, &meta, f->err));
    commit(f);
    meta.generation = 2;
    begin_write(f);
    ok(f->base, index_meta_put(f->txn, &meta, f->err));
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, read_in_thread, f), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    commit(f);
}

static void the_map_grows_when_it_is_nearly_full(void **state)
{
    struct fixture *f = *state;
    struct index *index;
    enum index_opened opened;
    ok(f, index_open_sized(f->state, (size_t)1 << 20, &index, &opened, &f->err));
    struct str large = repeated(f, "0123456789", 10000);
    for (int i = 0; i < 100; i++) {
        struct index_txn *txn;
        ok(f, index_begin_write(index, &txn, &f->err));
        ok(f, index_fact_put(txn, arena_printf(f->arena, "fact %d", i), large, &f->err));
        ok(f, index_commit(&txn, &f->err));
    }
    index_close(&index);
    /* It is as large for the next one who opens it with less. */
    ok(f, index_open_sized(f->state, (size_t)1 << 20, &index, &opened, &f->err));
    struct index_txn *txn;
    struct str found;
    ok(f, index_begin_read(index, &txn, &f->err));
    ok(f, index_fact_get(txn, f->arena, "fact 99", &found, &f->err));
    assert_true(str_eq(found, large));
    index_abort(&txn);
    index_close(&index);
}

static void law4_a_full_map_fails_and_keeps_what_was(void **state)
{
    struct fixture *f = *state;
    struct index *index;
    enum index_opened opened;
    ok(f, index_open_sized(f->state, (size_t)1 << 20, &index, &opened, &f->err));
    struct str large = repeated(f, "0123456789", 25000);
    struct index_txn *txn;
    ok(f, index_begin_write(index, &txn, &f->err));
    int rc = 0;
    for (int i = 0; rc == 0 && i < 10; i++) {
        rc = index_fact_put(txn, arena_printf(f->arena, "fact %d", i), large, &f->err);
    }
    fails(f, rc, ERR_WRITE);
    assert_true(index_commit(&txn, &f->err) < 0);
    assert_null(txn);
    error_clear(&f->err);
    ok(f, index_begin_write(index, &txn, &f->err));
    ok(f, index_fact_put(txn, "small", STR("x"), &f->err));
    ok(f, index_commit(&txn, &f->err));
    index_close(&index);
}

/* ---- meta, facts, keywords ---- */

static void meta_and_facts_come_back(void **state)
{
    struct index_fixture *f = *state;
    struct index_meta meta = {.account = "work", .identity = "0f", .generation = UINT64_MAX};
    struct index_meta found;
    struct str long_key = repeated(f->base, "k", 2000);
    begin_write(f);
    ok(f->base, index_meta_put(f->txn, &meta, f->err));
    ok(f->base, index_fact_put(f->txn, "idle", STR("29"), f->err));
    ok(f->base, index_fact_put(f->txn, "idle", STR("28"), f->err));
    ok(f->base, index_fact_put(f->txn, "none", STR_EMPTY, f->err));
    ok(f->base, index_fact_put(f->txn, long_key.ptr, STR("long"), f->err));
    commit(f);
    reopen(f);
    begin_read(f);
    ok(f->base, index_meta_get(f->txn, &found, f->err));
    assert_string_equal(found.account, "work");
    assert_string_equal(found.identity, "0f");
    assert_true(found.generation == UINT64_MAX);
    struct str value;
    ok(f->base, index_fact_get(f->txn, f->arena, "idle", &value, f->err));
    assert_true(str_eq(value, STR("28")));
    ok(f->base, index_fact_get(f->txn, f->arena, "none", &value, f->err));
    assert_int_equal(value.len, 0);
    ok(f->base, index_fact_get(f->txn, f->arena, long_key.ptr, &value, f->err));
    assert_true(str_eq(value, STR("long")));
    ok(f->base, index_fact_get(f->txn, f->arena, "other", &value, f->err));
    assert_int_equal(value.len, 0);
}

static void keywords_have_numbers_whatever_their_case(void **state)
{
    struct index_fixture *f = *state;
    static const char *const names[] = {"$Label1", "work", "$label1", "WORK", "\xc3\xa9", "i"};
    static const uint32_t expected[] = {1, 2, 1, 2, 3, 4};
    uint32_t id;
    begin_write(f);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ok(f->base, index_keyword_id(f->txn, str_from(names[i]), &id, f->err));
        assert_int_equal(id, expected[i]);
    }
    struct str long_name = repeated(f->base, "x", 3000);
    ok(f->base, index_keyword_id(f->txn, long_name, &id, f->err));
    assert_int_equal(id, 5);
    commit(f);
    begin_read(f);
    struct str name;
    ok(f->base, index_keyword_name(f->txn, f->arena, 1, &name, f->err));
    assert_true(str_eq(name, STR("$Label1")));
    ok(f->base, index_keyword_name(f->txn, f->arena, 5, &name, f->err));
    assert_true(str_eq(name, long_name));
    fails(f->base, index_keyword_name(f->txn, f->arena, 6, &name, f->err), ERR_NOT_FOUND);
    fails(f->base, index_keyword_id(f->txn, STR("new"), &id, f->err), ERR_NOT_FOUND);
}

/* ---- the lock ---- */

static void one_process_holds_the_lock(void **state)
{
    struct fixture *f = *state;
    int first = -1;
    int second = -1;
    ok(f, index_lock(f->state, &first, &f->err));
    AUTO_FREE char *pid = xasprintf("(process %ld)", (long)getpid());
    assert_int_equal(index_lock(f->state, &second, &f->err), -ERR_LOCKED);
    assert_non_null(strstr(f->err.text, "wait for it, or stop it"));
    assert_true(index_is_locked(f->state));
    assert_non_null(strstr(f->err.text, pid));
    error_clear(&f->err);
    file_close(&first);
    ok(f, index_lock(f->state, &second, &f->err));
    file_close(&second);
    /* It goes with its process. */
    pid_t child = fork();
    if (child == 0) {
        _exit(index_lock(f->state, &first, &f->err) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ok(f, index_lock(f->state, &second, &f->err));
    file_close(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, index_enter, index_leave)
#define BARE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_enter, fixture_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(an_index_is_made_once),
        BARE_TEST(law4_an_index_that_was_never_begun_is_begun),
        TEST(an_index_of_another_version_is_refused),
        TEST(law4_an_aborted_transaction_leaves_nothing),
        TEST(law3_what_was_committed_is_there_after_reopening),
        TEST(readers_do_not_wait_for_the_writer),
        BARE_TEST(the_map_grows_when_it_is_nearly_full),
        BARE_TEST(law4_a_full_map_fails_and_keeps_what_was),
        TEST(meta_and_facts_come_back),
        TEST(keywords_have_numbers_whatever_their_case),
        BARE_TEST(one_process_holds_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
