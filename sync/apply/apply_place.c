#include "apply/apply_place.h"

#include "pass/keywords.h"

int place_describe(struct placer *p, struct placing *b, const struct index_message *source,
                   struct str letters, const struct index_flags *keywords, struct error *err)
{
    struct pass *pass = p->pass;
    struct index_message *m = &b->intent.message;
    b->intent.uidvalidity = p->to->pair->record.uidvalidity;
    b->intent.begun_ms = pass_now_ms(pass);
    *m = *source;
    m->mailbox = p->to->pair->record.id;
    m->uid = b->move->to_uid;
    m->modseq = 0;
    m->flags = b->move->flags;
    m->base = str_from(maildir_renewed_base(pass->maildir, pass->arena, b->file->parsed.base));
    return keywords_letters_elsewhere(pass, p->from->pair, p->to->pair, letters, keywords,
                                      &b->letters, err);
}

static int put_intents(struct placer *p, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(p->pass->index, &txn, err);
    for (size_t i = 0; i < p->len && r == 0; i++)
        r = index_intent_put(txn, &p->batch[i].intent, err);
    return r < 0 ? r : index_commit(&txn, err);
}

static int record_batch(struct placer *p, const struct place_ops *ops, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(p->pass->index, &txn, err);
    for (size_t i = 0; i < p->len && r == 0; i++) {
        const struct placing *b = &p->batch[i];
        if (b->done)
            r = ops->record(p, txn, b, err);
        if (r == 0)
            r = index_intent_delete(txn, b->intent.id, err);
    }
    return r < 0 ? r : index_commit(&txn, err);
}

static int place_batch(struct placer *p, const struct place_ops *ops, struct error *err)
{
    int r = p->len == 0 ? 0 : put_intents(p, err);
    if (r == 0 && p->len > 0 && (r = ops->place(p, err)) == 0)
        r = record_batch(p, ops, err);
    p->len = 0;
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

static int add(struct placer *p, const struct place_ops *ops, const struct move *move,
               struct error *err)
{
    struct placing *b = &p->batch[p->len];
    *b = (struct placing){.move = move};
    int r = ops->add(p, move, b, err);
    p->len += r > 0;
    if (r < 0)
        return r;
    return p->len == PLACE_BATCH ? place_batch(p, ops, err) : 0;
}

static int place_group(struct pass *pass, const struct move_group *group,
                       const struct place_ops *ops, bool late, struct error *err)
{
    struct placer *p = xcalloc(1, sizeof *p);
    p->pass = pass;
    p->from = group->items[0].from;
    p->to = group->items[0].to;
    p->finder = (struct file_finder){.pass = pass, .pair = p->from->pair};
    int r = pass_local_change(pass, err);
    for (size_t i = 0; i < group->len && r == 0; i++) {
        if ((group->items[i].base == NULL) != late)
            continue;
        r = pass_check_cancelled(pass, err);
        if (r == 0)
            r = add(p, ops, &group->items[i], err);
    }
    if (r == 0)
        r = place_batch(p, ops, err);
    file_finder_free(&p->finder);
    xfree(&p);
    return r;
}

static bool can_place(const struct move_group *group)
{
    bool can = true;
    for (size_t i = 0; i < group->len; i++)
        can = apply_can_move(&group->items[i]) && can;
    return can;
}

int apply_place(struct pass *pass, struct plan *plan, const struct place_ops *ops, bool late,
                struct error *err)
{
    struct move_group group = {0};
    while (apply_next_group(plan, ops->kind, &group)) {
        if (!can_place(&group) || place_group(pass, &group, ops, late, err) == 0)
            continue;
        for (size_t i = 0; i < group.len; i++)
            apply_block_move(&group.items[i]);
        int r = pass_absorb(pass, group.items[0].to->pair, err);
        if (r < 0)
            return r;
    }
    return 0;
}
