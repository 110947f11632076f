#include "sim/calls.h"
#include "sim/disk.h"
#include "sim/machine.h"
#include "sim/calls_files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names of calls on large files, as the C library's headers map them. */
#ifdef __GLIBC__
#define WRAP(name) __wrap_##name##64
#define REAL(name) __real_##name##64
#else
#define WRAP(name) __wrap_##name
#define REAL(name) __real_##name
#endif

#define DECLARE(type, name, ...)                                                                   \
    type WRAP(name)(__VA_ARGS__);                                                                  \
    type REAL(name)(__VA_ARGS__);
#define DECLARE_PLAIN(type, name, ...)                                                             \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __real_##name(__VA_ARGS__);

DECLARE(int, openat, int, const char *, int, ...)
DECLARE(int, open, const char *, int, ...)
DECLARE(int, fstatat, int, const char *, struct stat *, int)
DECLARE(int, stat, const char *, struct stat *)
DECLARE(int, fstat, int, struct stat *)
DECLARE(ssize_t, pread, int, void *, size_t, off_t)
DECLARE(off_t, lseek, int, off_t, int)
DECLARE(int, fcntl, int, int, ...)
DECLARE_PLAIN(int, close, int)
DECLARE_PLAIN(ssize_t, read, int, void *, size_t)
DECLARE_PLAIN(ssize_t, write, int, const void *, size_t)
DECLARE_PLAIN(int, fsync, int)
DECLARE_PLAIN(int, syncfs, int)
DECLARE_PLAIN(int, fchmod, int, mode_t)
DECLARE_PLAIN(int, flock, int, int)
DECLARE_PLAIN(int, futimens, int, const struct timespec[2])

/* ---- opening ---- */

static int crashed(void)
{
    errno = EIO;
    return -1;
}

static int fail(int os_errno)
{
    errno = os_errno;
    return -1;
}

static int open_file(int dirfd, const char *path, int flags, mode_t mode)
{
    struct place place;
    int bad = place_find(dirfd, path, &place);
    if (bad != 0 || (place.node == NULL && (flags & O_CREAT) == 0))
        return fail(bad != 0 ? bad : ENOENT);
    if (place.node != NULL && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
        return fail(EEXIST);
    if (place.node != NULL && !place.node->is_directory && (flags & O_DIRECTORY) != 0)
        return fail(ENOTDIR);
    if (place.node != NULL && place.node->is_directory && (flags & O_ACCMODE) != O_RDONLY)
        return fail(EISDIR);
    bool cuts = place.node != NULL && (flags & O_TRUNC) != 0;
    if (place.node == NULL || cuts) {
        if (!machine_step())
            return crashed();
        /* Somebody else may have been quicker. */
        if (place_find(dirfd, path, &place) != 0)
            return fail(ENOENT);
    }
    if (place.node == NULL)
        place.node = disk_create(place.directory, place.name, false, mode);
    else if (cuts)
        disk_truncate(place.node);
    return open_node(place.node);
}

int WRAP(openat)(int dirfd, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    char real[REAL_PATH_MAX];
    if (path_of_index(path, real))
        return REAL(openat)(AT_FDCWD, real, flags, mode);
    if (!is_ours(dirfd, path))
        return REAL(openat)(dirfd, path, flags, mode);
    machine_point();
    return open_file(dirfd, path, flags, mode);
}

int WRAP(open)(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return WRAP(openat)(AT_FDCWD, path, flags, mode);
}

int __wrap_close(int fd)
{
    return is_our_fd(fd) ? close_fd(fd) : __real_close(fd);
}

int WRAP(fcntl)(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    if (!is_our_fd(fd))
        return REAL(fcntl)(fd, command, argument);
    if (command == F_DUPFD_CLOEXEC || command == F_DUPFD)
        return open_node(file_of(fd)->node);
    return 0;
}

/* ---- reading ---- */

static ssize_t read_at(const struct disk_node *node, size_t at, void *out, size_t size)
{
    if (node->is_directory)
        return fail(EISDIR);
    if (at >= node->len)
        return 0;
    size_t len = node->len - at < size ? node->len - at : size;
    memcpy(out, node->data + at, len);
    return (ssize_t)len;
}

ssize_t __wrap_read(int fd, void *out, size_t size)
{
    if (!is_our_fd(fd))
        return __real_read(fd, out, size);
    struct open_file *file = file_of(fd);
    if (file->watches != NULL)
        return read_watches(file, out, size);
    machine_point();
    ssize_t got = read_at(file->node, file->offset, out, size);
    file->offset += got > 0 ? (size_t)got : 0;
    return got;
}

ssize_t WRAP(pread)(int fd, void *out, size_t size, off_t at)
{
    if (!is_our_fd(fd))
        return REAL(pread)(fd, out, size, at);
    machine_point();
    return read_at(file_of(fd)->node, (size_t)at, out, size);
}

off_t WRAP(lseek)(int fd, off_t at, int whence)
{
    if (!is_our_fd(fd))
        return REAL(lseek)(fd, at, whence);
    struct open_file *file = file_of(fd);
    if (whence == SEEK_CUR)
        at += (off_t)file->offset;
    else if (whence == SEEK_END)
        at += (off_t)file->node->len;
    file->offset = (size_t)at;
    return at;
}

static int tell(const struct disk_node *node, struct stat *out)
{
    *out = (struct stat){.st_dev = 1,
                         .st_ino = node->inode,
                         .st_nlink = node->is_directory ? 2 : node->links,
                         .st_mode = node->mode | (node->is_directory ? S_IFDIR : S_IFREG),
                         .st_size = (off_t)node->len};
    out->st_mtim.tv_sec = node->mtime_ns / 1000000000;
    out->st_mtim.tv_nsec = node->mtime_ns % 1000000000;
    return 0;
}

int WRAP(fstat)(int fd, struct stat *out)
{
    if (!is_our_fd(fd))
        return REAL(fstat)(fd, out);
    machine_point();
    return tell(file_of(fd)->node, out);
}

int WRAP(fstatat)(int dirfd, const char *path, struct stat *out, int flags)
{
    char real[REAL_PATH_MAX];
    struct place place;
    if (path_of_index(path, real))
        return REAL(fstatat)(AT_FDCWD, real, out, flags);
    if (!is_ours(dirfd, path))
        return REAL(fstatat)(dirfd, path, out, flags);
    machine_point();
    int bad = place_find(dirfd, path, &place);
    if (bad != 0 || place.node == NULL)
        return fail(bad != 0 ? bad : ENOENT);
    return tell(place.node, out);
}

int WRAP(stat)(const char *path, struct stat *out)
{
    return WRAP(fstatat)(AT_FDCWD, path, out, 0);
}

/* ---- changing ---- */

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    if (!is_our_fd(fd))
        return __real_write(fd, data, len);
    struct open_file *file = file_of(fd);
    bool before = machine.crashed;
    if (!machine_step()) {
        /* A crash in the middle. */
        if (!before)
            disk_write(file->node, file->offset, data, len / 2);
        return crashed();
    }
    disk_write(file->node, file->offset, data, len);
    file->offset += len;
    return (ssize_t)len;
}

int __wrap_fsync(int fd)
{
    if (!is_our_fd(fd))
        return __real_fsync(fd);
    if (!machine_step())
        return crashed();
    disk_sync(file_of(fd)->node);
    return 0;
}

int __wrap_syncfs(int fd)
{
    if (!is_our_fd(fd))
        return __real_syncfs(fd);
    if (!machine_step())
        return crashed();
    disk_sync_all();
    return 0;
}

int __wrap_fchmod(int fd, mode_t mode)
{
    if (!is_our_fd(fd))
        return __real_fchmod(fd, mode);
    file_of(fd)->node->mode = mode & 07777;
    return 0;
}

int __wrap_flock(int fd, int operation)
{
    return is_our_fd(fd) ? 0 : __real_flock(fd, operation);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
    if (!is_our_fd(fd))
        return __real_futimens(fd, times);
    if (!machine_step())
        return crashed();
    file_of(fd)->node->mtime_ns = (int64_t)times[1].tv_sec * 1000000000 + times[1].tv_nsec;
    return 0;
}
