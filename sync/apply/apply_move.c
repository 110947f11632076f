#include "apply/apply_move.h"

#include "imap/limits.h"
#include "reconcile/flags.h"
#include "pass/broken.h"
#include "pass/event.h"
#include "pass/held.h"
#include "survey/locate.h"
#include "survey/remote.h"

/*
 * Moves and copies on the server. All from one mailbox to another go together: their intents in one
 * commit, their UIDs in as few commands as the line's length allows, one behind the other. Without
 * MOVE it is COPY, and after its OK, and the records of the copies, \Deleted and UID EXPUNGE of the
 * originals. An answer that never comes leaves the intents open, and recovery looks.
 */
#define PARTS_IN_FLIGHT 8

/* One command. */
struct part {
    struct seqset uids;
    struct client_copy handle;
};

struct mover {
    struct pass *pass;
    struct relocation *r;
    bool vanished; /* the mailbox that they are to go to */
};

static bool is_one_step(const struct mover *mv)
{
    return mv->r->moves && client_has(mv->pass->client, CAP_MOVE);
}

/* ---- before ---- */

/* The record of a message that is gone lets go of the file that is back. */
static int free_the_file(struct mover *mv, struct index_txn *txn, struct str base,
                         struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_message owner;
    struct error lookup = ERROR_INIT;
    if (base.len == 0 ||
        index_message_by_file(txn, arena, mv->r->to->record.id, base, &owner, &lookup) < 0)
        return 0;
    return index_message_delete(txn, owner.mailbox, owner.uid, err);
}

static int put_intents(struct mover *mv, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int rc = index_begin_write(mv->pass->index, &txn, err);
    for (size_t i = 0; i < mv->r->len && rc == 0; i++) {
        struct index_intent *intent = &mv->r->items[i].intent;
        /* In steps it may happen twice. */
        if (intent->kind == INTENT_MOVE && !is_one_step(mv))
            intent->kind = INTENT_COPY;
        rc = free_the_file(mv, txn, intent->message.base, err);
        if (rc == 0)
            rc = index_intent_put(txn, intent, err);
    }
    return rc < 0 ? rc : index_commit(&txn, err);
}

/* ---- on the wire ---- */

static int begin_part(struct mover *mv, struct part *part, struct error *err)
{
    struct client *client = mv->pass->client;
    struct str to = mv->r->to->record.name;
    return is_one_step(mv)
               ? client_move_begin(client, &part->handle, &part->uids, to, mv->pass->arena, err)
               : client_copy_begin(client, &part->handle, &part->uids, to, mv->pass->arena, err);
}

static bool is_known(struct mover *mv, uint32_t uid)
{
    struct error ignored = ERROR_INIT;
    bool known = false;
    return mv->r->to->record.id != 0 &&
           pass_knows_uid(mv->pass, mv->r->to, uid, &known, &ignored) == 0 && known;
}

/* What one answer says of one message. */
static void take_outcome(struct mover *mv, const struct part *part, struct relocated *m, bool ok)
{
    const struct client_copy *h = &part->handle;
    bool told =
        h->copyuid.uidvalidity != 0 && h->copyuid.uidvalidity == mv->r->to->record.uidvalidity;
    uint32_t uid = told ? copyuid_map(&h->copyuid, m->uid) : 0;
    bool all_gone = ok && h->gone.seqs_len == seqset_count(&part->uids);
    m->to_uid = uid != 0 && !is_known(mv, uid) ? uid : 0;
    m->expunged = is_one_step(mv) && (seqset_contains(&h->gone.uids, m->uid) || all_gone);
    m->outcome = ok || m->to_uid != 0 ? RELOCATED : RELOCATION_REFUSED;
}

static int end_part(struct mover *mv, struct part *part, struct error *err)
{
    int rc = client_copy_end(mv->pass->client, &part->handle, err);
    bool answered = rc == 0 || err->scope <= SCOPE_MAILBOX;
    mv->vanished = mv->vanished || (rc < 0 && strcmp(err->response_code, "TRYCREATE") == 0);
    for (size_t i = 0; i < mv->r->len && answered; i++) {
        if (seqset_contains(&part->uids, mv->r->items[i].uid))
            take_outcome(mv, part, &mv->r->items[i], rc == 0);
    }
    client_copy_free(&part->handle);
    seqset_free(&part->uids);
    return rc;
}

/* The first error of them all; a wider one before one of the mailbox. */
static int keep_error(int rc, int e, const struct error *e_error, struct error *err)
{
    if (e == 0 || (rc < 0 && err->scope >= e_error->scope))
        return rc;
    *err = *e_error;
    return e;
}

static int send_all(struct mover *mv, struct error *err)
{
    AUTO_SEQSET struct seqset left = {0};
    struct part parts[PARTS_IN_FLIGHT];
    int rc = 0;
    for (size_t i = 0; i < mv->r->len; i++) {
        if (mv->r->items[i].outcome == RELOCATION_DUE)
            seqset_add(&left, mv->r->items[i].uid);
    }
    while ((rc == 0 || err->scope <= SCOPE_MAILBOX) && !seqset_is_empty(&left)) {
        size_t len = 0;
        int begun = 0;
        struct error begin_error = ERROR_INIT;
        while (len < PARTS_IN_FLIGHT && begun == 0 && !seqset_is_empty(&left)) {
            struct part *part = &parts[len];
            *part = (struct part){0};
            seqset_take(&left, LIMIT_COMMAND_LINE_BYTES - 1200, &part->uids);
            begun = begin_part(mv, part, &begin_error);
            len += begun == 0;
            if (begun < 0)
                seqset_free(&part->uids);
        }
        rc = keep_error(rc, begun, &begin_error, err);
        for (size_t i = 0; i < len; i++) {
            struct error end_error = ERROR_INIT;
            int e = end_part(mv, &parts[i], &end_error);
            rc = keep_error(rc, e, &end_error, err);
        }
        if (begun < 0)
            break;
    }
    return rc;
}

/* ---- after ---- */

/* The copy's record, made of the intent's. One in \Trash has none. While the original is still to
 * be expunged, the intent tells that there is a copy. */
static int record_copy(struct mover *mv, struct index_txn *txn, struct relocated *m,
                       struct error *err)
{
    const struct event_way way = {.from = mv->r->from, .to = mv->r->to};
    struct index_message *copy = &m->intent.message;
    bool has_file = copy->base.len > 0;
    copy->uid = m->to_uid != 0 ? m->to_uid : UINT32_MAX;
    int rc = has_file ? index_message_put(txn, copy, err) : 0;
    if (rc == 0 && has_file)
        rc = event_note_move(mv->pass, txn, &way,
                             mv->r->moves ? EVENT_MOVED_REMOTE : EVENT_COPIED_REMOTE, copy,
                             mv->r->moves ? "moved here" : "copied here", err);
    if (rc == 0 && has_file)
        rc = held_drop_upload(txn, copy->mailbox, copy->base, err);
    if (rc < 0 || m->intent.id == 0)
        return rc;
    if (!mv->r->moves || is_one_step(mv))
        return index_intent_delete(txn, m->intent.id, err);
    struct index_intent expunge = m->intent;
    expunge.message.base = STR_EMPTY;
    return index_intent_put(txn, &expunge, err);
}

/* *out: NULL where there is no record. */
static int find_original(struct mover *mv, struct index_txn *txn, struct arena *arena,
                         const struct relocated *m, struct index_message **out, struct error *err)
{
    struct index_message *original = arena_alloc(arena, sizeof *original);
    int rc = index_message_get(txn, arena, mv->r->from->record.id, m->uid, original, err);
    *out = rc == 0 ? original : NULL;
    if (rc == 0 || err->code != ERR_NOT_FOUND)
        return rc;
    error_clear(err);
    return 0;
}

/* A record goes when its UID was seen to go, else with the survey that sees it. */
static int record_original(struct mover *mv, struct index_txn *txn, const struct relocated *m,
                           struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_message *original;
    if (m->intent.id != 0 && index_intent_delete(txn, m->intent.id, err) < 0)
        return -(int)err->code;
    if (m->expunged)
        return index_message_delete(txn, mv->r->from->record.id, m->uid, err);
    int rc = find_original(mv, txn, arena, m, &original, err);
    if (rc < 0 || original == NULL)
        return rc;
    original->state = MESSAGE_DELETED_HERE;
    original->flags.system |= MAILDIR_TRASHED;
    return index_message_put(txn, original, err);
}

/* That the original is no longer where it was, or (by the intent) about to go, stands in the same
 * commit: a file that is back there is to be moved back, and is not that of a message that was
 * deleted. */
static int record_relocated(struct mover *mv, struct index_txn *txn, struct relocated *m,
                            struct error *err)
{
    int rc = record_copy(mv, txn, m, err);
    return rc == 0 && mv->r->moves && is_one_step(mv) ? record_original(mv, txn, m, err) : rc;
}

static int settle(struct mover *mv, bool originals, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int rc = index_begin_write(mv->pass->index, &txn, err);
    for (size_t i = 0; i < mv->r->len && rc == 0; i++) {
        struct relocated *m = &mv->r->items[i];
        bool known = m->to_uid != 0 || m->intent.message.base.len == 0;
        if (m->outcome == RELOCATION_REFUSED && m->intent.id != 0 && !originals)
            rc = index_intent_delete(txn, m->intent.id, err);
        else if (m->outcome == RELOCATED && known && !originals)
            rc = record_relocated(mv, txn, m, err);
        else if (m->outcome == RELOCATED && known && originals)
            rc = record_original(mv, txn, m, err);
    }
    if (rc == 0)
        rc = index_commit(&txn, err);
    return rc < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* Done, but the server told no UID; or copied although it said NO, which happens. A UID cannot be
 * moved twice, so that a move that was refused needs no look. */
static bool is_to_be_found(const struct mover *mv, const struct relocated *m)
{
    if (m->outcome == RELOCATION_REFUSED)
        return !is_one_step(mv) && m->intent.id != 0 && !mv->vanished;
    return m->outcome == RELOCATED && m->to_uid == 0 && m->intent.message.base.len > 0;
}

static int locate_untold(struct mover *mv, struct error *err)
{
    struct lost_append *lost = xcalloc(mv->r->len + 1, sizeof *lost);
    size_t len = 0;
    int rc = 0;
    for (size_t i = 0; i < mv->r->len; i++) {
        const struct relocated *m = &mv->r->items[i];
        if (is_to_be_found(mv, m))
            lost[len++] = (struct lost_append){.intent = m->intent};
    }
    if (len > 0)
        rc = locate_appended(mv->pass, mv->r->to, lost, len, err);
    for (size_t i = 0, k = 0; i < mv->r->len && k < len && rc == 0; i++) {
        struct relocated *m = &mv->r->items[i];
        if (m->intent.id != lost[k].intent.id)
            continue;
        m->to_uid = lost[k++].uid;
        m->outcome = m->to_uid != 0 ? RELOCATED : m->outcome;
    }
    xfree(&lost);
    return rc;
}

static void note_marked(struct mover *mv, const struct fetch_data *data)
{
    struct relocation *r = mv->r;
    for (size_t i = 0; i < r->len; i++) {
        if (r->items[i].uid != data->uid ||
            !(flags_system_from_imap(&data->flags) & MAILDIR_TRASHED))
            continue;
        r->items[i].has_mark = true;
        r->items[i].intent.message.flags.system |= MAILDIR_TRASHED;
        r->to->local_blocked = true;
    }
}

/* A \Deleted that an original has by now went along to its copy. That is nobody's wish for the
 * copy, which `marked: expunge` would take away: agreed with it, it is taken off, by the next pass
 * at the latest. */
static int see_marks(struct mover *mv, struct error *err)
{
    AUTO_SEQSET struct seqset uids = {0};
    struct client *client = mv->pass->client;
    const struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS};
    struct client_fetch fetch;
    struct fetch_data data;
    struct error end_error = ERROR_INIT;
    for (size_t i = 0; i < mv->r->len; i++) {
        if (mv->r->items[i].outcome == RELOCATED)
            seqset_add(&uids, mv->r->items[i].uid);
    }
    if (mv->r->moves || !mv->r->to->policy->expunge_marked || seqset_is_empty(&uids))
        return 0;
    int rc = client_fetch_begin(client, &fetch, &uids, &request, NULL, mv->pass->arena, err);
    if (rc < 0)
        return rc;
    while ((rc = client_fetch_next(client, &fetch, &data, err)) > 0) {
        if (data.have & FETCH_FLAGS)
            note_marked(mv, &data);
    }
    int end = client_fetch_end(client, &fetch, &end_error);
    client_fetch_free(&fetch);
    return rc == 0 ? keep_error(rc, end, &end_error, err) : rc;
}

/* At once: were the index lost before the next pass, nothing would tell whose mark it is. */
static int take_marks_off(struct mover *mv, struct error *err)
{
    AUTO_SEQSET struct seqset left = {0};
    for (size_t i = 0; i < mv->r->len; i++) {
        const struct relocated *m = &mv->r->items[i];
        if (m->has_mark && !m->file_marked && m->to_uid != 0)
            seqset_add(&left, m->to_uid);
    }
    int rc = seqset_is_empty(&left) ? 0 : apply_select(mv->pass, mv->r->to, err);
    return rc < 0 ? rc : remote_mark(mv->pass, &left, STORE_REMOVE, err);
}

static int expunge_originals(struct mover *mv, struct error *err)
{
    AUTO_SEQSET struct seqset uids = {0};
    for (size_t i = 0; i < mv->r->len; i++) {
        /* A copy that was not found stands in no record: the original stays until it does. */
        const struct relocated *m = &mv->r->items[i];
        if (m->outcome == RELOCATED && (m->to_uid != 0 || m->intent.message.base.len == 0))
            seqset_add(&uids, m->uid);
    }
    if (seqset_is_empty(&uids))
        return 0;
    int rc = apply_select(mv->pass, mv->r->from, err);
    return rc < 0 ? rc : apply_expunge(mv->pass, mv->r->from, &uids, err);
}

/* BAD to a MOVE that the server announced: it is done in steps. */
static bool falls_back(struct mover *mv, const struct error *bad)
{
    struct error ignored = ERROR_INIT;
    if (!is_one_step(mv) || bad->code != ERR_BAD)
        return false;
    broken_drop(mv->pass, CAP_MOVE, "does not know it", &ignored);
    for (size_t i = 0; i < mv->r->len; i++) {
        if (mv->r->items[i].outcome == RELOCATION_REFUSED)
            mv->r->items[i].outcome = RELOCATION_DUE;
    }
    return true;
}

static void finish(struct mover *mv)
{
    struct relocation *r = mv->r;
    for (size_t i = 0; i < r->len; i++) {
        const struct relocated *m = &r->items[i];
        bool done = m->outcome == RELOCATED && (m->to_uid != 0 || m->intent.message.base.len == 0);
        r->done += done;
        if (!done)
            apply_block(r->from, r->to);
    }
}

static int act(struct mover *mv, struct error *err)
{
    struct error ask_error = ERROR_INIT;
    int asked = send_all(mv, &ask_error);
    if (asked < 0 && falls_back(mv, &ask_error)) {
        error_clear(&ask_error);
        asked = send_all(mv, &ask_error);
    }
    bool one_step = is_one_step(mv);
    bool usable = asked == 0 || ask_error.scope <= SCOPE_MAILBOX;
    int rc = usable ? see_marks(mv, err) : 0;
    if (rc == 0 && usable)
        rc = locate_untold(mv, err);
    if (rc == 0)
        rc = settle(mv, false, err);
    if (rc == 0 && usable)
        rc = take_marks_off(mv, err);
    if (rc == 0 && usable && mv->r->moves && !one_step)
        rc = expunge_originals(mv, err);
    if (rc == 0 && usable && mv->r->moves && !one_step)
        rc = settle(mv, true, err);
    finish(mv);
    return keep_error(rc, asked, &ask_error, err);
}

int apply_relocate(struct pass *pass, struct relocation *relocation, struct error *err)
{
    struct mover mv = {.pass = pass, .r = relocation};
    if (relocation->len == 0)
        return 0;
    int rc = relocation->to->record.id != 0 ? put_intents(&mv, err) : 0;
    if (rc < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    rc = apply_select(pass, relocation->from, err);
    return rc < 0 ? rc : act(&mv, err);
}
