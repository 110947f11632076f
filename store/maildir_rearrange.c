/*
 * Folders under another path, and folders that go.
 *
 * A folder keeps its cur/, new/ and tmp/ as they are, inodes and all: that is what tells later that
 * it is the same one. Nothing is ever moved onto a folder, and nothing removed that holds a file
 * but for the book-keeping that mail programs leave behind.
 */
#include "base/files.h"
#include "store/maildir.h"
#include "store/maildir_private.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What may be removed with an empty folder. */
static const char *const bookkeeping[] = {
    "maildirfolder",    "dovecot-keywords",  "dovecot-uidlist",     "dovecot-uidvalidity",
    "dovecot.index",    "dovecot.index.log", "dovecot.index.cache", "dovecot.list.index.log",
    "courierimapuiddb", ".uidvalidity",      ".mbsyncstate",
};

static int leads_out(const struct maildir *md, const char *path, struct error *err)
{
    return error_set(err, ERR_REFUSED, SCOPE_MAILBOX,
                     "the folder %s of %s is kept elsewhere: move it by hand, and nothing is lost",
                     path, md->root);
}

/* The directory that holds the last part of `path`, and that part. */
static int open_parent(const struct maildir *md, const char *path, bool create, int *fd_out,
                       const char **name_out, struct error *err)
{
    const char *slash = strrchr(path, '/');
    *name_out = slash != NULL ? slash + 1 : path;
    if (slash == NULL) {
        return maildir_open_root(md, fd_out, err);
    }
    AUTO_FREE char *parent = xmemdup(path, (size_t)(slash - path) + 1);
    parent[slash - path] = '\0';
    return create ? maildir_make_directories(md, parent, fd_out, err)
                  : maildir_open_path(md, parent, fd_out, err);
}

static bool holds_folder(int parent, const char *name)
{
    AUTO_FREE char *cur = path_join(name, maildir_sub_names[SUB_CUR]);
    struct stat found;
    return fstatat(parent, cur, &found, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_sub(const char *name)
{
    for (size_t i = 0; i < MAILDIR_SUB_COUNT; i++) {
        if (strcmp(name, maildir_sub_names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Regular files, and new/ and tmp/: folders inside stay, and cur/ comes last. The root's own files
 * are not those of the INBOX in it. */
static bool goes_along(int dirfd, const struct dirent *entry, bool root)
{
    struct stat found;
    if (strcmp(entry->d_name, maildir_sub_names[SUB_CUR]) == 0 ||
        fstatat(dirfd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) < 0) {
        return false;
    }
    return S_ISDIR(found.st_mode) ? is_sub(entry->d_name) : !root;
}

/* What an earlier attempt has moved already is no error. */
static int move_part(int from, int to, const char *name, struct error *err)
{
    int rc = file_rename(from, name, to, name, err);
    if (rc == -ERR_NOT_FOUND) {
        error_clear(err);
        rc = 0;
    }
    return rc;
}

static bool is_root(const char *path)
{
    return strcmp(path, ".") == 0;
}

static int move_parts(int from, int to, const char *path, struct error *err)
{
    int own = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    if (dir == NULL) {
        int os_errno = errno;
        file_close(&own);
        return error_set_errno(err, ERR_READ, SCOPE_MAILBOX, os_errno, "cannot list %s", path);
    }
    int rc = 0;
    struct dirent *entry;
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        if (goes_along(from, entry, is_root(path))) {
            rc = move_part(from, to, entry->d_name, err);
        }
    }
    (void)closedir(dir);
    rc = rc < 0 ? rc : move_part(from, to, maildir_sub_names[SUB_CUR], err);
    rc = rc < 0 ? rc : file_sync_dir(to, ".", err);
    return rc < 0 ? rc : file_sync_dir(from, ".", err);
}

/* Empty directories on the way to what is gone. */
static void tidy_parents(const struct maildir *md, const char *path)
{
    AUTO_FREE char *at = xstrdup(path);
    AUTO_FD int root = -1;
    struct error ignored = ERROR_INIT;
    if (maildir_open_root(md, &root, &ignored) < 0) {
        return;
    }
    char *slash;
    do {
        if (unlinkat(root, at, AT_REMOVEDIR) < 0 && errno != ENOENT) {
            return;
        }
        slash = strrchr(at, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    } while (slash != NULL);
}

static int move_in_parts(const struct maildir *md, const char *from, const char *to,
                         struct error *err)
{
    AUTO_FD int from_dir = -1;
    AUTO_FD int to_dir = -1;
    int rc = maildir_open_path(md, from, &from_dir, err);
    rc = rc < 0 ? rc : maildir_make_directories(md, to, &to_dir, err);
    rc = rc < 0 ? rc : move_parts(from_dir, to_dir, from, err);
    if (rc == 0 && !is_root(from)) {
        tidy_parents(md, from);
    }
    return rc;
}

static int move_whole(const struct maildir *md, const char *from, const char *to, struct error *err)
{
    AUTO_FD int from_parent = -1;
    AUTO_FD int to_parent = -1;
    const char *from_name;
    const char *to_name;
    int rc = open_parent(md, from, false, &from_parent, &from_name, err);
    rc = rc < 0 ? rc : open_parent(md, to, true, &to_parent, &to_name, err);
    rc = rc < 0 ? rc : file_rename(from_parent, from_name, to_parent, to_name, err);
    rc = rc < 0 ? rc : file_sync_dir(to_parent, ".", err);
    return rc < 0 ? rc : file_sync_dir(from_parent, ".", err);
}

static bool lies_below(const char *path, const char *above)
{
    size_t len = strlen(above);
    return strncmp(path, above, len) == 0 && path[len] == '/';
}

static bool is_plain(const char *path)
{
    return path[0] != '/' && !is_root(path) && maildir_path_is_safe(path);
}

static bool may_move(const char *path)
{
    return is_root(path) || is_plain(path);
}

int maildir_rename_folder(const struct maildir *md, const char *from, const char *to, bool whole,
                          struct error *err)
{
    AUTO_FD int to_parent = -1;
    const char *to_name;
    if (!may_move(from) || !may_move(to)) {
        return leads_out(md, may_move(from) ? to : from, err);
    }
    int rc = open_parent(md, to, true, &to_parent, &to_name, err);
    if (rc == 0 && holds_folder(to_parent, to_name)) {
        rc = error_set(err, ERR_EXISTS, SCOPE_MAILBOX, "the folder %s is there already", to);
    }
    if (rc == 0 && whole && is_plain(from) && is_plain(to) && !lies_below(to, from)) {
        rc = move_whole(md, from, to, err);
        /* A directory that holds folders of this name already takes the folder's parts in. */
        if (rc < 0 && (err->os_errno == ENOTEMPTY || err->os_errno == EEXIST)) {
            error_clear(err);
            rc = move_in_parts(md, from, to, err);
        }
    } else if (rc == 0) {
        rc = move_in_parts(md, from, to, err);
    }
    if (rc < 0) {
        error_wrap(err, "renaming the folder %s of %s to %s", from, md->root, to);
        return error_widen(err, SCOPE_MAILBOX);
    }
    return 0;
}

/* ---- removal ---- */

static int still_holds(const char *path, struct error *err)
{
    return error_set(err, ERR_EXISTS, SCOPE_MAILBOX,
                     "the folder %s still holds files and was not removed", path);
}

static int remove_sub(int dir, enum maildir_sub sub, const char *path, struct error *err)
{
    if (unlinkat(dir, maildir_sub_names[sub], AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno == ENOTEMPTY || errno == EEXIST) {
        return still_holds(path, err);
    }
    return error_set_errno(err, ERR_WRITE, SCOPE_MAILBOX, errno, "cannot remove %s/%s", path,
                           maildir_sub_names[sub]);
}

/* cur/ goes first, since without it the folder is none; it comes back where new/ or tmp/ turns out
 * to hold something. */
static int remove_subs(int dir, const char *path, struct error *err)
{
    int rc = remove_sub(dir, SUB_CUR, path, err);
    if (rc < 0) {
        return rc;
    }
    rc = remove_sub(dir, SUB_NEW, path, err);
    rc = rc < 0 ? rc : remove_sub(dir, SUB_TMP, path, err);
    if (rc < 0) {
        struct error ignored = ERROR_INIT;
        (void)file_mkdir(dir, maildir_sub_names[SUB_NEW], 0700, &ignored);
        (void)file_mkdir(dir, maildir_sub_names[SUB_CUR], 0700, &ignored);
    }
    return rc;
}

int maildir_remove_folder(const struct maildir *md, const char *path, struct error *err)
{
    AUTO_FD int dir = -1;
    if (!is_plain(path)) {
        return leads_out(md, path, err);
    }
    int rc = maildir_clean_tmp(md, path, err);
    rc = rc < 0 ? rc : maildir_open_path(md, path, &dir, err);
    rc = rc < 0 ? rc : remove_subs(dir, path, err);
    rc = rc < 0 ? rc : file_sync_dir(dir, ".", err);
    if (rc < 0) {
        return error_widen(err, SCOPE_MAILBOX);
    }
    for (size_t i = 0; i < sizeof bookkeeping / sizeof bookkeeping[0]; i++) {
        (void)unlinkat(dir, bookkeeping[i], 0);
    }
    tidy_parents(md, path);
    return 0;
}
