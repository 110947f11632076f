#include "base/files.h"
#include "store/maildir.h"
#include "store/maildir_private.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* ---- list ---- */

struct walk {
    const struct maildir *md;
    struct arena *arena;
    struct maildir_folders *out;
    bool inbox_seen;
    struct error *err;
};

static int add_folder(struct walk *w, const char *path)
{
    if (w->out->len >= MAILDIR_FOLDERS_MAX) {
        return error_set(w->err, ERR_REFUSED, SCOPE_ACCOUNT,
                         "the Maildir %s has more than %d folders", w->md->root,
                         MAILDIR_FOLDERS_MAX);
    }
    struct maildir_folder folder = {.path = path, .mailbox = STR_EMPTY};
    (void)maildir_mailbox(w->md, w->arena, str_from(path), &folder.mailbox);
    if (strcmp(path, w->md->inbox) == 0) {
        w->inbox_seen = true;
    }
    if (w->out->len == w->out->cap) {
        size_t cap = w->out->cap == 0 ? 64 : 2 * w->out->cap;
        struct maildir_folder *items = arena_array(w->arena, cap, sizeof *items);
        if (w->out->len > 0) {
            memcpy(items, w->out->items, w->out->len * sizeof *items);
        }
        w->out->items = items;
        w->out->cap = cap;
    }
    w->out->items[w->out->len++] = folder;
    return 0;
}

/* 1 if a directory of that name is there, links not counted; 0 if not. */
static int is_directory(int dirfd, const char *name, struct error *err)
{
    struct stat found;
    if (fstatat(dirfd, name, &found, AT_SYMLINK_NOFOLLOW) == 0) {
        return S_ISDIR(found.st_mode);
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return 0;
    }
    return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, errno, "cannot look at %s", name);
}

/* Whether a name in a directory of folders can be that of a folder. */
static bool may_be_folder(const struct maildir *md, const char *name)
{
    bool dot = name[0] == '.';
    bool plusplus = md->layout == MAILDIR_PLUSPLUS;
    if (dot != plusplus || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return false;
    }
    for (size_t i = 0; i < MAILDIR_SUB_COUNT; i++) {
        if (strcmp(name, maildir_sub_names[i]) == 0) {
            return false;
        }
    }
    return true;
}

static int walk_directory(struct walk *w, int fd, const char *path, unsigned depth);

/* A directory found at `path`, `name` in its parent. What vanishes meanwhile is passed over. What
 * must not be read is an error: it may hold folders, and leaving them out would make them look
 * removed. Only the one directory that a file system puts into its own root is no business of ours.
 */
static int walk_child(struct walk *w, int parent, const char *name, const char *path,
                      unsigned depth)
{
    AUTO_FD int fd = -1;
    int rc = file_open(parent, name, O_RDONLY | O_DIRECTORY, 0, &fd, w->err);
    if (rc < 0) {
        int os_errno = w->err->os_errno;
        bool gone = os_errno == ENOENT || os_errno == ENOTDIR || os_errno == ELOOP;
        if (gone || strcmp(name, "lost+found") == 0) {
            error_clear(w->err);
            return 0;
        }
        return error_widen(w->err, SCOPE_ACCOUNT);
    }
    rc = is_directory(fd, maildir_sub_names[SUB_CUR], w->err);
    if (rc == 1) {
        rc = add_folder(w, path);
    }
    if (rc < 0) {
        return rc;
    }
    bool deeper = w->md->layout == MAILDIR_NESTED && depth + 1 < MAILDIR_DEPTH_MAX;
    return deeper ? walk_directory(w, fd, path, depth + 1) : 0;
}

/* Takes nothing over: reads a descriptor of its own. */
static int walk_directory(struct walk *w, int fd, const char *path, unsigned depth)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    if (dir == NULL) {
        int os_errno = errno;
        file_close(&own);
        return error_set_errno(w->err, ERR_READ, SCOPE_ACCOUNT, os_errno, "cannot list %s", path);
    }
    int rc = 0;
    struct dirent *entry;
    errno = 0;
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        bool directory = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
        if (directory && may_be_folder(w->md, entry->d_name)) {
            bool at_root = strcmp(path, ".") == 0;
            const char *child = at_root ? arena_strdup(w->arena, entry->d_name)
                                        : arena_printf(w->arena, "%s/%s", path, entry->d_name);
            rc = walk_child(w, fd, entry->d_name, child, depth);
        }
        errno = 0;
    }
    if (rc == 0 && errno != 0) {
        rc = error_set_errno(w->err, ERR_READ, SCOPE_ACCOUNT, errno, "cannot list %s", path);
    }
    (void)closedir(dir);
    return rc;
}

/* The INBOX may stand where the walk does not come: in the root itself, deeper, or elsewhere. */
static int add_inbox(struct walk *w)
{
    AUTO_FD int fd = -1;
    int rc = maildir_open_path(w->md, w->md->inbox, &fd, w->err);
    if (rc == -ERR_NOT_FOUND) {
        error_clear(w->err);
        return 0;
    }
    if (rc < 0) {
        return error_widen(w->err, SCOPE_ACCOUNT);
    }
    rc = is_directory(fd, maildir_sub_names[SUB_CUR], w->err);
    return rc == 1 ? add_folder(w, arena_strdup(w->arena, w->md->inbox)) : rc;
}

static int compare_folders(const void *a, const void *b)
{
    const struct maildir_folder *x = a;
    const struct maildir_folder *y = b;
    return strcmp(x->path, y->path);
}

void maildir_folders_sort(struct maildir_folders *folders)
{
    if (folders->len > 0) {
        qsort(folders->items, folders->len, sizeof *folders->items, compare_folders);
    }
}

bool maildir_folders_have(const struct maildir_folders *folders, const char *path)
{
    const struct maildir_folder key = {.path = path};
    return folders->len > 0 &&
           bsearch(&key, folders->items, folders->len, sizeof key, compare_folders) != NULL;
}

int maildir_list(const struct maildir *md, struct arena *arena, struct maildir_folders *out,
                 struct error *err)
{
    *out = (struct maildir_folders){.items = NULL};
    struct walk w = {.md = md, .arena = arena, .out = out, .err = err};
    AUTO_FD int root = -1;
    int rc = maildir_open_root(md, &root, err);
    rc = rc < 0 ? rc : walk_directory(&w, root, ".", 0);
    if (rc == 0 && !w.inbox_seen) {
        rc = add_inbox(&w);
    }
    if (rc == 0) {
        maildir_folders_sort(out);
    }
    return rc;
}

/* ---- create ---- */

/* cur/ last: a folder is one once it has it. */
static int make_subs(const struct maildir *md, int fd, struct error *err)
{
    static const enum maildir_sub order[] = {SUB_TMP, SUB_NEW, SUB_CUR};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < MAILDIR_SUB_COUNT; i++) {
        rc = file_mkdir(fd, maildir_sub_names[order[i]], 0700, err);
    }
    return rc < 0 ? rc : file_sync_dir(fd, ".", err);
}

/* Maildir++ tells a folder from the INBOX by this empty file; delivery programs look for it. */
static int make_folder_mark(int fd, struct error *err)
{
    AUTO_FD int mark = -1;
    return file_open(fd, "maildirfolder", O_WRONLY | O_CREAT, 0600, &mark, err);
}

/* From the directory *at one part down, making it where it is missing. */
static int step_down(int *at, const char *part, struct error *err)
{
    AUTO_FD int next = -1;
    int rc = file_open(*at, part, O_RDONLY | O_DIRECTORY, 0, &next, err);
    if (rc == -ERR_NOT_FOUND) {
        error_clear(err);
        rc = file_mkdir(*at, part, 0700, err);
        rc = rc < 0 ? rc : file_sync_dir(*at, ".", err);
        rc = rc < 0 ? rc : file_open(*at, part, O_RDONLY | O_DIRECTORY, 0, &next, err);
    }
    if (rc < 0) {
        return rc;
    }
    file_close(at);
    *at = next;
    next = -1;
    return 0;
}

int maildir_make_directories(const struct maildir *md, const char *path, int *fd_out,
                             struct error *err)
{
    AUTO_FD int at = -1;
    int rc = maildir_open_root(md, &at, err);
    AUTO_ARENA struct arena *arena = arena_new();
    struct str rest = strcmp(path, ".") == 0 ? STR_EMPTY : str_from(path);
    struct str part;
    while (rc == 0 && str_split(&rest, '/', &part)) {
        rc = step_down(&at, arena_str(arena, part).ptr, err);
    }
    if (rc == 0) {
        *fd_out = at;
        at = -1;
    }
    return rc;
}

int maildir_create(const struct maildir *md, const char *path, struct error *err)
{
    AUTO_FD int fd = -1;
    int rc;
    if (path[0] == '/') {
        rc = strcmp(path, md->inbox) == 0 ? file_mkdir_all(path, 0700, err) : 0;
        rc = rc < 0 ? rc : maildir_open_path(md, path, &fd, err);
    } else if (strcmp(path, ".") == 0 || maildir_path_is_safe(path)) {
        rc = maildir_make_directories(md, path, &fd, err);
    } else {
        rc = error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "%s leads out of the Maildir %s", path,
                       md->root);
    }
    if (rc == 0 && md->layout == MAILDIR_PLUSPLUS && path[0] == '.' && path[1] != '\0') {
        rc = make_folder_mark(fd, err);
    }
    rc = rc < 0 ? rc : make_subs(md, fd, err);
    if (rc < 0) {
        error_wrap(err, "making the folder %s of %s", path, md->root);
        return error_widen(err, SCOPE_MAILBOX);
    }
    return 0;
}
