/* The server's side. */
#include "base/alloc.h"
#include "imap/limits.h"
#include "imap/sasl_private.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define MADE_UP_BYTES 16

struct sasl_server {
    enum sasl_mechanism mechanism;
    struct sasl_passwords passwords;
    Gsasl *library;
    Gsasl_session *session;
    unsigned steps;
    char *user;
};

static bool is_offered(enum sasl_mechanism mechanism)
{
    return mechanism == SASL_PLAIN || mechanism == SASL_LOGIN || mechanism == SASL_CRAM_MD5 ||
           sasl_is_scram(mechanism);
}

/* Asked once in a process: the library sets all of itself up for it. */
static bool supported[SASL_MECHANISMS];
static pthread_once_t supported_asked = PTHREAD_ONCE_INIT;

static void ask_supported(void)
{
    Gsasl *library;
    if (gsasl_init(&library) != GSASL_OK) {
        return;
    }
    for (unsigned m = 0; m < SASL_MECHANISMS; m++) {
        supported[m] =
            is_offered(m) && gsasl_server_support_p(library, sasl_mechanism_name(m)) != 0;
    }
    gsasl_done(library);
}

bool sasl_server_supports(enum sasl_mechanism mechanism)
{
    (void)pthread_once(&supported_asked, ask_supported);
    return supported[mechanism];
}

static void wipe(struct buf *b)
{
    if (b->data != NULL) {
        explicit_bzero(b->data, b->cap);
    }
    buf_free(b);
}
#define AUTO_WIPE __attribute__((cleanup(wipe)))

/* Without telling by its time where they differ. */
static bool secrets_equal(struct str a, struct str b)
{
    unsigned char difference = a.len != b.len;
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        difference |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    }
    return difference == 0;
}

static bool find_password(struct sasl_server *server, struct buf *out)
{
    const char *user = gsasl_property_fast(server->session, GSASL_AUTHID);
    return user != NULL && server->passwords.find(server->passwords.self, str_from(user), out);
}

/* PLAIN and LOGIN: the password itself. */
static int validate_simple(struct sasl_server *server)
{
    struct buf password AUTO_WIPE = BUF_INIT(LIMIT_SASL_PASSWORD_BYTES);
    const char *told = gsasl_property_fast(server->session, GSASL_PASSWORD);
    bool good = find_password(server, &password) && told != NULL &&
                secrets_equal(buf_str(&password), str_from(told));
    return good ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

/* CRAM-MD5 and SCRAM: libgsasl computes with it. For a user that there is not it gets one made up,
 * so that the exchange ends as for a wrong password. */
static int give_password(struct sasl_server *server)
{
    struct buf password AUTO_WIPE = BUF_INIT(LIMIT_SASL_PASSWORD_BYTES);
    char made_up[MADE_UP_BYTES];
    if (!find_password(server, &password)) {
        if (gsasl_nonce(made_up, sizeof made_up) != GSASL_OK) {
            return GSASL_CRYPTO_ERROR;
        }
        buf_clear(&password);
        for (size_t i = 0; i < sizeof made_up; i++) {
            buf_addf(&password, "%02x", (unsigned char)made_up[i]);
        }
    }
    buf_add_byte(&password, '\0');
    return gsasl_property_set(server->session, GSASL_PASSWORD, password.data);
}

static int give_iterations(struct sasl_server *server)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", LIMIT_SCRAM_SERVER_ITERATIONS);
    return gsasl_property_set(server->session, GSASL_SCRAM_ITER, text);
}

static int on_property(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    struct sasl_server *server = gsasl_callback_hook_get(library);
    (void)session;
    switch (property) {
    case GSASL_VALIDATE_SIMPLE:
        return validate_simple(server);
    case GSASL_PASSWORD:
        return give_password(server);
    case GSASL_SCRAM_ITER:
        return give_iterations(server);
    default:
        return GSASL_NO_CALLBACK;
    }
}

int sasl_server_new(enum sasl_mechanism mechanism, const struct sasl_passwords *passwords,
                    struct str channel_binding, struct sasl_server **out, struct error *err)
{
    const char *name = sasl_mechanism_name(mechanism);
    *out = NULL;
    if (!sasl_server_supports(mechanism)) {
        return error_set(err, ERR_UNSUPPORTED, SCOPE_ACCOUNT, "%s is not built in", name);
    }
    struct sasl_server *server = xcalloc(1, sizeof *server);
    server->mechanism = mechanism;
    server->passwords = *passwords;
    int r = gsasl_init(&server->library);
    if (r == GSASL_OK) {
        gsasl_callback_set(server->library, on_property);
        gsasl_callback_hook_set(server->library, server);
        r = gsasl_server_start(server->library, name, &server->session);
    }
    if (r != GSASL_OK) {
        sasl_server_free(&server);
        return sasl_fail(err, mechanism, r);
    }
    (void)gsasl_property_set(server->session, GSASL_SERVICE, "imap");
    (void)gsasl_property_set(server->session, GSASL_HOSTNAME, "localhost");
    if (mechanism == SASL_SCRAM_SHA_256_PLUS) {
        sasl_set_channel_binding(server->session, channel_binding);
    }
    *out = server;
    return 0;
}

void sasl_server_free(struct sasl_server **server)
{
    if (*server == NULL) {
        return;
    }
    if ((*server)->session != NULL) {
        gsasl_finish((*server)->session);
    }
    if ((*server)->library != NULL) {
        gsasl_done((*server)->library);
    }
    free((*server)->user);
    xfree(server);
}

bool sasl_server_client_goes_first(const struct sasl_server *server)
{
    return sasl_client_first(server->mechanism);
}

const char *sasl_server_user(const struct sasl_server *server)
{
    return server->user != NULL ? server->user : "";
}

/* Nobody acts for another here. */
static int accept_user(struct sasl_server *server, struct error *err)
{
    const char *user = gsasl_property_fast(server->session, GSASL_AUTHID);
    const char *other = gsasl_property_fast(server->session, GSASL_AUTHZID);
    if (user == NULL || (other != NULL && other[0] != '\0' && strcmp(user, other) != 0)) {
        return sasl_fail(err, server->mechanism, GSASL_AUTHENTICATION_ERROR);
    }
    server->user = xstrdup(user);
    return 0;
}

int sasl_server_step(struct sasl_server *server, struct str response, struct buf *out,
                     enum sasl_step *step_out, struct error *err)
{
    char *output = NULL;
    size_t len = 0;
    *step_out = SASL_STEP_DONE;
    if (server->user != NULL || server->steps++ == LIMIT_SASL_STEPS) {
        return sasl_fail(err, server->mechanism, GSASL_MECHANISM_CALLED_TOO_MANY_TIMES);
    }
    int r = gsasl_step(server->session, response.ptr, response.len, &output, &len);
    if (r != GSASL_OK && r != GSASL_NEEDS_MORE) {
        return sasl_fail(err, server->mechanism, r);
    }
    sasl_take_output(out, output, len);
    if (r == GSASL_NEEDS_MORE) {
        *step_out = SASL_STEP_MORE;
        return 0;
    }
    return accept_user(server, err);
}
