#include "sync/apply.h"

#include "sync/flags.h"
#include "sync/locate.h"

#include <stdio.h>

/*
 * In batches, two of them under way: the messages are opened, their intents committed, their
 * APPENDs sent one behind the other, and the outcomes committed. An answer that never comes leaves
 * the intent open; recovery looks for the message before anything is sent again (law 2).
 */
#define BATCH_MESSAGES 64
#define BATCH_BYTES (32u * 1024 * 1024)

enum upload_outcome {
    UPLOAD_UNKNOWN,  /* the answer did not come, or told no UID: to be looked for */
    UPLOAD_STORED,   /* uid is known */
    UPLOAD_REFUSED,  /* the server's NO or BAD: held */
    UPLOAD_NOT_SENT, /* did not happen */
};

struct upload {
    const struct operation *op;
    struct maildir_message *message;
    struct append_source source;
    struct index_intent intent;
    struct client_append handle;
    bool begun;
    enum upload_outcome outcome;
    struct error refusal;
};

struct batch {
    struct upload items[BATCH_MESSAGES];
    size_t len;
    uint64_t bytes;
};

struct uploader {
    struct pass *pass;
    struct mailbox_pair *pair;
    struct batch *filling;           /* being opened */
    struct batch *flying;            /* sent; its answers are read while the next one is sent */
    VEC(struct lost_append) unknown; /* stored, but the server told no UID */
    uint64_t done, total;
};

static ssize_t read_message(void *self, void *out, size_t size, struct error *err)
{
    return maildir_message_read(self, out, size, err);
}

static int hold_upload(struct uploader *u, const struct operation *op, bool at_once,
                       const char *reason, struct error *err)
{
    u->pair->local_blocked = true;
    return apply_hold(u->pass, u->pair, HELD_UPLOAD, 0, op->file->parsed.base, at_once, reason,
                      err);
}

/* Opens the file and writes down what is about to be sent. */
static int add_upload(struct uploader *u, const struct operation *op, struct error *err)
{
    struct upload *up = &u->filling->items[u->filling->len];
    *up = (struct upload){.op = op};
    int r = maildir_message_open(u->pass->maildir, u->pair->record.path.ptr, op->file, &up->message,
                                 err);
    if (r < 0 && (err->code == ERR_NOT_FOUND || err->code == ERR_CHANGED)) {
        u->pair->local_blocked = true;
        error_clear(err);
        return 0;
    }
    if (r < 0) {
        struct error reason = *err;
        error_clear(err);
        return hold_upload(u, op, false, reason.text, err);
    }
    struct index_message *m = &up->intent.message;
    up->source = (struct append_source){read_message, up->message};
    up->intent.kind = INTENT_APPEND;
    up->intent.uidvalidity = u->pair->record.uidvalidity;
    up->intent.uidnext = u->pair->remote.uidnext;
    up->intent.begun_ms = pass_now_ms(u->pass);
    m->mailbox = u->pair->record.id;
    m->state = MESSAGE_SYNCED;
    m->base = op->file->parsed.base;
    m->flags.system = op->file->parsed.flags;
    m->wire_size = maildir_message_wire_size(up->message);
    m->internal_date_s = maildir_message_mtime_s(up->message);
    maildir_message_digests(up->message, &m->header_digest, &m->body_digest);
    u->filling->len++;
    u->filling->bytes += m->wire_size;
    return 0;
}

static int put_append_intents(struct uploader *u, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(u->pass->index, &txn, err);
    for (size_t i = 0; i < u->filling->len && r == 0; i++) {
        /* The file of a message that is gone gets a record of its own: the old one lets go of it.
         */
        const struct index_message *gone = u->filling->items[i].op->base;
        if (gone != NULL)
            r = index_message_delete(txn, u->pair->record.id, gone->uid, err);
        if (r == 0)
            r = index_intent_put(txn, &u->filling->items[i].intent, err);
    }
    return r < 0 ? r : index_commit(&txn, err);
}

static void note_refusal(struct upload *up, const struct error *error)
{
    up->refusal = *error;
    if (error->scope <= SCOPE_MAILBOX)
        up->outcome = UPLOAD_REFUSED;
    else
        up->outcome = up->handle.sent_whole ? UPLOAD_UNKNOWN : UPLOAD_NOT_SENT;
}

/* Sends the whole batch; a broken connection leaves the rest unsent. */
static int send_batch(struct uploader *u, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < u->filling->len; i++) {
        struct upload *up = &u->filling->items[i];
        struct append_params params = {.has_date = true,
                                       .date = {.unix_s = up->intent.message.internal_date_s}};
        flags_to_imap(up->intent.message.flags.system & u->pair->remote.storable, u->pass->arena,
                      &params.flags);
        up->outcome = UPLOAD_NOT_SENT;
        if (r < 0)
            continue;
        struct error begin_error = ERROR_INIT;
        int b = client_append_begin(u->pass->client, &up->handle, u->pair->record.name, &params,
                                    up->intent.message.wire_size, &up->source, u->pass->arena,
                                    &begin_error);
        up->begun = b == 0;
        if (b < 0)
            note_refusal(up, &begin_error);
        if (b < 0 && begin_error.scope > SCOPE_MAILBOX) {
            *err = begin_error;
            r = b;
        }
    }
    return r;
}

static bool is_known_uid(struct uploader *u, uint32_t uid)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_message record;
    struct error ignored = ERROR_INIT;
    return index_begin_read(u->pass->index, &txn, &ignored) == 0 &&
           index_message_get(txn, arena, u->pair->record.id, uid, &record, &ignored) == 0;
}

static void take_answer(struct uploader *u, struct upload *up)
{
    up->outcome = UPLOAD_UNKNOWN;
    if (up->handle.uid == 0 || up->handle.uidvalidity != u->pair->record.uidvalidity)
        return;
    if (is_known_uid(u, up->handle.uid)) {
        struct error *e = &up->refusal;
        error_set(e, ERR_NO, SCOPE_MESSAGE,
                  "the server says that it has this message already, as UID %u", up->handle.uid);
        up->outcome = UPLOAD_REFUSED;
        return;
    }
    up->intent.message.uid = up->handle.uid;
    up->outcome = UPLOAD_STORED;
}

static int end_batch(struct uploader *u, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < u->flying->len; i++) {
        struct upload *up = &u->flying->items[i];
        if (!up->begun)
            continue;
        struct error end_error = ERROR_INIT;
        int e = client_append_end(u->pass->client, &up->handle, &end_error);
        up->begun = false;
        if (e == 0)
            take_answer(u, up);
        else
            note_refusal(up, &end_error);
        if (e < 0 && end_error.scope > SCOPE_MAILBOX && r == 0) {
            *err = end_error;
            r = e;
        }
        if (up->outcome == UPLOAD_STORED)
            pass_progress(u->pass, PROGRESS_UPLOAD, u->pair, ++u->done, u->total);
    }
    return r;
}

static int record_stored(struct uploader *u, struct index_txn *txn,
                         const struct index_intent *intent, struct error *err)
{
    const struct index_message *m = &intent->message;
    int r = index_message_put(txn, m, err);
    if (r == 0)
        r = apply_unhold(txn, m->mailbox, HELD_UPLOAD, 0, m->base, err);
    u->pass->report->messages.uploaded++;
    u->pass->progress.bytes += m->wire_size;
    return r < 0 ? r : index_intent_delete(txn, intent->id, err);
}

static int settle_one(struct uploader *u, struct index_txn *txn, const struct upload *up,
                      struct error *err)
{
    switch (up->outcome) {
    case UPLOAD_STORED:
        return record_stored(u, txn, &up->intent, err);
    case UPLOAD_UNKNOWN:
        vec_push(&u->unknown, ((struct lost_append){.intent = up->intent}));
        return 0;
    case UPLOAD_REFUSED:
    case UPLOAD_NOT_SENT:
        break;
    }
    return index_intent_delete(txn, up->intent.id, err);
}

static int settle_batch(struct uploader *u, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(u->pass->index, &txn, err);
    for (size_t i = 0; i < u->flying->len && r == 0; i++)
        r = settle_one(u, txn, &u->flying->items[i], err);
    if (r == 0)
        r = index_commit(&txn, err);
    for (size_t i = 0; i < u->flying->len && r == 0; i++) {
        const struct upload *up = &u->flying->items[i];
        if (up->outcome == UPLOAD_REFUSED)
            r = hold_upload(u, up->op, false, up->refusal.text, err);
        else if (up->outcome == UPLOAD_NOT_SENT)
            u->pair->local_blocked = true;
    }
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* The first upload without an answer may be what the server broke off for: were it sent first again
 * and again, nothing behind it would ever go (law 7). */
static int suspect_first_unanswered(struct uploader *u, const struct error *wire_error,
                                    struct error *err)
{
    for (size_t i = 0; i < u->flying->len; i++) {
        const struct upload *up = &u->flying->items[i];
        if (up->outcome == UPLOAD_STORED || up->outcome == UPLOAD_REFUSED)
            continue;
        char reason[ERROR_TEXT_MAX + 64];
        snprintf(reason, sizeof reason, "the connection broke while it was sent: %s",
                 wire_error->text);
        return hold_upload(u, up->op, true, reason, err);
    }
    return 0;
}

static void clear_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->len; i++)
        maildir_message_free(&batch->items[i].message);
    batch->len = 0;
    batch->bytes = 0;
}

/* Reads the answers of the batch under way and commits what they say. */
static int land(struct uploader *u, struct error *err)
{
    struct error wire_error = ERROR_INIT;
    if (u->flying->len == 0)
        return 0;
    int wire = end_batch(u, &wire_error);
    int r = settle_batch(u, err);
    if (r == 0 && wire < 0 && apply_is_broken(&wire_error))
        r = suspect_first_unanswered(u, &wire_error, err);
    if (r == 0 && wire < 0) {
        *err = wire_error;
        r = wire;
    }
    clear_batch(u->flying);
    return r;
}

/* Sends the filled batch, then lands the one before it: the connection is never idle between two.
 */
static int launch(struct uploader *u, struct error *err)
{
    struct error landing = ERROR_INIT;
    int r = u->filling->len == 0 ? 0 : put_append_intents(u, err);
    if (r < 0 || u->filling->len == 0)
        return r;
    int sent = send_batch(u, err);
    int landed = land(u, &landing);
    struct batch *landed_batch = u->flying;
    u->flying = u->filling;
    u->filling = landed_batch;
    if (sent < 0 || landed == 0)
        return sent;
    *err = landing;
    return landed;
}

/* Stored, but the server told no UID: they are found by looking. What a complete look does not find
 * is left to recovery. */
static int locate_unknown(struct uploader *u, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    if (u->unknown.len == 0)
        return 0;
    int r = locate_appended(u->pass, u->pair, u->unknown.items, u->unknown.len, err);
    if (r == 0)
        r = index_begin_write(u->pass->index, &txn, err);
    for (size_t i = 0; i < u->unknown.len && r == 0; i++) {
        struct lost_append *lost = &u->unknown.items[i];
        lost->intent.message.uid = lost->uid;
        if (lost->uid == 0)
            u->pair->local_blocked = true;
        else
            r = record_stored(u, txn, &lost->intent, err);
    }
    return r < 0 ? r : index_commit(&txn, err);
}

static int send_all(struct uploader *u, const struct operation_vec *ops, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        r = pass_check_cancelled(u->pass, err);
        if (r == 0)
            r = add_upload(u, &ops->items[i], err);
        if (r == 0 && (u->filling->len == BATCH_MESSAGES || u->filling->bytes >= BATCH_BYTES))
            r = launch(u, err);
    }
    return r < 0 ? r : launch(u, err);
}

static int upload_mailbox(struct pass *pass, struct mailbox_plan *plan, struct uploader *u,
                          struct error *err)
{
    struct error landing = ERROR_INIT;
    u->pair = plan->pair;
    int r = send_all(u, &plan->ops[OP_UPLOAD], err);
    int landed = land(u, &landing);
    if (r == 0 && landed < 0) {
        *err = landing;
        r = landed;
    }
    if (r == 0)
        r = locate_unknown(u, err);
    if (r < 0)
        u->pair->local_blocked = true;
    vec_clear(&u->unknown);
    clear_batch(u->filling);
    return r;
}

int apply_uploads(struct pass *pass, struct plan *plan, struct error *err)
{
    struct uploader u = {.pass = pass,
                         .filling = xcalloc(1, sizeof(struct batch)),
                         .flying = xcalloc(1, sizeof(struct batch))};
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        u.total += m->ops[OP_UPLOAD].len;
    }
    int r = 0;
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        if (r < 0 || m->ops[OP_UPLOAD].len == 0 || m->pair->action != PAIR_SYNC ||
            error_is_set(&m->pair->error))
            continue;
        if (upload_mailbox(pass, m, &u, err) < 0)
            r = pass_absorb(pass, m->pair, err);
    }
    vec_free(&u.unknown);
    xfree(&u.filling);
    xfree(&u.flying);
    return r;
}
