#include "apply/apply.h"

#include "pass/event.h"
#include "pass/keywords.h"
#include "survey/file_finder.h"

/* Flags to the files: for a batch of them an intent each, the renames, a flush, the records. */

/* Renames between two flushes. */
#define RENAME_BATCH 512

struct renaming {
    const struct operation *op;
    const struct maildir_file *file;
    struct index_intent intent;
    bool done;
};

struct renamer {
    struct pass *pass;
    struct mailbox_pair *pair;
    struct file_finder finder;
    struct renaming batch[RENAME_BATCH];
    size_t len;
    struct error refused; /* the first rename that the folder refused */
};

static int put_rename_intents(struct renamer *rn, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(rn->pass->index, &txn, err);
    for (size_t i = 0; i < rn->len && r == 0; i++)
        r = index_intent_put(txn, &rn->batch[i].intent, err);
    return r < 0 ? r : index_commit(&txn, err);
}

static int rename_files(struct renamer *rn, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    for (size_t i = 0; i < rn->len; i++) {
        struct renaming *b = &rn->batch[i];
        const struct maildir_name *now = &b->file->parsed;
        uint8_t flags = (uint8_t)((now->flags & ~b->op->remove) | b->op->add);
        struct str letters = keywords_letters(rn->pair, now->letters, &b->op->add_keywords,
                                              &b->op->remove_keywords, arena);
        const char *name;
        int r = maildir_set_flags(rn->pass->maildir, rn->pair->record.path.ptr, b->file, flags,
                                  letters, arena, &name, err);
        b->done = r == 0;
        if (r < 0 && err->scope > SCOPE_MAILBOX)
            return r;
        if (r < 0 && err->code != ERR_NOT_FOUND && !error_is_set(&rn->refused))
            rn->refused = *err;
        if (r < 0)
            rn->pair->remote_blocked = rn->pair->local_blocked = true;
        error_clear(err);
    }
    return maildir_sync_folder(rn->pass->maildir, rn->pair->record.path.ptr, err);
}

static int record_renames(struct renamer *rn, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(rn->pass->index, &txn, err);
    for (size_t i = 0; i < rn->len && r == 0; i++) {
        const struct renaming *b = &rn->batch[i];
        r = b->done ? index_message_put(txn, &b->intent.message, err) : 0;
        if (r == 0 && b->done)
            r = event_note(rn->pass, txn, rn->pair, EVENT_FLAGS_LOCAL, &b->intent.message,
                           b->op->why, err);
        if (r == 0)
            r = index_intent_delete(txn, b->intent.id, err);
        rn->pass->report->messages.flags_to_local += b->done;
        rn->pair->changed_here = rn->pair->changed_here || b->done;
    }
    return r < 0 ? r : index_commit(&txn, err);
}

static int rename_batch(struct renamer *rn, struct error *err)
{
    int r = rn->len == 0 ? 0 : put_rename_intents(rn, err);
    if (r == 0 && rn->len > 0 && (r = rename_files(rn, err)) == 0)
        r = record_renames(rn, err);
    rn->len = 0;
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

static int add_rename(struct renamer *rn, const struct operation *op, struct error *err)
{
    const struct maildir_file *file;
    int r = file_finder_find(&rn->finder, op->file, op->base->base, &file, err);
    if (r < 0 && err->code == ERR_NOT_FOUND) {
        error_clear(err);
        rn->pair->remote_blocked = rn->pair->local_blocked = true;
        return 0;
    }
    if (r < 0)
        return r;
    struct renaming *b = &rn->batch[rn->len++];
    *b = (struct renaming){.op = op, .file = file};
    b->intent.kind = INTENT_RENAME;
    b->intent.uidvalidity = rn->pair->record.uidvalidity;
    b->intent.begun_ms = pass_now_ms(rn->pass);
    b->intent.message = *op->base;
    b->intent.message.flags = op->flags;
    b->intent.message.state = op->state;
    return rn->len == RENAME_BATCH ? rename_batch(rn, err) : 0;
}

static int give_letters(struct pass *pass, struct mailbox_pair *pair,
                        const struct operation_vec *ops, struct error *err)
{
    VEC(struct index_flags) flags = {0};
    bool removes = false;
    for (size_t i = 0; i < ops->len; i++) {
        removes = removes || ops->items[i].remove_keywords.keywords_len > 0;
        if (ops->items[i].add_keywords.keywords_len > 0)
            vec_push(&flags, ops->items[i].add_keywords);
    }
    int r = removes && !pair->letters.known ? keywords_read_letters(pass, pair, err) : 0;
    if (r == 0)
        r = keywords_give_letters(pass, pair, flags.items, flags.len, err);
    vec_free(&flags);
    return r;
}

static int rename_mailbox(struct pass *pass, struct mailbox_plan *plan, struct error *err)
{
    const struct operation_vec *ops = &plan->ops[OP_FLAGS_TO_LOCAL];
    struct renamer *rn = xcalloc(1, sizeof *rn);
    rn->pass = pass;
    rn->pair = plan->pair;
    rn->finder = (struct file_finder){.pass = pass, .pair = plan->pair};
    int r = pass_local_change(pass, err);
    if (r == 0)
        r = give_letters(pass, plan->pair, ops, err);
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        pass_progress(pass, PROGRESS_FLAGS, plan->pair, i, ops->len);
        if (!seqset_contains(&plan->flags_failed, ops->items[i].uid))
            r = add_rename(rn, &ops->items[i], err);
    }
    if (r == 0)
        r = rename_batch(rn, err);
    if (r == 0 && error_is_set(&rn->refused)) {
        *err = rn->refused;
        r = error_widen(err, SCOPE_MAILBOX);
    }
    file_finder_free(&rn->finder);
    xfree(&rn);
    return r;
}

int apply_flags_local(struct pass *pass, struct plan *plan, struct error *err)
{
    return apply_each(pass, plan, OP_FLAGS_TO_LOCAL, rename_mailbox, err);
}
