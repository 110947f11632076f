#include "base/files.h"
#include "base/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <stdlib.h>
#include <unistd.h>

static enum error_scope scope_of(int os_errno)
{
    switch (os_errno) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return SCOPE_ACCOUNT;
    default:
        return SCOPE_MESSAGE;
    }
}

/* "cannot VERB PATH: reason". */
static int fail(struct error *err, enum error_code code, int os_errno, const char *verb,
                const char *path)
{
    if (os_errno == ENOENT) {
        code = ERR_NOT_FOUND;
    } else if (os_errno == EEXIST) {
        code = ERR_EXISTS;
    }
    return error_set_errno(err, code, scope_of(os_errno), os_errno, "cannot %s %s", verb, path);
}

struct rename {
    int from_dirfd;
    const char *from;
    int to_dirfd;
    const char *to;
};

/* ENOENT is also what a missing target directory gives; only a missing source is "not found". */
static int fail_rename(struct error *err, int os_errno, const struct rename *r)
{
    AUTO_FREE char *paths = xasprintf("%s to %s", r->from, r->to);
    struct stat found;
    if (os_errno == ENOENT && fstatat(r->from_dirfd, r->from, &found, AT_SYMLINK_NOFOLLOW) == 0) {
        return error_set_errno(err, ERR_WRITE, SCOPE_MESSAGE, os_errno, "cannot rename %s", paths);
    }
    return fail(err, ERR_WRITE, os_errno, "rename", paths);
}

void file_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

static int open_path(int dirfd, const char *path, int flags, mode_t mode, int *fd_out,
                     struct error *err)
{
    int fd;
    do {
        fd = openat(dirfd, path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
        return fail(err, writes ? ERR_WRITE : ERR_READ, errno, "open", path);
    }
    *fd_out = fd;
    return 0;
}

int file_open(int dirfd, const char *path, int flags, mode_t mode, int *fd_out, struct error *err)
{
    return open_path(dirfd, path, flags | O_NOFOLLOW, mode, fd_out, err);
}

int file_write(int fd, const void *data, size_t len, const char *path_for_error, struct error *err)
{
    const char *at = data;
    while (len > 0) {
        ssize_t done = write(fd, at, len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return error_set_errno(err, ERR_WRITE, scope_of(errno), errno, "cannot write %s",
                                   path_for_error);
        }
        at += done;
        len -= (size_t)done;
    }
    return 0;
}

/* Reads until the end or until `out` is full; a full buffer asks for one byte more, to tell. */
static int read_all(int fd, const char *path, struct buf *out, struct error *err)
{
    for (;;) {
        char spare;
        size_t room = out->max - out->len;
        size_t piece = room < 65536 ? room : 65536;
        char *to = piece == 0 ? &spare : buf_reserve(out, piece);
        ssize_t got = read(fd, to, piece == 0 ? 1 : piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail(err, ERR_READ, errno, "read", path);
        }
        if (got == 0) {
            return 0;
        }
        if (piece == 0) {
            return error_set(err, ERR_READ, SCOPE_MESSAGE, "cannot read %s: larger than %zu bytes",
                             path, out->max);
        }
        buf_commit(out, (size_t)got);
    }
}

int file_read(int dirfd, const char *path, struct buf *out, struct error *err)
{
    AUTO_FD int fd = -1;
    int rc = open_path(dirfd, path, O_RDONLY | O_NOCTTY, 0, &fd, err);
    return rc < 0 ? rc : read_all(fd, path, out, err);
}

static int write_new(const char *path, struct str data, mode_t mode, struct error *err)
{
    AUTO_FD int fd = -1;
    int rc = file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode, &fd, err);
    if (rc < 0) {
        return rc;
    }
    /* What an interrupted run left there may have another mode. */
    if (fchmod(fd, mode) < 0) {
        return fail(err, ERR_WRITE, errno, "set the mode of", path);
    }
    rc = file_write(fd, data.ptr, data.len, path, err);
    return rc < 0 ? rc : file_sync(fd, path, err);
}

static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return xstrdup(".");
    }
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int sync_parent(const char *path, struct error *err)
{
    AUTO_FREE char *parent = parent_of(path);
    return file_sync_dir(AT_FDCWD, parent, err);
}

int file_replace(const char *path, struct str data, mode_t mode, struct error *err)
{
    AUTO_FREE char *fresh = xasprintf("%s.new", path);
    int rc = write_new(fresh, data, mode, err);
    if (rc == 0) {
        rc = file_rename(AT_FDCWD, fresh, AT_FDCWD, path, err);
    }
    if (rc < 0) {
        (void)unlink(fresh);
        return rc;
    }
    return sync_parent(path, err);
}

int file_sync(int fd, const char *path_for_error, struct error *err)
{
    if (fsync(fd) < 0) {
        return error_set_errno(err, ERR_WRITE, scope_of(errno), errno,
                               "cannot write %s to the disk", path_for_error);
    }
    return 0;
}

int file_sync_dir(int dirfd, const char *path, struct error *err)
{
    AUTO_FD int fd = -1;
    int rc = open_path(dirfd, path, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (rc < 0) {
        return rc;
    }
    /* Some network and FUSE file systems have no fsync for directories and say EINVAL. */
    if (fsync(fd) < 0 && errno != EINVAL) {
        return fail(err, ERR_WRITE, errno, "write to the disk the directory", path);
    }
    return 0;
}

int file_sync_fs(int dirfd, const char *path_for_error, struct error *err)
{
    if (syncfs(dirfd) < 0) {
        return error_set_errno(err, ERR_WRITE, scope_of(errno), errno,
                               "cannot write to the disk the file system of %s", path_for_error);
    }
    return 0;
}

/* For file systems without RENAME_NOREPLACE. If the source was renamed by somebody else between the
 * two steps, ours would be a second copy: it goes again. */
static int link_and_unlink(const struct rename *r, struct error *err)
{
    if (linkat(r->from_dirfd, r->from, r->to_dirfd, r->to, 0) < 0) {
        return fail_rename(err, errno, r);
    }
    if (unlinkat(r->from_dirfd, r->from, 0) < 0) {
        int os_errno = errno;
        (void)unlinkat(r->to_dirfd, r->to, 0);
        return fail_rename(err, os_errno, r);
    }
    return 0;
}

int file_rename_new(int from_dirfd, const char *from, int to_dirfd, const char *to,
                    struct error *err)
{
    struct rename r = {from_dirfd, from, to_dirfd, to};
    if (renameat2(from_dirfd, from, to_dirfd, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno == EINVAL || errno == ENOSYS) {
        return link_and_unlink(&r, err);
    }
    return fail_rename(err, errno, &r);
}

int file_rename(int from_dirfd, const char *from, int to_dirfd, const char *to, struct error *err)
{
    struct rename r = {from_dirfd, from, to_dirfd, to};
    if (renameat(from_dirfd, from, to_dirfd, to) < 0) {
        return fail_rename(err, errno, &r);
    }
    return 0;
}

int file_link(int from_dirfd, const char *from, int to_dirfd, const char *to, struct error *err)
{
    struct rename r = {from_dirfd, from, to_dirfd, to};
    if (linkat(from_dirfd, from, to_dirfd, to, 0) < 0) {
        return fail_rename(err, errno, &r);
    }
    return 0;
}

int file_unlink(int dirfd, const char *path, struct error *err)
{
    if (unlinkat(dirfd, path, 0) < 0) {
        return fail(err, ERR_WRITE, errno, "remove", path);
    }
    return 0;
}

/* 1 if it was made, 0 if the directory was there. */
static int make_directory(int dirfd, const char *path, mode_t mode, struct error *err)
{
    if (mkdirat(dirfd, path, mode) == 0) {
        return 1;
    }
    int os_errno = errno;
    struct stat found;
    /* Also for EROFS and EACCES, which may come first although the directory exists. */
    if (fstatat(dirfd, path, &found, 0) == 0 && S_ISDIR(found.st_mode)) {
        return 0;
    }
    return fail(err, ERR_WRITE, os_errno, "make the directory", path);
}

int file_mkdir(int dirfd, const char *path, mode_t mode, struct error *err)
{
    int rc = make_directory(dirfd, path, mode, err);
    return rc < 0 ? rc : 0;
}

int file_mkdir_all(const char *path, mode_t mode, struct error *err)
{
    AUTO_FREE char *part = xstrdup(path);
    size_t len = strlen(part);
    while (len > 1 && part[len - 1] == '/') {
        part[--len] = '\0';
    }
    for (size_t i = 1; i <= len; i++) {
        if (i < len && (part[i] != '/' || part[i - 1] == '/')) {
            continue;
        }
        part[i] = '\0';
        int rc = make_directory(AT_FDCWD, part, mode, err);
        if (rc == 1) {
            rc = sync_parent(part, err);
        }
        if (rc < 0) {
            return rc;
        }
        if (i < len) {
            part[i] = '/';
        }
    }
    return 0;
}

int file_set_times(int fd, int64_t mtime_ns, const char *path_for_error, struct error *err)
{
    int64_t seconds = mtime_ns / 1000000000;
    int64_t rest = mtime_ns % 1000000000;
    if (rest < 0) {
        rest += 1000000000;
        seconds--;
    }
    struct timespec time = {.tv_sec = (time_t)seconds, .tv_nsec = (long)rest};
    struct timespec both[2] = {time, time};
    if (futimens(fd, both) < 0) {
        return fail(err, ERR_WRITE, errno, "set the time of", path_for_error);
    }
    return 0;
}

const char *path_temporary(void)
{
    const char *dir = getenv("TMPDIR");
    return dir != NULL && dir[0] == '/' ? dir : "/tmp";
}

char *path_join(const char *dir, const char *name)
{
    size_t len = strlen(dir);
    bool slash = len > 0 && dir[len - 1] != '/';
    return xasprintf("%s%s%s", dir, slash ? "/" : "", name);
}
