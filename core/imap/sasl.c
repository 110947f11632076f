/* The table of mechanisms, and the client's side. */
#include "imap/sasl.h"
#include "base/alloc.h"
#include "base/base64.h"
#include "imap/limits.h"
#include "imap/sasl_private.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct mechanism_row {
    const char *name;
    bool clear_text;
    bool client_first;
    bool oauth; /* ours, not libgsasl's */
};
static const struct mechanism_row rows[SASL_MECHANISMS] = {
    [SASL_PLAIN] = {"PLAIN", true, true, false},
    [SASL_LOGIN] = {"LOGIN", true, false, false},
    [SASL_CRAM_MD5] = {"CRAM-MD5", false, false, false},
    [SASL_SCRAM_SHA_1] = {"SCRAM-SHA-1", false, true, false},
    [SASL_SCRAM_SHA_256] = {"SCRAM-SHA-256", false, true, false},
    [SASL_SCRAM_SHA_256_PLUS] = {"SCRAM-SHA-256-PLUS", false, true, false},
    [SASL_EXTERNAL] = {"EXTERNAL", false, true, false},
    [SASL_GSSAPI] = {"GSSAPI", false, true, false},
    [SASL_XOAUTH2] = {"XOAUTH2", true, true, true},
    [SASL_OAUTHBEARER] = {"OAUTHBEARER", true, true, true},
};

const char *sasl_mechanism_name(enum sasl_mechanism mechanism)
{
    assert(mechanism < SASL_MECHANISMS);
    return rows[mechanism].name;
}

bool sasl_mechanism_parse(struct str name, enum sasl_mechanism *out)
{
    for (unsigned i = 0; i < SASL_MECHANISMS; i++) {
        if (str_eq_nocase(name, str_from(rows[i].name))) {
            *out = (enum sasl_mechanism)i;
            return true;
        }
    }
    return false;
}

bool sasl_is_clear_text(enum sasl_mechanism mechanism)
{
    assert(mechanism < SASL_MECHANISMS);
    return rows[mechanism].clear_text;
}

bool sasl_client_first(enum sasl_mechanism mechanism)
{
    assert(mechanism < SASL_MECHANISMS);
    return rows[mechanism].client_first;
}

bool sasl_is_scram(enum sasl_mechanism mechanism)
{
    return mechanism == SASL_SCRAM_SHA_1 || mechanism == SASL_SCRAM_SHA_256 ||
           mechanism == SASL_SCRAM_SHA_256_PLUS;
}

bool sasl_client_supports(enum sasl_mechanism mechanism)
{
    Gsasl *library;
    assert(mechanism < SASL_MECHANISMS);
    if (rows[mechanism].oauth) {
        return true;
    }
    if (gsasl_init(&library) != GSASL_OK) {
        return false;
    }
    bool supported = gsasl_client_support_p(library, rows[mechanism].name) != 0;
    gsasl_done(library);
    return supported;
}

int sasl_fail(struct error *err, enum sasl_mechanism mechanism, int code)
{
    return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "%s: %s", rows[mechanism].name,
                     gsasl_strerror(code));
}

void sasl_take_output(struct buf *out, char *output, size_t len)
{
    buf_clear(out);
    buf_add(out, output, len);
    if (output != NULL) {
        explicit_bzero(output, len);
    }
    gsasl_free(output);
}

void sasl_set_channel_binding(Gsasl_session *session, struct str channel_binding)
{
    struct buf text AUTO_BUF = BUF_INIT(4096);
    if (channel_binding.len > 0) {
        base64_encode(&text, channel_binding);
        (void)gsasl_property_set(session, GSASL_CB_TLS_EXPORTER, text.data);
    }
}

/* ---- the client ---- */

/* libgssglue, between libgsasl and Kerberos in some systems, fills its tables without a lock. */
static pthread_mutex_t gssapi_lock = PTHREAD_MUTEX_INITIALIZER;

struct sasl_client {
    enum sasl_mechanism mechanism;
    Gsasl *library; /* NULL: OAuth */
    Gsasl_session *session;
    struct sasl_credentials credentials;
    unsigned steps;
    bool complete;
    char *oauth_error;
};

static const char *missing(enum sasl_mechanism mechanism, const struct sasl_credentials *c)
{
    bool password =
        !rows[mechanism].oauth && mechanism != SASL_EXTERNAL && mechanism != SASL_GSSAPI;
    if (rows[mechanism].oauth && c->token == NULL) {
        return "a token";
    }
    if (password && c->password == NULL) {
        return "a password";
    }
    if ((password || rows[mechanism].oauth) && c->user == NULL) {
        return "a user name";
    }
    if (mechanism == SASL_GSSAPI && c->host == NULL) {
        return "the server's name";
    }
    if (mechanism == SASL_SCRAM_SHA_256_PLUS && c->channel_binding.len == 0) {
        return "TLS 1.3 around it";
    }
    return NULL;
}

static void set_property(Gsasl_session *session, Gsasl_property property, const char *value)
{
    if (value != NULL) {
        (void)gsasl_property_set(session, property, value);
    }
}

/* libgsasl leaves it to the server whose mailbox a ticket opens; that may be another one than that
 * of the user who is named (alice@REALM, not alice). */
static const char *authorization(enum sasl_mechanism mechanism, const struct sasl_credentials *c)
{
    return c->authorize_as == NULL && mechanism == SASL_GSSAPI ? c->user : c->authorize_as;
}

static int session_start(struct sasl_client *client, struct error *err)
{
    const struct sasl_credentials *c = &client->credentials;
    const char *name = rows[client->mechanism].name;
    int r = gsasl_init(&client->library);
    if (r != GSASL_OK) {
        return sasl_fail(err, client->mechanism, r);
    }
    if (!gsasl_client_support_p(client->library, name)) {
        return error_set(err, ERR_UNSUPPORTED, SCOPE_ACCOUNT, "%s is not built in", name);
    }
    r = gsasl_client_start(client->library, name, &client->session);
    if (r != GSASL_OK) {
        return sasl_fail(err, client->mechanism, r);
    }
    set_property(client->session, GSASL_AUTHID, c->user);
    set_property(client->session, GSASL_AUTHZID, authorization(client->mechanism, c));
    set_property(client->session, GSASL_PASSWORD, c->password);
    set_property(client->session, GSASL_SERVICE, "imap");
    set_property(client->session, GSASL_HOSTNAME, c->host);
    if (client->mechanism == SASL_SCRAM_SHA_256_PLUS) {
        sasl_set_channel_binding(client->session, c->channel_binding);
    }
    return 0;
}

int sasl_client_new(enum sasl_mechanism mechanism, const struct sasl_credentials *credentials,
                    struct sasl_client **out, struct error *err)
{
    assert(mechanism < SASL_MECHANISMS);
    const char *what = missing(mechanism, credentials);
    *out = NULL;
    if (what != NULL) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "%s needs %s", rows[mechanism].name, what);
    }
    struct sasl_client *client = xcalloc(1, sizeof *client);
    client->mechanism = mechanism;
    client->credentials = *credentials;
    if (!rows[mechanism].oauth && session_start(client, err) < 0) {
        sasl_client_free(&client);
        return -(int)err->code;
    }
    *out = client;
    return 0;
}

static void lock_gssapi(const struct sasl_client *client)
{
    if (client->mechanism == SASL_GSSAPI) {
        pthread_mutex_lock(&gssapi_lock);
    }
}

static void unlock_gssapi(const struct sasl_client *client)
{
    if (client->mechanism == SASL_GSSAPI) {
        pthread_mutex_unlock(&gssapi_lock);
    }
}

void sasl_client_free(struct sasl_client **client)
{
    if (*client == NULL) {
        return;
    }
    if ((*client)->session != NULL) {
        lock_gssapi(*client);
        gsasl_finish((*client)->session);
        unlock_gssapi(*client);
    }
    if ((*client)->library != NULL) {
        gsasl_done((*client)->library);
    }
    free((*client)->oauth_error);
    xfree(client);
}

bool sasl_client_goes_first(const struct sasl_client *client)
{
    return rows[client->mechanism].client_first;
}

bool sasl_client_is_complete(const struct sasl_client *client)
{
    return client->complete;
}

const char *sasl_client_error(const struct sasl_client *client)
{
    return client->oauth_error;
}

/* Whether the `i=` of a server's first SCRAM message, if this is one, is bearable. */
static bool iterations_are_few(struct str challenge)
{
    struct str part;
    uint64_t iterations;
    while (str_split(&challenge, ',', &part)) {
        if (str_starts(part, STR("i="))) {
            return str_to_u64(str_from_offset(part, 2), &iterations) &&
                   iterations <= LIMIT_SCRAM_ITERATIONS;
        }
    }
    return true;
}

static int oauth_step(struct sasl_client *client, struct str challenge, struct buf *out,
                      struct error *err)
{
    char words[512];
    buf_clear(out);
    if (client->steps == 1) {
        sasl_oauth_payload(client->mechanism, &client->credentials, out);
        client->complete = true;
        return 0;
    }
    sasl_oauth_error_words(challenge, words, sizeof words);
    free(client->oauth_error);
    client->oauth_error = xstrdup(words);
    client->complete = false;
    if (client->mechanism == SASL_OAUTHBEARER) { /* RFC 7628 section 3.2.3 */
        buf_add_byte(out, '\1');
    }
    return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "the token is refused: %s", words);
}

/* libgsasl does not hand on what GSSAPI said. Before the server has said anything it is that there
 * is no ticket for it, or no library that makes use of one. */
static int step_fail(const struct sasl_client *client, int code, struct error *err)
{
    if (code == GSASL_GSSAPI_IMPORT_NAME_ERROR) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                         "GSSAPI: no library for Kerberos is found; install MIT's "
                         "(libgssapi_krb5.so.2; libgssglue looks for it in /etc/gssapi_mech.conf)");
    }
    if (code == GSASL_GSSAPI_INIT_SEC_CONTEXT_ERROR && client->steps == 1) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                         "GSSAPI: no valid Kerberos ticket for imap@%s; get one with kinit (klist "
                         "tells which there are); the host must be named as Kerberos knows it",
                         client->credentials.host);
    }
    return sasl_fail(err, client->mechanism, code);
}

int sasl_client_step(struct sasl_client *client, struct str challenge, struct buf *out,
                     enum sasl_step *step_out, struct error *err)
{
    char *output = NULL;
    size_t len = 0;
    *step_out = SASL_STEP_DONE;
    if (client->steps++ == LIMIT_SASL_STEPS) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "%s: more than %d challenges",
                         rows[client->mechanism].name, LIMIT_SASL_STEPS);
    }
    if (client->session == NULL) {
        return oauth_step(client, challenge, out, err);
    }
    if (sasl_is_scram(client->mechanism) && !iterations_are_few(challenge)) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "%s: more than %d iterations are asked for",
                         rows[client->mechanism].name, LIMIT_SCRAM_ITERATIONS);
    }
    client->complete = false;
    lock_gssapi(client);
    int r = gsasl_step(client->session, challenge.ptr, challenge.len, &output, &len);
    unlock_gssapi(client);
    if (r != GSASL_OK && r != GSASL_NEEDS_MORE) {
        return step_fail(client, r, err);
    }
    sasl_take_output(out, output, len);
    client->complete = r == GSASL_OK;
    *step_out = r == GSASL_OK ? SASL_STEP_DONE : SASL_STEP_MORE;
    return 0;
}
