#include "store/index_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct index_mailbox full_mailbox(void)
{
    return (struct index_mailbox){
        .state = MAILBOX_CREATING_LOCAL,
        .name = STR("&AOk-/a\0b"),
        .utf8 = STR("\xc3\xa9/a"),
        .path = STR("\xc3\xa9/a"),
        .uidvalidity = UINT32_MAX,
        .uidnext = 4294967295u,
        .highestmodseq = INT64_MAX,
        .mailboxid = STR("F2212ea87-6097"),
        .special_use = 0x80000001u,
        .new_mtime_ns = -1,
        .cur_mtime_ns = INT64_MAX,
        .new_inode = UINT64_MAX,
        .cur_inode = 1,
        .own_path = true,
        .doubt = MAILBOX_UNPAIRED_THERE,
    };
}

static void assert_same(const struct index_mailbox *a, const struct index_mailbox *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->state, b->state);
    assert_true(str_eq(a->name, b->name));
    assert_true(str_eq(a->utf8, b->utf8));
    assert_true(str_eq(a->path, b->path));
    assert_int_equal(a->uidvalidity, b->uidvalidity);
    assert_int_equal(a->uidnext, b->uidnext);
    assert_true(a->highestmodseq == b->highestmodseq);
    assert_true(str_eq(a->mailboxid, b->mailboxid));
    assert_int_equal(a->special_use, b->special_use);
    assert_true(a->new_mtime_ns == b->new_mtime_ns && a->cur_mtime_ns == b->cur_mtime_ns);
    assert_true(a->new_inode == b->new_inode && a->cur_inode == b->cur_inode);
    assert_int_equal(a->own_path, b->own_path);
    assert_int_equal(a->doubt, b->doubt);
}

static void a_mailbox_comes_back_as_it_was(void **state)
{
    struct index_fixture *f = *state;
    struct index_mailbox mailbox = full_mailbox();
    struct index_mailbox found;
    mailbox.records = 77;
    begin_write(f);
    ok(f->base, index_mailbox_put(f->txn, &mailbox, f->err));
    commit(f);
    reopen(f);
    begin_read(f);
    ok(f->base, index_mailbox_get(f->txn, f->arena, mailbox.id, &found, f->err));
    assert_same(&found, &mailbox);
    /* Counters are the index's own affair. */
    assert_int_equal(found.records, 0);
}

static void a_renamed_mailbox_leaves_its_old_name(void **state)
{
    struct index_fixture *f = *state;
    struct index_mailbox mailbox = full_mailbox();
    struct index_mailbox found;
    begin_write(f);
    ok(f->base, index_mailbox_put(f->txn, &mailbox, f->err));
    mailbox.name = STR("other");
    mailbox.mailboxid = STR("other id");
    ok(f->base, index_mailbox_put(f->txn, &mailbox, f->err));
    ok(f->base, index_mailbox_get(f->txn, f->arena, mailbox.id, &found, f->err));
    assert_same(&found, &mailbox);
    struct index_mailbox next = full_mailbox();
    ok(f->base, index_mailbox_put(f->txn, &next, f->err));
    next.name = STR("other");
    fails(f->base, index_mailbox_put(f->txn, &next, f->err), ERR_EXISTS);
}

static void law7_long_names_are_told_apart(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    for (size_t i = 0; i < 12; i++) {
        (void)add_mailbox(f, repeated(f->base, "n", 504 + i).ptr);
    }
    for (size_t i = 0; i < 12; i++) {
        struct index_mailbox again = {.name = repeated(f->base, "n", 504 + i)};
        fails(f->base, index_mailbox_put(f->txn, &again, f->err), ERR_EXISTS);
    }
}

static void a_name_belongs_to_one_mailbox(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    struct index_mailbox mailbox = {.name = STR("INBOX")};
    fails(f->base, index_mailbox_put(f->txn, &mailbox, f->err), ERR_EXISTS);
    mailbox = (struct index_mailbox){.id = 99, .name = STR("x")};
    fails(f->base, index_mailbox_put(f->txn, &mailbox, f->err), ERR_NOT_FOUND);
    /* The same name again once its owner is gone, in one transaction; not the same number. */
    ok(f->base, index_mailbox_delete(f->txn, f->mailbox, f->err));
    ok(f->base, index_mailbox_delete(f->txn, f->mailbox, f->err));
    assert_true(add_mailbox(f, "INBOX") > f->mailbox);
}

static void all_mailboxes_come_in_order(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    for (int i = 0; i < 300; i++) {
        (void)add_mailbox(f, arena_printf(f->arena, "m%d", i));
    }
    uint32_t cursor = 0;
    uint32_t last = 0;
    unsigned count = 0;
    struct index_mailbox found;
    int rc;
    while ((rc = index_mailbox_next(f->txn, f->arena, &cursor, &found, f->err)) == 1) {
        assert_true(found.id > last);
        last = found.id;
        count++;
        /* Changes meanwhile do not disturb. */
        if (count == 100) {
            ok(f->base, index_mailbox_delete(f->txn, found.id + 1, f->err));
        }
    }
    assert_int_equal(rc, 0);
    assert_int_equal(count, 300);
}

/* ---- counters ---- */

static void assert_counts(struct index_fixture *f, uint32_t records, uint32_t files)
{
    struct index_mailbox mailbox;
    ok(f->base, index_mailbox_get(f->txn, f->arena, f->mailbox, &mailbox, f->err));
    assert_int_equal(mailbox.records, records);
    assert_int_equal(mailbox.files, files);
}

static void law1_counters_follow_the_messages(void **state)
{
    struct index_fixture *f = *state;
    static const struct {
        enum message_state state;
        bool file;
        uint32_t records, files; /* after this step */
    } steps[] = {
        {MESSAGE_SYNCED, true, 1, 1},       {MESSAGE_SYNCED, true, 1, 1},
        {MESSAGE_DELETED_HERE, true, 1, 0}, {MESSAGE_HELD, false, 1, 0},
        {MESSAGE_SKIPPED, false, 1, 0},     {MESSAGE_SYNCED, true, 1, 1},
        {MESSAGE_GONE_THERE, true, 0, 0},   {MESSAGE_SYNCED, true, 1, 1},
    };
    for (int apart = 0; apart < 2; apart++) {
        begin_write(f);
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            struct index_message message = sample_message(f, 5, steps[i].file);
            message.state = steps[i].state;
            put_message(f, &message);
            assert_counts(f, steps[i].records, steps[i].files);
            if (apart) {
                commit(f);
                begin_write(f);
                assert_counts(f, steps[i].records, steps[i].files);
            }
        }
        ok(f->base, index_message_delete(f->txn, f->mailbox, 5, f->err));
        assert_counts(f, 0, 0);
        commit(f);
        begin_read(f);
        assert_counts(f, 0, 0);
        index_abort(&f->txn);
    }
}

static void law1_putting_a_mailbox_keeps_its_counters(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    struct index_message message = sample_message(f, 1, true);
    put_message(f, &message);
    struct index_mailbox mailbox;
    ok(f->base, index_mailbox_get(f->txn, f->arena, f->mailbox, &mailbox, f->err));
    ok(f->base, index_mailbox_put(f->txn, &mailbox, f->err));
    assert_counts(f, 1, 1);
    message = sample_message(f, 2, false);
    put_message(f, &message);
    commit(f);
    begin_write(f);
    mailbox.records = 0;
    mailbox.files = 0;
    ok(f->base, index_mailbox_put(f->txn, &mailbox, f->err));
    commit(f);
    begin_read(f);
    assert_counts(f, 2, 1);
}

static bool never(void *self, uint32_t mailbox, uint32_t uid)
{
    *(bool *)self = true;
    return true;
}

static void a_deleted_mailbox_leaves_nothing_behind(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    uint32_t other = add_mailbox(f, "Other");
    for (uint32_t uid = 1; uid <= 500; uid++) {
        struct index_message message = sample_message(f, uid, true);
        message.email_id = STR("email");
        put_message(f, &message);
        if (uid == 7) {
            message.mailbox = other;
            put_message(f, &message);
        }
    }
    struct index_intent intents[2] = {{.message = {.mailbox = f->mailbox}},
                                      {.message = {.mailbox = other}}};
    struct index_held helds[2] = {{.mailbox = f->mailbox}, {.mailbox = other}};
    for (size_t i = 0; i < 2; i++) {
        ok(f->base, index_intent_put(f->txn, &intents[i], f->err));
        ok(f->base, index_held_put(f->txn, &helds[i], f->err));
    }
    commit(f);
    begin_write(f);
    ok(f->base, index_mailbox_delete(f->txn, f->mailbox, f->err));
    commit(f);
    begin_read(f);
    struct index_message found;
    fails(f->base, index_message_get(f->txn, f->arena, f->mailbox, 7, &found, f->err),
          ERR_NOT_FOUND);
    fails(f->base,
          index_message_by_file(f->txn, f->arena, f->mailbox, STR("7.base"), &found, f->err),
          ERR_NOT_FOUND);
    ok(f->base, index_message_by_file(f->txn, f->arena, other, STR("7.base"), &found, f->err));
    bool seen = false;
    struct index_message sample = sample_message(f, 8, true);
    ok(f->base, index_message_by_content(f->txn, &sample.header_digest, never, &seen, f->err));
    assert_false(seen);
    uint64_t cursor = 0;
    struct index_intent intent;
    assert_int_equal(index_intent_next(f->txn, f->arena, &cursor, &intent, f->err), 1);
    assert_int_equal(intent.message.mailbox, other);
    assert_int_equal(index_intent_next(f->txn, f->arena, &cursor, &intent, f->err), 0);
    struct index_held held;
    cursor = 0;
    assert_int_equal(index_held_next(f->txn, f->arena, &cursor, &held, f->err), 1);
    assert_int_equal(held.mailbox, other);
    assert_int_equal(index_held_next(f->txn, f->arena, &cursor, &held, f->err), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, index_enter, index_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mailbox_comes_back_as_it_was),
        TEST(a_renamed_mailbox_leaves_its_old_name),
        TEST(law7_long_names_are_told_apart),
        TEST(a_name_belongs_to_one_mailbox),
        TEST(all_mailboxes_come_in_order),
        TEST(law1_counters_follow_the_messages),
        TEST(law1_putting_a_mailbox_keeps_its_counters),
        TEST(a_deleted_mailbox_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
