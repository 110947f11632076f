/* GETMETADATA and SETMETADATA. */
#include "client/cmd_metadata.h"
#include "imap/limits.h"
#include "imap/mailbox_name.h"
#include "client/client_private.h"

static bool name_eq(struct str a, struct str b)
{
    return str_eq(a, b) || (mailbox_name_is_inbox(a) && mailbox_name_is_inbox(b));
}

static bool add_entries(struct client_metadata *h, struct client *c, const struct metadata *told)
{
    struct metadata *to = &h->metadata;
    for (size_t i = 0; i < told->len; i++) {
        if (to->len >= LIMIT_METADATA_ENTRIES) {
            return reader_fail(c->reader, "more than %d entries", LIMIT_METADATA_ENTRIES);
        }
        to->items = arena_grow(h->op.arena, to->items, to->len, &h->cap, sizeof *to->items);
        to->items[to->len++] = told->items[i];
    }
    return true;
}

/* What has no values, or is about another mailbox, is news (RFC 5464 section 4.4). */
static bool metadata_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    struct client_metadata *h = (struct client_metadata *)op;
    struct metadata told = {0};
    if (op->row->id != CMD_GETMETADATA || !str_eq(head->name, STR("METADATA"))) {
        return false;
    }
    reader_begin(c->reader, op->arena);
    if (!reader_expect_sp(c->reader) || !metadata_read(c->reader, op->arena, &told) ||
        !dispatch_line_end(c)) {
        return true;
    }
    while (op != NULL &&
           (op->row->id != CMD_GETMETADATA ||
            !name_eq(((struct client_metadata *)op)->metadata.mailbox, told.mailbox))) {
        op = op->next;
    }
    if (op != NULL && !told.names_only) {
        h = (struct client_metadata *)op;
        (void)add_entries(h, c, &told);
    } else {
        events_add_metadata(c, &told);
    }
    return true;
}

static bool metadata_status(struct client_op *op, struct client *c,
                            struct imap_response_status *status, bool tagged)
{
    struct client_metadata *h = (struct client_metadata *)op;
    (void)c;
    if (!tagged || status->code != CODE_METADATA || status->metadata != METADATA_CODE_LONGENTRIES) {
        return false;
    }
    h->longest_left_out = status->number;
    return true;
}

static const struct client_op_hooks metadata_hooks = {.data = metadata_data,
                                                      .status = metadata_status};

static int open_metadata(struct client *c, struct client_metadata *h, enum command_id id,
                         struct str mailbox, struct arena *arena, struct error *err)
{
    *h = (struct client_metadata){0};
    if (pipeline_open(c, &h->op, id, &metadata_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    if (mailbox.len > 0 && pipeline_require(c, &h->op, CAP_METADATA, err) < 0) {
        return error_wrap(err, "%s of a mailbox", command_row(id)->name);
    }
    writer_sp(&c->writer);
    return 0;
}

static int check_entry(struct client_op *op, struct str name, struct error *err)
{
    return metadata_name_is_valid(name)
               ? 0
               : pipeline_refuse(op, err, "\"%.*s\" is no name of an entry", STR_ARG(name));
}

int client_getmetadata_begin(struct client *c, struct client_metadata *h,
                             const struct metadata_get *get, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (open_metadata(c, h, CMD_GETMETADATA, get->mailbox, arena, err) < 0) {
        return -(int)err->code;
    }
    if (get->names.len == 0) {
        return pipeline_refuse(&h->op, err, "GETMETADATA of no entry");
    }
    for (size_t i = 0; i < get->names.len; i++) {
        if (check_entry(&h->op, get->names.items[i], err) < 0) {
            return -(int)err->code;
        }
    }
    h->metadata.mailbox = arena_str(arena, get->mailbox);
    metadata_get_write(&c->writer, get);
    return pipeline_send(c, &h->op, err);
}

int client_setmetadata_begin(struct client *c, struct client_metadata *h,
                             const struct metadata *metadata, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (open_metadata(c, h, CMD_SETMETADATA, metadata->mailbox, NULL, err) < 0) {
        return -(int)err->code;
    }
    if (metadata->len == 0) {
        return pipeline_refuse(&h->op, err, "SETMETADATA of no entry");
    }
    for (size_t i = 0; i < metadata->len; i++) {
        if (check_entry(&h->op, metadata->items[i].name, err) < 0) {
            return -(int)err->code;
        }
    }
    metadata_set_write(&c->writer, metadata);
    return pipeline_send(c, &h->op, err);
}

int client_getmetadata(struct client *c, struct client_metadata *h, const struct metadata_get *get,
                       struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = client_getmetadata_begin(c, h, get, arena, err);
    return result < 0 ? result : pipeline_end(c, &h->op, err);
}

int client_setmetadata(struct client *c, const struct metadata *metadata, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_metadata h;
    int result = client_setmetadata_begin(c, &h, metadata, err);
    return result < 0 ? result : pipeline_end(c, &h.op, err);
}
