/*
 * TLS as a layer. OpenSSL reads and writes through a BIO over the layer below, so that it stacks
 * over anything. What that layer said last (wait for what, or which error) is kept and handed up
 * when OpenSSL reports that it got stuck there.
 */
#include "base/alloc.h"
#include "net/stream_private.h"
#include "net/tls_private.h"
#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum tls_state { TLS_HANDSHAKE, TLS_OPEN, TLS_BROKEN };

struct tls_layer {
    SSL *ssl;
    struct stream_layer *layer; /* NULL until pushed */
    enum tls_state state;
    char *host; /* without a trailing dot; NULL on the server's side */
    struct tls_verdict verdict;
    enum stream_want below_want;
    struct error below_error; /* set: the layer below failed */
    bool below_ended;
};

static int bio_read(BIO *bio, char *out, int size)
{
    struct tls_layer *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t got =
        stream_below_read(tls->layer, out, (size_t)size, &tls->below_want, &tls->below_error);
    if (got > 0) {
        return (int)got;
    }
    if (got == STREAM_AGAIN) {
        BIO_set_retry_read(bio);
    } else if (got == 0) {
        tls->below_ended = true;
        return 0;
    }
    return -1;
}

static int bio_write(BIO *bio, const char *data, int size)
{
    struct tls_layer *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t taken =
        stream_below_write(tls->layer, data, (size_t)size, &tls->below_want, &tls->below_error);
    if (taken == STREAM_AGAIN) {
        BIO_set_retry_write(bio);
    }
    return taken < 0 ? -1 : (int)taken;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_layer *tls = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return tls->below_ended;
    default:
        return 0;
    }
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (bio_method != NULL) {
        BIO_meth_set_read(bio_method, bio_read);
        BIO_meth_set_write(bio_method, bio_write);
        BIO_meth_set_ctrl(bio_method, bio_ctrl);
    }
}

static BIO *bio_new(struct tls_layer *tls)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    BIO *bio = bio_method == NULL ? NULL : BIO_new(bio_method);
    if (bio != NULL) {
        BIO_set_data(bio, tls);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* After a call of OpenSSL that gave `status` <= 0: STREAM_AGAIN, 0 at the end of the stream, or the
 * error. */
static int stuck(struct tls_layer *tls, int status, enum stream_want *want, struct error *err)
{
    switch (SSL_get_error(tls->ssl, status)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        *want = tls->below_want;
        return STREAM_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        break;
    }
    tls->state = TLS_BROKEN;
    if (error_is_set(&tls->below_error)) {
        *err = tls->below_error;
        return -(int)err->code;
    }
    char reason[160];
    tls_reason(reason, sizeof reason);
    return error_set(err, ERR_TLS, SCOPE_CONNECTION, "TLS: %s", reason);
}

static int clamp(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

static ssize_t tls_try_read(struct stream_layer *layer, void *out, size_t size,
                            enum stream_want *want, struct error *err)
{
    struct tls_layer *tls = layer->self;
    ERR_clear_error();
    int got = SSL_read(tls->ssl, out, clamp(size));
    return got > 0 ? got : stuck(tls, got, want, err);
}

static ssize_t tls_try_write(struct stream_layer *layer, const void *data, size_t size,
                             enum stream_want *want, struct error *err)
{
    struct tls_layer *tls = layer->self;
    ERR_clear_error();
    int taken = SSL_write(tls->ssl, data, clamp(size));
    if (taken > 0) {
        return taken;
    }
    int rc = stuck(tls, taken, want, err);
    if (rc == 0) {
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "the server closed the connection");
    }
    return rc;
}

static void tls_close(struct stream_layer *layer)
{
    struct tls_layer *tls = layer->self;
    if (tls->state == TLS_OPEN) {
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl);
    }
    SSL_free(tls->ssl);
    tls_verdict_clear(&tls->verdict);
    ERR_clear_error();
    free(tls->host);
    xfree(&layer->self);
}

static const struct stream_layer_ops tls_ops = {
    .name = "tls",
    .try_read = tls_try_read,
    .try_write = tls_try_write,
    .close = tls_close,
};

/* Plain text where a TLS record should begin has a few typical looks to OpenSSL. */
static const char *handshake_hint(unsigned long code)
{
    switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_HTTP_REQUEST:
        return "; perhaps the server speaks plain text first on this port: then tls is starttls";
    default:
        return "";
    }
}

static int handshake_error(struct tls_layer *tls, struct error *err)
{
    const struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls->ssl));
    const char *peer = tls->host != NULL ? tls->host : "the client";
    if (tls->verdict.code != X509_V_OK) {
        return tls_verdict_error(&tls->verdict, context, peer, err);
    }
    if (error_is_set(&tls->below_error)) {
        *err = tls->below_error;
        return error_wrap(err, "TLS handshake with %s", peer);
    }
    if (tls->below_ended) {
        return error_set(err, ERR_TLS, SCOPE_CONNECTION,
                         "%s closed the connection during the TLS handshake", peer);
    }
    const char *hint = handshake_hint(ERR_peek_error());
    char reason[160];
    tls_reason(reason, sizeof reason);
    return error_set(err, ERR_TLS, SCOPE_CONNECTION, "TLS handshake with %s failed: %s%s", peer,
                     reason, hint);
}

static int handshake(struct stream *stream, struct tls_layer *tls, struct error *err)
{
    for (;;) {
        ERR_clear_error();
        int status = SSL_do_handshake(tls->ssl);
        if (status == 1) {
            tls->state = TLS_OPEN;
            (void)snprintf(stream->tls_description, sizeof stream->tls_description, "%s %s",
                           SSL_get_version(tls->ssl), SSL_get_cipher_name(tls->ssl));
            return 0;
        }
        int reason = SSL_get_error(tls->ssl, status);
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
            tls->state = TLS_BROKEN;
            return handshake_error(tls, err);
        }
        int rc = stream_wait(stream, tls->below_want, err);
        if (rc < 0) {
            tls->state = TLS_BROKEN;
            const char *peer = tls->host != NULL ? tls->host : "the client";
            return rc == -ERR_CANCELLED ? rc : error_wrap(err, "TLS handshake with %s", peer);
        }
    }
}

static bool host_is_address(const char *host)
{
    struct in6_addr any;
    return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static bool set_up_client(struct tls_layer *tls, struct tls_context *context, const char *host)
{
    size_t len = strlen(host);
    tls->host = xstrndup(host, len > 1 && host[len - 1] == '.' ? len - 1 : len);
    SSL_set_connect_state(tls->ssl);
    SSL_set_app_data(tls->ssl, tls->host);
    tls_verify_attach(tls->ssl, &tls->verdict);
    SSL_SESSION *session = tls_session_get(context, tls->host);
    if (session != NULL) {
        (void)SSL_set_session(tls->ssl, session);
        SSL_SESSION_free(session);
    }
    X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (host_is_address(tls->host)) {
        return X509_VERIFY_PARAM_set1_ip_asc(param, tls->host) == 1;
    }
    return SSL_set_tlsext_host_name(tls->ssl, tls->host) == 1 &&
           X509_VERIFY_PARAM_set1_host(param, tls->host, 0) == 1;
}

/* `host` NULL: as server. */
static int push(struct stream *stream, struct tls_context *context, const char *host,
                struct error *err)
{
    if (stream->in.len > stream->in_at) {
        return error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION,
                         "plain text arrived where the TLS handshake should begin: somebody may "
                         "have injected it");
    }
    int rc = stream_flush(stream, err);
    if (rc < 0) {
        return rc;
    }
    ERR_clear_error();
    struct tls_layer *tls = xcalloc(1, sizeof *tls);
    tls->ssl = SSL_new(context->ssl);
    BIO *bio = tls->ssl == NULL ? NULL : bio_new(tls);
    if (bio != NULL) {
        SSL_set_bio(tls->ssl, bio, bio);
    }
    stream_push(stream, &tls_ops, tls);
    tls->layer = stream->top;
    bool ready = bio != NULL;
    if (ready && host != NULL) {
        ready = set_up_client(tls, context, host);
    } else if (ready) {
        SSL_set_accept_state(tls->ssl);
    }
    if (!ready) {
        tls->state = TLS_BROKEN;
        char reason[160];
        tls_reason(reason, sizeof reason);
        return error_set(err, ERR_TLS, SCOPE_CONNECTION, "cannot set up TLS: %s", reason);
    }
    return handshake(stream, tls, err);
}

int stream_push_tls_client(struct stream *stream, struct tls_context *context, const char *host,
                           struct error *err)
{
    return push(stream, context, host, err);
}

int stream_push_tls_server(struct stream *stream, struct tls_context *context, struct error *err)
{
    return push(stream, context, NULL, err);
}

static const struct tls_layer *find_tls(const struct stream *stream)
{
    const struct stream_layer *layer = stream->top;
    while (layer != NULL && layer->ops != &tls_ops) {
        layer = layer->below;
    }
    return layer == NULL ? NULL : layer->self;
}

bool stream_tls_exporter(const struct stream *stream, unsigned char out[TLS_EXPORTER_BYTES])
{
    static const char label[] = "EXPORTER-Channel-Binding";
    const struct tls_layer *tls = find_tls(stream);
    if (tls == NULL || tls->state != TLS_OPEN ||
        (SSL_version(tls->ssl) < TLS1_3_VERSION && SSL_get_extms_support(tls->ssl) != 1)) {
        return false;
    }
    return SSL_export_keying_material(tls->ssl, out, TLS_EXPORTER_BYTES, label, sizeof label - 1,
                                      (const unsigned char *)"", 0, 1) == 1;
}
