#include "sync/apply.h"

#include "imap/limits.h"
#include "sync/event.h"
#include "sync/flags.h"

/* STORE commands in flight. */
#define STORE_BATCH 32
/* Renames between two flushes. */
#define RENAME_BATCH 512

/* ---- to the server: one STORE for all messages with the same change ---- */

struct store {
    struct client_store handle;
    struct seqset uids;
};

struct storer {
    struct pass *pass;
    struct mailbox_plan *plan;
    struct store stores[STORE_BATCH];
    size_t len;
};

static int end_stores(struct storer *s, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < s->len; i++) {
        struct error store_error = ERROR_INIT;
        int e = client_store_end(s->pass->client, &s->stores[i].handle, &store_error);
        if (e < 0)
            seqset_add_set(&s->plan->flags_failed, &s->stores[i].uids);
        if (e < 0 && r == 0) {
            error_wrap(&store_error, "cannot store flags");
            r = pass_absorb(s->pass, s->plan->pair, &store_error);
            if (r < 0)
                *err = store_error;
        }
        client_store_free(&s->stores[i].handle);
        seqset_free(&s->stores[i].uids);
    }
    s->len = 0;
    return r;
}

static int store_set(struct storer *s, struct seqset *uids, enum store_mode mode, uint8_t mask,
                     struct error *err)
{
    struct imap_flags flags;
    flags_to_imap(mask, s->pass->arena, &flags);
    int r = 0;
    while (r == 0 && !seqset_is_empty(uids)) {
        struct store *store = &s->stores[s->len];
        *store = (struct store){0};
        seqset_take(uids, LIMIT_COMMAND_LINE_BYTES - 200, &store->uids);
        r = client_store_begin(s->pass->client, &store->handle, &store->uids, mode, &flags, 0,
                               s->pass->arena, err);
        if (r < 0)
            seqset_free(&store->uids);
        s->len += r == 0;
        if (s->len == STORE_BATCH)
            r = end_stores(s, err);
    }
    return r;
}

static int store_equal_changes(struct storer *s, enum store_mode mode, struct error *err)
{
    const struct operation_vec *ops = &s->plan->ops[OP_FLAGS_TO_REMOTE];
    int r = 0;
    for (unsigned mask = 1; mask < 64 && r == 0; mask++) {
        AUTO_SEQSET struct seqset uids = {0};
        for (size_t i = 0; i < ops->len; i++) {
            uint8_t change = mode == STORE_ADD ? ops->items[i].add : ops->items[i].remove;
            if (change == mask)
                seqset_add(&uids, ops->items[i].uid);
        }
        r = store_set(s, &uids, mode, (uint8_t)mask, err);
    }
    return r;
}

static int record_stored(struct pass *pass, const struct mailbox_plan *plan, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    const struct operation_vec *ops = &plan->ops[OP_FLAGS_TO_REMOTE];
    int r = index_begin_write(pass->index, &txn, err);
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        const struct operation *op = &ops->items[i];
        if (seqset_contains(&plan->flags_failed, op->uid))
            continue;
        struct index_message m = *op->base;
        m.flags = op->flags;
        m.state = op->state;
        r = index_message_put(txn, &m, err);
        if (r == 0)
            r = event_note(pass, txn, plan->pair, EVENT_FLAGS_REMOTE, &m, op->why, err);
        pass->report->messages.flags_to_remote++;
    }
    return r < 0 ? r : index_commit(&txn, err);
}

static int store_mailbox(struct pass *pass, struct mailbox_plan *plan, struct error *err)
{
    struct storer *s = xcalloc(1, sizeof *s);
    s->pass = pass;
    s->plan = plan;
    pass_progress(pass, PROGRESS_FLAGS, plan->pair, 0, plan->ops[OP_FLAGS_TO_REMOTE].len);
    int r = apply_select(pass, plan->pair, err);
    if (r == 0)
        r = store_equal_changes(s, STORE_ADD, err);
    if (r == 0)
        r = store_equal_changes(s, STORE_REMOVE, err);
    int e = end_stores(s, r == 0 ? err : &(struct error)ERROR_INIT);
    if (r == 0)
        r = e;
    xfree(&s);
    /* A file is not given the merged flags while the server lacks its share of them. */
    for (size_t i = 0; i < plan->ops[OP_FLAGS_TO_REMOTE].len && r < 0; i++)
        seqset_add(&plan->flags_failed, plan->ops[OP_FLAGS_TO_REMOTE].items[i].uid);
    if (r == 0 && record_stored(pass, plan, err) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    return r;
}

int apply_flags_remote(struct pass *pass, struct plan *plan, struct error *err)
{
    return apply_each(pass, plan, OP_FLAGS_TO_REMOTE, store_mailbox, err);
}

/* ---- to the files: an intent for each, the renames, a flush, the records ---- */

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
        const char *name;
        int r = maildir_set_flags(rn->pass->maildir, rn->pair->record.path.ptr, b->file, flags,
                                  now->letters, arena, &name, err);
        b->done = r == 0;
        if (r < 0 && err->code != ERR_NOT_FOUND)
            return r;
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

static int rename_mailbox(struct pass *pass, struct mailbox_plan *plan, struct error *err)
{
    const struct operation_vec *ops = &plan->ops[OP_FLAGS_TO_LOCAL];
    struct renamer *rn = xcalloc(1, sizeof *rn);
    rn->pass = pass;
    rn->pair = plan->pair;
    rn->finder = (struct file_finder){.pass = pass, .pair = plan->pair};
    int r = pass_local_change(pass, err);
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        pass_progress(pass, PROGRESS_FLAGS, plan->pair, i, ops->len);
        if (!seqset_contains(&plan->flags_failed, ops->items[i].uid))
            r = add_rename(rn, &ops->items[i], err);
    }
    if (r == 0)
        r = rename_batch(rn, err);
    file_finder_free(&rn->finder);
    xfree(&rn);
    return r;
}

int apply_flags_local(struct pass *pass, struct plan *plan, struct error *err)
{
    return apply_each(pass, plan, OP_FLAGS_TO_LOCAL, rename_mailbox, err);
}
