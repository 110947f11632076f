#include "survey/opening.h"

#include "reconcile/flags.h"
#include "pass/keywords.h"
#include "survey/listing.h"
#include "survey/unfetched.h"

static int compare_changes(struct pass *pass, struct mailbox_pair *pair,
                           const struct remote_vec *seen, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < seen->len; i++) {
        struct index_message record;
        struct error lookup = ERROR_INIT;
        r = index_message_get(txn, arena, pair->record.id, seen->items[i].uid, &record, &lookup);
        if (r < 0 && lookup.code != ERR_NOT_FOUND) {
            *err = lookup;
            return r;
        }
        if (r < 0)
            listing_note_fresh(pair, &seen->items[i]);
        else if (!flags_equal(&seen->items[i].flags, &record.flags))
            vec_push(&pair->remote.changed, seen->items[i]);
        arena_reset(arena);
    }
    return 0;
}

/* Of the UIDs that the server calls vanished, those that the index knows as being there. */
static int take_vanished(struct pass *pass, struct mailbox_pair *pair,
                         const struct seqset *vanished, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    for (size_t i = 0; i < vanished->len && r >= 0; i++) {
        AUTO_CURSOR struct index_cursor *cursor = NULL;
        struct index_message record;
        r = index_cursor_open(txn, pair->record.id, vanished->items[i].first, &cursor, err);
        while (r >= 0 && (r = index_cursor_next(cursor, &record, err)) > 0 &&
               record.uid <= vanished->items[i].last) {
            if (record.state != MESSAGE_GONE_THERE)
                seqset_add(&pair->remote.gone, record.uid);
        }
    }
    return r < 0 ? r : 0;
}

static uint32_t next_uid(const struct select_data *data, const struct mailbox_pair *pair)
{
    if (data->uidnext != 0)
        return data->uidnext;
    const struct remote_vec *fresh = &pair->remote.fresh;
    const struct seqset *plain = &pair->remote.plain;
    uint32_t after = fresh->len > 0 ? fresh->items[fresh->len - 1].uid + 1 : 1;
    if (!seqset_is_empty(plain) && plain->items[plain->len - 1].last >= after)
        after = plain->items[plain->len - 1].last + 1;
    return after > pair->record.uidnext || pair->renumbered ? after : pair->record.uidnext;
}

static int check_identity(struct opening *o, struct error *err)
{
    const struct select_data *data = &o->select.data;
    struct mailbox_pair *pair = o->pair;
    if (data->uidvalidity == 0 || data->uid_not_sticky) {
        pair->action = PAIR_REFUSE;
        return error_set(
            err, ERR_REFUSED, SCOPE_MAILBOX,
            "the server keeps no lasting UIDs for this mailbox (no UIDVALIDITY), so it "
            "cannot be synced; leave it out with `mailboxes: patterns`");
    }
    return 0;
}

/* Whether the index has a UID that the server has yet to give out. The mark of a pass is older than
 * what the pass itself sent: it alone would not tell. */
static int knows_uids_to_come(struct pass *pass, const struct mailbox_pair *pair, uint32_t uidnext,
                              bool *out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_message record;
    *out = uidnext != 0 && uidnext < pair->record.uidnext;
    if (*out || uidnext == 0 || pair->record.id == 0)
        return 0;
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    r = index_cursor_open(txn, pair->record.id, uidnext, &cursor, err);
    if (r == 0)
        r = index_cursor_next(cursor, &record, err);
    *out = r > 0;
    return r < 0 ? r : 0;
}

/* The mailbox was rebuilt or replaced, or the server restored from a backup: what the index knows
 * by UID is no longer so (law 6). */
static int note_renumbering(struct pass *pass, struct opening *o, struct error *err)
{
    const struct select_data *data = &o->select.data;
    struct mailbox_pair *pair = o->pair;
    struct log_scope scope = pass_log_scope(pass, pair);
    bool older = false;
    if (pair->renumbered || pair->record.uidvalidity == 0)
        return 0;
    int r = knows_uids_to_come(pass, pair, data->uidnext, &older, err);
    if (r < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    if (pair->record.uidvalidity != data->uidvalidity)
        log_warning(&scope,
                    "the server's UIDVALIDITY changed from %u to %u: the messages are "
                    "paired again by content",
                    pair->record.uidvalidity, data->uidvalidity);
    else if (older)
        log_warning(&scope,
                    "the server's UIDNEXT went back to %u, as after a backup was restored: the "
                    "messages are paired again by content",
                    data->uidnext);
    else if (pair->record.doubt == MAILBOX_UNPAIRED_THERE)
        log_warning(&scope, "the server was restored from a backup, as an earlier pass saw: the "
                            "messages are paired again by content");
    else
        return 0;
    pair->went_back = older && pair->record.uidvalidity == data->uidvalidity;
    pair->renumbered = true;
    if (pair->removal == REMOVE_NOTHING)
        return 0;
    pair->removal = REMOVE_NOTHING;
    pair->action = PAIR_LEAVE;
    pair->why = "the mailbox was replaced on the server; it stays, and is not made here again";
    return 0;
}

static int compare(struct pass *pass, struct opening *o, struct error *err)
{
    const struct seq_range all = {1, SEQ_STAR};
    uint64_t listed;
    int r = 0;
    if (o->apart) {
        r = listing_in_slices(pass, o->pair, &o->select.data, &listed, err);
    } else {
        listing_sort(&o->seen);
        listed = o->seen.len;
        if (o->means != SURVEY_LISTING && !pass_is_unpaired(o->pair))
            unfetched_take(o->pair, &o->select.changes.vanished);
        if (o->means == SURVEY_QRESYNC)
            r = take_vanished(pass, o->pair, &o->select.changes.vanished, err);
        if (r == 0)
            r = o->means == SURVEY_LISTING || pass_is_unpaired(o->pair)
                    ? listing_compare(pass, o->pair, &o->seen, all, err)
                    : compare_changes(pass, o->pair, &o->seen, err);
    }
    o->pair->remote.complete =
        r == 0 && (o->means != SURVEY_LISTING || listed >= o->select.data.exists);
    return r;
}

static int build_delta(struct pass *pass, struct opening *o, struct error *err)
{
    struct mailbox_pair *pair = o->pair;
    const struct select_data *data = &o->select.data;
    struct remote_delta *delta = &pair->remote;
    int r = compare(pass, o, err);
    if (r < 0)
        return r;
    delta->means = o->means;
    delta->uidvalidity = data->uidvalidity;
    delta->highestmodseq = data->highestmodseq;
    delta->exists = data->exists;
    delta->read_only = data->read_only;
    delta->uidnext = next_uid(data, pair);
    delta->gone_confirmed = o->means == SURVEY_QRESYNC;
    return keywords_learn_storable(pass, pair, data, err);
}

int opening_judge(struct pass *pass, struct opening *o, struct error *err)
{
    int r = o->selected ? check_identity(o, err) : 0;
    if (r == 0 && o->selected)
        r = note_renumbering(pass, o, err);
    if (r == 0 && error_is_set(&o->failed)) {
        *err = o->failed;
        r = -(int)err->code;
    }
    return r < 0 ? r : build_delta(pass, o, err);
}
