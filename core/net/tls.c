#include "net/tls.h"
#include "base/alloc.h"
#include "net/tls_private.h"
#include <stdlib.h>

/* Several records in one read of the descriptor. */
#define TLS_READ_BUFFER_BYTES (64 * 1024)

void tls_reason(char *out, size_t size)
{
    unsigned long code = ERR_get_error();
    const char *words = ERR_reason_error_string(code);
    if (ERR_SYSTEM_ERROR(code)) {
        words = strerror(ERR_GET_REASON(code));
    }
    (void)snprintf(out, size, "%s", words != NULL ? words : "no reason given");
    ERR_clear_error();
}

int tls_unusable(const char *file, const char *what, struct error *err)
{
    char reason[160];
    tls_reason(reason, sizeof reason);
    return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT, "cannot use %s as %s: %s", file, what, reason);
}

/* OpenSSL's hook: 1 takes over the reference. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *host = SSL_get_app_data(ssl);
    pthread_mutex_lock(&context->lock);
    SSL_SESSION_free(context->session);
    free(context->session_host);
    context->session = session;
    context->session_host = xstrdup(host);
    pthread_mutex_unlock(&context->lock);
    return 1;
}

SSL_SESSION *tls_session_get(struct tls_context *context, const char *host)
{
    SSL_SESSION *session = NULL;
    pthread_mutex_lock(&context->lock);
    if (context->session != NULL && strcmp(context->session_host, host) == 0 &&
        SSL_SESSION_up_ref(context->session) == 1) {
        session = context->session;
    }
    pthread_mutex_unlock(&context->lock);
    return session;
}

/* A key with a passphrase is an error: nobody is there to be asked. */
static int no_passphrase(char *out, int size, int writing, void *data)
{
    return 0;
}

struct tls_context *tls_context_new(const SSL_METHOD *method)
{
    struct tls_context *context = xcalloc(1, sizeof *context);
    pthread_mutex_init(&context->lock, NULL);
    context->ssl = SSL_CTX_new(method);
    if (context->ssl == NULL) {
        tls_context_free(&context);
        return NULL;
    }
    SSL_CTX_set_app_data(context->ssl, context);
    SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
    /* The end of the stream without a farewell is common, and IMAP has ends of its own. */
    SSL_CTX_set_options(context->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                       SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context->ssl, 1);
    SSL_CTX_set_default_read_buffer_len(context->ssl, TLS_READ_BUFFER_BYTES);
    SSL_CTX_set_default_passwd_cb(context->ssl, no_passphrase);
    return context;
}

void tls_context_free(struct tls_context **context_ptr)
{
    struct tls_context *context = *context_ptr;
    if (context == NULL) {
        return;
    }
    SSL_SESSION_free(context->session);
    free(context->session_host);
    tls_trust_free(context);
    SSL_CTX_free(context->ssl);
    pthread_mutex_destroy(&context->lock);
    xfree(context_ptr);
}

int tls_no_context(struct error *err)
{
    char reason[160];
    tls_reason(reason, sizeof reason);
    return error_set(err, ERR_TLS, SCOPE_ACCOUNT, "cannot set up TLS: %s", reason);
}

static int load_pair(struct tls_context *context, const char *cert_file, const char *key_file,
                     struct error *err)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context->ssl, cert_file) != 1) {
        return tls_unusable(cert_file, "a certificate in PEM form", err);
    }
    if (SSL_CTX_use_PrivateKey_file(context->ssl, key_file, SSL_FILETYPE_PEM) != 1) {
        return tls_unusable(key_file,
                            "the private key (PEM, without a passphrase) of that certificate", err);
    }
    return 0;
}

/* Words for TLS 1.3 begin with TLS_; the others are for TLS 1.2. OpenSSL takes them apart. */
static int set_ciphers(struct tls_context *context, const char *words, struct error *err)
{
    AUTO_BUF struct buf suites = BUF_INIT(4096);
    AUTO_BUF struct buf ciphers = BUF_INIT(4096);
    struct str rest = str_from(words);
    struct str word;
    while (str_split(&rest, ':', &word)) {
        struct buf *list = str_starts(word, STR("TLS_")) ? &suites : &ciphers;
        buf_add_cstr(list, list->len > 0 ? ":" : "");
        buf_add_str(list, str_trim(word));
    }
    ERR_clear_error();
    bool ok = !suites.overflowed && !ciphers.overflowed &&
              (suites.len == 0 || SSL_CTX_set_ciphersuites(context->ssl, suites.data) == 1) &&
              (ciphers.len == 0 || SSL_CTX_set_cipher_list(context->ssl, ciphers.data) == 1);
    if (!ok) {
        char reason[160];
        tls_reason(reason, sizeof reason);
        return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT, "tls_ciphers: %s: \"%s\"", reason, words);
    }
    return 0;
}

static int set_min_version(struct tls_context *context, const char *text, struct error *err)
{
    static const struct {
        const char *text;
        int version;
    } versions[] = {{"1.2", TLS1_2_VERSION}, {"1.3", TLS1_3_VERSION}};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        if (strcmp(text, versions[i].text) == 0) {
            SSL_CTX_set_min_proto_version(context->ssl, versions[i].version);
            return 0;
        }
    }
    return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT,
                     "tls_min_version must be \"1.2\" or \"1.3\", not \"%s\"", text);
}

static int apply_options(struct tls_context *context, const struct tls_options *options,
                         struct error *err)
{
    int rc = tls_trust_set(context, options->system_ca, options->ca_file, err);
    if (rc == 0 && options->fingerprint != NULL) {
        rc = tls_pin_parse(context, options->fingerprint, err);
    }
    if (rc == 0 && options->min_version != NULL) {
        rc = set_min_version(context, options->min_version, err);
    }
    if (rc == 0 && options->ciphers != NULL) {
        rc = set_ciphers(context, options->ciphers, err);
    }
    if (rc == 0 && options->client_cert != NULL) {
        const char *key = options->client_key;
        rc =
            load_pair(context, options->client_cert, key != NULL ? key : options->client_cert, err);
    }
    return rc;
}

int tls_client_context(const struct tls_options *options, struct tls_context **out,
                       struct error *err)
{
    struct tls_context *context = tls_context_new(TLS_client_method());
    if (context == NULL) {
        return tls_no_context(err);
    }
    int rc = apply_options(context, options, err);
    if (rc < 0) {
        tls_context_free(&context);
        return rc;
    }
    tls_verify_install(context);
    SSL_CTX_set_session_cache_mode(context->ssl,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context->ssl, keep_session);
    *out = context;
    return 0;
}

int tls_server_context(const char *cert_file, const char *key_file, struct tls_context **out,
                       struct error *err)
{
    struct tls_context *context = tls_context_new(TLS_server_method());
    if (context == NULL) {
        return tls_no_context(err);
    }
    int rc = load_pair(context, cert_file, key_file, err);
    if (rc < 0) {
        tls_context_free(&context);
        return rc;
    }
    *out = context;
    return 0;
}
