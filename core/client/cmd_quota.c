/* GETQUOTA, GETQUOTAROOT, SETQUOTA. */
#include "client/cmd_quota.h"
#include "imap/limits.h"
#include "client/client_private.h"

static bool take_quota(struct client_quota *h, struct client *c)
{
    struct client_quotas *quotas = &h->quotas;
    struct quota told = {0};
    if (quotas->len >= LIMIT_QUOTA_RESOURCES) {
        return reader_fail(c->reader, "more than %d quotas", LIMIT_QUOTA_RESOURCES);
    }
    if (!quota_read(c->reader, h->op.arena, &told) || !dispatch_line_end(c)) {
        return false;
    }
    quotas->items =
        arena_grow(h->op.arena, quotas->items, quotas->len, &h->cap, sizeof *quotas->items);
    quotas->items[quotas->len++] = told;
    return true;
}

static bool take_root(struct client_quota *h, struct client *c)
{
    struct quota_root told = {0};
    if (!quota_root_read(c->reader, h->op.arena, &told) || !dispatch_line_end(c)) {
        return false;
    }
    h->quotas.root = told;
    return true;
}

/* QUOTA goes with the QUOTAROOT before it; of GETQUOTA and SETQUOTA, a second is for the next. */
static bool quota_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    struct client_quota *h = (struct client_quota *)op;
    bool by_root = op->row->id == CMD_GETQUOTAROOT;
    bool is_root = by_root && !h->told && str_eq(head->name, STR("QUOTAROOT"));
    bool is_quota = (by_root || !h->told) && str_eq(head->name, STR("QUOTA"));
    if (!is_root && !is_quota) {
        return false;
    }
    reader_begin(c->reader, op->arena);
    if (reader_expect_sp(c->reader) && (is_root ? take_root(h, c) : take_quota(h, c))) {
        h->told = h->told || is_root || !by_root;
    }
    return true;
}

static const struct client_op_hooks quota_hooks = {.data = quota_data};

static int begin(struct client *c, struct client_quota *h, enum command_id id, struct str name,
                 struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    *h = (struct client_quota){0};
    if (pipeline_open(c, &h->op, id, &quota_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    writer_astring(&c->writer, name);
    return pipeline_send(c, &h->op, err);
}

int client_getquota_begin(struct client *c, struct client_quota *h, struct str root,
                          struct arena *arena, struct error *err)
{
    return begin(c, h, CMD_GETQUOTA, root, arena, err);
}

int client_getquotaroot_begin(struct client *c, struct client_quota *h, struct str mailbox,
                              struct arena *arena, struct error *err)
{
    return begin(c, h, CMD_GETQUOTAROOT, mailbox, arena, err);
}

int client_setquota_begin(struct client *c, struct client_quota *h, const struct quota *quota,
                          struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    *h = (struct client_quota){0};
    if (pipeline_open(c, &h->op, CMD_SETQUOTA, &quota_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    quota_limits_write(&c->writer, quota);
    return pipeline_send(c, &h->op, err);
}

int client_getquota(struct client *c, struct str root, struct arena *arena, struct quota *out,
                    struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_quota h;
    if (client_getquota_begin(c, &h, root, arena, err) < 0 || pipeline_end(c, &h.op, err) < 0 ||
        pipeline_check_told(c, &h.op, h.told, err) < 0) {
        return -(int)err->code;
    }
    *out = h.quotas.items[0];
    return 0;
}

int client_getquotaroot(struct client *c, struct str mailbox, struct arena *arena,
                        struct client_quotas *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_quota h;
    if (client_getquotaroot_begin(c, &h, mailbox, arena, err) < 0 ||
        pipeline_end(c, &h.op, err) < 0 || pipeline_check_told(c, &h.op, h.told, err) < 0) {
        return -(int)err->code;
    }
    *out = h.quotas;
    return 0;
}

int client_setquota(struct client *c, const struct quota *quota, struct arena *arena,
                    struct quota *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_quota h;
    if (client_setquota_begin(c, &h, quota, arena, err) < 0 || pipeline_end(c, &h.op, err) < 0) {
        return -(int)err->code;
    }
    *out = h.told ? h.quotas.items[0] : (struct quota){.root = quota->root};
    return 0;
}
