/*
 * Scans.
 *
 * A mail program marks a message by renaming its file, within cur/ or from new/ to cur/. readdir()
 * during a rename may give both names, or neither; and a file that is found under neither name
 * looks removed, which ends in its removal on the server. So a scan counts only if nothing in the
 * folder changed while it was made. The directories' times tell, but they move in steps: a change
 * right after another may leave them as they are. So where the times are not old enough at the
 * beginning, inotify is asked too, which tells exactly, though only of changes made through this
 * machine. There is no waiting: a folder that changes all the time is reported as changed, and the
 * next pass looks again.
 *
 * new/ is read before cur/, so that a message on its usual way is met at least once.
 */
#include "base/clock.h"
#include "base/files.h"
#include "store/maildir.h"
#include "store/maildir_private.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#define SCAN_ATTEMPTS 5
/* Above the granularity of the times of any file system in use. */
#define SETTLED_NS INT64_C(2000000000)
/* The age from which the Maildir specification lets everybody remove a file from tmp/. */
#define TMP_AGE_MS INT64_C(129600000)
/* Names are packed into pieces of the arena: each by itself would be rounded up. */
#define NAMES_BYTES 4080

/* ---- times ---- */

bool maildir_times_equal(const struct maildir_times *a, const struct maildir_times *b)
{
    return a->new_mtime_ns == b->new_mtime_ns && a->cur_mtime_ns == b->cur_mtime_ns &&
           a->new_inode == b->new_inode && a->cur_inode == b->cur_inode;
}

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* A missing new/ leaves its times at zero. */
static int times_at(int dir, const char *path, struct maildir_times *out, struct error *err)
{
    *out = (struct maildir_times){.cur_inode = 0};
    struct stat found;
    if (fstatat(dir, "new", &found, AT_SYMLINK_NOFOLLOW) == 0) {
        out->new_mtime_ns = nanoseconds(&found.st_mtim);
        out->new_inode = found.st_ino;
    } else if (errno != ENOENT) {
        return error_set_errno(err, ERR_READ, SCOPE_MAILBOX, errno, "cannot look at %s/new", path);
    }
    if (fstatat(dir, "cur", &found, AT_SYMLINK_NOFOLLOW) < 0) {
        enum error_code code = errno == ENOENT ? ERR_NOT_FOUND : ERR_READ;
        return error_set_errno(err, code, SCOPE_MAILBOX, errno, "cannot look at %s/cur", path);
    }
    out->cur_mtime_ns = nanoseconds(&found.st_mtim);
    out->cur_inode = found.st_ino;
    return 0;
}

int maildir_stat(const struct maildir *md, const char *path, struct maildir_times *out,
                 struct error *err)
{
    AUTO_FD int dir = -1;
    int rc = maildir_open_path(md, path, &dir, err);
    return rc < 0 ? rc : times_at(dir, path, out, err);
}

/* ---- watching for changes ---- */

#define WATCH_MASK (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)

struct watch {
    const struct maildir *md;
    int fd;        /* -1: only the times tell */
    int places[2]; /* of new/ and cur/; -1 without one */
};

static int watch_directory(int fd, int dir)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
    return inotify_add_watch(fd, path, WATCH_MASK);
}

static void watch_begin(struct watch *w, const struct maildir *md, int fresh, int cur)
{
    *w = (struct watch){.md = md, .fd = maildir_watcher_take(md), .places = {-1, -1}};
    if (w->fd >= 0) {
        w->places[0] = fresh < 0 ? -1 : watch_directory(w->fd, fresh);
        w->places[1] = watch_directory(w->fd, cur);
    }
}

static bool is_change(const struct watch *w, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        return true;
    }
    /* What an earlier watch left behind has another number. */
    bool ours = event->wd == w->places[0] || event->wd == w->places[1];
    return ours && (event->mask & (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)) != 0;
}

/* Whether anything changed since watch_begin. */
static bool watch_end(struct watch *w)
{
    if (w->fd < 0) {
        return false;
    }
    bool changed = false;
    _Alignas(struct inotify_event) char events[4096];
    ssize_t got;
    while ((got = read(w->fd, events, sizeof events)) > 0) {
        for (ssize_t at = 0; at < got;) {
            struct inotify_event event;
            memcpy(&event, events + at, sizeof event);
            changed = changed || is_change(w, &event);
            at += (ssize_t)(sizeof event + event.len);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (w->places[i] >= 0) {
            (void)inotify_rm_watch(w->fd, w->places[i]);
        }
    }
    maildir_watcher_give(w->md, &w->fd);
    return changed;
}

/* ---- listing ---- */

/* What a listing is for. A slot that fails returns a negative code and ends the listing. */
struct listing {
    /* Forget what was seen: a complete listing begins (anew). */
    void (*restart)(void *self);
    /* A message file. `name` is valid during the call. */
    void (*file)(void *self, struct str name, bool in_new);
    void *self;
};

static bool is_file(int dir, const struct dirent *entry)
{
    if (entry->d_name[0] == '.') {
        return false;
    }
    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type == DT_REG;
    }
    struct stat found;
    return fstatat(dir, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(found.st_mode);
}

/* Reads a descriptor of its own, from the beginning. */
static DIR *open_directory(int fd, const char *path, struct error *err)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    if (dir == NULL) {
        int os_errno = errno;
        file_close(&own);
        enum error_code code = os_errno == ENOENT ? ERR_NOT_FOUND : ERR_READ;
        (void)error_set_errno(err, code, SCOPE_MAILBOX, os_errno, "cannot list the folder %s",
                              path);
    }
    return dir;
}

static int list_directory(int fd, const char *path, const struct listing *listing, bool in_new,
                          struct error *err)
{
    DIR *dir = open_directory(fd, path, err);
    if (dir == NULL) {
        return -(int)err->code;
    }
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(dir)) != NULL) {
        if (is_file(fd, entry)) {
            listing->file(listing->self, str_from(entry->d_name), in_new);
        }
        errno = 0;
    }
    int os_errno = errno;
    (void)closedir(dir);
    if (os_errno != 0) {
        return error_set_errno(err, ERR_READ, SCOPE_MAILBOX, os_errno, "cannot list the folder %s",
                               path);
    }
    return 0;
}

/* new/ is opened each time: it may be missing, and then nobody makes it for a scan. */
static int open_new(int dir, int *fd_out, struct error *err)
{
    int rc = file_open(dir, "new", O_RDONLY | O_DIRECTORY, 0, fd_out, err);
    if (rc == -ERR_NOT_FOUND) {
        error_clear(err);
        rc = 0;
    }
    return rc < 0 ? error_widen(err, SCOPE_MAILBOX) : 0;
}

/* The state of the folder that a listing shows. */
struct listed {
    struct maildir_times times;
    bool settled;
};

/* A time in the future is not settled either. */
static bool is_settled(const struct maildir_times *times)
{
    int64_t before_ns = clock_wall_ms(&clock_system) * 1000000 - SETTLED_NS;
    return times->new_mtime_ns < before_ns && times->cur_mtime_ns < before_ns;
}

/* One listing. 1 if nothing changed meanwhile, 0 if something did. */
static int list_once(const struct maildir *md, const struct maildir_handle *handle,
                     const struct listing *listing, struct listed *out, struct error *err)
{
    AUTO_FD int fresh = -1;
    int rc = times_at(handle->dir, handle->path, &out->times, err);
    rc = rc < 0 ? rc : open_new(handle->dir, &fresh, err);
    if (rc < 0) {
        return rc;
    }
    out->settled = is_settled(&out->times);
    struct watch watch = {.fd = -1};
    if (!out->settled) {
        watch_begin(&watch, md, fresh, handle->sub[SUB_CUR]);
    }
    listing->restart(listing->self);
    if (fresh >= 0) {
        rc = list_directory(fresh, handle->path, listing, true, err);
    }
    if (rc == 0) {
        rc = list_directory(handle->sub[SUB_CUR], handle->path, listing, false, err);
    }
    struct maildir_times after = {.cur_inode = 0};
    rc = rc < 0 ? rc : times_at(handle->dir, handle->path, &after, err);
    bool changed = watch_end(&watch);
    if (rc < 0) {
        return rc;
    }
    return !changed && maildir_times_equal(&out->times, &after) &&
           after.cur_inode == handle->sub_identity[SUB_CUR].inode;
}

/* A listing during which nothing changed. */
static int list_folder(const struct maildir *md, const char *path, const struct listing *listing,
                       struct listed *out, struct error *err)
{
    for (int attempt = 0; attempt < SCAN_ATTEMPTS; attempt++) {
        AUTO_HOLD struct maildir_hold hold = {.md = md};
        int rc = maildir_hold(md, path, &hold.handle, err);
        rc = rc < 0 ? rc : list_once(md, hold.handle, listing, out, err);
        if (rc != 0) {
            return rc < 0 ? rc : 0;
        }
    }
    return error_set(err, ERR_CHANGED, SCOPE_MAILBOX,
                     "the folder %s of %s changes faster than it can be read", path, md->root);
}

/* ---- scan ---- */

struct scan {
    const struct maildir *md;
    const struct maildir_filter *filter; /* NULL: all is kept */
    struct arena *arena;                 /* for one file's name */
    struct maildir_snapshot *out;
    char *names; /* room for names, in the snapshot's arena */
    size_t room;
};

static struct str keep_name(struct scan *s, struct str name)
{
    if (s->room <= name.len) {
        s->names = arena_alloc(s->out->arena, NAMES_BYTES);
        s->room = NAMES_BYTES;
    }
    assert(name.len < s->room);
    char *kept = s->names;
    memcpy(kept, name.ptr, name.len);
    kept[name.len] = '\0';
    s->names += name.len + 1;
    s->room -= name.len + 1;
    return str_make(kept, name.len);
}

static void scan_restart(void *self)
{
    struct scan *s = self;
    vec_clear(&s->out->files);
    arena_reset(s->out->arena);
    s->room = 0;
    if (s->filter != NULL && s->filter->restart != NULL) {
        s->filter->restart(s->filter->self);
    }
}

static bool is_wanted(struct scan *s, struct str name, bool in_new)
{
    if (s->filter == NULL) {
        return true;
    }
    struct maildir_file file = {.name = name, .in_new = in_new};
    arena_reset(s->arena);
    maildir_name_parse(s->md, s->arena, name, &file.parsed);
    return s->filter->wanted(s->filter->self, &file);
}

static void scan_file(void *self, struct str name, bool in_new)
{
    struct scan *s = self;
    if (!is_wanted(s, name, in_new)) {
        return;
    }
    struct maildir_file file = {.name = keep_name(s, name), .in_new = in_new};
    maildir_name_parse(s->md, s->out->arena, file.name, &file.parsed);
    if (file.parsed.base.len > 0) {
        vec_push(&s->out->files, file);
    }
}

static size_t letter_count(const struct maildir_file *file)
{
    return (size_t)__builtin_popcount(file->parsed.flags) + file->parsed.letters.len;
}

/* Of two files with one base: negative if `a` stands for it rather than `b`. */
static int compare_standing(const struct maildir_file *a, const struct maildir_file *b)
{
    if (a->in_new != b->in_new) {
        return a->in_new ? 1 : -1;
    }
    size_t letters_a = letter_count(a);
    size_t letters_b = letter_count(b);
    if (letters_a != letters_b) {
        return letters_a > letters_b ? -1 : 1;
    }
    return str_cmp(a->name, b->name);
}

static int compare_files(const void *a, const void *b)
{
    const struct maildir_file *x = a;
    const struct maildir_file *y = b;
    int order = str_cmp(x->parsed.base, y->parsed.base);
    return order != 0 ? order : compare_standing(x, y);
}

/* By base name, each once. */
static void put_in_order(struct maildir_snapshot *snapshot)
{
    if (snapshot->files.len == 0) {
        return;
    }
    struct maildir_file *items = snapshot->files.items;
    qsort(items, snapshot->files.len, sizeof *items, compare_files);
    size_t kept = 1;
    for (size_t i = 1; i < snapshot->files.len; i++) {
        if (!str_eq(items[i].parsed.base, items[kept - 1].parsed.base)) {
            items[kept++] = items[i];
        }
    }
    snapshot->files.len = kept;
}

int maildir_scan_filtered(const struct maildir *md, const char *path,
                          const struct maildir_filter *filter, struct maildir_snapshot *out,
                          struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    *out = (struct maildir_snapshot){.arena = arena_new()};
    struct scan scan = {.md = md, .filter = filter, .arena = arena, .out = out};
    struct listing listing = {.restart = scan_restart, .file = scan_file, .self = &scan};
    struct listed listed;
    int rc = list_folder(md, path, &listing, &listed, err);
    if (rc < 0) {
        maildir_snapshot_free(out);
        return rc;
    }
    put_in_order(out);
    out->times = listed.times;
    out->settled = listed.settled;
    return 0;
}

int maildir_scan(const struct maildir *md, const char *path, struct maildir_snapshot *out,
                 struct error *err)
{
    return maildir_scan_filtered(md, path, NULL, out, err);
}

void maildir_snapshot_free(struct maildir_snapshot *snapshot)
{
    vec_free(&snapshot->files);
    arena_free(&snapshot->arena);
}

const struct maildir_file *maildir_snapshot_find(const struct maildir_snapshot *snapshot,
                                                 struct str base)
{
    size_t low = 0;
    size_t high = snapshot->files.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct maildir_file *file = &snapshot->files.items[middle];
        int order = str_cmp(file->parsed.base, base);
        if (order == 0) {
            return file;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* ---- find ---- */

struct find {
    const struct maildir *md;
    struct str base;
    struct arena *arena;
    struct maildir_file *out;
    bool found;
};

static void find_restart(void *self)
{
    struct find *f = self;
    f->found = false;
}

static void find_file(void *self, struct str name, bool in_new)
{
    struct find *f = self;
    if (!str_starts(name, f->base)) {
        return;
    }
    struct maildir_file file = {.name = arena_str(f->arena, name), .in_new = in_new};
    maildir_name_parse(f->md, f->arena, file.name, &file.parsed);
    if (str_eq(file.parsed.base, f->base) && (!f->found || compare_standing(&file, f->out) < 0)) {
        *f->out = file;
        f->found = true;
    }
}

int maildir_find(const struct maildir *md, const char *path, struct str base, struct arena *arena,
                 struct maildir_file *out, struct error *err)
{
    struct find find = {.md = md, .base = base, .arena = arena, .out = out};
    struct listing listing = {.restart = find_restart, .file = find_file, .self = &find};
    struct listed listed;
    int rc = list_folder(md, path, &listing, &listed, err);
    if (rc == 0 && !find.found) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "the folder %s has no file %.*s", path,
                         STR_ARG(base));
    }
    return rc;
}

/* ---- tmp ---- */

/* Ours, but of an earlier run; or so old that it is nobody's. The mtime says nothing: other
 * programs set it to the message's date before they are done. */
static bool is_leftover(const struct maildir *md, int dir, const char *name, int64_t now_ms)
{
    struct str rest = str_from(name);
    if (str_starts(rest, STR(MAILDIR_TMP_PREFIX))) {
        rest = str_from_offset(rest, sizeof MAILDIR_TMP_PREFIX - 1);
        return !str_starts(rest, str_from(md->shared->token));
    }
    struct stat found;
    if (fstatat(dir, name, &found, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(found.st_mode)) {
        return false;
    }
    return nanoseconds(&found.st_ctim) / 1000000 < now_ms - TMP_AGE_MS;
}

int maildir_clean_tmp(const struct maildir *md, const char *path, struct error *err)
{
    AUTO_HOLD struct maildir_hold hold = {.md = md};
    int tmp = -1;
    int rc = maildir_hold(md, path, &hold.handle, err);
    rc = rc < 0 ? rc : maildir_sub(md, hold.handle, SUB_TMP, &tmp, err);
    if (rc < 0) {
        return rc;
    }
    DIR *dir = open_directory(tmp, path, err);
    if (dir == NULL) {
        return -(int)err->code;
    }
    int64_t now_ms = clock_wall_ms(&clock_system);
    const struct dirent *entry;
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && is_leftover(md, tmp, entry->d_name, now_ms)) {
            rc = file_unlink(tmp, entry->d_name, err);
            if (rc == -ERR_NOT_FOUND) {
                error_clear(err);
                rc = 0;
            }
        }
    }
    (void)closedir(dir);
    return rc < 0 ? error_widen(err, SCOPE_MAILBOX) : 0;
}
