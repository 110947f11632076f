#pragma once
/* What the files of the scheduler share. */
#include "base/vec.h"
#include "daemon/scheduler.h"

struct member {
    bool used;
    struct schedule_settings settings;
    bool paused;
    bool blind; /* changes of the Maildir are not told */

    /* the pass */
    bool passing, cancel, stale, pushed_meanwhile;
    unsigned wanted, doing; /* sets of enum cause */
    int64_t due_ms, gap_until_ms;
    int64_t deleted_first_ms, deleted_last_ms; /* DEADLINE_NEVER: none */
    int64_t poll_ms, audit_ms;                 /* points in time */

    /* failures */
    enum fate fate;
    uint32_t failures;
    int64_t not_before_ms, network_ms;
    uint32_t connections; /* what the server was seen to bear */

    /* watching */
    enum watch_means means;
    bool linked;         /* the last attempt to connect went well */
    bool unwatch, probe; /* jobs to give out */
    bool leaving;        /* until the last watcher has ended */
    uint32_t watchers, listening, watch_failures;
    int64_t watch_not_before_ms, promote_ms;
    int64_t untold_ms;
    uint32_t untold;
    int64_t idle_ms, idle_cap_ms;
    uint32_t idle_deaths;
};

struct schedule {
    VEC(struct member) members;
    uint64_t random;
    uint32_t passing;
};

static inline int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Spreads, nothing more. */
uint64_t schedule_random(struct schedule *s);
struct member *member_find(const struct schedule *s, uint32_t account);
/* The best that the settings and the connections allow. A watcher needs one beside the pass. */
enum watch_means member_best_means(const struct member *m);
void member_set_means(struct schedule *s, struct member *m, int64_t now_ms, enum watch_means means);
/* One step down the ladder, for SCHEDULE_PROMOTE_MS. */
void member_demote(struct schedule *s, struct member *m, int64_t now_ms);
/* All watchers are to end. */
void member_leave(struct member *m);
/* A pass, for this cause (or set of them), at this time at the latest. */
void member_want(struct member *m, unsigned cause, int64_t due_ms);
/* The next poll and audit, counted from now. */
void member_plan_rounds(struct schedule *s, struct member *m, int64_t now_ms);
