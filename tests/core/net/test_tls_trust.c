#include "base/alloc.h"
#include "net/tls.h"
#include "core/base/scratch.h"
#include "core/net/certs.h"
#include "core/net/peer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* Which contexts have the certificates that they trust in common. */

enum { CA, STRANGER, SERVER, CERT_COUNT };

static char *directory;
static struct cert certs[CERT_COUNT];
static struct tls_context *server;

static int begin(void **state)
{
    static const struct cert_options plan[CERT_COUNT] = {
        [CA] = {"Test CA", NULL, -1, 30, true},
        [STRANGER] = {"Stranger", NULL, -1, 30, true},
        [SERVER] = {"server", "DNS:mail.example", -1, 30, false},
    };
    struct error err = ERROR_INIT;
    directory = scratch_new();
    for (int i = 0; i < CERT_COUNT; i++) {
        cert_make(&certs[i], directory, &plan[i], i == SERVER ? &certs[CA] : NULL);
    }
    return tls_server_context(certs[SERVER].cert_file, certs[SERVER].key_file, &server, &err);
}

static int end(void **state)
{
    tls_context_free(&server);
    for (int i = 0; i < CERT_COUNT; i++) {
        cert_free(&certs[i]);
    }
    scratch_free(&directory);
    return 0;
}

/* What is read from here on. */
static void system_trusts(int cert)
{
    assert_int_equal(setenv("SSL_CERT_FILE", certs[cert].cert_file, 1), 0);
    assert_int_equal(setenv("SSL_CERT_DIR", directory, 1), 0);
}

/* `ca` -1: the system's certificates alone. */
static struct tls_context *client_with(int ca)
{
    struct tls_context *context = NULL;
    struct error err = ERROR_INIT;
    const struct tls_options options = {.system_ca = true,
                                        .ca_file = ca < 0 ? NULL : certs[ca].cert_file};
    if (tls_client_context(&options, &context, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return context;
}

static void serve(struct stream *theirs, void *arg)
{
    struct error err = ERROR_INIT;
    char got;
    if (stream_push_tls_server(theirs, server, &err) == 0) {
        (void)stream_read(theirs, &got, 1, &err);
    }
}

static bool accepts(struct tls_context *client)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    peer_open(&peer, NULL);
    peer_start(&peer, serve, NULL);
    int rc = stream_push_tls_client(peer.ours, client, "mail.example", &err);
    stream_close(&peer.ours);
    peer_close(&peer);
    assert_true(rc == 0 || rc == -ERR_TLS);
    return rc == 0;
}

static void the_system_store_is_read_once_for_all(void **state)
{
    system_trusts(CA);
    struct tls_context *first = client_with(-1);
    system_trusts(STRANGER);
    struct tls_context *second = client_with(-1);
    assert_true(accepts(first) && accepts(second));
    tls_context_free(&first);
    first = client_with(-1);
    assert_true(accepts(first) && accepts(second));
    tls_context_free(&first);
    tls_context_free(&second);
    /* Nobody uses it any more: what is there now is read. */
    first = client_with(-1);
    assert_false(accepts(first));
    tls_context_free(&first);
}

/* What one account trusts besides is not for another one. */
static void law7_a_file_is_trusted_by_its_own_context_alone(void **state)
{
    system_trusts(STRANGER);
    struct tls_context *one = client_with(-1);
    struct tls_context *other = client_with(CA);
    assert_true(accepts(other));
    assert_false(accepts(one));
    tls_context_free(&other);
    tls_context_free(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_store_is_read_once_for_all),
        cmocka_unit_test(law7_a_file_is_trusted_by_its_own_context_alone),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
