#include "base/digest.h"
#include "base/alloc.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct digester {
    EVP_MD
    *algorithm; /* fetched once: a look-up for each message would cost as much as a small one */
    EVP_MD_CTX *context;
};

/* The default provider always has SHA-256; without it, or without memory, nothing can go on. */
static void require(bool ok)
{
    if (!ok) {
        (void)fputs("maildird: OpenSSL offers no SHA-256\n", stderr);
        abort();
    }
}

struct digester *digester_new(void)
{
    struct digester *d = xcalloc(1, sizeof *d);
    d->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    d->context = EVP_MD_CTX_new();
    require(d->algorithm != NULL && d->context != NULL);
    digester_reset(d);
    return d;
}

void digester_free(struct digester **d)
{
    if (*d == NULL) {
        return;
    }
    EVP_MD_CTX_free((*d)->context);
    EVP_MD_free((*d)->algorithm);
    xfree(d);
}

void digester_reset(struct digester *d)
{
    require(EVP_DigestInit_ex2(d->context, d->algorithm, NULL) == 1);
}

void digester_add(struct digester *d, const void *data, size_t len)
{
    require(EVP_DigestUpdate(d->context, data, len) == 1);
}

struct digest digester_finish(struct digester *d)
{
    unsigned char full[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    require(EVP_DigestFinal_ex(d->context, full, &len) == 1 && len == 32);
    struct digest cut;
    memcpy(cut.bytes, full, sizeof cut.bytes);
    digester_reset(d);
    return cut;
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool digest_is_none(const struct digest *d)
{
    static const struct digest none;
    return digest_eq(d, &none);
}

void digest_to_hex(const struct digest *d, char out[33])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof d->bytes; i++) {
        out[2 * i] = hex[d->bytes[i] >> 4];
        out[2 * i + 1] = hex[d->bytes[i] & 15];
    }
    out[32] = '\0';
}
