#include "apply/apply.h"

#include "imap/limits.h"
#include "pass/held.h"
#include "pass/pool.h"
#include "survey/remote.h"
#include "survey/unfetched.h"
#include "apply/download.h"

#include <pthread.h>

/*
 * The pass's own connection fetches, and beside it as many others as the account may have and the
 * work is worth: a further one pays for its login only where there is much to fetch. What a chunk
 * did not bring is asked for once more by itself afterwards; what then fails is held.
 */
#define MESSAGES_PER_CONNECTION 512
#define MESSAGES_PER_COMMAND 64
/* Over all connections; and of one at least. More of them hide a longer way to the server, and are
 * more to be sent again after a cut. */
#define MESSAGES_IN_FLIGHT 1280
#define LANE_MESSAGES_MIN 128
#define LANE_MESSAGES_MAX 1024

/* ---- further connections ---- */

struct further {
    struct download *d;
    pthread_t thread;
    struct error error; /* why it ended early */
};

static void *further_thread(void *argument)
{
    struct further *f = argument;
    struct connection_pool *pool = f->d->pass->pool;
    struct connection *connection = NULL;
    bool reused;
    if (connection_pool_take(pool, &connection, &reused, &f->error) == 0)
        download_over(f->d, connection_client(connection), true, &f->error);
    connection_pool_give(pool, &connection);
    return NULL;
}

static size_t further_wanted(const struct download *d)
{
    uint32_t portion = d->pass->options->download_portion;
    uint64_t worth = d->total / (portion > 0 ? portion : MESSAGES_PER_CONNECTION);
    uint32_t asked = d->pass->options->connections;
    uint32_t most = (asked > 0 ? asked : d->pass->account->connections) - 1;
    return worth < most ? (size_t)worth : most;
}

static void share_out(struct download *d, size_t connections)
{
    uint32_t portion = d->pass->options->download_portion;
    if (portion > 0) {
        d->chunk_messages = portion;
        d->lane_messages = 2 * (uint64_t)portion;
        return;
    }
    d->chunk_messages = MESSAGES_PER_COMMAND;
    d->lane_messages = MESSAGES_IN_FLIGHT / connections;
    if (d->lane_messages < LANE_MESSAGES_MIN)
        d->lane_messages = LANE_MESSAGES_MIN;
    if (d->lane_messages > LANE_MESSAGES_MAX)
        d->lane_messages = LANE_MESSAGES_MAX;
}

static size_t start_further(struct download *d, struct further *further, size_t wanted)
{
    size_t started = 0;
    for (; started < wanted; started++) {
        further[started].d = d;
        if (pthread_create(&further[started].thread, NULL, further_thread, &further[started]) != 0)
            break;
    }
    return started;
}

/* That one of them ends is no failure, unless it is one of the whole account (the disk is full). */
static int join_further(struct download *d, struct further *further, size_t len, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < len; i++) {
        struct error *e = &further[i].error;
        pthread_join(further[i].thread, NULL);
        if (!error_is_set(e) || e->code == ERR_CANCELLED)
            continue;
        if (e->code == ERR_WRITE && r == 0) {
            *err = *e;
            r = -(int)e->code;
        } else {
            log_info(&d->pass->log, "goes on with fewer connections: %s", e->text);
        }
    }
    return r;
}

static int fetch_over_all(struct download *d, struct error *err)
{
    size_t wanted = further_wanted(d);
    struct further *further = xcalloc(wanted + 1, sizeof *further);
    struct error further_error = ERROR_INIT;
    share_out(d, wanted + 1);
    size_t started = start_further(d, further, wanted);
    int r = download_over(d, d->pass->client, false, err);
    int f = join_further(d, further, started, &further_error);
    xfree(&further);
    if (r == 0 && f < 0) {
        *err = further_error;
        r = f;
    }
    /* What the others could not finish. */
    return r < 0 ? r : download_over(d, d->pass->client, false, err);
}

/* ---- what did not come ---- */

static int retry_missing(struct download *d, struct mailbox_plan *plan, struct seqset *missing,
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
        r = download_alone(d, plan, uid, err);
    return r;
}

static int fetch_missing(struct download *d, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < d->plan->mailboxes.len && r == 0; i++) {
        struct mailbox_plan *m = &d->plan->mailboxes.items[i];
        if (!seqset_is_empty(&d->missing[i]) && retry_missing(d, m, &d->missing[i], err) < 0)
            r = pass_absorb(d->pass, m->pair, err);
    }
    return r;
}

/* Also on the way out: what was received is kept. `r` is how it went so far. */
static int finish(struct download *d, int r, struct error *err)
{
    struct error finish_error = ERROR_INIT;
    int f = deliverer_finish(d->deliverer, &finish_error);
    if (f < 0 && (r == 0 || finish_error.code == ERR_WRITE)) {
        *err = finish_error;
        r = f;
    }
    return r;
}

/* ---- the step ---- */

static void download_init(struct download *d, struct pass *pass, struct plan *plan)
{
    *d = (struct download){.pass = pass, .plan = plan};
    pthread_mutex_init(&d->lock, NULL);
    d->deliverer = deliverer_new(pass);
    d->missing = xcalloc(plan->mailboxes.len + 1, sizeof *d->missing);
}

static void download_free(struct download *d)
{
    deliverer_free(&d->deliverer);
    for (size_t i = 0; i < d->plan->mailboxes.len; i++)
        seqset_free(&d->missing[i]);
    for (size_t i = 0; i < d->returned.len; i++)
        seqset_free(&d->returned.items[i].uids);
    vec_free(&d->returned);
    xfree(&d->missing);
    pthread_mutex_destroy(&d->lock);
}

/* Also what an interrupted run left half written is cleaned up. */
static int prepare(struct pass *pass, struct plan *plan, uint64_t *total_out, struct error *err)
{
    int r = 0;
    *total_out = 0;
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        uint64_t len = download_count(m);
        bool open = !error_is_set(&m->pair->error) && m->pair->action == PAIR_SYNC;
        *total_out += len;
        if (r == 0 && len > 0 && open &&
            maildir_clean_tmp(pass->maildir, m->pair->record.path.ptr, err) < 0)
            r = pass_absorb(pass, m->pair, err);
    }
    return r;
}

int apply_downloads(struct pass *pass, struct plan *plan, struct error *err)
{
    struct download d;
    uint64_t total;
    int r = prepare(pass, plan, &total, err);
    if (r < 0 || total == 0 || (r = unfetched_store(pass, plan, err)) < 0)
        return r;
    download_init(&d, pass, plan);
    d.total = total;
    r = fetch_over_all(&d, err);
    if (r == 0)
        r = fetch_missing(&d, err);
    r = finish(&d, r, err);
    download_free(&d);
    return r;
}

/* ---- what did not come in earlier passes ---- */

static int drop_held_entries(struct download *d, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(d->pass->index, &txn, err);
    for (size_t i = 0; i < d->plan->mailboxes.len && r == 0; i++) {
        const struct mailbox_plan *m = &d->plan->mailboxes.items[i];
        const struct operation_vec *ops = &m->ops[OP_DOWNLOAD];
        for (size_t k = 0; k < ops->len && r == 0; k++) {
            struct index_message now;
            const struct operation *op = &ops->items[k];
            if (!op->is_retry)
                continue;
            r = index_message_get(txn, d->pass->arena, m->pair->record.id, op->uid, &now, err);
            if (r == 0 && now.state == MESSAGE_SYNCED)
                r = held_drop(txn,
                              &(struct index_held){.kind = HELD_DOWNLOAD,
                                                   .mailbox = m->pair->record.id,
                                                   .uid = op->uid},
                              err);
        }
    }
    return r < 0 ? r : index_commit(&txn, err);
}

static uint64_t find_retries(struct download *d)
{
    uint64_t count = 0;
    for (size_t i = 0; i < d->plan->mailboxes.len; i++) {
        const struct mailbox_plan *m = &d->plan->mailboxes.items[i];
        VEC_FOREACH (const struct operation, op, &m->ops[OP_DOWNLOAD]) {
            if (op->is_retry && m->pair->action == PAIR_SYNC)
                seqset_add(&d->missing[i], op->uid);
        }
        count += seqset_count(&d->missing[i]);
    }
    return count;
}

int apply_retries(struct pass *pass, struct plan *plan, struct error *err)
{
    struct download d;
    int r = 0;
    download_init(&d, pass, plan);
    d.total = find_retries(&d);
    if (d.total > 0) {
        r = finish(&d, fetch_missing(&d, err), err);
        if (r < 0 && held_is_suspect(err)) {
            error_clear(err);
            r = 0;
        }
        if (r == 0)
            r = drop_held_entries(&d, err);
    }
    download_free(&d);
    return r;
}
