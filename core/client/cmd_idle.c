/*
 * IDLE (RFC 2177).
 *
 * The wake ends the waiting, not the conversation: from then on the stream does not listen to it,
 * and DONE and the tagged answer have a deadline of their own.
 */
#include "client/client_private.h"

/* What a server may take for its last words after the wake, whose signaller waits for us. */
#define FAREWELL_MS 5000

struct idle {
    struct client_op op;
    bool woken;
    const struct wake *wake; /* what the stream listened to */
    int64_t timeout_ms;      /* the connection's own */
};

static void wake_up(struct client *c, struct idle *idle)
{
    idle->woken = true;
    idle->wake = stream_set_wake(c->stream, NULL);
    idle->timeout_ms = c->options.timeout_ms;
    if (c->options.timeout_ms > FAREWELL_MS) {
        c->options.timeout_ms = FAREWELL_MS;
    }
    stream_set_progress_timeout(c->stream, c->options.timeout_ms);
}

static void listen_again(struct client *c, const struct idle *idle)
{
    if (idle->woken) {
        (void)stream_set_wake(c->stream, idle->wake);
        c->options.timeout_ms = idle->timeout_ms;
        stream_set_progress_timeout(c->stream, c->options.timeout_ms);
    }
}

/* Reads a response: 1; 0 when nothing came until `deadline_ms`, or the wake. */
static int read_one(struct client *c, struct idle *idle, int64_t deadline_ms, struct error *err)
{
    struct error wait_error = ERROR_INIT;
    int result = client_await_input(c, deadline_ms, &wait_error);
    if (result == -ERR_CANCELLED) {
        wake_up(c, idle);
        return 0;
    }
    if (result <= 0) {
        *err = wait_error;
        return result;
    }
    client_restart_deadline(c);
    return dispatch_response(c, err) < 0 ? -(int)err->code : 1;
}

/* Until the server says that it listens, or refuses. */
static int await_start(struct client *c, struct idle *idle, struct error *err)
{
    c->round_trips++;
    c->turn_open = false;
    c->continuation.awaited = true;
    c->continuation.come = false;
    while (!c->continuation.come && idle->op.result == STATUS_NONE) {
        bool woken = idle->woken;
        int result =
            read_one(c, idle, clock_deadline(c->options.clock, c->options.timeout_ms), err);
        if (result == 0 && woken == idle->woken) {
            error_set(err, ERR_TIMEOUT, SCOPE_CONNECTION, "no answer to IDLE in time");
            return client_fail(c, err);
        }
        if (result < 0) {
            return result;
        }
    }
    c->continuation.awaited = false;
    return 0;
}

static int wait_for_event(struct client *c, struct idle *idle, int64_t deadline_ms,
                          enum client_wait *out, struct error *err)
{
    *out = CLIENT_WAIT_EVENT;
    while (!idle->woken && !events_are_waiting(c) && idle->op.result == STATUS_NONE) {
        int result = read_one(c, idle, deadline_ms, err);
        if (result < 0) {
            return result;
        }
        if (result == 0 && !idle->woken) {
            *out = CLIENT_WAIT_DEADLINE;
            return 0;
        }
    }
    if (idle->woken) {
        *out = CLIENT_WAIT_WAKE;
    }
    return 0;
}

static int run(struct client *c, struct idle *idle, int64_t deadline_ms, enum client_wait *out,
               struct error *err)
{
    if (pipeline_send(c, &idle->op, err) < 0 || await_start(c, idle, err) < 0 ||
        wait_for_event(c, idle, deadline_ms, out, err) < 0) {
        return -(int)err->code;
    }
    if (idle->op.result == STATUS_NONE && pipeline_write(c, &idle->op, STR("DONE\r\n"), err) < 0) {
        return -(int)err->code;
    }
    return pipeline_end(c, &idle->op, err);
}

int client_idle(struct client *c, int64_t deadline_ms, enum client_wait *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct idle idle = {.woken = false};
    if (pipeline_open(c, &idle.op, CMD_IDLE, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    bool woken = c->options.wake != NULL && wake_is_signalled(c->options.wake);
    if (woken || events_are_waiting(c)) {
        *out = woken ? CLIENT_WAIT_WAKE : CLIENT_WAIT_EVENT;
        return 0;
    }
    int result = run(c, &idle, deadline_ms, out, err);
    listen_again(c, &idle);
    return result;
}
