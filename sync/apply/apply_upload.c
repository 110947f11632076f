#include "apply/apply.h"

#include "pass/held.h"
#include "apply/upload.h"

#include <stdio.h>

/*
 * The messages of a batch are opened, their intents committed, their APPENDs sent one behind the
 * other; the next batch follows at once. Answers are taken as they come, and waited for only when
 * too many are owed or nothing is left to send. An answer that never comes leaves its intent open:
 * recovery looks for the message before anything is sent again (law 2).
 */
#define BATCH_MESSAGES 64
#define BATCH_BYTES (32u * 1024 * 1024)
#define FLYING_MAX 1024

static void uploads_clear(struct upload_vec *uploads)
{
    VEC_FOREACH (struct upload *, up, uploads) {
        upload_free(*up);
    }
    vec_clear(uploads);
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

/* Everything filled is under way afterwards; a broken connection leaves the rest unsent. */
static int send_filled(struct uploader *u, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < u->filling.len; i++) {
        struct upload *up = u->filling.items[i];
        up->outcome = UPLOAD_NOT_SENT;
        if (r == 0)
            r = upload_send(u, up, err);
        vec_push(&u->flying, up);
    }
    vec_clear(&u->filling);
    u->filling_bytes = 0;
    return r;
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
        return upload_hold(u, up->op, true, reason, err);
    }
    return 0;
}

static bool is_due(const struct uploader *u, size_t at, size_t most)
{
    return at < u->flying.len &&
           (u->flying.len - at > most || upload_is_answered(u->flying.items[at]));
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
        int e = upload_end(u, u->flying.items[len++], &end_error);
        if (e < 0 && wire == 0) {
            wire = e;
            wire_error = end_error;
        }
    }
    if (wire < 0 && held_is_suspect(&wire_error))
        r = suspect_first_unanswered(u, &wire_error, err);
    if (r == 0 && len > 0)
        r = upload_settle(u, len, err);
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

static int send_all(struct uploader *u, const struct operation_vec *ops, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < ops->len && r == 0 && !error_is_set(&u->vanished); i++) {
        r = pass_check_cancelled(u->pass, err);
        if (r == 0)
            r = upload_add(u, &ops->items[i], err);
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
        r = upload_locate(u, err);
    if (r == 0 && u->again.len > 0)
        r = send_bare(u, err);
    if (r == 0)
        r = upload_locate(u, err);
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
