/*
 * Deliveries.
 *
 * A message arrives with CRLF line ends and is stored with LF, unless it holds a bare CR, a bare LF
 * or a NUL: then it is stored byte for byte. That is only known when the odd byte comes, maybe
 * after megabytes. But as long as none came, what was written is the CRLF form with each CRLF made
 * LF, and nothing else: it can be turned back. So the first odd byte has the written part expanded
 * again, into a second file in tmp/, and all that follows is written as it comes. No message is
 * held in memory, and the others are written once.
 */
#include "base/alloc.h"
#include "base/files.h"
#include "store/maildir.h"
#include "store/maildir_private.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BUFFER_BYTES 65536
#define TMP_NAME_BYTES 128
/* From so many on, one syncfs costs less than an fsync for each. */
#define SYNCFS_FROM 8

enum delivery_state {
    DELIVERY_CONVERTING, /* CRLF to LF; nothing odd came yet */
    DELIVERY_RAW,        /* byte for byte */
    DELIVERY_FINISHED,   /* complete in tmp/ */
    DELIVERY_PUBLISHED,  /* in its place */
};

struct maildir_delivery {
    const struct maildir *md;
    struct maildir_handle *folder;
    int tmp;
    int fd;
    char tmp_name[TMP_NAME_BYTES]; /* empty: there is no file in tmp/ */
    enum delivery_state state;
    bool raw;
    bool cr_pending; /* converting: the last byte was a CR, not written yet */
    uint64_t wire_size;
    uint64_t stored_size;
    char *place; /* once published: new/NAME or cur/NAME */
    char *buffer;
    size_t buffered;
    struct message_digester *digester;
};

static void set_state(struct maildir_delivery *d, enum delivery_state state)
{
    assert(state > d->state);
    d->state = state;
}

/* ---- the file in tmp/ ---- */

/* Reached only by its own name, and by nobody else's: O_EXCL. */
static int open_tmp(struct maildir_delivery *d, struct error *err)
{
    (void)snprintf(d->tmp_name, sizeof d->tmp_name, "%s%s.%" PRIu64, MAILDIR_TMP_PREFIX,
                   d->md->shared->token, maildir_next_number(d->md));
    int rc = file_open(d->tmp, d->tmp_name, O_RDWR | O_CREAT | O_EXCL, 0600, &d->fd, err);
    if (rc < 0) {
        d->tmp_name[0] = '\0';
        error_wrap(err, "%s/tmp", d->folder->full_path);
    }
    return rc;
}

int maildir_delivery_begin(const struct maildir *md, const char *path,
                           struct maildir_delivery **out, struct error *err)
{
    AUTO_HOLD struct maildir_hold hold = {.md = md};
    int tmp = -1;
    int rc = maildir_hold_in_batch(md, path, &hold.handle, err);
    rc = rc < 0 ? rc : maildir_sub(md, hold.handle, SUB_TMP, &tmp, err);
    if (rc < 0) {
        return rc;
    }
    struct maildir_delivery *d = xcalloc(1, sizeof *d);
    d->md = md;
    d->folder = maildir_hold_again(md, hold.handle);
    d->tmp = tmp;
    d->fd = -1;
    d->buffer = xmalloc(BUFFER_BYTES);
    d->digester = maildir_digester_take(md);
    rc = open_tmp(d, err);
    if (rc < 0) {
        maildir_delivery_free(&d);
        return rc;
    }
    *out = d;
    return 0;
}

static int flush(struct maildir_delivery *d, struct error *err)
{
    if (d->buffered == 0) {
        return 0;
    }
    int rc = file_write(d->fd, d->buffer, d->buffered, d->folder->full_path, err);
    d->buffered = 0;
    return rc;
}

static int store(struct maildir_delivery *d, const char *data, size_t len, struct error *err)
{
    d->stored_size += len;
    while (len > 0) {
        if (d->buffered == BUFFER_BYTES) {
            int rc = flush(d, err);
            if (rc < 0) {
                return rc;
            }
        }
        size_t room = BUFFER_BYTES - d->buffered;
        size_t piece = len < room ? len : room;
        memcpy(d->buffer + d->buffered, data, piece);
        d->buffered += piece;
        data += piece;
        len -= piece;
    }
    return 0;
}

/* ---- from LF back to the bytes as they came ---- */

static int store_expanded(struct maildir_delivery *d, const char *data, size_t len,
                          struct error *err)
{
    int rc = 0;
    while (rc == 0 && len > 0) {
        const char *newline = memchr(data, '\n', len);
        size_t line = newline == NULL ? len : (size_t)(newline - data);
        rc = store(d, data, line, err);
        if (rc == 0 && newline != NULL) {
            rc = store(d, "\r\n", 2, err);
            line++;
        }
        data += line;
        len -= line;
    }
    return rc;
}

/* The written part, from `from` into the file that is open now. */
static int copy_expanded(struct maildir_delivery *d, int from, struct error *err)
{
    AUTO_FREE char *piece = xmalloc(BUFFER_BYTES);
    off_t at = 0;
    for (;;) {
        ssize_t got = pread(from, piece, BUFFER_BYTES, at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_set_errno(err, ERR_READ, SCOPE_MESSAGE, errno, "cannot read %s/tmp",
                                   d->folder->full_path);
        }
        if (got == 0) {
            return 0;
        }
        int rc = store_expanded(d, piece, (size_t)got, err);
        if (rc < 0) {
            return rc;
        }
        at += got;
    }
}

/* Goes on in a second file, which begins with what the first one held. */
static int begin_second_file(struct maildir_delivery *d, struct error *err)
{
    int rc = flush(d, err);
    if (rc < 0) {
        return rc;
    }
    AUTO_FD int first = d->fd;
    char first_name[TMP_NAME_BYTES];
    memcpy(first_name, d->tmp_name, sizeof first_name);
    d->fd = -1;
    d->stored_size = 0;
    rc = open_tmp(d, err);
    rc = rc < 0 ? rc : copy_expanded(d, first, err);
    struct error ignored = ERROR_INIT;
    int removed = file_unlink(d->tmp, first_name, &ignored);
    (void)removed;
    return rc;
}

static int turn_raw(struct maildir_delivery *d, struct error *err)
{
    assert(d->state == DELIVERY_CONVERTING);
    set_state(d, DELIVERY_RAW);
    d->raw = true;
    int rc;
    if (d->stored_size == d->buffered) {
        /* Nothing is in the file yet. */
        AUTO_FREE char *held = xmemdup(d->buffer, d->buffered);
        size_t len = d->buffered;
        d->buffered = 0;
        d->stored_size = 0;
        rc = store_expanded(d, held, len, err);
    } else {
        rc = begin_second_file(d, err);
    }
    if (rc == 0 && d->cr_pending) {
        rc = store(d, "\r", 1, err);
    }
    d->cr_pending = false;
    return rc;
}

/* ---- writing ---- */

/* How much of `data` was converted; less than `len` where something odd stands. `last` says that a
 * CR at the end waits for its LF. */
static int convert(struct maildir_delivery *d, const char *data, size_t len, size_t *done_out,
                   struct error *err)
{
    size_t done = 0;
    int rc = 0;
    while (rc == 0 && done < len) {
        const char *at = data + done;
        size_t left = len - done;
        if (d->cr_pending) {
            if (at[0] != '\n') {
                break;
            }
            d->cr_pending = false;
            rc = store(d, "\n", 1, err);
            done += 1;
            continue;
        }
        const char *newline = memchr(at, '\n', left);
        size_t line = newline == NULL ? left : (size_t)(newline - at);
        const char *cr = memchr(at, '\r', line);
        bool ends_in_cr = cr != NULL && cr == at + line - 1;
        if (memchr(at, '\0', line) != NULL || (cr != NULL && !ends_in_cr) ||
            (newline != NULL && cr == NULL)) {
            break;
        }
        rc = store(d, at, ends_in_cr ? line - 1 : line, err);
        d->cr_pending = ends_in_cr;
        done += line;
    }
    *done_out = done;
    return rc;
}

int maildir_delivery_write(struct maildir_delivery *d, const void *data, size_t size,
                           struct error *err)
{
    assert(d->state == DELIVERY_CONVERTING || d->state == DELIVERY_RAW);
    size_t done = 0;
    int rc = 0;
    d->wire_size += size;
    message_digester_add(d->digester, data, size);
    if (d->state == DELIVERY_CONVERTING) {
        rc = convert(d, data, size, &done, err);
        if (rc == 0 && done < size) {
            rc = turn_raw(d, err);
        }
    }
    if (rc == 0 && done < size) {
        rc = store(d, (const char *)data + done, size - done, err);
    }
    return rc;
}

int maildir_delivery_finish(struct maildir_delivery *d, int64_t internal_date_s,
                            struct maildir_delivered *out, struct error *err)
{
    int rc = d->cr_pending ? turn_raw(d, err) : 0;
    rc = rc < 0 ? rc : flush(d, err);
    if (rc == 0 && internal_date_s != 0) {
        int64_t most = INT64_MAX / 1000000000;
        int64_t date_s = internal_date_s > most || internal_date_s < -most ? 0 : internal_date_s;
        rc = file_set_times(d->fd, date_s * 1000000000, d->folder->full_path, err);
    }
    if (rc < 0) {
        return rc;
    }
    set_state(d, DELIVERY_FINISHED);
    file_close(&d->fd);
    xfree(&d->buffer);
    *out = (struct maildir_delivered){
        .wire_size = d->wire_size, .stored_size = d->stored_size, .raw = d->raw};
    message_digester_finish(d->digester, &out->header_digest, &out->body_digest);
    maildir_digester_give(d->md, &d->digester);
    return 0;
}

void maildir_delivery_free(struct maildir_delivery **d)
{
    if (*d == NULL) {
        return;
    }
    file_close(&(*d)->fd);
    if ((*d)->tmp_name[0] != '\0' && (*d)->state != DELIVERY_PUBLISHED) {
        struct error ignored = ERROR_INIT;
        (void)file_unlink((*d)->tmp, (*d)->tmp_name, &ignored);
    }
    maildir_digester_give((*d)->md, &(*d)->digester);
    maildir_release((*d)->md, &(*d)->folder);
    xfree(&(*d)->buffer);
    xfree(&(*d)->place);
    xfree(d);
}

/* ---- durable, then visible ---- */

static int sync_file(const struct maildir_delivery *d, struct error *err)
{
    AUTO_FD int fd = -1;
    int rc = file_open(d->tmp, d->tmp_name, O_RDONLY, 0, &fd, err);
    return rc < 0 ? rc : file_sync(fd, d->folder->full_path, err);
}

/* Whether a file system was synced for an earlier one of the batch. */
static bool device_done(struct maildir_delivery *const *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (batch[i]->folder->dir_identity.device == batch[count]->folder->dir_identity.device) {
            return true;
        }
    }
    return false;
}

int maildir_deliveries_sync(struct maildir_delivery *const *batch, size_t count, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        assert(batch[i]->state == DELIVERY_FINISHED);
        if (count < SYNCFS_FROM) {
            rc = sync_file(batch[i], err);
        } else if (!device_done(batch, i)) {
            rc = file_sync_fs(batch[i]->folder->dir, batch[i]->folder->full_path, err);
        }
    }
    return rc;
}

int maildir_delivery_publish(struct maildir_delivery *d, struct str base, uint8_t flags,
                             struct str letters, struct error *err)
{
    assert(d->state == DELIVERY_FINISHED);
    AUTO_ARENA struct arena *arena = arena_new();
    bool plain = flags == 0 && letters.len == 0;
    struct maildir_name name = {.base = base, .flags = flags, .letters = letters};
    const char *file_name =
        plain ? arena_str(arena, base).ptr : maildir_name_build(d->md, arena, &name);
    int to = -1;
    int rc = maildir_sub(d->md, d->folder, plain ? SUB_NEW : SUB_CUR, &to, err);
    rc = rc < 0 ? rc : file_rename_new(d->tmp, d->tmp_name, to, file_name, err);
    if (rc < 0) {
        return error_wrap(err, "the folder %s", d->folder->path);
    }
    set_state(d, DELIVERY_PUBLISHED);
    d->place = xasprintf("%s/%s", plain ? "new" : "cur", file_name);
    maildir_touch(d->md, d->folder);
    return 0;
}

const char *maildir_delivery_path(const struct maildir_delivery *d, struct arena *arena)
{
    assert(d->state == DELIVERY_PUBLISHED);
    const char *folder = d->folder->path;
    if (folder[0] == '/') {
        return arena_printf(arena, "%s/%s", folder, d->place);
    }
    return strcmp(folder, ".") == 0
               ? arena_printf(arena, "%s/%s", d->md->root, d->place)
               : arena_printf(arena, "%s/%s/%s", d->md->root, folder, d->place);
}
