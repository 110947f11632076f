#include "pass/held.h"
#include "pass/keywords.h"
#include "survey/local.h"
#include "apply/apply_move.h"

/* ---- on the server: what its own commands can do ---- */

/* The folder as it is now, where it is not as the survey saw it (law 1). */
struct second_look {
    bool changed;
    struct maildir_snapshot now;
};

static int look_again(struct pass *pass, const struct mailbox_pair *pair, struct second_look *out,
                      struct error *err)
{
    *out = (struct second_look){.changed = !local_is_unchanged(pass, pair)};
    return out->changed ? maildir_scan(pass->maildir, pair->record.path.ptr, &out->now, err) : 0;
}

static bool is_there(const struct second_look *look, struct str base, bool by_survey)
{
    return look->changed ? maildir_snapshot_find(&look->now, base) != NULL : by_survey;
}

/* Whether the survey saw the original's file gone already: another move takes that. */
static bool was_gone(const struct move *move)
{
    return seqset_contains(&move->from->pair->local.gone, move->from_uid);
}

/* Moved on or moved back since it was seen, or the original of a copy gone meanwhile, which makes
 * it a move: the next pass sees which. */
static bool is_still_so(const struct move *move, const struct second_look *from,
                        const struct second_look *to)
{
    bool copies = move->kind == MOVE_COPY;
    return is_there(to, move->file->parsed.base, true) &&
           (copies || !is_there(from, move->base->base, false)) &&
           (!copies || !from->changed || was_gone(move) || is_there(from, move->base->base, true));
}

static struct relocated relocated_of(struct pass *pass, const struct move *move)
{
    const struct mailbox_pair *to = move->to->pair;
    struct relocated m = {
        .uid = move->from_uid,
        .file_marked = (move->file->parsed.flags & MAILDIR_TRASHED) != 0,
    };
    bool flags_stored = !seqset_contains(&move->from->flags_failed, move->from_uid);
    m.intent = (struct index_intent){
        .kind = move->kind == MOVE_COPY ? INTENT_COPY : INTENT_MOVE,
        .uidvalidity = to->record.uidvalidity,
        .uidnext = to->remote.uidnext != 0 ? to->remote.uidnext : to->record.uidnext,
        .begun_ms = pass_now_ms(pass),
        .message = *move->base,
        .from_mailbox = move->from->pair->record.id,
        .from_uid = move->from_uid,
    };
    m.intent.message.mailbox = to->record.id;
    m.intent.message.uid = 0;
    m.intent.message.base = move->file->parsed.base;
    m.intent.message.modseq = 0;
    if (flags_stored)
        m.intent.message.flags = move->flags;
    else
        apply_block_move(move);
    /* The file's letters are those of the folder that it came from. Recorded is how they read in
     * this one; then the keywords that the server tells are the change, and set the letters right.
     */
    struct index_flags read = keywords_of_file(pass, to, &move->file->parsed);
    m.intent.message.flags.keywords = read.keywords;
    m.intent.message.flags.keywords_len = read.keywords_len;
    return m;
}

/* Each UID at most once: `rest` takes further copies of the same message. */
static void split(struct pass *pass, const struct move *const *moves, size_t len,
                  struct relocation *out, const struct move **rest, size_t *rest_len)
{
    *rest_len = 0;
    out->len = 0;
    for (size_t i = 0; i < len; i++) {
        bool again = out->len > 0 && out->items[out->len - 1].uid == moves[i]->from_uid;
        if (again)
            rest[(*rest_len)++] = moves[i];
        else
            out->items[out->len++] = relocated_of(pass, moves[i]);
    }
}

static int relocate_group(struct pass *pass, const struct move **moves, size_t len,
                          struct error *err)
{
    const struct move *first = moves[0];
    struct relocation r = {.from = first->from->pair,
                           .to = first->to->pair,
                           .moves = first->kind == MOVE_REMOTE,
                           .items = xcalloc(len, sizeof *r.items)};
    int rc = 0;
    while (len > 0 && rc == 0) {
        split(pass, moves, len, &r, moves, &len);
        rc = apply_relocate(pass, &r, err);
    }
    pass->report->messages.moved_remote += r.done;
    xfree(&r.items);
    return rc;
}

static int move_group(struct pass *pass, const struct move_group *group, struct error *err)
{
    struct second_look from = {0}, to = {0};
    const struct move **moves = xcalloc(group->len, sizeof *moves);
    size_t len = 0;
    int rc = look_again(pass, group->items[0].to->pair, &to, err);
    if (rc == 0)
        rc = look_again(pass, group->items[0].from->pair, &from, err);
    for (size_t i = 0; i < group->len && rc == 0; i++) {
        const struct move *move = &group->items[i];
        if (is_still_so(move, &from, &to))
            moves[len++] = move;
        else
            apply_block_move(move);
    }
    if (rc == 0 && len > 0)
        rc = relocate_group(pass, moves, len, err);
    maildir_snapshot_free(&from.now);
    maildir_snapshot_free(&to.now);
    xfree(&moves);
    return rc;
}

/* What fails leaves both mailboxes to be looked at again. */
static int absorb(struct pass *pass, const struct move *move, struct error *err)
{
    apply_block_move(move);
    return pass_absorb(pass, move->from->pair, err);
}

static int move_kind(struct pass *pass, struct plan *plan, enum move_kind kind, struct error *err)
{
    struct move_group group = {0};
    while (apply_next_group(plan, kind, &group)) {
        if (apply_can_move(group.items) && move_group(pass, &group, err) < 0) {
            int r = absorb(pass, group.items, err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* ---- in the index alone ---- */

static int rebase(struct pass *pass, struct index_txn *txn, const struct move *move,
                  struct error *err)
{
    struct index_message m;
    int r =
        index_message_get(txn, pass->arena, move->from->pair->record.id, move->from_uid, &m, err);
    m.base = move->file->parsed.base;
    if (!seqset_contains(&move->from->flags_failed, move->from_uid))
        m.flags = move->flags;
    else
        move->to->pair->local_blocked = true;
    return r < 0 ? r : index_message_put(txn, &m, err);
}

/* The record of a message that is seen gone may have the file's name still: the file came back
 * under it, for another. */
static int make_way(struct index_txn *txn, const struct move *move, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct error ignored = ERROR_INIT;
    struct index_message owner;
    const struct mailbox_pair *to = move->to->pair;
    if (move->file == NULL || index_message_by_file(txn, arena, to->record.id,
                                                    move->file->parsed.base, &owner, &ignored) < 0)
        return 0;
    bool gone = owner.uid != move->to_uid && seqset_contains(&to->remote.gone, owner.uid);
    return gone ? index_message_delete(txn, owner.mailbox, owner.uid, err) : 0;
}

static int meet(struct index_txn *txn, const struct move *move, struct error *err)
{
    struct index_message m = *move->base;
    int r = move->from_uid != 0 ? index_message_delete(txn, m.mailbox, m.uid, err) : 0;
    m.mailbox = move->to->pair->record.id;
    m.uid = move->to_uid;
    m.modseq = 0;
    m.flags = move->flags;
    if (move->file != NULL)
        m.base = move->file->parsed.base;
    if (r == 0)
        r = make_way(txn, move, err);
    return r < 0 ? r : index_message_put(txn, &m, err);
}

static int note_places(struct pass *pass, const struct plan *plan, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    size_t count = 0;
    for (size_t i = 0; i < plan->moves.len; i++)
        count += plan->moves.items[i].kind == MOVE_REBASE || plan->moves.items[i].kind == MOVE_MEET;
    if (count == 0)
        return 0;
    int r = index_begin_write(pass->index, &txn, err);
    for (size_t i = 0; i < plan->moves.len && r == 0; i++) {
        const struct move *move = &plan->moves.items[i];
        bool is_ours = move->kind == MOVE_REBASE || move->kind == MOVE_MEET;
        if (!is_ours || !apply_can_move(move))
            continue;
        r = move->kind == MOVE_REBASE ? rebase(pass, txn, move, err) : meet(txn, move, err);
        /* It may have looked new before, and not have been sent. */
        if (r == 0 && move->file != NULL)
            r = held_drop_upload(txn, move->to->pair->record.id, move->file->parsed.base, err);
    }
    if (r == 0)
        r = index_commit(&txn, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* Copies first: the original of one may be about to move. */
int apply_moves_remote(struct pass *pass, struct plan *plan, struct error *err)
{
    int r = note_places(pass, plan, err);
    if (r == 0)
        r = move_kind(pass, plan, MOVE_COPY, err);
    return r < 0 ? r : move_kind(pass, plan, MOVE_REMOTE, err);
}
