#pragma once
/*
 * The thread that makes the passes of one account, one at a time, over connections that stay open
 * between passes that follow each other closely. Each pass ends with NOTE_PASS_DONE.
 */
#include "pass/pool.h"
#include "account/account.h"
#include "daemon/post.h"
#include "daemon/words.h"

struct worker;
struct worker_options {
    struct account *owner;
    const struct config *config;
    const struct config_account *account;
    const struct clock *clock;
    const struct tap_sink *trace; /* NULL: none */
    struct post *post;
};
/* Everything is borrowed for its life. */
int worker_new(const struct worker_options *options, struct worker **out, struct error *err);
/* Stops what is under way, waits for it and closes the connections. */
void worker_free(struct worker **worker);
/* What its connections and the watchers' share. */
struct dialer *worker_dialer(struct worker *worker);

struct worker_job {
    bool full, approve_deletions, dry_run, no_hooks;
    char **mailboxes;       /* patterns, NULL-terminated; NULL: all. The worker frees them. */
    char **pushed;          /* what the watchers told of, as pushed_take gives it; likewise */
    bool local_waits;       /* schedule_job */
    bool stale;             /* likewise */
    uint32_t connections;   /* likewise */
    bool told;              /* each line of the plan, or of what was done, is wanted */
    enum watch_means means; /* of the watchers, to tell what they should have told */
    int64_t idle_ms;        /* what the server is known to bear, to be remembered; 0: not known */
};
/* No pass may be under way. */
void worker_pass(struct worker *worker, const struct worker_job *job);
/* The pass under way ends as soon as it can. */
void worker_cancel(struct worker *worker);

/* Closes its idle connections. */
void worker_rest(struct worker *worker);

struct pass_result {
    struct report report;
    bool untold;     /* something changed on the server, in a mailbox that was watched */
    bool reached;    /* the server was */
    int64_t idle_ms; /* remembered from an earlier run, told once; 0: nothing */
};

/* What it knows; from any thread. Strings in `arena`. */
struct worker_mailbox {
    const char *name;
    int64_t synced_ms, failed_ms; /* wall clock; 0: never */
    const char *error;            /* NULL: none */
    uint32_t held;
};
struct worker_view {
    struct progress progress;
    int64_t moved_ms; /* monotonic: when the pass under way last got on */
    struct worker_mailbox *mailboxes;
    size_t mailboxes_len;
};
void worker_look(struct worker *worker, struct arena *arena, struct worker_view *out);
int64_t worker_moved_ms(struct worker *worker);
