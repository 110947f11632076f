#include "base/arena.h"
#include "base/alloc.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Enough for most responses and many files of a plan; what is larger than a quarter gets a block of
 * its own, so that little is wasted at the end of a block. */
#define BLOCK_BYTES (16 * 1024 - 64)
#define LARGE_BYTES (BLOCK_BYTES / 4)
#define ALIGNMENT _Alignof(max_align_t)

struct block {
    struct block *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *blocks; /* the one allocated from comes first */
    size_t used;
};

static struct block *block_new(size_t size)
{
    struct block *block = xmalloc(sizeof *block + size);
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

struct arena *arena_new(void)
{
    return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena **arena)
{
    if (*arena == NULL) {
        return;
    }
    struct block *block = (*arena)->blocks;
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(*arena);
    *arena = NULL;
}

void arena_reset(struct arena *arena)
{
    struct block *kept = NULL;
    struct block *block = arena->blocks;
    while (block != NULL) {
        struct block *next = block->next;
        if (kept == NULL && block->size == BLOCK_BYTES) {
            kept = block;
        } else {
            free(block);
        }
        block = next;
    }
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
    }
    arena->blocks = kept;
    arena->used = 0;
}

/* A block with room for `size`; large ones go behind the first, which stays in use. */
static struct block *arena_block(struct arena *arena, size_t size)
{
    struct block *first = arena->blocks;
    if (first != NULL && first->size - first->used >= size) {
        return first;
    }
    bool large = size > LARGE_BYTES;
    struct block *block = block_new(large ? size : BLOCK_BYTES);
    if (large && first != NULL) {
        block->next = first->next;
        first->next = block;
    } else {
        block->next = first;
        arena->blocks = block;
    }
    return block;
}

static void *arena_take(struct arena *arena, size_t size)
{
    size_t rounded;
    if (__builtin_add_overflow(size, ALIGNMENT - 1, &rounded)) {
        rounded = alloc_size(size, 2); /* overflows too, and ends the process */
    }
    rounded -= rounded % ALIGNMENT;
    struct block *block = arena_block(arena, rounded);
    void *memory = block->data + block->used;
    block->used += rounded;
    assert(block->used <= block->size);
    arena->used += rounded;
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(arena_take(arena, size), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    return arena_alloc(arena, alloc_size(count, size));
}

char *arena_strdup(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(arena_take(arena, size), text, size);
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *copy = arena_take(arena, s.len + 1);
    if (s.len != 0) {
        memcpy(copy, s.ptr, s.len);
    }
    copy[s.len] = '\0';
    return str_make(copy, s.len);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    size_t size = len < 0 ? 1 : (size_t)len + 1;
    char *text = arena_alloc(arena, size);
    if (len > 0) {
        (void)vsnprintf(text, size, format, again);
    }
    va_end(again);
    va_end(args);
    return text;
}

void *arena_grow(struct arena *arena, void *items, size_t len, size_t *cap, size_t item_size)
{
    if (len < *cap) {
        return items;
    }
    *cap = *cap == 0 ? 4 : alloc_size(*cap, 2);
    void *larger = arena_array(arena, *cap, item_size);
    if (len > 0) {
        memcpy(larger, items, len * item_size);
    }
    return larger;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
