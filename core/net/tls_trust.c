/*
 * Whom a context trusts. The system's certificates are a hundred and more, which take some
 * milliseconds to read and a megabyte to hold: accounts that trust nobody else share one store of
 * them. It goes with the last context that uses it, so that the next one reads them anew. A file of
 * an account's own is read into a store of its own, and so is known to be as it was when the
 * account began.
 */
#include "net/tls_private.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the two below */
static X509_STORE *system_store;
static unsigned users;

/* So that a chain may end at any certificate in the store, the server's own included. */
static void set_flags(X509_STORE *store)
{
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
}

static X509_STORE *read_system_store(void)
{
    X509_STORE *store = X509_STORE_new();
    if (store == NULL || X509_STORE_set_default_paths(store) != 1) {
        X509_STORE_free(store);
        return NULL;
    }
    set_flags(store);
    return store;
}

static bool share_system_store(struct tls_context *context)
{
    pthread_mutex_lock(&lock);
    if (system_store == NULL) {
        system_store = read_system_store();
    }
    context->shares_store = system_store != NULL;
    if (context->shares_store) {
        users++;
        SSL_CTX_set1_cert_store(context->ssl, system_store);
    }
    pthread_mutex_unlock(&lock);
    return context->shares_store;
}

void tls_trust_free(struct tls_context *context)
{
    if (!context->shares_store) {
        return;
    }
    pthread_mutex_lock(&lock);
    if (--users == 0) {
        X509_STORE_free(system_store);
        system_store = NULL;
    }
    pthread_mutex_unlock(&lock);
    context->shares_store = false;
}

int tls_trust_set(struct tls_context *context, bool system_ca, const char *ca_file,
                  struct error *err)
{
    ERR_clear_error();
    if (system_ca && ca_file == NULL) {
        return share_system_store(context) ? 0 : tls_no_context(err);
    }
    if (system_ca && SSL_CTX_set_default_verify_paths(context->ssl) != 1) {
        return tls_no_context(err);
    }
    if (ca_file != NULL && SSL_CTX_load_verify_file(context->ssl, ca_file) != 1) {
        return tls_unusable(ca_file, "certificates to trust", err);
    }
    set_flags(SSL_CTX_get_cert_store(context->ssl));
    return 0;
}
