#pragma once
/* The reader's inside; for the reader_*.c files only. */
#include "wire/reader.h"

/*
 * Input waits in the window between pos and end. While a token is looked at, pos stays at its
 * beginning, so that refilling keeps it whole; the window grows when a token needs it.
 *
 * An error empties the window (kept_pos and kept_end remember it): the fast paths then find nothing
 * to take, and need no test for the error of their own.
 */
struct reader {
    const char *pos;
    const char *end;
    char *window;
    size_t window_cap;
    struct arena *arena;
    struct reader_source source;
    struct reader_limits limits;
    uint64_t end_offset;   /* of `end`, in bytes since reader_new */
    uint64_t unit_start;   /* moved on by streamed literals, which do not count */
    uint64_t literal_left; /* of the literal under way */
    bool borrowed;         /* the window is the caller's memory, and all of the input */
    bool ended;            /* the source gave 0 when last asked; it may have more later */
    bool failed;
    bool source_failed;
    const char *kept_pos;
    const char *kept_end;
    struct error error;
};

/* Reads at least one byte more behind `end`. False at the end of input and after an error. */
bool reader_fill(struct reader *r);
/* The literal under way ended too early. Returns false. */
bool reader_ended_in_literal(struct reader *r);

static inline size_t reader_held(const struct reader *r)
{
    return (size_t)(r->end - r->pos);
}

/* Whether `n` bytes are there, read if need be. */
static inline bool reader_ensure(struct reader *r, size_t n)
{
    while (reader_held(r) < n) {
        if (!reader_fill(r)) {
            return false;
        }
    }
    return true;
}

/* The length of the run of `classes` that begins `from` bytes behind pos. False if it is longer
 * than a token may be, or on an error. */
static inline bool reader_run(struct reader *r, size_t from, unsigned classes, size_t *out)
{
    size_t n = from;
    *out = 0;
    for (;;) {
        const char *p = r->pos + n;
        while (p < r->end && char_is(*p, classes)) {
            p++;
        }
        n = (size_t)(p - r->pos);
        if (n > r->limits.token_bytes) {
            (void)reader_fail(r, "a token of more than %zu bytes", r->limits.token_bytes);
            return false;
        }
        if (p < r->end || !reader_fill(r)) {
            *out = n - from;
            return !r->failed;
        }
    }
}
