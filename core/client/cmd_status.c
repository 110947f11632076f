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
};

int status_require(struct client *c, struct client_op *op, unsigned items, struct error *err)
{
    if (items == 0) {
        op->row = NULL;
        return error_set(err, ERR_STATE, SCOPE_MAILBOX, "STATUS without an item");
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

/* Reads into the scratch arena first: whose answer it is stands in it. */
static bool status_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    if (!str_eq(head->name, STR("STATUS"))) {
        return false;
    }
    struct status_data told = {0};
    if (!reader_expect_sp(c->reader) || !status_data_read(c->reader, &told) ||
        !dispatch_line_end(c)) {
        return true;
    }
    for (; op != NULL; op = op->next) {
        struct client_status *h = (struct client_status *)op;
        if (op->row->id == CMD_STATUS && name_eq(h->mailbox, told.mailbox)) {
            h->data = told;
            h->data.mailbox = arena_str(op->arena, told.mailbox);
            h->data.mailboxid = arena_str(op->arena, told.mailboxid);
            return true;
        }
    }
    events_add(c, &(struct client_event){.kind = EVENT_STATUS}, told.mailbox);
    return true;
}

static const struct client_op_hooks status_hooks = {.data = status_data};

int client_status_begin(struct client *c, struct client_status *h, struct str mailbox,
                        unsigned items, struct arena *arena, struct error *err)
{
    *h = (struct client_status){0};
    if (pipeline_open(c, &h->op, CMD_STATUS, &status_hooks, arena, err) < 0 ||
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
    if (pipeline_end(c, &h->op, err) < 0) {
        return -(int)err->code;
    }
    *out = h->data;
    return 0;
}

int client_status(struct client *c, struct str mailbox, unsigned items, struct arena *arena,
                  struct status_data *out, struct error *err)
{
    struct client_status h;
    if (client_status_begin(c, &h, mailbox, items, arena, err) < 0) {
        return -(int)err->code;
    }
    return client_status_end(c, &h, out, err);
}
