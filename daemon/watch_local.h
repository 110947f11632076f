#pragma once
/*
 * Watches the Maildirs for changes, by one raw inotify descriptor for all accounts. That something
 * changed is all it says: a pass compares. A message that we deliver ourselves is not told, by its
 * name; what else a pass does here (a rename for flags, a removal) is told like any change, and
 * costs one more pass, which finds nothing to do and is not told itself.
 */
#include "base/error.h"
#include <stdint.h>

enum local_change {
    LOCAL_NOTHING = 0,
    LOCAL_CHANGED = 1, /* a file came, or was renamed; a folder came or went */
    LOCAL_DELETED = 2, /* a file went */
};

struct local_sink {
    /* `changes`: a set of enum local_change. */
    void (*changed)(void *self, void *tree, unsigned changes);
    void *self;
};

struct watch_local;
/* ERR_READ: no inotify to be had. */
int watch_local_new(const struct local_sink *sink, struct watch_local **out, struct error *err);
void watch_local_free(struct watch_local **w);
/* Readable when there is something for watch_local_work. */
int watch_local_fd(const struct watch_local *w);
void watch_local_work(struct watch_local *w);

/*
 * Watches everything below `root`, and `other` (a folder outside of it; NULL: none), for `tree`, an
 * address that stands for the account. 0; ERR_NOT_FOUND when the root is not there yet; ERR_READ
 * with what to do when there are not enough watches, and none is kept then. Again: what is not
 * watched yet is added.
 */
int watch_local_add(struct watch_local *w, void *tree, const char *root, const char *other,
                    struct error *err);
void watch_local_remove(struct watch_local *w, const void *tree);
/* Something of it went away, or was not there: watch_local_add is worth trying again. */
bool watch_local_is_incomplete(const struct watch_local *w, const void *tree);
