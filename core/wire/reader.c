#include "wire/reader.h"
#include "base/alloc.h"
#include "wire/reader_private.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_BYTES ((size_t)64 * 1024)
/* A read into less room than this is not worth a system call. */
#define READ_MIN_BYTES ((size_t)4 * 1024)
/* What stood there, in an error text: enough to recognise it. */
#define FOUND_BYTES ((size_t)24)

struct reader *reader_new(const struct reader_source *source, const struct reader_limits *limits)
{
    struct reader *r = xcalloc(1, sizeof *r);
    r->source = *source;
    r->limits = *limits;
    r->window = xmalloc(WINDOW_BYTES);
    r->window_cap = WINDOW_BYTES;
    r->pos = r->end = r->window;
    return r;
}

struct reader *reader_new_memory(struct str input, const struct reader_limits *limits)
{
    struct reader *r = xcalloc(1, sizeof *r);
    r->borrowed = true;
    r->limits = *limits;
    r->pos = input.len > 0 ? input.ptr : "";
    r->end = r->pos + input.len;
    r->end_offset = input.len;
    return r;
}

void reader_free(struct reader **r)
{
    if (*r != NULL) {
        free((*r)->window);
        xfree(r);
    }
}

void reader_begin(struct reader *r, struct arena *arena)
{
    assert(arena != NULL);
    assert(r->failed || r->literal_left == 0);
    r->arena = arena;
    r->unit_start = reader_offset(r);
}

uint64_t reader_offset(const struct reader *r)
{
    size_t held = r->failed ? (size_t)(r->kept_end - r->kept_pos) : reader_held(r);
    return r->end_offset - held;
}

unsigned reader_depth_max(const struct reader *r)
{
    return r->limits.depth;
}

/* ---- errors ---- */

bool reader_failed(const struct reader *r)
{
    return r->failed;
}

int reader_check(const struct reader *r, struct error *err)
{
    if (!r->failed) {
        return 0;
    }
    *err = r->error;
    return -(int)r->error.code;
}

static void reader_set_failed(struct reader *r)
{
    assert(!r->failed);
    r->failed = true;
    r->kept_pos = r->pos;
    r->kept_end = r->end;
    r->pos = r->end;
}

bool reader_fail(struct reader *r, const char *format, ...)
{
    if (r->failed) {
        return false;
    }
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error_set(&r->error, ERR_PROTOCOL, SCOPE_CONNECTION, "%s, at byte %llu", text,
              (unsigned long long)reader_offset(r));
    reader_set_failed(r);
    return false;
}

static bool reader_fail_ended(struct reader *r, const char *what)
{
    error_set(&r->error, ERR_NETWORK, SCOPE_CONNECTION, "the input ended %s, at byte %llu", what,
              (unsigned long long)reader_offset(r));
    reader_set_failed(r);
    return false;
}

bool reader_ended_in_literal(struct reader *r)
{
    return !r->failed && reader_fail_ended(r, "in the middle of a literal");
}

bool reader_expected(struct reader *r, const char *what)
{
    if (r->failed) {
        return false;
    }
    if (r->pos == r->end && !reader_fill(r)) {
        char text[128];
        (void)snprintf(text, sizeof text, "where %s was expected", what);
        return !r->failed && reader_fail_ended(r, text);
    }
    size_t n = 0;
    while (n < reader_held(r) && n < FOUND_BYTES && r->pos[n] != '\r' && r->pos[n] != '\n') {
        n++;
    }
    if (n == 0) {
        return reader_fail(r, "expected %s, found the end of the line", what);
    }
    return reader_fail(r, "expected %s, found \"%.*s\"", what, (int)n, r->pos);
}

/* ---- the window ---- */

/* Makes room behind `end`, keeping what is held. */
static void reader_make_room(struct reader *r)
{
    size_t held = reader_held(r);
    size_t start = (size_t)(r->pos - r->window);
    if (held != 0 && r->window_cap - start - held >= READ_MIN_BYTES) {
        return;
    }
    if (r->window_cap - held < READ_MIN_BYTES) {
        r->window_cap = alloc_size(r->window_cap, 2);
        r->window = xreallocarray(r->window, r->window_cap, 1);
    }
    memmove(r->window, r->window + start, held);
    r->pos = r->window;
    r->end = r->window + held;
}

bool reader_fill(struct reader *r)
{
    if (r->failed) {
        return false;
    }
    if (r->borrowed) {
        r->ended = true;
        return false;
    }
    if (reader_offset(r) - r->unit_start > r->limits.unit_bytes) {
        return reader_fail(r, "a response or command of more than %zu bytes", r->limits.unit_bytes);
    }
    reader_make_room(r);
    size_t used = (size_t)(r->end - r->window);
    ssize_t got = r->source.read(r->source.self, r->window + used, r->window_cap - used, &r->error);
    if (got < 0) {
        r->source_failed = true;
        reader_set_failed(r);
        return false;
    }
    r->ended = got == 0;
    r->end += got;
    r->end_offset += (uint64_t)got;
    return got > 0;
}

bool reader_at_end(struct reader *r)
{
    if (r->pos == r->end) {
        (void)reader_fill(r);
    }
    return r->ended && !r->failed && r->pos == r->end;
}

struct str reader_take_buffered(struct reader *r)
{
    struct str buffered = str_make(r->pos, reader_held(r));
    r->pos = r->end;
    return buffered;
}

bool reader_has_buffered(const struct reader *r)
{
    return r->pos != r->end;
}
