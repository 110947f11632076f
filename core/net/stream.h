#pragma once
/*
 * A byte stream made of layers: at the bottom a descriptor (or, in tests, a server in lockstep),
 * above it any of TLS, deflate and the transcript tap. Layers never block; `stream_wait` is the
 * only place in the program that may block on a peer. It returns when the descriptor is ready, the
 * deadline passes (ERR_TIMEOUT) or the wake is signalled (ERR_CANCELLED).
 *
 * One thread at a time. While a write waits for room the input is read into the stream's own buffer
 * (bounded), so that two ends that both write cannot deadlock. A read that has to wait flushes
 * first. After a failed write no more can be written, but what the peer had sent can still be read.
 *
 * All errors have SCOPE_CONNECTION but for ERR_CANCELLED, which has SCOPE_CANCELLED.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "base/wake.h"
#include <sys/types.h>

enum stream_want { STREAM_WANT_READ = 1, STREAM_WANT_WRITE = 2 };

/* Result of try_read and try_write when nothing can be moved until `*want` is possible. */
#define STREAM_AGAIN (-1000)

/*
 * One layer. `self` is the layer's own state; `below` (NULL at the bottom) the layer under it.
 * try_read:  bytes read (> 0), 0 at the end of the stream, STREAM_AGAIN, or another negative: *err
 * set. try_write: bytes taken (> 0), STREAM_AGAIN, or another negative: *err set. try_flush: 0 when
 * nothing is held back in this layer any more, STREAM_AGAIN, or negative. May be NULL. wait: bottom
 * only. Block until one of `want` (a set of enum stream_want) is likely possible. 0 or an error.
 * pending:   bytes that try_read would give without touching the layer below. May be NULL.
 * close:     send the layer's farewell without blocking, release self. Never fails.
 */
struct stream;
struct stream_layer;
struct stream_layer_ops {
    const char *name;
    ssize_t (*try_read)(struct stream_layer *layer, void *out, size_t size, enum stream_want *want,
                        struct error *err);
    ssize_t (*try_write)(struct stream_layer *layer, const void *data, size_t size,
                         enum stream_want *want, struct error *err);
    int (*try_flush)(struct stream_layer *layer, enum stream_want *want, struct error *err);
    int (*wait)(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
                const struct wake *wake, const struct clock *clock, struct error *err);
    void (*close)(struct stream_layer *layer);
};

struct stream_layer {
    const struct stream_layer_ops *ops;
    void *self;
    struct stream_layer *below;
    struct stream *stream;
};

/* try_read and try_write of the layer under `layer`. */
ssize_t stream_below_read(struct stream_layer *layer, void *out, size_t size,
                          enum stream_want *want, struct error *err);
ssize_t stream_below_write(struct stream_layer *layer, const void *data, size_t size,
                           enum stream_want *want, struct error *err);

/* Bytes at the bottom layer, i.e. as they cross the network. */
struct stream_counters {
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/* A stream over a connected socket (made non-blocking). Owns `fd`. `wake` may be NULL; it and
 * `clock` are borrowed for the stream's life. */
struct stream *stream_from_fd(int fd, const struct wake *wake, const struct clock *clock);
/* Over two descriptors, which may be one; owns both. For pipes the program must ignore SIGPIPE. */
struct stream *stream_from_pipes(int in_fd, int out_fd, const struct wake *wake,
                                 const struct clock *clock);
/* Over any bottom layer; takes over `self`, which ops->close releases. */
struct stream *stream_from_layer(const struct stream_layer_ops *ops, void *self,
                                 const struct wake *wake, const struct clock *clock);
/* Closes all layers from the top; what was not flushed is dropped. Does not wait for the peer; a
 * tunnel command gets a moment to end. */
void stream_close(struct stream **stream);

/* Which wake ends the waits from now on (borrowed; NULL: none). Returns the one before: for words
 * that must be finished although the wake was signalled. */
const struct wake *stream_set_wake(struct stream *stream, const struct wake *wake);
/* Every later wait ends at this deadline (monotonic milliseconds), until set again. */
void stream_set_deadline(struct stream *stream, int64_t deadline_ms);
/* Each time bytes move the deadline becomes now + timeout_ms: for long transfers that make
 * progress. 0 turns it off. */
void stream_set_progress_timeout(struct stream *stream, int64_t timeout_ms);

/* Some bytes, waiting for at least one: their count, 0 at the end of the stream, or negative. */
ssize_t stream_read(struct stream *stream, void *out, size_t size, struct error *err);
/* Whether a read would return at once (also with the end of the stream or an error) without a
 * system call on the descriptor. Finds what TLS and deflate hold, which a poll on the descriptor
 * would not. */
bool stream_has_input(struct stream *stream);
/* Wait until a read would return at once: 1; 0 when `deadline_ms` came first; negative on error or
 * cancel. Flushes before it waits. The stream's own deadline does not count. */
int stream_wait_input(struct stream *stream, int64_t deadline_ms, struct error *err);
/* Buffers; writes when 16 KiB have gathered. */
int stream_write(struct stream *stream, const void *data, size_t size, struct error *err);
/* False once a write failed or was cancelled half way: nothing more can be sent, and the peer may
 * have a part of it. */
bool stream_is_whole(const struct stream *stream);
/* Everything written so far reaches the peer's network. */
int stream_flush(struct stream *stream, struct error *err);

/* Put a layer on top, which first reads what was read ahead. Everything written must have been
 * flushed. TLS over a stream with such plain-text input is refused (ERR_PROTOCOL): those bytes were
 * injected (RFC 9051 section 6.2.1). */
void stream_push(struct stream *stream, const struct stream_layer_ops *ops, void *self);
/* Input read ahead but not yet consumed (RFC 4978: bytes behind the OK belong to the new layer).
 * Put such bytes back before pushing deflate; they will be read first by the pushed layer. */
void stream_unread(struct stream *stream, struct str bytes);

struct stream_counters stream_counters(const struct stream *stream);
/* The bottom descriptor for polling elsewhere, or -1. */
int stream_fd(const struct stream *stream);

/* The one blocking point; used by the layers' own handshakes. */
int stream_wait(struct stream *stream, unsigned want, struct error *err);

/* Raw deflate both ways (RFC 4978). Call directly after the tagged OK. */
int stream_push_deflate(struct stream *stream, struct error *err);
/* Takes that layer, which must be on top, away again; input behind its last byte that it has read
 * already is kept. */
int stream_pop_deflate(struct stream *stream, struct error *err);

/*
 * A transcript of what the caller reads and writes, whatever layers are below or come later. The
 * sink gets one line at a time without its line end, when it is read, or put into the buffer for
 * writing, as 'S' or 'C'. Bytes are raw. Lines are cut at 16 KiB; a literal over 4 KiB is one line
 * with its size. Secrets are left out: what the client writes between tap_hide(true) and
 * tap_hide(false) is
 * "[hidden]". The sink is borrowed for the stream's life; the stream owns the tap. One per stream.
 */
struct tap_sink {
    void (*line)(void *self, char direction, struct str line);
    void *self;
};
struct tap;
struct tap *stream_push_tap(struct stream *stream, const struct tap_sink *sink);
void tap_hide(struct tap *tap, bool hide);
