#pragma once
/* A server that answers as each test says, and time that jumps to whatever is due next. */
#include "daemon/scheduler.h"

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

struct world *world_new(uint32_t accounts, const struct schedule_settings *settings);
/* Synced and listening, with nothing to do. */
struct world *quiet_world(uint32_t accounts, const struct schedule_settings *settings);
void world_free(struct world *w);
void tell(struct world *w, uint32_t account, struct schedule_event event);
void tell_kind(struct world *w, uint32_t account, enum schedule_event_kind kind);
/* All watchers of the account end, after so long. */
void end_watch(struct world *w, uint32_t account, enum fate fate, int64_t lived_ms);
/* What is due now. */
void do_jobs(struct world *w);
/* And all that becomes due. */
void run_for(struct world *w, int64_t span_ms);
void forget_counts(struct world *w);
