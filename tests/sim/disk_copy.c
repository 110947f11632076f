#include "base/buf.h"
#include "sim/disk.h"
#include "sim/machine.h"

static int by_name(const void *a, const void *b)
{
    const struct disk_entry *x = a;
    const struct disk_entry *y = b;
    return strcmp(x->name, y->name);
}

void disk_tell(const struct disk_node *node, const char *path, struct buf *out)
{
    if (!node->is_directory) {
        buf_addf(out, "%s %zu %016llx\n", path, node->len,
                 (unsigned long long)str_hash(str_make(node->data, node->len)));
        return;
    }
    buf_addf(out, "%s/\n", path);
    struct disk_entries sorted = {0};
    VEC_FOREACH (struct disk_entry, entry, &node->entries) {
        vec_push(&sorted, *entry);
    }
    if (sorted.len > 1)
        qsort(sorted.items, sorted.len, sizeof *sorted.items, by_name);
    VEC_FOREACH (struct disk_entry, entry, &sorted) {
        AUTO_ARENA struct arena *arena = arena_new();
        disk_tell(entry->node, arena_printf(arena, "%s/%s", path, entry->name), out);
    }
    vec_free(&sorted);
}

static void copy_below(struct disk_node *to, const struct disk_node *from)
{
    VEC_FOREACH (struct disk_entry, entry, &from->entries) {
        const struct disk_node *old = entry->node;
        struct disk_node *node = disk_create(to, entry->name, old->is_directory, old->mode);
        if (old->is_directory)
            copy_below(node, old);
        else
            disk_write(node, 0, old->data, old->len);
        node->mtime_ns = old->mtime_ns;
    }
}

struct disk_node *disk_backup(const struct disk_node *directory)
{
    /* Not to be found by any path. */
    struct disk_node *copy = disk_create(disk_root(), ".backup", true, 0700);
    disk_unlink(disk_root(), ".backup");
    copy_below(copy, directory);
    /* A backup is elsewhere: no power failure takes of it. */
    disk_sync_all();
    return copy;
}

void disk_restore(struct disk_node *directory, const struct disk_node *backup)
{
    while (directory->entries.len > 0)
        disk_unlink(directory, directory->entries.items[0].name);
    copy_below(directory, backup);
    disk_sync_all();
}
