#pragma once
/* Bump allocation: the owner of parse results and of a pass's plan. Freed as a whole. */
#include "base/str.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena **arena);
/* Everything allocated so far is gone; one block is kept for reuse. */
void arena_reset(struct arena *arena);
/* Zeroed, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);
/* Copies, NUL-terminated behind the end. */
char *arena_strdup(struct arena *arena, const char *text);
struct str arena_str(struct arena *arena, struct str s);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* An array of `len` items in `arena` with room for one more: the same, or a larger copy; *cap is
 * kept. Begin with NULL and 0. */
void *arena_grow(struct arena *arena, void *items, size_t len, size_t *cap, size_t item_size);
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

#define AUTO_ARENA __attribute__((cleanup(arena_free)))
