#pragma once
/* What the states of an account and the ways to learn of its changes are called. */

enum account_state {
    ACCOUNT_STARTING, /* not synced since the daemon began */
    ACCOUNT_SYNCING,  /* a pass is under way */
    ACCOUNT_IDLE,     /* in step as far as is known; watching, or until the next poll */
    ACCOUNT_WAITING,  /* the last try failed; the next one is planned */
    ACCOUNT_REFUSED,  /* the server refused the user or the password: waits for another one */
    ACCOUNT_PAUSED,
    ACCOUNT_STATES
};
/* "starting", "syncing", "idle", "waiting", "refused", "paused". */
const char *account_state_name(enum account_state state);

/* How changes on the server become known; the later, the better. */
enum watch_means { MEANS_OFF, MEANS_POLL, MEANS_IDLE, MEANS_NOTIFY, MEANS_COUNT };
/* "off", "poll", "idle", "notify". */
const char *watch_means_name(enum watch_means means);

enum daemon_event_kind {
    DAEMON_NEW,     /* a message arrived here */
    DAEMON_FLAGS,   /* flags or keywords of a message changed, on either side */
    DAEMON_MOVED,   /* from one mailbox to another */
    DAEMON_DELETED, /* on either side */
    DAEMON_STATE,   /* of an account */
    DAEMON_EVENT_KINDS
};
/* "new", "flags", "moved", "deleted", "state". */
const char *daemon_event_name(enum daemon_event_kind kind);
