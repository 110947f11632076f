/* UID EXPUNGE and EXPUNGE. What goes is told as events. */
#include "client/client_private.h"

int client_uid_expunge_begin(struct client *c, struct client_expunge *h, const struct seqset *uids,
                             struct arena *arena, struct error *err)
{
    if (pipeline_open(c, &h->op, CMD_UID_EXPUNGE, &no_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    if (seqset_is_empty(uids)) {
        h->op.row = NULL;
        return error_set(err, ERR_STATE, SCOPE_MAILBOX, "UID EXPUNGE of no message");
    }
    writer_sp(&c->writer);
    seqset_write(&c->writer, uids);
    return pipeline_send(c, &h->op, err);
}

int client_expunge_begin(struct client *c, struct client_expunge *h, struct arena *arena,
                         struct error *err)
{
    if (pipeline_open(c, &h->op, CMD_EXPUNGE, &no_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    return pipeline_send(c, &h->op, err);
}

int client_expunge_end(struct client *c, struct client_expunge *h, struct error *err)
{
    return pipeline_end(c, &h->op, err);
}
