#include "apply/apply.h"

#include "base/files.h"
#include "imap/limits.h"
#include "imap/list.h"
#include "pass/event.h"
#include "pass/guard_store.h"
#include "survey/careful.h"
#include "survey/elsewhere.h"
#include "survey/file_finder.h"
#include "survey/local.h"
#include "survey/recover.h"
#include "apply/apply_move.h"

#include <fcntl.h>

#define REMOVE_BATCH 512

/* ---- files: out of the Maildir, a flush, then their records go ---- */

struct remover {
    struct pass *pass;
    struct mailbox_pair *pair;
    struct file_finder finder;
    const struct operation *batch[REMOVE_BATCH];
    size_t len;
    struct seqset removed;
};

static int forget_removed(struct remover *rm, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    const char *keep_dir = rm->pass->keep_dir;
    uint32_t counted = 0, deleted = 0;
    int r = maildir_sync_folder(rm->pass->maildir, rm->pair->record.path.ptr, err);
    /* A rename is sure where it went to: until then the file may be back after a power failure. */
    if (r == 0 && keep_dir != NULL)
        r = file_sync_dir(AT_FDCWD, keep_dir, err);
    if (r == 0)
        r = index_begin_write(rm->pass->index, &txn, err);
    for (size_t i = 0; i < rm->len && r == 0; i++) {
        /* Of what goes there next, the record still has to tell where it is. */
        if (rm->batch[i]->is_marked)
            continue;
        counted += !rm->batch[i]->has_copy;
        deleted++;
        r = index_message_delete(txn, rm->pair->record.id, rm->batch[i]->uid, err);
        if (r == 0)
            r = event_note(rm->pass, txn, rm->pair, EVENT_DELETED_LOCAL, rm->batch[i]->base,
                           rm->batch[i]->why, err);
    }
    if (r == 0)
        r = guard_note(txn, rm->pair->record.id, counted, pass_now_ms(rm->pass), err);
    if (r == 0)
        r = index_commit(&txn, err);
    if (r == 0)
        rm->pass->report->messages.deleted_local += deleted;
    rm->pair->changed_here = rm->pair->changed_here || rm->len > 0;
    rm->len = 0;
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

static int remove_file(struct remover *rm, const struct operation *op, struct error *err)
{
    const struct maildir_file *file;
    int r = file_finder_find(&rm->finder, op->file, op->base->base, &file, err);
    if (r == 0)
        r = maildir_remove(rm->pass->maildir, rm->pair->record.path.ptr, file, rm->pass->keep_dir,
                           err);
    if (r < 0 && err->code == ERR_NOT_FOUND) {
        /* Renamed or removed since it was seen: the next pass sees which. */
        error_clear(err);
        rm->pair->remote_blocked = rm->pair->local_blocked = true;
        return 0;
    }
    if (r < 0)
        return error_widen(err, SCOPE_MAILBOX);
    rm->batch[rm->len++] = op;
    seqset_add(&rm->removed, op->uid);
    return rm->len == REMOVE_BATCH ? forget_removed(rm, err) : 0;
}

/* Of DELETE_REMOTE those whose marked files are still here. *removed_out: to be freed. */
static int remove_files(struct pass *pass, struct mailbox_plan *plan, enum operation_kind kind,
                        struct seqset *removed_out, struct error *err)
{
    const struct operation_vec *ops = &plan->ops[kind];
    struct remover *rm = xcalloc(1, sizeof *rm);
    rm->pass = pass;
    rm->pair = plan->pair;
    rm->finder = (struct file_finder){.pass = pass, .pair = plan->pair};
    int r = pass_local_change(pass, err);
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        pass_progress(pass, PROGRESS_DELETE, plan->pair, i, ops->len);
        r = pass_check_cancelled(pass, err);
        if (r == 0 && (kind == OP_DELETE_LOCAL || ops->items[i].is_marked))
            r = remove_file(rm, &ops->items[i], err);
    }
    struct error flush_error = ERROR_INIT;
    int f = rm->len > 0 ? forget_removed(rm, &flush_error) : 0;
    if (r == 0 && f < 0) {
        *err = flush_error;
        r = f;
    }
    file_finder_free(&rm->finder);
    *removed_out = rm->removed;
    xfree(&rm);
    return r;
}

static int remove_in_mailbox(struct pass *pass, struct mailbox_plan *plan, struct error *err)
{
    AUTO_SEQSET struct seqset removed = {0};
    return remove_files(pass, plan, OP_DELETE_LOCAL, &removed, err);
}

int apply_delete_local(struct pass *pass, struct plan *plan, struct error *err)
{
    return apply_each(pass, plan, OP_DELETE_LOCAL, remove_in_mailbox, err);
}

/* ---- messages on the server ---- */

/* The folder as it is now: whose file is back is not deleted (law 1). */
static int still_absent(struct pass *pass, const struct mailbox_plan *plan, struct seqset *out,
                        struct error *err)
{
    const struct operation_vec *ops = &plan->ops[OP_DELETE_REMOTE];
    struct maildir_snapshot now = {0};
    bool rescan = !local_is_unchanged(pass, plan->pair);
    int r = 0;
    if (rescan)
        r = maildir_scan(pass->maildir, plan->pair->record.path.ptr, &now, err);
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        bool back = rescan && !ops->items[i].is_marked &&
                    maildir_snapshot_find(&now, ops->items[i].base->base) != NULL;
        if (!back)
            seqset_add(out, ops->items[i].uid);
        else
            plan->pair->remote_blocked = plan->pair->local_blocked = true;
    }
    maildir_snapshot_free(&now);
    return r;
}

static int mark_and_expunge(struct pass *pass, const struct mailbox_pair *pair,
                            const struct seqset *uids, struct error *err)
{
    const struct imap_flags deleted = {.system = FLAG_DELETED};
    bool expunge = client_has(pass->client, CAP_UIDPLUS);
    struct client_store store;
    struct client_expunge gone;
    struct error expunge_error = ERROR_INIT;
    int r =
        client_store_begin(pass->client, &store, uids, STORE_ADD, &deleted, 0, pass->arena, err);
    if (r < 0)
        return r;
    int begun =
        expunge ? client_uid_expunge_begin(pass->client, &gone, uids, pass->arena, &expunge_error)
                : -1;
    r = client_store_end(pass->client, &store, err);
    client_store_free(&store);
    int e = begun == 0 ? client_expunge_end(pass->client, &gone, &expunge_error) : 0;
    if (r == 0 && (e < 0 || (expunge && begun < 0))) {
        *err = expunge_error;
        r = -(int)err->code;
    }
    if (r == 0 && !expunge && pair->policy->expunge_careful)
        r = careful_expunge(pass, pair, uids, err);
    return r < 0 ? error_wrap(err, "cannot delete on the server") : 0;
}

int apply_expunge(struct pass *pass, struct mailbox_pair *pair, const struct seqset *uids,
                  struct error *err)
{
    AUTO_SEQSET struct seqset left = {0};
    int r = 0;
    seqset_add_set(&left, uids);
    while (r == 0 && !seqset_is_empty(&left)) {
        AUTO_SEQSET struct seqset part = {0};
        seqset_take(&left, LIMIT_COMMAND_LINE_BYTES - 100, &part);
        r = mark_and_expunge(pass, pair, &part, err);
    }
    return r;
}

static int put_intent(struct index_txn *txn, const struct operation *op, struct error *err)
{
    struct index_intent intent = {.kind = INTENT_EXPUNGE,
                                  .message = {.mailbox = op->base->mailbox, .uid = op->uid},
                                  .from_mailbox = op->base->mailbox,
                                  .from_uid = op->uid};
    return index_intent_put(txn, &intent, err);
}

/* Before they are expunged: were the program stopped then, a file that is back would be taken for
 * that of a message that somebody deleted there. */
static int put_intents(struct pass *pass, const struct mailbox_plan *plan,
                       const struct seqset *uids, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    const struct operation_vec *ops = &plan->ops[OP_DELETE_REMOTE];
    int r = index_begin_write(pass->index, &txn, err);
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        if (seqset_contains(uids, ops->items[i].uid))
            r = put_intent(txn, &ops->items[i], err);
    }
    if (r == 0)
        r = index_commit(&txn, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* Agreed: gone here, and marked there, or on its way. The records stay until the server is seen
 * without their UIDs. */
static int mark_deleted(struct index_txn *txn, const struct operation *op, struct error *err)
{
    struct index_message m = *op->base;
    m.state = MESSAGE_DELETED_HERE;
    m.flags.system |= MAILDIR_TRASHED;
    return index_message_put(txn, &m, err);
}

/* `by_trash`: their records are settled already. */
static int record_deleted(struct pass *pass, const struct mailbox_plan *plan,
                          const struct seqset *uids, bool by_trash, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    AUTO_TXN struct index_txn *txn = NULL;
    const struct operation_vec *ops = &plan->ops[OP_DELETE_REMOTE];
    uint32_t count = 0, counted = 0;
    int r = index_begin_write(pass->index, &txn, err);
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        if (!seqset_contains(uids, ops->items[i].uid))
            continue;
        r = by_trash ? 0 : mark_deleted(txn, &ops->items[i], err);
        const char *why = ops->items[i].why;
        if (by_trash)
            why = arena_printf(arena, "%s; moved to \\Trash", why);
        if (r == 0)
            r = event_note(pass, txn, plan->pair, EVENT_DELETED_REMOTE, ops->items[i].base, why,
                           err);
        counted += !ops->items[i].has_copy;
        count++;
    }
    if (r == 0 && !by_trash)
        r = recover_end_leaving(txn, plan->pair->record.id, uids, err);
    if (r == 0)
        r = guard_note(txn, plan->pair->record.id, counted, pass_now_ms(pass), err);
    if (r == 0)
        r = index_commit(&txn, err);
    if (r == 0)
        pass->report->messages.deleted_remote += count;
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

static int expunge_in_mailbox(struct pass *pass, struct mailbox_plan *plan, struct seqset *left,
                              struct error *err)
{
    int r = seqset_is_empty(left) ? 0 : apply_select(pass, plan->pair, err);
    while (r == 0 && !seqset_is_empty(left)) {
        AUTO_SEQSET struct seqset part = {0};
        seqset_take(left, LIMIT_COMMAND_LINE_BYTES - 100, &part);
        r = put_intents(pass, plan, &part, err);
        if (r == 0)
            r = apply_expunge(pass, plan->pair, &part, err);
        if (r == 0)
            r = record_deleted(pass, plan, &part, false, err);
    }
    return r;
}

/* ---- by way of \Trash ---- */

static struct mailbox_pair *find_trash(struct pass *pass)
{
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if ((pair->attributes & LIST_TRASH) && pair->remote_exists && !error_is_set(&pair->error))
            return pair;
    }
    return NULL;
}

static struct relocated to_trash(struct pass *pass, const struct operation *op,
                                 const struct mailbox_pair *trash)
{
    struct relocated m = {.uid = op->uid};
    m.intent = (struct index_intent){
        .kind = INTENT_MOVE,
        .uidvalidity = trash->record.uidvalidity,
        .uidnext = trash->remote.uidnext != 0 ? trash->remote.uidnext : trash->record.uidnext,
        .begun_ms = pass_now_ms(pass),
        .message = *op->base,
        .from_mailbox = op->base->mailbox,
        .from_uid = op->uid,
    };
    m.intent.message.mailbox = trash->record.id;
    m.intent.message.uid = 0;
    m.intent.message.base = STR_EMPTY;
    return m;
}

static int move_to_trash(struct pass *pass, struct mailbox_plan *plan, const struct seqset *uids,
                         struct error *err)
{
    const struct operation_vec *ops = &plan->ops[OP_DELETE_REMOTE];
    struct relocation r = {.from = plan->pair, .to = find_trash(pass), .moves = true};
    AUTO_SEQSET struct seqset done = {0};
    if (r.to == NULL)
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX,
                         "messages deleted here wait: `delete: trash` is set, but the server marks "
                         "no mailbox as \\Trash; name it with `mailboxes: special: {trash: …}`");
    r.items = xcalloc(ops->len + 1, sizeof *r.items);
    for (size_t i = 0; i < ops->len; i++) {
        if (ops->items[i].to_trash && seqset_contains(uids, ops->items[i].uid))
            r.items[r.len++] = to_trash(pass, &ops->items[i], r.to);
    }
    int rc = apply_relocate(pass, &r, err);
    for (size_t i = 0; i < r.len; i++) {
        if (r.items[i].outcome == RELOCATED)
            seqset_add(&done, r.items[i].uid);
    }
    xfree(&r.items);
    struct error note_error = ERROR_INIT;
    int noted = record_deleted(pass, plan, &done, true, &note_error);
    if (rc == 0 && noted < 0) {
        *err = note_error;
        rc = noted;
    }
    return rc;
}

/* Their files go first: a message whose file is gone is deleted there in any case. */
static int remove_marked(struct pass *pass, struct mailbox_plan *plan, struct seqset *left,
                         struct error *err)
{
    AUTO_SEQSET struct seqset removed = {0};
    const struct operation_vec *ops = &plan->ops[OP_DELETE_REMOTE];
    bool any = false;
    for (size_t i = 0; i < ops->len && !any; i++)
        any = ops->items[i].is_marked;
    int r = any ? remove_files(pass, plan, OP_DELETE_REMOTE, &removed, err) : 0;
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        uint32_t uid = ops->items[i].uid;
        if (ops->items[i].is_marked && !seqset_contains(&removed, uid))
            seqset_remove_range(left, uid, uid);
    }
    return r;
}

static int delete_in_mailbox(struct pass *pass, struct mailbox_plan *plan, struct error *err)
{
    AUTO_SEQSET struct seqset left = {0};
    AUTO_SEQSET struct seqset trash = {0};
    const struct operation_vec *ops = &plan->ops[OP_DELETE_REMOTE];
    pass_progress(pass, PROGRESS_DELETE, plan->pair, 0, ops->len);
    int r = still_absent(pass, plan, &left, err);
    if (r == 0)
        r = remove_marked(pass, plan, &left, err);
    for (size_t i = 0; i < ops->len; i++) {
        uint32_t uid = ops->items[i].uid;
        if (!ops->items[i].to_trash || !seqset_contains(&left, uid))
            continue;
        seqset_add(&trash, uid);
        seqset_remove_range(&left, uid, uid);
    }
    if (r == 0)
        r = expunge_in_mailbox(pass, plan, &left, err);
    return r < 0 || seqset_is_empty(&trash) ? r : move_to_trash(pass, plan, &trash, err);
}

int apply_delete_remote(struct pass *pass, struct plan *plan, struct error *err)
{
    int r = elsewhere_arrived(pass, plan, err);
    return r < 0 ? r : apply_each(pass, plan, OP_DELETE_REMOTE, delete_in_mailbox, err);
}
