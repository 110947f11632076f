#pragma once
/* TLS policy (what is trusted) and the TLS layer, on OpenSSL. TLS 1.2 at least. */
#include "base/buf.h"
#include "net/stream.h"

struct tls_options {
    bool system_ca;      /* trust the system's store */
    const char *ca_file; /* NULL, or PEM: CAs, and leaf certificates accepted as such */
    const char
        *fingerprint; /* NULL, or "cert-sha256:HEX" or "key-sha256:HEX", instead of a chain */
    const char *client_cert; /* NULL, or PEM */
    const char *client_key;  /* NULL: in client_cert */
    const char *min_version; /* NULL, "1.2" or "1.3" */
    const char *ciphers;     /* NULL, or OpenSSL's words */
};

/* What connections share: trust, and the last session, which the next one resumes. May be used by
 * several threads at once. Outlives the streams made with it. The system's store is read once for
 * all contexts there are at a time that trust nothing else. */
struct tls_context;

/* Errors: ERR_CONFIG naming the file that cannot be used. */
int tls_client_context(const struct tls_options *options, struct tls_context **out,
                       struct error *err);
int tls_server_context(const char *cert_file, const char *key_file, struct tls_context **out,
                       struct error *err);
/* A server context with a fresh self-signed certificate for `host` (name or address), for demo and
 * tests; the certificate is also written as PEM to `cert_pem_out` if that is not NULL. */
int tls_self_signed_context(const char *host, struct buf *cert_pem_out, struct tls_context **out,
                            struct error *err);
void tls_context_free(struct tls_context **context);

/* Handshake as client, with SNI and a check of `host` (a name or an address). ERR_TLS says what was
 * wrong with the certificate (expired since …, is for … not …, self-signed, unknown issuer) and
 * what to do. A pin mismatch prints both fingerprints. */
int stream_push_tls_client(struct stream *stream, struct tls_context *context, const char *host,
                           struct error *err);
int stream_push_tls_server(struct stream *stream, struct tls_context *context, struct error *err);

#define TLS_EXPORTER_BYTES 32
/* The channel binding tls-exporter (RFC 9266). False without TLS, and where the connection has no
 * unique one: TLS 1.2 without extended master secret. */
bool stream_tls_exporter(const struct stream *stream, unsigned char out[TLS_EXPORTER_BYTES]);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or "" without TLS; static or stream-owned. */
const char *stream_tls_description(const struct stream *stream);
