/* Authentication: which mechanism, and its exchange. */
#include "base/base64.h"
#include "net/tls.h"
#include "imap/limits.h"
#include "imap/sasl.h"
#include "client/client_private.h"
#include <strings.h>

/* A longer one waits for the server's "+", to keep the command line short. */
#define INITIAL_RESPONSE_MAX_BYTES 4096

enum secret { SECRET_NONE, SECRET_PASSWORD, SECRET_TOKEN };

/* A way to log in, under the name that the configuration has for it. */
struct mechanism {
    const char *name;
    bool command; /* the LOGIN command; else AUTHENTICATE with `sasl` */
    enum sasl_mechanism sasl;
    enum capability offered_by;
    enum secret secret;
    bool only_named; /* what it needs is not ours to see, so that `auto` cannot tell */
};

/* In the order that `auto` prefers: what shows the secret to nobody comes first. */
static const struct mechanism mechanisms[] = {
    {"oauthbearer", false, SASL_OAUTHBEARER, CAP_AUTH_OAUTHBEARER, SECRET_TOKEN, false},
    {"xoauth2", false, SASL_XOAUTH2, CAP_AUTH_XOAUTH2, SECRET_TOKEN, false},
    {"scram-sha-256-plus", false, SASL_SCRAM_SHA_256_PLUS, CAP_AUTH_SCRAM_SHA_256_PLUS,
     SECRET_PASSWORD, false},
    {"scram-sha-256", false, SASL_SCRAM_SHA_256, CAP_AUTH_SCRAM_SHA_256, SECRET_PASSWORD, false},
    {"scram-sha-1", false, SASL_SCRAM_SHA_1, CAP_AUTH_SCRAM_SHA_1, SECRET_PASSWORD, false},
    {"cram-md5", false, SASL_CRAM_MD5, CAP_AUTH_CRAM_MD5, SECRET_PASSWORD, false},
    {"plain", false, SASL_PLAIN, CAP_AUTH_PLAIN, SECRET_PASSWORD, false},
    {"login", true, SASL_LOGIN, CAP_IMAP4REV1, SECRET_PASSWORD, false},
    {"login", false, SASL_LOGIN, CAP_AUTH_LOGIN, SECRET_PASSWORD, false},
    {"external", false, SASL_EXTERNAL, CAP_AUTH_EXTERNAL, SECRET_NONE, true},
    {"gssapi", false, SASL_GSSAPI, CAP_AUTH_GSSAPI, SECRET_NONE, true},
};
#define MECHANISMS_LEN (sizeof mechanisms / sizeof mechanisms[0])

static void wipe(struct buf *b)
{
    if (b->data != NULL) {
        explicit_bzero(b->data, b->cap);
    }
    buf_free(b);
}
#define AUTO_WIPE __attribute__((cleanup(wipe)))

/* NULL, or why not. */
static const char *objection(const struct client *c, const struct client_credentials *credentials,
                             const struct mechanism *m)
{
    unsigned char binding[TLS_EXPORTER_BYTES];
    if (m->command && client_has(c, CAP_LOGINDISABLED)) {
        return "is switched off by the server";
    }
    if (!m->command && !client_has(c, m->offered_by)) {
        return "is not offered by the server";
    }
    if (!m->command && !sasl_client_supports(m->sasl)) {
        return "is not built in";
    }
    if (sasl_is_clear_text(m->sasl) && c->options.security == SECURITY_NONE &&
        !c->options.plaintext_ok) {
        return m->secret == SECRET_TOKEN ? "would show the token to the network, as the connection "
                                           "is not encrypted"
                                         : "would show the password to the network, as the "
                                           "connection is not encrypted";
    }
    if (m->sasl == SASL_LOGIN && credentials->authzid != NULL) {
        return "cannot carry an authzid";
    }
    if (m->sasl == SASL_SCRAM_SHA_256_PLUS && !stream_tls_exporter(c->stream, binding)) {
        return "needs TLS to bind to";
    }
    return NULL;
}

/* What `auto` may choose with these credentials. */
static bool suits(const struct client_credentials *credentials, const struct mechanism *m)
{
    return !m->only_named && (m->secret == SECRET_TOKEN) == (credentials->token != NULL);
}

static bool is_allowed(const struct client_credentials *credentials, const struct mechanism *m)
{
    const char *const *name = credentials->mechanisms;
    if (name == NULL) {
        return suits(credentials, m);
    }
    while (*name != NULL && strcasecmp(*name, m->name) != 0) {
        name++;
    }
    return *name != NULL;
}

/* The first without an objection, of those called `name` (NULL: that auto may choose). */
static const struct mechanism *find(const struct client *c,
                                    const struct client_credentials *credentials, const char *name)
{
    for (size_t i = 0; i < MECHANISMS_LEN; i++) {
        const struct mechanism *m = &mechanisms[i];
        bool meant = name == NULL ? suits(credentials, m) : strcasecmp(m->name, name) == 0;
        if (meant && objection(c, credentials, m) == NULL) {
            return m;
        }
    }
    return NULL;
}

static const struct mechanism *choose(const struct client *c,
                                      const struct client_credentials *credentials)
{
    const struct mechanism *found = NULL;
    if (credentials->mechanisms == NULL) {
        return find(c, credentials, NULL);
    }
    for (const char *const *name = credentials->mechanisms; found == NULL && *name != NULL;
         name++) {
        found = find(c, credentials, *name);
    }
    return found;
}

static int no_mechanism(const struct client *c, const struct client_credentials *credentials,
                        struct error *err)
{
    struct buf why = BUF_INIT(900);
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

static int send_hidden(struct client *c, struct client_op *op, struct str line, struct error *err)
{
    if (c->tap != NULL) {
        tap_hide(c->tap, true);
    }
    int result = pipeline_write(c, op, line, err);
    if (c->tap != NULL) {
        tap_hide(c->tap, false);
    }
    return result;
}

static int send_response(struct client *c, struct client_op *op, const struct buf *response,
                         struct error *err)
{
    AUTO_WIPE struct buf line = BUF_INIT(2 * LIMIT_SASL_BYTES);
    (void)buf_reserve(&line, 2 * response->len + 8);
    base64_encode(&line, buf_str(response));
    buf_add_cstr(&line, "\r\n");
    return send_hidden(c, op, buf_str(&line), err);
}

/* One exchange. */
struct exchange {
    struct client_op op;
    const struct mechanism *mechanism;
    enum sasl_step step; /* of the client's side */
    struct sasl_client *sasl;
    struct buf response; /* to be sent next */
    bool spoke;          /* the client has said something */
    bool responded;      /* ... it was computed before the server asked for it */
    struct error told;   /* the server was wrong, or told an error: what ends the exchange */
};

/* The response to the server's challenge; on an error what must be said to end the exchange. */
static int answer(struct client *c, struct exchange *x, struct error *err)
{
    AUTO_WIPE struct buf challenge = BUF_INIT(LIMIT_SASL_BYTES);
    if (x->responded) {
        x->responded = false;
        return send_response(c, &x->op, &x->response, err);
    }
    if (error_is_set(&x->told)) {
        return send_hidden(c, &x->op, STR("*\r\n"), err);
    }
    /* Whoever speaks first is asked with an empty challenge; some servers put words there. */
    bool ignored = !x->spoke && sasl_client_goes_first(x->sasl);
    x->spoke = true;
    if (!ignored && !base64_decode(&challenge, str_trim(buf_str(&c->continuation.text)))) {
        error_set(&x->told, ERR_AUTH, SCOPE_ACCOUNT, "%s asks in no base64", c->host);
        return send_hidden(c, &x->op, STR("*\r\n"), err);
    }
    if (challenge.overflowed) {
        error_set(&x->told, ERR_AUTH, SCOPE_ACCOUNT, "%s asks with more than %d bytes", c->host,
                  LIMIT_SASL_BYTES);
        return send_hidden(c, &x->op, STR("*\r\n"), err);
    }
    /* Of OAuth it is an error in words, and an empty one asks for nothing. */
    bool is_over = x->step == SASL_STEP_DONE && x->mechanism->secret != SECRET_TOKEN;
    if (is_over && challenge.len > 0) {
        error_set(&x->told, ERR_AUTH, SCOPE_ACCOUNT, "%s asks for more than there is", c->host);
        return send_hidden(c, &x->op, STR("*\r\n"), err);
    }
    if (is_over) {
        return send_hidden(c, &x->op, STR("\r\n"), err);
    }
    if (sasl_client_step(x->sasl, buf_str(&challenge), &x->response, &x->step, &x->told) < 0 &&
        sasl_client_error(x->sasl) == NULL) {
        return send_hidden(c, &x->op, STR("*\r\n"), err);
    }
    return send_response(c, &x->op, &x->response, err);
}

static int exchange_result(struct client *c, struct exchange *x, struct error *err)
{
    int result = pipeline_end(c, &x->op, err);
    const char *words = sasl_client_error(x->sasl);
    if (result < 0 && words != NULL) {
        return error_wrap(err, "%s", words);
    }
    if (error_is_set(&x->told) && result < 0) {
        return error_wrap(err, "%s", x->told.text);
    }
    if (error_is_set(&x->told)) {
        *err = x->told;
        return -(int)err->code;
    }
    if (result == 0 && !sasl_client_is_complete(x->sasl)) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                         "%s lets us in but has not proved that it knows the password", c->host);
    }
    return result;
}

static int converse(struct client *c, struct exchange *x, struct error *err)
{
    for (unsigned step = 0;; step++) {
        if (pipeline_await_continuation(c, &x->op, err) < 0) {
            return -(int)err->code;
        }
        if (x->op.result != STATUS_NONE) {
            return exchange_result(c, x, err);
        }
        if (step > LIMIT_SASL_STEPS) {
            error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION, "%s asks without end", c->host);
            return client_fail(c, err);
        }
        if (answer(c, x, err) < 0) {
            return -(int)err->code;
        }
    }
}

/* The command, with the initial response where the server takes one and it is not too long. */
static int begin_exchange(struct client *c, struct exchange *x, struct error *err)
{
    if (pipeline_open(c, &x->op, CMD_AUTHENTICATE, &no_hooks, NULL, err) < 0) {
        return -(int)err->code;
    }
    writer_format(&c->writer, " %s", sasl_mechanism_name(x->mechanism->sasl));
    if (sasl_client_goes_first(x->sasl) && client_has(c, CAP_SASL_IR)) {
        if (sasl_client_step(x->sasl, STR_EMPTY, &x->response, &x->step, err) < 0) {
            return -(int)err->code;
        }
        x->spoke = true;
        x->responded = x->response.len >= INITIAL_RESPONSE_MAX_BYTES;
        if (!x->responded) {
            AUTO_WIPE struct buf line = BUF_INIT(2 * LIMIT_SASL_BYTES);
            (void)buf_reserve(&line, 2 * x->response.len + 8);
            add_base64(&line, buf_str(&x->response));
            writer_sp(&c->writer);
            writer_raw(&c->writer, buf_str(&line));
        }
    }
    return pipeline_send(c, &x->op, err);
}

static int run_sasl(struct client *c, const struct mechanism *m,
                    const struct client_credentials *credentials, struct error *err)
{
    unsigned char binding[TLS_EXPORTER_BYTES];
    bool bound = stream_tls_exporter(c->stream, binding);
    const struct sasl_credentials wanted = {
        .user = credentials->user,
        .authorize_as = credentials->authzid,
        .password = credentials->password,
        .token = credentials->token,
        .host = c->host,
        .port = c->options.port,
        .channel_binding = bound ? str_make((const char *)binding, sizeof binding) : STR_EMPTY,
    };
    struct exchange x = {
        .mechanism = m, .step = SASL_STEP_MORE, .response = BUF_INIT(LIMIT_SASL_BYTES)};
    (void)buf_reserve(&x.response, INITIAL_RESPONSE_MAX_BYTES);
    int result = sasl_client_new(m->sasl, &wanted, &x.sasl, err);
    if (result == 0) {
        result = begin_exchange(c, &x, err);
    }
    if (result == 0) {
        result = converse(c, &x, err);
    }
    sasl_client_free(&x.sasl);
    wipe(&x.response);
    return result;
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

static const char *missing_part(const struct client_credentials *credentials,
                                const struct mechanism *m)
{
    if (credentials->user == NULL && m->secret != SECRET_NONE) {
        return "user name";
    }
    if (m->secret == SECRET_PASSWORD && credentials->password == NULL) {
        return "password";
    }
    return m->secret == SECRET_TOKEN && credentials->token == NULL ? "token" : NULL;
}

int client_authenticate(struct client *c, const struct client_credentials *credentials,
                        struct error *err)
{
    const struct mechanism *m = choose(c, credentials);
    if (m == NULL) {
        no_mechanism(c, credentials, err);
        return client_fail(c, err);
    }
    const char *missing = missing_part(credentials, m);
    if (missing != NULL) {
        error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "no %s for %s", missing, c->host);
        return client_fail(c, err);
    }
    c->caps_told = false;
    int result = m->command ? run_login(c, credentials, err) : run_sasl(c, m, credentials, err);
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
