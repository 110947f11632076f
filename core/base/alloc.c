#include "base/alloc.h"
#include "base/vec.h"
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The log needs memory too, so the last words go straight to the descriptor. */
static _Noreturn void out_of_memory(void)
{
    static const char words[] = "maildird: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, words, sizeof words - 1);
    (void)ignored;
    abort();
}

static void *check(void *memory)
{
    if (memory == NULL) {
        out_of_memory();
    }
    return memory;
}

size_t alloc_size(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        out_of_memory();
    }
    return total;
}

void *xmalloc(size_t size)
{
    return check(malloc(size != 0 ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return check(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    size_t total = alloc_size(count, size);
    return check(realloc(old, total != 0 ? total : 1));
}

char *xstrdup(const char *text)
{
    return check(strdup(text));
}

char *xstrndup(const char *text, size_t len)
{
    return check(strndup(len != 0 ? text : "", len));
}

void *xmemdup(const void *data, size_t size)
{
    void *copy = xmalloc(size);
    if (size != 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text;
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        out_of_memory();
    }
    return text;
}

void xfree(void *pointer_to_pointer)
{
    /* Copied as bytes: the pointer may be of any type, which a `void **` must not alias. */
    void *memory;
    memcpy(&memory, pointer_to_pointer, sizeof memory);
    free(memory);
    memory = NULL;
    memcpy(pointer_to_pointer, &memory, sizeof memory);
}

void *vec_grow_(void *items, size_t *cap, size_t len, size_t more, size_t item_size)
{
    size_t needed;
    if (__builtin_add_overflow(len, more, &needed)) {
        out_of_memory();
    }
    if (needed <= *cap) {
        return items;
    }
    size_t grown = *cap > SIZE_MAX / 2 ? needed : *cap * 2;
    if (grown < 8) {
        grown = 8;
    }
    *cap = grown > needed ? grown : needed;
    return xreallocarray(items, *cap, item_size);
}

void alloc_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}
