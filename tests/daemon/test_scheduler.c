/* The scheduler through simulated days. */
#include "daemon/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- beginning and rounds ---- */

static void a_pass_then_a_watcher_then_a_pass(void **state)
{
    struct world *w = world_new(1, &SETTINGS);
    do_jobs(w);
    assert_int_equal(w->passes, 1);
    assert_int_equal(w->watches, 0);
    run_for(w, SECOND);
    assert_int_equal(w->watches, 1);
    assert_int_equal(w->last_watch.means, MEANS_NOTIFY);
    assert_int_equal(w->passes, 2);
    world_free(w);
}

static void rounds_of_a_quiet_day(void **state)
{
    static const struct {
        enum watch_means best;
        bool covers;
        int64_t audit_ms;
        uint32_t least, most; /* passes in a day */
    } rows[] = {
        {MEANS_NOTIFY, false, 15 * MINUTE, 96, 107}, {MEANS_IDLE, true, 15 * MINUTE, 96, 107},
        {MEANS_IDLE, false, 15 * MINUTE, 288, 321},  {MEANS_POLL, false, 15 * MINUTE, 288, 321},
        {MEANS_OFF, false, 15 * MINUTE, 96, 107},    {MEANS_OFF, false, 0, 0, 0},
        {MEANS_NOTIFY, false, 120 * MINUTE, 12, 14},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct schedule_settings settings = SETTINGS;
        settings.best = rows[i].best;
        settings.idle_covers = rows[i].covers;
        settings.audit_ms = rows[i].audit_ms;
        struct world *w = quiet_world(1, &settings);
        run_for(w, DAY);
        assert_in_range(w->passes, rows[i].least, rows[i].most);
        world_free(w);
    }
}

static void one_connection_alone_polls(void **state)
{
    struct schedule_settings settings = SETTINGS;
    settings.connections = 1;
    struct world *w = quiet_world(1, &settings);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_POLL);
    run_for(w, HOUR);
    assert_int_equal(w->watches, 0);
    assert_in_range(w->passes, 12, 14);
    world_free(w);
}

static void idle_watchers_leave_a_connection_to_the_pass(void **state)
{
    struct schedule_settings settings = SETTINGS;
    settings.best = MEANS_IDLE;
    settings.idle_watchers = 9;
    struct world *w = quiet_world(1, &settings);
    assert_int_equal(w->last_watch.watchers, 3);
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, SECOND);
    assert_int_equal(w->last.connections, 1);
    world_free(w);
}

/* ---- bursts ---- */

static void a_burst_of_pushes_is_few_passes(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    w->peer.pass_takes_ms = 400;
    for (int i = 0; i < 1000; i++) {
        tell_kind(w, 0, SEEN_PUSHED);
        run_for(w, 10);
    }
    run_for(w, 2 * SECOND);
    assert_in_range(w->passes, 10, 26);
    assert_true(w->last_pass_ms >= w->now_ms - 3 * SECOND);
    world_free(w);
}

static void a_push_during_a_pass_is_not_lost(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, 20);
    assert_true(w->running[0].passing);
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, SECOND);
    assert_int_equal(w->passes, 2);
    world_free(w);
}

static void a_push_is_answered_at_once(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    int64_t pushed_ms = w->now_ms;
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, SECOND);
    assert_true(w->first_pass_ms > 0);
    assert_true(w->last_pass_ms - pushed_ms <= SCHEDULE_PUSH_MS);
    world_free(w);
}

/* ---- local deletions ---- */

static void local_deletions_wait_until_it_is_quiet(void **state)
{
    static const struct {
        int64_t gap_ms, lasts_ms, least_ms, most_ms; /* from the first deletion to the pass */
    } rows[] = {
        {100, 0, 2000, 2100},
        {100, 5000, 6900, 7100},
        {1500, 30000, 30500, 32100},
        {100, 300000, 60000, 60100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = quiet_world(1, &SETTINGS);
        int64_t begun_ms = w->now_ms, gone_ms = 0;
        do {
            tell_kind(w, 0, SEEN_LOCAL_DELETED);
            run_for(w, rows[i].gap_ms);
            gone_ms += rows[i].gap_ms;
        } while (gone_ms < rows[i].lasts_ms && w->passes == 0);
        if (w->passes == 0)
            run_for(w, 3 * SECOND);
        assert_int_equal(w->passes, 1);
        assert_false(w->last.local_waits);
        assert_in_range(w->last_pass_ms - begun_ms, rows[i].least_ms, rows[i].most_ms);
        world_free(w);
    }
}

static void mail_comes_while_local_deletions_wait(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    tell_kind(w, 0, SEEN_LOCAL_DELETED);
    run_for(w, 500);
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, 100);
    assert_int_equal(w->passes, 1);
    assert_true(w->last.local_waits);
    run_for(w, 3 * SECOND);
    assert_int_equal(w->passes, 2);
    assert_false(w->last.local_waits);
    world_free(w);
}

/* ---- fairness, pause, removal ---- */

static void accounts_that_fail_do_not_starve_the_others(void **state)
{
    struct world *w = world_new(30, &SETTINGS);
    w->peer.pass_takes_ms = 10 * SECOND;
    run_for(w, MINUTE);
    for (uint32_t i = 0; i < w->accounts; i++)
        assert_true(w->passes_of[i] >= 1);
    assert_int_equal(w->most_at_once, SCHEDULE_PASSES_MOST);
    world_free(w);
}

static void a_pause_ends_everything_until_it_is_over(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, 20);
    tell_kind(w, 0, SEEN_PAUSED);
    do_jobs(w);
    assert_int_equal(w->cancels, 1);
    assert_int_equal(w->unwatches, 1);
    forget_counts(w);
    tell_kind(w, 0, SEEN_LOCAL_CHANGED);
    run_for(w, DAY);
    assert_int_equal(w->passes + w->watches, 0);
    tell_kind(w, 0, SEEN_CONTINUED);
    run_for(w, SECOND);
    assert_true(w->passes >= 1);
    assert_int_equal(w->watches, 1);
    world_free(w);
}

/* A week in which anything happens at any time. */
static void a_week_of_anything(void **state)
{
    struct world *w = world_new(6, &SETTINGS);
    uint64_t random = 42;
    for (int64_t t = 0; t < 7 * DAY;) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        uint32_t pick = (uint32_t)(random >> 33);
        int64_t step = pick % 7 == 0 ? HOUR : pick % 3 == 0 ? 30 * SECOND : 700;
        w->peer.pass = pick % 5 == 0 ? FATE_NETWORK : pick % 11 == 0 ? FATE_PARTIAL : FATE_OK;
        w->peer.watch = pick % 4 == 0 ? FATE_NETWORK : FATE_OK;
        w->peer.watch_lives_ms = (pick % 13) * MINUTE;
        w->peer.untold = pick % 17 == 0;
        static const enum schedule_event_kind kinds[] = {
            SEEN_PUSHED, SEEN_LOCAL_CHANGED, SEEN_LOCAL_DELETED, SEEN_REQUESTED,
            SEEN_PAUSED, SEEN_CONTINUED,     SEEN_WOKEN,         SEEN_NETWORK};
        tell_kind(w, pick % 6, kinds[pick / 6 % 8]);
        run_for(w, step);
        t += step;
    }
    for (uint32_t i = 0; i < w->accounts; i++)
        tell_kind(w, i, SEEN_CONTINUED);
    w->peer = (struct peer){.pass_takes_ms = 10};
    forget_counts(w);
    run_for(w, HOUR);
    for (uint32_t i = 0; i < w->accounts; i++)
        assert_in_range(w->passes_of[i], 4, 60);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_then_a_watcher_then_a_pass),
        cmocka_unit_test(rounds_of_a_quiet_day),
        cmocka_unit_test(one_connection_alone_polls),
        cmocka_unit_test(idle_watchers_leave_a_connection_to_the_pass),
        cmocka_unit_test(a_burst_of_pushes_is_few_passes),
        cmocka_unit_test(a_push_during_a_pass_is_not_lost),
        cmocka_unit_test(a_push_is_answered_at_once),
        cmocka_unit_test(local_deletions_wait_until_it_is_quiet),
        cmocka_unit_test(mail_comes_while_local_deletions_wait),
        cmocka_unit_test(accounts_that_fail_do_not_starve_the_others),
        cmocka_unit_test(a_pause_ends_everything_until_it_is_over),
        cmocka_unit_test(a_week_of_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
