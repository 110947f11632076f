/* LIST, and LIST with STATUS in one answer (RFC 5819). */
#include "base/strmap.h"
#include "imap/limits.h"
#include "imap/mailbox_name.h"
#include "client/client_private.h"

struct list_op {
    struct client_op op;
    VEC(struct client_mailbox) found;
    VEC(struct status_data) statuses; /* told, in any order and number */
    struct strmap *by_name;           /* index in `found` plus one */
};

static struct str name_key(struct str name)
{
    return mailbox_name_is_inbox(name) ? STR("INBOX") : name;
}

static struct client_mailbox *find(const struct list_op *h, struct str name)
{
    uintptr_t index = (uintptr_t)strmap_get(h->by_name, name_key(name));
    return index == 0 ? NULL : &h->found.items[index - 1];
}

/* A name told twice is one mailbox. */
static void add_entry(struct list_op *h, const struct list_entry *entry)
{
    struct client_mailbox *known = find(h, entry->name);
    if (known != NULL) {
        known->entry.attributes |= entry->attributes;
        return;
    }
    vec_push(&h->found, (struct client_mailbox){.entry = *entry});
    uintptr_t index = h->found.len;
    (void)strmap_put(h->by_name, name_key(entry->name), (void *)index);
}

static bool list_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    struct list_op *h = (struct list_op *)op;
    bool is_list = str_eq(head->name, STR("LIST"));
    if (!is_list && !str_eq(head->name, STR("STATUS"))) {
        return false;
    }
    reader_begin(c->reader, op->arena);
    if (h->found.len >= LIMIT_MAILBOXES || h->statuses.len >= LIMIT_MAILBOXES) {
        reader_fail(c->reader, "more than %d mailboxes", LIMIT_MAILBOXES);
        return true;
    }
    struct list_entry entry = {0};
    struct status_data status = {0};
    if (!reader_expect_sp(c->reader)) {
        return true;
    }
    bool ok = is_list ? list_entry_read(c->reader, &entry) : status_data_read(c->reader, &status);
    if (!ok || !dispatch_line_end(c)) {
        return true;
    }
    if (is_list) {
        add_entry(h, &entry);
    } else {
        vec_push(&h->statuses, status);
    }
    return true;
}

static bool plain_list_data(struct client_op *op, struct client *c,
                            const struct response_head *head)
{
    return str_eq(head->name, STR("LIST")) && list_data(op, c, head);
}

static const struct client_op_hooks list_hooks = {.data = plain_list_data};
static const struct client_op_hooks list_status_hooks = {.data = list_data};

static void pair_statuses(struct list_op *h)
{
    VEC_FOREACH (struct status_data, status, &h->statuses) {
        struct client_mailbox *mailbox = find(h, status->mailbox);
        if (mailbox != NULL) {
            mailbox->status = *status;
        }
    }
}

static int run(struct client *c, struct list_op *h, struct client_mailboxes *out, struct error *err)
{
    h->by_name = strmap_new();
    int result = pipeline_run(c, &h->op, err);
    if (result == 0) {
        pair_statuses(h);
        out->len = h->found.len;
        out->items = arena_array(h->op.arena, h->found.len, sizeof *out->items);
        if (h->found.len > 0) {
            memcpy(out->items, h->found.items, h->found.len * sizeof *out->items);
        }
    }
    strmap_free(&h->by_name);
    vec_free(&h->found);
    vec_free(&h->statuses);
    return result;
}

int client_list(struct client *c, struct str pattern, struct arena *arena,
                struct client_mailboxes *out, struct error *err)
{
    struct list_op h = {0};
    if (pipeline_open(c, &h.op, CMD_LIST, &list_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    writer_cstr(&c->writer, " \"\" ");
    writer_list_mailbox(&c->writer, pattern);
    return run(c, &h, out, err);
}

int client_list_status(struct client *c, struct str pattern, unsigned items, struct arena *arena,
                       struct client_mailboxes *out, struct error *err)
{
    struct list_op h = {0};
    if (pipeline_open(c, &h.op, CMD_LIST, &list_status_hooks, arena, err) < 0 ||
        pipeline_require(c, &h.op, CAP_LIST_STATUS, err) < 0 ||
        status_require(c, &h.op, items, err) < 0) {
        return -(int)err->code;
    }
    writer_cstr(&c->writer, " \"\" ");
    writer_list_mailbox(&c->writer, pattern);
    writer_cstr(&c->writer, " RETURN (");
    if (client_has(c, CAP_SPECIAL_USE)) {
        writer_cstr(&c->writer, "SPECIAL-USE ");
    }
    writer_cstr(&c->writer, "STATUS ");
    status_items_write(&c->writer, items);
    writer_cstr(&c->writer, ")");
    return run(c, &h, out, err);
}
