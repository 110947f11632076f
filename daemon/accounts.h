#pragma once
/* The accounts of the supervisor: what the files that make it up share. */
#include "base/vec.h"
#include "daemon/post.h"
#include "daemon/pushed.h"
#include "daemon/scheduler.h"
#include "daemon/supervisor.h"
#include "daemon/watch_local.h"
#include "daemon/watcher.h"
#include "daemon/worker.h"

/* A configuration lives as long as an account of it. */
struct shared_config {
    struct config *config;
    uint32_t users;
};
struct shared_config *shared_config_take(struct shared_config *shared);
void shared_config_drop(struct shared_config **shared);

/* One call of supervisor_trigger: the passes that it waits for. */
struct trigger {
    struct trigger_waiter waiter;
    bool forgotten;
    uint32_t open; /* passes not yet done, and the call itself while it runs */
    int exit_code;
};

/* A pass that somebody asked for. */
struct request {
    struct trigger_options options;
    char **mailboxes; /* NULL-terminated; NULL: all */
    struct trigger *trigger;
};
VEC_STRUCT(request_vec, struct request);

struct watch_slot {
    struct watcher *watcher; /* NULL: none */
    bool listens;
};

struct account {
    struct supervisor *supervisor;
    struct shared_config *shared;
    const struct config_account *config;
    uint32_t number; /* in the schedule */
    struct worker *worker;
    VEC(struct watch_slot) watchers;
    struct pushed pushed;

    bool passing, paused, leaving; /* leaving: to be freed when nothing is under way */
    bool paused_before;            /* leaving: so will be the one that takes its place */
    struct request_vec waiting;    /* for the next passes */
    struct request_vec served;     /* by the pass under way */
    unsigned causes;               /* of the pass under way */
    bool local_watched;            /* by inotify */
    bool local_refused;            /* it cannot be, and that was said */
    bool partly;                   /* it was asked for a part, or changes nothing */
    int64_t begun_ms;

    enum account_state told_state; /* to the listeners */
    enum watch_means told_means;
    uint64_t told_held;           /* by the log */
    int64_t synced_ms, failed_ms; /* wall clock */
    struct error error;           /* of the last pass; ERR_NONE */
    char error_mailbox[256];
    uint64_t passes;
};
VEC_STRUCT(account_vec, struct account *);

struct supervisor {
    struct supervisor_options options;
    struct shared_config *shared;
    char *config_error;
    struct post *post;
    struct schedule *schedule;
    struct watch_local *local;   /* NULL: no inotify */
    struct account_vec accounts; /* in the order of the configuration; those leaving behind */
    VEC(struct daemon_listener) listeners;
    bool stopping;
    int64_t started_ms;
};

/* accounts.c */
int account_new(struct supervisor *s, struct shared_config *shared,
                const struct config_account *config, struct account **out, struct error *err);
/* Nothing may be under way. */
void account_free(struct account **account);
/* NULL: none of this name, or one that leaves and whose place none takes. Between a reload and the
 * end of what was under way the old one stands for the one to come. */
struct account *account_find(const struct supervisor *s, const char *name);
struct schedule_settings account_settings(const struct account *account);
void account_tell(struct account *account, enum schedule_event_kind kind);
void account_do(struct account *account, const struct schedule_job *job);
/* Does what is asked; tells the listeners when the state has become another. */
void account_note(struct account *account, const struct note *note);
bool account_is_still(const struct account *account);
/* As somebody wanted it; one that leaves as the one that takes its place will be. */
bool account_is_paused(const struct account *account);
enum account_state account_state_of(const struct account *account);
uint32_t account_watching(const struct account *account); /* watchers that listen */
/* Stops it until it is told to go on. */
void account_hold(struct account *account);
/* Watches what of its Maildir is not watched yet. */
void account_watch_local(struct account *account);
/* All that wait for it are told that nothing comes any more. */
void account_give_up(struct account *account, int exit_code);

/* triggers.c */
/* Takes from `waiting` what one pass can serve, and says how. */
void requests_begin(struct account *account, struct worker_job *job);
/* Whoever waits for them is told so; empties it. */
void requests_give_up(struct request_vec *requests, int exit_code);
/* Those of an account that has left are another's now. */
void requests_hand_over(struct account *account, struct request_vec *waiting);
void requests_done(struct account *account, const struct report *report);
void requests_progress(struct account *account);
void requests_line(struct account *account, const struct plan_line *line);

/* reload.c */
/* Accounts of the configuration that do not run yet, and can. */
void supervisor_fill(struct supervisor *s);

/* events.c */
void supervisor_tell(struct supervisor *s, const struct daemon_event *event);
void account_tell_message(struct account *account, const struct message_event *event);

/* supervisor.c */
int64_t supervisor_now_ms(const struct supervisor *s);
