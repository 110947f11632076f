#include "daemon/world.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct world *world_new(uint32_t accounts, const struct schedule_settings *settings)
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

void world_free(struct world *w)
{
    schedule_free(&w->s);
    xfree(&w);
}

void tell(struct world *w, uint32_t account, struct schedule_event event)
{
    schedule_event(w->s, w->now_ms, account, &event);
}

void tell_kind(struct world *w, uint32_t account, enum schedule_event_kind kind)
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
            tell_kind(w, job->account, SEEN_WATCH_LISTENS);
    r->watchers = job->watchers;
    r->watch_ends_ms =
        w->peer.watch == FATE_OK ? DEADLINE_NEVER : w->now_ms + w->peer.watch_lives_ms;
}

void end_watch(struct world *w, uint32_t account, enum fate fate, int64_t lived_ms)
{
    struct running *r = &w->running[account];
    for (; r->watchers > 0; r->watchers--)
        tell(w, account,
             (struct schedule_event){.kind = SEEN_WATCH_ENDED,
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
         (struct schedule_event){.kind = SEEN_PASS_DONE,
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

void do_jobs(struct world *w)
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

void run_for(struct world *w, int64_t span_ms)
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

void forget_counts(struct world *w)
{
    w->passes = w->watches = w->unwatches = w->probes = w->cancels = 0;
    memset(w->passes_of, 0, sizeof w->passes_of);
}

struct world *quiet_world(uint32_t accounts, const struct schedule_settings *settings)
{
    struct world *w = world_new(accounts, settings);
    run_for(w, 10 * SECOND);
    forget_counts(w);
    return w;
}
