#include "imap/list.h"
#include "reconcile/guard.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW_MS ((int64_t)1704067200 * 1000)
#define MINUTE_MS ((int64_t)60 * 1000)
#define MAILBOXES_MAX 4

static const struct config_guard DEFAULTS = {.on = true, .messages = 50, .percent = 25, .all = 10};

/* ---- a plan of deletions alone ---- */

struct deletions {
    struct plan plan;
    struct mailbox_pair pairs[MAILBOXES_MAX];
    size_t len;
    struct guard_events events;
    VEC(struct index_held) held;
};

/* `records` is what the index has of the mailbox: its id is its number from 1. */
static struct mailbox_pair *add_mailbox(struct deletions *d, uint32_t records, uint32_t local,
                                        uint32_t remote)
{
    assert_true(d->len < MAILBOXES_MAX);
    struct mailbox_pair *pair = &d->pairs[d->len++];
    pair->record.id = (uint32_t)d->len;
    pair->record.records = records;
    pair->record.files = records;
    struct mailbox_plan *m = vec_add(&d->plan.mailboxes);
    m->pair = pair;
    for (uint32_t uid = 1; uid <= local + remote; uid++) {
        enum operation_kind kind = uid <= local ? OP_DELETE_LOCAL : OP_DELETE_REMOTE;
        struct operation *op = vec_add(&m->ops[kind]);
        op->kind = kind;
        op->uid = uid;
        op->why = "test";
    }
    return pair;
}

static void add_event(struct deletions *d, int64_t age_ms, uint32_t mailbox, uint32_t count)
{
    struct guard_event event = {.time_ms = NOW_MS - age_ms, .mailbox = mailbox, .count = count};
    vec_push(&d->events, event);
}

static void add_held(struct deletions *d, enum held_kind kind, uint32_t mailbox, uint32_t uid)
{
    struct index_held held = {.kind = kind, .mailbox = mailbox, .uid = uid};
    vec_push(&d->held, held);
}

static void judge(struct deletions *d, const struct config_guard *guard, bool approve)
{
    const struct held_list earlier = {d->held.items, d->held.len};
    guard_apply(&d->plan, guard, &d->events, &earlier, approve, NOW_MS);
}

static size_t held_in(const struct deletions *d, size_t mailbox)
{
    return d->plan.mailboxes.items[mailbox].held.len;
}

static size_t left_in(const struct deletions *d, size_t mailbox)
{
    const struct mailbox_plan *m = &d->plan.mailboxes.items[mailbox];
    return m->ops[OP_DELETE_LOCAL].len + m->ops[OP_DELETE_REMOTE].len;
}

static void deletions_free(struct deletions *d)
{
    for (size_t i = 0; i < d->plan.mailboxes.len; i++) {
        struct mailbox_plan *m = &d->plan.mailboxes.items[i];
        vec_free(&m->ops[OP_DELETE_LOCAL]);
        vec_free(&m->ops[OP_DELETE_REMOTE]);
        vec_free(&m->held);
    }
    vec_free(&d->plan.mailboxes);
    vec_free(&d->events);
    vec_free(&d->held);
    *d = (struct deletions){0};
}

/* ---- thresholds ---- */

static void law11_both_thresholds_must_be_passed(void **state)
{
    static const struct {
        uint32_t size, local, remote;
        bool held;
    } cases[] = {
        {1000, 50, 0, false},                      /* few */
        {1000, 51, 0, false},                      /* many, but a small part */
        {1000, 250, 0, false},                     /* exactly a quarter */
        {1000, 251, 0, true},                      /* more than a quarter */
        {200, 50, 0, false},                       /* exactly 50 of a quarter */
        {196, 50, 0, false},                       /* 50 are never too many by count */
        {60, 50, 0, false},                        /* a large part, but few */
        {204, 51, 0, false},                       /* 51 are exactly a quarter */
        {203, 51, 0, true},                        /* 51 are just over it */
        {1000, 0, 251, true},                      /* the other way */
        {1000, 126, 125, true},                    /* both ways together */
        {1000, 125, 125, false}, {9, 9, 0, false}, /* all of a small mailbox */
        {10, 9, 0, false},                         /* nearly all */
        {10, 10, 0, true},                         /* all of one of ten */
        {10, 5, 5, true},                          /* all, both ways together */
        {1, 1, 0, false},        {0, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct deletions d = {0};
        add_mailbox(&d, cases[i].size, cases[i].local, cases[i].remote);
        judge(&d, &DEFAULTS, false);
        size_t all = cases[i].local + cases[i].remote;
        if (held_in(&d, 0) != (cases[i].held ? all : 0) ||
            left_in(&d, 0) != (cases[i].held ? 0 : all)) {
            fail_msg("case %zu: %zu held, %zu left", i, held_in(&d, 0), left_in(&d, 0));
        }
        deletions_free(&d);
    }
}

static void law11_the_account_is_counted_as_a_whole(void **state)
{
    struct deletions d = {0};
    add_mailbox(&d, 100, 20, 0);
    add_mailbox(&d, 50, 0, 20);
    add_mailbox(&d, 50, 11, 0);
    judge(&d, &DEFAULTS, false);
    assert_int_equal(held_in(&d, 0), 20);
    assert_int_equal(held_in(&d, 1), 20);
    assert_int_equal(held_in(&d, 2), 11);
    deletions_free(&d);
    /* The same 51 in an account of which they are a quarter. */
    add_mailbox(&d, 100, 20, 0);
    add_mailbox(&d, 54, 0, 20);
    add_mailbox(&d, 50, 11, 0);
    judge(&d, &DEFAULTS, false);
    assert_int_equal(left_in(&d, 0) + left_in(&d, 1) + left_in(&d, 2), 51);
    deletions_free(&d);
}

static void law11_only_the_mailbox_that_trips_is_held(void **state)
{
    struct deletions d = {0};
    add_mailbox(&d, 10, 10, 0);
    add_mailbox(&d, 1000, 5, 0);
    judge(&d, &DEFAULTS, false);
    assert_int_equal(held_in(&d, 0), 10);
    assert_int_equal(left_in(&d, 1), 5);
    deletions_free(&d);
}

static void law11_a_gone_directory_holds_whatever_it_held(void **state)
{
    static const struct {
        bool gone, replaced;
        uint32_t size, remote;
        bool held;
    } cases[] = {
        {true, false, 3, 1, true},  {true, false, 3, 3, true},   {false, true, 3, 3, true},
        {false, true, 3, 2, false}, {false, false, 3, 3, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct deletions d = {0};
        struct mailbox_pair *pair = add_mailbox(&d, cases[i].size, 0, cases[i].remote);
        pair->directory_gone = cases[i].gone;
        pair->local.directory_replaced = cases[i].replaced;
        judge(&d, &DEFAULTS, false);
        assert_int_equal(held_in(&d, 0), cases[i].held ? cases[i].remote : 0);
        deletions_free(&d);
    }
}

static void law11_trash_and_junk_are_free(void **state)
{
    struct deletions d = {0};
    add_mailbox(&d, 400, 400, 0)->attributes = LIST_TRASH;
    add_mailbox(&d, 400, 0, 400)->attributes = LIST_JUNK | LIST_HASNOCHILDREN;
    add_mailbox(&d, 400, 5, 0);
    judge(&d, &DEFAULTS, false);
    assert_int_equal(left_in(&d, 0), 400);
    assert_int_equal(left_in(&d, 1), 400);
    assert_int_equal(left_in(&d, 2), 5);
    deletions_free(&d);
}

static void law11_it_can_be_turned_off_and_tuned(void **state)
{
    static const struct {
        struct config_guard guard;
        size_t held;
    } cases[] = {
        {{.on = false, .messages = 0, .percent = 0, .all = 0}, 0},
        {{.on = true, .messages = 4, .percent = 40, .all = 100}, 5},
        {{.on = true, .messages = 5, .percent = 40, .all = 100}, 0},
        {{.on = true, .messages = 4, .percent = 50, .all = 100}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct deletions d = {0};
        add_mailbox(&d, 10, 5, 0);
        judge(&d, &cases[i].guard, false);
        assert_int_equal(held_in(&d, 0), cases[i].held);
        deletions_free(&d);
    }
}

/* ---- the sliding hour ---- */

/* What was deleted before counts, against the size before it. */
static void law11_the_hour_slides_over_passes(void **state)
{
    static const struct {
        int64_t age_ms;
        uint32_t done, size_now, planned;
        bool held;
    } cases[] = {
        {30 * MINUTE_MS, 40, 160, 10, false},                      /* 50 of 200 */
        {30 * MINUTE_MS, 40, 160, 11, true},                       /* 51 of 200 */
        {60 * MINUTE_MS, 40, 160, 11, false},                      /* an hour later */
        {59 * MINUTE_MS, 60, 240, 15, false},                      /* 75 of 300: a quarter */
        {59 * MINUTE_MS, 60, 240, 16, true},  {1, 19, 1, 1, true}, /* the last one of twenty */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct deletions d = {0};
        add_mailbox(&d, cases[i].size_now, cases[i].planned, 0);
        add_event(&d, cases[i].age_ms, 1, cases[i].done);
        guard_forget_old(&d.events, NOW_MS);
        judge(&d, &DEFAULTS, false);
        if (held_in(&d, 0) != (cases[i].held ? cases[i].planned : 0)) {
            fail_msg("case %zu: %zu held", i, held_in(&d, 0));
        }
        deletions_free(&d);
    }
}

static void law11_other_mailboxes_hours_count_for_the_account_alone(void **state)
{
    struct deletions d = {0};
    add_mailbox(&d, 100, 10, 0);
    add_mailbox(&d, 60, 0, 0);
    add_event(&d, MINUTE_MS, 2, 40);
    judge(&d, &DEFAULTS, false); /* 50 of 200 */
    assert_int_equal(held_in(&d, 0), 0);
    deletions_free(&d);
    add_mailbox(&d, 100, 11, 0);
    add_mailbox(&d, 60, 0, 0);
    add_event(&d, MINUTE_MS, 2, 40);
    judge(&d, &DEFAULTS, false); /* 51 of 200 */
    assert_int_equal(held_in(&d, 0), 11);
    deletions_free(&d);
}

static void law11_the_hour_outlives_restarts(void **state)
{
    AUTO_BUF struct buf text = BUF_INIT(4096);
    struct deletions d = {0};
    struct guard_events read = {0};
    add_event(&d, 50 * MINUTE_MS, 1, 40);
    add_event(&d, 5 * MINUTE_MS, 7, UINT32_MAX);
    guard_events_write(&d.events, &text);
    assert_true(guard_events_read(buf_str(&text), &read));
    assert_int_equal(read.len, 2);
    for (size_t i = 0; i < read.len; i++) {
        assert_int_equal(read.items[i].time_ms, d.events.items[i].time_ms);
        assert_int_equal(read.items[i].mailbox, d.events.items[i].mailbox);
        assert_int_equal(read.items[i].count, d.events.items[i].count);
    }
    vec_free(&read);
    deletions_free(&d);
}

static void a_damaged_record_is_refused(void **state)
{
    static const char *const damaged[] = {
        "x 1 2\n", "1 x 2\n",   "1 2 x\n",          "1 2\n",
        "1\n",     "1 2 3 4\n", "1 2 4294967296\n", "-1 2 3\n",
    };
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct guard_events events = {0};
        assert_false(guard_events_read(str_from(damaged[i]), &events));
        vec_free(&events);
    }
    struct guard_events events = {0};
    assert_true(guard_events_read(STR(""), &events));
    assert_int_equal(events.len, 0);
}

static void an_hour_is_over_to_the_millisecond(void **state)
{
    struct deletions d = {0};
    add_event(&d, GUARD_WINDOW_MS, 1, 1);
    add_event(&d, GUARD_WINDOW_MS - 1, 1, 2);
    add_event(&d, 0, 1, 3);
    guard_forget_old(&d.events, NOW_MS);
    assert_int_equal(d.events.len, 2);
    assert_int_equal(d.events.items[0].count, 2);
    assert_int_equal(d.events.items[1].count, 3);
    deletions_free(&d);
}

/* Setting the clock back, as time servers do, opens no gap. */
static void law11_a_clock_set_back_forgets_nothing(void **state)
{
    struct deletions d = {0};
    add_mailbox(&d, 160, 11, 0);
    add_event(&d, -10 * MINUTE_MS, 1, 40);
    guard_forget_old(&d.events, NOW_MS);
    judge(&d, &DEFAULTS, false);
    assert_int_equal(held_in(&d, 0), 11);
    deletions_free(&d);
}

/* ---- approval ---- */

static void law11_approval_covers_what_was_held_and_listed(void **state)
{
    struct deletions d = {0};
    add_mailbox(&d, 12, 6, 6); /* UIDs 1 to 6 here, 7 to 12 on the server */
    add_held(&d, HELD_DELETE_LOCAL, 1, 1);
    add_held(&d, HELD_DELETE_LOCAL, 1, 2);
    add_held(&d, HELD_DELETE_REMOTE, 1, 7);
    add_held(&d, HELD_DELETE_REMOTE, 1, 3); /* another kind */
    add_held(&d, HELD_DELETE_LOCAL, 2, 4);  /* another mailbox */
    add_held(&d, HELD_DOWNLOAD, 1, 5);
    judge(&d, &DEFAULTS, true);
    const struct mailbox_plan *m = &d.plan.mailboxes.items[0];
    assert_int_equal(m->ops[OP_DELETE_LOCAL].len, 2);
    assert_int_equal(m->ops[OP_DELETE_LOCAL].items[0].uid, 1);
    assert_int_equal(m->ops[OP_DELETE_LOCAL].items[1].uid, 2);
    assert_int_equal(m->ops[OP_DELETE_REMOTE].len, 1);
    assert_int_equal(m->ops[OP_DELETE_REMOTE].items[0].uid, 7);
    assert_int_equal(m->held.len, 9);
    deletions_free(&d);
}

static void law11_nothing_is_approved_unasked(void **state)
{
    struct deletions d = {0};
    add_mailbox(&d, 10, 10, 0);
    for (uint32_t uid = 1; uid <= 10; uid++) {
        add_held(&d, HELD_DELETE_LOCAL, 1, uid);
    }
    judge(&d, &DEFAULTS, false);
    assert_int_equal(held_in(&d, 0), 10);
    assert_int_equal(left_in(&d, 0), 0);
    deletions_free(&d);
}

static void held_operations_say_why(void **state)
{
    struct deletions d = {0};
    add_mailbox(&d, 10, 10, 0);
    judge(&d, &DEFAULTS, false);
    const struct operation *op = &d.plan.mailboxes.items[0].held.items[3];
    assert_int_equal(op->kind, OP_DELETE_LOCAL);
    assert_int_equal(op->uid, 4);
    assert_string_equal(op->why, "a large part of the mailbox would be deleted");
    deletions_free(&d);
}

/* A pass over one mailbox, while others were emptied a moment ago. */
static void law11_the_account_is_more_than_the_plan(void **state)
{
    static const struct {
        uint32_t size, deleted; /* of the other mailbox; deletions are within the hour */
        uint32_t attributes;
        bool holds;
    } cases[] = {
        {200, 0, 0, false},
        {100, 30, 0, true},
        {100, 30, LIST_TRASH, false},
        {900, 30, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct deletions d = {0};
        struct pair_vec pairs = {0};
        struct mailbox_pair *pair = add_mailbox(&d, 220, 40, 0);
        vec_push(&pairs, *pair);
        vec_push(&pairs, *pair);
        d.plan.mailboxes.items[0].pair = &pairs.items[0];
        pairs.items[1].record.id = 7;
        pairs.items[1].record.files = cases[i].size - cases[i].deleted;
        pairs.items[1].attributes = cases[i].attributes;
        /* 40 here and 30 there are more than 50; of 340 they are less than a quarter, so that more
         * went before. */
        add_event(&d, MINUTE_MS, 7, cases[i].deleted);
        add_event(&d, MINUTE_MS, 1, 20);
        guard_count_elsewhere(&pairs, &d.events, &d.plan);
        judge(&d, &DEFAULTS, false);
        assert_int_equal(held_in(&d, 0), cases[i].holds ? 40 : 0);
        vec_free(&pairs);
        deletions_free(&d);
    }
}

/* The limits of the mailbox's own policy. */
static void law11_an_override_has_its_own_limits(void **state)
{
    static const struct config_sync off = {.guard = {.on = false}};
    static const struct config_sync wide = {
        .guard = {.on = true, .messages = 500, .percent = 90, .all = 1000}};
    const struct config_sync *const policies[] = {&off, &wide};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct deletions d = {0};
        add_mailbox(&d, 100, 60, 0)->policy = policies[i];
        add_mailbox(&d, 1000, 0, 0);
        judge(&d, &DEFAULTS, false);
        assert_int_equal(held_in(&d, 0), 0);
        deletions_free(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law11_both_thresholds_must_be_passed),
        cmocka_unit_test(law11_the_account_is_counted_as_a_whole),
        cmocka_unit_test(law11_only_the_mailbox_that_trips_is_held),
        cmocka_unit_test(law11_a_gone_directory_holds_whatever_it_held),
        cmocka_unit_test(law11_trash_and_junk_are_free),
        cmocka_unit_test(law11_it_can_be_turned_off_and_tuned),
        cmocka_unit_test(law11_the_hour_slides_over_passes),
        cmocka_unit_test(law11_other_mailboxes_hours_count_for_the_account_alone),
        cmocka_unit_test(law11_the_hour_outlives_restarts),
        cmocka_unit_test(a_damaged_record_is_refused),
        cmocka_unit_test(an_hour_is_over_to_the_millisecond),
        cmocka_unit_test(law11_a_clock_set_back_forgets_nothing),
        cmocka_unit_test(law11_approval_covers_what_was_held_and_listed),
        cmocka_unit_test(law11_nothing_is_approved_unasked),
        cmocka_unit_test(law11_the_account_is_more_than_the_plan),
        cmocka_unit_test(law11_an_override_has_its_own_limits),
        cmocka_unit_test(held_operations_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
