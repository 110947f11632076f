#pragma once
/*
 * The daemon's accounts in this process, against the server in memory over sockets, with a clock
 * that skips whatever there is nothing to do in: hours of it pass in moments.
 */
#include "base/clock.h"
#include "server/listener.h"
#include "daemon/supervisor.h"
#include "sync/engine.h"
#include <stdatomic.h>

/* Not to be moved once begun. */
struct live {
    struct engine *e; /* borrowed: both sides, the configuration */
    struct listener *listener;
    struct supervisor *supervisor;
    struct clock clock; /* runs as the system's, and is ahead of it by what was skipped */
    _Atomic int64_t skipped_ms;
    bool listens; /* watchers are given a moment to tell something before time is skipped */
};

/* The engine gets a listener, and its configuration the port. `account` as of engine_init. */
void live_init(struct live *live, struct engine *e, const char *account);
void live_free(struct live *live);
/* The daemon begins, and ends as if told to. */
void live_start(struct live *live);
void live_stop(struct live *live);

/* One turn of the daemon's loop, which waits for its threads where one of them is at work, and else
 * skips to what is due next. */
void live_turn(struct live *live);
/* Goes by without the daemon. */
void live_skip(struct live *live, int64_t ms);
/* Turns until somebody's request for a pass is done: its exit code. */
int live_pass(struct live *live);
/* Of the only account. */
struct account_status live_account(struct live *live);
