#pragma once
/*
 * A typed growable array, the only module made of macros.
 *
 *     VEC(int) numbers = {0};
 *     vec_push(&numbers, 3);
 *     VEC_FOREACH(int, n, &numbers) { use(*n); }
 *     vec_free(&numbers);
 */
#include "base/alloc.h"
#include <stdlib.h>
#include <string.h>

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t len;                                                                                \
        size_t cap;                                                                                \
    }

/* A named array type, for struct members and parameters. */
#define VEC_STRUCT(name, type)                                                                     \
    struct name {                                                                                  \
        type *items;                                                                               \
        size_t len;                                                                                \
        size_t cap;                                                                                \
    }

/* Makes sure that `more` further items fit. */
#define vec_reserve(v, more)                                                                       \
    ((v)->items = vec_grow_((v)->items, &(v)->cap, (v)->len, (more), sizeof *(v)->items))

#define vec_push(v, item) (vec_reserve((v), 1), (void)((v)->items[(v)->len++] = (item)))

/* Pointer to a new zeroed item at the end; valid until the next growth. */
#define vec_add(v)                                                                                 \
    (vec_reserve((v), 1), memset(&(v)->items[(v)->len], 0, sizeof *(v)->items),                    \
     &(v)->items[(v)->len++])

#define vec_clear(v) ((void)((v)->len = 0))
#define vec_free(v) (free((v)->items), (v)->items = NULL, (v)->len = (v)->cap = 0)

#define VEC_FOREACH(type, name, v)                                                                 \
    for (type *name = (v)->items; name != NULL && name < (v)->items + (v)->len; name++)

/* At least doubles when it must grow. */
void *vec_grow_(void *items, size_t *cap, size_t len, size_t more, size_t item_size);
