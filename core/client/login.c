/* From the greeting to a connection that is ready for work. */
#include "base/log.h"
#include "client/client_private.h"

/* What is asked for once after login. */
struct introduction {
    bool id, namespaces, condstore, qresync;
};

/* In flight together; `row` of each NULL until sent. */
struct introduction_ops {
    struct client_op capability, enable, namespaces;
    struct client_id_op id;
};

/* A server that refuses one of these works without it. */
static int end_tolerantly(struct client *c, struct client_op *op, struct error *err)
{
    if (op->row == NULL) {
        return 0;
    }
    struct error refusal = ERROR_INIT;
    if (pipeline_end(c, op, &refusal) == 0) {
        return 0;
    }
    if (refusal.scope >= SCOPE_CONNECTION) {
        *err = refusal;
        return -(int)err->code;
    }
    log_debug(NULL, "%s", refusal.text);
    return 0;
}

static int begin_enable(struct client *c, struct introduction *done, struct client_op *op,
                        struct error *err)
{
    bool qresync = c->options.qresync && client_has(c, CAP_QRESYNC);
    bool *asked = qresync ? &done->qresync : &done->condstore;
    enum capability cap = qresync ? CAP_QRESYNC : CAP_CONDSTORE;
    if (*asked || !client_has(c, CAP_ENABLE) || !client_has(c, cap)) {
        return 0;
    }
    *asked = true;
    return enable_begin(c, op, &cap, 1, err);
}

static int begin_introduction(struct client *c, bool ask_capability, struct introduction *done,
                              struct introduction_ops *ops, struct error *err)
{
    if (ask_capability && client_command_begin(c, &ops->capability, CMD_CAPABILITY, err) < 0) {
        return -(int)err->code;
    }
    if (!done->id && c->options.id != NULL && client_has(c, CAP_ID)) {
        done->id = true;
        if (id_begin(c, &ops->id, c->options.id, NULL, err) < 0) {
            return -(int)err->code;
        }
    }
    if (begin_enable(c, done, &ops->enable, err) < 0) {
        return -(int)err->code;
    }
    if (!done->namespaces && client_has(c, CAP_NAMESPACE)) {
        done->namespaces = true;
        return client_command_begin(c, &ops->namespaces, CMD_NAMESPACE, err);
    }
    return 0;
}

/* One write, one answer: what the capabilities known so far allow and was not asked yet. All that
 * was begun is ended, whatever fails: it lives here. */
static int introduce(struct client *c, bool ask_capability, struct introduction *done,
                     struct error *err)
{
    struct introduction_ops ops = {0};
    struct client_op *const all[] = {&ops.capability, &ops.id.op, &ops.enable, &ops.namespaces};
    int result = begin_introduction(c, ask_capability, done, &ops, err);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct error later = ERROR_INIT;
        if (end_tolerantly(c, all[i], &later) < 0 && result == 0) {
            *err = later;
            result = -(int)err->code;
        }
    }
    return result;
}

static int compress(struct client *c, struct error *err)
{
    if (!c->options.compress || !client_has(c, CAP_COMPRESS_DEFLATE)) {
        return 0;
    }
    struct error refusal = ERROR_INIT;
    if (client_compress(c, &refusal) < 0) {
        if (refusal.scope >= SCOPE_CONNECTION) {
            *err = refusal;
            return -(int)err->code;
        }
        log_debug(NULL, "%s", refusal.text);
    }
    return 0;
}

/*
 * CAPABILITY is asked for after login even where the OK told it: some servers say something else
 * then, and a proxy in front of iCloud garbles what follows until it is asked. What depends on it
 * goes with it in one write, by the OK's word or else by what was offered before login; what only
 * the answer shows follows in a second one.
 */
int client_login(struct client *c, const struct client_credentials *credentials, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    if (error_is_set(&c->failure)) {
        *err = c->failure;
        return -(int)err->code;
    }
    if (c->state == STATE_NOT_AUTHENTICATED) {
        if (!c->caps_told && client_capability(c, err) < 0) {
            return client_fail(c, err);
        }
        if (client_authenticate(c, credentials, err) < 0) {
            return -(int)err->code;
        }
    }
    struct introduction done = {0};
    if (introduce(c, true, &done, err) < 0 || introduce(c, false, &done, err) < 0) {
        return -(int)err->code;
    }
    return compress(c, err);
}
