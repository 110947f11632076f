#include "daemon/watch_local.h"

#include "base/files.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define WATCHES_MAX 200000
#define EVENTS_BYTES 65536
#define NAMES_PENDING_MAX 64

static const uint32_t FOLDER_EVENTS = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                      IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW;

struct place {
    int wd;
    void *tree;
    char *path;
    bool messages; /* new/ or cur/ */
    bool root;
};

struct tree_state {
    void *tree;
    bool incomplete;
    unsigned changes; /* of the batch that is read */
};

struct watch_local {
    struct local_sink sink;
    int fd;
    char own[32];             /* "P1234Q": in the names of our deliveries */
    VEC(struct place) places; /* by wd */
    VEC(struct tree_state) trees;
    uint32_t moved[NAMES_PENDING_MAX]; /* cookies of what was moved away and not yet to a place */
    void *moved_tree[NAMES_PENDING_MAX];
    size_t moved_len;
};

int watch_local_new(const struct local_sink *sink, struct watch_local **out, struct error *err)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, errno,
                               "the Maildirs cannot be watched (inotify)");
    struct watch_local *w = xcalloc(1, sizeof *w);
    w->sink = *sink;
    w->fd = fd;
    (void)snprintf(w->own, sizeof w->own, "P%ldQ", (long)getpid());
    *out = w;
    return 0;
}

void watch_local_free(struct watch_local **watch)
{
    struct watch_local *w = *watch;
    if (w == NULL)
        return;
    VEC_FOREACH (struct place, place, &w->places)
        xfree(&place->path);
    vec_free(&w->places);
    vec_free(&w->trees);
    file_close(&w->fd);
    xfree(watch);
}

int watch_local_fd(const struct watch_local *w)
{
    return w->fd;
}

/* ---- places ---- */

static struct tree_state *state_of(struct watch_local *w, void *tree)
{
    VEC_FOREACH (struct tree_state, state, &w->trees)
        if (state->tree == tree)
            return state;
    struct tree_state *state = vec_add(&w->trees);
    state->tree = tree;
    return state;
}

bool watch_local_is_incomplete(const struct watch_local *w, const void *tree)
{
    VEC_FOREACH (const struct tree_state, state, &w->trees)
        if (state->tree == tree)
            return state->incomplete;
    return true;
}

/* Where a watch of this number stands, or would. */
static size_t position(const struct watch_local *w, int wd)
{
    size_t low = 0, high = w->places.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (w->places.items[middle].wd < wd)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct place *find(struct watch_local *w, int wd)
{
    size_t at = position(w, wd);
    bool found = at < w->places.len && w->places.items[at].wd == wd;
    return found ? &w->places.items[at] : NULL;
}

static void drop(struct watch_local *w, size_t at)
{
    xfree(&w->places.items[at].path);
    memmove(&w->places.items[at], &w->places.items[at + 1],
            (--w->places.len - at) * sizeof *w->places.items);
}

static void put(struct watch_local *w, const struct place *place)
{
    struct place *known = find(w, place->wd);
    size_t at = position(w, place->wd);
    if (known != NULL) {
        drop(w, at);
    }
    (void)vec_add(&w->places);
    memmove(&w->places.items[at + 1], &w->places.items[at],
            (w->places.len - 1 - at) * sizeof *w->places.items);
    w->places.items[at] = *place;
    w->places.items[at].path = xstrdup(place->path);
}

static int no_room(struct error *err)
{
    return error_set(err, ERR_READ, SCOPE_ACCOUNT,
                     "not enough inotify watches for the Maildir: raise "
                     "fs.inotify.max_user_watches (sysctl); it is looked at now and then instead");
}

/* 1 when it is watched now, 0 when it is not there. */
static int add_place(struct watch_local *w, const struct place *wanted, struct error *err)
{
    struct place place = *wanted;
    if (w->places.len >= WATCHES_MAX)
        return no_room(err);
    place.wd = inotify_add_watch(w->fd, place.path, FOLDER_EVENTS);
    if (place.wd >= 0) {
        put(w, &place);
        return 1;
    }
    if (errno == ENOSPC || errno == ENOMEM)
        return no_room(err);
    return 0;
}

static bool is_directory(const char *path, const struct dirent *entry)
{
    struct stat found;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return lstat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static bool holds_messages(const char *name)
{
    return strcmp(name, "new") == 0 || strcmp(name, "cur") == 0;
}

static int add_tree(struct watch_local *w, const struct place *place, int depth, struct error *err);

static int add_below(struct watch_local *w, const struct place *parent, const struct dirent *entry,
                     int depth, struct error *err)
{
    static const char *const skipped[] = {".", "..", "tmp"};
    for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++)
        if (strcmp(entry->d_name, skipped[i]) == 0)
            return 0;
    AUTO_FREE char *path = path_join(parent->path, entry->d_name);
    if (!is_directory(path, entry))
        return 0;
    const struct place place = {
        .tree = parent->tree, .path = path, .messages = holds_messages(entry->d_name)};
    int r = place.messages ? add_place(w, &place, err) : add_tree(w, &place, depth + 1, err);
    return r < 0 ? r : 0;
}

/* The watch before the listing: what comes between is told. */
static int add_tree(struct watch_local *w, const struct place *place, int depth, struct error *err)
{
    int r = depth > DEPTH_MAX ? 0 : add_place(w, place, err);
    if (r <= 0)
        return r;
    DIR *dir = opendir(place->path);
    if (dir == NULL)
        return 1;
    struct dirent *entry;
    while (r > 0 && (entry = readdir(dir)) != NULL)
        if (add_below(w, place, entry, depth, err) < 0)
            r = -(int)err->code;
    (void)closedir(dir);
    return r;
}

int watch_local_add(struct watch_local *w, void *tree, const char *root, const char *other,
                    struct error *err)
{
    struct place place = {.tree = tree, .path = (char *)(uintptr_t)root, .root = true};
    int r = add_tree(w, &place, 0, err);
    if (r > 0 && other != NULL) {
        place.path = (char *)(uintptr_t)other;
        r = add_tree(w, &place, 0, err);
    }
    if (r < 0)
        watch_local_remove(w, tree);
    state_of(w, tree)->incomplete = r <= 0;
    if (r == 0)
        return error_set(err, ERR_NOT_FOUND, SCOPE_ACCOUNT, "%s is not there", root);
    return r < 0 ? r : 0;
}

void watch_local_remove(struct watch_local *w, const void *tree)
{
    for (size_t i = w->places.len; i-- > 0;) {
        if (w->places.items[i].tree != tree)
            continue;
        (void)inotify_rm_watch(w->fd, w->places.items[i].wd);
        drop(w, i);
    }
    for (size_t i = w->trees.len; i-- > 0;)
        if (w->trees.items[i].tree == tree)
            w->trees.items[i] = w->trees.items[--w->trees.len];
}

/* ---- events ---- */

static void note(struct watch_local *w, void *tree, unsigned changes)
{
    state_of(w, tree)->changes |= changes;
}

/* A delivery of ours comes out of tmp/, which is not watched, under a name of ours. */
static bool is_own_delivery(const struct watch_local *w, const char *name)
{
    return strstr(name, w->own) != NULL;
}

static bool take_cookie(struct watch_local *w, uint32_t cookie)
{
    for (size_t i = 0; cookie != 0 && i < w->moved_len; i++) {
        if (w->moved[i] != cookie)
            continue;
        w->moved[i] = w->moved[--w->moved_len];
        w->moved_tree[i] = w->moved_tree[w->moved_len];
        return true;
    }
    return false;
}

static void on_moved_away(struct watch_local *w, void *tree, uint32_t cookie)
{
    if (w->moved_len == NAMES_PENDING_MAX) {
        note(w, tree, LOCAL_DELETED);
        return;
    }
    w->moved[w->moved_len] = cookie;
    w->moved_tree[w->moved_len++] = tree;
}

static void on_message(struct watch_local *w, const struct place *place,
                       const struct inotify_event *event)
{
    if (event->len == 0 || event->name[0] == '.')
        return;
    if (event->mask & IN_MOVED_FROM)
        on_moved_away(w, place->tree, event->cookie);
    else if (event->mask & IN_DELETE)
        note(w, place->tree, LOCAL_DELETED);
    else if (take_cookie(w, event->cookie) || !is_own_delivery(w, event->name))
        note(w, place->tree, LOCAL_CHANGED);
}

static void on_folder(struct watch_local *w, const struct place *place,
                      const struct inotify_event *event)
{
    struct error ignored = ERROR_INIT;
    if (!(event->mask & IN_ISDIR) || event->len == 0 || strcmp(event->name, "tmp") == 0)
        return;
    void *tree = place->tree;
    note(w, tree, LOCAL_CHANGED);
    if (!(event->mask & (IN_CREATE | IN_MOVED_TO)))
        return;
    AUTO_FREE char *path = path_join(place->path, event->name);
    const struct place fresh = {
        .tree = tree, .path = path, .messages = holds_messages(event->name)};
    int r = fresh.messages ? add_place(w, &fresh, &ignored) : add_tree(w, &fresh, 1, &ignored);
    if (r < 0)
        state_of(w, tree)->incomplete = true;
}

/* The directory itself went, or stands elsewhere now under a name that we do not know. */
static void on_self(struct watch_local *w, struct place *place, const struct inotify_event *event)
{
    struct tree_state *state = state_of(w, place->tree);
    state->changes |= place->messages ? LOCAL_DELETED : LOCAL_CHANGED;
    state->incomplete = true;
    if (event->mask & IN_IGNORED)
        drop(w, position(w, event->wd));
    else if (event->mask & IN_MOVE_SELF)
        (void)inotify_rm_watch(w->fd, event->wd);
}

static void on_overflow(struct watch_local *w)
{
    VEC_FOREACH (struct tree_state, state, &w->trees) {
        state->changes |= LOCAL_CHANGED | LOCAL_DELETED;
        state->incomplete = true;
    }
}

static void on_event(struct watch_local *w, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        on_overflow(w);
        return;
    }
    struct place *place = find(w, event->wd);
    if (place == NULL)
        return;
    if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
        on_self(w, place, event);
    else if (place->messages)
        on_message(w, place, event);
    else
        on_folder(w, place, event);
}

static void read_events(struct watch_local *w, const char *events, size_t size)
{
    while (size >= sizeof(struct inotify_event)) {
        struct inotify_event *event = (struct inotify_event *)(uintptr_t)events;
        on_event(w, event);
        events += sizeof *event + event->len;
        size -= sizeof *event + event->len;
    }
}

void watch_local_work(struct watch_local *w)
{
    _Alignas(struct inotify_event) char events[EVENTS_BYTES];
    ssize_t got;
    while ((got = read(w->fd, events, sizeof events)) > 0)
        read_events(w, events, (size_t)got);
    /* Moved to a place that is not watched. */
    while (w->moved_len > 0)
        note(w, w->moved_tree[--w->moved_len], LOCAL_DELETED);
    for (size_t i = 0; i < w->trees.len; i++) {
        unsigned changes = w->trees.items[i].changes;
        w->trees.items[i].changes = 0;
        if (changes != 0)
            w->sink.changed(w->sink.self, w->trees.items[i].tree, changes);
    }
}
