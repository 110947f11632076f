#pragma once
/*
 * A file system in memory, below DISK_ROOT: what the C library's file calls reach in the simulation
 * (calls.c). It keeps apart what is there and what would still be there if the power went.
 *
 * - An entry of a directory (create, link, rename, unlink, mkdir, rmdir) is safe once that
 *   directory was synced (of a rename: the one it went to), or all was. Of the others an arbitrary
 *   subset survives; one that does brings those before it that touch the same name or file, and the
 *   making of its directory.
 * - A file's bytes are safe once it was synced. Those that are not may be as they were, be missing
 *   from some point on, or be zeros.
 *
 * There are no links to directories and no symbolic links. Nodes and names live until the reset.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include <sys/types.h>

#define DISK_ROOT "/disk"

struct disk_node;
struct disk_entry {
    const char *name;
    struct disk_node *node;
};
VEC_STRUCT(disk_entries, struct disk_entry);

struct disk_node {
    uint64_t inode;
    bool is_directory;
    mode_t mode;
    unsigned links;
    int64_t mtime_ns;
    struct disk_entries entries, safe_entries;
    char *data;
    size_t len, cap;
    char *safe_data;
    size_t safe_len;
    bool dirty;
    uint64_t changes; /* of a directory: its entries, counted */
};

void disk_reset(void);
struct disk_node *disk_root(void);

struct disk_node *disk_find(const struct disk_node *directory, const char *name);
/* By path below DISK_ROOT, which may be left out; NULL if there is none. */
struct disk_node *disk_at(const char *path);

/* Each is one change. The caller has looked whether it can be. */
struct disk_node *disk_create(struct disk_node *directory, const char *name, bool is_directory,
                              mode_t mode);
void disk_link(struct disk_node *directory, const char *name, struct disk_node *node);
void disk_unlink(struct disk_node *directory, const char *name);
/* Replaces what is there. */
void disk_rename(struct disk_node *from, const char *name, struct disk_node *to,
                 const char *new_name);
void disk_write(struct disk_node *file, size_t at, const void *data, size_t len);
void disk_truncate(struct disk_node *file);

void disk_sync(struct disk_node *node);
void disk_sync_all(void);
/* The power goes: of what was not synced, chance keeps some. */
void disk_lose_power(uint64_t *random);

/* All below `node` as text, with the files' bytes digested: for comparing. */
void disk_tell(const struct disk_node *node, const char *path, struct buf *out);

/* A copy of what is below a directory, and putting it back there, as a backup does: everything safe
 * and with its old times. Freed with the disk's reset. */
struct disk_node *disk_backup(const struct disk_node *directory);
void disk_restore(struct disk_node *directory, const struct disk_node *backup);
