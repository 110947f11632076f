#pragma once
/* The inside of TLS contexts, for the files of this folder. */
#include "net/openssl.h"
#include "net/tls.h"
#include <pthread.h>

enum tls_pin_kind { TLS_PIN_NONE, TLS_PIN_CERT, TLS_PIN_KEY };

#define TLS_FINGERPRINT_BYTES 32
/* "cert-sha256:", the digits, NUL. */
#define TLS_FINGERPRINT_TEXT (12 + 2 * TLS_FINGERPRINT_BYTES + 1)

struct tls_context {
    SSL_CTX *ssl;
    bool shares_store; /* with all contexts that trust the system's certificates alone */
    enum tls_pin_kind pin_kind;
    unsigned char pin[TLS_FINGERPRINT_BYTES];
    pthread_mutex_t lock; /* for the two below; connections of several threads share a context */
    SSL_SESSION *session; /* the last one, with its host; NULL: none */
    char *session_host;
};

/* What the check of the peer's certificate found, for the words of the error. */
struct tls_verdict {
    int code;   /* X509_V_OK, or what was wrong */
    int depth;  /* 0: the server's own certificate */
    X509 *cert; /* the one at `depth`, or NULL; owned */
    X509 *leaf; /* the server's own, or NULL; owned */
};
void tls_verdict_clear(struct tls_verdict *verdict);

/* Have `context` check certificates; the verdict goes where tls_verify_attach says. */
void tls_verify_install(struct tls_context *context);
void tls_verify_attach(SSL *ssl, struct tls_verdict *verdict);
/* "cert-sha256:HEX" or "key-sha256:HEX"; colons within HEX are let through. ERR_CONFIG. */
int tls_pin_parse(struct tls_context *context, const char *text, struct error *err);
/* What was wrong with the certificate of `host`, and what to do. */
int tls_verdict_error(const struct tls_verdict *verdict, const struct tls_context *context,
                      const char *host, struct error *err);

/* Trust the system's certificates, and those in a file (NULL: none). ERR_CONFIG naming the file. */
int tls_trust_set(struct tls_context *context, bool system_ca, const char *ca_file,
                  struct error *err);
void tls_trust_free(struct tls_context *context);

/* "cannot use FILE as WHAT: reason", ERR_CONFIG; "cannot set up TLS: reason", ERR_TLS. */
int tls_unusable(const char *file, const char *what, struct error *err);
int tls_no_context(struct error *err);

/* The words of OpenSSL's oldest queued error; empties the queue. */
void tls_reason(char *out, size_t size);
/* The last session with this host; the caller owns it; NULL if there is none. Contexts keep the
 * sessions of their connections under the host that is the SSL's app data. */
SSL_SESSION *tls_session_get(struct tls_context *context, const char *host);
/* A context with what client and server have in common. */
struct tls_context *tls_context_new(const SSL_METHOD *method);
