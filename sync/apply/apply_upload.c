#include "apply/apply.h"

#include "pass/event.h"
#include "pass/held.h"
#include "pass/keywords.h"
#include "survey/locate.h"
#include "apply/appended.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * The messages of a batch are opened, their intents committed, their APPENDs sent one behind the
 * other; the next batch follows at once. Answers are taken as they come, and waited for only when
 * too many are owed or nothing is left to send. An answer that never comes leaves its intent open:
 * recovery looks for the message before anything is sent again (law 2).
 *
 * What the server refuses is held with its words. Where keywords may be the reason, the message is
 * sent once more without them; the next pass finds the file's keywords new and stores them apart.
 * Before anything refused is sent again it is looked for, too: some servers say NO to what they
 * did.
 */
#define BATCH_MESSAGES 64
#define BATCH_BYTES (32u * 1024 * 1024)
#define FLYING_MAX 1024

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
    bool with_keywords;
    enum upload_outcome outcome;
    struct error refusal;
};

VEC_STRUCT(upload_vec, struct upload *);

/* What becomes of an upload that is not found by looking. */
struct unfound {
    bool refused;                     /* it did not happen; else its intent stays, for recovery */
    const struct operation *keywords; /* refused, maybe for its keywords: to be sent without */
};

struct uploader {
    struct pass *pass;
    struct mailbox_pair *pair;
    struct upload_vec filling; /* opened, not yet sent */
    uint64_t filling_bytes;
    struct upload_vec flying;            /* sent; the oldest first */
    VEC(struct lost_append) unknown;     /* to be looked for: refused, or the server told no UID */
    VEC(struct unfound) unfound;         /* of each of them */
    VEC(const struct operation *) again; /* refused, maybe for their keywords */
    bool bare;                           /* sending without keywords */
    uint64_t limit;                      /* APPENDLIMIT of the mailbox; 0: none told */
    struct appended_vec stored;          /* in this mailbox, with flags */
    struct seqset told;                  /* UIDs that answers told in this mailbox */
    struct error vanished;               /* the mailbox is no longer there */
    uint64_t done, total;
};

static void upload_free(struct upload *up)
{
    maildir_message_free(&up->message);
    xfree(&up);
}

static void uploads_clear(struct upload_vec *uploads)
{
    VEC_FOREACH (struct upload *, up, uploads) {
        upload_free(*up);
    }
    vec_clear(uploads);
}

static ssize_t read_message(void *self, void *out, size_t size, struct error *err)
{
    return maildir_message_read(self, out, size, err);
}

static int hold_upload(struct uploader *u, const struct operation *op, bool at_once,
                       const char *reason, struct error *err)
{
    u->pair->local_blocked = true;
    const struct index_held what = {
        .kind = HELD_UPLOAD, .base = op->file->parsed.base, .reason = str_from(reason)};
    return held_add(u->pass, u->pair, &what, at_once, err);
}

/* What is about to be sent, for the index. */
static void describe(const struct uploader *u, struct upload *up)
{
    struct index_message *m = &up->intent.message;
    up->source = (struct append_source){read_message, up->message};
    up->intent.kind = INTENT_APPEND;
    up->intent.uidvalidity = u->pair->record.uidvalidity;
    up->intent.uidnext = u->pair->remote.uidnext;
    up->intent.begun_ms = pass_now_ms(u->pass);
    m->mailbox = u->pair->record.id;
    m->state = MESSAGE_SYNCED;
    m->base = up->op->file->parsed.base;
    m->flags = up->op->flags;
    m->wire_size = maildir_message_wire_size(up->message);
    m->internal_date_s = maildir_message_mtime_s(up->message);
    maildir_message_digests(up->message, &m->header_digest, &m->body_digest);
    if (u->bare) {
        m->flags = (struct index_flags){.system = m->flags.system & (uint8_t)~MAILDIR_PASSED};
        u->pair->local_blocked = true;
    }
}

/* Not even sent. */
static int hold_too_big(struct uploader *u, const struct operation *op, uint64_t size,
                        struct error *err)
{
    char reason[160];
    snprintf(reason, sizeof reason,
             "the message has %" PRIu64 " bytes, and the server takes %" PRIu64
             " at most in this mailbox",
             size, u->limit);
    return hold_upload(u, op, false, reason, err);
}

static int add_upload(struct uploader *u, const struct operation *op, struct error *err)
{
    struct upload *up = xcalloc(1, sizeof *up);
    up->op = op;
    int r = maildir_message_open(u->pass->maildir, u->pair->record.path.ptr, op->file, &up->message,
                                 err);
    if (r == 0) {
        describe(u, up);
        uint64_t size = up->intent.message.wire_size;
        bool too_big = u->limit != 0 && size > u->limit;
        if (too_big || size == 0) {
            upload_free(up);
            return too_big ? hold_too_big(u, op, size, err)
                           : hold_upload(u, op, true, "the file is empty", err);
        }
        vec_push(&u->filling, up);
        u->filling_bytes += up->intent.message.wire_size;
        return 0;
    }
    upload_free(up);
    struct error reason = *err;
    error_clear(err);
    if (reason.code != ERR_NOT_FOUND && reason.code != ERR_CHANGED)
        return hold_upload(u, op, false, reason.text, err);
    u->pair->local_blocked = true;
    return 0;
}

static int put_append_intents(struct uploader *u, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(u->pass->index, &txn, err);
    for (size_t i = 0; i < u->filling.len && r == 0; i++) {
        /* The file of a message that is gone gets a record of its own: the old one lets go of it.
         */
        const struct index_message *gone = u->filling.items[i]->op->base;
        if (gone != NULL)
            r = index_message_delete(txn, u->pair->record.id, gone->uid, err);
        if (r == 0)
            r = index_intent_put(txn, &u->filling.items[i]->intent, err);
    }
    return r < 0 ? r : index_commit(&txn, err);
}

/* A mailbox that went since the survey is not made again here: the next pass sees whether it was
 * removed or renamed, and what becomes of the files. */
static void note_refusal(struct uploader *u, struct upload *up, const struct error *error)
{
    up->refusal = *error;
    if (strcmp(error->response_code, "TRYCREATE") == 0) {
        up->outcome = UPLOAD_NOT_SENT;
        u->vanished = *error;
    } else if (error->scope <= SCOPE_MAILBOX)
        up->outcome = UPLOAD_REFUSED;
    else
        up->outcome = up->handle.sent_whole ? UPLOAD_UNKNOWN : UPLOAD_NOT_SENT;
}

static int send_one(struct uploader *u, struct upload *up, struct error *err)
{
    struct append_params params = {.has_date = true,
                                   .date = {.unix_s = up->intent.message.internal_date_s}};
    keywords_imap_flags(u->pass, u->pair, &up->intent.message.flags, u->pass->arena, &params.flags);
    up->with_keywords = params.flags.keywords_len > 0;
    struct error begin_error = ERROR_INIT;
    int r = client_append_begin(u->pass->client, &up->handle, u->pair->record.name, &params,
                                up->intent.message.wire_size, &up->source, u->pass->arena,
                                &begin_error);
    up->begun = r == 0;
    maildir_message_free(&up->message);
    if (r == 0)
        return 0;
    note_refusal(u, up, &begin_error);
    if (begin_error.scope <= SCOPE_MAILBOX)
        return 0;
    *err = begin_error;
    return r;
}

/* Everything filled is under way afterwards; a broken connection leaves the rest unsent. */
static int send_filled(struct uploader *u, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < u->filling.len; i++) {
        struct upload *up = u->filling.items[i];
        up->outcome = UPLOAD_NOT_SENT;
        if (r == 0)
            r = send_one(u, up, err);
        vec_push(&u->flying, up);
    }
    vec_clear(&u->filling);
    u->filling_bytes = 0;
    return r;
}

/* Whether the file can be that of a record that has none here. */
static bool agrees(const struct index_message *record, const struct index_message *sent)
{
    bool fits = digest_is_none(&record->header_digest) ||
                (digest_eq(&record->header_digest, &sent->header_digest) &&
                 digest_eq(&record->body_digest, &sent->body_digest));
    return fits && (record->state == MESSAGE_DELETED_HERE || record->state == MESSAGE_SKIPPED);
}

/* Gmail keeps one message of a Message-ID in a mailbox, with the date that it came with first, and
 * tells its UID. Where it has no file here, it has one now; how their flags differ is seen by the
 * next pass. Else the file stays apart, since it may not be the same message. */
static void take_known(struct uploader *u, struct upload *up, const struct index_message *record)
{
    struct index_message *sent = &up->intent.message;
    if (agrees(record, sent)) {
        sent->uid = record->uid;
        sent->flags = record->flags;
        sent->email_id = record->email_id;
        u->pair->local_blocked = true;
        up->outcome = UPLOAD_STORED;
        return;
    }
    error_set(&up->refusal, ERR_NO, SCOPE_MESSAGE,
              "the server says that it has this message already, as UID %u, whose file is another "
              "one",
              record->uid);
    up->outcome = UPLOAD_REFUSED;
}

/* Whether the plan is about to fetch it. */
static bool is_to_come(const struct uploader *u, uint32_t uid)
{
    const struct remote_delta *remote = &u->pair->remote;
    return seqset_contains(&remote->plain, uid) || remote_find(&remote->fresh, uid) != NULL;
}

static void take_answer(struct uploader *u, struct upload *up)
{
    uint32_t uid = up->handle.uid;
    up->outcome = UPLOAD_UNKNOWN;
    if (uid == 0 || up->handle.uidvalidity != u->pair->record.uidvalidity)
        return;
    AUTO_TXN struct index_txn *txn = NULL;
    struct error ignored = ERROR_INIT;
    struct index_message record = {.uid = uid};
    bool known =
        index_begin_read(u->pass->index, &txn, &ignored) == 0 &&
        index_message_get(txn, u->pass->arena, u->pair->record.id, uid, &record, &ignored) == 0;
    if (known || seqset_contains(&u->told, uid) || is_to_come(u, uid)) {
        take_known(u, up, &record);
    } else {
        up->intent.message.uid = uid;
        up->outcome = UPLOAD_STORED;
    }
    seqset_add(&u->told, uid);
}

static bool is_answered(const struct upload *up)
{
    return !up->begun || up->handle.op.result != STATUS_NONE;
}

static int end_one(struct uploader *u, struct upload *up, struct error *err)
{
    struct error end_error = ERROR_INIT;
    if (!up->begun)
        return 0;
    int r = client_append_end(u->pass->client, &up->handle, &end_error);
    if (r == 0)
        take_answer(u, up);
    else
        note_refusal(u, up, &end_error);
    if (up->outcome == UPLOAD_STORED)
        pass_progress(u->pass, PROGRESS_UPLOAD, u->pair, ++u->done, u->total);
    if (r == 0 || end_error.scope <= SCOPE_MAILBOX)
        return 0;
    *err = end_error;
    return r;
}

static int record_stored(struct uploader *u, struct index_txn *txn,
                         const struct index_intent *intent, struct error *err)
{
    const struct index_message *m = &intent->message;
    int r = index_message_put(txn, m, err);
    if (r == 0)
        r = event_note(u->pass, txn, u->pair, EVENT_UPLOADED, m, "new here", err);
    if (r == 0)
        r = held_drop_upload(txn, m->mailbox, m->base, err);
    if (m->flags.system != 0 || m->flags.keywords_len > 0)
        vec_push(&u->stored, ((struct appended){m->uid, m->flags}));
    u->pass->report->messages.uploaded++;
    u->pass->progress.bytes += m->wire_size;
    return r < 0 ? r : index_intent_delete(txn, intent->id, err);
}

/* RFC 5530: LIMIT may be that of keywords. */
static bool may_be_keywords(const struct uploader *u, const struct upload *up)
{
    const char *code = up->refusal.response_code;
    return up->outcome == UPLOAD_REFUSED && !u->bare && up->with_keywords &&
           (code[0] == '\0' || strcmp(code, "CANNOT") == 0 || strcmp(code, "LIMIT") == 0);
}

/* RFC 9051 section 6.3.12 has it that nothing is kept then. */
static bool may_be_done(const struct upload *up)
{
    return up->outcome == UPLOAD_REFUSED && up->handle.sent_whole &&
           up->handle.op.result != STATUS_OK;
}

static void look_for(struct uploader *u, const struct upload *up)
{
    vec_push(&u->unknown, ((struct lost_append){.intent = up->intent}));
    vec_push(&u->unfound, ((struct unfound){up->outcome == UPLOAD_REFUSED,
                                            may_be_keywords(u, up) ? up->op : NULL}));
}

static int settle_one(struct uploader *u, struct index_txn *txn, const struct upload *up,
                      struct error *err)
{
    if (up->outcome == UPLOAD_STORED)
        return record_stored(u, txn, &up->intent, err);
    if (up->outcome == UPLOAD_UNKNOWN || may_be_done(up)) {
        look_for(u, up);
        return 0;
    }
    return index_intent_delete(txn, up->intent.id, err);
}

static int keep_refused(struct uploader *u, const struct upload *up, struct error *err)
{
    if (!may_be_keywords(u, up))
        return hold_upload(u, up->op, false, up->refusal.text, err);
    if (!may_be_done(up))
        vec_push(&u->again, up->op);
    return 0;
}

/* Commits what became of the oldest `len`, and lets go of them. */
static int settle(struct uploader *u, size_t len, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(u->pass->index, &txn, err);
    for (size_t i = 0; i < len && r == 0; i++)
        r = settle_one(u, txn, u->flying.items[i], err);
    if (r == 0)
        r = index_commit(&txn, err);
    for (size_t i = 0; i < len; i++) {
        struct upload *up = u->flying.items[i];
        if (r == 0 && up->outcome == UPLOAD_REFUSED)
            r = keep_refused(u, up, err);
        if (up->outcome == UPLOAD_NOT_SENT)
            u->pair->local_blocked = true;
        upload_free(up);
    }
    u->flying.len -= len;
    memmove(u->flying.items, u->flying.items + len, u->flying.len * sizeof *u->flying.items);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* The first upload without an answer may be what the server broke off for: were it sent first again
 * and again, nothing behind it would ever go (law 7). */
static int suspect_first_unanswered(struct uploader *u, const struct error *broken,
                                    struct error *err)
{
    for (size_t i = 0; i < u->flying.len; i++) {
        const struct upload *up = u->flying.items[i];
        if (up->outcome == UPLOAD_STORED || up->outcome == UPLOAD_REFUSED)
            continue;
        char reason[ERROR_TEXT_MAX + 64];
        snprintf(reason, sizeof reason, "the connection broke while it was sent: %s", broken->text);
        return hold_upload(u, up->op, true, reason, err);
    }
    return 0;
}

static bool is_due(const struct uploader *u, size_t at, size_t most)
{
    return at < u->flying.len && (u->flying.len - at > most || is_answered(u->flying.items[at]));
}

/* Ends the uploads that are answered, and waits for answers while more than `most` are under way.
 */
static int land(struct uploader *u, size_t most, struct error *err)
{
    struct error wire_error = ERROR_INIT;
    size_t len = 0;
    int wire = 0, r = 0;
    /* What was sent before is answered before. */
    if (is_due(u, 0, most))
        wire = apply_flags_settle(u->pass, &wire_error);
    while (is_due(u, len, most)) {
        struct error end_error = ERROR_INIT;
        int e = end_one(u, u->flying.items[len++], &end_error);
        if (e < 0 && wire == 0) {
            wire = e;
            wire_error = end_error;
        }
    }
    if (wire < 0 && held_is_suspect(&wire_error))
        r = suspect_first_unanswered(u, &wire_error, err);
    if (r == 0 && len > 0)
        r = settle(u, len, err);
    if (r == 0 && wire < 0) {
        *err = wire_error;
        r = wire;
    }
    return r;
}

static int launch(struct uploader *u, struct error *err)
{
    int r = u->filling.len == 0 ? 0 : put_append_intents(u, err);
    if (r == 0)
        r = send_filled(u, err);
    return r < 0 ? r : land(u, FLYING_MAX, err);
}

static int settle_unfound(struct uploader *u, struct index_txn *txn, size_t at, struct error *err)
{
    const struct unfound *un = &u->unfound.items[at];
    u->pair->local_blocked = true;
    if (un->keywords != NULL)
        vec_push(&u->again, un->keywords);
    return un->refused ? index_intent_delete(txn, u->unknown.items[at].intent.id, err) : 0;
}

/* Stored, but the server told no UID, or refused: they are found by looking. */
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
        r = lost->uid == 0 ? settle_unfound(u, txn, i, err)
                           : record_stored(u, txn, &lost->intent, err);
    }
    vec_clear(&u->unknown);
    vec_clear(&u->unfound);
    return r < 0 ? r : index_commit(&txn, err);
}

static int send_all(struct uploader *u, const struct operation_vec *ops, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < ops->len && r == 0 && !error_is_set(&u->vanished); i++) {
        r = pass_check_cancelled(u->pass, err);
        if (r == 0)
            r = add_upload(u, &ops->items[i], err);
        if (r == 0 && (u->filling.len == BATCH_MESSAGES || u->filling_bytes >= BATCH_BYTES))
            r = launch(u, err);
    }
    return r < 0 ? r : launch(u, err);
}

/* All are answered on return, but for a broken connection. */
static int send_and_land(struct uploader *u, const struct operation_vec *ops, struct error *err)
{
    struct error landing = ERROR_INIT;
    int r = send_all(u, ops, err);
    int landed = land(u, 0, &landing);
    if (r == 0 && landed < 0) {
        *err = landing;
        r = landed;
    }
    return r;
}

static int send_bare(struct uploader *u, struct error *err)
{
    struct operation_vec ops = {0};
    for (size_t i = 0; i < u->again.len; i++)
        vec_push(&ops, *u->again.items[i]);
    u->bare = true;
    int r = send_and_land(u, &ops, err);
    u->bare = false;
    /* What was under way has let go of these. */
    uploads_clear(&u->filling);
    uploads_clear(&u->flying);
    vec_free(&ops);
    return r;
}

/* A limit that CAPABILITY tells is known to the client; else each mailbox has its own (RFC 7889).
 */
static int learn_limit(struct uploader *u, struct error *err)
{
    struct client *c = u->pass->client;
    struct status_data status = {0};
    u->limit = 0;
    if (!client_has(c, CAP_APPENDLIMIT) || client_capabilities(c)->append_limit != 0)
        return 0;
    int r = apply_flags_settle(u->pass, err);
    if (r < 0)
        return r;
    r = client_status(c, u->pair->record.name, STATUS_APPENDLIMIT, u->pass->arena, &status, err);
    if (r == 0 && (status.have & STATUS_APPENDLIMIT))
        u->limit = status.append_limit;
    if (r < 0 && err->scope <= SCOPE_MAILBOX) {
        error_clear(err);
        r = 0;
    }
    return r;
}

static int upload_mailbox(struct mailbox_plan *plan, struct uploader *u, struct error *err)
{
    u->pair = plan->pair;
    int r = learn_limit(u, err);
    if (r == 0)
        r = send_and_land(u, &plan->ops[OP_UPLOAD], err);
    if (r == 0)
        r = locate_unknown(u, err);
    if (r == 0 && u->again.len > 0)
        r = send_bare(u, err);
    if (r == 0)
        r = locate_unknown(u, err);
    if (r == 0)
        r = appended_check(u->pass, u->pair, &u->stored, err);
    if (r == 0 && error_is_set(&u->vanished)) {
        *err = u->vanished;
        r = error_wrap(err, "the mailbox is gone from the server since this run began");
    }
    if (r < 0)
        u->pair->local_blocked = true;
    vec_clear(&u->unknown);
    vec_clear(&u->unfound);
    vec_clear(&u->again);
    vec_clear(&u->stored);
    uploads_clear(&u->filling);
    uploads_clear(&u->flying);
    seqset_free(&u->told);
    error_clear(&u->vanished);
    u->filling_bytes = 0;
    return r;
}

int apply_uploads(struct pass *pass, struct plan *plan, struct error *err)
{
    struct uploader u = {.pass = pass};
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        u.total += m->ops[OP_UPLOAD].len;
    }
    int r = 0;
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        if (r < 0 || m->ops[OP_UPLOAD].len == 0 || m->pair->action != PAIR_SYNC ||
            error_is_set(&m->pair->error))
            continue;
        if (upload_mailbox(m, &u, err) < 0)
            r = pass_absorb(pass, m->pair, err);
    }
    vec_free(&u.unknown);
    vec_free(&u.unfound);
    vec_free(&u.again);
    vec_free(&u.stored);
    vec_free(&u.filling);
    vec_free(&u.flying);
    return r;
}
