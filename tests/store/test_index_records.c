/* Intents, held and events: what is numbered and kept in order. */
#include "store/index_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void law2_intents_come_back_in_order(void **state)
{
    struct index_fixture *f = *state;
    static const uint32_t keywords[] = {3, 8};
    struct index_message message = sample_message(f, 9, true);
    message.raw = true;
    message.flags =
        (struct index_flags){.system = MAILDIR_SEEN, .keywords_len = 2, .keywords = keywords};
    begin_write(f);
    for (int i = 0; i < 300; i++) {
        struct index_intent intent = {
            .kind = i % 3,
            .uidvalidity = 77,
            .uidnext = (uint32_t)i,
            .begun_ms = -5,
            .looked_ms = INT64_MAX,
            .message = message,
        };
        ok(f->base, index_intent_put(f->txn, &intent, f->err));
        assert_int_equal(intent.id, i + 1);
    }
    commit(f);
    reopen(f);
    begin_read(f);
    uint64_t cursor = 0;
    struct index_intent found;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(index_intent_next(f->txn, f->arena, &cursor, &found, f->err), 1);
        assert_int_equal(found.id, i + 1);
        assert_int_equal(found.kind, i % 3);
        assert_int_equal(found.uidnext, i);
        assert_int_equal(found.uidvalidity, 77);
        assert_true(found.begun_ms == -5 && found.looked_ms == INT64_MAX);
        assert_int_equal(found.message.mailbox, f->mailbox);
        assert_int_equal(found.message.uid, 9);
        assert_true(found.message.raw && str_eq(found.message.base, message.base));
        assert_true(digest_eq(&found.message.header_digest, &message.header_digest));
        assert_int_equal(found.message.flags.keywords_len, 2);
        assert_int_equal(found.message.flags.keywords[1], 8);
    }
    assert_int_equal(index_intent_next(f->txn, f->arena, &cursor, &found, f->err), 0);
}

static void law2_an_intent_is_changed_and_ended(void **state)
{
    struct index_fixture *f = *state;
    struct index_intent intent = {.kind = INTENT_APPEND, .message = sample_message(f, 0, true)};
    begin_write(f);
    ok(f->base, index_intent_put(f->txn, &intent, f->err));
    commit(f);
    begin_write(f);
    intent.looked_ms = 5;
    ok(f->base, index_intent_put(f->txn, &intent, f->err));
    uint64_t cursor = 0;
    struct index_intent found;
    assert_int_equal(index_intent_next(f->txn, f->arena, &cursor, &found, f->err), 1);
    assert_int_equal(found.looked_ms, 5);
    assert_int_equal(index_intent_next(f->txn, f->arena, &cursor, &found, f->err), 0);
    ok(f->base, index_intent_delete(f->txn, intent.id, f->err));
    ok(f->base, index_intent_delete(f->txn, intent.id, f->err));
    cursor = 0;
    assert_int_equal(index_intent_next(f->txn, f->arena, &cursor, &found, f->err), 0);
    commit(f);
    /* A number is given out once, also when what had it is gone. */
    begin_write(f);
    struct index_intent next = {.message = sample_message(f, 0, true)};
    ok(f->base, index_intent_put(f->txn, &next, f->err));
    assert_true(next.id > intent.id);
}

static void law11_held_things_keep_their_numbers(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    for (uint32_t i = 0; i < 50; i++) {
        struct index_held held = {
            .kind = i % 4,
            .mailbox = f->mailbox,
            .uid = i,
            .base = STR("base"),
            .reason = STR("the server said NO"),
            .since_ms = 1,
            .retry_ms = 2,
            .tries = i,
            .answer = i % 2 == 1 ? HELD_APPROVED : HELD_UNANSWERED,
        };
        ok(f->base, index_held_put(f->txn, &held, f->err));
        assert_int_equal(held.id, i + 1);
    }
    commit(f);
    begin_write(f);
    ok(f->base, index_held_delete(f->txn, 50, f->err));
    struct index_held held = {.kind = HELD_DELETE_REMOTE, .mailbox = f->mailbox};
    ok(f->base, index_held_put(f->txn, &held, f->err));
    assert_int_equal(held.id, 51);
    held.answer = HELD_KEPT;
    ok(f->base, index_held_put(f->txn, &held, f->err));
    uint64_t cursor = 0;
    struct index_held found;
    uint32_t count = 0;
    while (index_held_next(f->txn, f->arena, &cursor, &found, f->err) == 1) {
        if (found.id == 51) {
            assert_true(found.answer == HELD_KEPT && found.kind == HELD_DELETE_REMOTE);
            break;
        }
        assert_int_equal(found.id, count + 1);
        assert_int_equal(found.kind, count % 4);
        assert_int_equal(found.uid, count);
        assert_int_equal(found.tries, count);
        assert_int_equal(found.answer, count % 2 == 1 ? HELD_APPROVED : HELD_UNANSWERED);
        assert_true(str_eq(found.base, STR("base")));
        assert_true(str_eq(found.reason, STR("the server said NO")));
        assert_true(found.since_ms == 1 && found.retry_ms == 2);
        count++;
    }
    assert_int_equal(count, 49);
}

/* ---- events ---- */

struct seen {
    uint64_t first, last;
    size_t count, stop_at;
};

static bool look(void *self, const struct index_event *event)
{
    struct seen *seen = self;
    if (seen->count == 0) {
        seen->first = event->id;
    } else {
        assert_int_equal(event->id, seen->last - 1);
    }
    seen->last = event->id;
    assert_true(event->time_ms == (int64_t)event->id * 1000);
    assert_int_equal(event->uid, event->id % 7);
    assert_true(str_eq(event->mailbox, STR("INBOX")));
    assert_true(str_eq(event->what, STR("downloaded")));
    assert_true(str_eq(event->why, STR("new on the server")));
    assert_true(str_eq(event->base, STR("base")));
    return ++seen->count < seen->stop_at;
}

static struct seen list(struct index_fixture *f, size_t max, size_t stop_at)
{
    struct seen seen = {.stop_at = stop_at};
    ok(f->base, index_event_list(f->txn, max, look, &seen, f->err));
    return seen;
}

static void events_are_the_last_ten_thousand_newest_first(void **state)
{
    struct index_fixture *f = *state;
    begin_write(f);
    assert_int_equal(list(f, 10, 10).count, 0);
    for (uint32_t i = 1; i <= 10500; i++) {
        struct index_event event = {
            .time_ms = (int64_t)i * 1000,
            .mailbox = STR("INBOX"),
            .uid = i % 7,
            .what = STR("downloaded"),
            .why = STR("new on the server"),
            .base = STR("base"),
        };
        ok(f->base, index_event_add(f->txn, &event, f->err));
        if (i % 1000 == 0) {
            commit(f);
            begin_write(f);
        }
    }
    struct seen all = list(f, SIZE_MAX, SIZE_MAX);
    assert_int_equal(all.count, 10000);
    assert_int_equal(all.first, 10500);
    assert_int_equal(all.last, 501);
    assert_int_equal(list(f, 5, 10).count, 5);
    assert_int_equal(list(f, 10, 5).count, 5);
    assert_int_equal(list(f, 0, 5).count, 0);
}

static bool is_the_move(void *self, const struct index_event *event)
{
    unsigned *seen = self;
    bool with_base = (*seen)++ == 0;
    assert_true(str_eq(event->mailbox, STR("Archive")));
    assert_true(str_eq(event->from, STR("INBOX")));
    assert_true(str_eq(event->base, STR("now")));
    assert_true(str_eq(event->from_base, with_base ? STR("before") : STR("")));
    assert_int_equal(event->flags, 5);
    return true;
}

static void events_of_moves_tell_where_from(void **state)
{
    struct index_fixture *f = *state;
    struct index_event event = {.mailbox = STR("Archive"),
                                .what = STR("moved here"),
                                .base = STR("now"),
                                .from = STR("INBOX"),
                                .flags = 5};
    unsigned seen = 0;
    begin_write(f);
    ok(f->base, index_event_add(f->txn, &event, f->err));
    event.from_base = STR("before");
    ok(f->base, index_event_add(f->txn, &event, f->err));
    ok(f->base, index_event_list(f->txn, 10, is_the_move, &seen, f->err));
    assert_int_equal(seen, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, index_enter, index_leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(law2_intents_come_back_in_order),
        TEST(law2_an_intent_is_changed_and_ended),
        TEST(law11_held_things_keep_their_numbers),
        TEST(events_are_the_last_ten_thousand_newest_first),
        TEST(events_of_moves_tell_where_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
