/* STATUS. */
#include "imap/mailbox_name.h"
#include "client/client_private.h"

static const struct {
    enum status_item item;
    enum capability needs;
} item_needs[] = {
    {STATUS_SIZE, CAP_STATUS_SIZE},
    {STATUS_HIGHESTMODSEQ, CAP_CONDSTORE},
    {STATUS_MAILBOXID, CAP_OBJECTID},
    {STATUS_APPENDLIMIT, CAP_APPENDLIMIT},
    {STATUS_DELETED_STORAGE, CAP_QUOTA_RES_STORAGE},
};

int status_require(struct client *c, struct client_op *op, unsigned items, struct error *err)
{
    if (items == 0) {
        return pipeline_refuse(op, err, "STATUS without an item");
    }
    if ((items & STATUS_DELETED) != 0 && !client_has(c, CAP_QUOTA_RES_MESSAGE) &&
        pipeline_require(c, op, CAP_IMAP4REV2, err) < 0) {
        return error_wrap(err, "STATUS of DELETED");
    }
    for (size_t i = 0; i < sizeof item_needs / sizeof item_needs[0]; i++) {
        if ((items & item_needs[i].item) != 0 &&
            pipeline_require(c, op, item_needs[i].needs, err) < 0) {
            return error_wrap(err, "STATUS");
        }
    }
    return 0;
}

static bool name_eq(struct str a, struct str b)
{
    return str_eq(a, b) || (mailbox_name_is_inbox(a) && mailbox_name_is_inbox(b));
}

bool status_take(struct client *c, const struct client_op *until, const struct status_data *told)
{
    for (struct client_op *op = c->first; op != until; op = op->next) {
        struct client_status *h = (struct client_status *)op;
        if (op->row->id == CMD_STATUS && name_eq(h->mailbox, told->mailbox)) {
            h->data = *told;
            h->data.mailbox = arena_str(op->arena, told->mailbox);
            h->data.mailboxid = arena_str(op->arena, told->mailboxid);
            h->maybe_notify = c->notifies;
            return true;
        }
    }
    return false;
}

int client_status_begin(struct client *c, struct client_status *h, struct str mailbox,
                        unsigned items, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    *h = (struct client_status){0};
    if (pipeline_open(c, &h->op, CMD_STATUS, &no_hooks, arena, err) < 0 ||
        status_require(c, &h->op, items, err) < 0) {
        return -(int)err->code;
    }
    h->mailbox = arena_str(arena, mailbox);
    writer_sp(&c->writer);
    writer_astring(&c->writer, mailbox);
    writer_sp(&c->writer);
    status_items_write(&c->writer, items);
    return pipeline_send(c, &h->op, err);
}

int client_status_end(struct client *c, struct client_status *h, struct status_data *out,
                      struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (pipeline_end(c, &h->op, err) < 0) {
        return -(int)err->code;
    }
    *out = h->data;
    return 0;
}

int client_status(struct client *c, struct str mailbox, unsigned items, struct arena *arena,
                  struct status_data *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_status h;
    if (client_status_begin(c, &h, mailbox, items, arena, err) < 0) {
        return -(int)err->code;
    }
    return client_status_end(c, &h, out, err);
}
