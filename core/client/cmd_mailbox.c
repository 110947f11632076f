/* CREATE and SUBSCRIBE. */
#include "client/client_private.h"

static int run_on_name(struct client *c, enum command_id id, struct str mailbox, struct error *err)
{
    struct client_op op;
    if (pipeline_open(c, &op, id, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    writer_astring(&c->writer, mailbox);
    return pipeline_run(c, &op, err);
}

int client_create(struct client *c, struct str mailbox, struct error *err)
{
    return run_on_name(c, CMD_CREATE, mailbox, err);
}

int client_subscribe(struct client *c, struct str mailbox, struct error *err)
{
    return run_on_name(c, CMD_SUBSCRIBE, mailbox, err);
}
