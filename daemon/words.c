#include "daemon/words.h"

const char *account_state_name(enum account_state state)
{
    static const char *const names[ACCOUNT_STATES] = {
        [ACCOUNT_STARTING] = "starting", [ACCOUNT_SYNCING] = "syncing", [ACCOUNT_IDLE] = "idle",
        [ACCOUNT_WAITING] = "waiting",   [ACCOUNT_REFUSED] = "refused", [ACCOUNT_PAUSED] = "paused",
    };
    return names[state];
}

const char *watch_means_name(enum watch_means means)
{
    static const char *const names[MEANS_COUNT] = {
        [MEANS_OFF] = "off",
        [MEANS_POLL] = "poll",
        [MEANS_IDLE] = "idle",
        [MEANS_NOTIFY] = "notify",
    };
    return names[means];
}

const char *daemon_event_name(enum daemon_event_kind kind)
{
    static const char *const names[DAEMON_EVENT_KINDS] = {
        [DAEMON_NEW] = "new",         [DAEMON_FLAGS] = "flags", [DAEMON_MOVED] = "moved",
        [DAEMON_DELETED] = "deleted", [DAEMON_STATE] = "state",
    };
    return names[kind];
}
