/*
 * Local messages on their way to the server.
 *
 * The size of a literal is announced before its first byte, so the file is read once to know it,
 * and to know its digests. A file that fits into one piece is sent from memory; a larger one is
 * read again, and has to be what it was.
 */
#include "base/alloc.h"
#include "base/files.h"
#include "store/maildir_private.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PIECE_BYTES 16384

struct maildir_message {
    const struct maildir *md;
    char *name;
    int fd;
    int64_t size; /* of the file */
    struct timespec mtime;
    uint64_t wire_size;
    struct digest header;
    struct digest body;
    struct maildir_message_traits traits;
    /* The next piece of the wire form. */
    char wire[2 * PIECE_BYTES];
    size_t wire_len;
    size_t wire_at;
    size_t lines_filled; /* in the piece filled last */
    int64_t read_size;   /* of the file so far */
    char last;           /* byte read, for a CRLF across two pieces */
    uint64_t given;
};

static int changed(const struct maildir_message *m, struct error *err)
{
    return error_set(err, ERR_CHANGED, SCOPE_MESSAGE, "the file %s changed while it was read",
                     m->name);
}

/* Up to PIECE_BYTES; 0 at the end. */
static ssize_t read_piece(const struct maildir_message *m, char *out, struct error *err)
{
    ssize_t got;
    do {
        got = read(m->fd, out, PIECE_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return error_set_errno(err, ERR_READ, SCOPE_MESSAGE, errno, "cannot read the file %s",
                               m->name);
    }
    return got;
}

/* The next piece, with CR before each LF that has none. 0 at the end. */
static ssize_t fill(struct maildir_message *m, struct error *err)
{
    char piece[PIECE_BYTES];
    ssize_t got = read_piece(m, piece, err);
    if (got <= 0) {
        return got;
    }
    m->wire_at = 0;
    m->wire_len = 0;
    m->lines_filled = 0;
    m->read_size += got;
    const char *at = piece;
    const char *end = piece + got;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = (size_t)((newline == NULL ? end : newline) - at);
        memcpy(m->wire + m->wire_len, at, line);
        m->wire_len += line;
        m->last = line > 0 ? at[line - 1] : m->last;
        at += line;
        if (newline == NULL) {
            break;
        }
        if (m->last != '\r') {
            m->wire[m->wire_len++] = '\r';
        }
        m->wire[m->wire_len++] = '\n';
        m->lines_filled++;
        m->last = '\n';
        at++;
    }
    assert(m->wire_len <= sizeof m->wire);
    return got;
}

static int rewind_file(struct maildir_message *m, struct error *err)
{
    m->read_size = 0;
    m->last = '\0';
    if (lseek(m->fd, 0, SEEK_SET) < 0) {
        return error_set_errno(err, ERR_READ, SCOPE_MESSAGE, errno, "cannot read the file %s",
                               m->name);
    }
    return 0;
}

/* Renaming leaves size and mtime alone; writing does not. */
static int check_unchanged(const struct maildir_message *m, struct error *err)
{
    struct stat found;
    bool same = fstat(m->fd, &found) == 0 && found.st_size == m->size &&
                found.st_mtim.tv_sec == m->mtime.tv_sec &&
                found.st_mtim.tv_nsec == m->mtime.tv_nsec && m->read_size == m->size;
    return same ? 0 : changed(m, err);
}

/* ---- open ---- */

static int look(struct maildir_message *m, struct error *err)
{
    struct stat found;
    if (fstat(m->fd, &found) < 0) {
        return error_set_errno(err, ERR_READ, SCOPE_MESSAGE, errno, "cannot look at the file %s",
                               m->name);
    }
    if (!S_ISREG(found.st_mode)) {
        return error_set(err, ERR_READ, SCOPE_MESSAGE, "%s is not a file", m->name);
    }
    m->size = found.st_size;
    m->mtime = found.st_mtim;
    return 0;
}

static int measure(struct maildir_message *m, struct error *err)
{
    struct message_digester *digester = maildir_digester_take(m->md);
    ssize_t got;
    m->wire_len = 0;
    while ((got = fill(m, err)) > 0) {
        message_digester_add(digester, m->wire, m->wire_len);
        m->wire_size += m->wire_len;
        m->traits.lines += m->lines_filled;
        if (m->read_size > m->size) {
            break;
        }
    }
    struct message_traits traits = message_digester_traits(digester);
    m->traits.left_out_bytes = traits.left_out_bytes;
    m->traits.from_sync_tool = traits.from_sync_tool;
    message_digester_finish(digester, &m->header, &m->body);
    maildir_digester_give(m->md, &digester);
    int rc = got < 0 ? (int)got : check_unchanged(m, err);
    if (rc == 0 && m->wire_len < m->wire_size) {
        /* Not all of it is in `wire`. */
        m->wire_len = 0;
        rc = rewind_file(m, err);
    }
    return rc;
}

int maildir_message_open(const struct maildir *md, const char *path,
                         const struct maildir_file *file, struct maildir_message **out,
                         struct error *err)
{
    AUTO_HOLD struct maildir_hold hold = {.md = md};
    int dir = -1;
    int rc = maildir_hold(md, path, &hold.handle, err);
    rc = rc < 0 ? rc : maildir_sub(md, hold.handle, file->in_new ? SUB_NEW : SUB_CUR, &dir, err);
    if (rc < 0) {
        return rc;
    }
    struct maildir_message *m = xcalloc(1, sizeof *m);
    m->md = md;
    m->name = xstrndup(file->name.ptr, file->name.len);
    m->fd = -1;
    /* Not to wait for a writer, should it be a pipe. */
    rc = file_open(dir, m->name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &m->fd, err);
    rc = rc < 0 ? rc : look(m, err);
    rc = rc < 0 ? rc : measure(m, err);
    if (rc < 0) {
        maildir_message_free(&m);
        return error_wrap(err, "the folder %s", path);
    }
    *out = m;
    return 0;
}

void maildir_message_free(struct maildir_message **m)
{
    if (*m == NULL) {
        return;
    }
    file_close(&(*m)->fd);
    xfree(&(*m)->name);
    xfree(m);
}

uint64_t maildir_message_wire_size(const struct maildir_message *m)
{
    return m->wire_size;
}

uint64_t maildir_message_stored_size(const struct maildir_message *m)
{
    return (uint64_t)m->size;
}

int64_t maildir_message_mtime_s(const struct maildir_message *m)
{
    return m->mtime.tv_sec;
}

struct maildir_message_traits maildir_message_traits(const struct maildir_message *m)
{
    return m->traits;
}

void maildir_message_digests(const struct maildir_message *m, struct digest *header,
                             struct digest *body)
{
    *header = m->header;
    *body = m->body;
}

int maildir_message_stored_digests(struct maildir_message *m, struct digest *header,
                                   struct digest *body, struct error *err)
{
    assert(m->given == 0);
    struct message_digester *digester = maildir_digester_take(m->md);
    char piece[PIECE_BYTES];
    ssize_t got = 0;
    int rc = rewind_file(m, err);
    while (rc == 0 && (got = read_piece(m, piece, err)) > 0) {
        message_digester_add(digester, piece, (size_t)got);
        m->read_size += got;
    }
    message_digester_finish(digester, header, body);
    maildir_digester_give(m->md, &digester);
    if (rc == 0) {
        rc = got < 0 ? (int)got : check_unchanged(m, err);
    }
    /* Begin anew, unless all of the wire form is in memory. */
    if (rc == 0 && m->wire_len == 0) {
        rc = rewind_file(m, err);
    }
    return rc;
}

/* ---- read ---- */

ssize_t maildir_message_read(struct maildir_message *m, void *out, size_t size, struct error *err)
{
    uint64_t left = m->wire_size - m->given;
    if (left == 0 || size == 0) {
        return 0;
    }
    if (m->wire_at == m->wire_len) {
        ssize_t got = fill(m, err);
        if (got < 0) {
            return got;
        }
        if (got == 0 || m->wire_len > left) {
            return changed(m, err);
        }
    }
    size_t piece = m->wire_len - m->wire_at;
    piece = piece < size ? piece : size;
    /* The last bytes go out only if all of them were those that were measured. */
    if (piece == left) {
        int rc = check_unchanged(m, err);
        if (rc < 0) {
            return rc;
        }
    }
    memcpy(out, m->wire + m->wire_at, piece);
    m->wire_at += piece;
    m->given += piece;
    return (ssize_t)piece;
}
