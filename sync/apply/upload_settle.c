#include "apply/upload.h"

#include "pass/event.h"
#include "pass/held.h"

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
        return upload_hold(u, up->op, false, up->refusal.text, err);
    if (!may_be_done(up))
        vec_push(&u->again, up->op);
    return 0;
}

/* Commits what became of the oldest `len`, and lets go of them. */
int upload_settle(struct uploader *u, size_t len, struct error *err)
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

static int settle_unfound(struct uploader *u, struct index_txn *txn, size_t at, struct error *err)
{
    const struct unfound *un = &u->unfound.items[at];
    u->pair->local_blocked = true;
    if (un->keywords != NULL)
        vec_push(&u->again, un->keywords);
    return un->refused ? index_intent_delete(txn, u->unknown.items[at].intent.id, err) : 0;
}

/* Stored, but the server told no UID, or refused: they are found by looking. */
int upload_locate(struct uploader *u, struct error *err)
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
