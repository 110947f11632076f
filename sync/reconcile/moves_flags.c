#include "reconcile/moves_flags.h"

#include "reconcile/flags.h"

struct index_flags moves_flags_there(const struct mailbox_plan *plan,
                                     const struct index_message *record)
{
    const struct remote_vec *changed = &plan->pair->remote.changed;
    for (size_t low = 0, high = changed->len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (changed->items[middle].uid == record->uid)
            return changed->items[middle].flags;
        if (changed->items[middle].uid < record->uid)
            low = middle + 1;
        else
            high = middle;
    }
    return record->flags;
}

/* What both sides have made of the keywords: the file's letters are those of the folder that it
 * came from. `file` NULL, or letters that are not known: as agreed here. */
static struct keywords_merge merge_keywords(struct arena *arena, const struct mailbox_plan *from,
                                            const struct mailbox_plan *stored,
                                            const struct index_message *base,
                                            const struct index_flags *remote,
                                            const struct maildir_file *file)
{
    const struct keyword_letters *letters = &from->pair->letters;
    struct index_flags local = base->flags;
    struct keywords_merge out;
    if (file != NULL && letters->known)
        local = flags_of_letters(letters, file->parsed.letters, arena);
    flags_merge_keywords(&(struct keywords_sides){.base = &base->flags,
                                                  .remote = remote,
                                                  .local = &local,
                                                  .storable = &stored->pair->remote,
                                                  .letters = letters,
                                                  .direction = stored->pair->policy->flags},
                         arena, &out);
    return out;
}

/* What is agreed of a file that stays in its folder, before it gets the letters that it lacks. What
 * the index agreed on already stays so: the server does not tell of it again, but the file is
 * compared again. */
static struct index_flags agreed_in_place(struct arena *arena, const struct move *move,
                                          const struct keywords_merge *k)
{
    struct keywords_merge told = *k;
    uint32_t *ids = arena_array(arena, k->local_add.keywords_len + 1u, sizeof *ids);
    told.local_add = (struct index_flags){.keywords = ids};
    for (size_t i = 0; i < k->local_add.keywords_len; i++) {
        if (!flags_have_keyword_id(&move->base->flags, k->local_add.keywords[i]))
            ids[told.local_add.keywords_len++] = k->local_add.keywords[i];
    }
    if (k->local_add.keywords_len > 0)
        move->to->pair->local_blocked = true;
    return flags_before_local(&k->agreed, &told, arena);
}

void moves_send_flags_ahead(struct arena *arena, struct mailbox_plan *from,
                            const struct operation *gone, struct move *move)
{
    const struct mailbox_pair *pair = from->pair;
    struct index_flags remote = moves_flags_there(from, move->base);
    uint8_t local = move->file->parsed.flags;
    struct flags_merge m =
        flags_merge(&move->base->flags, &remote, local, pair->remote.storable, pair->policy->flags);
    uint8_t now = remote.system & pair->remote.storable;
    uint8_t goal = m.remote & pair->remote.storable;
    const struct keywords_merge k =
        merge_keywords(arena, from, from, move->base, &remote, move->file);
    move->flags = from == move->to ? agreed_in_place(arena, move, &k)
                                   : flags_before_local(&k.agreed, &k, arena);
    move->flags.system = m.agreed.system;
    if (m.local != local)
        move->flags.system = local;
    if (m.local != local || k.local_add.keywords_len > 0 || k.local_remove.keywords_len > 0)
        from->pair->remote_blocked = true;
    if (goal == now && k.remote_add.keywords_len == 0 && k.remote_remove.keywords_len == 0)
        return;
    struct operation *op = vec_add(&from->ops[OP_FLAGS_TO_REMOTE]);
    *op = *gone;
    op->kind = OP_FLAGS_TO_REMOTE;
    op->is_out = false;
    op->flags = move->flags;
    op->state = MESSAGE_SYNCED;
    op->add = goal & (uint8_t)~now;
    op->remove = now & (uint8_t)~goal;
    op->add_keywords = k.remote_add;
    op->remove_keywords = k.remote_remove;
    op->why = "flags changed on the way";
}

void moves_take_flags_along(struct mailbox_plan *to, const struct index_flags *remote,
                            uint8_t local, struct move *move)
{
    struct flags_merge m = flags_merge(&move->base->flags, remote, local, to->pair->remote.storable,
                                       to->pair->policy->flags);
    move->add = m.local & (uint8_t)~local;
    move->remove = local & (uint8_t)~m.local;
    move->flags = m.remote == remote->system ? m.agreed : *remote;
    move->file_keywords = *remote;
}

void moves_take_keywords_along(struct arena *arena, const struct mailbox_plan *from,
                               const struct mailbox_plan *to, const struct index_flags *remote,
                               const struct maildir_file *file, struct move *move)
{
    struct keywords_merge k = merge_keywords(arena, from, to, move->base, remote, file);
    bool sends = k.remote_add.keywords_len > 0 || k.remote_remove.keywords_len > 0;
    move->file_keywords = k.agreed;
    if (sends)
        return;
    move->flags.keywords = k.agreed.keywords;
    move->flags.keywords_len = k.agreed.keywords_len;
}

void moves_keep_flags(struct mailbox_plan *to, const struct index_flags *remote,
                      const struct maildir_file *file, struct move *move)
{
    if (move->from == to)
        move->flags = move->base->flags;
    else
        move->flags = (struct index_flags){.system = move->base->flags.system};
    if (!flags_equal(remote, &move->flags))
        to->pair->remote_blocked = true;
    if (file != NULL && (file->parsed.flags != move->flags.system || file->parsed.letters.len > 0))
        to->pair->local_blocked = true;
}
