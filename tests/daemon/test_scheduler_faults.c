/* The scheduler when something fails: servers, watchers, networks, nights. */
#include "daemon/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- failures ---- */

static void a_dead_server_sees_few_attempts(void **state)
{
    static const struct {
        enum fate fate;
        int64_t span_ms;
        uint32_t most; /* attempts to connect */
    } rows[] = {
        {FATE_NETWORK, MINUTE, 20}, {FATE_NETWORK, HOUR, 60}, {FATE_NETWORK, DAY, 700},
        {FATE_BUSY, DAY, 260},      {FATE_REFUSED, DAY, 80},  {FATE_PROTOCOL, DAY, 260},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = quiet_world(1, &SETTINGS);
        w->peer.pass = w->peer.watch = rows[i].fate;
        end_watch(w, 0, FATE_NETWORK, 10 * MINUTE);
        tell_kind(w, 0, SEEN_PUSHED);
        run_for(w, rows[i].span_ms);
        assert_in_range(w->passes + w->watches, 2, rows[i].most);
        world_free(w);
    }
}

static void a_server_that_is_back_is_found_within_the_bound(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    w->peer.pass = w->peer.watch = FATE_NETWORK;
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, 6 * HOUR);
    w->peer.pass = w->peer.watch = FATE_OK;
    forget_counts(w);
    run_for(w, fate_backoff(FATE_NETWORK)->most_ms + SECOND);
    assert_true(w->passes >= 1);
    assert_int_equal(schedule_look(w->s, 0).failures, 0);
    world_free(w);
}

static void the_word_of_the_server_is_heeded(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    w->peer.pass = FATE_BUSY;
    w->peer.hint_ms = 2 * HOUR;
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, SECOND);
    forget_counts(w);
    for (int i = 0; i < 110; i++) {
        tell_kind(w, 0, SEEN_PUSHED);
        tell_kind(w, 0, SEEN_LOCAL_CHANGED);
        run_for(w, MINUTE);
    }
    assert_int_equal(w->passes, 0);
    run_for(w, 30 * MINUTE);
    assert_in_range(w->passes, 1, 2);
    world_free(w);
}

static void a_request_does_not_wait_for_the_back_off(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    w->peer.pass = FATE_PROTOCOL;
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, 3 * HOUR);
    forget_counts(w);
    tell_kind(w, 0, SEEN_REQUESTED);
    do_jobs(w);
    assert_int_equal(w->passes, 1);
    world_free(w);
}

static void a_mailbox_that_fails_does_not_delay_the_others(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    w->peer.pass = FATE_PARTIAL;
    run_for(w, 6 * HOUR);
    forget_counts(w);
    int64_t pushed_ms = w->now_ms;
    tell_kind(w, 0, SEEN_PUSHED);
    run_for(w, 40);
    assert_int_equal(w->last_pass_ms, pushed_ms + SCHEDULE_PUSH_MS);
    run_for(w, DAY);
    assert_in_range(w->passes, 96, 300);
    world_free(w);
}

static void too_many_connections_means_fewer(void **state)
{
    struct schedule_settings settings = SETTINGS;
    settings.connections = 2;
    struct world *w = quiet_world(1, &settings);
    w->peer.limit = true;
    end_watch(w, 0, FATE_BUSY, 0);
    run_for(w, HOUR);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_POLL);
    assert_int_equal(w->last.connections, 1);
    w->peer.limit = false;
    run_for(w, 7 * HOUR);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_NOTIFY);
    world_free(w);
}

/* ---- the ladder ---- */

static void what_a_server_lacks_is_not_asked_again_at_once(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    end_watch(w, 0, FATE_LACKING, 0);
    run_for(w, SECOND);
    assert_int_equal(w->watches, 1);
    assert_int_equal(w->last_watch.means, MEANS_IDLE);
    w->peer.watch = FATE_LACKING;
    end_watch(w, 0, FATE_LACKING, 0);
    run_for(w, 5 * HOUR);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_POLL);
    assert_int_equal(w->watches, 1);
    w->peer.watch = FATE_OK;
    run_for(w, 2 * HOUR);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_NOTIFY);
    world_free(w);
}

static void a_watcher_that_dies_early_again_and_again_is_given_up(void **state)
{
    static const int64_t lives_ms[] = {1 * SECOND, 10 * SECOND, MINUTE};
    for (size_t i = 0; i < sizeof lives_ms / sizeof *lives_ms; i++) {
        struct world *w = world_new(1, &SETTINGS);
        w->peer.watch = FATE_NETWORK;
        w->peer.watch_lives_ms = lives_ms[i];
        run_for(w, HOUR);
        assert_int_equal(schedule_look(w->s, 0).means, MEANS_POLL);
        assert_int_equal(w->watches, 2 * SCHEDULE_WATCH_FAILURES_MOST);
        run_for(w, DAY);
        assert_in_range(w->watches, 8, 8 + 5 * 8);
        world_free(w);
    }
}

static void a_watcher_that_lives_long_comes_back(void **state)
{
    struct world *w = world_new(1, &SETTINGS);
    w->peer.watch = FATE_NETWORK;
    w->peer.watch_lives_ms = 20 * MINUTE;
    run_for(w, DAY);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_NOTIFY);
    assert_in_range(w->watches, 60, 73);
    world_free(w);
}

static void changes_untold_twice_demote(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    w->peer.untold = true;
    run_for(w, 20 * MINUTE);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_NOTIFY);
    tell_kind(w, 0, SEEN_PUSHED); /* it speaks after all: counted from the beginning */
    run_for(w, 18 * MINUTE);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_NOTIFY);
    run_for(w, 20 * MINUTE);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_IDLE);
    w->peer.untold = false;
    run_for(w, 7 * HOUR);
    assert_int_equal(schedule_look(w->s, 0).means, MEANS_NOTIFY);
    world_free(w);
}

static void idle_grows_while_it_is_borne_and_shrinks_when_not(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    assert_int_equal(schedule_look(w->s, 0).idle_ms, IDLE_FIRST_MS);
    for (int i = 0; i < 10; i++)
        tell_kind(w, 0, SEEN_IDLE_BORNE);
    assert_int_equal(schedule_look(w->s, 0).idle_ms, IDLE_MOST_MS);
    w->peer.watch = FATE_OK;
    end_watch(w, 0, FATE_NETWORK, 28 * MINUTE);
    assert_int_equal(schedule_look(w->s, 0).idle_ms, IDLE_MOST_MS - IDLE_STEP_MS);
    tell_kind(w, 0, SEEN_IDLE_BORNE);
    assert_int_equal(schedule_look(w->s, 0).idle_ms, IDLE_MOST_MS - IDLE_STEP_MS);
    for (int i = 0; i < 2; i++) {
        run_for(w, MINUTE);
        end_watch(w, 0, FATE_NETWORK, 4 * MINUTE);
    }
    assert_int_equal(schedule_look(w->s, 0).idle_ms, 3 * MINUTE);
    schedule_patience(w->s, 0, 21 * MINUTE); /* as an earlier run had learned it */
    end_watch(w, 0, FATE_NETWORK, MINUTE / 2);
    run_for(w, MINUTE);
    assert_int_equal(w->last_watch.idle_ms, 21 * MINUTE);
    world_free(w);
}

/* ---- sleep and network ---- */

static void the_first_sync_begins_within_two_seconds_of_resume(void **state)
{
    struct world *w = quiet_world(20, &SETTINGS);
    w->peer.pass = w->peer.watch = FATE_NETWORK;
    run_for(w, 3 * HOUR);
    w->now_ms += HOUR; /* asleep */
    w->peer.pass = w->peer.watch = FATE_OK;
    for (uint32_t i = 0; i < w->accounts; i++)
        tell_kind(w, i, SEEN_WOKEN);
    forget_counts(w);
    run_for(w, 2 * SECOND);
    for (uint32_t i = 0; i < w->accounts; i++)
        assert_true(w->passes_of[i] >= 1);
    assert_true(w->most_at_once <= SCHEDULE_PASSES_MOST);
    world_free(w);
}

static void watchers_are_probed_after_a_resume(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    tell_kind(w, 0, SEEN_WOKEN);
    run_for(w, 2 * SECOND);
    assert_int_equal(w->probes, 1);
    assert_true(w->passes >= 1);
    world_free(w);
}

static void a_flapping_network_is_no_storm(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    w->peer.pass = w->peer.watch = FATE_NETWORK;
    tell_kind(w, 0, SEEN_PUSHED);
    for (int i = 0; i < 3600; i++) {
        tell_kind(w, 0, SEEN_NETWORK);
        run_for(w, SECOND);
    }
    /* Each ten seconds anew: the pass, and what the first waits of the back-off allow. */
    assert_in_range(w->passes + w->watches, 360, 360 * 8);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_server_sees_few_attempts),
        cmocka_unit_test(a_server_that_is_back_is_found_within_the_bound),
        cmocka_unit_test(the_word_of_the_server_is_heeded),
        cmocka_unit_test(a_request_does_not_wait_for_the_back_off),
        cmocka_unit_test(a_mailbox_that_fails_does_not_delay_the_others),
        cmocka_unit_test(too_many_connections_means_fewer),
        cmocka_unit_test(what_a_server_lacks_is_not_asked_again_at_once),
        cmocka_unit_test(a_watcher_that_dies_early_again_and_again_is_given_up),
        cmocka_unit_test(a_watcher_that_lives_long_comes_back),
        cmocka_unit_test(changes_untold_twice_demote),
        cmocka_unit_test(idle_grows_while_it_is_borne_and_shrinks_when_not),
        cmocka_unit_test(the_first_sync_begins_within_two_seconds_of_resume),
        cmocka_unit_test(watchers_are_probed_after_a_resume),
        cmocka_unit_test(a_flapping_network_is_no_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
