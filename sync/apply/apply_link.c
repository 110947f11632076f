#include "pass/event.h"
#include "apply/apply_place.h"

/*
 * A message that stands in several mailboxes is one file with several names: each further one is a
 * link, after an intent as for a delivery. Where there is no file to link to, or no links, it is
 * fetched.
 */

/* Fetched after all: in this pass where the downloads are still to come, else in the next. */
static void give_back(const struct move *move)
{
    apply_add_operation(move->to, &(struct operation){.kind = OP_DOWNLOAD,
                                                      .uid = move->to_uid,
                                                      .flags = move->flags,
                                                      .why = "cannot be linked"});
    move->to->pair->remote_blocked = true;
}

static int link_files(struct placer *p, struct error *err)
{
    for (size_t i = 0; i < p->len; i++) {
        struct placing *b = &p->batch[i];
        const struct maildir_name to = {.base = b->intent.message.base,
                                        .flags = b->intent.message.flags.system,
                                        .letters = b->letters};
        b->done = maildir_link(p->pass->maildir, p->from->pair->record.path.ptr, b->file,
                               p->to->pair->record.path.ptr, &to, err) == 0;
        if (!b->done)
            give_back(b->move);
        error_clear(err);
    }
    return maildir_sync_folder(p->pass->maildir, p->to->pair->record.path.ptr, err);
}

static int record_link(struct placer *p, struct index_txn *txn, const struct placing *b,
                       struct error *err)
{
    int r = index_message_put(txn, &b->intent.message, err);
    p->pass->report->messages.linked++;
    return r < 0 ? r
                 : event_note(p->pass, txn, p->to->pair, EVENT_LINKED, &b->intent.message,
                              "here already, in another mailbox", err);
}

/* The record of the file to link to, as it is by now. ERR_NOT_FOUND where it has none. */
static int read_source(struct placer *p, const struct move *move, struct index_message *out,
                       struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(p->pass->index, &txn, err);
    if (r == 0)
        r = index_message_get(txn, p->pass->arena, p->from->pair->record.id, move->from_uid, out,
                              err);
    if (r == 0 && out->state != MESSAGE_SYNCED)
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "the message has no file here");
    return r;
}

static int add_link(struct placer *p, const struct move *move, struct placing *b, struct error *err)
{
    struct index_message source;
    int r = read_source(p, move, &source, err);
    if (r == 0)
        r = file_finder_find(&p->finder, NULL, source.base, &b->file, err);
    if (r < 0 && err->code == ERR_NOT_FOUND) {
        error_clear(err);
        give_back(move);
        return 0;
    }
    b->intent.kind = INTENT_DELIVER;
    if (r == 0)
        r = place_describe(p, b, &source, STR_EMPTY, &move->flags, err);
    return r < 0 ? r : 1;
}

static const struct place_ops LINKS = {
    .kind = MOVE_LINK,
    .add = add_link,
    .place = link_files,
    .record = record_link,
};

/* To what is here before anything is moved or fetched. */
int apply_links(struct pass *pass, struct plan *plan, struct error *err)
{
    return apply_place(pass, plan, &LINKS, false, err);
}

/* To what this pass brought. */
int apply_late_links(struct pass *pass, struct plan *plan, struct error *err)
{
    return apply_place(pass, plan, &LINKS, true, err);
}
