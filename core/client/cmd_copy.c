/* UID COPY and UID MOVE. */
#include "client/client_private.h"

static void append_ranges(struct seqset *to, const struct seqset *from)
{
    for (size_t i = 0; i < from->len; i++) {
        vec_push(to, from->items[i]);
    }
}

/* A MOVE done in steps may tell one after the other. */
static void take_copyuid(struct client_copy *h, struct copyuid *told)
{
    if (h->copyuid.uidvalidity == 0) {
        copyuid_free(&h->copyuid);
        h->copyuid = *told;
        *told = (struct copyuid){0};
    } else if (h->copyuid.uidvalidity == told->uidvalidity) {
        append_ranges(&h->copyuid.source, &told->source);
        append_ranges(&h->copyuid.dest, &told->dest);
    }
}

static bool copy_status(struct client_op *op, struct client *c, struct imap_response_status *status,
                        bool tagged)
{
    struct client_copy *h = (struct client_copy *)op;
    (void)c;
    if (status->code != CODE_COPYUID || status->copyuid.uidvalidity == 0) {
        return false;
    }
    if (tagged ? h->copyuid.uidvalidity == 0 : op->row->id == CMD_UID_MOVE) {
        take_copyuid(h, &status->copyuid);
    }
    return op->row->id == CMD_UID_MOVE;
}

static const struct client_op_hooks copy_hooks = {.status = copy_status};

static int begin(struct client *c, struct client_copy *h, enum command_id id,
                 const struct seqset *uids, struct str mailbox, struct arena *arena,
                 struct error *err)
{
    *h = (struct client_copy){0};
    if (pipeline_open(c, &h->op, id, &copy_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    if (seqset_is_empty(uids)) {
        h->op.row = NULL;
        return error_set(err, ERR_STATE, SCOPE_MAILBOX, "nothing to copy or move");
    }
    writer_sp(&c->writer);
    seqset_write(&c->writer, uids);
    writer_sp(&c->writer);
    writer_astring(&c->writer, mailbox);
    return pipeline_send(c, &h->op, err);
}

int client_copy_begin(struct client *c, struct client_copy *h, const struct seqset *uids,
                      struct str mailbox, struct arena *arena, struct error *err)
{
    return begin(c, h, CMD_UID_COPY, uids, mailbox, arena, err);
}

int client_move_begin(struct client *c, struct client_copy *h, const struct seqset *uids,
                      struct str mailbox, struct arena *arena, struct error *err)
{
    return begin(c, h, CMD_UID_MOVE, uids, mailbox, arena, err);
}

int client_copy_end(struct client *c, struct client_copy *h, struct error *err)
{
    return pipeline_end(c, &h->op, err);
}

void client_copy_free(struct client_copy *h)
{
    copyuid_free(&h->copyuid);
}
