#include "apply/deliver.h"

#include "pass/event.h"
#include "pass/keywords.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define BATCH_MESSAGES 512
#define BATCH_BYTES (64u * 1024 * 1024)
/*
 * Several connections bring their messages out of order, and records that come between others leave
 * the pages of the index half empty. So in a long download the last ones, about as many as are in
 * flight, wait in tmp/ for those that belong before them; a short one has nothing to gain by that.
 */
#define RESERVE_MESSAGES 1536
/* It grows by this part of a batch. */
#define RESERVE_STEPS 8
/* Below this a file system flush costs more than flushing the few files. */
#define FEW 8

struct parcel {
    struct mailbox_pair *pair;
    struct maildir_delivery *delivery;
    struct index_intent intent; /* with the record to be */
};
VEC_STRUCT(parcel_vec, struct parcel);

struct batch {
    struct parcel_vec parcels;
    struct arena *arena; /* strings of the records */
    uint64_t bytes;
};

/*
 * The turns run on a thread of their own, so that the connection is read while the disk is flushed.
 * The two meet at the start and at the end of a turn only: between them `turning`, `published` and
 * what a turn leaves are the thread's, `filling` is the pass's. Where there shall be one thread
 * only, a turn is taken when it begins.
 */
enum turn_state {
    TURN_IDLE, /* the thread waits */
    TURN_UNDER_WAY,
    TURN_FAILED, /* recovery at the next start finishes what was begun; nothing more is turned */
    TURN_END,    /* the thread is to end */
};

/* A folder that did not take its files. */
struct refusal {
    struct mailbox_pair *pair;
    struct error error;
    uint32_t messages;
};

struct deliverer {
    struct pass *pass;
    struct batch filling;   /* in tmp/ */
    size_t batch_messages;  /* how many of these a turn takes */
    size_t reserve;         /* how many of these wait for earlier ones; grows from turn to turn */
    struct batch turning;   /* in tmp/, being made durable and published */
    struct batch published; /* in place, with intents, not yet recorded */
    /* Left by a turn; to be told when it has ended, and intents to be deleted by the next one. */
    VEC(struct refusal) refusals;
    VEC(uint64_t) void_intents;
    pthread_t thread;
    pthread_mutex_t lock; /* guards `state` and `error` */
    pthread_cond_t changed;
    enum turn_state state;
    struct error error; /* of the turn that failed */
};

static void set_state(struct deliverer *d, enum turn_state state)
{
    assert(d->state != TURN_END);
    d->state = state;
    pthread_cond_broadcast(&d->changed);
}

static void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->parcels.len; i++)
        maildir_delivery_free(&batch->parcels.items[i].delivery);
    vec_clear(&batch->parcels);
    arena_reset(batch->arena);
    batch->bytes = 0;
}

static void batch_free(struct batch *batch)
{
    batch_clear(batch);
    vec_free(&batch->parcels);
    arena_free(&batch->arena);
}

/* The data of `turning` and the directories of `published`. */
static int flush(struct deliverer *d, struct error *err)
{
    const struct parcel_vec *turning = &d->turning.parcels;
    const struct parcel_vec *published = &d->published.parcels;
    if (turning->len + published->len >= FEW)
        return maildir_sync_all(d->pass->maildir, err);
    struct maildir_delivery *files[FEW];
    for (size_t i = 0; i < turning->len; i++)
        files[i] = turning->items[i].delivery;
    int r = maildir_deliveries_sync(files, turning->len, err);
    const char *last = NULL;
    for (size_t i = 0; i < published->len && r == 0; i++) {
        const char *path = published->items[i].pair->record.path.ptr;
        if (path != last)
            r = maildir_sync_folder(d->pass->maildir, path, err);
        last = path;
    }
    return r;
}

/* Of a first download one for all that came together: a mailbox's worth of them would push out
 * everything else. */
static int note_events(const struct deliverer *d, struct index_txn *txn, struct error *err)
{
    const struct parcel_vec *parcels = &d->published.parcels;
    size_t run = 0;
    int r = 0;
    for (size_t i = 0; i < parcels->len && r == 0; i++) {
        const struct parcel *p = &parcels->items[i];
        bool first = p->pair->record.uidnext == 0 ||
                     seqset_contains(&p->pair->unfetched, p->intent.message.uid);
        bool ends = i + 1 == parcels->len || parcels->items[i + 1].pair != p->pair;
        run++;
        if (!first)
            r = event_note(d->pass, txn, p->pair, EVENT_DOWNLOADED, &p->intent.message,
                           "new on the server", err);
        else if (ends)
            r = event_note_count(d->pass, txn, p->pair, EVENT_DOWNLOADED, run, "first download",
                                 err);
        run = ends ? 0 : run;
    }
    return r;
}

/* Records of `published`, intents of `turning`, in one commit. */
static int record(struct deliverer *d, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(d->pass->index, &txn, err);
    for (size_t i = 0; i < d->published.parcels.len && r == 0; i++) {
        const struct index_intent *intent = &d->published.parcels.items[i].intent;
        if ((r = index_message_put(txn, &intent->message, err)) == 0)
            r = index_intent_delete(txn, intent->id, err);
    }
    for (size_t i = 0; i < d->void_intents.len && r == 0; i++)
        r = index_intent_delete(txn, d->void_intents.items[i], err);
    if (r == 0)
        r = note_events(d, txn, err);
    for (size_t i = 0; i < d->turning.parcels.len && r == 0; i++)
        r = index_intent_put(txn, &d->turning.parcels.items[i].intent, err);
    if (r < 0 || (r = index_commit(&txn, err)) < 0)
        return r;
    vec_clear(&d->void_intents);
    return 0;
}

static struct refusal *refusal_of(struct deliverer *d, const struct mailbox_pair *pair)
{
    VEC_FOREACH (struct refusal, refusal, &d->refusals) {
        if (refusal->pair == pair)
            return refusal;
    }
    return NULL;
}

/* The message stays in tmp/, from where it is removed: the next pass fetches it again. */
static void refuse(struct deliverer *d, struct parcel *p, const struct error *why)
{
    struct refusal *refusal = refusal_of(d, p->pair);
    if (refusal == NULL) {
        refusal = vec_add(&d->refusals);
        *refusal = (struct refusal){.pair = p->pair, .error = *why};
    }
    refusal->messages++;
    vec_push(&d->void_intents, p->intent.id);
    maildir_delivery_free(&p->delivery);
}

static int publish_one(struct deliverer *d, struct parcel *p, struct arena *arena,
                       struct error *err)
{
    const struct index_message *m = &p->intent.message;
    struct str letters = keywords_letters(p->pair, STR_EMPTY, &m->flags, NULL, arena);
    return maildir_delivery_publish(p->delivery, m->base, m->flags.system, letters, err);
}

/* A folder that takes no files, whoever made it so, fails alone. */
static int publish(struct deliverer *d, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct parcel_vec *parcels = &d->turning.parcels;
    size_t kept = 0;
    for (size_t i = 0; i < parcels->len; i++) {
        struct parcel *p = &parcels->items[i];
        const struct refusal *before = refusal_of(d, p->pair);
        if (before == NULL && publish_one(d, p, arena, err) == 0) {
            parcels->items[kept++] = *p;
        } else if (before == NULL && err->scope > SCOPE_MAILBOX) {
            return -(int)err->code;
        } else {
            refuse(d, p, before != NULL ? &before->error : err);
            error_clear(err);
        }
        arena_reset(arena);
    }
    parcels->len = kept;
    return 0;
}

/* What has the mark of an earlier pass below it was not there when its mailbox was first seen. */
static void tell_arrivals(const struct deliverer *d)
{
    const struct news_sink *news = d->pass->options->news;
    AUTO_ARENA struct arena *arena = arena_new();
    for (size_t i = 0; i < d->published.parcels.len; i++) {
        const struct parcel *p = &d->published.parcels.items[i];
        const struct index_message *m = &p->intent.message;
        uint32_t mark = p->pair->record.uidnext;
        p->pair->changed_here = true;
        if (news == NULL)
            continue;
        const struct arrival arrival = {
            .mailbox = p->pair->record.utf8.ptr,
            .file = maildir_delivery_path(p->delivery, arena),
            .is_new = (m->flags.system & MAILDIR_SEEN) == 0 && mark != 0 && m->uid >= mark,
        };
        news->arrived(news->self, &arrival);
        arena_reset(arena);
    }
}

static void batch_swap(struct batch *a, struct batch *b)
{
    struct batch kept = *a;
    *a = *b;
    *b = kept;
}

/* One turn: `published` is recorded, `turning` becomes `published`. */
static int turn(struct deliverer *d, struct error *err)
{
    int r = flush(d, err);
    if (r < 0 || (r = record(d, err)) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    tell_arrivals(d);
    batch_clear(&d->published);
    if ((r = publish(d, err)) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    batch_swap(&d->published, &d->turning);
    assert(d->turning.parcels.len == 0);
    return 0;
}

static void run_turn(struct deliverer *d)
{
    struct error err = ERROR_INIT;
    int r = turn(d, &err);
    pthread_mutex_lock(&d->lock);
    d->error = err;
    set_state(d, r < 0 ? TURN_FAILED : TURN_IDLE);
    pthread_mutex_unlock(&d->lock);
}

static void *turn_thread(void *argument)
{
    struct deliverer *d = argument;
    pthread_mutex_lock(&d->lock);
    while (d->state != TURN_END) {
        if (d->state != TURN_UNDER_WAY) {
            pthread_cond_wait(&d->changed, &d->lock);
            continue;
        }
        pthread_mutex_unlock(&d->lock);
        run_turn(d);
        pthread_mutex_lock(&d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

static void tell_refusals(struct deliverer *d)
{
    VEC_FOREACH (struct refusal, refusal, &d->refusals) {
        error_widen(&refusal->error, SCOPE_MAILBOX);
        (void)pass_absorb(d->pass, refusal->pair, &refusal->error);
        d->pass->report->messages.downloaded -= refusal->messages;
    }
    vec_clear(&d->refusals);
}

/* Waits for the turn under way. */
static int await_turn(struct deliverer *d, struct error *err)
{
    pthread_mutex_lock(&d->lock);
    while (d->state == TURN_UNDER_WAY)
        pthread_cond_wait(&d->changed, &d->lock);
    bool failed = d->state == TURN_FAILED;
    if (failed)
        *err = d->error;
    pthread_mutex_unlock(&d->lock);
    tell_refusals(d);
    return failed ? -(int)err->code : 0;
}

/* Files that would get no letters now are not delivered: the next pass fetches them again. */
static int leave_out(struct deliverer *d, struct mailbox_pair *pair, struct error *err)
{
    struct parcel_vec *parcels = &d->turning.parcels;
    size_t kept = 0, len = parcels->len;
    for (size_t i = 0; i < parcels->len; i++) {
        struct parcel *p = &parcels->items[i];
        if (p->pair != pair || p->intent.message.flags.keywords_len == 0) {
            parcels->items[kept++] = *p;
            continue;
        }
        maildir_delivery_free(&p->delivery);
        pair->remote_blocked = true;
    }
    parcels->len = kept;
    if (kept == len)
        return 0;
    return error_set(err, ERR_LOCKED, SCOPE_MAILBOX,
                     "%zu message(s) with keywords wait: another program writes dovecot-keywords",
                     len - kept);
}

/* Letters for the keywords of a mailbox's messages in `turning`, from the one at `first` on. */
static int give_letters_to(struct deliverer *d, size_t first, struct error *err)
{
    const struct parcel_vec *parcels = &d->turning.parcels;
    struct mailbox_pair *pair = parcels->items[first].pair;
    VEC(struct index_flags) flags = {0};
    for (size_t i = first; i < parcels->len; i++) {
        const struct parcel *p = &parcels->items[i];
        if (p->pair == pair && p->intent.message.flags.keywords_len > 0)
            vec_push(&flags, p->intent.message.flags);
    }
    int r = keywords_give_letters(d->pass, pair, flags.items, flags.len, err);
    vec_free(&flags);
    if (pair->letters.put_off && r == 0)
        r = leave_out(d, pair, err);
    else if (r < 0) {
        struct error ignored = ERROR_INIT;
        (void)leave_out(d, pair, &ignored);
    }
    return r < 0 ? pass_absorb(d->pass, pair, err) : 0;
}

/* Now is the time: no turn is under way, during which the letters are read. */
static int give_letters(struct deliverer *d, struct error *err)
{
    const struct parcel_vec *parcels = &d->turning.parcels;
    int r = 0;
    for (size_t i = 0; i < parcels->len && r == 0;) {
        size_t before = parcels->len;
        bool first = true;
        for (size_t k = 0; k < i && first; k++)
            first = parcels->items[k].pair != parcels->items[i].pair;
        if (first)
            r = give_letters_to(d, i, err);
        i = parcels->len < before ? 0 : i + 1;
    }
    return r;
}

/* In the order of the mailboxes in the pass, and of UIDs. */
static int compare_places(const void *a, const void *b)
{
    const struct parcel *x = a;
    const struct parcel *y = b;
    uint32_t uid_x = x->intent.message.uid, uid_y = y->intent.message.uid;
    if (x->pair != y->pair)
        return x->pair < y->pair ? -1 : 1;
    return uid_x < uid_y ? -1 : uid_x > uid_y;
}

static void batch_take(struct batch *batch, const struct parcel *parcel)
{
    struct parcel taken = *parcel;
    struct index_message *m = &taken.intent.message;
    m->base = arena_str(batch->arena, m->base);
    m->email_id = arena_str(batch->arena, m->email_id);
    batch->bytes += m->wire_size;
    vec_push(&batch->parcels, taken);
}

/* `from` from the one at `first` on. */
static void batch_take_from(struct batch *batch, struct batch *from, size_t first)
{
    for (size_t i = first; i < from->parcels.len; i++)
        batch_take(batch, &from->parcels.items[i]);
    from->parcels.len = first;
}

/* The first `count` of `filling` become `turning`. */
static void take_first(struct deliverer *d, size_t count)
{
    struct batch *all = &d->filling;
    assert(d->turning.parcels.len == 0 && count <= all->parcels.len);
    if (count == 0)
        return;
    qsort(all->parcels.items, all->parcels.len, sizeof *all->parcels.items, compare_places);
    struct batch rest = {.arena = arena_new()};
    batch_take_from(&rest, all, count);
    batch_swap(all, &d->turning);
    batch_swap(all, &rest);
    batch_free(&rest);
}

/* Hands the first `count` over, after the turn before it has ended. */
static int begin_turn(struct deliverer *d, size_t count, struct error *err)
{
    int r = await_turn(d, err);
    if (r < 0 || (r = pass_local_change(d->pass, err)) < 0)
        return r;
    take_first(d, count);
    if ((r = give_letters(d, err)) < 0) {
        batch_take_from(&d->filling, &d->turning, 0);
        return r;
    }
    pthread_mutex_lock(&d->lock);
    set_state(d, TURN_UNDER_WAY);
    pthread_mutex_unlock(&d->lock);
    if (d->pass->options->one_thread)
        run_turn(d);
    return 0;
}

struct deliverer *deliverer_new(struct pass *pass)
{
    struct deliverer *d = xcalloc(1, sizeof *d);
    d->pass = pass;
    d->batch_messages = pass->options->download_portion;
    if (d->batch_messages == 0)
        d->batch_messages = BATCH_MESSAGES;
    d->filling.arena = arena_new();
    d->turning.arena = arena_new();
    d->published.arena = arena_new();
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    if (!pass->options->one_thread && pthread_create(&d->thread, NULL, turn_thread, d) != 0)
        abort();
    return d;
}

void deliverer_free(struct deliverer **deliverer)
{
    struct deliverer *d = *deliverer;
    struct error ignored = ERROR_INIT;
    if (d == NULL)
        return;
    await_turn(d, &ignored);
    pthread_mutex_lock(&d->lock);
    set_state(d, TURN_END);
    pthread_mutex_unlock(&d->lock);
    if (!d->pass->options->one_thread)
        pthread_join(d->thread, NULL);
    batch_free(&d->filling);
    batch_free(&d->turning);
    batch_free(&d->published);
    vec_free(&d->refusals);
    vec_free(&d->void_intents);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->changed);
    xfree(deliverer);
}

int deliverer_add(struct deliverer *d, struct mailbox_pair *pair, struct maildir_delivery *delivery,
                  const struct maildir_delivered *delivered,
                  const struct index_message *record_to_be, struct error *err)
{
    struct parcel parcel = {.pair = pair, .delivery = delivery};
    struct index_message *m = &parcel.intent.message;
    *m = *record_to_be;
    m->base = str_from(maildir_unique_base(d->pass->maildir, d->filling.arena,
                                           delivered->stored_size, delivered->wire_size));
    m->email_id = arena_str(d->filling.arena, m->email_id);
    m->raw = delivered->raw;
    m->wire_size = delivered->wire_size;
    m->header_digest = delivered->header_digest;
    m->body_digest = delivered->body_digest;
    parcel.intent.kind = INTENT_DELIVER;
    parcel.intent.uidvalidity = pair->record.uidvalidity;
    parcel.intent.begun_ms = pass_now_ms(d->pass);
    vec_push(&d->filling.parcels, parcel);
    d->filling.bytes += m->wire_size;
    size_t len = d->filling.parcels.len;
    if (d->filling.bytes >= BATCH_BYTES)
        return begin_turn(d, len, err);
    if (len < d->batch_messages + d->reserve)
        return 0;
    if (d->reserve < RESERVE_MESSAGES)
        d->reserve += d->batch_messages / RESERVE_STEPS;
    return begin_turn(d, d->batch_messages, err);
}

int deliverer_finish(struct deliverer *d, struct error *err)
{
    int r = await_turn(d, err);
    while (r == 0 && d->filling.parcels.len > 0) {
        size_t len = d->filling.parcels.len;
        r = begin_turn(d, len < d->batch_messages ? len : d->batch_messages, err);
    }
    if (r == 0)
        r = await_turn(d, err);
    if (r == 0 && d->published.parcels.len + d->void_intents.len > 0)
        r = begin_turn(d, 0, err);
    return r < 0 ? r : await_turn(d, err);
}
