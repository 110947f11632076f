/*
 * Authentication: which mechanism, and its exchange. A row for each mechanism; `respond` gives the
 * answer to the server's challenges one after the other.
 */
#include "base/base64.h"
#include "imap/limits.h"
#include "client/client_private.h"
#include <strings.h>

/* Responses come from passwords and tokens. */
#define RESPONSE_MAX_BYTES (64 * 1024)
/* A longer one waits for the server's "+", to keep the command line short. */
#define INITIAL_RESPONSE_MAX_BYTES 4096

struct mechanism {
    const char *name; /* as the configuration says it */
    const char *sasl; /* on the wire; NULL: the LOGIN command */
    enum capability offered_by;
    bool bare_password; /* only where nobody listens */
    /* The response number `step` (0: the initial one), not yet in base64; false: there is none. */
    bool (*respond)(const struct client_credentials *credentials, unsigned step,
                    struct str challenge, struct buf *out);
};

static void wipe(struct buf *b)
{
    if (b->data != NULL) {
        explicit_bzero(b->data, b->cap);
    }
    buf_free(b);
}
#define AUTO_WIPE __attribute__((cleanup(wipe)))

/* RFC 4616: authzid NUL authcid NUL password. */
static bool plain_respond(const struct client_credentials *credentials, unsigned step,
                          struct str challenge, struct buf *out)
{
    (void)challenge;
    if (step > 0) {
        return false;
    }
    buf_add_cstr(out, credentials->authzid != NULL ? credentials->authzid : "");
    buf_add_byte(out, '\0');
    buf_add_cstr(out, credentials->user);
    buf_add_byte(out, '\0');
    buf_add_cstr(out, credentials->password);
    return true;
}

/* In the order that `auto` prefers. */
static const struct mechanism mechanisms[] = {
    {"plain", "PLAIN", CAP_AUTH_PLAIN, true, plain_respond},
    {"login", NULL, CAP_IMAP4REV1, true, NULL},
};
#define MECHANISMS_LEN (sizeof mechanisms / sizeof mechanisms[0])

/* NULL, or why not. */
static const char *objection(const struct client *c, const struct client_credentials *credentials,
                             const struct mechanism *m)
{
    if (m->bare_password && c->options.security == SECURITY_NONE && !c->options.plaintext_ok) {
        return "would show the password to the network, as the connection is not encrypted";
    }
    if (m->sasl == NULL) {
        if (client_has(c, CAP_LOGINDISABLED)) {
            return "is switched off by the server";
        }
        return credentials->authzid != NULL ? "cannot carry an authzid" : NULL;
    }
    return client_has(c, m->offered_by) ? NULL : "is not offered by the server";
}

static bool is_allowed(const struct client_credentials *credentials, const struct mechanism *m)
{
    const char *const *name = credentials->mechanisms;
    while (name != NULL && *name != NULL && strcasecmp(*name, m->name) != 0) {
        name++;
    }
    return name == NULL || *name != NULL;
}

static const struct mechanism *find(const char *name)
{
    for (size_t i = 0; i < MECHANISMS_LEN; i++) {
        if (strcasecmp(mechanisms[i].name, name) == 0) {
            return &mechanisms[i];
        }
    }
    return NULL;
}

static const struct mechanism *choose(const struct client *c,
                                      const struct client_credentials *credentials)
{
    if (credentials->mechanisms == NULL) {
        for (size_t i = 0; i < MECHANISMS_LEN; i++) {
            if (objection(c, credentials, &mechanisms[i]) == NULL) {
                return &mechanisms[i];
            }
        }
        return NULL;
    }
    for (const char *const *name = credentials->mechanisms; *name != NULL; name++) {
        const struct mechanism *m = find(*name);
        if (m != NULL && objection(c, credentials, m) == NULL) {
            return m;
        }
    }
    return NULL;
}

static int no_mechanism(const struct client *c, const struct client_credentials *credentials,
                        struct error *err)
{
    struct buf why = BUF_INIT(500);
    for (size_t i = 0; i < MECHANISMS_LEN; i++) {
        if (is_allowed(credentials, &mechanisms[i])) {
            buf_addf(&why, "%s%s %s", why.len > 0 ? ", " : "", mechanisms[i].name,
                     objection(c, credentials, &mechanisms[i]));
        }
    }
    error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "no way to log in to %s: %.*s", c->host,
              STR_ARG(why.len > 0 ? buf_str(&why) : STR("none of the mechanisms named is known")));
    buf_free(&why);
    return -(int)err->code;
}

static void add_base64(struct buf *out, struct str data)
{
    if (data.len == 0) {
        buf_add_byte(out, '=');
    } else {
        base64_encode(out, data);
    }
}

/* One more line of the exchange: a response, or "*", which gives up. */
static int answer(struct client *c, struct client_op *op, const struct mechanism *m,
                  const struct client_credentials *credentials, unsigned step, struct error *err)
{
    AUTO_WIPE struct buf challenge = BUF_INIT(RESPONSE_MAX_BYTES);
    AUTO_WIPE struct buf response = BUF_INIT(RESPONSE_MAX_BYTES);
    AUTO_WIPE struct buf line = BUF_INIT(2 * RESPONSE_MAX_BYTES);
    (void)base64_decode(&challenge, buf_str(&c->continuation.text));
    if (!m->respond(credentials, step, buf_str(&challenge), &response)) {
        buf_add_byte(&line, '*');
    } else {
        base64_encode(&line, buf_str(&response));
    }
    buf_add_cstr(&line, "\r\n");
    if (c->tap != NULL) {
        tap_hide(c->tap, true);
    }
    int result = pipeline_write(c, op, buf_str(&line), err);
    if (c->tap != NULL) {
        tap_hide(c->tap, false);
    }
    return result;
}

static int run_sasl(struct client *c, const struct mechanism *m,
                    const struct client_credentials *credentials, struct error *err)
{
    struct client_op op;
    unsigned step = 0;
    if (pipeline_open(c, &op, CMD_AUTHENTICATE, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    writer_format(&c->writer, " %s", m->sasl);
    if (client_has(c, CAP_SASL_IR)) {
        AUTO_WIPE struct buf response = BUF_INIT(RESPONSE_MAX_BYTES);
        AUTO_WIPE struct buf line = BUF_INIT(2 * RESPONSE_MAX_BYTES);
        if (m->respond(credentials, 0, STR_EMPTY, &response) &&
            response.len < INITIAL_RESPONSE_MAX_BYTES) {
            step++;
            add_base64(&line, buf_str(&response));
            writer_sp(&c->writer);
            writer_raw(&c->writer, buf_str(&line));
        }
    }
    if (pipeline_send(c, &op, err) < 0) {
        return -(int)err->code;
    }
    for (;; step++) {
        if (pipeline_await_continuation(c, &op, err) < 0) {
            return -(int)err->code;
        }
        if (op.result != STATUS_NONE) {
            return pipeline_end(c, &op, err);
        }
        if (step > LIMIT_SASL_STEPS) {
            error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION, "%s asks without end", c->host);
            return client_fail(c, err);
        }
        if (answer(c, &op, m, credentials, step, err) < 0) {
            return -(int)err->code;
        }
    }
}

static int run_login(struct client *c, const struct client_credentials *credentials,
                     struct error *err)
{
    struct client_op op;
    if (pipeline_open(c, &op, CMD_LOGIN, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    writer_sp(&c->writer);
    writer_astring(&c->writer, str_from(credentials->user));
    writer_sp(&c->writer);
    writer_string(&c->writer, str_from(credentials->password));
    return pipeline_run(c, &op, err);
}

/* Refusals that say nothing about the password (RFC 5530). */
static bool is_temporary(const struct error *err)
{
    static const enum response_code codes[] = {CODE_UNAVAILABLE, CODE_INUSE, CODE_LIMIT,
                                               CODE_SERVERBUG};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcasecmp(err->response_code, response_code_name(codes[i])) == 0) {
            return true;
        }
    }
    return false;
}

int client_authenticate(struct client *c, const struct client_credentials *credentials,
                        struct error *err)
{
    const struct mechanism *m = choose(c, credentials);
    if (m == NULL) {
        no_mechanism(c, credentials, err);
        return client_fail(c, err);
    }
    if (credentials->user == NULL || credentials->password == NULL) {
        error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "no %s for %s",
                  credentials->user == NULL ? "user name" : "password", c->host);
        return client_fail(c, err);
    }
    c->caps_told = false;
    int result =
        m->sasl == NULL ? run_login(c, credentials, err) : run_sasl(c, m, credentials, err);
    if (result < 0) {
        if (err->code == ERR_NO && !is_temporary(err)) {
            err->code = ERR_AUTH;
            error_widen(err, SCOPE_ACCOUNT);
        }
        return client_fail(c, err);
    }
    client_set_state(c, STATE_AUTHENTICATED);
    return 0;
}
