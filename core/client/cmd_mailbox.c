/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE; names to and from UTF-8. */
#include "imap/mailbox_name.h"
#include "client/client_private.h"

bool client_names_are_utf8(const struct client *c)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    return client_speaks_utf8(c);
}

bool client_name_encode(const struct client *c, struct arena *arena, struct str utf8,
                        struct str *out)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (client_speaks_utf8(c)) {
        *out = utf8;
        return str_is_utf8(utf8);
    }
    if (mailbox_name_encode(arena, utf8, out)) {
        return true;
    }
    *out = utf8;
    return false;
}

bool client_name_decode(const struct client *c, struct arena *arena, struct str name,
                        struct str *out)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (client_speaks_utf8(c)) {
        *out = name;
        return str_is_utf8(name);
    }
    return mailbox_name_decode(arena, name, out);
}

/* RFC 9051 sections 6.3.4 to 6.3.6. */
static int check_name(struct client_op *op, struct str mailbox, struct error *err)
{
    bool makes = op->row->id == CMD_CREATE;
    if ((makes || op->row->id == CMD_DELETE) && mailbox_name_is_inbox(mailbox)) {
        return pipeline_refuse(op, err,
                               makes ? "INBOX is there always" : "INBOX cannot be deleted");
    }
    if (mailbox.len == 0) {
        return pipeline_refuse(op, err, "%s without a name", op->row->name);
    }
    return 0;
}

static int open_on_name(struct client *c, struct client_op *op, enum command_id id,
                        const struct client_op_hooks *hooks, struct str mailbox,
                        struct arena *arena, struct error *err)
{
    if (pipeline_open(c, op, id, hooks, arena, err) < 0 || check_name(op, mailbox, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    writer_astring(&c->writer, mailbox);
    return 0;
}

int client_mailbox_begin(struct client *c, struct client_op *op, enum command_id id,
                         struct str mailbox, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (id != CMD_CREATE && id != CMD_DELETE && id != CMD_SUBSCRIBE && id != CMD_UNSUBSCRIBE) {
        return pipeline_refuse(op, err, "%s is no command on a name alone", command_row(id)->name);
    }
    int result = open_on_name(c, op, id, &no_hooks, mailbox, NULL, err);
    return result < 0 ? result : pipeline_send(c, op, err);
}

static int run_on_name(struct client *c, enum command_id id, struct str mailbox, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_op op;
    int result = client_mailbox_begin(c, &op, id, mailbox, err);
    return result < 0 ? result : pipeline_end(c, &op, err);
}

int client_create(struct client *c, struct str mailbox, struct error *err)
{
    return run_on_name(c, CMD_CREATE, mailbox, err);
}

int client_delete(struct client *c, struct str mailbox, struct error *err)
{
    return run_on_name(c, CMD_DELETE, mailbox, err);
}

int client_subscribe(struct client *c, struct str mailbox, struct error *err)
{
    return run_on_name(c, CMD_SUBSCRIBE, mailbox, err);
}

int client_unsubscribe(struct client *c, struct str mailbox, struct error *err)
{
    return run_on_name(c, CMD_UNSUBSCRIBE, mailbox, err);
}

int client_rename(struct client *c, struct str from, struct str to, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct client_op op;
    if (open_on_name(c, &op, CMD_RENAME, &no_hooks, from, NULL, err) < 0) {
        return -(int)err->code;
    }
    if (to.len == 0 || mailbox_name_is_inbox(to)) {
        return pipeline_refuse(
            &op, err, to.len == 0 ? "RENAME to no name" : "INBOX is there always: RENAME to it");
    }
    writer_sp(&c->writer);
    writer_astring(&c->writer, to);
    return pipeline_run(c, &op, err);
}

struct create_op {
    struct client_op op;
    struct str id;
};

static bool create_status(struct client_op *op, struct client *c,
                          struct imap_response_status *status, bool tagged)
{
    struct create_op *h = (struct create_op *)op;
    (void)c;
    if (!tagged || status->code != CODE_MAILBOXID) {
        return false;
    }
    h->id = arena_str(op->arena, status->id);
    return true;
}

static const struct client_op_hooks create_hooks = {.status = create_status};

/* RFC 6154 section 3. */
static void write_uses(struct writer *w, uint32_t uses)
{
    const char *before = " (USE (";
    for (uint32_t bit = 1; bit != 0 && bit <= uses; bit <<= 1) {
        if ((uses & bit) != 0) {
            writer_cstr(w, before);
            writer_cstr(w, list_attribute_name(bit));
            before = " ";
        }
    }
    writer_cstr(w, "))");
}

int client_create_special(struct client *c, struct str mailbox, uint32_t uses, struct arena *arena,
                          struct str *id_out, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    struct create_op h = {.id = STR_EMPTY};
    if (open_on_name(c, &h.op, CMD_CREATE, &create_hooks, mailbox, arena, err) < 0) {
        return -(int)err->code;
    }
    if ((uses & ~(uint32_t)LIST_SPECIAL_USE) != 0) {
        return pipeline_refuse(&h.op, err, "CREATE for what is no special use");
    }
    if (uses != 0) {
        if (pipeline_require(c, &h.op, CAP_CREATE_SPECIAL_USE, err) < 0) {
            return -(int)err->code;
        }
        write_uses(&c->writer, uses);
    }
    int result = pipeline_run(c, &h.op, err);
    *id_out = h.id;
    return result;
}
