#pragma once
/*
 * When to do what: a pure state machine over all accounts. Events go in with the time at which they
 * happened, jobs come out; no I/O, no clock, no threads, randomness from a seed.
 *
 *     schedule_event(s, now, account, &event);
 *     while (schedule_next(s, now, &job))
 *         start(job);
 *     sleep until schedule_wake_ms(s, now);
 *
 * An account has at most one pass under way. After a failure to connect there is one prober, the
 * pass; watchers begin only once a connection has been made, so that a server that is down sees one
 * attempt for each wait of the back-off. A watcher that has begun to listen causes a pass, so that
 * nothing falls between. Times are monotonic milliseconds that count suspended time.
 */
#include "base/clock.h"
#include "daemon/outcome.h"
#include "daemon/words.h"
#include <stdbool.h>
#include <stdint.h>

/* Documented waits, in milliseconds. */
#define SCHEDULE_PUSH_MS 5           /* from a push to its pass: gathers what comes together */
#define SCHEDULE_LOCAL_MS 20         /* from a local change to its pass */
#define SCHEDULE_QUIET_MS 2000       /* local deletions wait until so long passes without one … */
#define SCHEDULE_QUIET_MOST_MS 60000 /* … and no longer than this */
#define SCHEDULE_GAP_MOST_MS 1000    /* between two passes without a request, at most */
#define SCHEDULE_SPREAD_MS 1500      /* over which all accounts begin after a resume */
#define SCHEDULE_UNTOLD_MS 60000     /* a change that no watcher told by then was missed */
#define SCHEDULE_UNTOLD_MOST 2       /* misses in a row that demote a means */
#define SCHEDULE_PROMOTE_MS (6 * 3600000) /* a means that failed is tried again after this */
#define SCHEDULE_PROBE_MS 10000           /* for a watcher's answer after a resume */
#define SCHEDULE_SETTLED_MS 300000        /* a watcher that lived so long has not failed at once */
#define SCHEDULE_WATCH_FAILURES_MOST 4    /* early deaths in a row that demote a means */
#define SCHEDULE_NETWORK_REST_MS 10000    /* a network that flaps ends no back-off within this */
#define SCHEDULE_PASSES_MOST 8            /* at once, over all accounts */
#define IDLE_LEAST_MS 60000               /* a server that bears less than this is better polled */
#define IDLE_FIRST_MS (9 * 60000)         /* how long an IDLE lasts … */
#define IDLE_STEP_MS (4 * 60000)          /* … more after each that the server has borne … */
#define IDLE_MOST_MS (29 * 60000)         /* … to the most (RFC 2177 section 3) */

/* Why a pass is made: a set. */
enum cause {
    CAUSE_START = 1,
    CAUSE_PUSH = 2,
    CAUSE_LOCAL = 4,
    CAUSE_POLL = 8,
    CAUSE_AUDIT = 16,
    CAUSE_REQUEST = 32,
    CAUSE_RETRY = 64,
    CAUSE_LISTENING = 128, /* a watcher has begun to listen */
    CAUSE_RESUME = 256,
    CAUSE_NETWORK = 512,
    CAUSE_LEFT = 1024, /* the last pass left something to do */
};

struct schedule_settings {
    enum watch_means best;  /* the top of the ladder: notify, idle, poll; or off */
    uint32_t idle_watchers; /* mailboxes that idle watches */
    bool idle_covers;       /* these are all mailboxes: no poll beside them */
    int64_t poll_ms;        /* 0: never */
    int64_t audit_ms;       /* 0: never */
    uint32_t connections;   /* at most */
};

enum schedule_event_kind {
    SEEN_PUSHED,        /* a watcher was told of a change, or lost track */
    SEEN_LOCAL_CHANGED, /* a file came or was renamed */
    SEEN_LOCAL_DELETED, /* a file went */
    SEEN_REQUESTED,     /* a person or a script */
    SEEN_LEFT,          /* a pass is wanted at `at_ms` */
    SEEN_PASS_DONE,     /* fate, hint_ms, limit, took_ms, untold */
    SEEN_WATCH_LISTENS, /* a watcher listens */
    SEEN_WATCH_ENDED,   /* fate, hint_ms, limit, took_ms: how long it had listened */
    SEEN_IDLE_BORNE,    /* an IDLE of the full time ended well */
    SEEN_PAUSED,
    SEEN_CONTINUED,
    SEEN_WOKEN,   /* the machine was asleep */
    SEEN_NETWORK, /* addresses or routes changed */
    SEEN_KINDS
};
struct schedule_event {
    enum schedule_event_kind kind;
    enum fate fate;
    int64_t hint_ms;
    bool limit;        /* the server says: too many connections */
    bool untold;       /* a pass found a change on the server, in a watched mailbox */
    bool reached;      /* it has had a connection; of a watcher: it has listened */
    int64_t silent_ms; /* of a watcher that was cut: since it last spoke to the server */
    int64_t took_ms;   /* of a pass, or how long a watcher had listened */
    int64_t at_ms;
};

enum schedule_job_kind {
    JOB_PASS,    /* answer with SEEN_PASS_DONE */
    JOB_CANCEL,  /* the pass under way; it answers all the same */
    JOB_WATCH,   /* `watchers` of `means`; each answers with LISTENS and, once, ENDED */
    JOB_UNWATCH, /* all watchers: each answers with ENDED, FATE_STOPPED */
    JOB_PROBE,   /* all watchers: a sign of life from the server within SCHEDULE_PROBE_MS */
};
struct schedule_job {
    enum schedule_job_kind kind;
    uint32_t account;
    unsigned causes;      /* JOB_PASS */
    bool local_waits;     /* JOB_PASS: what was removed or came here is left for a later pass */
    bool stale;           /* JOB_PASS: kept connections may be dead */
    uint32_t connections; /* JOB_PASS: at most */
    enum watch_means means;
    uint32_t watchers;
    int64_t idle_ms; /* JOB_WATCH: how long one IDLE may last */
};

struct schedule;
struct schedule *schedule_new(uint64_t seed);
void schedule_free(struct schedule **s);

/* The first pass is due at once. The number is not used again. */
uint32_t schedule_add(struct schedule *s, int64_t now_ms, const struct schedule_settings *settings);
/* How long an IDLE may last, as an earlier run learned it. */
void schedule_patience(struct schedule *s, uint32_t account, int64_t idle_ms);
/* Whether changes of the Maildir are told; where not, it is looked at every poll_ms. */
void schedule_local(struct schedule *s, int64_t now_ms, uint32_t account, bool told);
/* Nothing may be under way. */
void schedule_remove(struct schedule *s, uint32_t account);
void schedule_event(struct schedule *s, int64_t now_ms, uint32_t account,
                    const struct schedule_event *event);
bool schedule_next(struct schedule *s, int64_t now_ms, struct schedule_job *out);
/* DEADLINE_NEVER: not before another event. */
int64_t schedule_wake_ms(const struct schedule *s, int64_t now_ms);

struct schedule_view {
    bool passing, paused;
    enum fate fate; /* of the last pass or connection */
    uint32_t failures;
    enum watch_means means; /* in force */
    uint32_t listening;     /* watchers */
    int64_t next_ms;        /* the next pass planned; DEADLINE_NEVER */
    int64_t idle_ms;        /* as learned */
};
struct schedule_view schedule_look(const struct schedule *s, uint32_t account);
