#include "sync/apply.h"
#include "sync/keywords.h"

#include "sync/event.h"

#include <errno.h>

/*
 * What the server moved moves here: an intent for each file, the renames, a flush of both folders,
 * the records. The file gets a new base name in its new folder, so that nothing there can be in its
 * way, and so that an intent tells without doubt whether its rename happened.
 */
#define MOVE_BATCH 512

struct moving {
    const struct move *move;
    const struct maildir_file *file;
    struct index_intent intent;
    struct str letters;
    bool done;
};

struct local_mover {
    struct pass *pass;
    struct mailbox_plan *from, *to;
    struct file_finder finder;
    struct moving batch[MOVE_BATCH];
    size_t len;
};

static int put_intents(struct local_mover *lm, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(lm->pass->index, &txn, err);
    for (size_t i = 0; i < lm->len && r == 0; i++)
        r = index_intent_put(txn, &lm->batch[i].intent, err);
    return r < 0 ? r : index_commit(&txn, err);
}

/* Between file systems nothing can be renamed: the message is fetched there and removed here. */
static void give_back(const struct move *move)
{
    const struct operation download = {.kind = OP_DOWNLOAD,
                                       .uid = move->to_uid,
                                       .flags = move->flags,
                                       .why = "moved on the server to another file system"};
    const struct operation removal = {.kind = OP_DELETE_LOCAL,
                                      .uid = move->from_uid,
                                      .base = move->base,
                                      .file = move->file,
                                      .flags = move->base->flags,
                                      .has_copy = true,
                                      .why = download.why};
    apply_add_operation(move->to, &download);
    if (move->from_uid != 0)
        apply_add_operation(move->from, &removal);
}

static int move_files(struct local_mover *lm, struct error *err)
{
    for (size_t i = 0; i < lm->len; i++) {
        struct moving *b = &lm->batch[i];
        const struct index_message *m = &b->intent.message;
        uint8_t flags = (uint8_t)((b->file->parsed.flags & ~b->move->remove) | b->move->add);
        const struct maildir_name to = {.base = m->base, .flags = flags, .letters = b->letters};
        int r = maildir_move(lm->pass->maildir, lm->from->pair->record.path.ptr, b->file,
                             lm->to->pair->record.path.ptr, &to, err);
        b->done = r == 0;
        if (r < 0 && err->os_errno == EXDEV)
            give_back(b->move);
        else if (r < 0 && err->code == ERR_NOT_FOUND)
            apply_block(lm->from->pair, lm->to->pair);
        else if (r < 0)
            return r;
        error_clear(err);
    }
    int r = maildir_sync_folder(lm->pass->maildir, lm->to->pair->record.path.ptr, err);
    return r < 0 ? r : maildir_sync_folder(lm->pass->maildir, lm->from->pair->record.path.ptr, err);
}

static int record_moves(struct local_mover *lm, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(lm->pass->index, &txn, err);
    for (size_t i = 0; i < lm->len && r == 0; i++) {
        const struct moving *b = &lm->batch[i];
        const struct index_intent *intent = &b->intent;
        if (b->done)
            r = index_message_delete(txn, intent->from_mailbox, intent->from_uid, err);
        if (r == 0 && b->done && intent->from_uid == 0)
            r = apply_unhold(txn, lm->from->pair->record.id, HELD_UPLOAD, 0, b->file->parsed.base,
                             err);
        if (r == 0 && b->done)
            r = index_message_put(txn, &intent->message, err);
        if (r == 0 && b->done)
            r = event_note_move(lm->pass, txn, lm->from->pair, lm->to->pair, EVENT_MOVED_LOCAL,
                                &intent->message, b->file->parsed.base, "moved on the server", err);
        if (r == 0)
            r = index_intent_delete(txn, intent->id, err);
        lm->pass->report->messages.moved_local += b->done;
        lm->from->pair->changed_here = lm->from->pair->changed_here || b->done;
        lm->to->pair->changed_here = lm->to->pair->changed_here || b->done;
    }
    return r < 0 ? r : index_commit(&txn, err);
}

static int move_batch(struct local_mover *lm, struct error *err)
{
    int r = lm->len == 0 ? 0 : put_intents(lm, err);
    if (r == 0 && lm->len > 0 && (r = move_files(lm, err)) == 0)
        r = record_moves(lm, err);
    lm->len = 0;
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

static int add_move(struct local_mover *lm, const struct move *move, struct error *err)
{
    const struct maildir_file *file;
    struct pass *pass = lm->pass;
    int r = file_finder_find(&lm->finder, move->file, move->base->base, &file, err);
    if (r < 0 && err->code == ERR_NOT_FOUND) {
        error_clear(err);
        apply_block(lm->from->pair, lm->to->pair);
        return 0;
    }
    if (r < 0)
        return r;
    struct moving *b = &lm->batch[lm->len++];
    *b = (struct moving){.move = move, .file = file, .letters = file->parsed.letters};
    b->intent.kind = INTENT_MOVE_LOCAL;
    b->intent.uidvalidity = lm->to->pair->record.uidvalidity;
    b->intent.begun_ms = pass_now_ms(pass);
    b->intent.from_mailbox = move->base->mailbox;
    b->intent.from_uid = move->base->uid;
    b->intent.message = *move->base;
    b->intent.message.mailbox = lm->to->pair->record.id;
    b->intent.message.uid = move->to_uid;
    b->intent.message.modseq = 0;
    b->intent.message.flags = move->flags;
    b->intent.message.base =
        str_from(maildir_renewed_base(pass->maildir, pass->arena, file->parsed.base));
    r = keywords_letters_elsewhere(pass, lm->from->pair, lm->to->pair, file->parsed.letters,
                                   &move->file_keywords, pass->arena, &b->letters, err);
    if (r < 0) {
        lm->len--;
        return r;
    }
    return lm->len == MOVE_BATCH ? move_batch(lm, err) : 0;
}

static int move_group(struct pass *pass, const struct move_group *group, struct error *err)
{
    struct local_mover *lm = xcalloc(1, sizeof *lm);
    lm->pass = pass;
    lm->from = group->items[0].from;
    lm->to = group->items[0].to;
    lm->finder = (struct file_finder){.pass = pass, .pair = lm->from->pair};
    int r = pass_local_change(pass, err);
    for (size_t i = 0; i < group->len && r == 0; i++) {
        r = pass_check_cancelled(pass, err);
        if (r == 0)
            r = add_move(lm, &group->items[i], err);
    }
    if (r == 0)
        r = move_batch(lm, err);
    file_finder_free(&lm->finder);
    xfree(&lm);
    return r;
}

int apply_moves_local(struct pass *pass, struct plan *plan, struct error *err)
{
    struct move_group group = {0};
    while (apply_next_group(plan, MOVE_LOCAL, &group)) {
        if (!apply_can_move(group.items) || move_group(pass, &group, err) == 0)
            continue;
        apply_block(group.items[0].from->pair, group.items[0].to->pair);
        int r = pass_absorb(pass, group.items[0].to->pair, err);
        if (r < 0)
            return r;
    }
    return 0;
}
