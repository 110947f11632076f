#include "apply/download.h"

#include "reconcile/reconcile.h"
#include "pass/held.h"
#include "pass/keywords.h"
#include "survey/remote.h"

#include <assert.h>
#include <stdio.h>

/*
 * Several chunks are in flight on a connection, also across mailboxes, so that it is never idle
 * between them. Bodies go from the connection into tmp/ as they come and are turned over to the
 * deliverer.
 */
#define CHUNKS_IN_FLIGHT 32

/* A body that came before the rest of its message was read out of the connection. */
struct received {
    uint32_t seq; /* of its FETCH response */
    struct maildir_delivery *delivery;
};

struct lane;

struct chunk {
    struct lane *lane;
    struct arena *arena; /* of its answers */
    struct download_order order;
    struct seqset missing; /* asked for and not yet there */
    uint64_t bytes;        /* of bodies, since they were last counted */
    bool selecting, fetching;
    struct client_select select;
    struct client_fetch fetch;
    struct fetch_sink sink;
    /* Bodies in the order in which they came, from `taken` on: several may come before the first
     * message is taken, whenever the client reads answers to make room for a further command. */
    VEC(struct received) received;
    size_t taken;
};

/* One connection at work. */
struct lane {
    struct download *all;
    struct client *client;
    bool is_further;
    struct mailbox_plan *selected;         /* by the last chunk begun */
    struct chunk chunks[CHUNKS_IN_FLIGHT]; /* a ring */
    size_t oldest, in_flight;
    uint64_t messages_in_flight;
};

/* ---- the sink: bodies into tmp/ ---- */

static bool body_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    struct chunk *chunk = self;
    struct received *r = vec_add(&chunk->received);
    r->seq = so_far->seq;
    int begun = maildir_delivery_begin(chunk->lane->all->pass->maildir,
                                       chunk->order.plan->pair->record.path.ptr, &r->delivery, err);
    /* What is wrong with the folder is not the message's, as if the server had not given it. */
    return begun == 0 || (error_widen(err, SCOPE_MAILBOX), false);
}

static bool body_piece(void *self, struct str data, struct error *err)
{
    struct chunk *chunk = self;
    assert(chunk->received.len > chunk->taken);
    struct maildir_delivery *delivery = chunk->received.items[chunk->received.len - 1].delivery;
    chunk->bytes += data.len;
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
    seqset_free(&chunk->order.uids);
    seqset_free(&chunk->missing);
}

/* ---- one message ---- */

static int record_of(struct chunk *chunk, const struct fetch_data *data, struct index_message *out,
                     struct error *err)
{
    struct download *d = chunk->lane->all;
    const struct operation *op = operations_find(&chunk->order.plan->ops[OP_DOWNLOAD], data->uid);
    *out = (struct index_message){
        .mailbox = chunk->order.plan->pair->record.id,
        .uid = data->uid,
        .state = MESSAGE_SYNCED,
        .modseq = data->modseq,
        .internal_date_s = data->internal_date.unix_s,
        .email_id = data->have & FETCH_EMAILID ? data->email_id : STR_EMPTY,
    };
    if (op != NULL)
        out->flags = op->flags;
    if (!(data->have & FETCH_FLAGS))
        return 0;
    pthread_mutex_lock(&d->lock);
    int r = keywords_index_flags(d->pass, &data->flags, &out->flags, err);
    pthread_mutex_unlock(&d->lock);
    return r;
}

/* It moves from tmp/ into the deliverer's hands. */
static int hand_over(struct chunk *chunk, struct maildir_delivery *delivery,
                     const struct maildir_delivered *delivered, const struct index_message *record,
                     struct error *err)
{
    struct download *d = chunk->lane->all;
    struct mailbox_pair *pair = chunk->order.plan->pair;
    pthread_mutex_lock(&d->lock);
    d->pass->report->messages.downloaded++;
    d->pass->progress.bytes += chunk->bytes;
    chunk->bytes = 0;
    pass_progress(d->pass, PROGRESS_DOWNLOAD, pair, ++d->done, d->total);
    int r = deliverer_add(d->deliverer, pair, delivery, delivered, record, err);
    pthread_mutex_unlock(&d->lock);
    return r;
}

/* A message has come, with its body or without. */
static int take_message(struct chunk *chunk, const struct fetch_data *data, struct error *err)
{
    if (!(data->have & FETCH_BODY_SECTION))
        return 0;
    struct maildir_delivery *delivery = take_body(chunk, data->seq);
    struct index_message record;
    struct maildir_delivered delivered = {0};
    bool wanted =
        delivery != NULL && !data->body_is_nil && seqset_contains(&chunk->missing, data->uid);
    int r = wanted ? record_of(chunk, data, &record, err) : 0;
    if (wanted && r == 0)
        r = maildir_delivery_finish(delivery, record.internal_date_s, &delivered, err);
    /* No message is empty: servers give nothing in the place of what they cannot read. */
    if (!wanted || r < 0 || delivered.wire_size == 0) {
        maildir_delivery_free(&delivery);
        return r;
    }
    seqset_remove_range(&chunk->missing, data->uid, data->uid);
    return hand_over(chunk, delivery, &delivered, &record, err);
}

static int read_messages(struct chunk *chunk, struct error *err)
{
    struct client *client = chunk->lane->client;
    struct fetch_data data;
    int r;
    while ((r = client_fetch_next(client, &chunk->fetch, &data, err)) > 0) {
        if ((r = take_message(chunk, &data, err)) < 0)
            break;
    }
    return client_fetch_close(client, &chunk->fetch, r, err);
}

static int begin_fetch(struct chunk *chunk, struct error *err)
{
    static const struct section whole = {.part = SECTION_WHOLE};
    struct client *client = chunk->lane->client;
    chunk->sink = (struct fetch_sink){body_begin, body_piece, body_end, chunk};
    struct fetch_request request = {
        .items = FETCH_UID | FETCH_FLAGS | FETCH_INTERNALDATE | FETCH_BODY_SECTION,
        .section = &whole,
    };
    if (client_has(client, CAP_CONDSTORE))
        request.items |= FETCH_MODSEQ;
    if (client_has(client, CAP_OBJECTID))
        request.items |= FETCH_EMAILID;
    return client_fetch_begin(client, &chunk->fetch, &chunk->order.uids, &request, &chunk->sink,
                              chunk->arena, err);
}

/* ---- what is held ---- */

/* The message that was due when the connection broke may be why: were it asked for first again and
 * again, nothing behind it would ever come (law 7). Where the pass ends with the connection, the
 * next one finds the message new, and knows it again if it was moved: it has no record yet. */
static void suspect_first_missing(struct chunk *chunk, bool pass_ends, const struct error *broken)
{
    struct pass *pass = chunk->lane->all->pass;
    struct mailbox_plan *plan = chunk->order.plan;
    uint32_t uid = 0;
    struct error ignored = ERROR_INIT;
    char reason[ERROR_TEXT_MAX + 64];
    if (!held_is_suspect(broken) || !seqset_next(&chunk->missing, &uid))
        return;
    snprintf(reason, sizeof reason, "the connection broke while it was fetched: %s", broken->text);
    const struct index_held what = {.kind = HELD_DOWNLOAD, .uid = uid, .reason = str_from(reason)};
    if (pass_ends)
        held_add(pass, plan->pair, &what, true, &ignored);
    else
        held_add_download(pass, plan->pair, uid, true, reason, &ignored);
    if (chunk->lane->is_further)
        seqset_remove_range(&chunk->missing, uid, uid);
}

/* ---- the supply ---- */

static bool is_open_to_work(const struct mailbox_plan *plan)
{
    return !error_is_set(&plan->pair->error) && plan->pair->action == PAIR_SYNC;
}

uint64_t download_count(const struct mailbox_plan *plan)
{
    uint64_t count = seqset_count(&plan->fetch);
    VEC_FOREACH (const struct operation, op, &plan->ops[OP_DOWNLOAD])
        count += !op->is_retry;
    return count;
}

static bool has_operation(struct download *d, const struct operation_vec *ops)
{
    while (d->next_op < ops->len && ops->items[d->next_op].is_retry)
        d->next_op++;
    return d->next_op < ops->len;
}

/* Moves to the next mailbox with work left; false when there is none. */
static bool has_more(struct download *d)
{
    while (d->next_mailbox < d->plan->mailboxes.len) {
        const struct mailbox_plan *m = &d->plan->mailboxes.items[d->next_mailbox];
        uint32_t uid = d->last_uid;
        if (is_open_to_work(m) &&
            (has_operation(d, &m->ops[OP_DOWNLOAD]) || seqset_next(&m->fetch, &uid)))
            return true;
        d->next_mailbox++;
        d->next_op = 0;
        d->last_uid = 0;
    }
    return false;
}

static void cut_order(struct download *d, struct download_order *out)
{
    struct mailbox_plan *plan = &d->plan->mailboxes.items[d->next_mailbox];
    const struct operation_vec *ops = &plan->ops[OP_DOWNLOAD];
    *out = (struct download_order){.plan = plan};
    for (; out->count < d->chunk_messages && has_operation(d, ops); out->count++)
        seqset_add(&out->uids, ops->items[d->next_op++].uid);
    for (; out->count < d->chunk_messages && seqset_next(&plan->fetch, &d->last_uid); out->count++)
        seqset_add(&out->uids, d->last_uid);
}

static bool take_order(struct download *d, struct download_order *out)
{
    pthread_mutex_lock(&d->lock);
    bool found = !d->stopped;
    if (found && d->returned.len > 0)
        *out = d->returned.items[--d->returned.len];
    else if (found && (found = has_more(d)))
        cut_order(d, out);
    pthread_mutex_unlock(&d->lock);
    return found;
}

/* What a connection that broke still owed is another's to fetch. */
static void return_order(struct chunk *chunk)
{
    struct download *d = chunk->lane->all;
    struct download_order order = chunk->order;
    if (!chunk->lane->is_further || seqset_is_empty(&chunk->missing))
        return;
    order.uids = chunk->missing;
    chunk->missing = (struct seqset){0};
    pthread_mutex_lock(&d->lock);
    vec_push(&d->returned, order);
    pthread_mutex_unlock(&d->lock);
}

/* ---- chunks in flight ---- */

static int begin_chunk(struct lane *lane, const struct download_order *order, struct error *err)
{
    struct chunk *chunk = &lane->chunks[(lane->oldest + lane->in_flight) % CHUNKS_IN_FLIGHT];
    *chunk = (struct chunk){.lane = lane, .arena = arena_new(), .order = *order};
    seqset_add_set(&chunk->missing, &order->uids);
    struct mailbox_pair *pair = order->plan->pair;
    bool selected = lane->selected == order->plan ||
                    (lane->selected == NULL &&
                     remote_is_selected(lane->client, pair, pair->record.uidvalidity));
    int r = 0;
    if (!selected) {
        struct select_params params = {.condstore = client_has(lane->client, CAP_CONDSTORE)};
        r = client_select_begin(lane->client, &chunk->select, pair->record.name, false, &params,
                                chunk->arena, err);
        chunk->selecting = r == 0;
    }
    lane->selected = order->plan;
    if (r == 0)
        r = begin_fetch(chunk, err);
    chunk->fetching = r == 0;
    lane->in_flight++;
    lane->messages_in_flight += order->count;
    return r;
}

static int end_select(struct chunk *chunk, struct error *err)
{
    if (!chunk->selecting)
        return 0;
    int r = client_select_end(chunk->lane->client, &chunk->select, err);
    bool same = chunk->select.data.uidvalidity == chunk->order.plan->pair->record.uidvalidity;
    client_select_free(&chunk->select);
    chunk->selecting = false;
    if (r == 0 && !same)
        return error_set(err, ERR_CHANGED, SCOPE_MAILBOX,
                         "the mailbox was replaced on the server during this run");
    return r < 0 ? error_wrap(err, "cannot select the mailbox") : 0;
}

/* Its answers are read and dropped: what a failed SELECT left is not this mailbox's. */
static void drop_fetch(struct chunk *chunk)
{
    struct error ignored = ERROR_INIT;
    client_fetch_end(chunk->lane->client, &chunk->fetch, &ignored);
    client_fetch_free(&chunk->fetch);
}

static void pop_chunk(struct lane *lane)
{
    struct chunk *chunk = &lane->chunks[lane->oldest];
    lane->messages_in_flight -= chunk->order.count;
    lane->in_flight--;
    lane->oldest = (lane->oldest + 1) % CHUNKS_IN_FLIGHT;
    chunk_free(chunk);
}

/* What of a chunk's end concerns its mailbox alone is noted there. */
static int conclude_chunk(struct chunk *chunk, int r, struct error *err)
{
    struct download *d = chunk->lane->all;
    size_t at = (size_t)(chunk->order.plan - d->plan->mailboxes.items);
    if (r < 0)
        suspect_first_missing(chunk, !chunk->lane->is_further, err);
    pthread_mutex_lock(&d->lock);
    if (r == 0)
        seqset_add_set(&d->missing[at], &chunk->missing);
    else
        r = pass_absorb(d->pass, chunk->order.plan->pair, err);
    pthread_mutex_unlock(&d->lock);
    if (r < 0)
        return_order(chunk);
    return r;
}

static int finish_chunk(struct lane *lane, struct error *err)
{
    struct chunk *chunk = &lane->chunks[lane->oldest];
    struct download *d = lane->all;
    int r = end_select(chunk, err);
    bool selected = r == 0;
    pthread_mutex_lock(&d->lock);
    bool wanted = selected && is_open_to_work(chunk->order.plan);
    pthread_mutex_unlock(&d->lock);
    if (wanted) {
        r = read_messages(chunk, err);
    } else {
        drop_fetch(chunk);
        if (err->scope <= SCOPE_MAILBOX)
            seqset_free(&chunk->missing);
    }
    if (r < 0 && selected && (err->code == ERR_NO || err->code == ERR_BAD)) {
        error_clear(err);
        r = 0;
    }
    r = conclude_chunk(chunk, r, err);
    pop_chunk(lane);
    return r;
}

/* What was begun is ended also on the way out: the client still knows the handles. */
static void abandon_chunks(struct lane *lane)
{
    while (lane->in_flight > 0) {
        struct chunk *chunk = &lane->chunks[lane->oldest];
        struct error ignored = ERROR_INIT;
        (void)end_select(chunk, &ignored);
        if (chunk->fetching)
            drop_fetch(chunk);
        return_order(chunk);
        pop_chunk(lane);
    }
}

int download_over(struct download *d, struct client *client, bool is_further, struct error *err)
{
    struct lane *lane = xcalloc(1, sizeof *lane);
    lane->all = d;
    lane->client = client;
    lane->is_further = is_further;
    int r = 0;
    for (bool at_work = true; at_work && r == 0;) {
        struct download_order order;
        bool room =
            lane->in_flight < CHUNKS_IN_FLIGHT && lane->messages_in_flight < d->lane_messages;
        if (room && take_order(d, &order))
            r = begin_chunk(lane, &order, err);
        else if (lane->in_flight > 0)
            r = finish_chunk(lane, err);
        else
            at_work = false;
    }
    abandon_chunks(lane);
    xfree(&lane);
    pthread_mutex_lock(&d->lock);
    d->stopped = d->stopped || (r < 0 && (!is_further || err->scope > SCOPE_CONNECTION));
    pthread_mutex_unlock(&d->lock);
    return r;
}

/* ---- what did not come ---- */

int download_alone(struct download *d, struct mailbox_plan *plan, uint32_t uid, struct error *err)
{
    struct lane lane = {.all = d, .client = d->pass->client};
    struct chunk chunk = {
        .lane = &lane,
        .arena = arena_new(),
        .order = {.plan = plan, .count = 1},
    };
    seqset_add(&chunk.order.uids, uid);
    seqset_add(&chunk.missing, uid);
    int r = begin_fetch(&chunk, err);
    if (r == 0)
        r = read_messages(&chunk, err);
    bool came = seqset_is_empty(&chunk.missing);
    if (r < 0)
        suspect_first_missing(&chunk, false, err);
    chunk_free(&chunk);
    if (came || (r < 0 && err->scope > SCOPE_MAILBOX))
        return r;
    char reason[ERROR_TEXT_MAX + 64];
    snprintf(reason, sizeof reason, "the server does not give the message (UID %u): %s", uid,
             r < 0 ? err->text : "it answered without the body");
    error_clear(err);
    return held_add_download(d->pass, plan->pair, uid, false, reason, err);
}
