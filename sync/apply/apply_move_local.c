#include "pass/event.h"
#include "pass/held.h"
#include "apply/apply_place.h"

#include <errno.h>

/* What the server moved moves here, by a rename. */

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

static int move_files(struct placer *p, struct error *err)
{
    for (size_t i = 0; i < p->len; i++) {
        struct placing *b = &p->batch[i];
        const struct index_message *m = &b->intent.message;
        uint8_t flags = (uint8_t)((b->file->parsed.flags & ~b->move->remove) | b->move->add);
        const struct maildir_name to = {.base = m->base, .flags = flags, .letters = b->letters};
        int r = maildir_move(p->pass->maildir, p->from->pair->record.path.ptr, b->file,
                             p->to->pair->record.path.ptr, &to, err);
        b->done = r == 0;
        if (r < 0 && err->os_errno == EXDEV)
            give_back(b->move);
        else if (r < 0 && err->code == ERR_NOT_FOUND)
            apply_block_move(b->move);
        else if (r < 0)
            return r;
        error_clear(err);
    }
    int r = maildir_sync_folder(p->pass->maildir, p->to->pair->record.path.ptr, err);
    return r < 0 ? r : maildir_sync_folder(p->pass->maildir, p->from->pair->record.path.ptr, err);
}

static int record_move(struct placer *p, struct index_txn *txn, const struct placing *b,
                       struct error *err)
{
    const struct index_intent *intent = &b->intent;
    const struct event_way way = {p->from->pair, p->to->pair, b->file->parsed.base};
    int r = index_message_delete(txn, intent->from_mailbox, intent->from_uid, err);
    if (r == 0 && intent->from_uid == 0)
        r = held_drop_upload(txn, p->from->pair->record.id, b->file->parsed.base, err);
    if (r == 0)
        r = index_message_put(txn, &intent->message, err);
    if (r == 0)
        r = event_note_move(p->pass, txn, &way, EVENT_MOVED_LOCAL, &intent->message,
                            "moved on the server", err);
    p->pass->report->messages.moved_local++;
    p->from->pair->changed_here = p->to->pair->changed_here = true;
    return r;
}

static int add_move(struct placer *p, const struct move *move, struct placing *b, struct error *err)
{
    int r = file_finder_find(&p->finder, move->file, move->base->base, &b->file, err);
    if (r < 0 && err->code == ERR_NOT_FOUND) {
        error_clear(err);
        apply_block_move(move);
        return 0;
    }
    b->intent.kind = INTENT_MOVE_LOCAL;
    b->intent.from_mailbox = move->base->mailbox;
    b->intent.from_uid = move->base->uid;
    if (r == 0)
        r = place_describe(p, b, move->base, b->file->parsed.letters, &move->file_keywords, err);
    return r < 0 ? r : 1;
}

static const struct place_ops MOVES = {
    .kind = MOVE_LOCAL,
    .add = add_move,
    .place = move_files,
    .record = record_move,
};

int apply_moves_local(struct pass *pass, struct plan *plan, struct error *err)
{
    return apply_place(pass, plan, &MOVES, false, err);
}
