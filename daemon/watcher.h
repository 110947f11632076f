#pragma once
/*
 * A thread that owns one connection and waits on it for the server to tell of changes: by NOTIFY
 * for all mailboxes, or by IDLE for one. It fetches nothing; that something changed is all it says.
 *
 * It posts NOTE_WATCH_LISTENS once it will be told of every change from then on, NOTE_PUSHED when
 * it was told of one, with the mailbox, or may have missed one, and, as its last act,
 * NOTE_WATCH_ENDED.
 */
#include "pass/connect.h"
#include "daemon/post.h"
#include "daemon/words.h"

struct watcher_options {
    struct account *owner;
    const struct config *config;
    const struct config_account *account;
    struct dialer *dialer;
    const struct clock *clock;
    struct post *post;
    enum watch_means means; /* MEANS_NOTIFY or MEANS_IDLE */
    const char *mailbox;    /* MEANS_IDLE: UTF-8 name with `/` */
    int64_t idle_ms;        /* without a word from us, at most */
};
/* Everything is borrowed for its life. Without a thread it has ended at once, and says so. */
struct watcher *watcher_start(const struct watcher_options *options);
/* Waits for the end of the thread, after NOTE_WATCH_ENDED. */
void watcher_join(struct watcher **watcher);

/* Asks it to end. */
void watcher_stop(struct watcher *watcher);
/* Asks for a sign of life of the server by then; watcher_check ends it when none has come. */
void watcher_probe(struct watcher *watcher, int64_t deadline_ms);
void watcher_check(struct watcher *watcher, int64_t now_ms);
/* When to call watcher_check; DEADLINE_NEVER. */
int64_t watcher_deadline_ms(const struct watcher *watcher);
/* NOTE_ALIVE has come. */
void watcher_is_alive(struct watcher *watcher);
void watcher_set_idle(struct watcher *watcher, int64_t idle_ms);
/* NULL: all mailboxes. */
const char *watcher_mailbox(const struct watcher *watcher);
