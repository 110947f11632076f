/* APPEND: the message goes from its source to the connection in pieces. */
#include "base/alloc.h"
#include "client/client_private.h"
#include <assert.h>
#include <inttypes.h>

#define PIECE_BYTES (16 * 1024)

static bool append_status(struct client_op *op, struct client *c,
                          struct imap_response_status *status, bool tagged)
{
    struct client_append *h = (struct client_append *)op;
    (void)c;
    if (!tagged || status->status != STATUS_OK || status->code != CODE_APPENDUID) {
        return false;
    }
    const struct seqset *dest = &status->copyuid.dest;
    bool is_one = dest->len == 1 && dest->items[0].first == dest->items[0].last;
    if (is_one && status->copyuid.uidvalidity != 0) {
        h->uidvalidity = status->copyuid.uidvalidity;
        h->uid = dest->items[0].first;
    }
    return true;
}

static const struct client_op_hooks append_hooks = {.status = append_status};

static int check_size(const struct client *c, struct client_op *op, uint64_t size,
                      struct error *err)
{
    uint64_t limit = c->caps.append_limit;
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
                        const struct append_source *source, struct error *err)
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
        h->sent_whole = left == 0;
        if (pipeline_write(c, &h->op, str_make(piece, (size_t)got), err) < 0) {
            return -(int)err->code;
        }
    }
    h->sent_whole = true;
    return pipeline_write(c, &h->op, STR("\r\n"), err);
}

int client_append_begin(struct client *c, struct client_append *h, struct str mailbox,
                        const struct append_params *params, uint64_t size,
                        const struct append_source *source, struct arena *arena, struct error *err)
{
    static const struct append_params none = {0};
    *h = (struct client_append){0};
    if (pipeline_open(c, &h->op, CMD_APPEND, &append_hooks, arena, err) < 0 ||
        check_size(c, &h->op, size, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    writer_astring(&c->writer, mailbox);
    append_params_write(&c->writer, params != NULL ? params : &none);
    writer_literal_header(&c->writer, size, false);
    int result = pipeline_send_open(c, &h->op, err);
    bool refused = h->op.result != STATUS_NONE && c->writer.breaks_len > 0;
    if (result == 0 && !refused) {
        result = send_message(c, h, size, source, err);
    }
    if (result < 0) {
        xfree(&h->op.refusal);
    }
    return result;
}

int client_append_end(struct client *c, struct client_append *h, struct error *err)
{
    return pipeline_end(c, &h->op, err);
}
