#pragma once
/* Certificates made by the tests, as PEM files in a directory. */
#include "net/openssl.h"

struct cert {
    X509 *x509;
    EVP_PKEY *key;
    char *cert_file;
    char *key_file;
};

struct cert_options {
    const char *name;     /* common name, and of the files */
    const char *san;      /* e.g. "DNS:a.example,IP:127.0.0.1", or NULL */
    int from_day, to_day; /* validity, in days from now */
    bool ca;
};

/* Signed by `issuer`, or by itself where that is NULL. Ends the process on trouble. */
void cert_make(struct cert *out, const char *directory, const struct cert_options *options,
               const struct cert *issuer);
void cert_free(struct cert *cert);
/* "cert-sha256:HEX" (upper case, with colons), or with `key` "key-sha256:hex"; the caller owns it.
 */
char *cert_fingerprint(const struct cert *cert, bool key);
