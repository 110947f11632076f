/* In the place of the calls that list and change directories. */
#include "sim/acts.h"
#include "sim/calls.h"
#include "sim/calls_files.h"
#include "sim/machine.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __GLIBC__
#define WRAP(name) __wrap_##name##64
#else
#define WRAP(name) __wrap_##name
#endif

#define DECLARE(type, name, ...)                                                                   \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __real_##name(__VA_ARGS__);

DECLARE(DIR *, opendir, const char *)
DECLARE(DIR *, fdopendir, int)
struct dirent *WRAP(readdir)(DIR *);
DECLARE(int, closedir, DIR *)
DECLARE(int, dirfd, DIR *)
DECLARE(int, unlinkat, int, const char *, int)
DECLARE(int, unlink, const char *)
DECLARE(int, rmdir, const char *)
DECLARE(int, mkdirat, int, const char *, mode_t)
DECLARE(int, linkat, int, const char *, int, const char *, int)
DECLARE(int, renameat, int, const char *, int, const char *)
DECLARE(int, renameat2, int, const char *, int, const char *, unsigned)
DECLARE(int, inotify_init1, int)
DECLARE(int, inotify_add_watch, int, const char *, uint32_t)
DECLARE(int, inotify_rm_watch, int, int)

static int fail(int os_errno)
{
    errno = os_errno;
    return -1;
}

/* ---- listing ---- */

/*
 * Entries come in the order of their names' hashes, as they do on large file systems: one that is
 * renamed while the directory is read may be told twice, or not at all.
 */
struct reading {
    int fd;
    uint64_t last;
    struct dirent entry;
};

static uint64_t place_of(const char *name)
{
    uint64_t hash = str_hash(str_from(name));
    return random_next(&hash) | 1;
}

DIR *__wrap_fdopendir(int fd)
{
    if (!is_our_fd(fd))
        abort();
    struct reading *reading = xcalloc(1, sizeof *reading);
    reading->fd = fd;
    return (DIR *)(void *)reading;
}

DIR *__wrap_opendir(const char *path)
{
    struct place place;
    machine_point();
    if (!is_ours(AT_FDCWD, path))
        abort();
    int bad = place_find(AT_FDCWD, path, &place);
    if (bad == 0 && place.node == NULL)
        bad = ENOENT;
    if (bad == 0 && !place.node->is_directory)
        bad = ENOTDIR;
    if (bad != 0) {
        errno = bad;
        return NULL;
    }
    return __wrap_fdopendir(open_node(place.node));
}

struct dirent *WRAP(readdir)(DIR *directory)
{
    struct reading *reading = (struct reading *)(void *)directory;
    const struct disk_entry *next = NULL;
    uint64_t next_place = 0;
    machine_point();
    VEC_FOREACH (const struct disk_entry, entry, &file_of(reading->fd)->node->entries) {
        uint64_t place = place_of(entry->name);
        if (place > reading->last && (next == NULL || place < next_place)) {
            next = entry;
            next_place = place;
        }
    }
    if (next == NULL)
        return NULL;
    reading->last = next_place;
    reading->entry.d_ino = next->node->inode;
    reading->entry.d_type = next->node->is_directory ? DT_DIR : DT_REG;
    snprintf(reading->entry.d_name, sizeof reading->entry.d_name, "%s", next->name);
    return &reading->entry;
}

int __wrap_closedir(DIR *directory)
{
    struct reading *reading = (struct reading *)(void *)directory;
    close_fd(reading->fd);
    xfree(&reading);
    return 0;
}

int __wrap_dirfd(DIR *directory)
{
    const struct reading *reading = (struct reading *)(void *)directory;
    return reading->fd;
}

/* ---- changing ---- */

static int remove_place(int dirfd, const char *path, bool directory)
{
    struct place place;
    if (!machine_step())
        return fail(EIO);
    int bad = place_find(dirfd, path, &place);
    if (bad != 0 || place.node == NULL || place.directory == NULL)
        return fail(bad != 0 ? bad : ENOENT);
    if (place.node->is_directory != directory)
        return fail(directory ? ENOTDIR : EISDIR);
    if (directory && place.node->entries.len > 0)
        return fail(ENOTEMPTY);
    acts_note_entry(&place, NULL);
    disk_unlink(place.directory, place.name);
    return 0;
}

int __wrap_unlinkat(int dirfd, const char *path, int flags)
{
    char real[REAL_PATH_MAX];
    if (path_of_index(path, real)) {
        if (!machine_step())
            return fail(EIO);
        calls_index_moves();
        return __real_unlink(real);
    }
    if (!is_ours(dirfd, path))
        return __real_unlinkat(dirfd, path, flags);
    return remove_place(dirfd, path, (flags & AT_REMOVEDIR) != 0);
}

int __wrap_unlink(const char *path)
{
    return __wrap_unlinkat(AT_FDCWD, path, 0);
}

int __wrap_rmdir(const char *path)
{
    return __wrap_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int __wrap_mkdirat(int dirfd, const char *path, mode_t mode)
{
    struct place place;
    if (!is_ours(dirfd, path))
        return __real_mkdirat(dirfd, path, mode);
    if (!machine_step())
        return fail(EIO);
    int bad = place_find(dirfd, path, &place);
    if (bad != 0 || place.node != NULL)
        return fail(bad != 0 ? bad : EEXIST);
    acts_note_directory(&place);
    (void)disk_create(place.directory, place.name, true, mode);
    return 0;
}

int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    struct place source, target;
    if (!is_ours(from_fd, from))
        return __real_linkat(from_fd, from, to_fd, to, flags);
    if (!machine_step())
        return fail(EIO);
    int bad = place_find(from_fd, from, &source);
    if (bad == 0)
        bad = place_find(to_fd, to, &target);
    if (bad != 0 || source.node == NULL)
        return fail(bad != 0 ? bad : ENOENT);
    if (target.node != NULL || source.node->is_directory)
        return fail(target.node != NULL ? EEXIST : EPERM);
    acts_note_entry(NULL, &target);
    disk_link(target.directory, target.name, source.node);
    return 0;
}

static bool is_within(const struct disk_node *directory, const struct disk_node *below)
{
    if (directory == below)
        return true;
    VEC_FOREACH (const struct disk_entry, entry, &directory->entries) {
        if (entry->node->is_directory && is_within(entry->node, below))
            return true;
    }
    return false;
}

static int rename_place(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    struct place source, target;
    if (!machine_step())
        return fail(EIO);
    int bad = place_find(from_fd, from, &source);
    if (bad == 0)
        bad = place_find(to_fd, to, &target);
    if (bad != 0 || source.node == NULL || source.directory == NULL)
        return fail(bad != 0 ? bad : ENOENT);
    if (target.node != NULL && (flags & RENAME_NOREPLACE) != 0)
        return fail(EEXIST);
    if (target.node == source.node)
        return 0;
    if (target.node != NULL && target.node->is_directory && target.node->entries.len > 0)
        return fail(ENOTEMPTY);
    if (source.node->is_directory && is_within(source.node, target.directory))
        return fail(EINVAL);
    acts_note_entry(&source, &target);
    disk_rename(source.directory, source.name, target.directory, target.name);
    return 0;
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    char real_from[REAL_PATH_MAX], real_to[REAL_PATH_MAX];
    if (path_of_index(from, real_from) && path_of_index(to, real_to)) {
        if (!machine_step())
            return fail(EIO);
        calls_index_moves();
        return __real_renameat(AT_FDCWD, real_from, AT_FDCWD, real_to);
    }
    if (!is_ours(from_fd, from))
        return __real_renameat2(from_fd, from, to_fd, to, flags);
    return rename_place(from_fd, from, to_fd, to, flags);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return __wrap_renameat2(from_fd, from, to_fd, to, 0);
}

/* ---- watching ---- */

int __wrap_inotify_init1(int flags)
{
    return open_watches();
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    struct watches *watches = file_of(fd)->watches;
    struct place place;
    int of;
    if (sscanf(path, "/proc/self/fd/%d", &of) == 1)
        place.node = file_of(of)->node;
    else if (place_find(AT_FDCWD, path, &place) != 0 || place.node == NULL)
        return fail(ENOENT);
    static int last;
    vec_push(watches, ((struct watch){++last, place.node, place.node->changes}));
    return last;
}

int __wrap_inotify_rm_watch(int fd, int number)
{
    struct watches *watches = file_of(fd)->watches;
    VEC_FOREACH (struct watch, watch, watches) {
        if (watch->number == number) {
            *watch = watches->items[--watches->len];
            return 0;
        }
    }
    return fail(EINVAL);
}
