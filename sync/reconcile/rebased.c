#include "reconcile/rebased.h"

#include "reconcile/moves.h"
#include "reconcile/reconcile.h"

/* By header, size and date: it may be the same, but is to be fetched. */
static bool is_like(const struct identity *id, const struct index_message *record)
{
    if (id == NULL)
        return false;
    if (id->email_id.len > 0 && record->email_id.len > 0)
        return str_eq(id->email_id, record->email_id);
    return digest_eq(&id->header_digest, &record->header_digest) &&
           id->wire_size == record->wire_size && id->internal_date_s == record->internal_date_s;
}

static bool may_be_fetched(const struct plan *plan, const struct index_message *record)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        VEC_FOREACH (const struct operation, op, &m->ops[OP_DOWNLOAD]) {
            if (op->base == NULL && is_like(op->identity, record))
                return true;
        }
    }
    return false;
}

/* A file that is back, of a message that is gone, has its record already. */
static bool is_new(const struct operation *upload)
{
    return upload->identity != NULL && upload->base == NULL;
}

/* What becomes of the record whose file this was. NULL: of none. */
static struct operation *find_record(const struct plan *plan, struct mailbox_plan *m,
                                     const struct operation *upload)
{
    VEC_FOREACH (struct operation, forget, &m->ops[OP_FORGET]) {
        if (!forget->is_out && forget->base->state == MESSAGE_SYNCED &&
            moves_is_twin(upload->identity, forget->base) && may_be_fetched(plan, forget->base))
            return forget;
    }
    return NULL;
}

static void find_in(const struct plan *plan, struct mailbox_plan *m)
{
    const enum direction deletions = m->pair->policy->deletions;
    if (deletions != DIRECTION_BOTH && deletions != DIRECTION_TO_LOCAL)
        return;
    VEC_FOREACH (struct operation, upload, &m->ops[OP_UPLOAD]) {
        struct operation *forget = is_new(upload) ? find_record(plan, m, upload) : NULL;
        if (forget == NULL)
            continue;
        struct operation *gone = vec_add(&m->ops[OP_DELETE_LOCAL]);
        *gone = *forget;
        gone->kind = OP_DELETE_LOCAL;
        gone->file = upload->file;
        gone->why = "deleted on the server, renamed here";
        upload->is_out = forget->is_out = true;
        m->pair->local_blocked = true; /* should it have to wait, it is found again */
    }
    operations_sweep(&m->ops[OP_UPLOAD]);
    operations_sweep(&m->ops[OP_FORGET]);
    operations_sort(&m->ops[OP_DELETE_LOCAL]);
}

void rebased_find(struct plan *plan)
{
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        find_in(plan, m);
    }
}
