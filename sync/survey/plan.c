#include "survey/plan.h"

#include "base/strmap.h"
#include "imap/limits.h"
#include "reconcile/cases.h"
#include "reconcile/met.h"
#include "reconcile/moves.h"
#include "reconcile/rebased.h"
#include "reconcile/reconcile.h"
#include "reconcile/strays.h"
#include "pass/event_words.h"
#include "pass/guard_store.h"
#include "survey/elsewhere.h"
#include "survey/extents.h"
#include "survey/identify.h"

#include <stdio.h>

static const struct {
    const char *what;
    bool one_line; /* a line for all of the mailbox, not one a message */
} OPERATION_WORDS[OP_KINDS] = {
    [OP_AGREE] = {"agree", true},
    [OP_FORGET] = {"forget", true},
    [OP_FLAGS_TO_REMOTE] = {"flags to the server", false},
    [OP_UPLOAD] = {"upload", false},
    [OP_DOWNLOAD] = {"download", true},
    [OP_FLAGS_TO_LOCAL] = {"flags to the file", false},
    [OP_DELETE_LOCAL] = {"delete here", false},
    [OP_DELETE_REMOTE] = {"delete on the server", false},
};

VEC_STRUCT(record_vec, struct index_message);
VEC_STRUCT(held_vec, struct index_held);

/* The UIDs whose records a mailbox's reconcile needs: those that a delta names, and what is held.
 */
static void touched_uids(const struct mailbox_pair *pair, const struct held_vec *held,
                         struct seqset *out)
{
    for (size_t i = 0; i < pair->remote.changed.len; i++)
        seqset_add(out, pair->remote.changed.items[i].uid);
    for (size_t i = 0; i < pair->local.changed.len; i++)
        seqset_add(out, pair->local.changed.items[i].uid);
    seqset_add_set(out, &pair->remote.gone);
    seqset_add_set(out, &pair->local.gone);
    for (size_t i = 0; i < held->len; i++) {
        const struct index_held *h = &held->items[i];
        if (h->kind == HELD_DOWNLOAD && h->mailbox == pair->record.id)
            seqset_add(out, h->uid);
    }
}

/* `marked: expunge` also looks at those that were marked before, whenever the mailbox is looked at.
 */
static int marked_uids(struct index_txn *txn, const struct mailbox_pair *pair, struct seqset *out,
                       struct error *err)
{
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    struct index_message record;
    bool looked_at = pair->remote.means != SURVEY_NONE || pair->local.scanned;
    if (!pair->policy->expunge_marked || !looked_at)
        return 0;
    int r = index_cursor_open(txn, pair->record.id, 1, &cursor, err);
    while (r >= 0 && (r = index_cursor_next(cursor, &record, err)) > 0) {
        if (record.flags.system & MAILDIR_TRASHED)
            seqset_add(out, record.uid);
    }
    return r;
}

static bool has_mark_there(const struct mailbox_pair *pair, uint32_t uid)
{
    const struct remote_message *changed = remote_find(&pair->remote.changed, uid);
    return changed != NULL && (changed->flags.system & MAILDIR_TRASHED) != 0;
}

static bool has_mark_here(const struct mailbox_pair *pair, uint32_t uid)
{
    VEC_FOREACH (const struct local_file, changed, &pair->local.changed) {
        if (changed->uid == uid)
            return (changed->flags.system & MAILDIR_TRASHED) != 0;
    }
    return false;
}

/* What an interrupted run expunged was deleted here, or is elsewhere by now. A file that is back is
 * to be sent, or moved back; taken for that of a message deleted on the server it would be removed,
 * and one that is gone elsewhere for it, too (law 1). Of what that run only came to mark, the mark
 * is ours: a file that is back takes it off again. */
static void end_original(const struct mailbox_pair *pair, struct index_message *record)
{
    uint32_t uid = record->uid;
    if (!seqset_contains(&pair->leaving, uid) || record->state != MESSAGE_SYNCED)
        return;
    bool is_back = pair->local.scanned && !seqset_contains(&pair->local.gone, uid);
    if (is_back && mailbox_has_ended(pair, uid))
        record->state = MESSAGE_DELETED_HERE;
    if (record->state == MESSAGE_DELETED_HERE ||
        (has_mark_there(pair, uid) && !has_mark_here(pair, uid)))
        record->flags.system |= MAILDIR_TRASHED;
}

static int read_records(struct pass *pass, struct index_txn *txn, const struct mailbox_pair *pair,
                        const struct held_vec *held, struct record_vec *out, struct error *err)
{
    AUTO_SEQSET struct seqset uids = {0};
    touched_uids(pair, held, &uids);
    if (extents_reconsider(pass, txn, pair, &uids, err) < 0)
        return -(int)err->code;
    uint32_t uid = 0;
    if (marked_uids(txn, pair, &uids, err) < 0)
        return -(int)err->code;
    while (seqset_next(&uids, &uid)) {
        struct index_message record;
        int r = index_message_get(txn, pass->arena, pair->record.id, uid, &record, err);
        if (r < 0 && err->code != ERR_NOT_FOUND)
            return r;
        if (r == 0) {
            end_original(pair, &record);
            vec_push(out, record);
        }
        error_clear(err);
    }
    return 0;
}

static int read_held(struct pass *pass, struct index_txn *txn, struct held_vec *out,
                     struct error *err)
{
    struct index_held held;
    uint64_t cursor = 0;
    int r;
    while ((r = index_held_next(txn, pass->arena, &cursor, &held, err)) > 0)
        vec_push(out, held);
    return r;
}

/* The held entries of one mailbox. */
static void held_of(const struct held_vec *all, uint32_t mailbox, struct held_vec *out)
{
    vec_clear(out);
    for (size_t i = 0; i < all->len; i++) {
        if (all->items[i].mailbox == mailbox)
            vec_push(out, all->items[i]);
    }
    held_sort(out->items, out->len);
}

static bool is_planned(const struct mailbox_pair *pair)
{
    return pair->in_target && !error_is_set(&pair->error) && pair->action != PAIR_LEAVE &&
           pair->action != PAIR_REFUSE;
}

static int reconcile_all(struct pass *pass, struct index_txn *txn, const struct held_vec *held,
                         struct plan *out, struct error *err)
{
    struct held_vec own = {0};
    int r = 0;
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        struct record_vec records = {0};
        if (!is_planned(pair) || r < 0)
            continue;
        struct mailbox_plan *m = vec_add(&out->mailboxes);
        m->pair = pair;
        m->arena = pass->arena;
        if (pair->record.id != 0 && pair->pairing == NULL)
            r = read_records(pass, txn, pair, held, &records, err);
        held_of(held, pair->record.id, &own);
        struct record_list record_list = {
            arena_array(pass->arena, records.len + 1, sizeof *records.items), records.len};
        if (records.len > 0)
            memcpy((void *)(uintptr_t)record_list.items, records.items,
                   records.len * sizeof *records.items);
        struct held_list held_list = {own.items, own.len};
        if (pair->pairing != NULL) {
            held_sort(pair->pairing->held.items, pair->pairing->held.len);
            held_list = (struct held_list){pair->pairing->held.items, pair->pairing->held.len};
        }
        if (r == 0)
            reconcile(&record_list, &held_list, pass_now_ms(pass), m);
        vec_free(&records);
    }
    vec_free(&own);
    return r;
}

/* What the guard keeps back must be seen again by the next pass. */
static void block_marks_of_held(struct plan *plan)
{
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        for (size_t i = 0; i < m->held.len; i++) {
            const struct operation *op = &m->held.items[i];
            /* A mark may have come from either side. */
            if (op->kind == OP_DELETE_LOCAL || op->is_marked)
                m->pair->remote_blocked = true;
            if (op->kind != OP_DELETE_LOCAL)
                m->pair->local_blocked = true;
        }
    }
}

/* The original of a move or copy that is not settled yet is left alone: were it deleted, and the
 * other not there, the message would be gone. That of a copy known to be in \Trash may go. */
static void leave_originals(struct plan *plan, const struct index_intent *intent)
{
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        if (m->pair->record.id != intent->from_mailbox)
            continue;
        VEC_FOREACH (struct operation, op, &m->ops[OP_DELETE_REMOTE]) {
            bool is_original = op->uid == intent->from_uid;
            op->has_copy = is_original && intent->message.uid != 0;
            if (is_original && !op->has_copy)
                op->is_out = m->pair->local_blocked = true;
        }
        operations_sweep(&m->ops[OP_DELETE_REMOTE]);
    }
}

static int leave_unsettled(struct pass *pass, struct index_txn *txn, struct plan *plan,
                           struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_intent intent;
    uint64_t cursor = 0;
    int r;
    while ((r = index_intent_next(txn, arena, &cursor, &intent, err)) > 0) {
        if (intent.kind == INTENT_COPY || intent.kind == INTENT_MOVE)
            leave_originals(plan, &intent);
    }
    return r;
}

/* What the deltas and the records say, mailbox by mailbox. */
static int decide(struct pass *pass, struct held_vec *held, struct guard_events *events,
                  struct plan *out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    if (r == 0)
        r = read_held(pass, txn, held, err);
    if (r == 0)
        r = guard_load(txn, pass_now_ms(pass), events, err);
    if (r == 0)
        r = reconcile_all(pass, txn, held, out, err);
    if (r == 0)
        r = leave_unsettled(pass, txn, out, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* Somebody is at work in the Maildir: what goes in one place may come in another, and half of it is
 * not carried. What has shown itself to be a move is. */
static void leave_local(struct plan *plan)
{
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        if (m->ops[OP_DELETE_REMOTE].len > 0 || m->ops[OP_UPLOAD].len > 0)
            m->pair->local_blocked = true;
        vec_clear(&m->ops[OP_DELETE_REMOTE]);
        vec_clear(&m->ops[OP_UPLOAD]);
    }
}

int plan_make(struct pass *pass, struct plan *out, struct error *err)
{
    struct held_vec held = {0};
    struct guard_events events = {0};
    int64_t now = pass_now_ms(pass);
    int r = decide(pass, &held, &events, out, err);
    if (r == 0)
        r = identify(pass, out, err);
    if (r < 0 && err->scope < SCOPE_CONNECTION)
        error_widen(err, SCOPE_CONNECTION);
    if (r == 0) {
        if (!pass->options->adopt)
            strays_match(out, pass->arena);
        moves_find(out, pass->arena);
        met_find(out, &pass->pairs, pass->arena);
        rebased_find(out);
        r = elsewhere_wait(pass, out, err);
    }
    if (r == 0 && pass->options->local_waits)
        leave_local(out);
    if (r == 0) {
        const struct held_list earlier = {held.items, held.len};
        guard_count_elsewhere(&pass->pairs, &events, out);
        guard_apply(out, &pass->account->sync.guard, &events, &earlier,
                    pass->options->approve_deletions, now);
        block_marks_of_held(out);
    }
    vec_free(&held);
    vec_free(&events);
    return r;
}

void plan_keep_pairings(struct plan *plan)
{
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        struct mailbox_pair *pair = m->pair;
        for (size_t k = 0; k < OP_KINDS; k++)
            vec_clear(&m->ops[k]);
        seqset_free(&m->fetch);
        vec_clear(&m->held);
        pair->to_path = NULL;
        pair->to_name = STR_EMPTY;
        pair->removal = REMOVE_NOTHING;
        pair->remote_blocked = pair->local_blocked = true;
        if (pair->pairing == NULL || pair->action != PAIR_SYNC) {
            pair->action = PAIR_LEAVE;
            pair->why = "there is nothing to pair";
        }
    }
    vec_clear(&plan->moves);
}

void plan_free(struct plan *plan)
{
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        for (size_t k = 0; k < OP_KINDS; k++)
            vec_free(&m->ops[k]);
        vec_free(&m->held);
        vec_free(&m->strays);
        seqset_free(&m->fetch);
        seqset_free(&m->flags_failed);
    }
    vec_free(&plan->mailboxes);
    vec_free(&plan->moves);
}

/* ---- in words ---- */

static void tell_one(const struct pass *pass, const struct mailbox_plan *m,
                     const struct operation *op, const char *what, const struct plan_sink *sink)
{
    char subject[64] = "";
    const char *shown = subject;
    if (op->uid != 0)
        snprintf(subject, sizeof subject, "UID %u", op->uid);
    else if (op->file != NULL)
        shown = op->file->name.ptr;
    sink->line(sink->self, pass->account->name, m->pair->record.utf8.ptr, what, shown, op->why);
}

static const char *words_of(const struct operation *op, enum operation_kind kind)
{
    bool to_trash = kind == OP_DELETE_REMOTE && op->to_trash;
    return to_trash ? "move on the server to \\Trash" : OPERATION_WORDS[kind].what;
}

static void tell_all(const struct pass *pass, const struct mailbox_plan *m, uint64_t len,
                     const char *what, const char *why, const struct plan_sink *sink)
{
    char subject[64];
    snprintf(subject, sizeof subject, "%llu message%s", (unsigned long long)len,
             len == 1 ? "" : "s");
    sink->line(sink->self, pass->account->name, m->pair->record.utf8.ptr, what, subject, why);
}

/* Downloads of which nothing is known but the UID. */
static void tell_fetch(const struct pass *pass, const struct mailbox_plan *m,
                       const struct plan_sink *sink)
{
    struct operation op = {.why = case_find(BASE_NONE, SIDE_NEW, SIDE_ABSENT)->why};
    uint64_t len = seqset_count(&m->fetch);
    const char *what = OPERATION_WORDS[OP_DOWNLOAD].what;
    if (len > 0 && !pass->options->each_message)
        tell_all(pass, m, len, what, op.why, sink);
    while (pass->options->each_message && seqset_next(&m->fetch, &op.uid))
        tell_one(pass, m, &op, what, sink);
}

static void tell_folder(const struct pass *pass, const struct mailbox_pair *pair,
                        const struct plan_sink *sink)
{
    if (pair->action == PAIR_CREATE_LOCAL)
        sink->line(sink->self, pass->account->name, pair->record.utf8.ptr, "create here the folder",
                   pair->record.path.ptr, "new on the server");
    else if (pair->action == PAIR_CREATE_REMOTE)
        sink->line(sink->self, pass->account->name, pair->record.utf8.ptr,
                   "create the mailbox on the server", pair->record.name.ptr, "new here");
    if (pair->to_path != NULL)
        sink->line(sink->self, pass->account->name, pair->record.utf8.ptr, "rename here the folder",
                   pair->to_path, WHY_RENAMED_LOCAL);
    if (pair->to_name.len > 0)
        sink->line(sink->self, pass->account->name, pair->record.utf8.ptr,
                   "rename the mailbox on the server", pair->to_utf8.ptr, "renamed here");
    if (pair->removal == REMOVE_LOCAL)
        sink->line(sink->self, pass->account->name, pair->record.utf8.ptr,
                   "remove here, once it is empty, the folder", pair->record.path.ptr,
                   "removed on the server");
    if (pair->removal == REMOVE_REMOTE)
        sink->line(sink->self, pass->account->name, pair->record.utf8.ptr,
                   "remove the mailbox on the server once it is empty", pair->record.name.ptr,
                   "removed here");
}

static void tell_move(const struct pass *pass, const struct move *move,
                      const struct plan_sink *sink)
{
    static const char *const words[MOVE_KINDS] = {
        [MOVE_COPY] = "copy on the server to",  [MOVE_REMOTE] = "move on the server to",
        [MOVE_REBASE] = "take the new name in", [MOVE_MEET] = "agree on the move to",
        [MOVE_LOCAL] = "move here to",          [MOVE_LINK] = "link here to",
    };
    char subject[64];
    const char *shown = subject;
    const char *what =
        arena_printf(pass->arena, "%s %s", words[move->kind], move->to->pair->record.utf8.ptr);
    snprintf(subject, sizeof subject, "UID %u", move->from_uid);
    if (move->from_uid == 0)
        shown = move->file->name.ptr;
    sink->line(sink->self, pass->account->name, move->from->pair->record.utf8.ptr, what, shown,
               move->why);
}

static struct str file_key(struct arena *arena, const struct mailbox_pair *pair, struct str base)
{
    return str_from(arena_printf(arena, "%u %.*s", pair->record.id, STR_ARG(base)));
}

/* The files that move here: until they have they are held, in case the pass ends before. */
static void list_moving(struct arena *arena, const struct plan *plan, struct strmap *out)
{
    static char mark;
    VEC_FOREACH (const struct move, move, &plan->moves) {
        if (move->kind == MOVE_LOCAL && move->file != NULL)
            strmap_put(out, file_key(arena, move->from->pair, move->file->parsed.base), &mark);
    }
}

static void tell_pairing(const struct pass *pass, const struct mailbox_pair *pair,
                         const struct strmap *moving, const struct plan_sink *sink)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const struct pairing *pairing = pair->pairing;
    char subject[64];
    snprintf(subject, sizeof subject, "%zu message%s", pairing->messages_len,
             pairing->messages_len == 1 ? "" : "s");
    if (pairing->messages_len > 0)
        sink->line(sink->self, pass->account->name, pair->record.utf8.ptr, "pair", subject,
                   "found again by content");
    for (size_t i = 0; i < pairing->held.len; i++) {
        const struct index_held *held = &pairing->held.items[i];
        if (strmap_get(moving, file_key(arena, pair, held->base)) != NULL)
            continue;
        sink->line(sink->self, pass->account->name, pair->record.utf8.ptr, "hold: upload",
                   held->base.ptr, held->reason.ptr);
    }
}

void plan_tell(const struct pass *pass, const struct plan *plan, const struct plan_sink *sink)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct strmap *moving = strmap_new();
    list_moving(arena, plan, moving);
    VEC_FOREACH (const struct move, move, &plan->moves) {
        tell_move(pass, move, sink);
    }
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        tell_folder(pass, m->pair, sink);
        if (m->pair->pairing != NULL)
            tell_pairing(pass, m->pair, moving, sink);
        for (size_t k = OP_FLAGS_TO_REMOTE; k < OP_KINDS; k++) {
            const struct operation_vec *ops = &m->ops[k];
            bool one_line = OPERATION_WORDS[k].one_line && !pass->options->each_message;
            if (one_line && ops->len > 0)
                tell_all(pass, m, ops->len, OPERATION_WORDS[k].what, ops->items[0].why, sink);
            for (size_t i = 0; i < ops->len && !one_line; i++)
                tell_one(pass, m, &ops->items[i], words_of(&ops->items[i], k), sink);
            if (k == OP_DOWNLOAD)
                tell_fetch(pass, m, sink);
        }
        for (size_t i = 0; i < m->held.len; i++)
            tell_one(pass, m, &m->held.items[i],
                     m->held.items[i].kind == OP_DELETE_LOCAL ? "hold: delete here"
                                                              : "hold: delete on the server",
                     sink);
    }
    strmap_free(&moving);
}
