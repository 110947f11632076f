/* SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS. */
#include "client/cmd_acl.h"
#include "client/client_private.h"

static bool take_acl(struct client_acl *h, struct client *c)
{
    struct acl told = {0};
    if (!acl_read(c->reader, h->op.arena, &told) || !dispatch_line_end(c)) {
        return false;
    }
    h->acl = told;
    return true;
}

static bool take_list_rights(struct client_acl *h, struct client *c)
{
    struct acl_list_rights told = {0};
    if (!acl_list_rights_read(c->reader, h->op.arena, &told) || !dispatch_line_end(c)) {
        return false;
    }
    h->list_rights = told;
    return true;
}

static bool take_my_rights(struct client_acl *h, struct client *c)
{
    struct acl_my_rights told = {0};
    if (!acl_my_rights_read(c->reader, &told) || !dispatch_line_end(c)) {
        return false;
    }
    h->my_rights = told;
    return true;
}

static const struct {
    enum command_id id;
    const char *name;
    bool (*take)(struct client_acl *h, struct client *c);
} answers[] = {
    {CMD_GETACL, "ACL", take_acl},
    {CMD_LISTRIGHTS, "LISTRIGHTS", take_list_rights},
    {CMD_MYRIGHTS, "MYRIGHTS", take_my_rights},
};

/* A second answer is for a command behind this one. */
static bool acl_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    struct client_acl *h = (struct client_acl *)op;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (answers[i].id == op->row->id && !h->told &&
            str_eq(head->name, str_from(answers[i].name))) {
            reader_begin(c->reader, op->arena);
            h->told = reader_expect_sp(c->reader) && answers[i].take(h, c);
            return true;
        }
    }
    return false;
}

static const struct client_op_hooks acl_hooks = {.data = acl_data};

static int open_acl(struct client *c, struct client_acl *h, enum command_id id, struct str mailbox,
                    struct arena *arena, struct error *err)
{
    *h = (struct client_acl){0};
    if (pipeline_open(c, &h->op, id, &acl_hooks, arena, err) < 0) {
        return -(int)err->code;
    }
    if (mailbox.len == 0) {
        return pipeline_refuse(&h->op, err, "%s without a mailbox", h->op.row->name);
    }
    writer_sp(&c->writer);
    writer_astring(&c->writer, mailbox);
    return 0;
}

static int send_identifier(struct client *c, struct client_acl *h, struct str identifier,
                           struct error *err)
{
    if (identifier.len == 0) {
        return pipeline_refuse(&h->op, err, "%s for nobody", h->op.row->name);
    }
    writer_sp(&c->writer);
    writer_astring(&c->writer, identifier);
    return pipeline_send(c, &h->op, err);
}

int client_setacl_begin(struct client *c, struct client_acl *h, const struct acl_set *set,
                        struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    *h = (struct client_acl){0};
    if (pipeline_open(c, &h->op, CMD_SETACL, &acl_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    if (set->mailbox.len == 0 || set->identifier.len == 0) {
        return pipeline_refuse(&h->op, err, "SETACL needs a mailbox and an identifier");
    }
    writer_sp(&c->writer);
    acl_set_write(&c->writer, set);
    return pipeline_send(c, &h->op, err);
}

int client_deleteacl_begin(struct client *c, struct client_acl *h, struct str mailbox,
                           struct str identifier, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = open_acl(c, h, CMD_DELETEACL, mailbox, NULL, err);
    return result < 0 ? result : send_identifier(c, h, identifier, err);
}

int client_getacl_begin(struct client *c, struct client_acl *h, struct str mailbox,
                        struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = open_acl(c, h, CMD_GETACL, mailbox, arena, err);
    return result < 0 ? result : pipeline_send(c, &h->op, err);
}

int client_listrights_begin(struct client *c, struct client_acl *h, struct str mailbox,
                            struct str identifier, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = open_acl(c, h, CMD_LISTRIGHTS, mailbox, arena, err);
    return result < 0 ? result : send_identifier(c, h, identifier, err);
}

int client_myrights_begin(struct client *c, struct client_acl *h, struct str mailbox,
                          struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = open_acl(c, h, CMD_MYRIGHTS, mailbox, arena, err);
    return result < 0 ? result : pipeline_send(c, &h->op, err);
}

static int end_told(struct client *c, struct client_acl *h, struct error *err)
{
    int result = pipeline_end(c, &h->op, err);
    return result < 0 ? result : pipeline_check_told(c, &h->op, h->told, err);
}

int client_setacl(struct client *c, const struct acl_set *set, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_acl h;
    int result = client_setacl_begin(c, &h, set, err);
    return result < 0 ? result : pipeline_end(c, &h.op, err);
}

int client_deleteacl(struct client *c, struct str mailbox, struct str identifier, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_acl h;
    int result = client_deleteacl_begin(c, &h, mailbox, identifier, err);
    return result < 0 ? result : pipeline_end(c, &h.op, err);
}

int client_getacl(struct client *c, struct str mailbox, struct arena *arena, struct acl *out,
                  struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_acl h;
    if (client_getacl_begin(c, &h, mailbox, arena, err) < 0 || end_told(c, &h, err) < 0) {
        return -(int)err->code;
    }
    *out = h.acl;
    return 0;
}

int client_listrights(struct client *c, struct str mailbox, struct str identifier,
                      struct arena *arena, struct acl_list_rights *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_acl h;
    if (client_listrights_begin(c, &h, mailbox, identifier, arena, err) < 0 ||
        end_told(c, &h, err) < 0) {
        return -(int)err->code;
    }
    *out = h.list_rights;
    return 0;
}

int client_myrights(struct client *c, struct str mailbox, struct arena *arena,
                    struct acl_my_rights *out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_acl h;
    if (client_myrights_begin(c, &h, mailbox, arena, err) < 0 || end_told(c, &h, err) < 0) {
        return -(int)err->code;
    }
    *out = h.my_rights;
    return 0;
}
