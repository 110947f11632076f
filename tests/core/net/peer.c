#include "base/alloc.h"
#include "core/net/peer.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MS 10000

/* Also from the peer's thread, where cmocka's own ways out do not lead. */
static void require(bool ok, const char *what, const struct error *err)
{
    if (!ok) {
        (void)fprintf(stderr, "%s: %s\n", what, err->text);
        abort();
    }
}

void peer_open(struct peer *peer, const struct wake *wake)
{
    int ends[2];
    struct error err = ERROR_INIT;
    *peer = (struct peer){0};
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair", &err);
    peer->ours = stream_from_fd(ends[0], wake, &clock_system);
    peer->theirs = stream_from_fd(ends[1], NULL, &clock_system);
    peer->their_fd = ends[1];
    int64_t deadline_ms = clock_deadline(&clock_system, PATIENCE_MS);
    stream_set_deadline(peer->ours, deadline_ms);
    stream_set_deadline(peer->theirs, deadline_ms);
}

static void *run_peer(void *arg)
{
    struct peer *peer = arg;
    peer->run(peer->theirs, peer->arg);
    return NULL;
}

void peer_start(struct peer *peer, void (*run)(struct stream *theirs, void *arg), void *arg)
{
    struct error err = ERROR_INIT;
    peer->run = run;
    peer->arg = arg;
    require(pthread_create(&peer->thread, NULL, run_peer, peer) == 0, "pthread_create", &err);
    peer->running = true;
}

void peer_join(struct peer *peer)
{
    if (peer->running) {
        pthread_join(peer->thread, NULL);
        peer->running = false;
    }
}

void peer_close(struct peer *peer)
{
    peer_join(peer);
    stream_close(&peer->ours);
    stream_close(&peer->theirs);
}

void must_write(struct stream *stream, const char *text)
{
    struct error err = ERROR_INIT;
    require(stream_write(stream, text, strlen(text), &err) == 0, "write", &err);
}

void must_flush(struct stream *stream)
{
    struct error err = ERROR_INIT;
    require(stream_flush(stream, &err) == 0, "flush", &err);
}

void must_read(struct stream *stream, const char *text)
{
    struct error err = ERROR_INIT;
    size_t len = strlen(text);
    char got[1000];
    assert(len < sizeof got);
    for (size_t at = 0; at < len;) {
        ssize_t count = stream_read(stream, got + at, len - at, &err);
        require(count > 0, count == 0 ? "the stream ended before" : "read", &err);
        at += (size_t)count;
    }
    got[len] = '\0';
    if (memcmp(got, text, len) != 0) {
        (void)fprintf(stderr, "expected: %s\nread: %s\n", text, got);
        abort();
    }
}

void must_end(struct stream *stream)
{
    struct error err = ERROR_INIT;
    char byte;
    ssize_t count = stream_read(stream, &byte, 1, &err);
    require(count == 0, count > 0 ? "more came instead of the end" : "read", &err);
}

void write_then_read(struct stream *stream, void *arg)
{
    const struct load *load = arg;
    struct error err = ERROR_INIT;
    require(stream_write(stream, load->data, load->size, &err) == 0, "write", &err);
    must_flush(stream);
    char *got = xmalloc(load->size);
    for (size_t at = 0; at < load->size;) {
        ssize_t count = stream_read(stream, got + at, load->size - at, &err);
        require(count > 0, count == 0 ? "the stream ended before" : "read", &err);
        at += (size_t)count;
    }
    if (memcmp(got, load->data, load->size) != 0) {
        (void)fprintf(stderr, "what came is not what was sent\n");
        abort();
    }
    xfree(&got);
}
