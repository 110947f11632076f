#include "base/alloc.h"
#include "net/tls.h"
#include "core/base/scratch.h"
#include "core/net/certs.h"
#include "core/net/peer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { CA, GOOD, EXPIRED, FUTURE, ELSEWHERE, ADDRESS, SELF, STRANGER, CLIENT, CERT_COUNT };

static char *directory;
static struct cert certs[CERT_COUNT];

static int make_certs(void **state)
{
    static const struct {
        struct cert_options options;
        int issuer; /* -1: itself */
    } plan[CERT_COUNT] = {
        [CA] = {{"Test CA", NULL, -1, 30, true}, -1},
        [GOOD] = {{"good", "DNS:mail.example,DNS:*.wild.example", -1, 30, false}, CA},
        [EXPIRED] = {{"expired", "DNS:mail.example", -30, -2, false}, CA},
        [FUTURE] = {{"future", "DNS:mail.example", 2, 30, false}, CA},
        [ELSEWHERE] = {{"elsewhere", "DNS:a.example,IP:192.0.2.7", -1, 30, false}, CA},
        [ADDRESS] = {{"address", "IP:127.0.0.1,IP:::1", -1, 30, false}, CA},
        [SELF] = {{"self", "DNS:mail.example", -1, 30, false}, -1},
        [STRANGER] = {{"stranger", "DNS:mail.example", -1, 30, false}, SELF},
        [CLIENT] = {{"client", NULL, -1, 30, false}, CA},
    };
    directory = scratch_new();
    for (int i = 0; i < CERT_COUNT; i++) {
        cert_make(&certs[i], directory, &plan[i].options,
                  plan[i].issuer < 0 ? NULL : &certs[plan[i].issuer]);
    }
    return 0;
}

static int remove_certs(void **state)
{
    for (int i = 0; i < CERT_COUNT; i++) {
        cert_free(&certs[i]);
    }
    scratch_free(&directory);
    return 0;
}

/* The server's side: a handshake, then "ping" is answered by "pong" until the client leaves. */
static void serve(struct stream *theirs, void *arg)
{
    struct error err = ERROR_INIT;
    if (stream_push_tls_server(theirs, arg, &err) < 0) {
        return;
    }
    char got[4];
    while (stream_read(theirs, got, sizeof got, &err) > 0) {
        must_write(theirs, "pong");
        if (stream_flush(theirs, &err) < 0) {
            return;
        }
    }
}

static struct tls_context *server_with(int cert)
{
    struct tls_context *context = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(
        tls_server_context(certs[cert].cert_file, certs[cert].key_file, &context, &err), 0);
    return context;
}

static struct tls_context *client_with(const struct tls_options *options)
{
    struct tls_context *context = NULL;
    struct error err = ERROR_INIT;
    int rc = tls_client_context(options, &context, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
    return context;
}

static struct tls_context *client_of_our_ca(void)
{
    const struct tls_options options = {.ca_file = certs[CA].cert_file};
    return client_with(&options);
}

/* A handshake, and a word each way if it succeeds. */
static int connect_once(struct tls_context *server, struct tls_context *client, const char *host,
                        struct error *err)
{
    struct peer peer;
    peer_open(&peer, NULL);
    peer_start(&peer, serve, server);
    int rc = stream_push_tls_client(peer.ours, client, host, err);
    if (rc == 0) {
        must_write(peer.ours, "ping");
        must_read(peer.ours, "pong");
        assert_non_null(strstr(stream_tls_description(peer.ours), "TLSv1."));
    } else {
        assert_string_equal(stream_tls_description(peer.ours), "");
    }
    stream_close(&peer.ours);
    peer_close(&peer);
    return rc;
}

static int connect_to(int cert, const struct tls_options *options, const char *host,
                      struct error *err)
{
    struct tls_context *server = server_with(cert);
    struct tls_context *client = client_with(options);
    int rc = connect_once(server, client, host, err);
    tls_context_free(&client);
    tls_context_free(&server);
    return rc;
}

/* `ca` -1: nothing is trusted. `words` must all stand in the error. */
struct trust_case {
    int cert;
    int ca;
    const char *host;
    const char *words[4];
};

static void run_trust_cases(const struct trust_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = ERROR_INIT;
        struct tls_options options = {.ca_file =
                                          cases[i].ca < 0 ? NULL : certs[cases[i].ca].cert_file};
        int rc = connect_to(cases[i].cert, &options, cases[i].host, &err);
        assert_int_equal(rc, cases[i].words[0] == NULL ? 0 : -ERR_TLS);
        for (size_t w = 0; w < 4 && cases[i].words[w] != NULL; w++) {
            if (strstr(err.text, cases[i].words[w]) == NULL) {
                fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].words[w]);
            }
        }
    }
}

static void good_certificates_are_accepted(void **state)
{
    static const struct trust_case cases[] = {
        {GOOD, CA, "mail.example", {NULL}},
        {GOOD, CA, "MAIL.example.", {NULL}},
        {GOOD, CA, "x.wild.example", {NULL}},
        {ADDRESS, CA, "127.0.0.1", {NULL}},
        {ADDRESS, CA, "::1", {NULL}},
        /* The server's own certificate as the trusted one. */
        {SELF, SELF, "mail.example", {NULL}},
        {GOOD, GOOD, "mail.example", {NULL}},
    };
    run_trust_cases(cases, sizeof cases / sizeof *cases);
}

static void law7_bad_certificates_are_refused_in_words(void **state)
{
    static const struct trust_case cases[] = {
        {EXPIRED,
         CA,
         "mail.example",
         {"of mail.example is expired since 20", "UTC", "CN = expired"}},
        {FUTURE, CA, "mail.example", {"is not valid before 20", "clock"}},
        {ELSEWHERE, CA, "mail.example", {"is for a.example, 192.0.2.7, not for mail.example"}},
        {GOOD, CA, "x.y.wild.example", {"is for mail.example, *.wild.example, not for x.y.wild"}},
        {ADDRESS, CA, "127.0.0.2", {"is for 127.0.0.1, ::1, not for 127.0.0.2"}},
        {GOOD, CA, "127.0.0.1", {"not for 127.0.0.1"}},
        {SELF,
         CA,
         "mail.example",
         {"is self-signed (CN = self)", "tls_ca_file", "tls_fingerprint"}},
        {SELF, -1, "mail.example", {"is self-signed"}},
        {GOOD, SELF, "mail.example", {"not trusted here (CN = Test CA)", "tls_ca_file"}},
        {GOOD, -1, "mail.example", {"not trusted here (CN = Test CA)"}},
        {STRANGER, CA, "mail.example", {"not trusted here (CN = self)"}},
        /* Trusted by itself, but for another name, or expired. */
        {ELSEWHERE, ELSEWHERE, "mail.example", {"not for mail.example"}},
        {EXPIRED, EXPIRED, "mail.example", {"is expired since"}},
    };
    run_trust_cases(cases, sizeof cases / sizeof *cases);
}

/* A refusal offers a fingerprint that is then accepted. */
static void the_offered_fingerprint_works(void **state)
{
    static const int refused[] = {SELF, GOOD, EXPIRED, ELSEWHERE};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct error err = ERROR_INIT;
        struct tls_options nothing = {
            .ca_file = refused[i] == GOOD || refused[i] == SELF ? NULL : certs[CA].cert_file};
        assert_int_equal(connect_to(refused[i], &nothing, "mail.example", &err), -ERR_TLS);
        const char *offered = strstr(err.text, "cert-sha256:");
        assert_non_null(offered);
        struct tls_options pinned = {.fingerprint = offered};
        assert_int_equal(connect_to(refused[i], &pinned, "mail.example", &err), 0);
    }
}

static void pins_are_accepted_instead_of_a_chain(void **state)
{
    for (int key = 0; key <= 1; key++) {
        AUTO_FREE char *of_self = cert_fingerprint(&certs[SELF], key);
        AUTO_FREE char *of_good = cert_fingerprint(&certs[GOOD], key);
        struct tls_options options = {.fingerprint = of_self};
        struct error err = ERROR_INIT;
        assert_int_equal(connect_to(SELF, &options, "another.example", &err), 0);
        /* A chain does not make up for it. */
        options.ca_file = certs[CA].cert_file;
        assert_int_equal(connect_to(GOOD, &options, "mail.example", &err), -ERR_TLS);
        const char *const prefix = key ? "key-sha256:" : "cert-sha256:";
        const char *expected = strstr(err.text, prefix);
        assert_non_null(expected);
        const char *found = strstr(expected + 1, prefix);
        assert_non_null(found);
        if (key) {
            assert_memory_equal(expected, of_self, strlen(of_self));
            assert_memory_equal(found, of_good, strlen(of_good));
        }
    }
}

static void wrong_settings_are_configuration_errors(void **state)
{
    AUTO_FREE char *missing = xasprintf("%s/none.pem", directory);
    const struct {
        struct tls_options options;
        const char *words;
    } cases[] = {
        {{.ca_file = missing}, "none.pem as certificates to trust: No such file"},
        {{.ca_file = certs[CA].key_file}, "Test CA.key as certificates to trust"},
        {{.fingerprint = "sha256:00"}, "tls_fingerprint must be"},
        {{.fingerprint = "cert-sha256:0011"}, "64 hexadecimal digits"},
        {{.fingerprint = "key-sha256:zz"}, "64 hexadecimal digits"},
        {{.min_version = "1.1"}, "tls_min_version"},
        {{.ciphers = "NONSENSE"}, "tls_ciphers"},
        {{.ciphers = "TLS_NONSENSE"}, "tls_ciphers"},
        {{.client_cert = missing}, "none.pem as a certificate in PEM form"},
        {{.client_cert = certs[CLIENT].cert_file}, "client.pem as the private key"},
        {{.client_cert = certs[CLIENT].cert_file, .client_key = certs[GOOD].key_file},
         "good.key as the private key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_context *context = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(tls_client_context(&cases[i].options, &context, &err), -ERR_CONFIG);
        assert_null(context);
        if (strstr(err.text, cases[i].words) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].words);
        }
    }
    struct tls_context *context = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(tls_server_context(missing, missing, &context, &err), -ERR_CONFIG);
}

static void versions_and_ciphers_are_kept_to(void **state)
{
    struct error err = ERROR_INIT;
    struct tls_options options = {
        .ca_file = certs[CA].cert_file,
        .min_version = "1.3",
        .ciphers = "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256",
        .client_cert = certs[CLIENT].cert_file,
        .client_key = certs[CLIENT].key_file,
    };
    struct tls_context *server = server_with(GOOD);
    struct tls_context *client = client_with(&options);
    struct peer peer;
    peer_open(&peer, NULL);
    peer_start(&peer, serve, server);
    assert_int_equal(stream_push_tls_client(peer.ours, client, "mail.example", &err), 0);
    assert_string_equal(stream_tls_description(peer.ours), "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256");
    stream_close(&peer.ours);
    peer_close(&peer);
    tls_context_free(&client);
    tls_context_free(&server);
}

/* Law 7, RFC 9051 section 6.2.1: what came in plain text before the handshake is not taken over. */
static void law7_injected_plain_text_is_refused(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    struct tls_context *client = client_of_our_ca();
    peer_open(&peer, NULL);
    must_write(peer.theirs, "a OK begin TLS\r\n* OK injected\r\n");
    must_flush(peer.theirs);
    must_read(peer.ours, "a OK begin TLS\r\n");
    stream_unread(peer.ours, STR("* OK injected\r\n"));
    assert_int_equal(stream_push_tls_client(peer.ours, client, "mail.example", &err),
                     -ERR_PROTOCOL);
    assert_int_equal(stream_counters(peer.ours).bytes_out, 0);
    peer_close(&peer);
    tls_context_free(&client);
}

static void plain_text_instead_of_a_handshake_has_a_hint(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    struct tls_context *client = client_of_our_ca();
    peer_open(&peer, NULL);
    must_write(peer.theirs, "* OK IMAP4rev1 ready\r\n");
    must_flush(peer.theirs);
    assert_int_equal(stream_push_tls_client(peer.ours, client, "mail.example", &err), -ERR_TLS);
    assert_non_null(strstr(err.text, "starttls"));
    peer_close(&peer);
    tls_context_free(&client);
}

static void a_handshake_has_a_deadline_a_wake_and_an_end(void **state)
{
    struct wake wake;
    struct peer peer;
    struct error err = ERROR_INIT;
    struct tls_context *client = client_of_our_ca();
    assert_int_equal(wake_init(&wake, &err), 0);
    peer_open(&peer, &wake);
    stream_set_deadline(peer.ours, clock_deadline(&clock_system, 10));
    assert_int_equal(stream_push_tls_client(peer.ours, client, "mail.example", &err), -ERR_TIMEOUT);
    assert_non_null(strstr(err.text, "mail.example"));
    peer_close(&peer);
    peer_open(&peer, &wake);
    wake_signal(&wake);
    assert_int_equal(stream_push_tls_client(peer.ours, client, "x", &err), -ERR_CANCELLED);
    assert_int_equal(err.scope, SCOPE_CANCELLED);
    peer_close(&peer);
    wake_clear(&wake);
    peer_open(&peer, &wake);
    assert_int_equal(shutdown(peer.their_fd, SHUT_WR), 0);
    assert_int_equal(stream_push_tls_client(peer.ours, client, "x", &err), -ERR_TLS);
    assert_string_equal(err.text, "x closed the connection during the TLS handshake");
    peer_close(&peer);
    wake_close(&wake);
    tls_context_free(&client);
}

static void say_and_vanish(struct stream *theirs, void *arg)
{
    struct error err = ERROR_INIT;
    if (stream_push_tls_server(theirs, arg, &err) < 0) {
        abort();
    }
    must_write(theirs, "* BYE");
    must_flush(theirs);
    (void)shutdown(stream_fd(theirs), SHUT_WR);
}

/* Servers leave without close_notify. */
static void an_end_without_farewell_is_just_the_end(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    struct tls_context *server = server_with(GOOD);
    struct tls_context *client = client_of_our_ca();
    peer_open(&peer, NULL);
    peer_start(&peer, say_and_vanish, server);
    assert_int_equal(stream_push_tls_client(peer.ours, client, "mail.example", &err), 0);
    must_read(peer.ours, "* BYE");
    must_end(peer.ours);
    must_end(peer.ours);
    peer_close(&peer);
    tls_context_free(&client);
    tls_context_free(&server);
}

static void say_and_close(struct stream *theirs, void *arg)
{
    say_and_vanish(theirs, arg);
    (void)shutdown(stream_fd(theirs), SHUT_RDWR);
}

static void last_words_are_heard_after_a_failed_write(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    struct tls_context *server = server_with(GOOD);
    struct tls_context *client = client_of_our_ca();
    peer_open(&peer, NULL);
    peer_start(&peer, say_and_close, server);
    assert_int_equal(stream_push_tls_client(peer.ours, client, "mail.example", &err), 0);
    peer_join(&peer);
    must_write(peer.ours, "a LOGIN x y");
    assert_int_equal(stream_flush(peer.ours, &err), -ERR_NETWORK);
    must_read(peer.ours, "* BYE");
    must_end(peer.ours);
    peer_close(&peer);
    tls_context_free(&client);
    tls_context_free(&server);
}

static void send_forged_record(struct stream *theirs, void *arg)
{
    struct error err = ERROR_INIT;
    if (stream_push_tls_server(theirs, arg, &err) < 0) {
        abort();
    }
    /* A record of application data that nobody encrypted. */
    static const unsigned char forged[] = "\x17\x03\x03\x00\x20 0123456789abcdef0123456789abcdef";
    if (write(stream_fd(theirs), forged, 5 + 32) != 5 + 32) {
        abort();
    }
    (void)shutdown(stream_fd(theirs), SHUT_WR);
}

static void law7_forged_records_are_an_error(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    struct tls_context *server = server_with(GOOD);
    struct tls_context *client = client_of_our_ca();
    peer_open(&peer, NULL);
    peer_start(&peer, send_forged_record, server);
    assert_int_equal(stream_push_tls_client(peer.ours, client, "mail.example", &err), 0);
    char byte;
    assert_int_equal(stream_read(peer.ours, &byte, 1, &err), -ERR_TLS);
    peer_close(&peer);
    tls_context_free(&client);
    tls_context_free(&server);
}

static void records_held_back_are_input(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    struct tls_context *server = server_with(GOOD);
    struct tls_context *client = client_of_our_ca();
    peer_open(&peer, NULL);
    peer_start(&peer, serve, server);
    assert_int_equal(stream_push_tls_client(peer.ours, client, "mail.example", &err), 0);
    assert_false(stream_has_input(peer.ours));
    must_write(peer.ours, "ping");
    must_read(peer.ours, "po");
    assert_true(stream_has_input(peer.ours));
    must_read(peer.ours, "ng");
    assert_false(stream_has_input(peer.ours));
    assert_int_equal(stream_wait_input(peer.ours, clock_deadline(&clock_system, 5), &err), 0);
    stream_close(&peer.ours);
    peer_close(&peer);
    tls_context_free(&client);
    tls_context_free(&server);
}

static void sessions_are_resumed(void **state)
{
    struct error err = ERROR_INIT;
    struct tls_context *server = server_with(GOOD);
    struct tls_context *client = client_of_our_ca();
    uint64_t bytes_in[3];
    static const char *const hosts[] = {"mail.example", "mail.example", "x.wild.example"};
    for (int i = 0; i < 3; i++) {
        struct peer peer;
        peer_open(&peer, NULL);
        peer_start(&peer, serve, server);
        assert_int_equal(stream_push_tls_client(peer.ours, client, hosts[i], &err), 0);
        must_write(peer.ours, "ping");
        must_read(peer.ours, "pong");
        bytes_in[i] = stream_counters(peer.ours).bytes_in;
        stream_close(&peer.ours);
        peer_close(&peer);
    }
    /* No certificate the second time; not so for another host. */
    assert_true(bytes_in[1] + 200 < bytes_in[0]);
    assert_true(bytes_in[2] > bytes_in[1] + 200);
    tls_context_free(&client);
    tls_context_free(&server);
}

/* The load, and with what the other side serves it. */
struct tls_load {
    struct tls_context *server;
    struct load load;
};

static void serve_load(struct stream *theirs, void *arg)
{
    struct tls_load *both = arg;
    struct error err = ERROR_INIT;
    if (stream_push_tls_server(theirs, both->server, &err) < 0) {
        abort();
    }
    write_then_read(theirs, &both->load);
    if (stream_push_deflate(theirs, &err) < 0) {
        abort();
    }
    write_then_read(theirs, &both->load);
}

static void two_writers_do_not_block_each_other_and_deflate_goes_on_top(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    struct tls_context *client = client_of_our_ca();
    struct load load = {.data = xmalloc(900000), .size = 900000};
    struct tls_load both = {server_with(GOOD), load};
    uint32_t noise = 1;
    for (size_t i = 0; i < load.size; i++) {
        noise = noise * 1664525 + 1013904223;
        load.data[i] = (char)(noise >> 24);
    }
    peer_open(&peer, NULL);
    peer_start(&peer, serve_load, &both);
    assert_int_equal(stream_push_tls_client(peer.ours, client, "mail.example", &err), 0);
    write_then_read(peer.ours, &load);
    assert_int_equal(stream_push_deflate(peer.ours, &err), 0);
    write_then_read(peer.ours, &load);
    peer_close(&peer);
    tls_context_free(&client);
    tls_context_free(&both.server);
    xfree(&load.data);
}

static void self_signed_contexts_serve_their_host(void **state)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "::1"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct tls_context *server = NULL;
        struct error err = ERROR_INIT;
        AUTO_BUF struct buf pem = BUF_INIT(20000);
        AUTO_FREE char *path = xasprintf("%s/demo.pem", directory);
        assert_int_equal(tls_self_signed_context(hosts[i], &pem, &server, &err), 0);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(pem.data, 1, pem.len, file), pem.len);
        assert_int_equal(fclose(file), 0);
        struct tls_options options = {.ca_file = path};
        struct tls_context *client = client_with(&options);
        assert_int_equal(connect_once(server, client, hosts[i], &err), 0);
        assert_int_equal(connect_once(server, client, "other.example", &err), -ERR_TLS);
        tls_context_free(&client);
        tls_context_free(&server);
    }
    struct tls_context *server = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(tls_self_signed_context("localhost", NULL, &server, &err), 0);
    tls_context_free(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_certificates_are_accepted),
        cmocka_unit_test(law7_bad_certificates_are_refused_in_words),
        cmocka_unit_test(the_offered_fingerprint_works),
        cmocka_unit_test(pins_are_accepted_instead_of_a_chain),
        cmocka_unit_test(wrong_settings_are_configuration_errors),
        cmocka_unit_test(versions_and_ciphers_are_kept_to),
        cmocka_unit_test(law7_injected_plain_text_is_refused),
        cmocka_unit_test(plain_text_instead_of_a_handshake_has_a_hint),
        cmocka_unit_test(a_handshake_has_a_deadline_a_wake_and_an_end),
        cmocka_unit_test(an_end_without_farewell_is_just_the_end),
        cmocka_unit_test(last_words_are_heard_after_a_failed_write),
        cmocka_unit_test(law7_forged_records_are_an_error),
        cmocka_unit_test(records_held_back_are_input),
        cmocka_unit_test(sessions_are_resumed),
        cmocka_unit_test(two_writers_do_not_block_each_other_and_deflate_goes_on_top),
        cmocka_unit_test(self_signed_contexts_serve_their_host),
    };
    return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
