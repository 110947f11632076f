/* COPY, MOVE and their UID forms; what stands in for UID MOVE. */
#include "client/client_private.h"
#include <inttypes.h>

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

static bool is_move(const struct client_op *op)
{
    return op->row->id == CMD_UID_MOVE || op->row->id == CMD_MOVE;
}

static bool copy_status(struct client_op *op, struct client *c, struct imap_response_status *status,
                        bool tagged)
{
    struct client_copy *h = (struct client_copy *)op;
    (void)c;
    if (status->code != CODE_COPYUID || status->copyuid.uidvalidity == 0) {
        return false;
    }
    if (tagged ? h->copyuid.uidvalidity == 0 : is_move(op)) {
        take_copyuid(h, &status->copyuid);
    }
    return is_move(op);
}

static const struct client_op_hooks copy_hooks = {.status = copy_status};

static int begin(struct client *c, struct client_copy *h, enum command_id id,
                 const struct seqset *set, struct str mailbox, struct arena *arena,
                 struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    *h = (struct client_copy){.gone = {.arena = arena}};
    if (pipeline_open(c, &h->op, id, &copy_hooks, arena, err) < 0 ||
        pipeline_require_set(c, &h->op, set, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    seqset_write(&c->writer, set);
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

int client_seq_copy_begin(struct client *c, struct client_copy *h, const struct seqset *seqs,
                          struct str mailbox, struct arena *arena, struct error *err)
{
    return begin(c, h, CMD_COPY, seqs, mailbox, arena, err);
}

int client_seq_move_begin(struct client *c, struct client_copy *h, const struct seqset *seqs,
                          struct str mailbox, struct arena *arena, struct error *err)
{
    return begin(c, h, CMD_MOVE, seqs, mailbox, arena, err);
}

int client_copy_end(struct client *c, struct client_copy *h, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = pipeline_end(c, &h->op, err);
    gone_settle(&h->gone);
    return result;
}

static int store_deleted(struct client *c, const struct seqset *uids, struct arena *arena,
                         struct error *err)
{
    static const struct imap_flags deleted = {.system = FLAG_DELETED};
    struct client_store h;
    if (client_store_begin(c, &h, uids, STORE_ADD, &deleted, 0, arena, err) < 0) {
        return -(int)err->code;
    }
    int result = client_store_end(c, &h, err);
    client_store_free(&h);
    return result;
}

static int expunge(struct client *c, struct client_copy *h, const struct seqset *uids,
                   struct arena *arena, struct error *err)
{
    struct client_expunge step;
    if (client_uid_expunge_begin(c, &step, uids, arena, err) < 0) {
        return -(int)err->code;
    }
    int result = client_expunge_end(c, &step, err);
    h->gone = step.gone;
    return result;
}

static int move_in_steps(struct client *c, struct client_copy *h, const struct seqset *uids,
                         struct str mailbox, struct arena *arena, struct error *err)
{
    if (client_copy_begin(c, h, uids, mailbox, arena, err) < 0 || client_copy_end(c, h, err) < 0) {
        return -(int)err->code;
    }
    h->copied = true;
    if (h->op.limit != 0) {
        return error_set(err, ERR_NO, SCOPE_MAILBOX,
                         "%s copied %" PRIu64 " messages and no more: not moved", c->host,
                         h->op.limit);
    }
    if (store_deleted(c, uids, arena, err) < 0) {
        return error_wrap(err, "copied, but the originals could not be marked");
    }
    if (expunge(c, h, uids, arena, err) < 0) {
        return error_wrap(err, "copied and marked, but the originals could not be expunged");
    }
    return 0;
}

int client_uid_move(struct client *c, struct client_copy *h, const struct seqset *uids,
                    struct str mailbox, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (!client_has(c, CAP_MOVE) && client_has(c, CAP_UIDPLUS)) {
        return move_in_steps(c, h, uids, mailbox, arena, err);
    }
    int result = client_move_begin(c, h, uids, mailbox, arena, err);
    return result < 0 ? result : client_copy_end(c, h, err);
}

void client_copy_free(struct client_copy *h)
{
    copyuid_free(&h->copyuid);
}
