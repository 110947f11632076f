#include "base/alloc.h"
#include "base/buf.h"
#include "core/net/certs.h"
#include <stdio.h>
#include <stdlib.h>

static void require(bool ok)
{
    if (!ok) {
        ERR_print_errors_fp(stderr);
        abort();
    }
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    require(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void write_files(const struct cert *cert)
{
    FILE *file = fopen(cert->cert_file, "we");
    require(file != NULL && PEM_write_X509(file, cert->x509) == 1 && fclose(file) == 0);
    file = fopen(cert->key_file, "we");
    require(file != NULL && PEM_write_PrivateKey(file, cert->key, NULL, NULL, 0, NULL, NULL) == 1 &&
            fclose(file) == 0);
}

void cert_make(struct cert *out, const char *directory, const struct cert_options *options,
               const struct cert *issuer)
{
    static long serial = 1;
    X509 *cert = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    require(cert != NULL && key != NULL);
    X509 *signer = issuer == NULL ? cert : issuer->x509;
    X509_NAME *name = X509_get_subject_name(cert);
    require(X509_set_version(cert, X509_VERSION_3) == 1 &&
            ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++) == 1 &&
            X509_time_adj_ex(X509_getm_notBefore(cert), options->from_day, 0, NULL) != NULL &&
            X509_time_adj_ex(X509_getm_notAfter(cert), options->to_day, 0, NULL) != NULL &&
            X509_set_pubkey(cert, key) == 1 &&
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                       (const unsigned char *)options->name, -1, -1, 0) == 1 &&
            X509_set_issuer_name(cert, X509_get_subject_name(signer)) == 1);
    add_extension(cert, signer, NID_basic_constraints,
                  options->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (options->san != NULL) {
        add_extension(cert, signer, NID_subject_alt_name, options->san);
    }
    require(X509_sign(cert, issuer == NULL ? key : issuer->key, EVP_sha256()) > 0);
    *out = (struct cert){
        .x509 = cert,
        .key = key,
        .cert_file = xasprintf("%s/%s.pem", directory, options->name),
        .key_file = xasprintf("%s/%s.key", directory, options->name),
    };
    write_files(out);
}

void cert_free(struct cert *cert)
{
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
    xfree(&cert->cert_file);
    xfree(&cert->key_file);
}

char *cert_fingerprint(const struct cert *cert, bool key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    unsigned char *der = NULL;
    int size = key ? i2d_PUBKEY(cert->key, &der) : i2d_X509(cert->x509, &der);
    require(size > 0 && EVP_Digest(der, (size_t)size, digest, &len, EVP_sha256(), NULL) == 1);
    OPENSSL_free(der);
    struct buf text = BUF_INIT(200);
    buf_add_cstr(&text, key ? "key-sha256:" : "cert-sha256:");
    for (unsigned i = 0; i < len; i++) {
        buf_addf(&text, key ? "%s%02x" : "%s%02X", !key && i > 0 ? ":" : "", digest[i]);
    }
    return text.data;
}
