#include "daemon/scheduler.h"

#include "daemon/scheduler_private.h"

#include <assert.h>

/* xorshift64*: spreads, nothing more. */
uint64_t schedule_random(struct schedule *s)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return s->random * UINT64_C(2685821657736338717);
}

/* Up to a tenth earlier, so that accounts do not march in step. */
static int64_t spread(struct schedule *s, int64_t span_ms)
{
    return span_ms - (int64_t)(schedule_random(s) % (uint64_t)(span_ms / 10 + 1));
}

struct schedule *schedule_new(uint64_t seed)
{
    struct schedule *s = xcalloc(1, sizeof *s);
    s->random = seed != 0 ? seed : 1;
    return s;
}

void schedule_free(struct schedule **s)
{
    vec_free(&(*s)->members);
    xfree(s);
}

struct member *member_find(const struct schedule *s, uint32_t account)
{
    assert(account < s->members.len && s->members.items[account].used);
    return &s->members.items[account];
}

/* ---- the ladder of means ---- */

/* A watcher beside the pass needs a second connection. */
enum watch_means member_best_means(const struct member *m)
{
    if (m->connections < 2 && m->settings.best > MEANS_POLL)
        return MEANS_POLL;
    if (m->settings.best == MEANS_IDLE && m->settings.idle_watchers == 0)
        return MEANS_POLL;
    return m->settings.best;
}

static enum watch_means step_down(const struct member *m)
{
    if (m->means == MEANS_NOTIFY && m->settings.idle_watchers > 0)
        return MEANS_IDLE;
    return MEANS_POLL;
}

/* What is to be watched at once, beside the pass. */
static uint32_t watchers_wanted(const struct member *m)
{
    if (m->means == MEANS_NOTIFY)
        return 1;
    if (m->means == MEANS_IDLE)
        return (uint32_t)earlier(m->settings.idle_watchers, m->connections - 1);
    return 0;
}

static bool polls(const struct member *m)
{
    bool pushed = m->means == MEANS_NOTIFY || (m->means == MEANS_IDLE && m->settings.idle_covers &&
                                               watchers_wanted(m) == m->settings.idle_watchers);
    return (m->blind || (m->means != MEANS_OFF && !pushed)) && m->settings.poll_ms > 0;
}

void member_plan_rounds(struct schedule *s, struct member *m, int64_t now_ms)
{
    m->poll_ms = polls(m) ? now_ms + spread(s, m->settings.poll_ms) : DEADLINE_NEVER;
    m->audit_ms =
        m->settings.audit_ms > 0 ? now_ms + spread(s, m->settings.audit_ms) : DEADLINE_NEVER;
}

void member_leave(struct member *m)
{
    m->unwatch = m->leaving = m->watchers > 0;
}

void member_set_means(struct schedule *s, struct member *m, int64_t now_ms, enum watch_means means)
{
    if (m->means == means)
        return;
    m->means = means;
    m->untold = 0;
    m->untold_ms = DEADLINE_NEVER;
    member_leave(m);
    m->poll_ms = polls(m) ? now_ms + spread(s, m->settings.poll_ms) : DEADLINE_NEVER;
}

void member_demote(struct schedule *s, struct member *m, int64_t now_ms)
{
    m->watch_failures = 0;
    m->promote_ms = now_ms + SCHEDULE_PROMOTE_MS;
    member_set_means(s, m, now_ms, step_down(m));
}

/* ---- accounts ---- */

void member_want(struct member *m, unsigned cause, int64_t due_ms)
{
    m->due_ms = m->wanted == 0 ? due_ms : earlier(m->due_ms, due_ms);
    m->wanted |= cause;
}

static void settle(struct schedule *s, struct member *m, int64_t now_ms,
                   const struct schedule_settings *settings)
{
    m->settings = *settings;
    m->connections = settings->connections;
    m->failures = m->watch_failures = m->untold = m->idle_deaths = 0;
    m->not_before_ms = m->watch_not_before_ms = now_ms;
    m->promote_ms = m->untold_ms = DEADLINE_NEVER;
    m->idle_ms = IDLE_FIRST_MS;
    m->idle_cap_ms = IDLE_MOST_MS;
    m->means = member_best_means(m);
    member_plan_rounds(s, m, now_ms);
    member_want(m, CAUSE_START, now_ms);
}

uint32_t schedule_add(struct schedule *s, int64_t now_ms, const struct schedule_settings *settings)
{
    struct member *m = vec_add(&s->members);
    m->used = true;
    m->deleted_first_ms = m->deleted_last_ms = DEADLINE_NEVER;
    m->network_ms = now_ms - SCHEDULE_NETWORK_REST_MS;
    settle(s, m, now_ms, settings);
    return (uint32_t)(s->members.len - 1);
}

void schedule_patience(struct schedule *s, uint32_t account, int64_t idle_ms)
{
    struct member *m = member_find(s, account);
    m->idle_ms = idle_ms;
}

void schedule_local(struct schedule *s, int64_t now_ms, uint32_t account, bool told)
{
    struct member *m = member_find(s, account);
    if (m->blind != told)
        return;
    m->blind = !told;
    m->poll_ms = polls(m) ? now_ms + spread(s, m->settings.poll_ms) : DEADLINE_NEVER;
}

void schedule_remove(struct schedule *s, uint32_t account)
{
    struct member *m = member_find(s, account);
    assert(!m->passing && m->watchers == 0);
    m->used = false;
}

/* ---- what to do ---- */

/* When local deletions are settled; DEADLINE_NEVER: there are none. */
static int64_t quiet_ms(const struct member *m)
{
    if (m->deleted_first_ms == DEADLINE_NEVER)
        return DEADLINE_NEVER;
    return earlier(m->deleted_last_ms + SCHEDULE_QUIET_MS,
                   m->deleted_first_ms + SCHEDULE_QUIET_MOST_MS);
}

static int64_t pass_due_ms(const struct member *m)
{
    if (m->paused || m->passing)
        return DEADLINE_NEVER;
    if (m->wanted & CAUSE_REQUEST)
        return m->due_ms;
    int64_t due = earlier(earlier(m->poll_ms, m->audit_ms), quiet_ms(m));
    if (m->wanted != 0)
        due = earlier(due, m->due_ms);
    return due == DEADLINE_NEVER ? due : later(due, later(m->gap_until_ms, m->not_before_ms));
}

static int64_t watch_due_ms(const struct member *m)
{
    if (m->paused || !m->linked || m->leaving || m->watchers >= watchers_wanted(m))
        return DEADLINE_NEVER;
    return later(m->watch_not_before_ms, m->not_before_ms);
}

static int64_t promote_due_ms(const struct member *m)
{
    return m->paused ? DEADLINE_NEVER : m->promote_ms;
}

static void tick(struct schedule *s, struct member *m, int64_t now_ms)
{
    if (now_ms >= m->untold_ms) {
        m->untold_ms = DEADLINE_NEVER;
        if (++m->untold >= SCHEDULE_UNTOLD_MOST)
            member_demote(s, m, now_ms);
    }
    if (now_ms >= promote_due_ms(m)) {
        m->promote_ms = DEADLINE_NEVER;
        m->connections = m->settings.connections;
        m->watch_failures = SCHEDULE_WATCH_FAILURES_MOST / 2;
        member_set_means(s, m, now_ms, member_best_means(m));
    }
}

static struct schedule_job make_watch(struct member *m)
{
    m->watchers = watchers_wanted(m);
    return (struct schedule_job){
        .kind = JOB_WATCH, .means = m->means, .watchers = m->watchers, .idle_ms = m->idle_ms};
}

/* Everything but passes. */
static bool next_side_job(struct member *m, int64_t now_ms, struct schedule_job *out)
{
    if (m->cancel) {
        m->cancel = false;
        *out = (struct schedule_job){.kind = JOB_CANCEL};
    } else if (m->unwatch) {
        m->unwatch = m->probe = false;
        *out = (struct schedule_job){.kind = JOB_UNWATCH};
    } else if (m->probe) {
        m->probe = false;
        *out = (struct schedule_job){.kind = JOB_PROBE};
    } else if (now_ms >= watch_due_ms(m)) {
        *out = make_watch(m);
    } else {
        return false;
    }
    return true;
}

/* The one that has waited longest; those that failed come behind those that did not. */
static struct member *next_passer(struct schedule *s, int64_t now_ms)
{
    struct member *best = NULL;
    VEC_FOREACH (struct member, m, &s->members) {
        if (!m->used || pass_due_ms(m) > now_ms)
            continue;
        if (best == NULL || (m->failures > 0) < (best->failures > 0) ||
            ((m->failures > 0) == (best->failures > 0) && pass_due_ms(m) < pass_due_ms(best)))
            best = m;
    }
    return best;
}

static struct schedule_job make_pass(struct schedule *s, struct member *m, int64_t now_ms)
{
    m->doing = m->wanted;
    m->doing |= now_ms >= m->poll_ms ? CAUSE_POLL : 0U;
    m->doing |= now_ms >= m->audit_ms ? CAUSE_AUDIT : 0U;
    bool requested = (m->wanted & CAUSE_REQUEST) != 0;
    bool local_waits = !requested && quiet_ms(m) != DEADLINE_NEVER && now_ms < quiet_ms(m);
    if (!local_waits && quiet_ms(m) != DEADLINE_NEVER) {
        m->deleted_first_ms = m->deleted_last_ms = DEADLINE_NEVER;
        m->doing |= CAUSE_LOCAL;
    }
    struct schedule_job job = {
        .kind = JOB_PASS,
        .causes = m->doing,
        .local_waits = local_waits,
        .stale = m->stale,
        .connections = (uint32_t)later(1, (int64_t)m->connections - m->watchers),
    };
    m->wanted = 0;
    m->passing = true;
    m->stale = m->pushed_meanwhile = false;
    if (m->poll_ms <= now_ms)
        m->poll_ms = polls(m) ? now_ms + spread(s, m->settings.poll_ms) : DEADLINE_NEVER;
    if (m->audit_ms <= now_ms)
        m->audit_ms = now_ms + spread(s, m->settings.audit_ms);
    s->passing++;
    return job;
}

bool schedule_next(struct schedule *s, int64_t now_ms, struct schedule_job *out)
{
    VEC_FOREACH (struct member, m, &s->members) {
        if (!m->used)
            continue;
        tick(s, m, now_ms);
        if (next_side_job(m, now_ms, out)) {
            out->account = (uint32_t)(m - s->members.items);
            return true;
        }
    }
    struct member *m = s->passing < SCHEDULE_PASSES_MOST ? next_passer(s, now_ms) : NULL;
    if (m == NULL)
        return false;
    *out = make_pass(s, m, now_ms);
    out->account = (uint32_t)(m - s->members.items);
    return true;
}

int64_t schedule_wake_ms(const struct schedule *s, int64_t now_ms)
{
    int64_t wake = DEADLINE_NEVER;
    VEC_FOREACH (const struct member, m, &s->members) {
        if (!m->used)
            continue;
        if (m->cancel || m->unwatch || m->probe)
            return now_ms;
        int64_t side = earlier(earlier(watch_due_ms(m), m->untold_ms), promote_due_ms(m));
        int64_t pass = s->passing < SCHEDULE_PASSES_MOST ? pass_due_ms(m) : DEADLINE_NEVER;
        wake = earlier(wake, earlier(side, pass));
    }
    return later(wake, now_ms);
}

struct schedule_view schedule_look(const struct schedule *s, uint32_t account)
{
    const struct member *m = member_find(s, account);
    struct member rested = *m;
    rested.passing = false;
    return (struct schedule_view){
        .passing = m->passing,
        .paused = m->paused,
        .fate = m->fate,
        .failures = m->failures,
        .means = m->means,
        .listening = m->listening,
        .next_ms = pass_due_ms(&rested),
        .idle_ms = m->idle_ms,
    };
}
