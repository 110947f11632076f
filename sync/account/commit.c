#include "account/commit.h"

#include "base/files.h"
#include "pass/keywords.h"
#include "pass/state.h"
#include "survey/recover.h"
#include "survey/unfetched.h"

#include <fcntl.h>

static int put_agreed(struct pass *pass, struct index_txn *txn, const struct mailbox_plan *plan,
                      struct error *err)
{
    const struct operation_vec *agree = &plan->ops[OP_AGREE];
    const struct operation_vec *forget = &plan->ops[OP_FORGET];
    int r = 0;
    for (size_t i = 0; i < agree->len && r == 0; i++) {
        const struct operation *op = &agree->items[i];
        struct index_message m = {.mailbox = plan->pair->record.id, .uid = op->uid};
        if (op->base != NULL)
            m = *op->base;
        else {
            m.wire_size = op->extent.size;
            m.internal_date_s = op->extent.date_s;
        }
        m.flags = op->flags;
        m.state = op->state;
        pass->report->messages.skipped += op->base == NULL;
        r = index_message_put(txn, &m, err);
    }
    for (size_t i = 0; i < forget->len && r == 0; i++)
        r = index_message_delete(txn, plan->pair->record.id, forget->items[i].uid, err);
    return r;
}

/* ---- held deletions: the list is made anew for each mailbox that was looked at ---- */

static enum held_kind held_kind_of(const struct operation *op)
{
    return op->kind == OP_DELETE_LOCAL ? HELD_DELETE_LOCAL : HELD_DELETE_REMOTE;
}

/* UIDs of deletions, by where they would be. */
struct deletions {
    struct seqset local, remote;
};

static void deletions_free(struct deletions *d)
{
    seqset_free(&d->local);
    seqset_free(&d->remote);
}
#define AUTO_DELETIONS __attribute__((cleanup(deletions_free)))

static struct seqset *deletions_of(struct deletions *d, enum held_kind kind)
{
    return kind == HELD_DELETE_LOCAL ? &d->local : &d->remote;
}

/* What this pass holds. Where it leaves what was removed here to a later one (local_waits), what an
 * earlier one held of that is held still: it is not asked again. */
static void find_held(const struct pass *pass, const struct mailbox_plan *plan,
                      struct deletions *out)
{
    const struct local_delta *local = &plan->pair->local;
    for (size_t i = 0; i < plan->held.len; i++) {
        const struct operation *op = &plan->held.items[i];
        seqset_add(deletions_of(out, held_kind_of(op)), op->uid);
    }
    if (pass->options->local_waits)
        seqset_add_set(&out->remote, &local->gone);
}

/* Whether an entry for a message that could not be carried has lost its reason to be. */
static int is_overtaken(struct index_txn *txn, struct arena *arena, const struct mailbox_plan *plan,
                        const struct index_held *h, bool *out, struct error *err)
{
    const struct local_delta *local = &plan->pair->local;
    struct index_message record;
    *out = false;
    if (h->kind == HELD_DOWNLOAD) {
        int r = index_message_get(txn, arena, h->mailbox, h->uid, &record, err);
        *out = r < 0 || record.state != MESSAGE_HELD;
        if (r < 0 && err->code != ERR_NOT_FOUND)
            return r;
        error_clear(err);
    } else if (h->kind == HELD_UPLOAD && local->scanned) {
        *out = true;
        for (size_t i = 0; i < local->fresh.len; i++) {
            if (str_eq(local->fresh.items[i].file.parsed.base, h->base))
                *out = false;
        }
    }
    return 0;
}

/* *listed_out: the deletions that stay. */
static int drop_stale_held(struct index_txn *txn, const struct mailbox_plan *plan,
                           struct deletions *held, struct deletions *listed_out, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_held h;
    uint64_t cursor = 0;
    int r;
    while ((r = index_held_next(txn, arena, &cursor, &h, err)) > 0) {
        bool deletion = h.kind == HELD_DELETE_LOCAL || h.kind == HELD_DELETE_REMOTE;
        bool stale = false;
        if (h.mailbox != plan->pair->record.id)
            continue;
        if (deletion)
            stale = !seqset_contains(deletions_of(held, h.kind), h.uid);
        else if ((r = is_overtaken(txn, arena, plan, &h, &stale, err)) < 0)
            return r;
        if (stale && (r = index_held_delete(txn, h.id, err)) < 0)
            return r;
        if (deletion && !stale)
            seqset_add(deletions_of(listed_out, h.kind), h.uid);
        arena_reset(arena);
    }
    return r;
}

static int put_held(struct pass *pass, struct index_txn *txn, const struct mailbox_plan *plan,
                    struct error *err)
{
    AUTO_DELETIONS struct deletions held = {0};
    AUTO_DELETIONS struct deletions listed = {0};
    find_held(pass, plan, &held);
    int r = drop_stale_held(txn, plan, &held, &listed, err);
    for (size_t i = 0; i < plan->held.len && r == 0; i++) {
        const struct operation *op = &plan->held.items[i];
        if (seqset_contains(deletions_of(&listed, held_kind_of(op)), op->uid))
            continue;
        struct index_held h = {.kind = held_kind_of(op),
                               .mailbox = plan->pair->record.id,
                               .uid = op->uid,
                               .base = op->base->base,
                               .reason = str_from(op->why),
                               .since_ms = pass_now_ms(pass)};
        r = index_held_put(txn, &h, err);
    }
    return r;
}

static bool is_target(const struct pass *pass, uint32_t mailbox)
{
    const struct mailbox_pair *pair = pairs_find(&pass->pairs, mailbox);
    return pair != NULL && pair->in_target;
}

/* What waits, whether this pass or an earlier one held it. */
static int count_held(struct pass *pass, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_held h;
    uint64_t cursor = 0;
    int r = index_begin_read(pass->index, &txn, err);
    pass->report->messages.held = 0;
    while (r >= 0 && (r = index_held_next(txn, arena, &cursor, &h, err)) > 0) {
        pass->report->messages.held += h.answer != HELD_KEPT && is_target(pass, h.mailbox);
        arena_reset(arena);
    }
    return r;
}

/* ---- marks ---- */

static int or_not_there(int r, struct error *err)
{
    if (r == 0 || err->code != ERR_NOT_FOUND)
        return r;
    error_clear(err);
    return 0;
}

static bool was_looked_at(const struct mailbox_pair *pair)
{
    return pair->action == PAIR_SYNC && pair->record.id != 0 && pair->in_target &&
           !error_is_set(&pair->error);
}

/* Flags that changed on the server, of messages whose deletion there waits: nothing took them in,
 * and the files may come back. */
static int find_unheard(struct index_txn *txn, const struct mailbox_pair *pair, bool *out,
                        struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_message record;
    *out = false;
    VEC_FOREACH (const struct remote_message, changed, &pair->remote.changed) {
        if (!seqset_contains(&pair->local.gone, changed->uid))
            continue;
        int r = index_message_get(txn, arena, pair->record.id, changed->uid, &record, err);
        if (r == 0)
            *out = *out || record.state == MESSAGE_SYNCED;
        else if (or_not_there(r, err) < 0)
            return r;
        arena_reset(arena);
    }
    return 0;
}

static bool move_remote_mark(struct mailbox_pair *pair, struct index_mailbox *record)
{
    if (pair->remote.means == SURVEY_NONE || pair->remote_blocked)
        return false;
    record->uidnext = pair->remote.uidnext;
    record->highestmodseq = pair->remote.highestmodseq;
    return true;
}

static void move_local_mark(struct mailbox_pair *pair, struct index_mailbox *record)
{
    if (!pair->local.scanned || pair->local_blocked)
        return;
    const struct maildir_times none = {0};
    const struct maildir_times *times = pair->local.settled ? &pair->local.times : &none;
    record->new_mtime_ns = times->new_mtime_ns;
    record->cur_mtime_ns = times->cur_mtime_ns;
    record->new_inode = pair->local.times.new_inode;
    record->cur_inode = pair->local.times.cur_inode;
}

static bool marks_equal(const struct index_mailbox *a, const struct index_mailbox *b)
{
    return a->uidnext == b->uidnext && a->highestmodseq == b->highestmodseq &&
           str_eq(a->mailboxid, b->mailboxid) && a->new_mtime_ns == b->new_mtime_ns &&
           a->cur_mtime_ns == b->cur_mtime_ns && a->new_inode == b->new_inode &&
           a->cur_inode == b->cur_inode;
}

static int put_marks(struct pass *pass, struct index_txn *txn, struct mailbox_pair *pair,
                     struct error *err)
{
    struct index_mailbox record = pair->record;
    bool unheard;
    int r = find_unheard(txn, pair, &unheard, err);
    if (r < 0)
        return r;
    pair->remote_blocked = pair->remote_blocked || unheard;
    /* Of these it matters what both sides looked like when the run was interrupted. */
    if (!seqset_is_empty(&pair->leaving) && (pair->remote_blocked || pair->local_blocked))
        pair->remote_blocked = pair->local_blocked = true;
    bool moves = move_remote_mark(pair, &record);
    move_local_mark(pair, &record);
    r = moves ? unfetched_drop(pass, txn, pair, err) : 0;
    if (r == 0 && !pair->remote_blocked && !pair->local_blocked)
        r = recover_end_leaving(txn, pair->record.id, &pair->leaving, err);
    if (r < 0 || marks_equal(&record, &pair->record))
        return r;
    return index_mailbox_put(txn, &record, err);
}

static int put_generation(struct pass *pass, struct index_txn *txn, struct error *err)
{
    struct index_meta meta;
    int r = pass->local_changed ? index_meta_get(txn, &meta, err) : 0;
    if (r < 0 || !pass->local_changed)
        return r;
    meta.generation = pass->begun;
    return index_meta_put(txn, &meta, err);
}

static bool has_news(const struct pass *pass, const struct plan *plan)
{
    if (pass->local_changed || pass->first_run)
        return true;
    for (size_t i = 0; i < plan->mailboxes.len; i++) {
        const struct mailbox_plan *m = &plan->mailboxes.items[i];
        if (m->pair->remote.means != SURVEY_NONE || m->pair->local.scanned || m->held.len > 0)
            return true;
    }
    return false;
}

/* What is forgotten because both sides lost it must not be back after a power failure: nobody would
 * know that it is not new (law 3). Who removed the files has seldom seen to that. */
static int sync_forgotten(const struct pass *pass, const struct plan *plan, struct error *err)
{
    bool any = false;
    int r = 0;
    for (size_t i = 0; i < plan->mailboxes.len && r == 0; i++) {
        const struct mailbox_plan *m = &plan->mailboxes.items[i];
        if (!was_looked_at(m->pair) || m->ops[OP_FORGET].len == 0 || !m->pair->local_exists)
            continue;
        any = true;
        r = or_not_there(maildir_sync_folder(pass->maildir, m->pair->record.path.ptr, err), err);
    }
    if (r == 0 && any && pass->keep_dir != NULL)
        r = or_not_there(file_sync_dir(AT_FDCWD, pass->keep_dir, err), err);
    return r;
}

static int commit_news(struct pass *pass, const struct plan *plan, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = sync_forgotten(pass, plan, err);
    if (r == 0)
        r = index_begin_write(pass->index, &txn, err);
    for (size_t i = 0; i < plan->mailboxes.len && r == 0; i++) {
        const struct mailbox_plan *m = &plan->mailboxes.items[i];
        if (!was_looked_at(m->pair))
            continue;
        r = put_agreed(pass, txn, m, err);
        if (r == 0)
            r = put_held(pass, txn, m, err);
        if (r == 0)
            r = put_marks(pass, txn, m->pair, err);
        if (r == 0)
            r = keywords_store_letters(pass, txn, m->pair, err);
    }
    if (r == 0)
        r = put_generation(pass, txn, err);
    if (r == 0)
        r = state_end_first_run(pass, txn, err);
    return r < 0 ? r : index_commit(&txn, err);
}

int commit_pass(struct pass *pass, const struct plan *plan, struct error *err)
{
    int r = has_news(pass, plan) ? commit_news(pass, plan, err) : 0;
    if (r == 0)
        r = count_held(pass, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}
