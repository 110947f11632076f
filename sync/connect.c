#include "sync/connect.h"

#include "net/dial.h"
#include "net/tls.h"
#include "config/secret.h"

/* `compress: auto` compresses only where connecting took longer: on a near server it costs more
 * than it saves. */
#define COMPRESS_AUTO_CONNECT_US 2000

struct connection {
    struct client *client;
    struct tls_context *tls;
    char *user;
    char *password;
};

static const struct id_field ID_FIELDS[] = {
    {{"name", 4}, {"maildird", 8}},
};
static const struct id_fields ID = {(struct id_field *)(uintptr_t)ID_FIELDS, 1};

static int make_tls(const struct config_account *account, struct connection *c, struct error *err)
{
    if (account->tls == CONFIG_TLS_OFF || account->tunnel != NULL)
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
    return tls_client_context(&options, &c->tls, err);
}

static int dial_account(const struct config_account *account, const struct clock *clock,
                        const struct wake *wake, struct stream **out, struct error *err)
{
    const struct dial_options options = {
        .host = account->host,
        .port = account->port,
        .family = account->address_family,
        .tunnel = account->tunnel,
        .deadline_ms = clock_deadline(clock, account->timeout_ms),
        .wake = wake,
        .clock = clock,
    };
    return dial(&options, out, err);
}

static enum client_security security_of(const struct config_account *account)
{
    if (account->tunnel != NULL || account->tls == CONFIG_TLS_OFF)
        return SECURITY_NONE;
    return account->tls == CONFIG_TLS_STARTTLS ? SECURITY_STARTTLS : SECURITY_IMPLICIT_TLS;
}

static bool wants_compression(const struct config_account *account, const struct stream *stream)
{
    if (account->compress == SWITCH_AUTO)
        return stream_connect_us(stream) > COMPRESS_AUTO_CONNECT_US;
    return account->compress == SWITCH_ON;
}

static int open_client(const struct config_account *account, const struct clock *clock,
                       const struct wake *wake, const struct tap_sink *trace, struct connection *c,
                       struct error *err)
{
    struct stream *stream = NULL;
    int r = dial_account(account, clock, wake, &stream, err);
    if (r < 0)
        return r;
    const struct client_options options = {
        .host = account->host != NULL ? account->host : "tunnel",
        .security = security_of(account),
        .tls = c->tls,
        .plaintext_ok = account->tunnel != NULL || account->allow_plaintext ||
                        (account->host != NULL && host_is_loopback(account->host)),
        .timeout_ms = account->timeout_ms,
        .clock = clock,
        .wake = wake,
        .trace = trace,
        .disable = account->disable.items,
        .id = &ID,
        .compress = wants_compression(account, stream),
        .qresync = true,
    };
    return client_open(stream, &options, &c->client, err);
}

static int read_secret(const struct config_account *account, const struct config_secret *secret,
                       const struct wake *wake, const struct clock *clock, char **out,
                       struct error *err)
{
    if (!secret_is_set(secret))
        return 0;
    return secret_read(secret, account->command_timeout_ms, wake, clock, out, err);
}

static int log_in(const struct config_account *account, const struct clock *clock,
                  const struct wake *wake, struct connection *c, struct error *err)
{
    int r = 0;
    if (client_state(c->client) == STATE_NOT_AUTHENTICATED) {
        r = read_secret(account, &account->user_command, wake, clock, &c->user, err);
        if (r == 0)
            r = read_secret(account, &account->password, wake, clock, &c->password, err);
    }
    if (r < 0)
        return r;
    const struct client_credentials credentials = {
        .user = c->user != NULL ? c->user : account->user,
        .authzid = account->authzid,
        .password = c->password,
        .mechanisms = account->auth.len > 0 ? account->auth.items : NULL,
    };
    return client_login(c->client, &credentials, err);
}

/* What a person can do about it. */
static void advise(const struct config_account *account, struct error *err)
{
    switch (err->code) {
    case ERR_AUTH:
        error_advise(err, "check `user` and the password of this account (%s)", account->origin);
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

int connection_open(const struct config_account *account, const struct clock *clock,
                    const struct wake *wake, const struct tap_sink *trace, struct connection **out,
                    struct error *err)
{
    struct connection *c = xcalloc(1, sizeof *c);
    int r = make_tls(account, c, err);
    if (r == 0)
        r = open_client(account, clock, wake, trace, c, err);
    if (r == 0)
        r = log_in(account, clock, wake, c, err);
    if (r < 0) {
        connection_close(&c);
        advise(account, err);
        return error_widen(err, SCOPE_ACCOUNT);
    }
    *out = c;
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
    tls_context_free(&c->tls);
    secret_free(&c->user);
    secret_free(&c->password);
    xfree(connection);
    return counters;
}

void connection_close(struct connection **connection)
{
    connection_finish(connection);
}
