/*
 * Folders held open.
 *
 * Every name below the root is opened part by part, without following links. That costs a dozen
 * system calls, so a folder stays open for a while; whoever wants it again checks that the same
 * directories still stand under these names. A folder that was moved away or made anew is dropped
 * and opened again.
 */
#include "base/alloc.h"
#include "base/files.h"
#include "store/maildir_private.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* Folders that nobody uses and that are kept open for the next one who does. */
#define IDLE_HANDLES_MAX 4

/* ---- opening paths ---- */

static bool part_is_safe(struct str part)
{
    return part.len > 0 && !str_eq(part, STR(".")) && !str_eq(part, STR(".."));
}

bool maildir_path_is_safe(const char *path)
{
    struct str rest = str_from(path);
    struct str part;
    if (rest.len == 0 || path[rest.len - 1] == '/') {
        return false;
    }
    while (str_split(&rest, '/', &part)) {
        if (!part_is_safe(part)) {
            return false;
        }
    }
    return true;
}

/* Goes from the directory *at down to `path` below it. */
static int descend(int *at, const char *path, struct error *err)
{
    AUTO_FREE char *parts = xstrdup(path);
    char *part = parts;
    while (part != NULL) {
        char *slash = strchr(part, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        AUTO_FD int next = -1;
        int rc = file_open(*at, part, O_RDONLY | O_DIRECTORY, 0, &next, err);
        if (rc < 0) {
            return rc;
        }
        file_close(at);
        *at = next;
        next = -1;
        part = slash == NULL ? NULL : slash + 1;
    }
    return 0;
}

/* The INBOX may stand elsewhere by the user's own word; then links on the way there are followed.
 */
static int open_elsewhere(const struct maildir *md, const char *path, int *fd_out,
                          struct error *err)
{
    if (strcmp(path, md->inbox) != 0) {
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "%s is outside the Maildir %s", path,
                         md->root);
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_READ, SCOPE_MAILBOX,
                               errno, "cannot open %s", path);
    }
    *fd_out = fd;
    return 0;
}

int maildir_open_path(const struct maildir *md, const char *path, int *fd_out, struct error *err)
{
    if (path[0] == '/') {
        return open_elsewhere(md, path, fd_out, err);
    }
    bool is_root = strcmp(path, ".") == 0;
    if (!is_root && !maildir_path_is_safe(path)) {
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "%s leads out of the Maildir %s", path,
                         md->root);
    }
    AUTO_FD int at = -1;
    int rc = maildir_open_root(md, &at, err);
    if (rc < 0) {
        return rc;
    }
    rc = is_root ? 0 : descend(&at, path, err);
    if (rc < 0) {
        error_wrap(err, "the folder %s of %s", path, md->root);
        return error_widen(err, SCOPE_MAILBOX);
    }
    *fd_out = at;
    at = -1;
    return 0;
}

/* ---- identity ---- */

static bool identity_of(int fd, struct maildir_identity *out)
{
    struct stat found;
    if (fstat(fd, &found) < 0) {
        return false;
    }
    *out = (struct maildir_identity){.device = found.st_dev, .inode = found.st_ino};
    return true;
}

static bool stands(int dirfd, const char *name, int flags, const struct maildir_identity *identity)
{
    struct stat found;
    return fstatat(dirfd, name, &found, flags) == 0 && found.st_dev == identity->device &&
           found.st_ino == identity->inode;
}

/* A batch of deliveries asks for its folder thousands of times a second: once in this while is
 * enough, since a folder can be moved away right after any look as well. A scan is another matter:
 * what it does not find may be taken for removed. */
#define CHECK_INTERVAL_MS 100

static int64_t coarse_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Only while somebody else holds it: who begins anew looks anew. */
static bool was_checked_just_now(const struct maildir_handle *handle)
{
    return handle->users > 0 && coarse_now_ms() - handle->checked_ms < CHECK_INTERVAL_MS;
}

/* Whether the directories held open are still those that the path leads to. */
static bool still_stands(struct maildir_handle *handle)
{
    handle->checked_ms = coarse_now_ms();
    /* The root and an INBOX elsewhere may be links. */
    bool named_by_user = handle->path[0] == '/' || strcmp(handle->path, ".") == 0;
    int flags = named_by_user ? 0 : AT_SYMLINK_NOFOLLOW;
    bool same = stands(AT_FDCWD, handle->full_path, flags, &handle->dir_identity);
    for (size_t i = 0; same && i < MAILDIR_SUB_COUNT; i++) {
        same = handle->sub[i] < 0 || stands(handle->dir, maildir_sub_names[i], AT_SYMLINK_NOFOLLOW,
                                            &handle->sub_identity[i]);
    }
    return same;
}

/* ---- handles ---- */

static void handle_free(struct maildir_handle *handle)
{
    for (size_t i = 0; i < MAILDIR_SUB_COUNT; i++) {
        file_close(&handle->sub[i]);
    }
    file_close(&handle->dir);
    xfree(&handle->path);
    xfree(&handle->full_path);
    xfree(&handle);
}

static int sub_open(struct maildir_handle *handle, enum maildir_sub sub, struct error *err)
{
    int rc = file_open(handle->dir, maildir_sub_names[sub], O_RDONLY | O_DIRECTORY, 0,
                       &handle->sub[sub], err);
    if (rc == 0 && !identity_of(handle->sub[sub], &handle->sub_identity[sub])) {
        rc = error_set_errno(err, ERR_READ, SCOPE_MAILBOX, errno, "cannot look at %s",
                             maildir_sub_names[sub]);
    }
    return rc;
}

static int handle_open(const struct maildir *md, const char *path, struct maildir_handle **out,
                       struct error *err)
{
    int dir = -1;
    int rc = maildir_open_path(md, path, &dir, err);
    if (rc < 0) {
        return rc;
    }
    struct maildir_handle *handle = xcalloc(1, sizeof *handle);
    handle->path = xstrdup(path);
    handle->full_path = path[0] == '/' ? xstrdup(path) : path_join(md->root, path);
    handle->dir = dir;
    for (size_t i = 0; i < MAILDIR_SUB_COUNT; i++) {
        handle->sub[i] = -1;
    }
    struct stat root;
    handle->other_device = !identity_of(dir, &handle->dir_identity) || stat(md->root, &root) < 0 ||
                           root.st_dev != handle->dir_identity.device;
    rc = sub_open(handle, SUB_CUR, err);
    if (rc < 0) {
        handle_free(handle);
        error_wrap(err, "the folder %s of %s", path, md->root);
        return error_widen(err, SCOPE_MAILBOX);
    }
    *out = handle;
    return 0;
}

/* Takes the handle at `place` out of the list. */
static void unlist(struct maildir_shared *shared, size_t place)
{
    assert(place < shared->handles.len);
    struct maildir_handle **at = &shared->handles.items[place];
    memmove(at, at + 1, (shared->handles.len - place - 1) * sizeof *at);
    shared->handles.len--;
}

/* The listed handle of the path, if its directories still stand there; a stale one leaves the list.
 */
static struct maildir_handle *find_listed(struct maildir_shared *shared, const char *path,
                                          bool in_batch)
{
    for (size_t i = 0; i < shared->handles.len; i++) {
        struct maildir_handle *handle = shared->handles.items[i];
        if (strcmp(handle->path, path) != 0) {
            continue;
        }
        unlist(shared, i);
        if ((in_batch && was_checked_just_now(handle)) || still_stands(handle)) {
            vec_push(&shared->handles, handle);
            return handle;
        }
        handle->stale = true;
        if (handle->users == 0) {
            handle_free(handle);
        }
        return NULL;
    }
    return NULL;
}

static int hold(const struct maildir *md, const char *path, bool in_batch,
                struct maildir_handle **out, struct error *err)
{
    struct maildir_shared *shared = md->shared;
    int rc = 0;
    (void)pthread_mutex_lock(&shared->lock);
    struct maildir_handle *handle = find_listed(shared, path, in_batch);
    if (handle == NULL) {
        rc = handle_open(md, path, &handle, err);
        if (rc == 0) {
            vec_push(&shared->handles, handle);
        }
    }
    if (rc == 0) {
        handle->users++;
        *out = handle;
    }
    (void)pthread_mutex_unlock(&shared->lock);
    return rc;
}

int maildir_hold(const struct maildir *md, const char *path, struct maildir_handle **out,
                 struct error *err)
{
    return hold(md, path, false, out, err);
}

int maildir_hold_in_batch(const struct maildir *md, const char *path, struct maildir_handle **out,
                          struct error *err)
{
    return hold(md, path, true, out, err);
}

struct maildir_handle *maildir_hold_again(const struct maildir *md, struct maildir_handle *handle)
{
    (void)pthread_mutex_lock(&md->shared->lock);
    assert(handle->users > 0);
    handle->users++;
    (void)pthread_mutex_unlock(&md->shared->lock);
    return handle;
}

/* Closes the idle folders that were not used for longest. */
static void trim_idle(struct maildir_shared *shared)
{
    size_t idle = 0;
    for (size_t i = shared->handles.len; i-- > 0;) {
        struct maildir_handle *handle = shared->handles.items[i];
        if (handle->users == 0 && ++idle > IDLE_HANDLES_MAX) {
            unlist(shared, i);
            handle_free(handle);
        }
    }
}

static size_t place_of(const struct maildir_shared *shared, const struct maildir_handle *handle)
{
    size_t place = 0;
    while (place < shared->handles.len && shared->handles.items[place] != handle) {
        place++;
    }
    return place;
}

void maildir_release(const struct maildir *md, struct maildir_handle **handle)
{
    if (*handle == NULL) {
        return;
    }
    struct maildir_shared *shared = md->shared;
    (void)pthread_mutex_lock(&shared->lock);
    assert((*handle)->users > 0);
    (*handle)->users--;
    if ((*handle)->users == 0) {
        if ((*handle)->stale) {
            size_t place = place_of(shared, *handle);
            if (place < shared->handles.len) {
                unlist(shared, place);
            }
            handle_free(*handle);
        } else {
            trim_idle(shared);
        }
    }
    (void)pthread_mutex_unlock(&shared->lock);
    *handle = NULL;
}

void maildir_hold_end(struct maildir_hold *hold)
{
    maildir_release(hold->md, &hold->handle);
}

int maildir_sub(const struct maildir *md, struct maildir_handle *handle, enum maildir_sub sub,
                int *fd_out, struct error *err)
{
    (void)pthread_mutex_lock(&md->shared->lock);
    int rc = 0;
    if (handle->sub[sub] < 0) {
        rc = sub_open(handle, sub, err);
        if (rc == -ERR_NOT_FOUND && sub != SUB_CUR) {
            error_clear(err);
            rc = file_mkdir(handle->dir, maildir_sub_names[sub], 0700, err);
            rc = rc < 0 ? rc : sub_open(handle, sub, err);
        }
    }
    *fd_out = handle->sub[sub];
    (void)pthread_mutex_unlock(&md->shared->lock);
    if (rc < 0) {
        error_wrap(err, "the folder %s", handle->full_path);
        return error_widen(err, SCOPE_MAILBOX);
    }
    return 0;
}

/* ---- durability ---- */

static bool device_listed(const struct maildir_shared *shared, dev_t device)
{
    VEC_FOREACH (int, fd, &shared->other_devices) {
        struct maildir_identity identity;
        if (identity_of(*fd, &identity) && identity.device == device) {
            return true;
        }
    }
    return false;
}

void maildir_touch(const struct maildir *md, const struct maildir_handle *handle)
{
    if (!handle->other_device) {
        return;
    }
    struct maildir_shared *shared = md->shared;
    (void)pthread_mutex_lock(&shared->lock);
    if (!device_listed(shared, handle->dir_identity.device)) {
        int fd = fcntl(handle->dir, F_DUPFD_CLOEXEC, 0);
        if (fd >= 0) {
            vec_push(&shared->other_devices, fd);
        }
    }
    (void)pthread_mutex_unlock(&shared->lock);
}

int maildir_sync_folder(const struct maildir *md, const char *path, struct error *err)
{
    AUTO_HOLD struct maildir_hold hold = {.md = md};
    int rc = maildir_hold(md, path, &hold.handle, err);
    for (enum maildir_sub sub = SUB_NEW; rc == 0 && sub <= SUB_CUR; sub++) {
        int fd = -1;
        rc = maildir_sub(md, hold.handle, sub, &fd, err);
        rc = rc < 0 ? rc : file_sync_dir(fd, ".", err);
    }
    return rc < 0 ? error_widen(err, SCOPE_MAILBOX) : 0;
}

int maildir_sync_all(const struct maildir *md, struct error *err)
{
    AUTO_FD int root = -1;
    int rc = maildir_open_root(md, &root, err);
    rc = rc < 0 ? rc : file_sync_fs(root, md->root, err);
    struct maildir_shared *shared = md->shared;
    (void)pthread_mutex_lock(&shared->lock);
    for (size_t i = 0; rc == 0 && i < shared->other_devices.len; i++) {
        rc = file_sync_fs(shared->other_devices.items[i], md->root, err);
    }
    (void)pthread_mutex_unlock(&shared->lock);
    return rc < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}
