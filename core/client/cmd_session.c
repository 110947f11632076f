/* NOOP, CHECK, CAPABILITY, ID, ENABLE, NAMESPACE, COMPRESS, UNAUTHENTICATE. */
#include "client/client_private.h"

int client_command_begin(struct client *c, struct client_op *op, enum command_id id,
                         struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (id != CMD_NOOP && id != CMD_CHECK && id != CMD_CAPABILITY && id != CMD_NAMESPACE) {
        return pipeline_refuse(op, err, "%s is no command of one word", command_row(id)->name);
    }
    if (pipeline_open(c, op, id, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    if (id == CMD_CHECK && client_is_rev2(c)) {
        op->row = NULL;
        return error_set(err, ERR_CAPABILITY, SCOPE_MAILBOX,
                         "CHECK is of IMAP4rev1, and %s speaks IMAP4rev2", c->host);
    }
    return pipeline_send(c, op, err);
}

static int run_bare(struct client *c, enum command_id id, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_op op;
    int result = client_command_begin(c, &op, id, err);
    return result < 0 ? result : pipeline_end(c, &op, err);
}

int client_noop(struct client *c, struct error *err)
{
    return run_bare(c, CMD_NOOP, err);
}

int client_check(struct client *c, struct error *err)
{
    return run_bare(c, CMD_CHECK, err);
}

int client_namespace(struct client *c, struct error *err)
{
    return run_bare(c, CMD_NAMESPACE, err);
}

int client_capability(struct client *c, struct error *err)
{
    return run_bare(c, CMD_CAPABILITY, err);
}

static bool id_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    struct client_id_op *h = (struct client_id_op *)op;
    if (!str_eq(head->name, STR("ID"))) {
        return false;
    }
    struct arena *arena = op->arena != NULL ? op->arena : c->scratch;
    struct id_fields told = {0};
    reader_begin(c->reader, arena);
    if (reader_expect_sp(c->reader) && id_read(c->reader, arena, &told) && dispatch_line_end(c) &&
        op->arena != NULL) {
        h->told = told;
    }
    return true;
}

static const struct client_op_hooks id_hooks = {.data = id_data};

int id_begin(struct client *c, struct client_id_op *h, const struct id_fields *fields,
             struct arena *arena, struct error *err)
{
    static const struct id_fields nothing = {0};
    h->told = nothing;
    if (pipeline_open(c, &h->op, CMD_ID, &id_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    id_write(&c->writer, fields != NULL ? fields : &nothing);
    return pipeline_send(c, &h->op, err);
}

int client_id(struct client *c, const struct id_fields *fields, struct arena *arena,
              struct id_fields *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_id_op h;
    if (id_begin(c, &h, fields, arena, err) < 0 || pipeline_end(c, &h.op, err) < 0) {
        return -(int)err->code;
    }
    *out = h.told;
    return 0;
}

int enable_begin(struct client *c, struct client_op *op, const enum capability *caps, size_t len,
                 struct error *err)
{
    if (pipeline_open(c, op, CMD_ENABLE, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    for (size_t i = 0; i < len; i++) {
        if (pipeline_require(c, op, caps[i], err) < 0) {
            return -(int)err->code;
        }
        writer_sp(&c->writer);
        writer_cstr(&c->writer, capability_name(caps[i]));
    }
    return pipeline_send(c, op, err);
}

int client_enable(struct client *c, const enum capability *caps, size_t len, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_op op;
    int result = enable_begin(c, &op, caps, len, err);
    return result < 0 ? result : pipeline_end(c, &op, err);
}

/* What follows the OK in the same bytes is compressed already (RFC 4978 section 3). */
int client_compress(struct client *c, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_op op;
    if (pipeline_open(c, &op, CMD_COMPRESS, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    if (c->compressed) {
        return error_set(err, ERR_STATE, SCOPE_MAILBOX, "the connection is compressed already");
    }
    writer_cstr(&c->writer, " DEFLATE");
    if (pipeline_run(c, &op, err) < 0) {
        return -(int)err->code;
    }
    stream_unread(c->stream, reader_take_buffered(c->reader));
    if (stream_push_deflate(c->stream, err) < 0) {
        return client_fail(c, err);
    }
    client_renew_reader(c);
    c->compressed = true;
    return 0;
}

/* All but TLS begins anew (RFC 8437 section 4.1). */
static int reset_state(struct client *c, struct error *err)
{
    events_drop_view(c);
    xfree(&c->selected);
    c->selected_len = 0;
    c->selected_uidvalidity = 0;
    c->enabled = (struct capabilities){0};
    c->namespaces = (struct namespaces){0};
    c->notifies = false;
    if (c->compressed) {
        stream_unread(c->stream, reader_take_buffered(c->reader));
        if (stream_pop_deflate(c->stream, err) < 0) {
            return client_fail(c, err);
        }
        client_renew_reader(c);
        c->compressed = false;
    }
    client_set_state(c, STATE_NOT_AUTHENTICATED);
    return 0;
}

int client_unauthenticate(struct client *c, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_op op;
    if (pipeline_open(c, &op, CMD_UNAUTHENTICATE, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    c->caps_told = false;
    if (pipeline_run(c, &op, err) < 0 || reset_state(c, err) < 0) {
        return -(int)err->code;
    }
    return c->caps_told ? 0 : client_capability(c, err);
}
