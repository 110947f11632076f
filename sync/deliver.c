#include "sync/deliver.h"

#include <assert.h>

#define BATCH_MESSAGES 512
#define BATCH_BYTES (64u * 1024 * 1024)
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

struct deliverer {
    struct pass *pass;
    struct batch filling;   /* in tmp/ */
    struct batch published; /* in place, with intents, not yet recorded */
    bool broken;            /* a turn failed: recovery at the next start finishes it */
};

struct deliverer *deliverer_new(struct pass *pass)
{
    struct deliverer *d = xcalloc(1, sizeof *d);
    d->pass = pass;
    d->filling.arena = arena_new();
    d->published.arena = arena_new();
    return d;
}

static void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->parcels.len; i++)
        maildir_delivery_free(&batch->parcels.items[i].delivery);
    vec_clear(&batch->parcels);
    arena_reset(batch->arena);
    batch->bytes = 0;
}

void deliverer_free(struct deliverer **deliverer)
{
    struct deliverer *d = *deliverer;
    if (d == NULL)
        return;
    batch_clear(&d->filling);
    batch_clear(&d->published);
    vec_free(&d->filling.parcels);
    vec_free(&d->published.parcels);
    arena_free(&d->filling.arena);
    arena_free(&d->published.arena);
    xfree(deliverer);
}

/* The data of `filling` and the directories of `published`. */
static int flush(struct deliverer *d, struct error *err)
{
    const struct parcel_vec *filling = &d->filling.parcels;
    const struct parcel_vec *published = &d->published.parcels;
    if (filling->len + published->len >= FEW)
        return maildir_sync_all(d->pass->maildir, err);
    struct maildir_delivery *files[FEW];
    for (size_t i = 0; i < filling->len; i++)
        files[i] = filling->items[i].delivery;
    int r = maildir_deliveries_sync(files, filling->len, err);
    const char *last = NULL;
    for (size_t i = 0; i < published->len && r == 0; i++) {
        const char *path = published->items[i].pair->record.path.ptr;
        if (path != last)
            r = maildir_sync_folder(d->pass->maildir, path, err);
        last = path;
    }
    return r;
}

/* Records of `published`, intents of `filling`, in one commit. */
static int record(struct deliverer *d, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(d->pass->index, &txn, err);
    for (size_t i = 0; i < d->published.parcels.len && r == 0; i++) {
        const struct index_intent *intent = &d->published.parcels.items[i].intent;
        if ((r = index_message_put(txn, &intent->message, err)) == 0)
            r = index_intent_delete(txn, intent->id, err);
    }
    for (size_t i = 0; i < d->filling.parcels.len && r == 0; i++)
        r = index_intent_put(txn, &d->filling.parcels.items[i].intent, err);
    return r < 0 ? r : index_commit(&txn, err);
}

static int publish(struct deliverer *d, struct error *err)
{
    int r = d->filling.parcels.len > 0 ? pass_local_change(d->pass, err) : 0;
    for (size_t i = 0; i < d->filling.parcels.len && r == 0; i++) {
        struct parcel *p = &d->filling.parcels.items[i];
        const struct index_message *m = &p->intent.message;
        r = maildir_delivery_publish(p->delivery, m->base, m->flags.system, STR_EMPTY, err);
    }
    return r;
}

/* One turn: `published` is recorded, `filling` becomes `published`. */
static int turn(struct deliverer *d, struct error *err)
{
    d->broken = true;
    int r = flush(d, err);
    if (r < 0 || (r = record(d, err)) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    batch_clear(&d->published);
    if ((r = publish(d, err)) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    d->broken = false;
    struct batch emptied = d->published;
    d->published = d->filling;
    d->filling = emptied;
    assert(d->filling.parcels.len == 0);
    return 0;
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
    d->filling.bytes += delivered->stored_size;
    if (d->filling.parcels.len < BATCH_MESSAGES && d->filling.bytes < BATCH_BYTES)
        return 0;
    return turn(d, err);
}

int deliverer_finish(struct deliverer *d, struct error *err)
{
    int r = 0;
    if (d->broken)
        return 0;
    if (d->filling.parcels.len > 0)
        r = turn(d, err);
    if (r == 0 && d->published.parcels.len > 0)
        r = turn(d, err);
    return r;
}
