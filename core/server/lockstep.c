#include "server/lockstep.h"
#include "base/alloc.h"
#include "net/wait.h"

/* Above this the session takes what the client has written while it writes on: uploads are not held
 * whole, and the client learns of a cut in the middle. */
#define QUEUE_HIGH_WATER ((size_t)64 * 1024)
#define QUEUE_MAX ((size_t)1 << 30)

enum lockstep_state { LOCKSTEP_OPEN, LOCKSTEP_ENDED, LOCKSTEP_UNSUPPORTED };

struct lockstep {
    struct session *session;
    enum lockstep_state state;
    struct buf to_session;
    struct buf to_client;
    size_t taken;     /* of to_client */
    int64_t delay_ms; /* until what is there may be read */
};

static bool has_output(const struct lockstep *l)
{
    return l->taken < l->to_client.len;
}

static void set_next(struct lockstep *l, enum session_next next)
{
    switch (next) {
    case SESSION_READ:
    case SESSION_MORE:
        break;
    case SESSION_STARTTLS:
    case SESSION_COMPRESS:
        l->state = LOCKSTEP_UNSUPPORTED;
        break;
    case SESSION_CLOSE:
    case SESSION_CUT:
        l->state = LOCKSTEP_ENDED;
        break;
    }
}

/* The session takes all that was written, and tells all it has to. */
static void turn(struct lockstep *l)
{
    enum session_next next = SESSION_MORE;
    struct str input = buf_str(&l->to_session);
    if (l->taken == l->to_client.len) {
        buf_clear(&l->to_client);
        l->taken = 0;
    }
    while (l->state == LOCKSTEP_OPEN && next == SESSION_MORE) {
        next = session_feed(l->session, input, &l->to_client);
        l->delay_ms += session_take_delay_ms(l->session);
        input = STR_EMPTY;
        set_next(l, next);
    }
    buf_clear(&l->to_session);
}

static ssize_t lockstep_try_read(struct stream_layer *layer, void *out, size_t size,
                                 enum stream_want *want, struct error *err)
{
    struct lockstep *l = layer->self;
    if (!has_output(l) || l->to_session.len > 0) {
        turn(l);
    }
    if (has_output(l) && l->delay_ms > 0) {
        *want = STREAM_WANT_READ;
        return STREAM_AGAIN;
    }
    if (has_output(l)) {
        size_t len = l->to_client.len - l->taken;
        if (len > size) {
            len = size;
        }
        memcpy(out, l->to_client.data + l->taken, len);
        l->taken += len;
        session_peer_waits(l->session);
        return (ssize_t)len;
    }
    if (l->state == LOCKSTEP_UNSUPPORTED) {
        return error_set(err, ERR_UNSUPPORTED, SCOPE_CONNECTION,
                         "there is neither TLS nor deflate in lockstep");
    }
    if (l->state == LOCKSTEP_ENDED) {
        return 0;
    }
    *want = STREAM_WANT_READ;
    return STREAM_AGAIN;
}

static ssize_t lockstep_try_write(struct stream_layer *layer, const void *data, size_t size,
                                  enum stream_want *want, struct error *err)
{
    struct lockstep *l = layer->self;
    if (l->state != LOCKSTEP_OPEN) {
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "the server has closed");
    }
    buf_add(&l->to_session, data, size);
    if (l->to_session.len >= QUEUE_HIGH_WATER) {
        turn(l);
    }
    return (ssize_t)size;
}

static int lockstep_wait(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
                         const struct wake *wake, const struct clock *clock, struct error *err)
{
    struct lockstep *l = layer->self;
    if (wake != NULL && wake_is_signalled(wake)) {
        return wait_cancelled(err);
    }
    if ((want & STREAM_WANT_WRITE) != 0 || l->state != LOCKSTEP_OPEN) {
        return 0;
    }
    if (!has_output(l)) {
        turn(l);
    }
    if (l->delay_ms > 0 && deadline_ms < clock_deadline(clock, l->delay_ms)) {
        return error_set(err, ERR_TIMEOUT, SCOPE_CONNECTION, "the server is slow");
    }
    l->delay_ms = 0;
    if (has_output(l) || l->state != LOCKSTEP_OPEN) {
        return 0;
    }
    return error_set(err, ERR_TIMEOUT, SCOPE_CONNECTION, "the server has nothing to say");
}

static void lockstep_close(struct stream_layer *layer)
{
    struct lockstep *l = layer->self;
    if (l->to_session.len > 0) {
        turn(l);
    }
    buf_free(&l->to_session);
    buf_free(&l->to_client);
    xfree(&l);
}

static const struct stream_layer_ops lockstep_ops = {
    .name = "lockstep",
    .try_read = lockstep_try_read,
    .try_write = lockstep_try_write,
    .wait = lockstep_wait,
    .close = lockstep_close,
};

struct stream *lockstep_stream(struct session *session, const struct wake *wake,
                               const struct clock *clock)
{
    struct lockstep *l = xcalloc(1, sizeof *l);
    l->session = session;
    buf_init(&l->to_session, QUEUE_MAX);
    buf_init(&l->to_client, QUEUE_MAX);
    return stream_from_layer(&lockstep_ops, l, wake, clock);
}
