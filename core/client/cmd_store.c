/* UID STORE. */
#include "client/client_private.h"
#include <inttypes.h>

static bool store_status(struct client_op *op, struct client *c,
                         struct imap_response_status *status, bool tagged)
{
    struct client_store *h = (struct client_store *)op;
    (void)c;
    if (!tagged || status->code != CODE_MODIFIED) {
        return false;
    }
    h->modified = status->set;
    status->set = (struct seqset){0};
    return true;
}

static const struct client_op_hooks store_hooks = {.status = store_status};

static int check_store(struct client *c, struct client_op *op, const struct seqset *uids,
                       const struct imap_flags *flags, uint64_t unchanged_since, struct error *err)
{
    if (seqset_is_empty(uids) || (flags->system == 0 && flags->keywords_len == 0)) {
        op->row = NULL;
        return error_set(err, ERR_STATE, SCOPE_MAILBOX, "UID STORE of nothing");
    }
    return unchanged_since != 0 ? pipeline_require(c, op, CAP_CONDSTORE, err) : 0;
}

int client_store_begin(struct client *c, struct client_store *h, const struct seqset *uids,
                       enum store_mode mode, const struct imap_flags *flags,
                       uint64_t unchanged_since, struct arena *arena, struct error *err)
{
    *h = (struct client_store){0};
    if (pipeline_open(c, &h->op, CMD_UID_STORE, &store_hooks, arena, err) < 0 ||
        check_store(c, &h->op, uids, flags, unchanged_since, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    seqset_write(&c->writer, uids);
    if (unchanged_since != 0) {
        writer_format(&c->writer, " (UNCHANGEDSINCE %" PRIu64 ")", unchanged_since);
    }
    writer_cstr(&c->writer, mode == STORE_ADD ? " +FLAGS.SILENT " : " -FLAGS.SILENT ");
    flags_write(&c->writer, flags);
    return pipeline_send(c, &h->op, err);
}

int client_store_end(struct client *c, struct client_store *h, struct error *err)
{
    return pipeline_end(c, &h->op, err);
}

void client_store_free(struct client_store *h)
{
    seqset_free(&h->modified);
}
