#include "pass/connect.h"

#include "net/dial.h"
#include "net/tls.h"
#include "pass/secrets.h"

#include <pthread.h>
#include <string.h>

/* `compress: auto` compresses only where connecting took longer: on a near server it costs more
 * than it saves. */
#define COMPRESS_AUTO_CONNECT_US 2000

struct dialer {
    const struct config_account *account;
    const struct clock *clock;
    const struct tap_sink *trace;
    struct secrets *secrets;
    pthread_mutex_t lock; /* of the making of `tls` */
    struct tls_context *tls;
};

struct connection {
    struct client *client;
    struct secrets_copy secrets; /* what the client borrows */
};

static const struct id_field ID_FIELDS[] = {
    {{"name", 4}, {"maildird", 8}},
};
static const struct id_fields ID = {(struct id_field *)(uintptr_t)ID_FIELDS, 1};

struct dialer *dialer_new(const struct config_account *account, const struct clock *clock,
                          const struct tap_sink *trace)
{
    struct dialer *d = xcalloc(1, sizeof *d);
    d->account = account;
    d->clock = clock;
    d->trace = trace;
    d->secrets = secrets_new(account);
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

void dialer_free(struct dialer **dialer)
{
    if (*dialer == NULL)
        return;
    secrets_free(&(*dialer)->secrets);
    tls_context_free(&(*dialer)->tls);
    pthread_mutex_destroy(&(*dialer)->lock);
    xfree(dialer);
}

static int make_tls(struct dialer *d, struct error *err)
{
    const struct config_account *account = d->account;
    if (account->tls == CONFIG_TLS_OFF)
        return 0;
    const struct tls_options options = {
        .system_ca = account->tls_system_ca,
        .ca_file = account->tls_ca_file,
        .fingerprint = account->tls_fingerprint,
        .client_cert = account->tls_client_cert,
        .client_key = account->tls_client_key,
        .min_version = account->tls_min_version,
        .ciphers = account->tls_ciphers,
    };
    pthread_mutex_lock(&d->lock);
    int r = d->tls != NULL ? 0 : tls_client_context(&options, &d->tls, err);
    pthread_mutex_unlock(&d->lock);
    return r;
}

static int dial_account(const struct dialer *d, const struct wake *wake, struct stream **out,
                        struct error *err)
{
    const struct config_account *account = d->account;
    const struct dial_options options = {
        .host = account->host,
        .port = account->port,
        .family = account->address_family,
        .tunnel = account->tunnel,
        .proxy = account->proxy,
        .deadline_ms = clock_deadline(d->clock, account->timeout_ms),
        .wake = wake,
        .clock = d->clock,
    };
    return dial(&options, out, err);
}

static enum client_security security_of(const struct config_account *account)
{
    if (account->tls == CONFIG_TLS_OFF)
        return SECURITY_NONE;
    return account->tls == CONFIG_TLS_STARTTLS ? SECURITY_STARTTLS : SECURITY_IMPLICIT_TLS;
}

static bool wants_compression(const struct config_account *account, const struct stream *stream)
{
    if (account->compress == SWITCH_AUTO)
        return stream_connect_us(stream) > COMPRESS_AUTO_CONNECT_US;
    return account->compress == SWITCH_ON;
}

/* A proxy is another machine, whatever the address behind it. */
static bool is_private(const struct config_account *account)
{
    return account->tunnel != NULL ||
           (account->proxy == NULL && account->host != NULL && host_is_loopback(account->host));
}

static int open_client(struct dialer *d, const struct wake *wake, struct connection *c,
                       struct error *err)
{
    const struct config_account *account = d->account;
    struct stream *stream = NULL;
    int r = dial_account(d, wake, &stream, err);
    if (r < 0)
        return r;
    const struct client_options options = {
        .host = account->host != NULL ? account->host : "tunnel",
        .port = account->tunnel != NULL ? 0 : account->port,
        .security = security_of(account),
        .tls = d->tls,
        .plaintext_ok = account->allow_plaintext || is_private(account),
        .timeout_ms = account->timeout_ms,
        .clock = d->clock,
        .wake = wake,
        .trace = d->trace,
        .disable = account->disable.items,
        .id = &ID,
        .compress = wants_compression(account, stream),
        .qresync = true,
    };
    return client_open(stream, &options, &c->client, err);
}

/* What the server itself answered to the secret; everything else that is wrong with logging in was
 * found before it was sent. */
static bool is_refusal(const struct connection *c, const struct error *err)
{
    return err->code == ERR_AUTH && client_last_answer(c->client).status == STATUS_NO;
}

static int log_in(struct dialer *d, const struct wake *wake, struct connection *c, bool *refused,
                  struct error *err)
{
    const struct config_account *account = d->account;
    if (client_state(c->client) == STATE_NOT_AUTHENTICATED) {
        int r = secrets_get(d->secrets, d->clock, wake, &c->secrets, err);
        if (r < 0)
            return r;
    }
    const struct client_credentials credentials = {
        .user = c->secrets.user,
        .authzid = account->authzid,
        .password = c->secrets.password,
        .token = c->secrets.token,
        .mechanisms = account->auth.len > 0 ? account->auth.items : NULL,
    };
    int r = client_login(c->client, &credentials, err);
    *refused = r < 0 && is_refusal(c, err);
    if (*refused)
        secrets_refuse(d->secrets, &c->secrets);
    return r;
}

/* What this account proves itself with. */
static const char *proof_of(const struct config_account *account)
{
    if (config_account_needs(account) == CONFIG_NEEDS_TOKEN)
        return "token";
    if (config_account_needs(account) != 0 || account->auth.len == 0)
        return "password";
    return strcmp(account->auth.items[0], "gssapi") == 0 ? "Kerberos ticket" : "client certificate";
}

/* What a person can do about it. */
static void advise(const struct config_account *account, struct error *err)
{
    switch (err->code) {
    case ERR_AUTH:
        error_advise(err, "check `user` and the %s of this account (%s)", proof_of(account),
                     account->origin);
        break;
    case ERR_NETWORK:
        if (account->tunnel != NULL)
            error_advise(err, "check `tunnel` (%s)", account->origin);
        else
            error_advise(err, "check `host` and `port` (%s), or whether the server is up",
                         account->origin);
        break;
    case ERR_TIMEOUT:
        error_advise(err, "check `host`, `port` and `tls` (%s), or give it more `timeout`",
                     account->origin);
        break;
    default:
        break;
    }
}

static int open_once(struct dialer *d, const struct wake *wake, struct connection **out,
                     bool *refused, struct error *err)
{
    struct connection *c = xcalloc(1, sizeof *c);
    int r = open_client(d, wake, c, err);
    if (r == 0)
        r = log_in(d, wake, c, refused, err);
    if (r < 0)
        connection_close(&c);
    else
        *out = c;
    return r;
}

/* What was refused may be out of date: a token, or a password that was changed meanwhile. */
static int open_with_fresh_secret(struct dialer *d, const struct wake *wake,
                                  struct connection **out, struct error *err)
{
    const struct config_account *account = d->account;
    bool refused = false;
    struct secrets_copy fresh = {0};
    struct error again = ERROR_INIT;
    bool given_there = account->password.text != NULL && account->token_command.origin == NULL;
    if (given_there || secrets_get(d->secrets, d->clock, wake, &fresh, &again) < 0)
        return -(int)err->code;
    bool is_secret = fresh.password != NULL || fresh.token != NULL;
    secrets_wipe(&fresh);
    if (!is_secret)
        return -(int)err->code;
    error_clear(err);
    return open_once(d, wake, out, &refused, err);
}

int connection_open(struct dialer *dialer, const struct wake *wake, struct connection **out,
                    struct error *err)
{
    bool refused = false;
    int r = make_tls(dialer, err);
    if (r == 0)
        r = open_once(dialer, wake, out, &refused, err);
    if (refused)
        r = open_with_fresh_secret(dialer, wake, out, err);
    if (r < 0) {
        advise(dialer->account, err);
        return error_widen(err, SCOPE_ACCOUNT);
    }
    return 0;
}

struct client *connection_client(struct connection *connection)
{
    return connection->client;
}

struct client_counters connection_finish(struct connection **connection)
{
    struct client_counters counters = {0};
    struct connection *c = *connection;
    if (c->client != NULL)
        client_logout(&c->client, &counters);
    secrets_wipe(&c->secrets);
    xfree(connection);
    return counters;
}

void connection_abandon(struct connection **connection)
{
    struct connection *c = *connection;
    client_close(&c->client);
    secrets_wipe(&c->secrets);
    xfree(connection);
}

void connection_close(struct connection **connection)
{
    connection_finish(connection);
}
