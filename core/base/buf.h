#pragma once
/*
 * Growable bytes with a mandatory maximum.
 *
 * Appending beyond the maximum stores nothing and marks the buffer as overflowed, and so does all
 * that is appended after that: what is there is always an unbroken beginning. The writer checks
 * once at the end (`buf_check`) instead of after each append.
 */
#include "base/error.h"
#include "base/str.h"

struct buf {
    char *data; /* NUL-terminated behind len, once anything was appended */
    size_t len;
    size_t cap;
    size_t max; /* of len */
    bool overflowed;
};

#define BUF_INIT(max_len)                                                                          \
    {                                                                                              \
        .max = (max_len)                                                                           \
    }

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);
/* Empties; keeps the memory; forgets an overflow. */
void buf_clear(struct buf *b);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, struct str s);
void buf_add_cstr(struct buf *b, const char *text);
void buf_add_byte(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for `size` more bytes at the end, or NULL if over the maximum; then buf_commit what was
 * used. */
char *buf_reserve(struct buf *b, size_t size);
void buf_commit(struct buf *b, size_t used);
/* Remove `len` bytes from the front. */
void buf_consume(struct buf *b, size_t len);
struct str buf_str(const struct buf *b);
/* 0, or ERR_PROTOCOL naming `what` when the buffer overflowed. */
int buf_check(const struct buf *b, const char *what, enum error_scope scope, struct error *err);

#define AUTO_BUF __attribute__((cleanup(buf_free)))
