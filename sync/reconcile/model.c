#include "reconcile/model.h"

void remote_delta_clear(struct remote_delta *delta)
{
    vec_free(&delta->fresh);
    seqset_free(&delta->plain);
    vec_free(&delta->extents);
    vec_free(&delta->changed);
    seqset_free(&delta->gone);
    *delta = (struct remote_delta){0};
}

void local_delta_clear(struct local_delta *delta)
{
    vec_free(&delta->fresh);
    vec_free(&delta->changed);
    seqset_free(&delta->gone);
    *delta = (struct local_delta){0};
}

bool plan_has(const struct plan *plan, const struct mailbox_pair *pair)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        if (m->pair == pair)
            return true;
    }
    return false;
}

bool plan_has_any(const struct plan *plan, enum operation_kind kind)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        if (m->ops[kind].len > 0)
            return true;
    }
    return false;
}

uint64_t remote_fresh_count(const struct remote_delta *delta)
{
    return delta->fresh.len + seqset_count(&delta->plain);
}
