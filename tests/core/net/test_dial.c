#include "base/alloc.h"
#include "net/dial.h"
#include "net/listen.h"
#include "core/net/peer.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct dial_options to(const char *host, uint16_t port)
{
    return (struct dial_options){.host = host,
                                 .port = port,
                                 .deadline_ms = clock_deadline(&clock_system, 10000),
                                 .clock = &clock_system};
}

/* A listener on a port that the system picks. */
static int listening(const char *host, uint16_t *port)
{
    struct error err = ERROR_INIT;
    int fd = -1;
    assert_int_equal(listen_tcp(host, 0, &fd, port, &err), 0);
    assert_true(*port != 0);
    return fd;
}

static int option(const struct stream *stream, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(stream_fd(stream), level, name, &value, &size), 0);
    return value;
}

static struct stream *accepted(int listener)
{
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 10000), 1);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    struct stream *stream = stream_from_fd(fd, NULL, &clock_system);
    stream_set_deadline(stream, clock_deadline(&clock_system, 10000));
    return stream;
}

static void connects_by_address_and_by_name(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    uint16_t port;
    int listener = listening("127.0.0.1", &port);
    for (size_t i = 0; i < 2; i++) {
        struct error err = ERROR_INIT;
        struct stream *ours = NULL;
        struct dial_options options = to(hosts[i], port);
        assert_int_equal(dial(&options, &ours, &err), 0);
        struct stream *theirs = accepted(listener);
        must_write(ours, "hello");
        must_flush(ours);
        must_read(theirs, "hello");
        assert_true(stream_connect_us(ours) > 0 && stream_connect_us(ours) < 5000000);
        assert_int_equal(option(ours, IPPROTO_TCP, TCP_NODELAY), 1);
        assert_int_equal(option(ours, SOL_SOCKET, SO_KEEPALIVE), 1);
        assert_true(option(ours, IPPROTO_TCP, TCP_USER_TIMEOUT) > 0);
        stream_close(&ours);
        must_end(theirs);
        stream_close(&theirs);
    }
    (void)close(listener);
}

/* A port on which nobody listens: one that was just given up. */
static uint16_t closed_port(void)
{
    uint16_t port;
    int listener = listening("127.0.0.1", &port);
    (void)close(listener);
    return port;
}

static void refusal_names_host_port_address_and_reason(void **state)
{
    struct error err = ERROR_INIT;
    struct stream *stream = NULL;
    struct dial_options options = to("127.0.0.1", closed_port());
    assert_int_equal(dial(&options, &stream, &err), -ERR_NETWORK);
    AUTO_FREE char *expected = xasprintf(
        "cannot connect to 127.0.0.1:%u: 127.0.0.1: Connection refused", (unsigned)options.port);
    assert_string_equal(err.text, expected);
    assert_int_equal(err.scope, SCOPE_CONNECTION);
    assert_null(stream);
}

static void an_unknown_host_is_named(void **state)
{
    struct error err = ERROR_INIT;
    struct stream *stream = NULL;
    /* Never resolved (RFC 6761 section 6.4), with a network or without. */
    struct dial_options options = to("nowhere.invalid", 993);
    assert_int_equal(dial(&options, &stream, &err), -ERR_NETWORK);
    assert_non_null(strstr(err.text, "nowhere.invalid"));
    assert_null(stream);
}

static void the_family_is_kept_to(void **state)
{
    struct error err = ERROR_INIT;
    struct stream *stream = NULL;
    struct dial_options options = to("127.0.0.1", 993);
    options.family = ADDRESS_IPV6;
    assert_int_equal(dial(&options, &stream, &err), -ERR_NETWORK);
    assert_null(stream);
}

/* A listener whose queue is full leaves further connections without an answer. */
static void law9_connecting_has_a_deadline_and_a_wake(void **state)
{
    struct error err = ERROR_INIT;
    struct wake wake;
    uint16_t port;
    int listener = listening("127.0.0.1", &port);
    assert_int_equal(listen(listener, 0), 0);
    struct stream *queued[8] = {NULL};
    int rc = 0;
    for (size_t i = 0; i < 8 && rc == 0; i++) {
        struct dial_options options = to("127.0.0.1", port);
        options.deadline_ms = clock_deadline(&clock_system, 50);
        rc = dial(&options, &queued[i], &err);
    }
    assert_int_equal(rc, -ERR_TIMEOUT);
    assert_non_null(strstr(err.text, "no answer in time"));
    assert_int_equal(wake_init(&wake, &err), 0);
    wake_signal(&wake);
    struct stream *stream = NULL;
    struct dial_options options = to("127.0.0.1", port);
    options.wake = &wake;
    assert_int_equal(dial(&options, &stream, &err), -ERR_CANCELLED);
    options.host = "localhost";
    assert_int_equal(dial(&options, &stream, &err), -ERR_CANCELLED);
    for (size_t i = 0; i < 8; i++) {
        stream_close(&queued[i]);
    }
    wake_close(&wake);
    (void)close(listener);
}

static void listening_twice_is_refused(void **state)
{
    struct error err = ERROR_INIT;
    uint16_t port;
    int listener = listening("127.0.0.1", &port);
    int second = -1;
    uint16_t second_port;
    assert_int_equal(listen_tcp("127.0.0.1", port, &second, &second_port, &err), -ERR_NETWORK);
    assert_non_null(strstr(err.text, "Address already in use"));
    assert_int_equal(listen_tcp("nowhere.invalid", 0, &second, &second_port, &err), -ERR_NETWORK);
    assert_int_equal(second, -1);
    (void)close(listener);
}

static void loopback_is_known(void **state)
{
    static const char *const loopback[] = {"127.0.0.1", "127.9.9.9", "::1", "localhost",
                                           "LocalHost"};
    static const char *const other[] = {"128.0.0.1",         "10.0.0.1",          "::2",
                                        "localhost.example", "127.0.0.1.example", ""};
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++) {
        assert_true(host_is_loopback(loopback[i]));
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        assert_false(host_is_loopback(other[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_by_address_and_by_name),
        cmocka_unit_test(refusal_names_host_port_address_and_reason),
        cmocka_unit_test(an_unknown_host_is_named),
        cmocka_unit_test(the_family_is_kept_to),
        cmocka_unit_test(law9_connecting_has_a_deadline_and_a_wake),
        cmocka_unit_test(listening_twice_is_refused),
        cmocka_unit_test(loopback_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
