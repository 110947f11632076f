#pragma once
/*
 * The accounts under one roof: their workers, watchers and schedule. Everything here belongs to the
 * main thread, and nothing here blocks; what the threads report is taken in by supervisor_work.
 *
 * The upper half is what the control socket needs: to ask, to trigger, to listen. Callbacks are
 * called from supervisor_work (or from the call itself where it says so), on the main thread, and
 * may call anything here but supervisor_work and supervisor_free.
 */
#include "base/arena.h"
#include "config/config.h"
#include "account/account.h"
#include "daemon/words.h"

struct supervisor;

/* ---- what each account and mailbox is doing ---- */

/* Times are wall-clock milliseconds; 0: never, not known, or nothing planned. */
struct mailbox_status {
    const char *name; /* UTF-8, `/` */
    bool watched;     /* push tells of its changes */
    int64_t last_sync_ms;
    int64_t last_error_ms;
    const char *last_error; /* NULL: the last pass over it went well */
    uint32_t held;
};
struct account_status {
    const char *name;
    enum account_state state;
    enum watch_means wanted;  /* by the configuration: the best of it */
    enum watch_means means;   /* in force now */
    bool local_watched;       /* by inotify; else by poll */
    uint32_t connections;     /* in use now: of watchers that listen, and of a pass */
    struct progress progress; /* while syncing */
    int64_t last_sync_ms;     /* end of the last pass that went well */
    int64_t next_wake_ms;     /* the next pass that is planned */
    int64_t last_error_ms;
    struct error last_error;   /* code ERR_NONE: the last pass went well */
    const char *error_mailbox; /* NULL: the whole account */
    uint64_t held;
    uint64_t passes;                  /* since the daemon began */
    struct mailbox_status *mailboxes; /* those seen by a pass since the daemon began, or with
                                         something held, by name */
    size_t mailboxes_len;
};
struct supervisor_status {
    const char *config_path;
    int64_t started_ms;
    const char *config_error;        /* of a reload that failed; NULL: none */
    struct account_status *accounts; /* in the order of the configuration */
    size_t accounts_len;
};
/* A snapshot, all of it in `arena`. */
void supervisor_status(const struct supervisor *s, struct arena *arena,
                       struct supervisor_status *out);
/* The configuration in force: for looking up targets. Valid until the next reload. */
const struct config *supervisor_config(const struct supervisor *s);

/* ---- asking for a pass ---- */

struct trigger_target {
    const char *account;
    const char *const *mailboxes; /* patterns, NULL-terminated; NULL: all */
};
struct trigger_options {
    bool full;
    bool approve_deletions;
    bool dry_run;
    bool no_hooks;
};
/* Whoever waits for a pass. Any callback may be NULL. Strings are lent for the call. */
struct trigger_waiter {
    /* An account's pass is done; the report is lent. */
    void (*report)(void *self, const struct report *report);
    void (*progress)(void *self, const struct progress *progress);
    /* A line of the plan (dry run), or of what was done. */
    void (*plan)(void *self, const char *account, const char *mailbox, const char *what,
                 const char *subject, const char *why);
    /* All accounts are done: the worst exit code. Not called again after this. */
    void (*done)(void *self, int exit_code);
    void *self;
};
/*
 * A pass over each target, as soon as the one under way is done: back-off is not waited for, a
 * pause is (ERR_LOCKED naming the account), a refused password is read again and tried only if it
 * is another one. len 0: all accounts that are not paused. `waiter` may be NULL, and is copied.
 * ERR_USAGE for an account there is not. Strings of the targets are copied.
 */
int supervisor_trigger(struct supervisor *s, const struct trigger_target *targets, size_t len,
                       const struct trigger_options *options, const struct trigger_waiter *waiter,
                       struct error *err);
/* No callback with this `self` is called any more; the passes go on. */
void supervisor_forget(struct supervisor *s, const void *self);

/* ---- pause, reload ---- */

/* Names of accounts; len 0: all. A pass under way is stopped cleanly, connections are closed.
 * ERR_USAGE. Doing it twice is no error. */
int supervisor_pause(struct supervisor *s, const char *const *accounts, size_t len,
                     struct error *err);
int supervisor_resume(struct supervisor *s, const char *const *accounts, size_t len,
                      struct error *err);

struct reload_result {
    uint32_t added, removed, changed, unchanged; /* accounts */
};
/* Reads the configuration again. ERR_CONFIG with what is wrong, one problem a line, in `problems`
 * (initialised by the caller): the old one stays in force. What did not change is not touched.
 * Does not wait for passes to end. */
int supervisor_reload(struct supervisor *s, struct reload_result *out, struct buf *problems,
                      struct error *err);

/* ---- what happens ---- */

struct daemon_event {
    enum daemon_event_kind kind;
    int64_t time_ms; /* wall clock */
    const char *account;
    const char *mailbox; /* UTF-8; NULL with DAEMON_STATE; of a move where it was */
    const char *to;      /* DAEMON_MOVED: where it is; else NULL */
    size_t messages;     /* that it stands for; 0 with DAEMON_STATE */
    uint32_t uid;        /* in the mailbox where it is; 0: of several, or not known */
    const char *base;    /* base name of the file; NULL: of several, or without one */
    uint8_t flags;       /* enum maildir_flag bits, as they are now */
    const char *what;    /* pass/event_words.h */
    const char *why;
    enum account_state state;  /* DAEMON_STATE */
    enum watch_means means;    /* DAEMON_STATE */
    const struct error *error; /* DAEMON_STATE: NULL where there is none */
};
struct daemon_listener {
    void (*event)(void *self, const struct daemon_event *event);
    void *self;
};
void supervisor_subscribe(struct supervisor *s, const struct daemon_listener *listener);
/* All with this `self`. */
void supervisor_unsubscribe(struct supervisor *s, const void *self);

/* ---- for the loop ---- */

struct supervisor_options {
    const char *config_path; /* NULL: the usual place */
    const struct clock *clock;
    const struct tap_sink *(*trace)(void *self, const char *account); /* NULL: none */
    void *trace_self;
    uint64_t seed;
};
/* Takes over `config`. Starts nothing before the first supervisor_work. */
int supervisor_new(const struct supervisor_options *options, struct config *config,
                   struct supervisor **out, struct error *err);
/* Stops what runs (waiting for it) and frees. */
void supervisor_free(struct supervisor **s);

/* Takes in what threads and watches have reported and what is due, and starts it. */
void supervisor_work(struct supervisor *s);
/* When to call supervisor_work at the latest (monotonic milliseconds). */
int64_t supervisor_wake_ms(const struct supervisor *s);
/* Readable when there is something to take in. */
int supervisor_fd(const struct supervisor *s);
/* inotify; -1: none. Readable likewise. */
int supervisor_local_fd(const struct supervisor *s);

/* Asks everything to stop; supervisor_stopped tells when it has. */
void supervisor_stop(struct supervisor *s);
bool supervisor_stopped(const struct supervisor *s);

/* The machine was asleep until now. */
void supervisor_resumed(struct supervisor *s);
/* Addresses or routes changed. */
void supervisor_network_changed(struct supervisor *s);
/* Whether every pass under way has moved within the time it may take: feeds the watchdog. */
bool supervisor_makes_progress(const struct supervisor *s);
/* One line on what goes on, for STATUS=. */
void supervisor_summary(const struct supervisor *s, char *out, size_t size);
