#include "sync/apply.h"
#include "sync/keywords.h"

#include "sync/event.h"

/*
 * A message that stands in several mailboxes is one file with several names: each further one is a
 * link, after an intent as for a delivery. Where there is no file to link to, or no links, it is
 * fetched.
 */
#define LINK_BATCH 512

struct linking {
    const struct move *move;
    struct index_intent intent;
    const struct maildir_file *file;
    struct str letters;
    bool done;
};

struct linker {
    struct pass *pass;
    struct mailbox_plan *from, *to;
    struct file_finder finder;
    struct linking batch[LINK_BATCH];
    size_t len;
};

/* Fetched after all: in this pass where the downloads are still to come, else in the next. */
static void give_back(const struct move *move)
{
    apply_add_operation(move->to, &(struct operation){.kind = OP_DOWNLOAD,
                                                      .uid = move->to_uid,
                                                      .flags = move->flags,
                                                      .why = "cannot be linked"});
    move->to->pair->remote_blocked = true;
}

static int put_intents(struct linker *ln, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(ln->pass->index, &txn, err);
    for (size_t i = 0; i < ln->len && r == 0; i++)
        r = index_intent_put(txn, &ln->batch[i].intent, err);
    return r < 0 ? r : index_commit(&txn, err);
}

static int link_files(struct linker *ln, struct error *err)
{
    for (size_t i = 0; i < ln->len; i++) {
        struct linking *b = &ln->batch[i];
        const struct maildir_name to = {.base = b->intent.message.base,
                                        .flags = b->intent.message.flags.system,
                                        .letters = b->letters};
        b->done = maildir_link(ln->pass->maildir, ln->from->pair->record.path.ptr, b->file,
                               ln->to->pair->record.path.ptr, &to, err) == 0;
        if (!b->done)
            give_back(b->move);
        error_clear(err);
    }
    return maildir_sync_folder(ln->pass->maildir, ln->to->pair->record.path.ptr, err);
}

static int record_links(struct linker *ln, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(ln->pass->index, &txn, err);
    for (size_t i = 0; i < ln->len && r == 0; i++) {
        const struct linking *b = &ln->batch[i];
        if (b->done)
            r = index_message_put(txn, &b->intent.message, err);
        if (r == 0 && b->done)
            r = event_note(ln->pass, txn, ln->to->pair, EVENT_LINKED, &b->intent.message,
                           "here already, in another mailbox", err);
        if (r == 0)
            r = index_intent_delete(txn, b->intent.id, err);
        ln->pass->report->messages.linked += b->done;
    }
    return r < 0 ? r : index_commit(&txn, err);
}

static int link_batch(struct linker *ln, struct error *err)
{
    int r = ln->len == 0 ? 0 : put_intents(ln, err);
    if (r == 0 && ln->len > 0 && (r = link_files(ln, err)) == 0)
        r = record_links(ln, err);
    ln->len = 0;
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* The record of the file to link to, as it is by now. ERR_NOT_FOUND where it has none. */
static int read_source(struct linker *ln, const struct move *move, struct index_message *out,
                       struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(ln->pass->index, &txn, err);
    if (r == 0)
        r = index_message_get(txn, ln->pass->arena, ln->from->pair->record.id, move->from_uid, out,
                              err);
    if (r == 0 && out->state != MESSAGE_SYNCED)
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "the message has no file here");
    return r;
}

static int add_link(struct linker *ln, const struct move *move, struct error *err)
{
    struct index_message source;
    struct pass *pass = ln->pass;
    struct linking *b = &ln->batch[ln->len];
    *b = (struct linking){.move = move};
    int r = read_source(ln, move, &source, err);
    if (r == 0)
        r = file_finder_find(&ln->finder, NULL, source.base, &b->file, err);
    if (r < 0 && err->code != ERR_NOT_FOUND)
        return r;
    if (r < 0) {
        error_clear(err);
        give_back(move);
        return 0;
    }
    b->intent.kind = INTENT_DELIVER;
    b->intent.uidvalidity = ln->to->pair->record.uidvalidity;
    b->intent.begun_ms = pass_now_ms(pass);
    b->intent.message = source;
    b->intent.message.mailbox = ln->to->pair->record.id;
    b->intent.message.uid = move->to_uid;
    b->intent.message.modseq = 0;
    b->intent.message.flags = move->flags;
    b->intent.message.base =
        str_from(maildir_renewed_base(pass->maildir, pass->arena, source.base));
    r = keywords_letters_elsewhere(pass, ln->from->pair, ln->to->pair, STR_EMPTY, &move->flags,
                                   pass->arena, &b->letters, err);
    if (r < 0)
        return r;
    return ++ln->len == LINK_BATCH ? link_batch(ln, err) : 0;
}

static int link_group(struct pass *pass, const struct move_group *group, bool late,
                      struct error *err)
{
    struct linker *ln = xcalloc(1, sizeof *ln);
    ln->pass = pass;
    ln->from = group->items[0].from;
    ln->to = group->items[0].to;
    ln->finder = (struct file_finder){.pass = pass, .pair = ln->from->pair};
    int r = pass_local_change(pass, err);
    for (size_t i = 0; i < group->len && r == 0; i++) {
        const struct move *move = &group->items[i];
        if ((move->base == NULL) != late)
            continue;
        r = pass_check_cancelled(pass, err);
        if (r == 0)
            r = add_link(ln, move, err);
    }
    if (r == 0)
        r = link_batch(ln, err);
    file_finder_free(&ln->finder);
    xfree(&ln);
    return r;
}

static int link_all(struct pass *pass, struct plan *plan, bool late, struct error *err)
{
    struct move_group group = {0};
    while (apply_next_group(plan, MOVE_LINK, &group)) {
        if (!apply_can_move(group.items) || link_group(pass, &group, late, err) == 0)
            continue;
        apply_block(group.items[0].from->pair, group.items[0].to->pair);
        int r = pass_absorb(pass, group.items[0].to->pair, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* To what is here before anything is moved or fetched. */
int apply_links(struct pass *pass, struct plan *plan, struct error *err)
{
    return link_all(pass, plan, false, err);
}

/* To what this pass brought. */
int apply_late_links(struct pass *pass, struct plan *plan, struct error *err)
{
    return link_all(pass, plan, true, err);
}
