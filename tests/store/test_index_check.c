/* What becomes of an index that was damaged: refused, untouched, and never a crash. */
#include "base/alloc.h"
#include "base/files.h"
#include "store/index_fixture.h"
#include "store/index_txn.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define FILE_MAX ((size_t)64 << 20)
#define MESSAGES 1500

/* What is looked at here is what a commit writes, not whether it outlives a loss of power. */
static void do_without_flushes(struct index_fixture *f)
{
    assert_int_equal(mdb_env_set_flags(f->index->env, MDB_NOSYNC, 1), 0);
}

/* Some of everything, over several commits, so that there are free pages too. */
static void fill(struct index_fixture *f)
{
    struct str large = repeated(f->base, "0123456789", 2000);
    do_without_flushes(f);
    for (uint32_t part = 0; part < 5; part++) {
        begin_write(f);
        uint32_t mailbox = add_mailbox(f, arena_printf(f->arena, "m%u", part));
        for (uint32_t uid = 1; uid <= MESSAGES / 5; uid++) {
            struct index_message message = sample_message(f, uid + part * 10000, true);
            message.email_id = STR("M1234567890123456");
            put_message(f, &message);
            message.mailbox = mailbox;
            put_message(f, &message);
            if (uid % 10 == 0) {
                struct index_event event = {.what = STR("x"), .why = STR("y")};
                struct index_intent intent = {.message = message};
                ok(f->base, index_event_add(f->txn, &event, f->err));
                ok(f->base, index_intent_put(f->txn, &intent, f->err));
            }
        }
        ok(f->base, index_fact_put(f->txn, arena_printf(f->arena, "f%u", part), large, f->err));
        uint32_t id;
        ok(f->base, index_keyword_id(f->txn, STR("word"), &id, f->err));
        if (part > 0) {
            ok(f->base, index_mailbox_delete(f->txn, mailbox - 1, f->err));
            f->mailbox = mailbox;
        }
        commit(f);
    }
    index_close(&f->index);
}

/* The bytes of a filled index; the fixture has none open. */
static struct str filled(struct index_fixture *f, char **path_out)
{
    fill(f);
    *path_out = path_join(f->base->state, "index.mdb");
    struct buf bytes = BUF_INIT(FILE_MAX);
    ok(f->base, file_read(AT_FDCWD, *path_out, &bytes, f->err));
    struct str kept = arena_str(f->arena, buf_str(&bytes));
    buf_free(&bytes);
    return kept;
}

static bool any_pointer(void *self, uint32_t mailbox, uint32_t uid)
{
    return true;
}

static bool any_event(void *self, const struct index_event *event)
{
    return true;
}

/* Reads all there is. What is damaged in a record is an error; nothing else may happen. */
static int read_everything(struct index_fixture *f, struct index_txn *txn)
{
    struct arena *arena = f->arena;
    struct index_mailbox mailbox;
    struct index_message message;
    struct index_intent intent;
    uint32_t mailbox_cursor = 0;
    uint64_t cursor = 0;
    int rc = 0;
    int step = 1;
    while (rc >= 0 && step == 1) {
        step = index_mailbox_next(txn, arena, &mailbox_cursor, &mailbox, f->err);
        rc = step < 0 ? step : rc;
        AUTO_CURSOR struct index_cursor *messages = NULL;
        int more = step == 1;
        rc = more ? index_cursor_open(txn, mailbox.id, 1, &messages, f->err) : rc;
        while (rc >= 0 && more == 1) {
            more = index_cursor_next(messages, &message, f->err);
            rc = more < 0 ? more : rc;
            if (more == 1 && message.uid % 16 == 0) {
                struct digest digest = message.header_digest;
                rc = index_message_by_content(txn, &digest, any_pointer, NULL, f->err);
            }
        }
    }
    step = 1;
    while (rc >= 0 && step == 1) {
        step = index_intent_next(txn, arena, &cursor, &intent, f->err);
        rc = step < 0 ? step : rc;
    }
    return rc < 0 ? rc : index_event_list(txn, SIZE_MAX, any_event, NULL, f->err);
}

/* Changes something of each kind. It may fail; nothing else may happen. */
static void write_everything(struct index_fixture *f)
{
    struct index_mailbox mailbox = {.id = 0};
    uint32_t cursor = 0;
    error_clear(f->err);
    begin_write(f);
    int rc = index_mailbox_next(f->txn, f->arena, &cursor, &mailbox, f->err);
    f->mailbox = mailbox.id;
    for (uint32_t uid = 1; rc == 1 && uid < 400; uid++) {
        struct index_message message = sample_message(f, uid * 100, true);
        struct index_event event = {.what = STR("x"), .why = STR("y")};
        rc = index_message_put(f->txn, &message, f->err) < 0 ? -1 : 1;
        rc = rc == 1 && index_event_add(f->txn, &event, f->err) < 0 ? -1 : rc;
    }
    if (rc == 1) {
        (void)index_mailbox_delete(f->txn, mailbox.id, f->err);
    }
    (void)index_commit(&f->txn, f->err);
    error_clear(f->err);
}

/* Opens, reads and writes; gives the error's code, or ERR_NONE. A file that is refused stays as it
 * was. */
static enum error_code try(struct index_fixture *f, const char *path, struct str bytes)
{
    put_file(f->base, "state/index.mdb", bytes);
    enum index_opened opened;
    struct index_txn *txn;
    error_clear(f->err);
    int rc = index_open(f->base->state, &f->index, &opened, f->err);
    if (rc < 0) {
        assert_int_equal(rc, -ERR_DAMAGED);
        assert_int_equal(f->err->scope, SCOPE_ACCOUNT);
        assert_non_null(strstr(f->err->text, path));
        assert_file(f->base, "state/index.mdb", bytes);
        return ERR_DAMAGED;
    }
    do_without_flushes(f);
    ok(f->base, index_begin_read(f->index, &txn, f->err));
    rc = read_everything(f, txn);
    enum error_code code = rc < 0 ? f->err->code : ERR_NONE;
    index_abort(&txn);
    write_everything(f);
    index_close(&f->index);
    return code;
}

static void law7_what_is_no_index_is_refused(void **state)
{
    struct index_fixture *f = *state;
    AUTO_FREE char *path = NULL;
    struct str whole = filled(f, &path);
    static const size_t page = 4096;
    char *copy = arena_alloc(f->arena, whole.len);
    memcpy(copy, whole.ptr, whole.len);
    struct str damaged = str_make(copy, whole.len);
    assert_int_equal(try(f, path, whole), ERR_NONE);
    assert_int_equal(try(f, path, STR("x")), ERR_DAMAGED);
    assert_int_equal(try(f, path, STR("SQLite format 3")), ERR_DAMAGED);
    assert_int_equal(try(f, path, repeated(f->base, "garbage ", 4096)), ERR_DAMAGED);
    memset(copy, 0, page);
    assert_int_equal(try(f, path, damaged), ERR_DAMAGED);
    memcpy(copy, whole.ptr, whole.len);
    copy[20] = 99; /* the version of the format */
    assert_int_equal(try(f, path, damaged), ERR_DAMAGED);
    memcpy(copy, whole.ptr, whole.len);
    memset(copy + 2 * page, 0, whole.len - 2 * page);
    assert_int_equal(try(f, path, damaged), ERR_DAMAGED);
}

static void law7_a_truncated_index_is_refused(void **state)
{
    struct index_fixture *f = *state;
    AUTO_FREE char *path = NULL;
    struct str whole = filled(f, &path);
    unsigned refused = 0;
    unsigned tried = 0;
    for (size_t len = 1; len < whole.len; len += whole.len / 40 + 1) {
        refused += try(f, path, str_sub(whole, 0, len)) == ERR_DAMAGED;
        tried++;
    }
    /* What was cut off a few times may have been free pages only. */
    assert_true(refused >= tried - 5);
}

static bool ends_early(struct index_fixture *f, const char *path)
{
    struct stat found;
    MDB_envinfo info;
    assert_int_equal(mdb_env_info(f->index->env, &info), 0);
    assert_int_equal(stat(path, &found), 0);
    return (uint64_t)found.st_size < (info.me_last_pgno + 1) * f->index->page_size;
}

/* LMDB does not write the pages that were taken and freed in one transaction, and then its last
 * page number lies beyond the end of the file. */
static void law4_a_file_that_ends_in_free_pages_is_whole(void **state)
{
    struct index_fixture *f = *state;
    AUTO_FREE char *path = path_join(f->base->state, "index.mdb");
    struct str large = repeated(f->base, "0123456789", 2000);
    struct random r = {.state = 1};
    unsigned early = 0;
    do_without_flushes(f);
    for (int i = 0; i < 300 && early < 3; i++) {
        begin_write(f);
        for (uint32_t n = random_below(&r, 200); n > 0; n--) {
            struct index_key key = index_key_u32(random_below(&r, 300));
            uint32_t size = random_below(&r, 10) == 0 ? 20000 : 300;
            struct str value = str_sub(large, 0, random_below(&r, size));
            ok(f->base,
               random_below(&r, 2) == 0
                   ? index_delete(f->txn, INDEX_DB_SERVER, index_key_str(&key), f->err)
                   : index_put_bytes(f->txn, INDEX_DB_SERVER, index_key_str(&key), value, f->err));
        }
        commit(f);
        if (ends_early(f, path)) {
            early++;
            reopen(f);
            do_without_flushes(f);
        }
    }
    assert_int_equal(early, 3);
}

/* Whatever was written and deleted in whatever order: nothing of it is taken for damage. */
static void law4_no_history_looks_like_damage(void **state)
{
    struct index_fixture *f = *state;
    struct random r = {.state = 2};
    struct str filler = repeated(f->base, "x", 250);
    do_without_flushes(f);
    for (int round = 0; round < 40; round++) {
        begin_write(f);
        uint32_t uids = 1 + random_below(&r, 2000);
        for (uint32_t n = random_below(&r, 1000); n > 0; n--) {
            struct index_message message = sample_message(f, 1 + random_below(&r, uids), true);
            message.base = str_from(arena_printf(f->arena, "%u%.*s", message.uid,
                                                 (int)random_below(&r, 240), filler.ptr));
            message.email_id = str_sub(filler, 0, random_below(&r, 3) * 20);
            if (random_below(&r, 3) == 0) {
                ok(f->base, index_message_delete(f->txn, f->mailbox, message.uid, f->err));
            } else {
                put_message(f, &message);
            }
        }
        commit(f);
        reopen(f);
        do_without_flushes(f);
    }
}

static void law7_flipped_bits_are_no_crash(void **state)
{
    struct index_fixture *f = *state;
    AUTO_FREE char *path = NULL;
    struct str whole = filled(f, &path);
    char *copy = arena_alloc(f->arena, whole.len);
    struct random r = {.state = 3};
    unsigned refused = 0;
    for (int i = 0; i < 250; i++) {
        memcpy(copy, whole.ptr, whole.len);
        for (uint32_t n = random_below(&r, 4) + 1; n > 0; n--) {
            uint32_t page = random_below(&r, (uint32_t)(whole.len / 4096));
            /* Mostly where the structure is. */
            uint32_t span = random_below(&r, 3) == 0 ? 4096 : 64;
            size_t at = (size_t)page * 4096 + random_below(&r, span);
            copy[at] = (char)random_below(&r, 256);
        }
        refused += try(f, path, str_make(copy, whole.len)) != ERR_NONE;
    }
    assert_true(refused > 80);
}

static void law7_exchanged_pages_are_no_crash(void **state)
{
    struct index_fixture *f = *state;
    AUTO_FREE char *path = NULL;
    struct str whole = filled(f, &path);
    char *copy = arena_alloc(f->arena, whole.len);
    struct random r = {.state = 4};
    uint32_t pages = (uint32_t)(whole.len / 4096);
    for (int i = 0; i < 60; i++) {
        memcpy(copy, whole.ptr, whole.len);
        size_t from = random_below(&r, pages);
        size_t to = 2 + random_below(&r, pages - 2);
        memcpy(copy + to * 4096, whole.ptr + from * 4096, 4096);
        (void)try(f, path, str_make(copy, whole.len));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, index_enter, index_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(law7_what_is_no_index_is_refused),
        TEST(law7_a_truncated_index_is_refused),
        TEST(law4_a_file_that_ends_in_free_pages_is_whole),
        TEST(law4_no_history_looks_like_damage),
        TEST(law7_flipped_bits_are_no_crash),
        TEST(law7_exchanged_pages_are_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
