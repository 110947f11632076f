#include "account/verify.h"

#include "store/index.h"
#include "store/maildir.h"

struct verifier {
    struct index *index;
    struct maildir *maildir;
    const struct target *target;
    const struct verify_sink *sink;
    uint64_t checked;
};

/* In both forms of law 5. */
static int compare(struct verifier *v, const struct index_mailbox *mailbox,
                   const struct index_message *record, const struct maildir_file *file,
                   struct error *err)
{
    struct maildir_message *message = NULL;
    struct digest header, body;
    if (digest_is_none(&record->header_digest))
        return 0;
    int r = maildir_message_open(v->maildir, mailbox->path.ptr, file, &message, err);
    if (r == 0) {
        maildir_message_digests(message, &header, &body);
        if (record->raw)
            r = maildir_message_stored_digests(message, &header, &body, err);
    }
    if (r == 0 &&
        (!digest_eq(&header, &record->header_digest) || !digest_eq(&body, &record->body_digest)))
        v->sink->difference(v->sink->self, mailbox->utf8, record->uid, record->base,
                            "the file is not what was synced");
    maildir_message_free(&message);
    v->checked++;
    if (r == 0 || err->code == ERR_NOT_FOUND || err->code == ERR_CHANGED) {
        error_clear(err);
        return 0;
    }
    if (err->scope > SCOPE_MAILBOX)
        return r;
    v->sink->difference(v->sink->self, mailbox->utf8, record->uid, record->base,
                        "the file cannot be read");
    error_clear(err);
    return 0;
}

static int verify_mailbox(struct verifier *v, struct index_txn *txn,
                          const struct index_mailbox *mailbox, struct error *err)
{
    struct maildir_snapshot snapshot = {0};
    int r = maildir_scan(v->maildir, mailbox->path.ptr, &snapshot, err);
    if (r < 0 && err->code == ERR_NOT_FOUND) {
        error_clear(err);
        return 0;
    }
    struct index_message record;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    if (r == 0)
        r = index_cursor_open(txn, mailbox->id, 1, &cursor, err);
    while (r >= 0 && (r = index_cursor_next(cursor, &record, err)) > 0) {
        const struct maildir_file *file =
            record.base.len > 0 ? maildir_snapshot_find(&snapshot, record.base) : NULL;
        if (file != NULL)
            r = compare(v, mailbox, &record, file, err);
    }
    maildir_snapshot_free(&snapshot);
    return r;
}

static int verify_all(struct verifier *v, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_mailbox mailbox;
    uint32_t cursor = 0;
    int r = index_begin_read(v->index, &txn, err);
    while (r >= 0 && (r = index_mailbox_next(txn, arena, &cursor, &mailbox, err)) > 0) {
        if (target_matches(v->target, mailbox.utf8))
            r = verify_mailbox(v, txn, &mailbox, err);
    }
    return r;
}

int verify_files(const struct config *config, const struct target *target,
                 const struct verify_sink *sink, uint64_t *checked_out, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *dir = config_state_dir(config, target->account, arena);
    struct verifier v = {.target = target, .sink = sink};
    enum index_opened opened;
    *checked_out = 0;
    if (!index_exists(dir))
        return 0;
    int r = index_open(dir, &v.index, &opened, err);
    if (r < 0)
        return r;
    v.maildir = maildir_new(&target->account->maildir);
    r = verify_all(&v, err);
    *checked_out = v.checked;
    maildir_free(&v.maildir);
    index_close(&v.index);
    return r;
}
