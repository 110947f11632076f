#include "apply/apply.h"

#include "survey/remote.h"

static bool has_operations(const struct plan *plan)
{
    if (plan->moves.len > 0)
        return true;
    for (size_t i = 0; i < plan->mailboxes.len; i++) {
        for (size_t k = 0; k < OP_KINDS; k++) {
            if (plan->mailboxes.items[i].ops[k].len > 0)
                return true;
        }
        if (plan->mailboxes.items[i].pair->pairing != NULL ||
            !seqset_is_empty(&plan->mailboxes.items[i].fetch))
            return true;
    }
    return false;
}

/* A message that moves takes its flags along. */
static int settle_before_moves(struct pass *pass, struct plan *plan, struct error *err)
{
    return plan->moves.len > 0 ? apply_flags_settle(pass, err) : 0;
}

static int settle_after_uploads(struct pass *pass, struct plan *plan, struct error *err)
{
    return apply_flags_settle(pass, err);
}

int apply_plan(struct pass *pass, struct plan *plan, struct error *err)
{
    static int (*const steps[])(struct pass *, struct plan *, struct error *) = {
        apply_renames,       apply_folders,        apply_pairings,      apply_flags_remote,
        settle_before_moves, apply_moves_remote,   apply_links,         apply_moves_local,
        apply_uploads,       settle_after_uploads, apply_downloads,     apply_late_links,
        apply_flags_local,   apply_delete_local,   apply_delete_remote, apply_removals,
        apply_retries,
    };
    /* Also where only the index and the server change: an older copy of the Maildir would lack what
     * was sent and hold what was deleted since, and must not pass for what it is now (law 6). */
    int r = has_operations(plan) ? pass_local_change(pass, err) : 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && r == 0; i++) {
        r = pass_check_cancelled(pass, err);
        if (r == 0)
            r = steps[i](pass, plan, err);
    }
    struct error ignored = ERROR_INIT;
    (void)apply_flags_settle(pass, &ignored);
    return r;
}

int apply_each(struct pass *pass, struct plan *plan, enum operation_kind kind,
               int (*step)(struct pass *pass, struct mailbox_plan *plan, struct error *err),
               struct error *err)
{
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        bool has_work = m->ops[kind].len > 0 && m->pair->action == PAIR_SYNC;
        if (!has_work || error_is_set(&m->pair->error) || step(pass, m, err) == 0)
            continue;
        int r = pass_absorb(pass, m->pair, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int apply_select(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    return remote_select(pass, pair, pair->record.uidvalidity, err);
}

bool apply_next_group(const struct plan *plan, enum move_kind kind, struct move_group *group)
{
    const struct move *at = group->items != NULL ? group->items + group->len : plan->moves.items;
    const struct move *end = plan->moves.items + plan->moves.len;
    while (at != end && at->kind != kind)
        at++;
    const struct move *first = at;
    while (at != end && at->kind == kind && at->from == first->from && at->to == first->to)
        at++;
    *group = (struct move_group){first, (size_t)(at - first)};
    return group->len > 0;
}

void apply_block(struct mailbox_pair *from, struct mailbox_pair *to)
{
    from->remote_blocked = from->local_blocked = true;
    to->remote_blocked = to->local_blocked = true;
}

void apply_block_move(const struct move *move)
{
    apply_block(move->from->pair, move->to->pair);
    if (move->known_in != NULL)
        apply_block(move->known_in->pair, move->to->pair);
}

void apply_add_operation(struct mailbox_plan *plan, const struct operation *op)
{
    struct operation_vec *ops = &plan->ops[op->kind];
    (void)vec_add(ops);
    size_t at = ops->len - 1;
    for (; at > 0 && ops->items[at - 1].uid > op->uid; at--)
        ops->items[at] = ops->items[at - 1];
    ops->items[at] = *op;
}

bool apply_can_move(const struct move *move)
{
    const struct mailbox_pair *from = move->from->pair;
    const struct mailbox_pair *to = move->to->pair;
    bool can = from->action == PAIR_SYNC && to->action == PAIR_SYNC &&
               !error_is_set(&from->error) && !error_is_set(&to->error);
    if (!can)
        apply_block_move(move);
    return can;
}
