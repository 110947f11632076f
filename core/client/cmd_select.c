/* SELECT and EXAMINE, with what QRESYNC tells in their answer (RFC 7162); CLOSE and UNSELECT. */
#include "imap/limits.h"
#include "client/client_private.h"

static bool take_flags(struct client_select *h, struct client *c)
{
    reader_begin(c->reader, h->op.arena);
    return reader_expect_sp(c->reader) && flags_read(c->reader, h->op.arena, &h->data.flags) &&
           dispatch_line_end(c);
}

static bool select_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    struct client_select *h = (struct client_select *)op;
    if (c->first != op) {
        return false;
    }
    if (str_eq(head->name, STR("EXISTS")) && head->has_number) {
        h->data.exists = head->number;
        (void)dispatch_line_end(c);
        return true;
    }
    if (str_eq(head->name, STR("FLAGS"))) {
        (void)take_flags(h, c);
        return true;
    }
    if (str_eq(head->name, STR("LIST"))) {
        /* IMAP4rev2 tells the mailbox's name so. */
        (void)dispatch_line_end(c);
        return true;
    }
    return false;
}

/* A number that does not fit says no more than none. */
static uint32_t number32(const struct imap_response_status *status)
{
    return status->number <= UINT32_MAX ? (uint32_t)status->number : 0;
}

static void forget_told(struct client_select *h)
{
    seqset_free(&h->changes.vanished);
    h->changes.changed_len = 0;
    h->data = (struct select_data){.read_only = h->op.row->id == CMD_EXAMINE};
}

static bool take_code(struct client_select *h, struct imap_response_status *status)
{
    switch (status->code) {
    case CODE_CLOSED:
        /* All before this was about the mailbox selected until now. */
        forget_told(h);
        return true;
    case CODE_UIDVALIDITY:
        h->data.uidvalidity = number32(status);
        return true;
    case CODE_UIDNEXT:
        h->data.uidnext = number32(status);
        return true;
    case CODE_HIGHESTMODSEQ:
        h->data.highestmodseq = status->number;
        return true;
    case CODE_NOMODSEQ:
        h->data.highestmodseq = 0;
        return true;
    case CODE_PERMANENTFLAGS:
        h->data.permanent_flags = flags_copy(h->op.arena, &status->flags);
        h->data.has_permanent_flags = true;
        return true;
    case CODE_UIDNOTSTICKY:
        h->data.uid_not_sticky = true;
        return true;
    case CODE_MAILBOXID:
        h->data.mailboxid = arena_str(h->op.arena, status->id);
        return true;
    case CODE_READ_ONLY:
        h->data.read_only = true;
        return true;
    case CODE_READ_WRITE:
        h->data.read_only = h->op.row->id == CMD_EXAMINE;
        return true;
    default:
        return false;
    }
}

/* What was sent behind a SELECT, up to the next one, counts on its mailbox. */
static void orphan_followers(struct client_op *op)
{
    struct client_op *end = pipeline_find_select(op->next);
    for (struct client_op *at = op->next; at != end; at = at->next) {
        at->orphan = true;
    }
}

static bool select_status(struct client_op *op, struct client *c,
                          struct imap_response_status *status, bool tagged)
{
    struct client_select *h = (struct client_select *)op;
    if (!tagged) {
        return c->first == op && take_code(h, status);
    }
    if (status->status == STATUS_OK) {
        (void)take_code(h, status);
        client_set_selected(c, &h->mailbox);
        c->selected_uidvalidity = h->data.uidvalidity;
    } else {
        orphan_followers(op);
        client_set_selected(c, NULL);
    }
    return true;
}

static const struct client_op_hooks select_hooks = {.data = select_data, .status = select_status};

static void add_changed(struct client_select *h, struct client *c, const struct fetch_data *data)
{
    if (h->changes.changed_len == LIMIT_FETCH_QUEUE) {
        reader_fail(c->reader, "more than %d changed messages", LIMIT_FETCH_QUEUE);
        return;
    }
    if (h->changes.changed_len == h->changed_cap) {
        size_t cap = h->changed_cap == 0 ? 64 : 2 * h->changed_cap;
        struct fetch_data *items = arena_array(h->op.arena, cap, sizeof *items);
        if (h->changes.changed_len > 0) {
            memcpy(items, h->changes.changed, h->changes.changed_len * sizeof *items);
        }
        h->changes.changed = items;
        h->changed_cap = cap;
    }
    h->changes.changed[h->changes.changed_len++] = *data;
}

bool select_take_fetch(struct client_op *op, struct client *c, const struct response_head *head)
{
    struct client_select *h = (struct client_select *)op;
    struct fetch_data data = {0};
    struct error ignored = ERROR_INIT;
    reader_begin(c->reader, op->arena);
    if (!reader_expect_sp(c->reader) ||
        !fetch_data_read(c->reader, op->arena, NULL, &data, &ignored) || !dispatch_line_end(c)) {
        return false;
    }
    data.seq = head->number;
    if (str_eq(head->name, STR("UIDFETCH"))) {
        data.seq = 0;
        data.uid = head->number;
        data.have |= FETCH_UID;
    }
    if (data.uid != 0) {
        add_changed(h, c, &data);
    }
    return !reader_failed(c->reader);
}

static int check_params(struct client *c, struct client_op *op, const struct select_params *params,
                        struct error *err)
{
    if (params->qresync && !client_enabled(c, CAP_QRESYNC)) {
        op->row = NULL;
        return error_set(err, ERR_CAPABILITY, SCOPE_MAILBOX, "QRESYNC is not enabled on %s",
                         c->host);
    }
    return params->condstore ? pipeline_require(c, op, CAP_CONDSTORE, err) : 0;
}

int client_select_begin(struct client *c, struct client_select *h, struct str mailbox, bool examine,
                        const struct select_params *params, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    static const struct select_params plain = {0};
    const struct select_params *asked = params != NULL ? params : &plain;
    *h = (struct client_select){0};
    if (pipeline_open(c, &h->op, examine ? CMD_EXAMINE : CMD_SELECT, &select_hooks, arena, err) <
            0 ||
        check_params(c, &h->op, asked, err) < 0) {
        return -(int)err->code;
    }
    h->mailbox = arena_str(arena, mailbox);
    h->data.read_only = examine;
    writer_sp(&c->writer);
    writer_astring(&c->writer, mailbox);
    select_params_write(&c->writer, asked);
    return pipeline_send(c, &h->op, err);
}

int client_select_end(struct client *c, struct client_select *h, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return pipeline_end(c, &h->op, err);
}

void client_select_free(struct client_select *h)
{
    seqset_free(&h->changes.vanished);
}

static int leave(struct client *c, enum command_id id, struct error *err)
{
    struct client_op op;
    if (pipeline_open(c, &op, id, &no_hooks, NULL, err) < 0 || pipeline_run(c, &op, err) < 0) {
        return -(int)err->code;
    }
    client_set_selected(c, NULL);
    return 0;
}

int client_close_mailbox(struct client *c, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return leave(c, CMD_CLOSE, err);
}

/* A failed EXAMINE leaves nothing selected. If the mailbox is there after all, it is read-only, and
 * CLOSE expunges nothing. */
static int examine_nothing(struct client *c, struct error *err)
{
    struct arena *arena = arena_new();
    struct client_select h;
    struct error refusal = ERROR_INIT;
    int result = client_select_begin(c, &h, STR("*no such mailbox%"), true, NULL, arena, &refusal);
    if (result == 0) {
        result = client_select_end(c, &h, &refusal);
        client_select_free(&h);
    }
    if (result == 0) {
        result = leave(c, CMD_CLOSE, err);
    } else if (result == -ERR_NO) {
        result = 0;
    } else {
        *err = refusal;
    }
    arena_free(&arena);
    return result;
}

int client_unselect(struct client *c, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (client_has(c, CAP_UNSELECT) || c->state != STATE_SELECTED) {
        return leave(c, CMD_UNSELECT, err);
    }
    return examine_nothing(c, err);
}
