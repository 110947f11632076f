#include "store/index_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void assert_same(const struct index_message *a, const struct index_message *b)
{
    assert_int_equal(a->mailbox, b->mailbox);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->raw, b->raw);
    assert_true(str_eq(a->base, b->base));
    assert_int_equal(a->flags.system, b->flags.system);
    assert_int_equal(a->flags.keywords_len, b->flags.keywords_len);
    for (size_t i = 0; i < a->flags.keywords_len; i++) {
        assert_int_equal(a->flags.keywords[i], b->flags.keywords[i]);
    }
    assert_true(a->modseq == b->modseq);
    assert_true(a->wire_size == b->wire_size);
    assert_true(a->internal_date_s == b->internal_date_s);
    assert_true(digest_eq(&a->header_digest, &b->header_digest));
    assert_true(digest_eq(&a->body_digest, &b->body_digest));
    assert_true(str_eq(a->email_id, b->email_id));
}

static void messages_come_back_as_put(void **state)
{
    struct index_fixture *f = *state;
    uint32_t many[255];
    for (uint32_t i = 0; i < 255; i++) {
        many[i] = i * 3 + 1;
    }
    static const uint32_t two[] = {1, UINT32_MAX};
    const struct index_message cases[] = {
        {.uid = 1},
        {.uid = UINT32_MAX,
         .state = MESSAGE_HELD,
         .raw = true,
         .base = repeated(f->base, "b", 255),
         .flags = {.system = 63, .keywords_len = 255, .keywords = many},
         .modseq = INT64_MAX,
         .wire_size = UINT64_MAX,
         .internal_date_s = INT64_MIN,
         .header_digest = {{1, 2, 3}},
         .body_digest = {{4, 5, 6}},
         .email_id = STR("M12345678901234567890")},
        {.uid = 2,
         .state = MESSAGE_SKIPPED,
         .base = STR("odd \n\xff name"),
         .flags = {.system = 1, .keywords_len = 2, .keywords = two},
         .internal_date_s = -1},
    };
    begin_write(f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct index_message message = cases[i];
        message.mailbox = f->mailbox;
        put_message(f, &message);
    }
    commit(f);
    reopen(f);
    begin_read(f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct index_message expected = cases[i];
        struct index_message found;
        expected.mailbox = f->mailbox;
        ok(f->base, index_message_get(f->txn, f->arena, f->mailbox, expected.uid, &found, f->err));
        assert_same(&found, &expected);
    }
}

static void a_message_is_found_by_its_file(void **state)
{
    struct index_fixture *f = *state;
    struct index_message found;
    begin_write(f);
    for (uint32_t uid = 1; uid <= 1000; uid++) {
        struct index_message message = sample_message(f, uid, uid % 5 != 0);
        put_message(f, &message);
    }
    for (uint32_t uid = 1; uid <= 1000; uid++) {
        struct str base = str_from(arena_printf(f->arena, "%u.base", uid));
        int rc = index_message_by_file(f->txn, f->arena, f->mailbox, base, &found, f->err);
        if (uid % 5 == 0) {
            fails(f->base, rc, ERR_NOT_FOUND);
        } else {
            ok(f->base, rc);
            assert_int_equal(found.uid, uid);
        }
    }
    /* Another file, no file, none. */
    struct index_message message = sample_message(f, 1, true);
    message.base = STR("other");
    put_message(f, &message);
    fails(f->base,
          index_message_by_file(f->txn, f->arena, f->mailbox, STR("1.base"), &found, f->err),
          ERR_NOT_FOUND);
    ok(f->base, index_message_by_file(f->txn, f->arena, f->mailbox, STR("other"), &found, f->err));
    ok(f->base, index_message_delete(f->txn, f->mailbox, 1, f->err));
    ok(f->base, index_message_delete(f->txn, f->mailbox, 1, f->err));
    fails(f->base,
          index_message_by_file(f->txn, f->arena, f->mailbox, STR("other"), &found, f->err),
          ERR_NOT_FOUND);
    fails(f->base,
          index_message_by_file(f->txn, f->arena, f->mailbox + 1, STR("2.base"), &found, f->err),
          ERR_NOT_FOUND);
}

static void law2_a_file_belongs_to_one_message(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    uint32_t other = add_mailbox(f, "Other");
    struct index_message message = sample_message(f, 1, true);
    put_message(f, &message);
    put_message(f, &message);
    message.uid = 2;
    fails(f->base, index_message_put(f->txn, &message, f->err), ERR_EXISTS);
    message.mailbox = other;
    put_message(f, &message);
}

/* ---- in order ---- */

static void messages_come_in_order_while_they_change(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    uint32_t other = add_mailbox(f, "Other");
    for (uint32_t uid = 3000; uid > 0; uid -= 3) {
        struct index_message message = sample_message(f, uid, true);
        put_message(f, &message);
        message.mailbox = other;
        put_message(f, &message);
    }
    struct index_cursor *cursor;
    struct index_message found;
    uint32_t expected = 3;
    int rc;
    ok(f->base, index_cursor_open(f->txn, f->mailbox, 1, &cursor, f->err));
    while ((rc = index_cursor_next(cursor, &found, f->err)) == 1) {
        assert_int_equal(found.mailbox, f->mailbox);
        assert_int_equal(found.uid, expected);
        expected += 3;
        /* The view itself is put back changed; the one after it goes. */
        if (found.uid % 2 == 0) {
            found.flags.system = MAILDIR_SEEN;
            put_message(f, &found);
            ok(f->base, index_message_delete(f->txn, f->mailbox, expected, f->err));
            expected += 3;
        }
    }
    assert_int_equal(rc, 0);
    assert_int_equal(index_cursor_next(cursor, &found, f->err), 0);
    index_cursor_close(&cursor);
    assert_null(cursor);
    assert_true(expected > 3000);
    ok(f->base, index_cursor_open(f->txn, other, 1500, &cursor, f->err));
    assert_int_equal(index_cursor_next(cursor, &found, f->err), 1);
    assert_int_equal(found.uid, 1500);
    index_cursor_close(&cursor);
    ok(f->base, index_cursor_open(f->txn, other + 1, 1, &cursor, f->err));
    assert_int_equal(index_cursor_next(cursor, &found, f->err), 0);
    index_cursor_close(&cursor);
}

static void the_last_uid_there_can_be_ends_the_walk(void **state)
{
    struct index_fixture *f = *state;
    struct index_message found;
    begin_write(f);
    struct index_message message = sample_message(f, UINT32_MAX, true);
    put_message(f, &message);
    struct index_cursor *cursor;
    ok(f->base, index_cursor_open(f->txn, f->mailbox, 1, &cursor, f->err));
    assert_int_equal(index_cursor_next(cursor, &found, f->err), 1);
    assert_int_equal(index_cursor_next(cursor, &found, f->err), 0);
    index_cursor_close(&cursor);
    ok(f->base, index_message_by_file(f->txn, f->arena, f->mailbox, message.base, &found, f->err));
}

/* ---- by content ---- */

struct collected {
    uint32_t uids[16];
    size_t len;
    size_t max;
};

static bool collect(void *self, uint32_t mailbox, uint32_t uid)
{
    struct collected *c = self;
    assert_true(c->len < 16);
    c->uids[c->len++] = uid;
    return c->len < c->max;
}

static size_t by_content(struct index_fixture *f, const struct digest *digest, size_t max)
{
    struct collected collected = {.max = max};
    ok(f->base, index_message_by_content(f->txn, digest, collect, &collected, f->err));
    for (size_t i = 1; i < collected.len; i++) {
        assert_true(collected.uids[i - 1] < collected.uids[i]);
    }
    return collected.len;
}

static void law6_messages_are_found_by_content(void **state)
{
    struct index_fixture *f = *state;
    struct digest shared = {{9, 9, 9, 9, 9, 9, 9, 9, 1}};
    struct digest near = {{9, 9, 9, 9, 9, 9, 9, 9, 2}}; /* equal as far as the entry goes */
    struct digest none = {{0}};
    begin_write(f);
    for (uint32_t uid = 1; uid <= 100; uid++) {
        struct index_message message = sample_message(f, uid, false);
        if (uid % 10 == 0) {
            message.header_digest = shared;
        } else if (uid % 10 == 5) {
            message.header_digest = uid == 15 ? near : none;
        }
        put_message(f, &message);
    }
    assert_int_equal(by_content(f, &shared, 100), 10);
    assert_int_equal(by_content(f, &shared, 3), 3);
    assert_int_equal(by_content(f, &near, 100), 1);
    assert_int_equal(by_content(f, &none, 100), 0);
    struct index_message sample = sample_message(f, 33, false);
    assert_int_equal(by_content(f, &sample.header_digest, 100), 1);
    ok(f->base, index_message_delete(f->txn, f->mailbox, 50, f->err));
    struct index_message changed = sample_message(f, 60, false);
    put_message(f, &changed);
    assert_int_equal(by_content(f, &shared, 100), 8);
    assert_int_equal(by_content(f, &changed.header_digest, 100), 1);
}

static void messages_are_found_by_emailid(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    for (uint32_t uid = 1; uid <= 20; uid++) {
        struct index_message message = sample_message(f, uid, false);
        message.email_id = uid <= 5 ? STR("Mshared") : uid == 6 ? STR("Mone") : STR_EMPTY;
        put_message(f, &message);
    }
    static const struct {
        const char *id;
        size_t count;
    } cases[] = {{"Mshared", 5}, {"Mone", 1}, {"Mnone", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct collected collected = {.max = 100};
        ok(f->base,
           index_message_by_email_id(f->txn, str_from(cases[i].id), collect, &collected, f->err));
        assert_int_equal(collected.len, cases[i].count);
    }
    ok(f->base, index_message_delete(f->txn, f->mailbox, 6, f->err));
    struct collected collected = {.max = 100};
    ok(f->base, index_message_by_email_id(f->txn, STR("Mone"), collect, &collected, f->err));
    assert_int_equal(collected.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, index_enter, index_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_come_back_as_put),
        TEST(a_message_is_found_by_its_file),
        TEST(law2_a_file_belongs_to_one_message),
        TEST(messages_come_in_order_while_they_change),
        TEST(the_last_uid_there_can_be_ends_the_walk),
        TEST(law6_messages_are_found_by_content),
        TEST(messages_are_found_by_emailid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
