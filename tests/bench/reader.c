/*
 * How fast the reader is, on one core, from memory: a FETCH stream of 8 KB bodies, given to a sink
 * that counts, must pass at 1 GB/s; one message's FLAGS must be decoded in 1 µs. The best of a few
 * rounds counts, as other programs may run. Exit code 1 where that is missed.
 */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "imap/fetch.h"
#include "imap/limits.h"
#include "imap/response.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BODY_BYTES 8192
#define BODIES 8000
#define FLAGS_RESPONSES 1000000
#define ROUNDS 7

/* As a connection gives it. */
struct memory {
    struct str rest;
};

static ssize_t memory_read(void *self, void *out, size_t size, struct error *err)
{
    struct memory *m = self;
    size_t n = m->rest.len < size ? m->rest.len : size;
    (void)err;
    memcpy(out, m->rest.ptr, n);
    m->rest = str_from_offset(m->rest, n);
    return (ssize_t)n;
}

static bool count_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                        uint64_t size, struct error *err)
{
    return true;
}

static bool count_piece(void *self, struct str data, struct error *err)
{
    *(uint64_t *)self += data.len;
    return true;
}

static bool count_end(void *self, struct error *err)
{
    return true;
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Every response of `input`; returns the seconds it took. */
static double read_all(struct str input, unsigned responses, uint64_t *body_bytes)
{
    static const struct reader_limits limits = {.token_bytes = LIMIT_TOKEN_BYTES,
                                                .literal_bytes = LIMIT_LITERAL_BYTES,
                                                .depth = LIMIT_DEPTH,
                                                .unit_bytes = LIMIT_RESPONSE_BYTES};
    const struct fetch_sink sink = {count_begin, count_piece, count_end, body_bytes};
    struct memory memory = {input};
    struct reader *r = reader_new(&(struct reader_source){memory_read, &memory}, &limits);
    struct arena *arena = arena_new();
    struct error err = ERROR_INIT;
    *body_bytes = 0;
    double start = now_s();
    for (unsigned i = 0; i < responses; i++) {
        struct response_head head;
        struct fetch_data data = {0};
        arena_reset(arena);
        reader_begin(r, arena);
        if (!response_head_read(r, arena, &head) || !reader_accept_sp(r) ||
            !fetch_data_read(r, arena, &sink, &data, &err) || !reader_expect_crlf(r)) {
            (void)reader_check(r, &err);
            (void)fprintf(stderr, "response %u: %s\n", i, err.text);
            exit(EXIT_FAILURE);
        }
    }
    double seconds = now_s() - start;
    arena_free(&arena);
    reader_free(&r);
    return seconds;
}

static double best_of(struct str input, unsigned responses, uint64_t *body_bytes)
{
    double best = read_all(input, responses, body_bytes);
    for (unsigned i = 1; i < ROUNDS; i++) {
        double seconds = read_all(input, responses, body_bytes);
        best = seconds < best ? seconds : best;
    }
    return best;
}

int main(void)
{
    struct buf bodies = BUF_INIT((size_t)256 << 20);
    struct buf flags = BUF_INIT((size_t)256 << 20);
    uint64_t body_bytes;
    char body[BODY_BYTES];
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : (char)('a' + i % 26);
    }
    for (unsigned i = 1; i <= BODIES; i++) {
        buf_addf(&bodies, "* %u FETCH (UID %u FLAGS (\\Seen) BODY[] {%d}\r\n", i, i + 1000,
                 BODY_BYTES);
        buf_add(&bodies, body, sizeof body);
        buf_add_cstr(&bodies, ")\r\n");
    }
    for (unsigned i = 1; i <= FLAGS_RESPONSES; i++) {
        buf_addf(&flags, "* %u FETCH (UID %u FLAGS (\\Seen%s))\r\n", i, i + 1000,
                 i % 4 == 0 ? " $Forwarded" : "");
    }
    double seconds = best_of(buf_str(&bodies), BODIES, &body_bytes);
    bool whole = body_bytes == (uint64_t)BODIES * BODY_BYTES;
    double rate = (double)bodies.len / seconds / 1e9;
    double each_us = best_of(buf_str(&flags), FLAGS_RESPONSES, &body_bytes) * 1e6 / FLAGS_RESPONSES;
    printf("FETCH of 8 KB bodies: %.2f GB/s (must be 1)\n", rate);
    printf("FLAGS of one message: %.3f us (may be 1)\n", each_us);
    buf_free(&bodies);
    buf_free(&flags);
    return whole && rate >= 1 && each_us <= 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
