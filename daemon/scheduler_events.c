/* What happened, and what follows from it. */
#include "daemon/scheduler_private.h"

#include <assert.h>

/* Deaths in one IDLE, in a row, that make it shorter. */
#define IDLE_DEATHS_MOST 2
#define NETWORK_SETTLE_MS 300

static void on_pushed(struct schedule *s, struct member *m, int64_t now_ms,
                      const struct schedule_event *event)
{
    m->untold = 0;
    m->untold_ms = DEADLINE_NEVER;
    m->pushed_meanwhile = m->passing;
    member_want(m, CAUSE_PUSH, now_ms + SCHEDULE_PUSH_MS);
}

static void on_local_changed(struct schedule *s, struct member *m, int64_t now_ms,
                             const struct schedule_event *event)
{
    member_want(m, CAUSE_LOCAL, now_ms + SCHEDULE_LOCAL_MS);
}

static void on_local_deleted(struct schedule *s, struct member *m, int64_t now_ms,
                             const struct schedule_event *event)
{
    if (m->deleted_first_ms == DEADLINE_NEVER)
        m->deleted_first_ms = now_ms;
    m->deleted_last_ms = now_ms;
}

static void on_requested(struct schedule *s, struct member *m, int64_t now_ms,
                         const struct schedule_event *event)
{
    member_want(m, CAUSE_REQUEST, now_ms);
}

static void on_left(struct schedule *s, struct member *m, int64_t now_ms,
                    const struct schedule_event *event)
{
    member_want(m, CAUSE_LEFT, event->at_ms);
}

/* Too many connections, the server says: one fewer, for a while. */
static void heed_limit(struct schedule *s, struct member *m, int64_t now_ms,
                       const struct schedule_event *event)
{
    if (!event->limit || m->connections <= 1)
        return;
    m->connections--;
    m->promote_ms = now_ms + SCHEDULE_PROMOTE_MS;
    if (m->means > member_best_means(m))
        member_set_means(s, m, now_ms, member_best_means(m));
}

static void shun(struct schedule *s, struct member *m, int64_t now_ms,
                 const struct schedule_event *event)
{
    m->failures++;
    m->not_before_ms = now_ms + backoff_delay_ms(fate_backoff(event->fate), m->failures,
                                                 schedule_random(s), event->hint_ms);
}

/* A change that a watcher should have told of, and did not: it has a minute from the pass on. */
static void note_untold(struct member *m, int64_t now_ms)
{
    bool told = (m->doing & (CAUSE_PUSH | CAUSE_LISTENING)) != 0 || m->pushed_meanwhile;
    if (!told && m->listening > 0 && m->untold_ms == DEADLINE_NEVER)
        m->untold_ms = now_ms + SCHEDULE_UNTOLD_MS;
}

static void on_pass_done(struct schedule *s, struct member *m, int64_t now_ms,
                         const struct schedule_event *event)
{
    assert(m->passing && s->passing > 0);
    m->passing = m->cancel = false;
    s->passing--;
    m->gap_until_ms = now_ms + earlier(event->took_ms / 8, SCHEDULE_GAP_MOST_MS);
    if (event->fate == FATE_STOPPED) {
        if (!m->paused)
            member_want(m, m->doing, now_ms);
        return;
    }
    m->fate = event->fate;
    if (event->reached)
        m->linked = event->fate != FATE_NETWORK && event->fate != FATE_BUSY;
    if (event->untold)
        note_untold(m, now_ms);
    if (event->fate == FATE_OK) {
        m->failures = 0;
        m->not_before_ms = now_ms;
        member_plan_rounds(s, m, now_ms);
        return;
    }
    if (event->fate == FATE_PARTIAL) {
        /* The other mailboxes do not wait for it. */
        int64_t wait = backoff_delay_ms(fate_backoff(FATE_PARTIAL), ++m->failures,
                                        schedule_random(s), event->hint_ms);
        member_plan_rounds(s, m, now_ms);
        member_want(m, CAUSE_RETRY, now_ms + wait);
        return;
    }
    m->linked = m->linked && event->fate != FATE_REFUSED;
    m->probe = event->fate == FATE_NETWORK && m->watchers > 0;
    heed_limit(s, m, now_ms, event);
    shun(s, m, now_ms, event);
    member_want(m, (m->doing & ~(unsigned)CAUSE_REQUEST) | CAUSE_RETRY, now_ms);
}

static void on_watch_listens(struct schedule *s, struct member *m, int64_t now_ms,
                             const struct schedule_event *event)
{
    assert(m->listening < m->watchers);
    m->listening++;
    member_want(m, CAUSE_LISTENING, now_ms);
}

/* An IDLE that the server, or something between, does not bear is made shorter. */
static void learn_patience(struct member *m, const struct schedule_event *event)
{
    if (!event->reached || event->fate != FATE_NETWORK || event->silent_ms < IDLE_LEAST_MS)
        return;
    if (m->idle_ms > IDLE_FIRST_MS && event->silent_ms > IDLE_FIRST_MS) {
        m->idle_ms = m->idle_cap_ms = later(m->idle_ms - IDLE_STEP_MS, IDLE_FIRST_MS);
    } else if (++m->idle_deaths >= IDLE_DEATHS_MOST) {
        m->idle_ms = m->idle_cap_ms = later(event->silent_ms / 4 * 3, IDLE_LEAST_MS);
        m->idle_deaths = 0;
    }
}

static void on_watch_failed(struct schedule *s, struct member *m, int64_t now_ms,
                            const struct schedule_event *event)
{
    learn_patience(m, event);
    heed_limit(s, m, now_ms, event);
    if (!event->reached && event->fate != FATE_PROTOCOL) {
        /* The pass probes from here on, so that a dead server sees one attempt at a time. */
        m->linked = false;
        shun(s, m, now_ms, event);
        member_want(m, CAUSE_RETRY, now_ms);
        return;
    }
    m->watch_failures = event->took_ms >= SCHEDULE_SETTLED_MS ? 1 : m->watch_failures + 1;
    m->watch_not_before_ms = now_ms + backoff_delay_ms(fate_backoff(event->fate), m->watch_failures,
                                                       schedule_random(s), event->hint_ms);
    if (m->watch_failures >= SCHEDULE_WATCH_FAILURES_MOST)
        member_demote(s, m, now_ms);
}

static void on_watch_ended(struct schedule *s, struct member *m, int64_t now_ms,
                           const struct schedule_event *event)
{
    assert(m->watchers > 0);
    m->watchers--;
    m->listening -= event->reached;
    bool wished = event->fate == FATE_STOPPED || m->leaving;
    if (m->watchers == 0)
        m->unwatch = m->leaving = false;
    if (wished)
        return;
    if (event->fate == FATE_LACKING)
        member_demote(s, m, now_ms);
    else
        on_watch_failed(s, m, now_ms, event);
}

static void on_idle_borne(struct schedule *s, struct member *m, int64_t now_ms,
                          const struct schedule_event *event)
{
    m->idle_deaths = 0;
    m->idle_ms = earlier(m->idle_ms + IDLE_STEP_MS, later(m->idle_cap_ms, m->idle_ms));
}

static void on_paused(struct schedule *s, struct member *m, int64_t now_ms,
                      const struct schedule_event *event)
{
    m->paused = true;
    m->cancel = m->passing;
    member_leave(m);
}

static void on_continued(struct schedule *s, struct member *m, int64_t now_ms,
                         const struct schedule_event *event)
{
    m->paused = false;
    m->not_before_ms = m->watch_not_before_ms = now_ms;
    member_want(m, CAUSE_START, now_ms);
}

/* Connections may be dead without a word, and what kept us from the server may be gone. */
static void begin_anew(struct schedule *s, struct member *m, int64_t now_ms, unsigned cause,
                       int64_t within_ms)
{
    m->stale = true;
    m->probe = m->watchers > 0;
    if (m->fate != FATE_BUSY && m->fate != FATE_REFUSED) {
        m->failures = 0;
        m->not_before_ms = m->watch_not_before_ms = now_ms;
    }
    member_want(m, cause, now_ms + (int64_t)(schedule_random(s) % (uint64_t)within_ms));
}

static void on_woken(struct schedule *s, struct member *m, int64_t now_ms,
                     const struct schedule_event *event)
{
    m->cancel = m->passing;
    begin_anew(s, m, now_ms, CAUSE_RESUME, SCHEDULE_SPREAD_MS);
}

static void on_network(struct schedule *s, struct member *m, int64_t now_ms,
                       const struct schedule_event *event)
{
    m->stale = true;
    m->probe = m->watchers > 0;
    if (now_ms - m->network_ms < SCHEDULE_NETWORK_REST_MS)
        return;
    m->network_ms = now_ms;
    begin_anew(s, m, now_ms + NETWORK_SETTLE_MS, CAUSE_NETWORK, SCHEDULE_SPREAD_MS);
}

typedef void (*handler)(struct schedule *, struct member *, int64_t, const struct schedule_event *);
static const handler HANDLERS[SEEN_KINDS] = {
    [SEEN_PUSHED] = on_pushed,
    [SEEN_LOCAL_CHANGED] = on_local_changed,
    [SEEN_LOCAL_DELETED] = on_local_deleted,
    [SEEN_REQUESTED] = on_requested,
    [SEEN_LEFT] = on_left,
    [SEEN_PASS_DONE] = on_pass_done,
    [SEEN_WATCH_LISTENS] = on_watch_listens,
    [SEEN_WATCH_ENDED] = on_watch_ended,
    [SEEN_IDLE_BORNE] = on_idle_borne,
    [SEEN_PAUSED] = on_paused,
    [SEEN_CONTINUED] = on_continued,
    [SEEN_WOKEN] = on_woken,
    [SEEN_NETWORK] = on_network,
};

void schedule_event(struct schedule *s, int64_t now_ms, uint32_t account,
                    const struct schedule_event *event)
{
    HANDLERS[event->kind](s, member_find(s, account), now_ms, event);
}
