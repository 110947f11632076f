#pragma once
/*
 * What a disk may have lost when the power goes: the model behind diskshim.c.
 *
 * It is told of each change below the root as it happens. At the loss, each change that no sync has
 * made durable is kept or undone by chance, so that the result is a state the disk could really be
 * in:
 *
 * - an entry of a directory (create, link, rename, unlink, mkdir, rmdir) is durable after fsync of
 * that directory (for a rename: of the one it went to), or syncfs. A change that is kept keeps
 * those before it that touch the same name or file, and the making of its directory;
 * - bytes of a file are durable after fsync or fdatasync of it, or syncfs. Those that are not may
 * be there, be missing from some point on, or be zeros;
 * - an LMDB file (*.mdb) keeps either all or none of its writes since its last sync;
 * - renaming a directory makes all before it durable.
 *
 * All paths are absolute. The caller serialises the calls. Nothing here counts or kills.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* `stash_folder` is on the file system of the root and keeps what was unlinked. */
void loss_start(const char *stash_folder, uint64_t seed);

/* After the change was made. */
void loss_created(const char *path);
void loss_linked(const char *path);
void loss_made_directory(const char *path);

/* Before the change is made; loss_cancel() takes the last one back where it failed. */
void loss_will_unlink(const char *path);
void loss_will_remove_directory(const char *path);
void loss_will_rename(const char *from, const char *to);
void loss_cancel(void);

/* Before bytes are written to, or cut from, the file behind fd. `offset` < 0: at its position. */
void loss_will_write(int fd, const char *path, off_t offset, size_t size);
void loss_will_truncate(int fd, const char *path, off_t size);

/* A sync that succeeded. */
void loss_synced(int fd, const char *path);
void loss_synced_all(void);

/* Let the disk lose what it may lose. */
void loss_apply(void);
