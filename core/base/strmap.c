/*
 * Entries stand in the order of insertion; a table of slots (a power of two, at most three quarters
 * full) finds them by hash with linear probing. A removed entry keeps its slot, without key, until
 * the next rebuild: so the order is kept, and what a run does depends on no chance.
 */
#include "base/strmap.h"
#include "base/alloc.h"
#include "base/vec.h"
#include <assert.h>
#include <sys/random.h>

struct entry {
    uint64_t hash;
    char *key; /* NULL: removed */
    size_t key_len;
    void *value;
};

struct strmap {
    VEC(struct entry) entries;
    uint32_t *slots; /* index into entries plus one; 0 is free */
    size_t slots_len;
    size_t live;
    uint64_t seed; /* so that a server cannot choose names that all collide */
};

struct strmap *strmap_new(void)
{
    struct strmap *map = xcalloc(1, sizeof *map);
    if (getrandom(&map->seed, sizeof map->seed, GRND_NONBLOCK) < 0) {
        map->seed = (uintptr_t)map;
    }
    return map;
}

void strmap_free(struct strmap **map)
{
    if (*map == NULL) {
        return;
    }
    VEC_FOREACH (struct entry, entry, &(*map)->entries) {
        free(entry->key);
    }
    vec_free(&(*map)->entries);
    free((*map)->slots);
    xfree(map);
}

static uint64_t hash_of(const struct strmap *map, struct str key)
{
    uint64_t hash = map->seed;
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash ^ hash >> 32;
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *slot_of(const struct strmap *map, struct str key, uint64_t hash)
{
    size_t mask = map->slots_len - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &map->slots[i];
        if (*slot == 0) {
            return slot;
        }
        const struct entry *entry = &map->entries.items[*slot - 1];
        if (entry->hash == hash && entry->key != NULL &&
            str_eq(str_make(entry->key, entry->key_len), key)) {
            return slot;
        }
    }
}

static struct entry *find(const struct strmap *map, struct str key)
{
    if (map->slots_len == 0) {
        return NULL;
    }
    uint32_t slot = *slot_of(map, key, hash_of(map, key));
    return slot == 0 ? NULL : &map->entries.items[slot - 1];
}

/* Drops removed entries and makes the table twice as large as the live ones need. */
static void rebuild(struct strmap *map)
{
    size_t kept = 0;
    VEC_FOREACH (struct entry, entry, &map->entries) {
        if (entry->key != NULL) {
            map->entries.items[kept++] = *entry;
        }
    }
    map->entries.len = kept;
    assert(kept == map->live && kept < UINT32_MAX / 4);
    size_t wanted = 16;
    while (wanted < kept * 2 + 2) {
        wanted *= 2;
    }
    free(map->slots);
    map->slots = xcalloc(wanted, sizeof *map->slots);
    map->slots_len = wanted;
    for (size_t i = 0; i < kept; i++) {
        const struct entry *entry = &map->entries.items[i];
        *slot_of(map, str_make(entry->key, entry->key_len), entry->hash) = (uint32_t)i + 1;
    }
}

void *strmap_put(struct strmap *map, struct str key, void *value)
{
    struct entry *old = find(map, key);
    if (old != NULL) {
        void *old_value = old->value;
        old->value = value;
        return old_value;
    }
    if (map->entries.len + 1 > map->slots_len / 4 * 3) {
        rebuild(map);
    }
    struct entry entry = {
        .hash = hash_of(map, key), .key = xmalloc(key.len + 1), .key_len = key.len, .value = value};
    if (key.len != 0) {
        memcpy(entry.key, key.ptr, key.len);
    }
    entry.key[key.len] = '\0';
    uint32_t *slot = slot_of(map, key, entry.hash);
    vec_push(&map->entries, entry);
    *slot = (uint32_t)map->entries.len;
    map->live++;
    return NULL;
}

void *strmap_get(const struct strmap *map, struct str key)
{
    const struct entry *entry = find(map, key);
    return entry == NULL ? NULL : entry->value;
}

void *strmap_remove(struct strmap *map, struct str key)
{
    struct entry *entry = find(map, key);
    if (entry == NULL) {
        return NULL;
    }
    xfree(&entry->key);
    map->live--;
    return entry->value;
}

size_t strmap_len(const struct strmap *map)
{
    return map->live;
}

bool strmap_next(const struct strmap *map, size_t *cursor, struct str *key, void **value)
{
    while (*cursor < map->entries.len) {
        const struct entry *entry = &map->entries.items[(*cursor)++];
        if (entry->key != NULL) {
            *key = str_make(entry->key, entry->key_len);
            *value = entry->value;
            return true;
        }
    }
    return false;
}
