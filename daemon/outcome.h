#pragma once
/* What an error means for when to try again. Pure. */
#include "base/error.h"
#include "daemon/backoff.h"

enum fate {
    FATE_OK,
    FATE_STOPPED,  /* our own wish */
    FATE_NETWORK,  /* not reached, cut, silent, TLS */
    FATE_BUSY,     /* the server asks for patience: LIMIT, INUSE, UNAVAILABLE, throttled */
    FATE_REFUSED,  /* user or secret */
    FATE_PROTOCOL, /* NO, BAD, nonsense */
    FATE_LOCAL,    /* disk, Maildir, lock, configuration */
    FATE_LACKING,  /* the server has no such means (of a watcher) */
    FATE_PARTIAL,  /* some mailboxes failed, the rest is done */
    FATES
};

enum fate fate_of(const struct error *err);
const char *fate_name(enum fate fate);
/* How the waits grow after failures of this kind. */
const struct backoff *fate_backoff(enum fate fate);
/* The server's own word on how long to stay away ("Suggested Backoff Time: 300000 milliseconds"),
 * in milliseconds, at most a day; 0: none. */
int64_t hint_ms(const struct error *err);
/* Whether the server says that there are too many connections. */
bool fate_is_limit(const struct error *err);
