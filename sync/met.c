#include "sync/met.h"

#include "imap/list.h"
#include "sync/flags.h"
#include "sync/moves.h"
#include "sync/reconcile.h"

static bool is_in_plan(const struct plan *plan, uint32_t mailbox)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        if (m->pair->record.id == mailbox)
            return true;
    }
    return false;
}

static bool is_like(const struct identity *x, const struct identity *y)
{
    return digest_eq(&x->header_digest, &y->header_digest) && x->wire_size == y->wire_size &&
           x->internal_date_s == y->internal_date_s;
}

/* Told by header, size and date, no other message may be meant. */
static bool is_certain(const struct plan *plan, const struct mailbox_plan *to,
                       const struct identity *id)
{
    size_t alike = 0;
    if (id->email_id.len > 0 && id->twins[0].email_id.len > 0)
        return true;
    if (moves_is_by_body(id))
        return (to->pair->attributes & LIST_DRAFTS) == 0;
    if (!id->has_message_id)
        return false;
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        VEC_FOREACH (const struct operation, op, &m->ops[OP_DOWNLOAD]) {
            alike += op->base == NULL && op->identity != NULL && is_like(op->identity, id);
        }
    }
    for (size_t i = 1; i < id->twins_len; i++) {
        if (!digest_eq(&id->twins[i].body_digest, &id->twins[0].body_digest))
            return false;
    }
    return alike == 1 && (to->pair->attributes & LIST_DRAFTS) == 0;
}

static struct operation *file_of(struct mailbox_plan *to, const struct index_message *twin)
{
    VEC_FOREACH (struct operation, upload, &to->ops[OP_UPLOAD]) {
        if (!upload->is_out && upload->base == NULL && moves_is_twin(upload->identity, twin))
            return upload;
    }
    return NULL;
}

/* What differs from what was agreed is looked at by the next pass. */
static void join(struct plan *plan, struct mailbox_plan *to, const struct index_message *twin,
                 struct operation *download, struct operation *upload)
{
    const struct maildir_name *file = &upload->file->parsed;
    struct move *move = vec_add(&plan->moves);
    *move = (struct move){.kind = MOVE_MEET,
                          .from = to,
                          .to = to,
                          .to_uid = download->uid,
                          .base = twin,
                          .file = upload->file,
                          .flags = {.system = twin->flags.system},
                          .why = "came alike on both sides"};
    if (!flags_equal(&download->flags, &move->flags))
        to->pair->remote_blocked = true;
    if (file->flags != move->flags.system || file->letters.len > 0)
        to->pair->local_blocked = true;
    upload->is_out = download->is_out = true;
}

static void find_partner(struct plan *plan, struct mailbox_plan *to, struct operation *download)
{
    const struct identity *id = download->identity;
    for (size_t i = 0; i < id->twins_len; i++) {
        const struct index_message *twin = &id->twins[i];
        struct operation *upload = is_in_plan(plan, twin->mailbox) ? NULL : file_of(to, twin);
        if (upload == NULL)
            continue;
        join(plan, to, twin, download, upload);
        return;
    }
}

void met_find(struct plan *plan)
{
    VEC_FOREACH (struct mailbox_plan, to, &plan->mailboxes) {
        VEC_FOREACH (struct operation, download, &to->ops[OP_DOWNLOAD]) {
            const struct identity *id = download->identity;
            if (to->ops[OP_UPLOAD].len > 0 && download->base == NULL && id != NULL &&
                id->twins_len > 0 && is_certain(plan, to, id))
                find_partner(plan, to, download);
        }
    }
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        operations_sweep(&m->ops[OP_DOWNLOAD]);
        operations_sweep(&m->ops[OP_UPLOAD]);
    }
}
