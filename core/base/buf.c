#include "base/buf.h"
#include "base/alloc.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf)BUF_INIT(max);
}

void buf_free(struct buf *b)
{
    xfree(&b->data);
    b->len = b->cap = 0;
    b->overflowed = false;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->overflowed = false;
    if (b->data != NULL) {
        b->data[0] = '\0';
    }
}

char *buf_reserve(struct buf *b, size_t size)
{
    assert(b->len <= b->max);
    if (b->overflowed || size > b->max - b->len || b->max == SIZE_MAX) {
        b->overflowed = true;
        return NULL;
    }
    size_t needed = b->len + size + 1;
    if (needed > b->cap) {
        size_t limit = b->max + 1;
        size_t cap = b->cap > limit / 2 ? limit : b->cap * 2;
        cap = cap > needed ? cap : needed;
        if (cap < 64) {
            cap = limit < 64 ? limit : 64;
        }
        b->data = xreallocarray(b->data, cap, 1);
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_commit(struct buf *b, size_t used)
{
    assert(b->data != NULL && used < b->cap - b->len);
    b->len += used;
    b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    char *to = buf_reserve(b, len);
    if (to == NULL) {
        return;
    }
    if (len != 0) {
        memcpy(to, data, len);
    }
    buf_commit(b, len);
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.ptr, s.len);
}

void buf_add_cstr(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_add_byte(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *to = len < 0 ? NULL : buf_reserve(b, (size_t)len);
    if (to != NULL) {
        (void)vsnprintf(to, (size_t)len + 1, format, again);
        buf_commit(b, (size_t)len);
    }
    va_end(again);
    va_end(args);
}

void buf_consume(struct buf *b, size_t len)
{
    assert(len <= b->len);
    if (len == 0) {
        return;
    }
    b->len -= len;
    memmove(b->data, b->data + len, b->len);
    b->data[b->len] = '\0';
}

struct str buf_str(const struct buf *b)
{
    return b->data == NULL ? STR_EMPTY : str_make(b->data, b->len);
}

int buf_check(const struct buf *b, const char *what, enum error_scope scope, struct error *err)
{
    if (!b->overflowed) {
        return 0;
    }
    return error_set(err, ERR_PROTOCOL, scope, "%s is larger than %zu bytes", what, b->max);
}
