/* What is under the conversation: TLS and compression, with a real peer in a thread. */
#include "client/client.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct peer {
    struct stream *stream;
    struct tls_context *tls;
    void (*talk)(struct peer *peer);
    pthread_t thread;
    bool as_written; /* every line was the expected one */
};

static void say(struct peer *peer, const char *text)
{
    struct error err = ERROR_INIT;
    peer->as_written = peer->as_written &&
                       stream_write(peer->stream, text, strlen(text), &err) == 0 &&
                       stream_flush(peer->stream, &err) == 0;
}

static void hear(struct peer *peer, const char *line)
{
    struct error err = ERROR_INIT;
    char got[200];
    size_t len = 0;
    do {
        if (stream_read(peer->stream, got + len, 1, &err) != 1) {
            peer->as_written = false;
            return;
        }
    } while (got[len++] != '\n' && len < sizeof got);
    struct str heard = str_make(got, len - 2);
    peer->as_written = peer->as_written && str_eq(heard, str_from(line));
}

static void answer(struct peer *peer, const char *line, const char *text)
{
    hear(peer, line);
    say(peer, text);
}

static void *peer_thread(void *self)
{
    struct peer *peer = self;
    stream_set_progress_timeout(peer->stream, 10000);
    stream_set_deadline(peer->stream, clock_deadline(&clock_system, 10000));
    peer->talk(peer);
    stream_close(&peer->stream);
    return NULL;
}

/* The client's end. */
static struct stream *peer_start(struct peer *peer, void (*talk)(struct peer *peer))
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    peer->stream = stream_from_fd(fds[1], NULL, &clock_system);
    peer->talk = talk;
    peer->as_written = true;
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_thread, peer), 0);
    return stream_from_fd(fds[0], NULL, &clock_system);
}

static void peer_join(struct peer *peer)
{
    assert_int_equal(pthread_join(peer->thread, NULL), 0);
    tls_context_free(&peer->tls);
}

static struct client_options options_of(enum client_security security, struct tls_context *tls)
{
    return (struct client_options){
        .host = "localhost",
        .security = security,
        .tls = tls,
        .timeout_ms = 10000,
        .clock = &clock_system,
    };
}

/* A context that trusts the peer's fresh certificate. */
static struct tls_context *trust(struct peer *peer, const char *host)
{
    struct error err = ERROR_INIT;
    AUTO_BUF struct buf pem = BUF_INIT(64 * 1024);
    char path[] = "/tmp/maildird-test-XXXXXX";
    int fd = mkstemp(path);
    const struct tls_options options = {.ca_file = path};
    struct tls_context *tls = NULL;
    assert_true(fd >= 0);
    assert_int_equal(tls_self_signed_context(host, &pem, &peer->tls, &err), 0);
    assert_int_equal(write(fd, pem.data, pem.len), pem.len);
    assert_int_equal(tls_client_context(&options, &tls, &err), 0);
    close(fd);
    unlink(path);
    return tls;
}

static const struct client_credentials alice = {.user = "alice", .password = "secret"};

static void talk_starttls(struct peer *peer)
{
    struct error err = ERROR_INIT;
    say(peer, "* OK [CAPABILITY IMAP4rev1 STARTTLS LITERAL+ ID] hi\r\n");
    answer(peer, "A1 STARTTLS", "A1 OK begin\r\n");
    if (stream_push_tls_server(peer->stream, peer->tls, &err) < 0) {
        peer->as_written = false;
        return;
    }
    answer(peer, "A2 CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\nA2 OK done\r\n");
    answer(peer, "A3 AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==", "A3 OK in\r\n");
    answer(peer, "A4 CAPABILITY", "* CAPABILITY IMAP4rev1\r\nA4 OK done\r\n");
    answer(peer, "A5 LOGOUT", "* BYE\r\nA5 OK done\r\n");
}

static void starttls(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    struct tls_context *tls = trust(&peer, "localhost");
    struct stream *stream = peer_start(&peer, talk_starttls);
    const struct client_options options = options_of(SECURITY_STARTTLS, tls);
    assert_int_equal(client_open(stream, &options, &c, &err), 0);
    assert_false(client_has(c, CAP_ID));
    assert_int_equal(client_login(c, &alice, &err), 0);
    assert_int_equal(client_counters(c).round_trips, 4);
    client_logout(&c, NULL);
    peer_join(&peer);
    assert_true(peer.as_written);
    tls_context_free(&tls);
}

static void talk_tls(struct peer *peer)
{
    struct error err = ERROR_INIT;
    if (stream_push_tls_server(peer->stream, peer->tls, &err) == 0) {
        say(peer, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n");
        answer(peer, "A1 LOGOUT", "* BYE\r\nA1 OK done\r\n");
    }
}

static void implicit_tls(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    struct tls_context *tls = trust(&peer, "localhost");
    struct stream *stream = peer_start(&peer, talk_tls);
    const struct client_options options = options_of(SECURITY_IMPLICIT_TLS, tls);
    assert_int_equal(client_open(stream, &options, &c, &err), 0);
    client_logout(&c, NULL);
    peer_join(&peer);
    assert_true(peer.as_written);
    tls_context_free(&tls);
}

static void wrong_certificate(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    const struct tls_options nobody = {.system_ca = false};
    struct tls_context *unused = trust(&peer, "localhost");
    struct tls_context *tls = NULL;
    assert_int_equal(tls_client_context(&nobody, &tls, &err), 0);
    struct stream *stream = peer_start(&peer, talk_tls);
    const struct client_options options = options_of(SECURITY_IMPLICIT_TLS, tls);
    assert_int_equal(client_open(stream, &options, &c, &err), -ERR_TLS);
    assert_null(c);
    peer_join(&peer);
    tls_context_free(&tls);
    tls_context_free(&unused);
}

static void talk_compressed(struct peer *peer)
{
    struct error err = ERROR_INIT;
    say(peer, "* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hi\r\n");
    answer(peer, "A1 CAPABILITY", "* CAPABILITY IMAP4rev1 COMPRESS=DEFLATE\r\nA1 OK done\r\n");
    hear(peer, "A2 COMPRESS DEFLATE");
    say(peer, "A2 OK go\r\n");
    if (stream_push_deflate(peer->stream, &err) < 0) {
        peer->as_written = false;
        return;
    }
    /* Compressed already, perhaps in the same segment as the OK. */
    say(peer, "* OK [ALERT] now compressed\r\n");
    answer(peer, "A3 NOOP", "A3 OK done\r\n");
    answer(peer, "A4 LOGOUT", "* BYE\r\nA4 OK done\r\n");
}

static void compressed(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    struct client_event event;
    struct client_options options = options_of(SECURITY_NONE, NULL);
    options.compress = true;
    struct stream *stream = peer_start(&peer, talk_compressed);
    assert_int_equal(client_open(stream, &options, &c, &err), 0);
    assert_int_equal(client_login(c, &alice, &err), 0);
    assert_true(client_is_compressed(c));
    assert_int_equal(client_noop(c, &err), 0);
    assert_true(client_next_event(c, &event));
    assert_int_equal(event.kind, EVENT_ALERT);
    client_logout(&c, NULL);
    peer_join(&peer);
    assert_true(peer.as_written);
}

static void talk_unauthenticated(struct peer *peer)
{
    struct error err = ERROR_INIT;
    say(peer, "* PREAUTH [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE UNAUTHENTICATE] hi\r\n");
    answer(peer, "A1 COMPRESS DEFLATE", "A1 OK begin\r\n");
    peer->as_written = peer->as_written && stream_push_deflate(peer->stream, &err) == 0;
    answer(peer, "A2 UNAUTHENTICATE", "A2 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] bye for now\r\n");
    peer->as_written = peer->as_written && stream_pop_deflate(peer->stream, &err) == 0;
    answer(peer, "A3 NOOP", "A3 OK done\r\n");
}

static void law7_unauthenticate_ends_compression(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    struct client_options options = options_of(SECURITY_NONE, NULL);
    struct stream *stream = peer_start(&peer, talk_unauthenticated);
    assert_int_equal(client_open(stream, &options, &c, &err), 0);
    assert_int_equal(client_compress(c, &err), 0);
    assert_int_equal(client_unauthenticate(c, &err), 0);
    assert_false(client_is_compressed(c));
    assert_int_equal(client_noop(c, &err), 0);
    client_close(&c);
    peer_join(&peer);
    assert_true(peer.as_written);
}

static struct wake idle_wake;

static void talk_woken(struct peer *peer)
{
    say(peer, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi\r\n");
    hear(peer, "A1 IDLE");
    wake_signal(&idle_wake);
    say(peer, "+ idling\r\n");
    answer(peer, "DONE", "A1 OK done\r\n");
    answer(peer, "A2 NOOP", "A2 OK done\r\n");
}

static void a_wake_ends_idle_and_leaves_the_connection_whole(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    enum client_wait why;
    struct client_options options = options_of(SECURITY_NONE, NULL);
    assert_int_equal(wake_init(&idle_wake, &err), 0);
    options.wake = &idle_wake;
    struct stream *stream = peer_start(&peer, talk_woken);
    (void)stream_set_wake(stream, &idle_wake);
    assert_int_equal(client_open(stream, &options, &c, &err), 0);
    assert_int_equal(client_idle(c, DEADLINE_NEVER, &why, &err), 0);
    assert_int_equal(why, CLIENT_WAIT_WAKE);
    assert_true(wake_is_signalled(&idle_wake));
    wake_clear(&idle_wake);
    assert_int_equal(client_noop(c, &err), 0);
    client_close(&c);
    peer_join(&peer);
    assert_true(peer.as_written);
    wake_close(&idle_wake);
}

static void talk_never(struct peer *peer)
{
    char got;
    struct error err = ERROR_INIT;
    say(peer, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n");
    while (stream_read(peer->stream, &got, 1, &err) == 1) {
    }
}

static void law9_a_silent_server_times_out(void **state)
{
    (void)state;
    struct peer peer = {0};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    struct client_options options = options_of(SECURITY_NONE, NULL);
    options.timeout_ms = 50;
    struct stream *stream = peer_start(&peer, talk_never);
    assert_int_equal(client_open(stream, &options, &c, &err), 0);
    assert_int_equal(client_noop(c, &err), -ERR_TIMEOUT);
    client_logout(&c, NULL);
    peer_join(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starttls),
        cmocka_unit_test(implicit_tls),
        cmocka_unit_test(wrong_certificate),
        cmocka_unit_test(compressed),
        cmocka_unit_test(law7_unauthenticate_ends_compression),
        cmocka_unit_test(a_wake_ends_idle_and_leaves_the_connection_whole),
        cmocka_unit_test(law9_a_silent_server_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
