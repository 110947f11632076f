#include "apply/upload.h"

#include "pass/held.h"
#include "pass/keywords.h"

#include <inttypes.h>
#include <stdio.h>

void upload_free(struct upload *up)
{
    maildir_message_free(&up->message);
    xfree(&up);
}

static ssize_t read_message(void *self, void *out, size_t size, struct error *err)
{
    return maildir_message_read(self, out, size, err);
}

int upload_hold(struct uploader *u, const struct operation *op, bool at_once, const char *reason,
                struct error *err)
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
    return upload_hold(u, op, false, reason, err);
}

int upload_add(struct uploader *u, const struct operation *op, struct error *err)
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
                           : upload_hold(u, op, true, "the file is empty", err);
        }
        vec_push(&u->filling, up);
        u->filling_bytes += up->intent.message.wire_size;
        return 0;
    }
    upload_free(up);
    struct error reason = *err;
    error_clear(err);
    if (reason.code != ERR_NOT_FOUND && reason.code != ERR_CHANGED)
        return upload_hold(u, op, false, reason.text, err);
    u->pair->local_blocked = true;
    return 0;
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

int upload_send(struct uploader *u, struct upload *up, struct error *err)
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

bool upload_is_answered(const struct upload *up)
{
    return !up->begun || up->handle.op.result != STATUS_NONE;
}

int upload_end(struct uploader *u, struct upload *up, struct error *err)
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
