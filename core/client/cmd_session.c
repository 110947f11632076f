/* NOOP, CAPABILITY, ID, ENABLE, NAMESPACE, COMPRESS. */
#include "client/client_private.h"

static int run_bare(struct client *c, enum command_id id, struct error *err)
{
    struct client_op op;
    int result = pipeline_open(c, &op, id, &no_hooks, NULL, err);
    return result < 0 ? result : pipeline_run(c, &op, err);
}

int client_noop(struct client *c, struct error *err)
{
    return run_bare(c, CMD_NOOP, err);
}

int capability_begin(struct client *c, struct client_op *op, struct error *err)
{
    int result = pipeline_open(c, op, CMD_CAPABILITY, &no_hooks, NULL, err);
    return result < 0 ? result : pipeline_send(c, op, err);
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
    struct client_op op;
    int result = enable_begin(c, &op, caps, len, err);
    return result < 0 ? result : pipeline_end(c, &op, err);
}

int namespace_begin(struct client *c, struct client_op *op, struct error *err)
{
    int result = pipeline_open(c, op, CMD_NAMESPACE, &no_hooks, NULL, err);
    return result < 0 ? result : pipeline_send(c, op, err);
}

/* What follows the OK in the same bytes is compressed already (RFC 4978 section 3). */
int client_compress(struct client *c, struct error *err)
{
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
