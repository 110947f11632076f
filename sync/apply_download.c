#include "sync/apply.h"

#include "imap/limits.h"
#include "sync/deliver.h"
#include "sync/keywords.h"
#include "sync/remote.h"

#include <assert.h>
#include <stdio.h>

/*
 * Messages are fetched in chunks of one UID FETCH each, with several chunks in flight, also across
 * mailboxes, so that the connection is never idle between them. Bodies go from the connection into
 * tmp/ as they come and are turned over to the deliverer. What a chunk did not bring is asked for
 * once more by itself afterwards; what then fails is held.
 */
#define CHUNK_MESSAGES 256
#define CHUNKS_IN_FLIGHT 8
#define MESSAGES_IN_FLIGHT 1024

/* A body that came before the rest of its message was read out of the connection. */
struct received {
    uint32_t seq; /* of its FETCH response */
    struct maildir_delivery *delivery;
};

struct chunk {
    struct pass *pass;
    struct arena *arena; /* of its answers */
    struct mailbox_plan *plan;
    size_t first, count; /* of plan->ops[OP_DOWNLOAD] */
    struct seqset uids;
    struct seqset missing; /* asked for and not yet there */
    bool selecting, fetching;
    struct client_select select;
    struct client_fetch fetch;
    struct fetch_sink sink;
    /* Bodies in the order in which they came, from `taken` on: several may come before the first
     * message is taken, whenever the client reads answers to make room for a further command. */
    VEC(struct received) received;
    size_t taken;
};

struct downloader {
    struct pass *pass;
    struct plan *plan;
    struct deliverer *deliverer;
    size_t next_mailbox, next_op;          /* where the next chunk begins */
    struct mailbox_plan *selected;         /* by the last chunk begun */
    struct chunk chunks[CHUNKS_IN_FLIGHT]; /* a ring */
    size_t oldest, in_flight;
    uint64_t messages_in_flight;
    uint64_t done, total;
};

/* ---- the sink: bodies into tmp/ ---- */

static bool body_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    struct chunk *chunk = self;
    struct received *r = vec_add(&chunk->received);
    r->seq = so_far->seq;
    return maildir_delivery_begin(chunk->pass->maildir, chunk->plan->pair->record.path.ptr,
                                  &r->delivery, err) == 0;
}

static bool body_piece(void *self, struct str data, struct error *err)
{
    struct chunk *chunk = self;
    assert(chunk->received.len > chunk->taken);
    struct maildir_delivery *delivery = chunk->received.items[chunk->received.len - 1].delivery;
    chunk->pass->progress.bytes += data.len;
    return maildir_delivery_write(delivery, data.ptr, data.len, err) == 0;
}

static bool body_end(void *self, struct error *err)
{
    return true;
}

/* The body of the response with this number; bodies of responses that were not told are dropped on
 * the way. NULL if none came. The caller owns it. */
static struct maildir_delivery *take_body(struct chunk *chunk, uint32_t seq)
{
    struct maildir_delivery *found = NULL;
    for (size_t i = chunk->taken; i < chunk->received.len && found == NULL; i++) {
        if (chunk->received.items[i].seq != seq)
            continue;
        found = chunk->received.items[i].delivery;
        chunk->received.items[i].delivery = NULL;
        for (; chunk->taken <= i; chunk->taken++)
            maildir_delivery_free(&chunk->received.items[chunk->taken].delivery);
    }
    if (chunk->taken == chunk->received.len) {
        vec_clear(&chunk->received);
        chunk->taken = 0;
    }
    return found;
}

static void chunk_free(struct chunk *chunk)
{
    for (size_t i = chunk->taken; i < chunk->received.len; i++)
        maildir_delivery_free(&chunk->received.items[i].delivery);
    vec_free(&chunk->received);
    chunk->taken = 0;
    arena_free(&chunk->arena);
    seqset_free(&chunk->uids);
    seqset_free(&chunk->missing);
}

/* ---- one message ---- */

static const struct operation *op_of(const struct chunk *chunk, uint32_t uid)
{
    const struct operation_vec *ops = &chunk->plan->ops[OP_DOWNLOAD];
    for (size_t low = chunk->first, high = chunk->first + chunk->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (ops->items[middle].uid == uid)
            return &ops->items[middle];
        if (ops->items[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int record_of(struct downloader *d, struct chunk *chunk, const struct fetch_data *data,
                     struct index_message *out, struct error *err)
{
    const struct operation *op = op_of(chunk, data->uid);
    *out = (struct index_message){
        .mailbox = chunk->plan->pair->record.id,
        .uid = data->uid,
        .state = MESSAGE_SYNCED,
        .modseq = data->modseq,
        .internal_date_s = data->internal_date.unix_s,
        .email_id = data->have & FETCH_EMAILID ? data->email_id : STR_EMPTY,
    };
    if (op != NULL)
        out->flags = op->flags;
    if (data->have & FETCH_FLAGS)
        return keywords_index_flags(d->pass, &data->flags, &out->flags, err);
    return 0;
}

/* A message with its body has come: it moves from tmp/ into the deliverer's hands. */
static int take_message(struct downloader *d, struct chunk *chunk, const struct fetch_data *data,
                        struct error *err)
{
    if (!(data->have & FETCH_BODY_SECTION))
        return 0;
    struct maildir_delivery *delivery = take_body(chunk, data->seq);
    struct index_message record;
    struct maildir_delivered delivered;
    bool wanted =
        delivery != NULL && !data->body_is_nil && seqset_contains(&chunk->missing, data->uid);
    int r = wanted ? record_of(d, chunk, data, &record, err) : 0;
    if (wanted && r == 0)
        r = maildir_delivery_finish(delivery, record.internal_date_s, &delivered, err);
    if (!wanted || r < 0) {
        maildir_delivery_free(&delivery);
        return r;
    }
    seqset_remove_range(&chunk->missing, data->uid, data->uid);
    d->pass->report->messages.downloaded++;
    pass_progress(d->pass, PROGRESS_DOWNLOAD, chunk->plan->pair, ++d->done, d->total);
    return deliverer_add(d->deliverer, chunk->plan->pair, delivery, &delivered, &record, err);
}

static int read_messages(struct downloader *d, struct chunk *chunk, struct error *err)
{
    struct fetch_data data;
    int r;
    while ((r = client_fetch_next(d->pass->client, &chunk->fetch, &data, err)) > 0) {
        if ((r = take_message(d, chunk, &data, err)) < 0)
            break;
    }
    struct error end_error = ERROR_INIT;
    int end = client_fetch_end(d->pass->client, &chunk->fetch, &end_error);
    client_fetch_free(&chunk->fetch);
    if (r == 0 && end < 0) {
        *err = end_error;
        r = end;
    }
    return r < 0 && err->code == ERR_WRITE ? error_widen(err, SCOPE_ACCOUNT) : r;
}

static int begin_fetch(struct downloader *d, struct chunk *chunk, struct error *err)
{
    static const struct section whole = {.part = SECTION_WHOLE};
    chunk->sink = (struct fetch_sink){body_begin, body_piece, body_end, chunk};
    struct fetch_request request = {
        .items = FETCH_UID | FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_BODY_SECTION,
        .section = &whole,
    };
    if (client_has(d->pass->client, CAP_CONDSTORE))
        request.items |= FETCH_MODSEQ;
    if (client_has(d->pass->client, CAP_OBJECTID))
        request.items |= FETCH_EMAILID;
    return client_fetch_begin(d->pass->client, &chunk->fetch, &chunk->uids, &request, &chunk->sink,
                              chunk->arena, err);
}

/* ---- what is held ---- */

static int hold_message(struct downloader *d, struct mailbox_plan *plan, uint32_t uid, bool at_once,
                        const char *reason, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_message m = {.mailbox = plan->pair->record.id, .uid = uid, .state = MESSAGE_HELD};
    int r = index_begin_write(d->pass->index, &txn, err);
    if (r < 0 || (r = index_message_put(txn, &m, err)) < 0 || (r = index_commit(&txn, err)) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    return apply_hold(d->pass, plan->pair, HELD_DOWNLOAD, uid, STR_EMPTY, at_once, reason, err);
}

/* The message that was due when the connection broke may be why: were it asked for first again and
 * again, nothing behind it would ever come (law 7). */
static void suspect_first_missing(struct downloader *d, struct chunk *chunk,
                                  const struct error *broken)
{
    uint32_t uid = 0;
    struct error ignored = ERROR_INIT;
    char reason[ERROR_TEXT_MAX + 64];
    if (!apply_is_broken(broken) || !seqset_next(&chunk->missing, &uid))
        return;
    snprintf(reason, sizeof reason, "the connection broke while it was fetched: %s", broken->text);
    hold_message(d, chunk->plan, uid, true, reason, &ignored);
}

/* ---- chunks in flight ---- */

static bool is_open_to_work(const struct mailbox_plan *plan)
{
    return !error_is_set(&plan->pair->error) && plan->pair->action == PAIR_SYNC;
}

/* Moves to the next mailbox with work left; false when there is none. */
static bool has_more(struct downloader *d)
{
    while (d->next_mailbox < d->plan->mailboxes.len) {
        const struct mailbox_plan *m = &d->plan->mailboxes.items[d->next_mailbox];
        if (is_open_to_work(m) && d->next_op < m->ops[OP_DOWNLOAD].len)
            return true;
        d->next_mailbox++;
        d->next_op = 0;
    }
    return false;
}

static void fill_chunk(struct downloader *d, struct chunk *chunk)
{
    struct mailbox_plan *plan = &d->plan->mailboxes.items[d->next_mailbox];
    const struct operation_vec *ops = &plan->ops[OP_DOWNLOAD];
    size_t left = ops->len - d->next_op;
    *chunk = (struct chunk){.pass = d->pass,
                            .arena = arena_new(),
                            .plan = plan,
                            .first = d->next_op,
                            .count = left < CHUNK_MESSAGES ? left : CHUNK_MESSAGES};
    for (size_t i = 0; i < chunk->count; i++)
        seqset_add(&chunk->uids, ops->items[chunk->first + i].uid);
    seqset_add_set(&chunk->missing, &chunk->uids);
    d->next_op += chunk->count;
}

static int begin_chunk(struct downloader *d, struct error *err)
{
    struct chunk *chunk = &d->chunks[(d->oldest + d->in_flight) % CHUNKS_IN_FLIGHT];
    fill_chunk(d, chunk);
    struct mailbox_pair *pair = chunk->plan->pair;
    bool selected = d->selected == chunk->plan ||
                    (d->selected == NULL && client_state(d->pass->client) == STATE_SELECTED &&
                     str_eq(client_selected(d->pass->client), pair->record.name));
    int r = 0;
    if (!selected) {
        struct select_params params = {.condstore = client_has(d->pass->client, CAP_CONDSTORE)};
        r = client_select_begin(d->pass->client, &chunk->select, pair->record.name, false, &params,
                                d->pass->arena, err);
        chunk->selecting = r == 0;
    }
    d->selected = chunk->plan;
    if (r == 0)
        r = begin_fetch(d, chunk, err);
    chunk->fetching = r == 0;
    d->in_flight++;
    d->messages_in_flight += chunk->count;
    return r;
}

static int end_select(struct downloader *d, struct chunk *chunk, struct error *err)
{
    if (!chunk->selecting)
        return 0;
    int r = client_select_end(d->pass->client, &chunk->select, err);
    bool same = chunk->select.data.uidvalidity == chunk->plan->pair->record.uidvalidity;
    client_select_free(&chunk->select);
    chunk->selecting = false;
    if (r == 0 && !same)
        return error_set(err, ERR_CHANGED, SCOPE_MAILBOX,
                         "the mailbox was replaced on the server during this run");
    return r < 0 ? error_wrap(err, "cannot select the mailbox") : 0;
}

/* What a failed SELECT left is not this mailbox's: its answers are read and dropped. */
static void drop_fetch(struct downloader *d, struct chunk *chunk)
{
    struct error ignored = ERROR_INIT;
    seqset_free(&chunk->missing);
    client_fetch_end(d->pass->client, &chunk->fetch, &ignored);
    client_fetch_free(&chunk->fetch);
}

static int finish_chunk(struct downloader *d, struct chunk *chunk, struct seqset *missing,
                        struct error *err)
{
    int r = end_select(d, chunk, err);
    bool selected = r == 0;
    if (selected && is_open_to_work(chunk->plan))
        r = read_messages(d, chunk, err);
    else
        drop_fetch(d, chunk);
    d->in_flight--;
    d->messages_in_flight -= chunk->count;
    d->oldest = (d->oldest + 1) % CHUNKS_IN_FLIGHT;
    if (r < 0 && selected && (err->code == ERR_NO || err->code == ERR_BAD)) {
        error_clear(err);
        r = 0;
    }
    if (r < 0)
        suspect_first_missing(d, chunk, err);
    if (r == 0)
        seqset_add_set(missing, &chunk->missing);
    else
        r = pass_absorb(d->pass, chunk->plan->pair, err);
    chunk_free(chunk);
    return r;
}

/* What was begun is ended also on the way out: the client still knows the handles. */
static void abandon_chunks(struct downloader *d)
{
    for (; d->in_flight > 0; d->in_flight--) {
        struct chunk *chunk = &d->chunks[d->oldest];
        struct error ignored = ERROR_INIT;
        end_select(d, chunk, &ignored);
        if (chunk->fetching)
            drop_fetch(d, chunk);
        chunk_free(chunk);
        d->oldest = (d->oldest + 1) % CHUNKS_IN_FLIGHT;
    }
}

/* `missing`: one set per mailbox of the plan. */
static int run_pipeline(struct downloader *d, struct seqset *missing, struct error *err)
{
    int r = 0;
    while (r == 0 && (d->in_flight > 0 || has_more(d))) {
        bool room = d->in_flight < CHUNKS_IN_FLIGHT && d->messages_in_flight < MESSAGES_IN_FLIGHT;
        if (room && has_more(d)) {
            r = begin_chunk(d, err);
            continue;
        }
        struct chunk *chunk = &d->chunks[d->oldest];
        size_t at = (size_t)(chunk->plan - d->plan->mailboxes.items);
        r = finish_chunk(d, chunk, &missing[at], err);
    }
    abandon_chunks(d);
    return r;
}

/* ---- what did not come ---- */

static int fetch_alone(struct downloader *d, struct mailbox_plan *plan, uint32_t uid,
                       struct error *err)
{
    struct chunk chunk = {
        .pass = d->pass, .arena = arena_new(), .plan = plan, .count = plan->ops[OP_DOWNLOAD].len};
    seqset_add(&chunk.uids, uid);
    seqset_add(&chunk.missing, uid);
    int r = begin_fetch(d, &chunk, err);
    if (r == 0)
        r = read_messages(d, &chunk, err);
    bool came = seqset_is_empty(&chunk.missing);
    chunk_free(&chunk);
    if (came || (r < 0 && err->scope > SCOPE_MAILBOX))
        return r;
    char reason[ERROR_TEXT_MAX + 64];
    snprintf(reason, sizeof reason, "the server does not give the message (UID %u): %s", uid,
             r < 0 ? err->text : "it answered without the body");
    error_clear(err);
    return hold_message(d, plan, uid, false, reason, err);
}

static int retry_missing(struct downloader *d, struct mailbox_plan *plan, struct seqset *missing,
                         struct error *err)
{
    AUTO_SEQSET struct seqset present = {0};
    int r = apply_select(d->pass, plan->pair, err);
    while (r == 0 && !seqset_is_empty(missing)) {
        AUTO_SEQSET struct seqset part = {0};
        seqset_take(missing, LIMIT_COMMAND_LINE_BYTES - 200, &part);
        r = remote_which_exist(d->pass, &part, &present, err);
    }
    uint32_t uid = 0;
    while (r == 0 && seqset_next(&present, &uid))
        r = fetch_alone(d, plan, uid, err);
    return r;
}

static int drop_held_entries(struct downloader *d, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(d->pass->index, &txn, err);
    for (size_t i = 0; i < d->plan->mailboxes.len && r == 0; i++) {
        const struct mailbox_plan *m = &d->plan->mailboxes.items[i];
        const struct operation_vec *ops = &m->ops[OP_DOWNLOAD];
        for (size_t k = 0; k < ops->len && r == 0; k++) {
            struct index_message now;
            const struct operation *op = &ops->items[k];
            if (op->base == NULL)
                continue;
            r = index_message_get(txn, d->pass->arena, m->pair->record.id, op->uid, &now, err);
            if (r == 0 && now.state == MESSAGE_SYNCED)
                r = apply_unhold(txn, m->pair->record.id, HELD_DOWNLOAD, op->uid, STR_EMPTY, err);
        }
    }
    return r < 0 ? r : index_commit(&txn, err);
}

static int download_all(struct downloader *d, struct seqset *missing, struct error *err)
{
    int r = run_pipeline(d, missing, err);
    for (size_t i = 0; i < d->plan->mailboxes.len && r == 0; i++) {
        struct mailbox_plan *m = &d->plan->mailboxes.items[i];
        if (!seqset_is_empty(&missing[i]) && retry_missing(d, m, &missing[i], err) < 0)
            r = pass_absorb(d->pass, m->pair, err);
    }
    /* Also on the way out: what was received is kept. */
    struct error finish_error = ERROR_INIT;
    int f = deliverer_finish(d->deliverer, &finish_error);
    if (f < 0 && (r == 0 || finish_error.code == ERR_WRITE)) {
        *err = finish_error;
        r = f;
    }
    return r < 0 ? r : drop_held_entries(d, err);
}

/* What an interrupted run left half written. */
static int clean_tmp(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    if (maildir_clean_tmp(pass->maildir, pair->record.path.ptr, err) < 0)
        return pass_absorb(pass, pair, err);
    return 0;
}

int apply_downloads(struct pass *pass, struct plan *plan, struct error *err)
{
    struct downloader *d = xcalloc(1, sizeof *d);
    d->pass = pass;
    d->plan = plan;
    int r = 0;
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        d->total += m->ops[OP_DOWNLOAD].len;
        if (r == 0 && m->ops[OP_DOWNLOAD].len > 0 && is_open_to_work(m))
            r = clean_tmp(pass, m->pair, err);
    }
    if (r == 0 && d->total > 0) {
        struct seqset *missing = xcalloc(plan->mailboxes.len, sizeof *missing);
        d->deliverer = deliverer_new(pass);
        r = download_all(d, missing, err);
        deliverer_free(&d->deliverer);
        for (size_t i = 0; i < plan->mailboxes.len; i++)
            seqset_free(&missing[i]);
        xfree(&missing);
    }
    for (size_t i = 0; i < CHUNKS_IN_FLIGHT; i++)
        chunk_free(&d->chunks[i]);
    xfree(&d);
    return r;
}
