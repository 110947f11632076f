/* APPEND of one or several messages, and REPLACE: they go from their sources to the connection in
 * pieces. */
#include "base/alloc.h"
#include "client/client_private.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#define PIECE_BYTES (16 * 1024)

static ssize_t read_file(void *self, void *out, size_t size, struct error *err)
{
    struct append_file *file = self;
    ssize_t got;
    do {
        got = pread(file->fd, out, size, (off_t)file->offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return error_set_errno(err, ERR_READ, SCOPE_MESSAGE, errno, "cannot read the message");
    }
    file->offset += (uint64_t)got;
    return got;
}

struct append_source append_source_of_file(struct append_file *file)
{
    return (struct append_source){.read = read_file, .self = file};
}

/* The set may be in any order, as long as it has one UID for each message. */
static void take_uids(struct client_append *h, const struct copyuid *told)
{
    if (told->uidvalidity == 0 || seqset_count(&told->dest) != h->messages) {
        return;
    }
    h->uidvalidity = told->uidvalidity;
    h->uid = told->dest.items[0].first;
    if (h->messages > 1 && h->op.arena != NULL) {
        h->uids = seqset_in_arena(h->op.arena, &told->dest);
    }
}

/* REPLACE may tell it before the EXPUNGE (RFC 8508 section 3.4). */
static bool append_status(struct client_op *op, struct client *c,
                          struct imap_response_status *status, bool tagged)
{
    struct client_append *h = (struct client_append *)op;
    bool replaces = op->row->id != CMD_APPEND;
    (void)c;
    if (status->status != STATUS_OK || status->code != CODE_APPENDUID || !(tagged || replaces)) {
        return false;
    }
    take_uids(h, &status->copyuid);
    return true;
}

static const struct client_op_hooks append_hooks = {.status = append_status};

static int check_message(struct client *c, struct client_op *op, uint64_t size, bool binary,
                         struct error *err)
{
    uint64_t limit = c->caps.append_limit;
    if (binary && pipeline_require(c, op, CAP_BINARY, err) < 0) {
        return -(int)err->code;
    }
    if (!client_has(c, CAP_APPENDLIMIT) || limit == 0 || size <= limit) {
        return 0;
    }
    op->row = NULL;
    error_set(err, ERR_NO, SCOPE_MESSAGE,
              "the message has %" PRIu64 " bytes, and %s takes %" PRIu64 " at most", size, c->host,
              limit);
    static const char code[] = "TOOBIG";
    memcpy(err->response_code, code, sizeof code);
    return -(int)err->code;
}

/* The command cannot be completed any more, nor taken back. */
static int source_failed(struct client *c, ssize_t got, struct error *err)
{
    if (got >= 0) {
        error_set(err, ERR_READ, SCOPE_CONNECTION, "a message became shorter while it was sent");
    }
    return client_fail(c, err);
}

static int send_message(struct client *c, struct client_append *h, uint64_t size,
                        const struct append_source *source, bool is_last, struct error *err)
{
    char piece[PIECE_BYTES];
    uint64_t left = size;
    while (left > 0) {
        size_t want = left < sizeof piece ? (size_t)left : sizeof piece;
        ssize_t got = source->read(source->self, piece, want, err);
        if (got <= 0) {
            return source_failed(c, got, err);
        }
        assert((size_t)got <= want);
        left -= (uint64_t)got;
        h->sent_whole = left == 0 && is_last;
        if (pipeline_write(c, &h->op, str_make(piece, (size_t)got), err) < 0) {
            return -(int)err->code;
        }
    }
    h->sent_whole = is_last;
    return is_last ? pipeline_write(c, &h->op, STR("\r\n"), err) : 0;
}

/* What stands before the bytes of a message, behind the name or the message before it. */
static void write_header(struct client *c, const struct append_message *message)
{
    append_params_write(&c->writer, &message->params);
    writer_literal_header(&c->writer, message->size, message->binary);
}

/* The line is open up to the first message's literal. A server that refuses where it should have
 * asked to go on gets nothing more. */
static int send_messages(struct client *c, struct client_append *h,
                         const struct append_message *messages, size_t len, struct error *err)
{
    int result = pipeline_send_open(c, &h->op, err);
    for (size_t i = 0; result == 0 && i < len; i++) {
        if (h->op.result != STATUS_NONE && c->writer.breaks_len > 0) {
            return 0;
        }
        result = send_message(c, h, messages[i].size, &messages[i].source, i + 1 == len, err);
        if (result == 0 && i + 1 < len) {
            if (h->op.result != STATUS_NONE) {
                return pipeline_write(c, &h->op, STR("\r\n"), err);
            }
            writer_clear(&c->writer);
            write_header(c, &messages[i + 1]);
            result = pipeline_send_more(c, &h->op, err);
        }
    }
    if (result < 0) {
        xfree(&h->op.refusal);
    }
    return result;
}

static int open_append(struct client *c, struct client_append *h, enum command_id id,
                       const struct append_message *messages, size_t len, struct arena *arena,
                       struct error *err)
{
    *h = (struct client_append){.messages = len};
    if (pipeline_open(c, &h->op, id, &append_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    if (len == 0) {
        return pipeline_refuse(&h->op, err, "%s of no message", h->op.row->name);
    }
    if (len > 1 && pipeline_require(c, &h->op, CAP_MULTIAPPEND, err) < 0) {
        return -(int)err->code;
    }
    for (size_t i = 0; i < len; i++) {
        if (check_message(c, &h->op, messages[i].size, messages[i].binary, err) < 0) {
            return -(int)err->code;
        }
    }
    return 0;
}

int client_append_messages_begin(struct client *c, struct client_append *h, struct str mailbox,
                                 const struct append_message *messages, size_t len,
                                 struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (open_append(c, h, CMD_APPEND, messages, len, arena, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    writer_astring(&c->writer, mailbox);
    write_header(c, &messages[0]);
    return send_messages(c, h, messages, len, err);
}

int client_append_begin(struct client *c, struct client_append *h, struct str mailbox,
                        const struct append_params *params, uint64_t size,
                        const struct append_source *source, struct arena *arena, struct error *err)
{
    struct append_message message = {.size = size, .source = *source};
    if (params != NULL) {
        message.params = *params;
    }
    return client_append_messages_begin(c, h, mailbox, &message, 1, arena, err);
}

int client_replace_begin(struct client *c, struct client_append *h, enum client_numbers numbers,
                         uint32_t number, struct str mailbox, const struct append_message *message,
                         struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    enum command_id id = numbers == CLIENT_UIDS ? CMD_UID_REPLACE : CMD_REPLACE;
    if (open_append(c, h, id, message, 1, arena, err) < 0) {
        return -(int)err->code;
    }
    if (number == 0) {
        return pipeline_refuse(&h->op, err, "%s of no message", h->op.row->name);
    }
    writer_format(&c->writer, " %" PRIu32 " ", number);
    writer_astring(&c->writer, mailbox);
    write_header(c, message);
    return send_messages(c, h, message, 1, err);
}

int client_append_end(struct client *c, struct client_append *h, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return pipeline_end(c, &h->op, err);
}
