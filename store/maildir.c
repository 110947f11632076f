#include "store/maildir.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/files.h"
#include "store/maildir_private.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <time.h>
#include <sys/random.h>
#include <unistd.h>

/* Of the part of a unique name that says where it was made. */
#define HOST_BYTES_MAX 64

const char *const maildir_sub_names[MAILDIR_SUB_COUNT] = {
    [SUB_NEW] = "new",
    [SUB_CUR] = "cur",
    [SUB_TMP] = "tmp",
};

/* Without slashes at the end. */
static char *trimmed_path(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return xstrndup(path, len);
}

/* The path of INBOX as the other functions have it: a folder below the root is named by its
 * relative path, however the user put it. */
static char *inbox_path(const char *root, const struct maildir_options *options)
{
    if (options->layout == MAILDIR_PLUSPLUS) {
        return xstrdup(".");
    }
    AUTO_FREE char *inbox = trimmed_path(options->inbox == NULL ? "INBOX" : options->inbox);
    if (inbox[0] != '/') {
        return xstrdup(inbox[0] == '\0' ? "." : inbox);
    }
    size_t len = strlen(root);
    if (strcmp(inbox, root) == 0) {
        return xstrdup(".");
    }
    bool below = strncmp(inbox, root, len) == 0 && inbox[len] == '/';
    return xstrdup(below ? inbox + len + 1 : inbox);
}

/* `/` and `:` as the Maildir specification spells them, all else that could be taken amiss as `_`.
 */
static char *host_for_names(const char *host, char info_separator)
{
    char own[HOST_NAME_MAX + 1] = "localhost";
    if (host == NULL) {
        (void)gethostname(own, sizeof own - 1);
        host = own;
    }
    struct buf out = BUF_INIT(4 * HOST_BYTES_MAX);
    for (size_t i = 0; host[i] != '\0' && i < HOST_BYTES_MAX; i++) {
        unsigned char c = (unsigned char)host[i];
        if (c == '/' || c == ':') {
            buf_addf(&out, "\\%03o", c);
        } else if (c <= ' ' || c >= 0x7f || c == ',' || host[i] == info_separator) {
            buf_add_byte(&out, '_');
        } else {
            buf_add_byte(&out, host[i]);
        }
    }
    char *name = xstrdup(out.len > 0 ? out.data : "localhost");
    buf_free(&out);
    return name;
}

static struct maildir_shared *shared_new(void)
{
    uint32_t chance;
    struct maildir_shared *shared = xcalloc(1, sizeof *shared);
    (void)pthread_mutex_init(&shared->lock, NULL);
    /* Two in a process, made in the same millisecond, differ by chance alone. */
    if (getrandom(&chance, sizeof chance, 0) != (ssize_t)sizeof chance) {
        chance = 0;
    }
    (void)snprintf(shared->token, sizeof shared->token, "%" PRId64 "P%ldR%08" PRIx32,
                   clock_wall_ms(&clock_system), (long)getpid(), chance);
    return shared;
}

struct maildir *maildir_new(const struct maildir_options *options)
{
    assert(options->root != NULL && options->root[0] == '/');
    assert(options->info_separator != '\0' && options->info_separator != '/');
    struct maildir *md = xcalloc(1, sizeof *md);
    md->root = trimmed_path(options->root);
    md->layout = options->layout;
    md->separator = xstrdup(options->layout == MAILDIR_FLAT ? options->separator : ".");
    assert(md->separator[0] != '\0' && strpbrk(md->separator, "%/") == NULL);
    md->info_separator = options->info_separator;
    md->inbox = inbox_path(md->root, options);
    md->host = host_for_names(options->host, options->info_separator);
    md->shared = shared_new();
    return md;
}

void maildir_free(struct maildir **md)
{
    if (*md == NULL) {
        return;
    }
    struct maildir_shared *shared = (*md)->shared;
    VEC_FOREACH (struct maildir_handle *, handle, &shared->handles) {
        assert((*handle)->users == 0);
    }
    while (shared->handles.len > 0) {
        struct maildir_handle *idle = shared->handles.items[0];
        idle->stale = true;
        idle->users = 1;
        maildir_release(*md, &idle);
    }
    VEC_FOREACH (struct message_digester *, digester, &shared->digesters) {
        message_digester_free(digester);
    }
    VEC_FOREACH (int, watcher, &shared->watchers) {
        file_close(watcher);
    }
    VEC_FOREACH (int, device, &shared->other_devices) {
        file_close(device);
    }
    vec_free(&shared->handles);
    vec_free(&shared->digesters);
    vec_free(&shared->watchers);
    vec_free(&shared->other_devices);
    (void)pthread_mutex_destroy(&shared->lock);
    xfree(&(*md)->shared);
    xfree(&(*md)->root);
    xfree(&(*md)->separator);
    xfree(&(*md)->inbox);
    xfree(&(*md)->host);
    xfree(md);
}

const char *maildir_root(const struct maildir *md)
{
    return md->root;
}

/* ---- the root ---- */

int maildir_exists(const struct maildir *md, struct error *err)
{
    struct stat found;
    if (stat(md->root, &found) == 0) {
        return S_ISDIR(found.st_mode) ? 1
                                      : error_set(err, ERR_READ, SCOPE_ACCOUNT,
                                                  "the Maildir %s is not a directory", md->root);
    }
    if (errno == ENOENT) {
        return 0;
    }
    return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, errno, "cannot look at the Maildir %s",
                           md->root);
}

int maildir_create_root(const struct maildir *md, struct error *err)
{
    int rc = file_mkdir_all(md->root, 0700, err);
    return rc < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

int maildir_open_root(const struct maildir *md, int *fd_out, struct error *err)
{
    /* The root itself may be a link: the user named it. */
    int fd = open(md->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, errno, "cannot open the Maildir %s",
                               md->root);
    }
    *fd_out = fd;
    return 0;
}

/* ---- what is kept for reuse ---- */

uint64_t maildir_next_number(const struct maildir *md)
{
    (void)pthread_mutex_lock(&md->shared->lock);
    uint64_t number = ++md->shared->sequence;
    (void)pthread_mutex_unlock(&md->shared->lock);
    return number;
}

struct message_digester *maildir_digester_take(const struct maildir *md)
{
    struct maildir_shared *shared = md->shared;
    struct message_digester *digester = NULL;
    (void)pthread_mutex_lock(&shared->lock);
    if (shared->digesters.len > 0) {
        digester = shared->digesters.items[--shared->digesters.len];
    }
    (void)pthread_mutex_unlock(&shared->lock);
    return digester == NULL ? message_digester_new() : digester;
}

void maildir_digester_give(const struct maildir *md, struct message_digester **digester)
{
    if (*digester == NULL) {
        return;
    }
    message_digester_reset(*digester);
    (void)pthread_mutex_lock(&md->shared->lock);
    vec_push(&md->shared->digesters, *digester);
    (void)pthread_mutex_unlock(&md->shared->lock);
    *digester = NULL;
}

int maildir_watcher_take(const struct maildir *md)
{
    struct maildir_shared *shared = md->shared;
    int fd = -1;
    (void)pthread_mutex_lock(&shared->lock);
    if (shared->watchers.len > 0) {
        fd = shared->watchers.items[--shared->watchers.len];
    }
    (void)pthread_mutex_unlock(&shared->lock);
    return fd >= 0 ? fd : inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

void maildir_watcher_give(const struct maildir *md, int *fd)
{
    if (*fd >= 0) {
        (void)pthread_mutex_lock(&md->shared->lock);
        vec_push(&md->shared->watchers, *fd);
        (void)pthread_mutex_unlock(&md->shared->lock);
    }
    *fd = -1;
}
