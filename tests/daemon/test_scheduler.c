/* The scheduler through simulated days: a server that answers as each test says, and time that
 * jumps to whatever is due next. */
#include "base/alloc.h"
#include "daemon/scheduler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define ACCOUNTS_MAX 32

/* How the other end behaves in a test. */
struct peer {
    enum fate pass, watch;
    bool watch_reached;     /* a watcher that ends had listened … */
    int64_t watch_lives_ms; /* … for so long; 0: for ever */
    int64_t pass_takes_ms;
    int64_t hint_ms;
    bool limit, untold;
};

struct running {
    bool passing;
    int64_t pass_ends_ms;
    uint32_t watchers;
    bool listening;
    int64_t watch_ends_ms;
};

struct world {
    struct schedule *s;
    int64_t now_ms;
    struct peer peer;
    struct running running[ACCOUNTS_MAX];
    uint32_t accounts;
    /* what was seen */
    uint32_t passes, watches, unwatches, probes, cancels, most_at_once, at_once;
    uint32_t passes_of[ACCOUNTS_MAX];
    int64_t last_pass_ms, first_pass_ms;
    struct schedule_job last, last_watch;
};

static const struct schedule_settings SETTINGS = {.best = MEANS_NOTIFY,
                                                  .idle_watchers = 1,
                                                  .poll_ms = 5 * MINUTE,
                                                  .audit_ms = 15 * MINUTE,
                                                  .connections = 4};

static struct world *world_new(uint32_t accounts, const struct schedule_settings *settings)
{
    struct world *w = xcalloc(1, sizeof *w);
    w->s = schedule_new(7);
    w->now_ms = 1000000;
    w->accounts = accounts;
    w->peer.pass_takes_ms = 50;
    for (uint32_t i = 0; i < accounts; i++)
        assert_int_equal(schedule_add(w->s, w->now_ms, settings), i);
    return w;
}

static void world_free(struct world *w)
{
    schedule_free(&w->s);
    xfree(&w);
}

static void tell(struct world *w, uint32_t account, struct schedule_event event)
{
    schedule_event(w->s, w->now_ms, account, &event);
}

static void tell_kind(struct world *w, uint32_t account, enum schedule_event_kind kind)
{
    tell(w, account, (struct schedule_event){.kind = kind});
}

static void do_pass(struct world *w, const struct schedule_job *job)
{
    struct running *r = &w->running[job->account];
    assert_false(r->passing);
    r->passing = true;
    r->pass_ends_ms = w->now_ms + w->peer.pass_takes_ms;
    w->passes++;
    w->passes_of[job->account]++;
    w->last_pass_ms = w->now_ms;
    if (w->passes == 1)
        w->first_pass_ms = w->now_ms;
    if (++w->at_once > w->most_at_once)
        w->most_at_once = w->at_once;
    assert_in_range(job->connections, 1, SETTINGS.connections);
}

static void do_watch(struct world *w, const struct schedule_job *job)
{
    struct running *r = &w->running[job->account];
    w->watches++;
    w->last_watch = *job;
    assert_true(job->watchers > r->watchers);
    uint32_t fresh = job->watchers - r->watchers;
    bool fails = w->peer.watch != FATE_OK && w->peer.watch_lives_ms == 0;
    r->listening = !fails || w->peer.watch_reached;
    if (r->listening)
        for (uint32_t i = 0; i < fresh; i++)
            tell_kind(w, job->account, EVENT_WATCH_LISTENS);
    r->watchers = job->watchers;
    r->watch_ends_ms =
        w->peer.watch == FATE_OK ? DEADLINE_NEVER : w->now_ms + w->peer.watch_lives_ms;
}

static void end_watch(struct world *w, uint32_t account, enum fate fate, int64_t lived_ms)
{
    struct running *r = &w->running[account];
    for (; r->watchers > 0; r->watchers--)
        tell(w, account,
             (struct schedule_event){.kind = EVENT_WATCH_ENDED,
                                     .fate = fate,
                                     .reached = r->listening,
                                     .took_ms = lived_ms,
                                     .silent_ms = lived_ms,
                                     .limit = w->peer.limit && fate != FATE_STOPPED,
                                     .hint_ms = w->peer.hint_ms});
}

static void end_pass(struct world *w, uint32_t account, enum fate fate)
{
    w->running[account].passing = false;
    w->at_once--;
    tell(w, account,
         (struct schedule_event){.kind = EVENT_PASS_DONE,
                                 .fate = fate,
                                 .reached = true,
                                 .untold = w->peer.untold,
                                 .limit = w->peer.limit && fate != FATE_OK,
                                 .hint_ms = fate == FATE_OK ? 0 : w->peer.hint_ms,
                                 .took_ms = w->peer.pass_takes_ms});
}

static void do_job(struct world *w, const struct schedule_job *job)
{
    w->last = *job;
    switch (job->kind) {
    case JOB_PASS:
        do_pass(w, job);
        break;
    case JOB_CANCEL:
        w->cancels++;
        end_pass(w, job->account, FATE_STOPPED);
        break;
    case JOB_WATCH:
        do_watch(w, job);
        break;
    case JOB_UNWATCH:
        w->unwatches++;
        end_watch(w, job->account, FATE_STOPPED, 0);
        break;
    case JOB_PROBE:
        w->probes++;
        break;
    }
}

static void do_jobs(struct world *w)
{
    struct schedule_job job;
    uint32_t count = 0;
    while (schedule_next(w->s, w->now_ms, &job)) {
        assert_true(++count < 200); /* no busy loop */
        do_job(w, &job);
    }
}

static int64_t next_ms(const struct world *w)
{
    int64_t next = schedule_wake_ms(w->s, w->now_ms);
    for (uint32_t i = 0; i < w->accounts; i++) {
        const struct running *r = &w->running[i];
        if (r->passing && r->pass_ends_ms < next)
            next = r->pass_ends_ms;
        if (r->watchers > 0 && r->watch_ends_ms < next)
            next = r->watch_ends_ms;
    }
    return next;
}

static void finish_due(struct world *w)
{
    for (uint32_t i = 0; i < w->accounts; i++) {
        struct running *r = &w->running[i];
        if (r->passing && r->pass_ends_ms <= w->now_ms)
            end_pass(w, i, w->peer.pass);
        if (r->watchers > 0 && r->watch_ends_ms <= w->now_ms)
            end_watch(w, i, w->peer.watch, w->peer.watch_lives_ms);
    }
}

static void run_for(struct world *w, int64_t span_ms)
{
    int64_t end_ms = w->now_ms + span_ms;
    do_jobs(w);
    while (next_ms(w) <= end_ms) {
        int64_t next = next_ms(w);
        assert_true(next >= w->now_ms);
        w->now_ms = next;
        finish_due(w);
        do_jobs(w);
    }
    w->now_ms = end_ms;
}

static void forget_counts(struct world *w)
{
    w->passes = w->watches = w->unwatches = w->probes = w->cancels = 0;
    memset(w->passes_of, 0, sizeof w->passes_of);
}

/* Synced and listening, with nothing to do. */
static struct world *quiet_world(uint32_t accounts, const struct schedule_settings *settings)
{
    struct world *w = world_new(accounts, settings);
    run_for(w, 10 * SECOND);
    forget_counts(w);
    return w;
}

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
    tell_kind(w, 0, EVENT_PUSHED);
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
        tell_kind(w, 0, EVENT_PUSHED);
        run_for(w, 10);
    }
    run_for(w, 2 * SECOND);
    assert_in_range(w->passes, 10, 20);
    assert_true(w->last_pass_ms >= w->now_ms - 3 * SECOND);
    world_free(w);
}

static void a_push_during_a_pass_is_not_lost(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    tell_kind(w, 0, EVENT_PUSHED);
    run_for(w, 20);
    assert_true(w->running[0].passing);
    tell_kind(w, 0, EVENT_PUSHED);
    run_for(w, SECOND);
    assert_int_equal(w->passes, 2);
    world_free(w);
}

static void a_push_is_answered_at_once(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    int64_t pushed_ms = w->now_ms;
    tell_kind(w, 0, EVENT_PUSHED);
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
            tell_kind(w, 0, EVENT_LOCAL_DELETED);
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
    tell_kind(w, 0, EVENT_LOCAL_DELETED);
    run_for(w, 500);
    tell_kind(w, 0, EVENT_PUSHED);
    run_for(w, 100);
    assert_int_equal(w->passes, 1);
    assert_true(w->last.local_waits);
    run_for(w, 3 * SECOND);
    assert_int_equal(w->passes, 2);
    assert_false(w->last.local_waits);
    world_free(w);
}

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
        tell_kind(w, 0, EVENT_PUSHED);
        run_for(w, rows[i].span_ms);
        assert_in_range(w->passes + w->watches, 2, rows[i].most);
        world_free(w);
    }
}

static void a_server_that_is_back_is_found_within_the_bound(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    w->peer.pass = w->peer.watch = FATE_NETWORK;
    tell_kind(w, 0, EVENT_PUSHED);
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
    tell_kind(w, 0, EVENT_PUSHED);
    run_for(w, SECOND);
    forget_counts(w);
    for (int i = 0; i < 110; i++) {
        tell_kind(w, 0, EVENT_PUSHED);
        tell_kind(w, 0, EVENT_LOCAL_CHANGED);
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
    tell_kind(w, 0, EVENT_PUSHED);
    run_for(w, 3 * HOUR);
    forget_counts(w);
    tell_kind(w, 0, EVENT_REQUESTED);
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
    tell_kind(w, 0, EVENT_PUSHED);
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
    tell_kind(w, 0, EVENT_PUSHED); /* it speaks after all: counted from the beginning */
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
        tell_kind(w, 0, EVENT_IDLE_BORNE);
    assert_int_equal(schedule_look(w->s, 0).idle_ms, IDLE_MOST_MS);
    w->peer.watch = FATE_OK;
    end_watch(w, 0, FATE_NETWORK, 28 * MINUTE);
    assert_int_equal(schedule_look(w->s, 0).idle_ms, IDLE_MOST_MS - IDLE_STEP_MS);
    tell_kind(w, 0, EVENT_IDLE_BORNE);
    assert_int_equal(schedule_look(w->s, 0).idle_ms, IDLE_MOST_MS - IDLE_STEP_MS);
    for (int i = 0; i < 2; i++) {
        run_for(w, MINUTE);
        end_watch(w, 0, FATE_NETWORK, 4 * MINUTE);
    }
    assert_int_equal(schedule_look(w->s, 0).idle_ms, 3 * MINUTE);
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
        tell_kind(w, i, EVENT_WOKEN);
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
    tell_kind(w, 0, EVENT_WOKEN);
    run_for(w, 2 * SECOND);
    assert_int_equal(w->probes, 1);
    assert_true(w->passes >= 1);
    world_free(w);
}

static void a_flapping_network_is_no_storm(void **state)
{
    struct world *w = quiet_world(1, &SETTINGS);
    w->peer.pass = w->peer.watch = FATE_NETWORK;
    tell_kind(w, 0, EVENT_PUSHED);
    for (int i = 0; i < 3600; i++) {
        tell_kind(w, 0, EVENT_NETWORK);
        run_for(w, SECOND);
    }
    /* Each ten seconds anew: the pass, and what the first waits of the back-off allow. */
    assert_in_range(w->passes + w->watches, 360, 360 * 8);
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
    tell_kind(w, 0, EVENT_PUSHED);
    run_for(w, 20);
    tell_kind(w, 0, EVENT_PAUSED);
    do_jobs(w);
    assert_int_equal(w->cancels, 1);
    assert_int_equal(w->unwatches, 1);
    forget_counts(w);
    tell_kind(w, 0, EVENT_LOCAL_CHANGED);
    run_for(w, DAY);
    assert_int_equal(w->passes + w->watches, 0);
    tell_kind(w, 0, EVENT_CONTINUED);
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
            EVENT_PUSHED, EVENT_LOCAL_CHANGED, EVENT_LOCAL_DELETED, EVENT_REQUESTED,
            EVENT_PAUSED, EVENT_CONTINUED,     EVENT_WOKEN,         EVENT_NETWORK};
        tell_kind(w, pick % 6, kinds[pick / 6 % 8]);
        run_for(w, step);
        t += step;
    }
    for (uint32_t i = 0; i < w->accounts; i++)
        tell_kind(w, i, EVENT_CONTINUED);
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
        cmocka_unit_test(accounts_that_fail_do_not_starve_the_others),
        cmocka_unit_test(a_pause_ends_everything_until_it_is_over),
        cmocka_unit_test(a_week_of_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
