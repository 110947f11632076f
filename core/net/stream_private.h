#pragma once
/* The inside of a stream, for the files of this folder. */
#include "base/buf.h"
#include "net/stream.h"

struct stream {
    struct stream_layer *top;
    struct stream_layer *bottom;
    const struct wake *wake; /* may be NULL */
    const struct clock *clock;
    int64_t deadline_ms;
    int64_t progress_timeout_ms; /* 0: off */
    struct buf in;               /* read ahead at the top; the first in_at bytes are consumed */
    size_t in_at;
    struct buf out; /* not yet taken by the top layer, but for the first out_at bytes */
    size_t out_at;
    bool ended;        /* the top layer said end of stream */
    bool unflushed;    /* something was written since the last complete flush */
    bool write_failed; /* a part was lost on the way, so nothing may follow it */
    bool bottom_shut;  /* stream_has_input asks the layers: nothing may be read from the bottom */
    uint64_t bytes_since_wake_check;
    struct stream_counters counters;
    int fd; /* -1: none */
    int64_t connect_us;
    char tls_description[80];
    struct tap *tap; /* NULL: none */
};

/* Two descriptors as a bottom layer; ops below work on any self that begins with this. */
struct fd_pair {
    int in;
    int out;
    bool out_is_socket;
};
void fd_pair_init(struct fd_pair *pair, int in_fd, int out_fd);
void fd_pair_close(struct fd_pair *pair);
ssize_t fd_pair_try_read(struct stream_layer *layer, void *out, size_t size, enum stream_want *want,
                         struct error *err);
ssize_t fd_pair_try_write(struct stream_layer *layer, const void *data, size_t size,
                          enum stream_want *want, struct error *err);
int fd_pair_wait(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
                 const struct wake *wake, const struct clock *clock, struct error *err);

/* A command for sh, with a socket as its standard input and output, as a stream. */
int tunnel_open(const char *command, const struct wake *wake, const struct clock *clock,
                struct stream **out, struct error *err);

/* What was read, written, or put back. */
void tap_input(struct tap *tap, struct str bytes);
void tap_output(struct tap *tap, struct str bytes);
void tap_unread(struct tap *tap, struct str bytes);
void tap_free(struct tap **tap);
