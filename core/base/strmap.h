#pragma once
/* A hash map from byte strings to pointers. Keys are copied; values are borrowed. */
#include "base/str.h"

struct strmap;

struct strmap *strmap_new(void);
void strmap_free(struct strmap **map);
/* Replaces. Returns the old value or NULL. */
void *strmap_put(struct strmap *map, struct str key, void *value);
/* NULL when absent. */
void *strmap_get(const struct strmap *map, struct str key);
/* Returns the removed value or NULL. */
void *strmap_remove(struct strmap *map, struct str key);
size_t strmap_len(const struct strmap *map);
/* Iteration in the order of first insertion: start with *cursor = 0; false at the end. No changes
 * meanwhile, but for removal of the entry just given. */
bool strmap_next(const struct strmap *map, size_t *cursor, struct str *key, void **value);
