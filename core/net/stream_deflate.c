/*
 * COMPRESS=DEFLATE (RFC 4978): raw deflate both ways. Output gathers in one buffer and reaches the
 * layer below when that is full or at a flush, which ends with an empty block so that the peer can
 * inflate everything before it. Z_BUF_ERROR only says that no progress was possible.
 */
#include "base/alloc.h"
#include "net/stream_private.h"
#include <assert.h>
#include <stdlib.h>
#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

#define CHUNK_BYTES (16 * 1024)
/* No header, the largest window. */
#define RAW_WINDOW_BITS (-15)
#define MEMORY_LEVEL 8

struct deflate_layer {
    z_stream in;
    z_stream out;
    bool in_ended;     /* the peer closed its deflate stream */
    bool sync_pending; /* input was given since the last complete Z_SYNC_FLUSH */
    size_t held;       /* compressed bytes in out_buf from held_at on */
    size_t held_at;
    unsigned char in_buf[CHUNK_BYTES];
    unsigned char out_buf[CHUNK_BYTES];
};

static ssize_t deflate_try_read(struct stream_layer *layer, void *out, size_t size,
                                enum stream_want *want, struct error *err)
{
    struct deflate_layer *d = layer->self;
    uInt room = size > CHUNK_BYTES * 4 ? CHUNK_BYTES * 4 : (uInt)size;
    while (!d->in_ended) {
        /* Before more is read: zlib may hold output back when the last call had no room. */
        d->in.next_out = out;
        d->in.avail_out = room;
        int status = inflate(&d->in, Z_SYNC_FLUSH);
        d->in_ended = status == Z_STREAM_END;
        if (d->in.avail_out < room) {
            return (ssize_t)(room - d->in.avail_out);
        }
        if (status != Z_OK && status != Z_BUF_ERROR && status != Z_STREAM_END) {
            return error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION,
                             "the compressed data from the server is damaged: %s",
                             d->in.msg != NULL ? d->in.msg : zError(status));
        }
        if (d->in.avail_in == 0 && !d->in_ended) {
            ssize_t got = stream_below_read(layer, d->in_buf, sizeof d->in_buf, want, err);
            if (got <= 0) {
                return got;
            }
            d->in.next_in = d->in_buf;
            d->in.avail_in = (uInt)got;
        }
    }
    return 0;
}

/* Passes on what is held: 0 when nothing is left. */
static int push_held(struct stream_layer *layer, enum stream_want *want, struct error *err)
{
    struct deflate_layer *d = layer->self;
    while (d->held > 0) {
        ssize_t taken = stream_below_write(layer, d->out_buf + d->held_at, d->held, want, err);
        if (taken < 0) {
            return (int)taken;
        }
        d->held_at += (size_t)taken;
        d->held -= (size_t)taken;
    }
    d->held_at = 0;
    return 0;
}

/* Deflates what `out.next_in` holds into the room behind what is held. True if room was left over.
 */
static bool deflate_step(struct deflate_layer *d, int flush)
{
    size_t end = d->held_at + d->held;
    d->out.next_out = d->out_buf + end;
    d->out.avail_out = (uInt)(sizeof d->out_buf - end);
    int status = deflate(&d->out, flush);
    assert(status == Z_OK || status == Z_BUF_ERROR);
    (void)status;
    d->held = sizeof d->out_buf - d->held_at - d->out.avail_out;
    return d->out.avail_out > 0;
}

static ssize_t deflate_try_write(struct stream_layer *layer, const void *data, size_t size,
                                 enum stream_want *want, struct error *err)
{
    struct deflate_layer *d = layer->self;
    uInt given = size > CHUNK_BYTES ? CHUNK_BYTES : (uInt)size;
    for (;;) {
        if (d->held_at + d->held == sizeof d->out_buf) {
            int rc = push_held(layer, want, err);
            if (rc < 0) {
                return rc;
            }
        }
        d->out.next_in = data;
        d->out.avail_in = given;
        (void)deflate_step(d, Z_NO_FLUSH);
        uInt taken = given - d->out.avail_in;
        if (taken > 0) {
            d->sync_pending = true;
            return (ssize_t)taken;
        }
    }
}

static int deflate_try_flush(struct stream_layer *layer, enum stream_want *want, struct error *err)
{
    struct deflate_layer *d = layer->self;
    for (;;) {
        int rc = push_held(layer, want, err);
        if (rc < 0 || !d->sync_pending) {
            return rc;
        }
        d->out.avail_in = 0;
        d->sync_pending = !deflate_step(d, Z_SYNC_FLUSH);
    }
}

static void deflate_close(struct stream_layer *layer)
{
    struct deflate_layer *d = layer->self;
    (void)inflateEnd(&d->in);
    (void)deflateEnd(&d->out);
    xfree(&layer->self);
}

static const struct stream_layer_ops deflate_ops = {
    .name = "deflate",
    .try_read = deflate_try_read,
    .try_write = deflate_try_write,
    .try_flush = deflate_try_flush,
    .close = deflate_close,
};

int stream_push_deflate(struct stream *stream, struct error *err)
{
    int rc = stream_flush(stream, err);
    if (rc < 0) {
        return rc;
    }
    struct deflate_layer *d = xcalloc(1, sizeof *d);
    int in_status = inflateInit2(&d->in, RAW_WINDOW_BITS);
    int out_status = deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_WINDOW_BITS,
                                  MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    if (in_status != Z_OK || out_status != Z_OK) {
        (void)inflateEnd(&d->in);
        (void)deflateEnd(&d->out);
        xfree(&d);
        return error_set(err, ERR_UNSUPPORTED, SCOPE_CONNECTION, "cannot set up zlib: %s",
                         zError(in_status != Z_OK ? in_status : out_status));
    }
    stream_push(stream, &deflate_ops, d);
    return 0;
}

int stream_pop_deflate(struct stream *stream, struct error *err)
{
    struct stream_layer *layer = stream->top;
    assert(layer->ops == &deflate_ops);
    int rc = stream_flush(stream, err);
    if (rc < 0) {
        return rc;
    }
    const struct deflate_layer *d = layer->self;
    stream->top = layer->below;
    stream->ended = false;
    stream_unread(stream, str_make((const char *)d->in.next_in, d->in.avail_in));
    layer->ops->close(layer);
    free(layer);
    return 0;
}
