/* The channel binding tls-exporter. */
#include "base/alloc.h"
#include "net/tls.h"
#include "core/net/peer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct tls_context *server;
static struct tls_context *client;

static int make_contexts(void **state)
{
    struct error err = ERROR_INIT;
    struct buf pem = BUF_INIT(20000);
    char path[] = "/tmp/test_tls_exporter.XXXXXX";
    int fd = mkstemp(path);
    const struct tls_options options = {.ca_file = path};
    bool ok = fd >= 0 && tls_self_signed_context("localhost", &pem, &server, &err) == 0 &&
              write(fd, pem.data, pem.len) == (ssize_t)pem.len &&
              tls_client_context(&options, &client, &err) == 0;
    (void)close(fd);
    (void)unlink(path);
    buf_free(&pem);
    return ok ? 0 : -1;
}

static int free_contexts(void **state)
{
    tls_context_free(&server);
    tls_context_free(&client);
    return 0;
}

static void shake(struct stream *theirs, void *arg)
{
    struct error err = ERROR_INIT;
    (void)arg;
    if (stream_push_tls_server(theirs, server, &err) == 0) {
        (void)stream_flush(theirs, &err);
    }
}

static void both_ends_have_the_same_and_no_other_connection_has(void **state)
{
    unsigned char before[TLS_EXPORTER_BYTES] = {0};
    for (int i = 0; i < 2; i++) {
        struct peer peer;
        struct error err = ERROR_INIT;
        unsigned char ours[TLS_EXPORTER_BYTES];
        unsigned char theirs[TLS_EXPORTER_BYTES];
        peer_open(&peer, NULL);
        assert_false(stream_tls_exporter(peer.ours, ours));
        peer_start(&peer, shake, NULL);
        assert_int_equal(stream_push_tls_client(peer.ours, client, "localhost", &err), 0);
        peer_join(&peer);
        assert_true(stream_tls_exporter(peer.ours, ours));
        assert_true(stream_tls_exporter(peer.theirs, theirs));
        assert_memory_equal(ours, theirs, sizeof ours);
        assert_memory_not_equal(ours, before, sizeof ours);
        memcpy(before, ours, sizeof ours);
        assert_int_equal(stream_push_deflate(peer.ours, &err), 0);
        assert_true(stream_tls_exporter(peer.ours, theirs));
        assert_memory_equal(ours, theirs, sizeof ours);
        peer_close(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_have_the_same_and_no_other_connection_has),
    };
    return cmocka_run_group_tests(tests, make_contexts, free_contexts);
}
