/* The budget: 256 bytes a message, all included, or 352 with an EMAILID. */
#include "store/index_fixture.h"
#include "store/index_txn.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

#define BATCH 512
#define MESSAGES_USUAL 60000

/* More on request: MAILDIRD_INDEX_MESSAGES=1000000. */
static uint32_t message_count(void)
{
    const char *text = getenv("MAILDIRD_INDEX_MESSAGES");
    uint32_t count = MESSAGES_USUAL;
    if (text != NULL && !str_to_u32(str_from(text), &count)) {
        fail_msg("MAILDIRD_INDEX_MESSAGES is no number");
    }
    return count;
}

static void download(struct index_fixture *f, uint32_t count, bool with_email_id)
{
    struct arena *arena = arena_new();
    for (uint32_t uid = 1; uid <= count; uid++) {
        if (uid % BATCH == 1) {
            begin_write(f);
            arena_reset(arena);
        }
        struct index_message message = {.mailbox = f->mailbox, .uid = uid};
        uint64_t mixed = str_hash(str_make((const char *)&uid, sizeof uid));
        for (size_t i = 0; i < 16; i++) {
            message.header_digest.bytes[i] = (uint8_t)(mixed >> (i % 8 * 8) ^ i * 37);
            message.body_digest.bytes[i] = (uint8_t)(mixed >> (i % 8 * 8) ^ i * 91);
        }
        message.base =
            str_from(arena_printf(arena, "1700%06u.M%06uP12345Q%u.mail.example,S=%u,W=%u", uid / 50,
                                  uid * 7919 % 1000000, uid, 5000 + uid % 997, 5100 + uid % 997));
        message.flags.system = uid % 8 == 0 ? 0 : MAILDIR_SEEN;
        message.modseq = 1000000 + uid;
        message.wire_size = 5100 + uid % 997;
        message.internal_date_s = 1700000000 + (int64_t)uid * 60;
        if (with_email_id) {
            message.email_id = str_from(arena_printf(arena, "M%019u", uid * 2654435761u));
        }
        put_message(f, &message);
        if (uid % BATCH == 0 || uid == count) {
            commit(f);
        }
    }
    arena_free(&arena);
}

/* All pages but those that LMDB lists as free: they are used again. */
static uint64_t used_bytes(struct index_fixture *f)
{
    MDB_envinfo info;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val list;
    begin_read(f);
    assert_int_equal(mdb_env_info(f->index->env, &info), 0);
    uint64_t pages = info.me_last_pgno + 1;
    assert_int_equal(mdb_cursor_open(f->txn->mdb, 0, &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &list, MDB_NEXT) == 0) {
        size_t count;
        memcpy(&count, list.mv_data, sizeof count);
        pages -= count;
    }
    mdb_cursor_close(cursor);
    commit(f);
    return pages * f->index->page_size;
}

static uint64_t file_bytes(struct index_fixture *f)
{
    struct stat found;
    assert_int_equal(stat(f->index->path, &found), 0);
    return (uint64_t)found.st_size;
}

static void assert_budget(struct index_fixture *f, bool with_email_id, uint64_t budget)
{
    uint32_t count = message_count();
    download(f, count, with_email_id);
    uint64_t used = used_bytes(f) / count;
    uint64_t file = file_bytes(f) / count;
    print_message("%" PRIu32 " messages: %" PRIu64 " bytes each in use, %" PRIu64 " in the file\n",
                  count, used, file);
    assert_true(used <= budget);
    assert_true(file <= budget);
    /* A million messages whose UIDs were looked at are no reason to doubt the file. */
    reopen(f);
}

static void the_index_takes_256_bytes_a_message(void **state)
{
    assert_budget(*state, false, 256);
}

static void the_index_takes_352_bytes_a_message_with_emailid(void **state)
{
    assert_budget(*state, true, 352);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, index_enter, index_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_index_takes_256_bytes_a_message),
        TEST(the_index_takes_352_bytes_a_message_with_emailid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
