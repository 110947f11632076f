#include "reconcile/model.h"

#include <stdlib.h>

const enum operation_kind NEW_KINDS[NEW_KINDS_LEN] = {OP_DOWNLOAD, OP_AGREE};

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

struct mailbox_pair *pairs_find(const struct pair_vec *pairs, uint32_t mailbox)
{
    VEC_FOREACH (struct mailbox_pair, pair, pairs) {
        if (pair->record.id == mailbox)
            return pair;
    }
    return NULL;
}

bool mailbox_has_ended(const struct mailbox_pair *pair, uint32_t uid)
{
    return seqset_contains(&pair->leaving, uid) && seqset_contains(&pair->remote.gone, uid);
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

int remote_by_uid(const void *a, const void *b)
{
    uint32_t x = ((const struct remote_message *)a)->uid;
    uint32_t y = ((const struct remote_message *)b)->uid;
    return x < y ? -1 : x > y;
}

const struct remote_message *remote_find(const struct remote_vec *v, uint32_t uid)
{
    const struct remote_message key = {.uid = uid};
    return v->len == 0 ? NULL : bsearch(&key, v->items, v->len, sizeof key, remote_by_uid);
}

uint64_t remote_fresh_count(const struct remote_delta *delta)
{
    return delta->fresh.len + seqset_count(&delta->plain);
}
