#include "net/stream.h"
#include "base/alloc.h"
#include "net/dial.h"
#include "net/stream_private.h"
#include "net/tls.h"
#include "net/wait.h"
#include <assert.h>
#include <stdlib.h>

/* As large as a TLS record can be. */
#define OUT_BYTES (16 * 1024)
/* One read from the layers. */
#define READ_BYTES (64 * 1024)
/* Read ahead while a write waits, no more than this. */
#define READ_AHEAD_BYTES (1024 * 1024)
/* What may be put back comes on top; callers read in pieces far smaller. */
#define IN_MAX_BYTES (8 * 1024 * 1024)
/* A peer that always has something to say must not keep a wake from being seen. */
#define WAKE_CHECK_BYTES (256 * 1024)

static struct stream_layer *layer_new(struct stream *stream, const struct stream_layer_ops *ops,
                                      void *self)
{
    struct stream_layer *layer = xcalloc(1, sizeof *layer);
    *layer = (struct stream_layer){ops, self, stream->top, stream};
    stream->top = layer;
    return layer;
}

struct stream *stream_from_layer(const struct stream_layer_ops *ops, void *self,
                                 const struct wake *wake, const struct clock *clock)
{
    struct stream *stream = xcalloc(1, sizeof *stream);
    stream->wake = wake;
    stream->clock = clock;
    stream->deadline_ms = DEADLINE_NEVER;
    stream->fd = -1;
    buf_init(&stream->in, IN_MAX_BYTES);
    buf_init(&stream->out, OUT_BYTES);
    stream->bottom = layer_new(stream, ops, self);
    return stream;
}

void stream_close(struct stream **stream_ptr)
{
    struct stream *stream = *stream_ptr;
    if (stream == NULL) {
        return;
    }
    while (stream->top != NULL) {
        struct stream_layer *layer = stream->top;
        layer->ops->close(layer);
        stream->top = layer->below;
        free(layer);
    }
    tap_free(&stream->tap);
    buf_free(&stream->in);
    buf_free(&stream->out);
    xfree(stream_ptr);
}

const struct wake *stream_set_wake(struct stream *stream, const struct wake *wake)
{
    const struct wake *before = stream->wake;
    stream->wake = wake;
    return before;
}

void stream_set_deadline(struct stream *stream, int64_t deadline_ms)
{
    stream->deadline_ms = deadline_ms;
}

void stream_set_progress_timeout(struct stream *stream, int64_t timeout_ms)
{
    stream->progress_timeout_ms = timeout_ms;
    if (timeout_ms > 0) {
        stream->deadline_ms = clock_deadline(stream->clock, timeout_ms);
    }
}

/* Bytes crossed the network. */
static void note_moved(struct stream *stream, size_t count)
{
    stream->bytes_since_wake_check += count;
    if (stream->progress_timeout_ms > 0) {
        stream->deadline_ms = clock_deadline(stream->clock, stream->progress_timeout_ms);
    }
}

static ssize_t layer_read(struct stream_layer *layer, void *out, size_t size,
                          enum stream_want *want, struct error *err)
{
    struct stream *stream = layer->stream;
    if (layer != stream->bottom) {
        return layer->ops->try_read(layer, out, size, want, err);
    }
    if (stream->bottom_shut) {
        *want = STREAM_WANT_READ;
        return STREAM_AGAIN;
    }
    ssize_t got = layer->ops->try_read(layer, out, size, want, err);
    if (got > 0) {
        stream->counters.bytes_in += (size_t)got;
        note_moved(stream, (size_t)got);
    }
    return got;
}

static ssize_t layer_write(struct stream_layer *layer, const void *data, size_t size,
                           enum stream_want *want, struct error *err)
{
    struct stream *stream = layer->stream;
    if (layer != stream->bottom) {
        return layer->ops->try_write(layer, data, size, want, err);
    }
    ssize_t taken = layer->ops->try_write(layer, data, size, want, err);
    if (taken > 0) {
        stream->counters.bytes_out += (size_t)taken;
        note_moved(stream, (size_t)taken);
    }
    return taken;
}

ssize_t stream_below_read(struct stream_layer *layer, void *out, size_t size,
                          enum stream_want *want, struct error *err)
{
    return layer_read(layer->below, out, size, want, err);
}

ssize_t stream_below_write(struct stream_layer *layer, const void *data, size_t size,
                           enum stream_want *want, struct error *err)
{
    return layer_write(layer->below, data, size, want, err);
}

static int wait_until(struct stream *stream, unsigned want, int64_t deadline_ms, struct error *err)
{
    stream->bytes_since_wake_check = 0;
    return stream->bottom->ops->wait(stream->bottom, want, deadline_ms, stream->wake, stream->clock,
                                     err);
}

int stream_wait(struct stream *stream, unsigned want, struct error *err)
{
    return wait_until(stream, want, stream->deadline_ms, err);
}

/* Between two moves of bytes, and not inside a layer: the stream stays whole for a farewell. */
static int check_wake(struct stream *stream, struct error *err)
{
    if (stream->bytes_since_wake_check < WAKE_CHECK_BYTES || stream->wake == NULL) {
        return 0;
    }
    stream->bytes_since_wake_check = 0;
    return wake_is_signalled(stream->wake) ? wait_cancelled(err) : 0;
}

static size_t read_ahead_len(const struct stream *stream)
{
    return stream->in.len - stream->in_at;
}

/* Takes what was read ahead; the memory of a large backlog is given back when it is used up. */
static size_t take_read_ahead(struct stream *stream, void *out, size_t size)
{
    size_t count = read_ahead_len(stream) < size ? read_ahead_len(stream) : size;
    memcpy(out, stream->in.data + stream->in_at, count);
    stream->in_at += count;
    if (read_ahead_len(stream) == 0) {
        stream->in_at = 0;
        if (stream->in.cap > 2 * READ_BYTES) {
            buf_free(&stream->in);
        } else {
            buf_clear(&stream->in);
        }
    }
    return count;
}

/* Moves input from the layers into the stream's buffer: bytes moved, 0 at the end of the stream,
 * STREAM_AGAIN or an error. */
static ssize_t read_ahead(struct stream *stream, enum stream_want *want, struct error *err)
{
    buf_consume(&stream->in, stream->in_at);
    stream->in_at = 0;
    char *to = buf_reserve(&stream->in, READ_BYTES);
    assert(to != NULL);
    ssize_t got = layer_read(stream->top, to, READ_BYTES, want, err);
    if (got > 0) {
        buf_commit(&stream->in, (size_t)got);
    } else if (got == 0) {
        stream->ended = true;
    }
    return got;
}

/* The layers cannot take more now. Instead of only waiting for that, takes in what the peer sends:
 * it may be waiting for us to read before it reads on. */
static int wait_to_send(struct stream *stream, enum stream_want want, struct error *err)
{
    unsigned wanted = want;
    if (!stream->ended && read_ahead_len(stream) < READ_AHEAD_BYTES) {
        enum stream_want read_want = STREAM_WANT_READ;
        ssize_t got = read_ahead(stream, &read_want, err);
        if (got > 0) {
            return 0;
        }
        if (got == STREAM_AGAIN) {
            wanted |= read_want;
        } else if (got < 0) {
            return (int)got;
        }
    }
    return stream_wait(stream, wanted, err);
}

/* Until the top layer has taken all of `out`. */
static int drain(struct stream *stream, struct error *err)
{
    while (stream->out_at < stream->out.len) {
        enum stream_want want = STREAM_WANT_WRITE;
        ssize_t taken = layer_write(stream->top, stream->out.data + stream->out_at,
                                    stream->out.len - stream->out_at, &want, err);
        assert(taken != 0);
        if (taken > 0) {
            stream->out_at += (size_t)taken;
        }
        int rc = taken > 0               ? check_wake(stream, err)
                 : taken == STREAM_AGAIN ? wait_to_send(stream, want, err)
                                         : (int)taken;
        if (rc < 0) {
            stream->write_failed = true;
            return rc;
        }
    }
    buf_clear(&stream->out);
    stream->out_at = 0;
    return 0;
}

static int flush_layer(struct stream_layer *layer, struct error *err)
{
    while (layer->ops->try_flush != NULL) {
        enum stream_want want = STREAM_WANT_WRITE;
        int rc = layer->ops->try_flush(layer, &want, err);
        if (rc == 0) {
            return 0;
        }
        if (rc == STREAM_AGAIN) {
            rc = wait_to_send(layer->stream, want, err);
        }
        if (rc < 0) {
            layer->stream->write_failed = true;
            return rc;
        }
    }
    return 0;
}

static int check_writable(const struct stream *stream, struct error *err)
{
    if (!stream->write_failed) {
        return 0;
    }
    /* A write that was stopped half way is no failure of the network. */
    if (stream->wake != NULL && wake_is_signalled(stream->wake)) {
        return wait_cancelled(err);
    }
    return error_set(err, ERR_NETWORK, SCOPE_CONNECTION,
                     "nothing more can be sent: an earlier write failed");
}

bool stream_is_whole(const struct stream *stream)
{
    return !stream->write_failed;
}

int stream_flush(struct stream *stream, struct error *err)
{
    if (!stream->unflushed) {
        return 0;
    }
    int rc = check_writable(stream, err);
    if (rc == 0) {
        rc = drain(stream, err);
    }
    for (struct stream_layer *layer = stream->top; rc == 0 && layer != NULL; layer = layer->below) {
        rc = flush_layer(layer, err);
    }
    if (rc == 0) {
        stream->unflushed = false;
    }
    return rc;
}

int stream_write(struct stream *stream, const void *data, size_t size, struct error *err)
{
    int rc = check_writable(stream, err);
    if (rc < 0) {
        return rc;
    }
    if (stream->tap != NULL) {
        tap_output(stream->tap, str_make(data, size));
    }
    const char *at = data;
    while (size > 0) {
        size_t room = OUT_BYTES - stream->out.len;
        size_t piece = size < room ? size : room;
        buf_add(&stream->out, at, piece);
        stream->unflushed = true;
        at += piece;
        size -= piece;
        rc = stream->out.len == OUT_BYTES ? drain(stream, err) : 0;
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* Before a wait for the peer. What cannot be sent any more is no reason not to hear what it said.
 */
static int flush_before_wait(struct stream *stream, struct error *err)
{
    return stream->write_failed ? 0 : stream_flush(stream, err);
}

static ssize_t read_some(struct stream *stream, void *out, size_t size, struct error *err)
{
    for (;;) {
        if (read_ahead_len(stream) > 0) {
            return (ssize_t)take_read_ahead(stream, out, size);
        }
        if (stream->ended) {
            return 0;
        }
        int rc = check_wake(stream, err);
        if (rc < 0) {
            return rc;
        }
        enum stream_want want = STREAM_WANT_READ;
        ssize_t got = layer_read(stream->top, out, size, &want, err);
        if (got == 0) {
            stream->ended = true;
        }
        if (got != STREAM_AGAIN) {
            return got;
        }
        bool flushes = stream->unflushed && !stream->write_failed;
        rc = flushes ? stream_flush(stream, err) : stream_wait(stream, want, err);
        if (rc < 0) {
            return rc;
        }
    }
}

ssize_t stream_read(struct stream *stream, void *out, size_t size, struct error *err)
{
    assert(size > 0);
    ssize_t got = read_some(stream, out, size, err);
    if (got > 0 && stream->tap != NULL) {
        tap_input(stream->tap, str_make(out, (size_t)got));
    }
    return got;
}

bool stream_has_input(struct stream *stream)
{
    if (read_ahead_len(stream) > 0 || stream->ended) {
        return true;
    }
    if (stream->top == stream->bottom) {
        return false;
    }
    enum stream_want want;
    struct error ignored = ERROR_INIT;
    stream->bottom_shut = true;
    ssize_t got = read_ahead(stream, &want, &ignored);
    stream->bottom_shut = false;
    return got != STREAM_AGAIN;
}

int stream_wait_input(struct stream *stream, int64_t deadline_ms, struct error *err)
{
    while (read_ahead_len(stream) == 0 && !stream->ended) {
        enum stream_want want = STREAM_WANT_READ;
        ssize_t got = read_ahead(stream, &want, err);
        if (got != STREAM_AGAIN) {
            return got < 0 ? (int)got : 1;
        }
        int rc = flush_before_wait(stream, err);
        if (rc < 0) {
            return rc;
        }
        if (read_ahead_len(stream) > 0) {
            return 1;
        }
        struct error wait_error = ERROR_INIT;
        rc = wait_until(stream, want, deadline_ms, &wait_error);
        if (rc == -ERR_TIMEOUT) {
            return 0;
        }
        if (rc < 0) {
            *err = wait_error;
            return rc;
        }
    }
    return 1;
}

void stream_unread(struct stream *stream, struct str bytes)
{
    if (bytes.len == 0) {
        return;
    }
    if (stream->tap != NULL) {
        tap_unread(stream->tap, bytes);
    }
    struct buf joined = BUF_INIT(IN_MAX_BYTES);
    buf_add_str(&joined, bytes);
    buf_add(&joined, stream->in.data + stream->in_at, read_ahead_len(stream));
    assert(!joined.overflowed);
    buf_free(&stream->in);
    stream->in = joined;
    stream->in_at = 0;
}

/* What was read ahead before a layer was put on top belongs under it. */
static ssize_t leftover_try_read(struct stream_layer *layer, void *out, size_t size,
                                 enum stream_want *want, struct error *err)
{
    struct buf *left = layer->self;
    if (left->len == 0) {
        return stream_below_read(layer, out, size, want, err);
    }
    size_t count = left->len < size ? left->len : size;
    memcpy(out, left->data, count);
    buf_consume(left, count);
    return (ssize_t)count;
}

static void leftover_close(struct stream_layer *layer)
{
    buf_free(layer->self);
    xfree(&layer->self);
}

static const struct stream_layer_ops leftover_ops = {
    .name = "leftover",
    .try_read = leftover_try_read,
    .try_write = stream_below_write,
    .close = leftover_close,
};

void stream_push(struct stream *stream, const struct stream_layer_ops *ops, void *self)
{
    assert(!stream->unflushed);
    if (read_ahead_len(stream) > 0) {
        struct buf *left = xmalloc(sizeof *left);
        buf_consume(&stream->in, stream->in_at);
        stream->in_at = 0;
        *left = stream->in;
        buf_init(&stream->in, IN_MAX_BYTES);
        layer_new(stream, &leftover_ops, left);
    }
    stream->ended = false;
    layer_new(stream, ops, self);
}

struct stream_counters stream_counters(const struct stream *stream)
{
    return stream->counters;
}

int stream_fd(const struct stream *stream)
{
    return stream->fd;
}

const char *stream_tls_description(const struct stream *stream)
{
    return stream->tls_description;
}

int64_t stream_connect_us(const struct stream *stream)
{
    return stream->connect_us;
}
