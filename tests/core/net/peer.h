#pragma once
/* Two streams over a socket pair: ours, and that of a peer that runs in a thread of its own. */
#include "net/stream.h"
#include <pthread.h>

struct peer {
    struct stream *ours;
    struct stream *theirs;
    int their_fd; /* under `theirs`, for bytes past the stream */
    pthread_t thread;
    void (*run)(struct stream *theirs, void *arg);
    void *arg;
    bool running;
};

/* Sockets and streams. A wait on either side ends after ten seconds. `wake` is for ours; may be
 * NULL. */
void peer_open(struct peer *peer, const struct wake *wake);
/* `run` gets `theirs` in a thread. */
void peer_start(struct peer *peer, void (*run)(struct stream *theirs, void *arg), void *arg);
/* Waits for the thread to end. */
void peer_join(struct peer *peer);
/* Both ends. */
void peer_close(struct peer *peer);

/* Each ends the test where it fails. */
void must_write(struct stream *stream, const char *text);
void must_flush(struct stream *stream);
/* Exactly these bytes come next. */
void must_read(struct stream *stream, const char *text);
void must_end(struct stream *stream);

struct load {
    char *data;
    size_t size;
};
/* Writes a `struct load`, and only then reads as much, which must be the same. For peer_start(),
 * and for our own side. */
void write_then_read(struct stream *stream, void *load);
