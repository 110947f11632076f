#include "base/alloc.h"
#include "base/clock.h"
#include "base/files.h"
#include "store/maildir.h"
#include "store/maildir_private.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Names tried in keep_dir before giving up: several files of one base, kept in one second. */
#define KEEP_ATTEMPTS 1000
#define COPY_BYTES 65536

/* ---- flags ---- */

int maildir_set_flags(const struct maildir *md, const char *path, const struct maildir_file *file,
                      uint8_t flags, struct str letters, struct arena *arena, const char **name_out,
                      struct error *err)
{
    if (file->parsed.flags == flags && str_eq(file->parsed.letters, letters)) {
        *name_out = arena_str(arena, file->name).ptr;
        return 0;
    }
    AUTO_HOLD struct maildir_hold hold = {.md = md};
    int from = -1;
    int to = -1;
    int rc = maildir_hold(md, path, &hold.handle, err);
    rc = rc < 0 ? rc : maildir_sub(md, hold.handle, file->in_new ? SUB_NEW : SUB_CUR, &from, err);
    rc = rc < 0 ? rc : maildir_sub(md, hold.handle, SUB_CUR, &to, err);
    if (rc < 0) {
        return rc;
    }
    struct maildir_name name = {.base = file->parsed.base, .flags = flags, .letters = letters};
    const char *old_name = arena_str(arena, file->name).ptr;
    const char *new_name = maildir_name_build(md, arena, &name);
    if (from != to || strcmp(old_name, new_name) != 0) {
        rc = file_rename_new(from, old_name, to, new_name, err);
        maildir_touch(md, hold.handle);
    }
    if (rc < 0) {
        return error_wrap(err, "the folder %s", path);
    }
    *name_out = new_name;
    return 0;
}

/* ---- to another folder ---- */

typedef int (*place_function)(int from_dirfd, const char *from, int to_dirfd, const char *to,
                              struct error *err);

static int place(const struct maildir *md, const char *path, const struct maildir_file *file,
                 const char *to_path, const struct maildir_name *to, bool may_be_new,
                 place_function act, struct error *err)
{
    AUTO_HOLD struct maildir_hold source = {.md = md};
    AUTO_HOLD struct maildir_hold target = {.md = md};
    AUTO_ARENA struct arena *arena = arena_new();
    bool plain = may_be_new && to->flags == 0 && to->letters.len == 0;
    const char *name = plain ? arena_str(arena, to->base).ptr : maildir_name_build(md, arena, to);
    int from_fd = -1;
    int to_fd = -1;
    int rc = maildir_hold_in_batch(md, path, &source.handle, err);
    rc = rc < 0 ? rc : maildir_hold_in_batch(md, to_path, &target.handle, err);
    rc = rc < 0 ? rc
                : maildir_sub(md, source.handle, file->in_new ? SUB_NEW : SUB_CUR, &from_fd, err);
    rc = rc < 0 ? rc : maildir_sub(md, target.handle, plain ? SUB_NEW : SUB_CUR, &to_fd, err);
    if (rc < 0) {
        return rc;
    }
    rc = act(from_fd, arena_str(arena, file->name).ptr, to_fd, name, err);
    maildir_touch(md, source.handle);
    maildir_touch(md, target.handle);
    return rc < 0 ? error_wrap(err, "from the folder %s to %s", path, to_path) : 0;
}

int maildir_move(const struct maildir *md, const char *path, const struct maildir_file *file,
                 const char *to_path, const struct maildir_name *to, struct error *err)
{
    return place(md, path, file, to_path, to, file->in_new, file_rename_new, err);
}

int maildir_link(const struct maildir *md, const char *path, const struct maildir_file *file,
                 const char *to_path, const struct maildir_name *to, struct error *err)
{
    return place(md, path, file, to_path, to, true, file_link, err);
}

/* ---- keeping what is removed ---- */

/* "TIME.BASE", with a number in between from the second attempt on. */
static char *keep_name(const char *keep_dir, struct str base, int64_t now_s, unsigned attempt)
{
    char prefix[64];
    int len = attempt == 0 ? snprintf(prefix, sizeof prefix, "%" PRId64 ".", now_s)
                           : snprintf(prefix, sizeof prefix, "%" PRId64 ".%u.", now_s, attempt);
    struct str fits = str_sub(base, 0, MAILDIR_FILE_NAME_MAX - (size_t)len);
    return xasprintf("%s/%s%.*s", keep_dir, prefix, STR_ARG(fits));
}

static int copy_bytes(int from, int to, const char *path, struct error *err)
{
    AUTO_FREE char *piece = xmalloc(COPY_BYTES);
    for (;;) {
        ssize_t got = read(from, piece, COPY_BYTES);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_set_errno(err, ERR_READ, SCOPE_MESSAGE, errno, "cannot read %s", path);
        }
        if (got == 0) {
            return 0;
        }
        int rc = file_write(to, piece, (size_t)got, path, err);
        if (rc < 0) {
            return rc;
        }
    }
}

static int copy_contents(int from, int to, const char *path, struct error *err)
{
    struct stat found;
    if (fstat(from, &found) < 0) {
        return error_set_errno(err, ERR_READ, SCOPE_MESSAGE, errno, "cannot look at %s", path);
    }
    int64_t mtime_ns = (int64_t)found.st_mtim.tv_sec * 1000000000 + found.st_mtim.tv_nsec;
    int rc = copy_bytes(from, to, path, err);
    rc = rc < 0 ? rc : file_set_times(to, mtime_ns, path, err);
    return rc < 0 ? rc : file_sync(to, path, err);
}

/* To another file system: durable there before it goes here. If the file was renamed meanwhile it
 * is not ours to remove any more, and the copy goes again. */
static int keep_copy(int from, const char *name, const char *keep_dir, const char *kept,
                     struct error *err)
{
    AUTO_FD int source = -1;
    AUTO_FD int target = -1;
    int rc = file_open(from, name, O_RDONLY, 0, &source, err);
    rc = rc < 0 ? rc : file_open(AT_FDCWD, kept, O_WRONLY | O_CREAT | O_EXCL, 0600, &target, err);
    if (rc < 0) {
        return rc;
    }
    rc = copy_contents(source, target, kept, err);
    rc = rc < 0 ? rc : file_sync_dir(AT_FDCWD, keep_dir, err);
    rc = rc < 0 ? rc : file_unlink(from, name, err);
    if (rc < 0) {
        struct error ignored = ERROR_INIT;
        (void)file_unlink(AT_FDCWD, kept, &ignored);
    }
    return rc;
}

static int keep_once(int from, const char *name, const char *keep_dir, const char *kept,
                     struct error *err)
{
    int rc = file_rename_new(from, name, AT_FDCWD, kept, err);
    if (rc < 0 && err->os_errno == EXDEV) {
        error_clear(err);
        rc = keep_copy(from, name, keep_dir, kept, err);
    }
    return rc;
}

static int keep(int from, const struct maildir_file *file, const char *keep_dir, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *name = arena_str(arena, file->name).ptr;
    int64_t now_s = clock_wall_ms(&clock_system) / 1000;
    int rc = file_mkdir_all(keep_dir, 0700, err);
    if (rc < 0) {
        return rc;
    }
    rc = -ERR_EXISTS;
    for (unsigned attempt = 0; rc == -ERR_EXISTS && attempt < KEEP_ATTEMPTS; attempt++) {
        error_clear(err);
        AUTO_FREE char *kept = keep_name(keep_dir, file->parsed.base, now_s, attempt);
        rc = keep_once(from, name, keep_dir, kept, err);
    }
    return rc;
}

int maildir_remove(const struct maildir *md, const char *path, const struct maildir_file *file,
                   const char *keep_dir, struct error *err)
{
    AUTO_HOLD struct maildir_hold hold = {.md = md};
    AUTO_ARENA struct arena *arena = arena_new();
    int from = -1;
    int rc = maildir_hold(md, path, &hold.handle, err);
    rc = rc < 0 ? rc : maildir_sub(md, hold.handle, file->in_new ? SUB_NEW : SUB_CUR, &from, err);
    if (rc < 0) {
        return rc;
    }
    rc = keep_dir == NULL ? file_unlink(from, arena_str(arena, file->name).ptr, err)
                          : keep(from, file, keep_dir, err);
    maildir_touch(md, hold.handle);
    return rc < 0 ? error_wrap(err, "the folder %s", path) : 0;
}

/* ---- bringing back ---- */

/* "TIME.BASE" or "TIME.N.BASE", as keep_name makes it. */
static bool is_kept_of(const char *name, struct str base, uint64_t *since_out)
{
    struct str rest = str_from(name);
    struct str time, number;
    uint64_t ignored;
    if (!str_split(&rest, '.', &time) || !str_to_u64(time, since_out)) {
        return false;
    }
    size_t fits = MAILDIR_FILE_NAME_MAX - time.len - 1;
    if (str_eq(rest, str_sub(base, 0, fits))) {
        return true;
    }
    return str_split(&rest, '.', &number) && str_to_u64(number, &ignored) &&
           str_eq(rest, str_sub(base, 0, fits - number.len - 1));
}

/* The name in keep_dir of the file kept last; NULL: none. */
static char *find_kept(const char *keep_dir, struct str base)
{
    DIR *dir = opendir(keep_dir);
    const struct dirent *entry;
    char *found = NULL;
    uint64_t newest = 0;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        uint64_t since;
        if (!is_kept_of(entry->d_name, base, &since) || (found != NULL && since < newest)) {
            continue;
        }
        xfree(&found);
        found = xstrdup(entry->d_name);
        newest = since;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return found;
}

/* From another file system: durable in tmp/ before it gets its place. */
static int restore_copy(const struct maildir *md, struct maildir_handle *handle, const char *kept,
                        int cur, const char *name, struct error *err)
{
    AUTO_FD int source = -1;
    AUTO_FD int target = -1;
    int tmp = -1;
    int rc = maildir_sub(md, handle, SUB_TMP, &tmp, err);
    rc = rc < 0 ? rc : file_open(AT_FDCWD, kept, O_RDONLY, 0, &source, err);
    rc = rc < 0 ? rc : file_open(tmp, name, O_WRONLY | O_CREAT | O_EXCL, 0600, &target, err);
    rc = rc < 0 ? rc : copy_contents(source, target, kept, err);
    rc = rc < 0 ? rc : file_rename_new(tmp, name, cur, name, err);
    return rc < 0 ? rc : file_unlink(AT_FDCWD, kept, err);
}

int maildir_restore(const struct maildir *md, const char *keep_dir, struct str base,
                    const char *path, uint8_t flags, bool dry, struct error *err)
{
    AUTO_HOLD struct maildir_hold hold = {.md = md};
    AUTO_ARENA struct arena *arena = arena_new();
    AUTO_FREE char *found = find_kept(keep_dir, base);
    const struct maildir_name parsed = {.base = base, .flags = flags};
    int cur = -1;
    if (found == NULL) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "no file of %.*s is kept in %s",
                         STR_ARG(base), keep_dir);
    }
    if (dry) {
        return 0;
    }
    AUTO_FREE char *kept = path_join(keep_dir, found);
    const char *name = maildir_name_build(md, arena, &parsed);
    int rc = maildir_hold(md, path, &hold.handle, err);
    rc = rc < 0 ? rc : maildir_sub(md, hold.handle, SUB_CUR, &cur, err);
    rc = rc < 0 ? rc : file_rename_new(AT_FDCWD, kept, cur, name, err);
    if (rc < 0 && err->os_errno == EXDEV) {
        error_clear(err);
        rc = restore_copy(md, hold.handle, kept, cur, name, err);
    }
    rc = rc < 0 ? rc : maildir_sync_folder(md, path, err);
    return rc < 0 ? error_wrap(err, "the folder %s", path) : 0;
}

/* ---- what was kept long enough ---- */

/* The time that a name in keep_dir begins with; false if it is none of ours. */
static bool kept_since(const char *name, uint64_t *out)
{
    struct str rest = str_from(name);
    struct str time;
    return str_split(&rest, '.', &time) && rest.len > 0 && str_to_u64(time, out);
}

static int expire_all(DIR *dir, int64_t before_s, struct error *err)
{
    const struct dirent *entry;
    int rc = 0;
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        uint64_t since_s;
        if (!kept_since(entry->d_name, &since_s) || since_s > INT64_MAX ||
            (int64_t)since_s >= before_s) {
            continue;
        }
        rc = file_unlink(dirfd(dir), entry->d_name, err);
        if (rc == -ERR_NOT_FOUND) {
            error_clear(err);
            rc = 0;
        }
    }
    return rc;
}

int maildir_keep_expire(const char *keep_dir, int64_t max_age_s, int64_t now_s, struct error *err)
{
    DIR *dir = opendir(keep_dir);
    if (dir == NULL && errno == ENOENT) {
        return 0;
    }
    if (dir == NULL) {
        return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, errno, "cannot list %s", keep_dir);
    }
    int rc = expire_all(dir, now_s - max_age_s, err);
    (void)closedir(dir);
    return rc < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}
