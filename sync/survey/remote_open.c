#include "survey/remote.h"

#include "imap/mailbox_name.h"
#include "reconcile/flags.h"
#include "pass/broken.h"
#include "pass/keywords.h"
#include "survey/listing.h"
#include "survey/unfetched.h"

#include <assert.h>

/* Mailboxes in flight at once: enough to hide the round trip, few enough for any server's patience.
 */
#define OPEN_BATCH 64
/* Of what the pass was told, so many mailboxes are opened before it is known what changed. */
#define TOLD_MAX 16
/* QRESYNC, CONDSTORE, a listing; one for each of the former that turns out to be broken; and a
 * listing that the mailbox outgrew. */
#define TURNS_MAX 6

/* What is to be opened, and whether apart from others: first SELECT, then what it makes known. */
struct turn {
    struct mailbox_pair *pair;
    bool apart;
};

/* One mailbox being opened. */
struct opening {
    struct mailbox_pair *pair;
    enum survey_means means;
    struct client_select select;
    bool apart;
    struct client_fetch fetch;
    struct arena *arena;    /* of the fetch; NULL: none under way */
    uint32_t asked_to;      /* the last UID that the fetch asks for */
    bool heard;             /* the answers were taken: what follows is set */
    bool selected;          /* the SELECT was answered OK */
    struct remote_vec seen; /* what the answers tell of messages */
    struct error failed;    /* what of them failed first */
};

static void opening_free(struct opening *o)
{
    vec_free(&o->seen);
    client_select_free(&o->select);
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

/* The UIDNEXT that is known before the mailbox is opened; 0: none. */
static uint32_t expected_uidnext(const struct mailbox_pair *pair)
{
    uint32_t told = pair->has_status ? pair->status_uidnext : 0;
    return told > pair->record.uidnext ? told : pair->record.uidnext;
}

/* A listing that goes by slices, or to a UID that is not known yet. */
static bool is_apart(const struct pass *pass, const struct turn *turn)
{
    const struct mailbox_pair *pair = turn->pair;
    uint32_t told = pair->has_status ? pair->status_messages : 0;
    uint32_t messages = told > pair->record.records ? told : pair->record.records;
    return cheapest(pass, pair) == SURVEY_LISTING &&
           (turn->apart || expected_uidnext(pair) == 0 || messages > listing_slice(pass));
}

/* With an end to the range: some servers answer `*` wrongly. */
static int begin_fetch(struct pass *pass, struct opening *o, struct error *err)
{
    struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS};
    AUTO_SEQSET struct seqset all = {0};
    uint32_t next = expected_uidnext(o->pair);
    if (o->means == SURVEY_CONDSTORE)
        request.changed_since = o->pair->record.highestmodseq;
    o->asked_to = next < SEQ_STAR - LISTING_ROOM ? next + LISTING_ROOM - 1 : SEQ_STAR - 1;
    seqset_add_range(&all, 1, o->asked_to);
    o->arena = arena_new();
    int r = client_fetch_begin(pass->client, &o->fetch, &all, &request, NULL, o->arena, err);
    if (r < 0)
        arena_free(&o->arena);
    return r;
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
    return r < 0 || o->means == SURVEY_QRESYNC || o->apart ? r : begin_fetch(pass, o, err);
}

/* ---- from answers to a delta ---- */

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

/* Everything told must add up to EXISTS; only a complete listing can then say what is gone (law 1).
 */
static bool adds_up(const struct mailbox_pair *pair)
{
    uint64_t there = pair->record.records + remote_fresh_count(&pair->remote);
    return there == (uint64_t)pair->remote.exists + seqset_count(&pair->remote.gone);
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

/* There may be messages beyond the UIDs that were asked for. */
static bool outgrew(const struct opening *o)
{
    uint32_t next = o->select.data.uidnext;
    return o->means == SURVEY_LISTING && !o->apart && !o->pair->remote.complete &&
           (next == 0 || next - 1 > o->asked_to);
}

/* A listing of fewer messages than EXISTS has holes: nothing is gone by it (law 1). */
static void doubt_incomplete(struct mailbox_pair *pair)
{
    if (pair->remote.complete)
        return;
    seqset_free(&pair->remote.gone);
    pair->remote_blocked = true;
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

static void hear_select(struct pass *pass, struct opening *o)
{
    int r = client_select_end(pass->client, &o->select, &o->failed);
    o->selected = r == 0;
    if (r < 0)
        (void)error_wrap(&o->failed, "cannot select the mailbox");
    for (size_t i = 0; i < o->select.changes.changed_len && r == 0; i++)
        r = listing_take(pass, &o->select.changes.changed[i], &o->seen, &o->failed);
}

/* The answers to SELECT, and to the FETCH sent with it. */
static void hear(struct pass *pass, struct opening *o)
{
    o->heard = true;
    hear_select(pass, o);
    if (o->arena == NULL)
        return;
    struct error fetch_error = ERROR_INIT;
    int f = listing_read(pass, &o->fetch, &o->seen, &fetch_error);
    arena_free(&o->arena);
    bool empty = o->select.data.exists == 0 && fetch_error.scope <= SCOPE_MAILBOX;
    if (!error_is_set(&o->failed) && f < 0 && !empty)
        o->failed = fetch_error;
}

/* What was heard, against what is known of the mailbox. */
static int judge(struct pass *pass, struct opening *o, struct error *err)
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

/* Whether what was told does not hold, so that all is to be listed. */
static bool must_list(const struct opening *o)
{
    bool stale = o->select.data.highestmodseq == 0 ||
                 o->select.data.highestmodseq < o->pair->record.highestmodseq;
    return o->means != SURVEY_LISTING && (stale || o->pair->renumbered || !adds_up(o->pair));
}

/* Ends one opening. *again_out: it is to be opened again, by the next means or apart. */
static int finish(struct pass *pass, struct opening *o, bool *again_out, struct error *err)
{
    *again_out = false;
    remote_delta_clear(&o->pair->remote);
    if (!o->heard)
        hear(pass, o);
    int r = judge(pass, o, err);
    if (r < 0) {
        struct error drop_error = ERROR_INIT;
        remote_delta_clear(&o->pair->remote);
        if (drop_broken(pass, o, err, again_out, &drop_error) < 0)
            *err = drop_error;
        else if (*again_out)
            error_clear(err);
        r = error_is_set(err) ? -(int)err->code : 0;
    } else if (must_list(o) || outgrew(o)) {
        remote_delta_clear(&o->pair->remote);
        o->pair->remote.means = SURVEY_LISTING;
        *again_out = true;
    } else {
        doubt_incomplete(o->pair);
    }
    opening_free(o);
    return r;
}

/* What was begun is ended also on the way out: the client still knows the handles. */
static void abandon(struct pass *pass, struct opening *o)
{
    struct error ignored = ERROR_INIT;
    if (!o->heard)
        client_select_end(pass->client, &o->select, &ignored);
    if (o->arena != NULL) {
        client_fetch_end(pass->client, &o->fetch, &ignored);
        client_fetch_free(&o->fetch);
        arena_free(&o->arena);
    }
    opening_free(o);
}

/* ---- what the pass was told of ---- */

/* Openings that were begun behind the question for all mailboxes, when no pair was known yet. */
struct told {
    struct told_one {
        struct mailbox_pair pair; /* but for the record, nothing */
        struct opening opening;
    } * items;
    size_t len, begun;
    uint64_t commands; /* sent by then: what is done in between may be missing from the answers */
};

static bool is_told(const struct pass *pass, const struct index_mailbox *m)
{
    bool inbox = mailbox_name_is_inbox(m->name);
    for (const char *const *name = pass->options->told; *name != NULL; name++) {
        if (str_eq(str_from(*name), m->name) || (inbox && mailbox_name_is_inbox(str_from(*name))))
            return true;
    }
    return false;
}

void remote_choose_told(struct pass *pass, const struct index_mailbox *known, size_t len)
{
    if (pass->options->told == NULL)
        return;
    struct told *told = pass->told = xcalloc(1, sizeof *told);
    told->items = xcalloc(TOLD_MAX, sizeof *told->items);
    for (size_t i = 0; i < len && told->len < TOLD_MAX; i++) {
        struct told_one *one = &told->items[told->len];
        one->pair.record = known[i];
        one->opening = (struct opening){.pair = &one->pair, .means = cheapest(pass, &one->pair)};
        told->len += known[i].state == MAILBOX_SYNCED && is_told(pass, &known[i]) &&
                     one->opening.means != SURVEY_LISTING;
    }
}

void remote_begin_told(struct pass *pass)
{
    struct told *told = pass->told;
    struct error ignored = ERROR_INIT; /* the connection's own comes again with the next answer */
    while (told != NULL && told->begun < told->len &&
           begin(pass, &told->items[told->begun].opening, &ignored) == 0)
        told->begun++;
}

/* Whoever finds a mailbox selected takes it for the one that the index knows. */
static void leave_if_replaced(struct pass *pass, const struct opening *o)
{
    struct error ignored = ERROR_INIT;
    const struct index_mailbox *m = &o->pair->record;
    if (o->selected && o->select.data.uidvalidity != m->uidvalidity &&
        str_eq(client_selected(pass->client), m->name))
        (void)client_unselect(pass->client, &ignored);
}

void remote_hear_told(struct pass *pass)
{
    struct told *told = pass->told;
    for (size_t i = 0; told != NULL && i < told->begun; i++)
        hear(pass, &told->items[i].opening);
    for (size_t i = 0; told != NULL && i < told->begun; i++)
        leave_if_replaced(pass, &told->items[i].opening);
    if (told != NULL)
        told->commands = client_counters(pass->client).commands;
}

/* NULL: it is to be asked for. */
static struct opening *find_told(const struct pass *pass, const struct mailbox_pair *pair)
{
    const struct told *told = pass->told;
    for (size_t i = 0; told != NULL && i < told->begun; i++) {
        struct opening *o = &told->items[i].opening;
        const struct index_mailbox *m = &told->items[i].pair.record;
        if (o->selected && m->id == pair->record.id && str_eq(m->name, pair->record.name) &&
            o->select.data.uidvalidity == m->uidvalidity && o->means == cheapest(pass, pair))
            return o;
    }
    return NULL;
}

bool remote_has_told(const struct pass *pass, const struct mailbox_pair *pair)
{
    return find_told(pass, pair) != NULL;
}

void remote_check_told(struct pass *pass)
{
    const struct told *told = pass->told;
    if (told != NULL && told->commands != client_counters(pass->client).commands)
        remote_drop_told(pass);
}

void remote_drop_told(struct pass *pass)
{
    struct told *told = pass->told;
    for (size_t i = 0; told != NULL && i < told->begun; i++)
        opening_free(&told->items[i].opening);
    if (told != NULL)
        xfree(&told->items);
    xfree(&pass->told);
}

/* ---- several at once ---- */

static bool take_told(struct pass *pass, struct mailbox_pair *pair, struct opening *out)
{
    struct opening *told = find_told(pass, pair);
    if (told == NULL)
        return false;
    *out = *told;
    *told = (struct opening){0};
    out->pair = pair;
    return true;
}

static int open_batch(struct pass *pass, const struct turn *turns, size_t len, struct turn *again,
                      size_t *again_len, struct error *err)
{
    struct opening *openings = xcalloc(len, sizeof *openings);
    size_t begun = 0;
    int r = 0;
    for (; begun < len && r == 0; begun++) {
        struct opening *o = &openings[begun];
        if (take_told(pass, turns[begun].pair, o))
            continue;
        o->pair = turns[begun].pair;
        o->means = cheapest(pass, o->pair);
        o->apart = is_apart(pass, &turns[begun]);
        r = begin(pass, o, err);
    }
    for (size_t i = 0; i < begun; i++) {
        bool once_more = false;
        if (r < 0) {
            abandon(pass, &openings[i]);
            continue;
        }
        pass_progress(pass, PROGRESS_SURVEY, openings[i].pair, 0, 0);
        r = finish(pass, &openings[i], &once_more, err);
        if (r < 0)
            r = pass_absorb(pass, openings[i].pair, err);
        if (once_more)
            again[(*again_len)++] =
                (struct turn){openings[i].pair, openings[i].means == SURVEY_LISTING};
    }
    xfree(&openings);
    return r;
}

/* How many of these go together: between a SELECT and the slices of its listing there is no other.
 */
static size_t batch_len(const struct pass *pass, const struct turn *turns, size_t len)
{
    size_t n = 0;
    while (n < len && n < OPEN_BATCH && !is_apart(pass, &turns[n]))
        n++;
    return n > 0 ? n : 1;
}

/* What does not add up, or was asked in a way that the server does not know, is asked again by a
 * lesser means: each turn goes at least one down. */
int remote_open(struct pass *pass, struct mailbox_pair *const *pairs, size_t len, struct error *err)
{
    struct turn *now = xcalloc(len + 1, sizeof *now);
    struct turn *again = xcalloc(len + 1, sizeof *again);
    for (size_t i = 0; i < len; i++)
        now[i].pair = pairs[i];
    size_t again_len = len;
    int r = 0;
    for (int turn = 0; turn < TURNS_MAX && again_len > 0 && r == 0; turn++) {
        len = again_len;
        again_len = 0;
        size_t batch;
        for (size_t i = 0; i < len && r == 0; i += batch) {
            batch = batch_len(pass, now + i, len - i);
            r = open_batch(pass, now + i, batch, again, &again_len, err);
        }
        struct turn *kept = now;
        now = again;
        again = kept;
    }
    assert(r < 0 || again_len == 0);
    xfree(&now);
    xfree(&again);
    return r;
}
