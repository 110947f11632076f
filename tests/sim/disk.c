#include "sim/disk.h"
#include "base/buf.h"
#include "sim/machine.h"
#include <assert.h>

enum change_kind { CHANGE_LINK, CHANGE_UNLINK, CHANGE_RENAME };

/* What the disk may still lose. */
struct change {
    enum change_kind kind;
    bool kept; /* while some are chosen */
    struct disk_node *node;
    struct disk_node *directory;
    const char *name;
    struct disk_node *to; /* RENAME */
    const char *new_name;
};

static struct {
    struct arena *names;
    VEC(struct disk_node *) nodes;
    VEC(struct change) pending;
    struct disk_node *root;
} disk;

/* ---- nodes ---- */

static struct disk_node *node_new(bool is_directory, mode_t mode)
{
    struct disk_node *node = xcalloc(1, sizeof *node);
    vec_push(&disk.nodes, node);
    node->inode = disk.nodes.len + 1;
    node->is_directory = is_directory;
    node->mode = mode;
    node->mtime_ns = machine_file_ns();
    return node;
}

void disk_reset(void)
{
    VEC_FOREACH (struct disk_node *, at, &disk.nodes) {
        struct disk_node *node = *at;
        vec_free(&node->entries);
        vec_free(&node->safe_entries);
        xfree(&node->data);
        xfree(&node->safe_data);
        xfree(at);
    }
    vec_clear(&disk.nodes);
    vec_clear(&disk.pending);
    if (disk.names == NULL)
        disk.names = arena_new();
    arena_reset(disk.names);
    disk.root = node_new(true, 0700);
}

struct disk_node *disk_root(void)
{
    return disk.root;
}

static struct disk_entry *find_entry(const struct disk_entries *entries, const char *name)
{
    VEC_FOREACH (struct disk_entry, entry, entries) {
        if (strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

struct disk_node *disk_find(const struct disk_node *directory, const char *name)
{
    const struct disk_entry *entry = find_entry(&directory->entries, name);
    return entry != NULL ? entry->node : NULL;
}

struct disk_node *disk_at(const char *path)
{
    struct disk_node *at = disk.root;
    struct str rest = str_from(path);
    struct str part;
    char name[300];
    if (str_starts(rest, STR(DISK_ROOT)))
        rest = str_from_offset(rest, sizeof DISK_ROOT - 1);
    while (at != NULL && str_split(&rest, '/', &part)) {
        if (part.len == 0 || str_eq(part, STR(".")))
            continue;
        if (!at->is_directory || part.len >= sizeof name)
            return NULL;
        memcpy(name, part.ptr, part.len);
        name[part.len] = '\0';
        at = disk_find(at, name);
    }
    return at;
}

/* ---- entries ---- */

static void put_entry(struct disk_entries *entries, const char *name, struct disk_node *node)
{
    struct disk_entry *entry = find_entry(entries, name);
    if (entry != NULL)
        entry->node = node;
    else
        vec_push(entries, ((struct disk_entry){name, node}));
}

static void drop_entry(struct disk_entries *entries, const char *name)
{
    struct disk_entry *entry = find_entry(entries, name);
    if (entry != NULL) {
        *entry = entries->items[entries->len - 1];
        entries->len--;
    }
}

static void touch(struct disk_node *directory)
{
    directory->mtime_ns = machine_file_ns();
    directory->changes++;
}

static const char *keep_name(const char *name)
{
    return arena_strdup(disk.names, name);
}

void disk_link(struct disk_node *directory, const char *name, struct disk_node *node)
{
    const char *kept = keep_name(name);
    assert(disk_find(directory, name) == NULL);
    put_entry(&directory->entries, kept, node);
    node->links++;
    touch(directory);
    vec_push(
        &disk.pending,
        ((struct change){.kind = CHANGE_LINK, .node = node, .directory = directory, .name = kept}));
}

struct disk_node *disk_create(struct disk_node *directory, const char *name, bool is_directory,
                              mode_t mode)
{
    struct disk_node *node = node_new(is_directory, mode);
    disk_link(directory, name, node);
    return node;
}

void disk_unlink(struct disk_node *directory, const char *name)
{
    struct disk_node *node = disk_find(directory, name);
    assert(node != NULL);
    node->links--;
    vec_push(
        &disk.pending,
        ((struct change){
            .kind = CHANGE_UNLINK, .node = node, .directory = directory, .name = keep_name(name)}));
    drop_entry(&directory->entries, name);
    touch(directory);
}

void disk_rename(struct disk_node *from, const char *name, struct disk_node *to,
                 const char *new_name)
{
    struct disk_node *node = disk_find(from, name);
    struct disk_node *there = disk_find(to, new_name);
    const char *kept = keep_name(name);
    const char *kept_new = keep_name(new_name);
    assert(node != NULL);
    if (there != NULL)
        there->links--;
    drop_entry(&from->entries, name);
    put_entry(&to->entries, kept_new, node);
    touch(from);
    touch(to);
    vec_push(&disk.pending, ((struct change){.kind = CHANGE_RENAME,
                                             .node = node,
                                             .directory = from,
                                             .name = kept,
                                             .to = to,
                                             .new_name = kept_new}));
}

/* ---- bytes ---- */

static void set_bytes(char **to, size_t *len, const char *from, size_t from_len)
{
    xfree(to);
    *to = from_len > 0 ? xmalloc(from_len) : NULL;
    *len = from_len;
    if (from_len > 0)
        memcpy(*to, from, from_len);
}

void disk_write(struct disk_node *file, size_t at, const void *data, size_t len)
{
    if (len == 0)
        return;
    size_t end = at + len;
    if (end > file->cap) {
        file->cap = end * 2;
        file->data = xreallocarray(file->data, file->cap, 1);
    }
    if (at > file->len)
        memset(file->data + file->len, 0, at - file->len);
    memcpy(file->data + at, data, len);
    file->len = end > file->len ? end : file->len;
    file->dirty = true;
    file->mtime_ns = machine_file_ns();
}

void disk_truncate(struct disk_node *file)
{
    file->len = 0;
    file->dirty = true;
    file->mtime_ns = machine_file_ns();
}

/* ---- what is safe ---- */

static bool touches_name(const struct change *c, const struct disk_node *directory,
                         const char *name)
{
    return (c->directory == directory && strcmp(c->name, name) == 0) ||
           (c->to == directory && c->new_name != NULL && strcmp(c->new_name, name) == 0);
}

/* Whether `later` cannot be without `c`. */
static bool is_needed(const struct change *c, const struct change *later)
{
    if (c->node == later->node || c->node == later->directory || c->node == later->to)
        return true;
    return touches_name(c, later->directory, later->name) ||
           (later->to != NULL && touches_name(c, later->to, later->new_name));
}

static void make_safe(const struct change *c)
{
    switch (c->kind) {
    case CHANGE_LINK:
        put_entry(&c->directory->safe_entries, c->name, c->node);
        break;
    case CHANGE_UNLINK:
        drop_entry(&c->directory->safe_entries, c->name);
        break;
    case CHANGE_RENAME:
        drop_entry(&c->directory->safe_entries, c->name);
        put_entry(&c->to->safe_entries, c->new_name, c->node);
        break;
    }
}

/* Those chosen, and what they need, are on the disk for good. */
static void settle_kept(void)
{
    size_t left = 0;
    for (size_t i = disk.pending.len; i-- > 0;) {
        const struct change *later = &disk.pending.items[i];
        for (size_t j = 0; later->kept && j < i; j++) {
            struct change *c = &disk.pending.items[j];
            c->kept = c->kept || is_needed(c, later);
        }
    }
    for (size_t i = 0; i < disk.pending.len; i++) {
        if (disk.pending.items[i].kept)
            make_safe(&disk.pending.items[i]);
        else
            disk.pending.items[left++] = disk.pending.items[i];
    }
    disk.pending.len = left;
}

static void sync_bytes(struct disk_node *node)
{
    if (node->dirty)
        set_bytes(&node->safe_data, &node->safe_len, node->data, node->len);
    node->dirty = false;
}

void disk_sync(struct disk_node *node)
{
    sync_bytes(node);
    VEC_FOREACH (struct change, c, &disk.pending) {
        c->kept = (c->kind == CHANGE_RENAME ? c->to : c->directory) == node;
    }
    settle_kept();
}

void disk_sync_all(void)
{
    VEC_FOREACH (struct disk_node *, node, &disk.nodes) {
        sync_bytes(*node);
    }
    VEC_FOREACH (struct change, c, &disk.pending) {
        make_safe(c);
    }
    vec_clear(&disk.pending);
}

static void lose_bytes(struct disk_node *node, uint64_t *random)
{
    switch (random_below(random, 4)) {
    case 0:
        set_bytes(&node->data, &node->len, node->safe_data, node->safe_len);
        node->cap = node->len;
        break;
    case 1:
        node->len = node->len > 0 ? random_below(random, (unsigned)node->len) : 0;
        break;
    case 2:
        if (node->len > 0)
            memset(node->data, 0, node->len);
        break;
    default:
        break;
    }
}

void disk_lose_power(uint64_t *random)
{
    unsigned percent = random_below(random, 3) * 50;
    VEC_FOREACH (struct change, c, &disk.pending) {
        c->kept = random_chance(random, percent);
    }
    settle_kept();
    vec_clear(&disk.pending);
    VEC_FOREACH (struct disk_node *, at, &disk.nodes) {
        struct disk_node *node = *at;
        if (node->dirty)
            lose_bytes(node, random);
        sync_bytes(node);
        node->links = 0;
        vec_clear(&node->entries);
        VEC_FOREACH (struct disk_entry, entry, &node->safe_entries) {
            vec_push(&node->entries, *entry);
        }
    }
    VEC_FOREACH (struct disk_node *, at, &disk.nodes) {
        VEC_FOREACH (struct disk_entry, entry, &(*at)->entries) {
            entry->node->links++;
        }
    }
}
