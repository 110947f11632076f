#include "sync/remote.h"

#include "sync/broken.h"
#include "sync/flags.h"
#include "sync/keywords.h"

#include <assert.h>

/* Mailboxes in flight at once: enough to hide the round trip, few enough for any server's patience.
 */
#define OPEN_BATCH 16
/* QRESYNC, CONDSTORE, a listing; and one for each of the former that turns out to be broken. */
#define TURNS_MAX 5

/* One mailbox being opened. */
struct opening {
    struct mailbox_pair *pair;
    enum survey_means means;
    struct client_select select;
    struct client_fetch fetch;
    bool fetching;
};

void remote_delta_clear(struct remote_delta *delta)
{
    vec_free(&delta->fresh);
    vec_free(&delta->extents);
    vec_free(&delta->changed);
    seqset_free(&delta->gone);
    *delta = (struct remote_delta){0};
}

static enum survey_means cheapest(const struct pass *pass, const struct mailbox_pair *pair)
{
    bool has_mark =
        !pass_is_unpaired(pair) && pair->record.highestmodseq != 0 && pair->record.uidvalidity != 0;
    if (!has_mark || pass->options->full || pair->remote.means == SURVEY_LISTING)
        return SURVEY_LISTING;
    if (client_enabled(pass->client, CAP_QRESYNC))
        return SURVEY_QRESYNC;
    return client_has(pass->client, CAP_CONDSTORE) ? SURVEY_CONDSTORE : SURVEY_LISTING;
}

static int begin(struct pass *pass, struct opening *o, struct error *err)
{
    const struct index_mailbox *record = &o->pair->record;
    struct select_params params = {.condstore = client_has(pass->client, CAP_CONDSTORE)};
    if (o->means == SURVEY_QRESYNC) {
        params.qresync = true;
        params.uidvalidity = record->uidvalidity;
        params.modseq = record->highestmodseq;
    }
    int r = client_select_begin(pass->client, &o->select, record->name, false, &params, pass->arena,
                                err);
    if (r < 0 || o->means == SURVEY_QRESYNC)
        return r;
    struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS};
    if (o->means == SURVEY_CONDSTORE)
        request.changed_since = record->highestmodseq;
    AUTO_SEQSET struct seqset all = {0};
    seqset_add_range(&all, 1, SEQ_STAR);
    r = client_fetch_begin(pass->client, &o->fetch, &all, &request, NULL, pass->arena, err);
    o->fetching = r == 0;
    return r;
}

/* ---- from answers to a delta ---- */

static int take_message(struct pass *pass, const struct fetch_data *data, struct remote_vec *out,
                        struct error *err)
{
    const unsigned need = FETCH_UID | FETCH_FLAGS;
    if ((data->have & need) != need || data->uid == 0)
        return 0;
    struct remote_message *m = vec_add(out);
    m->uid = data->uid;
    return keywords_index_flags(pass, &data->flags, &m->flags, err);
}

static int by_uid(const void *a, const void *b)
{
    uint32_t x = ((const struct remote_message *)a)->uid;
    uint32_t y = ((const struct remote_message *)b)->uid;
    return x < y ? -1 : x > y;
}

/* Ascending, each UID once: of several answers for one UID the last told counts. */
static void sort_messages(struct remote_vec *v)
{
    bool sorted = true;
    for (size_t i = 1; i < v->len && sorted; i++)
        sorted = v->items[i - 1].uid < v->items[i].uid;
    if (sorted)
        return;
    qsort(v->items, v->len, sizeof *v->items, by_uid);
    size_t kept = 0;
    for (size_t i = 0; i < v->len; i++) {
        if (kept > 0 && v->items[kept - 1].uid == v->items[i].uid)
            v->items[kept - 1] = v->items[i];
        else
            v->items[kept++] = v->items[i];
    }
    v->len = kept;
}

static int read_fetch(struct pass *pass, struct opening *o, struct remote_vec *seen,
                      struct error *err)
{
    struct fetch_data data;
    int r;
    while ((r = client_fetch_next(pass->client, &o->fetch, &data, err)) > 0) {
        if ((r = take_message(pass, &data, seen, err)) < 0)
            break;
    }
    struct error end_error = ERROR_INIT;
    int end = client_fetch_end(pass->client, &o->fetch, &end_error);
    client_fetch_free(&o->fetch);
    o->fetching = false;
    if (r == 0 && end < 0) {
        *err = end_error;
        r = end;
    }
    return r;
}

/* `seen` holds every message there is: what the index has beyond it is gone. Unknown ones stay in
 * `seen`, which becomes the list of fresh messages. */
static int compare_listing(struct pass *pass, struct mailbox_pair *pair, struct remote_vec *seen,
                           struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    if ((r = index_cursor_open(txn, pair->record.id, 1, &cursor, err)) < 0)
        return r;
    struct index_message record;
    size_t at = 0, fresh = 0;
    while ((r = index_cursor_next(cursor, &record, err)) > 0) {
        while (at < seen->len && seen->items[at].uid < record.uid)
            seen->items[fresh++] = seen->items[at++];
        if (at == seen->len || seen->items[at].uid != record.uid) {
            if (record.state != MESSAGE_GONE_THERE)
                seqset_add(&pair->remote.gone, record.uid);
            continue;
        }
        if (!flags_equal(&seen->items[at].flags, &record.flags))
            vec_push(&pair->remote.changed, seen->items[at]);
        at++;
    }
    while (at < seen->len)
        seen->items[fresh++] = seen->items[at++];
    seen->len = fresh;
    return r;
}

static int compare_changes(struct pass *pass, struct mailbox_pair *pair, struct remote_vec *seen,
                           struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    size_t fresh = 0;
    for (size_t i = 0; i < seen->len; i++) {
        struct index_message record;
        struct error lookup = ERROR_INIT;
        r = index_message_get(txn, arena, pair->record.id, seen->items[i].uid, &record, &lookup);
        if (r < 0 && lookup.code != ERR_NOT_FOUND) {
            *err = lookup;
            return r;
        }
        if (r < 0)
            seen->items[fresh++] = seen->items[i];
        else if (!flags_equal(&seen->items[i].flags, &record.flags))
            vec_push(&pair->remote.changed, seen->items[i]);
        arena_reset(arena);
    }
    seen->len = fresh;
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
    uint32_t after = fresh->len > 0 ? fresh->items[fresh->len - 1].uid + 1 : 1;
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
    else
        return 0;
    pair->renumbered = true;
    if (pair->removal == REMOVE_NOTHING)
        return 0;
    pair->removal = REMOVE_NOTHING;
    pair->action = PAIR_LEAVE;
    pair->why = "the mailbox was replaced on the server; it stays, and is not made here again";
    return 0;
}

/* Everything told must add up to EXISTS; only a complete listing can then say what is gone (law 1).
 */
static bool adds_up(const struct mailbox_pair *pair)
{
    uint64_t there = (uint64_t)pair->record.records + pair->remote.fresh.len;
    return there == (uint64_t)pair->remote.exists + seqset_count(&pair->remote.gone);
}

static int build_delta(struct pass *pass, struct opening *o, struct remote_vec *seen,
                       struct error *err)
{
    struct mailbox_pair *pair = o->pair;
    const struct select_data *data = &o->select.data;
    struct remote_delta *delta = &pair->remote;
    int r = 0;
    sort_messages(seen);
    bool unpaired = pass_is_unpaired(pair);
    delta->complete = o->means != SURVEY_LISTING || seen->len >= data->exists;
    if (o->means == SURVEY_QRESYNC)
        r = take_vanished(pass, pair, &o->select.changes.vanished, err);
    if (r == 0 && !unpaired)
        r = o->means == SURVEY_LISTING ? compare_listing(pass, pair, seen, err)
                                       : compare_changes(pass, pair, seen, err);
    delta->fresh.items = seen->items;
    delta->fresh.len = seen->len;
    delta->fresh.cap = seen->cap;
    *seen = (struct remote_vec){0};
    if (r < 0)
        return r;
    /* A listing of fewer messages than EXISTS has holes: nothing is gone by it (law 1). */
    if (!delta->complete) {
        seqset_free(&delta->gone);
        pair->remote_blocked = true;
    }
    delta->means = o->means;
    delta->uidvalidity = data->uidvalidity;
    delta->highestmodseq = data->highestmodseq;
    delta->exists = data->exists;
    delta->read_only = data->read_only;
    delta->uidnext = next_uid(data, pair);
    delta->gone_confirmed = o->means == SURVEY_QRESYNC;
    return keywords_learn_storable(pass, pair, data, err);
}

/* An extension that the server announces and then does not know: the mailbox is opened by the next
 * means. */
static int drop_broken(struct pass *pass, const struct opening *o, const struct error *failed,
                       bool *again_out, struct error *err)
{
    enum capability cap = o->means == SURVEY_QRESYNC ? CAP_QRESYNC : CAP_CONDSTORE;
    bool extended = o->means != SURVEY_LISTING || client_has(pass->client, cap);
    if (failed->code != ERR_BAD || failed->scope > SCOPE_MAILBOX || !extended)
        return 0;
    *again_out = true;
    return broken_drop(pass, cap, "it does not know the command that is for it", err);
}

static int finish_select(struct pass *pass, struct opening *o, struct remote_vec *seen,
                         struct error *err)
{
    int r = client_select_end(pass->client, &o->select, err);
    if (r < 0)
        return error_wrap(err, "cannot select the mailbox");
    if ((r = check_identity(o, err)) < 0 || (r = note_renumbering(pass, o, err)) < 0)
        return r;
    for (size_t i = 0; i < o->select.changes.changed_len && r == 0; i++)
        r = take_message(pass, &o->select.changes.changed[i], seen, err);
    return r;
}

/* Ends one opening. *again_out: what was told does not add up, list it in full. */
static int finish(struct pass *pass, struct opening *o, bool *again_out, struct error *err)
{
    struct remote_vec seen = {0};
    *again_out = false;
    remote_delta_clear(&o->pair->remote);
    int r = finish_select(pass, o, &seen, err);
    if (o->fetching) {
        struct error fetch_error = ERROR_INIT;
        int f = read_fetch(pass, o, &seen, &fetch_error);
        bool empty = o->select.data.exists == 0 && fetch_error.scope <= SCOPE_MAILBOX;
        if (r == 0 && f < 0 && !empty) {
            *err = fetch_error;
            r = f;
        }
    }
    if (r < 0) {
        struct error drop_error = ERROR_INIT;
        if (drop_broken(pass, o, err, again_out, &drop_error) < 0)
            *err = drop_error;
        else if (*again_out)
            error_clear(err);
        r = error_is_set(err) ? -(int)err->code : 0;
    } else {
        r = build_delta(pass, o, &seen, err);
    }
    bool stale = o->select.data.highestmodseq == 0 ||
                 o->select.data.highestmodseq < o->pair->record.highestmodseq;
    if (r == 0 && !*again_out && o->means != SURVEY_LISTING &&
        (stale || o->pair->renumbered || !adds_up(o->pair))) {
        remote_delta_clear(&o->pair->remote);
        o->pair->remote.means = SURVEY_LISTING;
        *again_out = true;
    }
    vec_free(&seen);
    client_select_free(&o->select);
    return r;
}

/* What was begun is ended also on the way out: the client still knows the handles. */
static void abandon(struct pass *pass, struct opening *o)
{
    struct error ignored = ERROR_INIT;
    client_select_end(pass->client, &o->select, &ignored);
    client_select_free(&o->select);
    if (o->fetching) {
        client_fetch_end(pass->client, &o->fetch, &ignored);
        client_fetch_free(&o->fetch);
    }
}

static int open_batch(struct pass *pass, struct mailbox_pair *const *pairs, size_t len,
                      struct mailbox_pair **again, size_t *again_len, struct error *err)
{
    struct opening *openings = xcalloc(len, sizeof *openings);
    size_t begun = 0;
    int r = 0;
    for (; begun < len && r == 0; begun++) {
        openings[begun].pair = pairs[begun];
        openings[begun].means = cheapest(pass, pairs[begun]);
        r = begin(pass, &openings[begun], err);
    }
    for (size_t i = 0; i < begun; i++) {
        bool list_it = false;
        if (r < 0) {
            abandon(pass, &openings[i]);
            continue;
        }
        pass_progress(pass, PROGRESS_SURVEY, openings[i].pair, 0, 0);
        r = finish(pass, &openings[i], &list_it, err);
        if (r < 0)
            r = pass_absorb(pass, openings[i].pair, err);
        if (list_it)
            again[(*again_len)++] = openings[i].pair;
    }
    xfree(&openings);
    return r;
}

/* What does not add up, or was asked in a way that the server does not know, is asked again by a
 * lesser means: each turn goes at least one down. */
int remote_open(struct pass *pass, struct mailbox_pair *const *pairs, size_t len, struct error *err)
{
    struct mailbox_pair **now = xcalloc(len + 1, sizeof(struct mailbox_pair *));
    struct mailbox_pair **again = xcalloc(len + 1, sizeof(struct mailbox_pair *));
    if (len > 0)
        memcpy(now, pairs, len * sizeof(struct mailbox_pair *));
    size_t again_len = len;
    int r = 0;
    for (int turn = 0; turn < TURNS_MAX && again_len > 0 && r == 0; turn++) {
        len = again_len;
        again_len = 0;
        for (size_t i = 0; i < len && r == 0; i += OPEN_BATCH)
            r = open_batch(pass, now + i, len - i < OPEN_BATCH ? len - i : OPEN_BATCH, again,
                           &again_len, err);
        struct mailbox_pair **kept = now;
        now = again;
        again = kept;
    }
    assert(r < 0 || again_len == 0);
    xfree(&now);
    xfree(&again);
    return r;
}
