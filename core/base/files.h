#pragma once
/*
 * Local files: the only module that changes the disk outside LMDB. Each function that changes
 * something is one system call's worth of effect, so that a test can stop the program between any
 * two. `dirfd` may be AT_FDCWD. Links are not followed at the last component (O_NOFOLLOW) unless
 * said.
 *
 * Errors name the path. Their scope is SCOPE_ACCOUNT where the trouble is the disk's or the
 * process's (full, over quota, read-only, I/O error, no descriptors left), else SCOPE_MESSAGE,
 * which the caller widens as it knows what the file was for.
 */
#include "base/buf.h"
#include <sys/stat.h>
#include <sys/types.h>

void file_close(int *fd); /* closes and sets -1; ignores -1 */
#define AUTO_FD __attribute__((cleanup(file_close)))

/* open() with O_CLOEXEC; *fd_out is the caller's. ENOENT gives ERR_NOT_FOUND, EEXIST ERR_EXISTS. */
int file_open(int dirfd, const char *path, int flags, mode_t mode, int *fd_out, struct error *err);
/* Writes all, or fails with ERR_WRITE. */
int file_write(int fd, const void *data, size_t len, const char *path_for_error, struct error *err);
/* Reads a whole file, following links, into `out` (up to its maximum). */
int file_read(int dirfd, const char *path, struct buf *out, struct error *err);
/* Write `data` to "PATH.new", fsync, rename over `path`, fsync the directory. One writer at a time.
 */
int file_replace(const char *path, struct str data, mode_t mode, struct error *err);
int file_sync(int fd, const char *path_for_error, struct error *err);
/* fsync of the directory at `path`, links followed. Nothing where the file system cannot. */
int file_sync_dir(int dirfd, const char *path, struct error *err);
/* syncfs of the file system that holds the open directory `dirfd`. */
int file_sync_fs(int dirfd, const char *path_for_error, struct error *err);
/* rename() that never overwrites (RENAME_NOREPLACE, or link and unlink where the file system lacks
 * it); ERR_EXISTS if the target exists, ERR_NOT_FOUND if the source is gone. */
int file_rename_new(int from_dirfd, const char *from, int to_dirfd, const char *to,
                    struct error *err);
int file_rename(int from_dirfd, const char *from, int to_dirfd, const char *to, struct error *err);
/* A further name for a file; ERR_EXISTS, ERR_NOT_FOUND as above. */
int file_link(int from_dirfd, const char *from, int to_dirfd, const char *to, struct error *err);
/* ERR_NOT_FOUND if it is gone already. */
int file_unlink(int dirfd, const char *path, struct error *err);
/* 0 also if it exists as a directory. */
int file_mkdir(int dirfd, const char *path, mode_t mode, struct error *err);
/* mkdir -p; each directory that was made is followed by an fsync of its parent. */
int file_mkdir_all(const char *path, mode_t mode, struct error *err);
/* A file's times in nanoseconds since 1970; sets both. */
int file_set_times(int fd, int64_t mtime_ns, const char *path_for_error, struct error *err);
/* Where temporary files go: $TMPDIR if that is absolute, else /tmp. Borrowed. */
const char *path_temporary(void);
/* "a/b" from "a" and "b"; the caller owns it. */
char *path_join(const char *dir, const char *name);
