#include "base/alloc.h"
#include "net/tls_private.h"
#include <arpa/inet.h>

#define DAY_S (24 * 60 * 60)
#define VALID_DAYS 3650
#define PEM_MAX_BYTES 16384

static bool is_address(const char *host)
{
    struct in6_addr any;
    return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool set_serial(X509 *cert)
{
    /* Random, so that two certificates of one host are never taken for one. */
    unsigned char bytes[8];
    uint64_t number;
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    memcpy(&number, bytes, sizeof number);
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), number >> 1) == 1;
}

static bool set_names(X509 *cert, const char *host)
{
    AUTO_FREE char *alternative = xasprintf("%s:%s", is_address(host) ? "IP" : "DNS", host);
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)host, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1 &&
           add_extension(cert, NID_subject_alt_name, alternative);
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *host)
{
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(cert), VALID_DAYS, 0, NULL) != NULL &&
           X509_set_pubkey(cert, key) == 1 && set_names(cert, host) &&
           add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool write_pem(X509 *cert, struct buf *out)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool ok = memory != NULL && PEM_write_bio_X509(memory, cert) == 1;
    long len = ok ? BIO_get_mem_data(memory, &data) : 0;
    if (ok && len > 0 && len < PEM_MAX_BYTES) {
        buf_add(out, data, (size_t)len);
    }
    BIO_free(memory);
    return ok;
}

int tls_self_signed_context(const char *host, struct buf *cert_pem_out, struct tls_context **out,
                            struct error *err)
{
    ERR_clear_error();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    struct tls_context *context = tls_context_new(TLS_server_method());
    bool ok = key != NULL && cert != NULL && context != NULL && fill(cert, key, host) &&
              SSL_CTX_use_certificate(context->ssl, cert) == 1 &&
              SSL_CTX_use_PrivateKey(context->ssl, key) == 1 &&
              (cert_pem_out == NULL || write_pem(cert, cert_pem_out));
    X509_free(cert);
    EVP_PKEY_free(key);
    if (!ok) {
        tls_context_free(&context);
        char reason[160];
        tls_reason(reason, sizeof reason);
        return error_set(err, ERR_TLS, SCOPE_ACCOUNT, "cannot make a certificate for %s: %s", host,
                         reason);
    }
    *out = context;
    return 0;
}
