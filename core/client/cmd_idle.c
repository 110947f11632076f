/* IDLE (RFC 2177). */
#include "client/client_private.h"

/* What a server may take for its last word after the wake, whose signaller waits for us. */
#define FAREWELL_MS 5000

/* 0 with *out, or an error that ends the connection. */
static int wait_for_event(struct client *c, const struct client_op *op, int64_t deadline_ms,
                          enum client_wait *out, struct error *err)
{
    while (!events_are_waiting(c) && op->result == STATUS_NONE) {
        struct error wait_error = ERROR_INIT;
        int result = client_await_input(c, deadline_ms, &wait_error);
        if (result == -ERR_CANCELLED) {
            *out = CLIENT_WAIT_WAKE;
            return 0;
        }
        if (result < 0) {
            *err = wait_error;
            return result;
        }
        if (result == 0) {
            *out = CLIENT_WAIT_DEADLINE;
            return 0;
        }
        client_restart_deadline(c);
        if (dispatch_response(c, err) < 0) {
            return -(int)err->code;
        }
    }
    *out = CLIENT_WAIT_EVENT;
    return 0;
}

static int finish(struct client *c, struct client_op *op, enum client_wait reason,
                  struct error *err)
{
    const struct wake *wake = NULL;
    if (reason == CLIENT_WAIT_WAKE) {
        wake = stream_set_wake(c->stream, NULL);
        stream_set_progress_timeout(c->stream, FAREWELL_MS);
    }
    int result = op->result == STATUS_NONE ? pipeline_write(c, op, STR("DONE\r\n"), err) : 0;
    if (result == 0) {
        result = pipeline_end(c, op, err);
    }
    if (reason == CLIENT_WAIT_WAKE) {
        (void)stream_set_wake(c->stream, wake);
        stream_set_progress_timeout(c->stream, c->options.timeout_ms);
    }
    return result;
}

int client_idle(struct client *c, int64_t deadline_ms, enum client_wait *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_op op;
    if (pipeline_open(c, &op, CMD_IDLE, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    bool woken = c->options.wake != NULL && wake_is_signalled(c->options.wake);
    if (woken || events_are_waiting(c)) {
        *out = woken ? CLIENT_WAIT_WAKE : CLIENT_WAIT_EVENT;
        return 0;
    }
    if (pipeline_send(c, &op, err) < 0 || pipeline_await_continuation(c, &op, err) < 0) {
        return -(int)err->code;
    }
    if (wait_for_event(c, &op, deadline_ms, out, err) < 0) {
        return -(int)err->code;
    }
    return finish(c, &op, *out, err);
}
