/* Which server certificates are accepted, and how a refusal is put to a person. */
#include "base/alloc.h"
#include "net/tls_private.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#define NAME_MAX_BYTES 160
#define SHOWN_NAMES 5
#define DATE_BYTES 32

static const char *const pin_words[] = {
    [TLS_PIN_NONE] = "", [TLS_PIN_CERT] = "cert-sha256:", [TLS_PIN_KEY] = "key-sha256:"};

static int verdict_index;

static void make_index(void)
{
    verdict_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool parse_hex(struct str text, unsigned char out[TLS_FINGERPRINT_BYTES])
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.ptr[i]);
        if (text.ptr[i] == ':' && digits % 2 == 0) {
            continue;
        }
        if (digit < 0 || digits == 2 * TLS_FINGERPRINT_BYTES) {
            return false;
        }
        unsigned char *byte = &out[digits / 2];
        *byte = (unsigned char)(digits % 2 == 0 ? digit << 4 : *byte | digit);
        digits++;
    }
    return digits == 2 * TLS_FINGERPRINT_BYTES;
}

int tls_pin_parse(struct tls_context *context, const char *text, struct error *err)
{
    struct str given = str_trim(str_from(text));
    static const enum tls_pin_kind kinds[] = {TLS_PIN_CERT, TLS_PIN_KEY};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct str word = str_from(pin_words[kinds[i]]);
        if (str_starts_nocase(given, word) &&
            parse_hex(str_from_offset(given, word.len), context->pin)) {
            context->pin_kind = kinds[i];
            return 0;
        }
    }
    return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT,
                     "tls_fingerprint must be cert-sha256: or key-sha256: and 64 hexadecimal "
                     "digits, not \"%s\"",
                     text);
}

/* SHA-256 of the certificate, or of its SubjectPublicKeyInfo. */
static bool fingerprint(const X509 *cert, enum tls_pin_kind kind,
                        unsigned char out[TLS_FINGERPRINT_BYTES])
{
    unsigned len = 0;
    if (kind == TLS_PIN_CERT) {
        return X509_digest(cert, EVP_sha256(), out, &len) == 1 && len == TLS_FINGERPRINT_BYTES;
    }
    unsigned char *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    bool ok = size > 0 && EVP_Digest(der, (size_t)size, out, &len, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return ok && len == TLS_FINGERPRINT_BYTES;
}

static void fingerprint_text(enum tls_pin_kind kind, const unsigned char pin[TLS_FINGERPRINT_BYTES],
                             char out[TLS_FINGERPRINT_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    size_t at = strlen(pin_words[kind]);
    memcpy(out, pin_words[kind], at);
    for (size_t i = 0; i < TLS_FINGERPRINT_BYTES; i++) {
        out[at++] = hex[pin[i] >> 4];
        out[at++] = hex[pin[i] & 15];
    }
    out[at] = '\0';
}

void tls_verdict_clear(struct tls_verdict *verdict)
{
    X509_free(verdict->cert);
    X509_free(verdict->leaf);
    *verdict = (struct tls_verdict){.code = X509_V_OK};
}

static void note(struct tls_verdict *verdict, X509_STORE_CTX *store)
{
    tls_verdict_clear(verdict);
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    cert = cert != NULL ? cert : leaf;
    verdict->code = X509_STORE_CTX_get_error(store);
    verdict->depth = X509_STORE_CTX_get_error_depth(store);
    verdict->cert = cert != NULL && X509_up_ref(cert) == 1 ? cert : NULL;
    verdict->leaf = leaf != NULL && X509_up_ref(leaf) == 1 ? leaf : NULL;
}

static bool is_pinned(const struct tls_context *context, const X509 *leaf)
{
    unsigned char found[TLS_FINGERPRINT_BYTES];
    return leaf != NULL && fingerprint(leaf, context->pin_kind, found) &&
           memcmp(found, context->pin, sizeof found) == 0;
}

/* OpenSSL's hook in the place of its own check: a pin is accepted instead of a chain. */
static int verify(X509_STORE_CTX *store, void *arg)
{
    const struct tls_context *context = arg;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_verdict *verdict = SSL_get_ex_data(ssl, verdict_index);
    bool ok;
    if (context->pin_kind == TLS_PIN_NONE) {
        ok = X509_verify_cert(store) == 1;
    } else {
        ok = is_pinned(context, X509_STORE_CTX_get0_cert(store));
        X509_STORE_CTX_set_error(store, ok ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    }
    if (!ok) {
        note(verdict, store);
    }
    return ok;
}

void tls_verify_install(struct tls_context *context)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_index);
    SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context->ssl, verify, context);
}

void tls_verify_attach(SSL *ssl, struct tls_verdict *verdict)
{
    SSL_set_ex_data(ssl, verdict_index, verdict);
}

static void name_text(const X509_NAME *name, char out[NAME_MAX_BYTES])
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len = 0;
    /* As written, not escaped: error_set takes care of control characters. */
    unsigned long form = XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    if (memory != NULL && X509_NAME_print_ex(memory, name, 0, form) >= 0) {
        len = BIO_get_mem_data(memory, &data);
    }
    int shown = len < NAME_MAX_BYTES - 1 ? (int)len : NAME_MAX_BYTES - 1;
    (void)snprintf(out, NAME_MAX_BYTES, "%.*s", shown, data != NULL ? data : "");
    BIO_free(memory);
}

static void date_text(const ASN1_TIME *time, char out[DATE_BYTES])
{
    struct tm utc = {0};
    if (ASN1_TIME_to_tm(time, &utc) != 1 ||
        strftime(out, DATE_BYTES, "%Y-%m-%d %H:%M UTC", &utc) == 0) {
        (void)snprintf(out, DATE_BYTES, "an unreadable date");
    }
}

static void add_name(struct buf *out, const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN] = "";
    const char *comma = out->len > 0 ? ", " : "";
    if (name->type == GEN_DNS) {
        buf_addf(out, "%s%.*s", comma, ASN1_STRING_length(name->d.dNSName),
                 (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
        int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
        int expected = family == AF_INET ? 4 : 16;
        if (ASN1_STRING_length(name->d.iPAddress) == expected) {
            inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), address, sizeof address);
            buf_addf(out, "%s%s", comma, address);
        }
    }
}

/* The names and addresses that the certificate is for, else its subject. */
static void names_text(const X509 *cert, struct buf *out)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int count = names == NULL ? 0 : sk_GENERAL_NAME_num(names);
    for (int i = 0; i < count && i < SHOWN_NAMES; i++) {
        add_name(out, sk_GENERAL_NAME_value(names, i));
    }
    if (count > SHOWN_NAMES) {
        buf_addf(out, " and %d more", count - SHOWN_NAMES);
    }
    GENERAL_NAMES_free(names);
    if (out->len == 0) {
        char subject[NAME_MAX_BYTES];
        name_text(X509_get_subject_name(cert), subject);
        buf_add_cstr(out, subject);
    }
}

/* What the parts of a refusal are made of. */
struct refusal {
    const struct tls_verdict *verdict;
    const char *host;
    char subject[NAME_MAX_BYTES];
    char issuer[NAME_MAX_BYTES];
    char not_before[DATE_BYTES];
    char not_after[DATE_BYTES];
    char pin[TLS_FINGERPRINT_TEXT]; /* of the server's own certificate */
};

static int expired(const struct refusal *r, struct error *err)
{
    return error_set(err, ERR_TLS, SCOPE_CONNECTION,
                     "the certificate of %s is expired since %s (%s%s): check the clock here, have "
                     "the server renew it, or accept it with tls_fingerprint: %s",
                     r->host, r->not_after, r->verdict->depth > 0 ? "in its chain: " : "",
                     r->subject, r->pin);
}

static int not_yet_valid(const struct refusal *r, struct error *err)
{
    return error_set(err, ERR_TLS, SCOPE_CONNECTION,
                     "the certificate of %s is not valid before %s (%s): is the clock here right?",
                     r->host, r->not_before, r->subject);
}

static int wrong_name(const struct refusal *r, struct error *err)
{
    AUTO_BUF struct buf names = BUF_INIT(ERROR_TEXT_MAX / 2);
    names_text(r->verdict->leaf, &names);
    return error_set(
        err, ERR_TLS, SCOPE_CONNECTION,
        "the certificate is for %.*s, not for %s: set host to a name it is for, or, if "
        "this is the right server, tls_fingerprint: %s",
        STR_ARG(buf_str(&names)), r->host, r->pin);
}

static int self_signed(const struct refusal *r, struct error *err)
{
    return error_set(err, ERR_TLS, SCOPE_CONNECTION,
                     "the certificate of %s is self-signed (%s): if it is the right one, set "
                     "tls_ca_file to a copy of it, or tls_fingerprint: %s",
                     r->host, r->subject, r->pin);
}

static int unknown_issuer(const struct refusal *r, struct error *err)
{
    bool root = r->verdict->code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
    return error_set(err, ERR_TLS, SCOPE_CONNECTION,
                     "the certificate of %s comes from an issuer not trusted here (%s): set "
                     "tls_ca_file to the issuer's certificate, or, if this is the right server, "
                     "tls_fingerprint: %s",
                     r->host, root ? r->subject : r->issuer, r->pin);
}

static int other_trouble(const struct refusal *r, struct error *err)
{
    return error_set(err, ERR_TLS, SCOPE_CONNECTION,
                     "the certificate of %s is refused: %s (%s); if it is the right one, set "
                     "tls_fingerprint: %s",
                     r->host, X509_verify_cert_error_string(r->verdict->code), r->subject, r->pin);
}

static const struct {
    int code;
    int (*describe)(const struct refusal *r, struct error *err);
} descriptions[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, expired},
    {X509_V_ERR_CERT_NOT_YET_VALID, not_yet_valid},
    {X509_V_ERR_HOSTNAME_MISMATCH, wrong_name},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, wrong_name},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, self_signed},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, unknown_issuer},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, unknown_issuer},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, unknown_issuer},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, unknown_issuer},
};

static int pin_mismatch(const struct tls_context *context, const X509 *cert, const char *host,
                        struct error *err)
{
    char expected[TLS_FINGERPRINT_TEXT];
    char found_text[TLS_FINGERPRINT_TEXT] = "no usable certificate";
    unsigned char found[TLS_FINGERPRINT_BYTES];
    fingerprint_text(context->pin_kind, context->pin, expected);
    if (cert != NULL && fingerprint(cert, context->pin_kind, found)) {
        fingerprint_text(context->pin_kind, found, found_text);
    }
    return error_set(err, ERR_TLS, SCOPE_CONNECTION,
                     "the certificate of %s is not the one of tls_fingerprint: expected %s, found "
                     "%s; if it was renewed, set the new one",
                     host, expected, found_text);
}

int tls_verdict_error(const struct tls_verdict *verdict, const struct tls_context *context,
                      const char *host, struct error *err)
{
    if (context->pin_kind != TLS_PIN_NONE) {
        return pin_mismatch(context, verdict->leaf, host, err);
    }
    if (verdict->cert == NULL || verdict->leaf == NULL) {
        return error_set(err, ERR_TLS, SCOPE_CONNECTION, "the certificate of %s is refused: %s",
                         host, X509_verify_cert_error_string(verdict->code));
    }
    struct refusal r = {.verdict = verdict, .host = host};
    unsigned char pin[TLS_FINGERPRINT_BYTES] = {0};
    name_text(X509_get_subject_name(verdict->cert), r.subject);
    name_text(X509_get_issuer_name(verdict->cert), r.issuer);
    date_text(X509_get0_notBefore(verdict->cert), r.not_before);
    date_text(X509_get0_notAfter(verdict->cert), r.not_after);
    (void)fingerprint(verdict->leaf, TLS_PIN_CERT, pin);
    fingerprint_text(TLS_PIN_CERT, pin, r.pin);
    for (size_t i = 0; i < sizeof descriptions / sizeof *descriptions; i++) {
        if (descriptions[i].code == verdict->code) {
            return descriptions[i].describe(&r, err);
        }
    }
    return other_trouble(&r, err);
}
