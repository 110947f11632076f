#pragma once
/* What a pass is asked to do, and whom it tells. */
#include "base/clock.h"
#include "base/wake.h"
#include "net/stream.h"

/* What the pass is doing, for progress bars; called by one thread at a time, not always the same.
 */
enum progress_stage {
    PROGRESS_CONNECTING,
    PROGRESS_SURVEY,
    PROGRESS_DOWNLOAD,
    PROGRESS_UPLOAD,
    PROGRESS_FLAGS,
    PROGRESS_DELETE,
    PROGRESS_DONE,
};
struct progress {
    enum progress_stage stage;
    const char *account;
    const char *mailbox;  /* UTF-8 name, or NULL */
    uint64_t done, total; /* messages of this stage; total 0: not known */
    uint64_t bytes;       /* message bytes moved in this pass so far */
};
struct progress_sink {
    void (*update)(void *self, const struct progress *progress);
    void *self;
};

/* A line of the plan (dry run), or of what was done (-v). */
struct plan_sink {
    void (*line)(void *self, const char *account, const char *mailbox, const char *what,
                 const char *subject, const char *why);
    void *self;
};

/* How each mailbox of the pass fared, told at its end. Strings are lent for the call. */
struct mailbox_result {
    const char *mailbox;       /* UTF-8 name */
    bool remote_changed;       /* the server had something new to tell */
    const struct error *error; /* NULL: none */
};
struct mailbox_sink {
    void (*mailbox)(void *self, const struct mailbox_result *result);
    void *self;
};

struct connection_pool;

/* A message that came from the server and is in the Maildir and recorded. */
struct arrival {
    const char *mailbox; /* UTF-8 name */
    const char *file;    /* its path in full, as it was delivered */
    bool is_new;         /* unseen, and not of the first download of its mailbox */
};
/* What a pass brings, for hooks; called from one thread of the pass at a time. */
struct news_sink {
    void (*arrived)(void *self, const struct arrival *arrival);
    /* Files of this mailbox were added, removed or renamed; told at the end. */
    void (*changed)(void *self, const char *mailbox);
    void *self;
};

/* What was done, as it is noted for `log`: `what` is a word of pass/event_words.h. */
struct index_event;
struct event_sink {
    /* From any thread of the pass, after the act and in the commit that records it (should that
     * commit fail, the next pass tells it again). `messages`: how many it stands for; of several
     * at once there is neither UID nor base name. Lent for the call. */
    void (*done)(void *self, const struct index_event *event, size_t messages);
    void *self;
};

struct pass_options {
    bool dry_run;
    bool full;                    /* believe no mark: list and scan everything */
    bool each_message;            /* the plan tells every message on a line of its own */
    bool adopt;                   /* pair what is on both sides, and nothing else */
    bool approve_deletions;       /* what an earlier run held and listed */
    uint32_t connections;         /* at most; 0: as many as the account may have */
    bool local_waits;             /* what was removed and what is new here is left for a later
                                     pass: somebody is still at it */
    bool has_lock;                /* the caller holds the account's lock (index_lock) */
    bool one_thread;              /* no thread besides the caller's, so that a run is repeatable */
    uint32_t listing_slice;       /* messages that a listing asks for at a time; 0: as is good */
    uint32_t download_portion;    /* messages that are fetched and stored at a time, and are worth a
                                     further connection; 0: as is good for each */
    const char *const *mailboxes; /* patterns; NULL: all */
    const char *const *told;      /* mailboxes of which the server told that they changed: their
                                     names as it has them; NULL: none. They are opened at once. */
    const struct clock *clock;
    const struct wake *wake;              /* may be NULL */
    const struct tap_sink *trace;         /* NULL: none */
    const struct progress_sink *progress; /* NULL: none */
    const struct plan_sink *plan;         /* NULL: none */
    const struct news_sink *news;         /* NULL: none */
    const struct event_sink *events;      /* NULL: none */
    const struct mailbox_sink *mailbox;   /* NULL: none */
    struct connection_pool *pool;         /* pass/pool.h: its connections are used and stay open for
                                             the next pass; NULL: opened and closed by this one */
};
