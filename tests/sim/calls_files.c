#include "sim/calls_files.h"
#include "sim/calls.h"
#include "sim/machine.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#define FIRST_FD 100000

static VEC(struct open_file) files;

/* ---- descriptors ---- */

bool is_our_fd(int fd)
{
    return fd >= FIRST_FD;
}

struct open_file *file_of(int fd)
{
    size_t at = (size_t)(fd - FIRST_FD);
    assert(at < files.len && (files.items[at].node != NULL || files.items[at].watches != NULL));
    return &files.items[at];
}

static int take_fd(struct disk_node *node, struct watches *watches)
{
    size_t at = 0;
    while (at < files.len && (files.items[at].node != NULL || files.items[at].watches != NULL))
        at++;
    if (at == files.len)
        (void)vec_add(&files);
    files.items[at] = (struct open_file){.node = node, .watches = watches};
    return FIRST_FD + (int)at;
}

int open_node(struct disk_node *node)
{
    return take_fd(node, NULL);
}

int open_watches(void)
{
    return take_fd(NULL, xcalloc(1, sizeof(struct watches)));
}

int close_fd(int fd)
{
    struct open_file *file = file_of(fd);
    if (file->watches != NULL) {
        vec_free(file->watches);
        xfree(&file->watches);
    }
    *file = (struct open_file){0};
    return 0;
}

unsigned calls_close_all(void)
{
    unsigned open = 0;
    for (size_t i = 0; i < files.len; i++) {
        if (files.items[i].node != NULL || files.items[i].watches != NULL) {
            close_fd(FIRST_FD + (int)i);
            open++;
        }
    }
    return open;
}

/* An event for each directory that changed, and no more. */
ssize_t read_watches(struct open_file *file, void *out, size_t size)
{
    size_t len = 0;
    VEC_FOREACH (struct watch, watch, file->watches) {
        const struct inotify_event event = {.wd = watch->number, .mask = IN_MOVED_TO};
        if (watch->changes == watch->directory->changes || size - len < sizeof event)
            continue;
        watch->changes = watch->directory->changes;
        memcpy((char *)out + len, &event, sizeof event);
        len += sizeof event;
    }
    if (len > 0)
        return (ssize_t)len;
    errno = EAGAIN;
    return -1;
}

/* ---- paths ---- */

static bool is_below_root(const char *path)
{
    size_t len = sizeof DISK_ROOT - 1;
    return strncmp(path, DISK_ROOT, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool is_ours(int dirfd, const char *path)
{
    return path[0] == '/' ? is_below_root(path) : is_our_fd(dirfd);
}

int place_find(int dirfd, const char *path, struct place *out)
{
    struct str rest = str_from(path);
    struct str part;
    *out = (struct place){.node = disk_root()};
    if (path[0] == '/')
        rest = str_from_offset(rest, sizeof DISK_ROOT - 1);
    else
        out->node = file_of(dirfd)->node;
    while (str_split(&rest, '/', &part)) {
        if (part.len == 0 || str_eq(part, STR(".")))
            continue;
        if (out->node == NULL)
            return ENOENT;
        if (!out->node->is_directory)
            return ENOTDIR;
        if (part.len > 255)
            return ENAMETOOLONG;
        out->directory = out->node;
        memcpy(out->name, part.ptr, part.len);
        out->name[part.len] = '\0';
        out->node = disk_find(out->directory, out->name);
    }
    /* What was removed takes nothing new in. */
    if (out->directory != NULL && out->directory != disk_root() && out->directory->links == 0)
        return ENOENT;
    return 0;
}

bool path_of_index(const char *path, char out[REAL_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (!is_below_root(path) || strncmp(name, "index", 5) != 0 || strstr(name, ".mdb") == NULL)
        return false;
    snprintf(out, REAL_PATH_MAX, "%s/%s", calls_index_dir, name);
    return true;
}
