/* SOCKS5: how a proxy is written, the conversation with it, and dialling through it. */
#include "net/dial.h"
#include "net/listen.h"
#include "net/socks.h"
#include "core/net/peer.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static void a_proxy_is_written_so(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
        const char *user;
        const char *password;
    } rows[] = {
        {"socks5://127.0.0.1:9050", "127.0.0.1", 9050, NULL, NULL},
        {"SOCKS5H://proxy.example/", "proxy.example", 1080, NULL, NULL},
        {"socks5://[::1]:99", "::1", 99, NULL, NULL},
        {"socks5://[::1]", "::1", 1080, NULL, NULL},
        {"socks5://al%40ice:p%3Aq@h:1", "h", 1, "al@ice", "p:q"},
        {"socks5://alice:@h", "h", 1080, "alice", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct socks_proxy proxy;
        struct error err = ERROR_INIT;
        assert_int_equal(socks_proxy_parse(rows[i].text, &proxy, &err), 0);
        assert_string_equal(proxy.host, rows[i].host);
        assert_int_equal(proxy.port, rows[i].port);
        assert_int_equal(proxy.user == NULL, rows[i].user == NULL);
        if (rows[i].user != NULL) {
            assert_string_equal(proxy.user, rows[i].user);
            assert_string_equal(proxy.password, rows[i].password);
        }
        socks_proxy_free(&proxy);
    }
}

static void law10_a_wrong_proxy_is_told_without_its_password(void **state)
{
    static const char *const wrong[] = {
        "",
        "http://h:1",
        "socks5://",
        "socks5://:1",
        "socks5://h:0",
        "socks5://h:65536",
        "socks5://h:x",
        "socks5://[::1",
        "socks5://[::1]9",
        "socks5://user:s%3@h",
        "socks5://user:s%zz@h",
        "socks5://us%00er:secret@h",
        "socks5://:secret@h",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct socks_proxy proxy;
        struct error err = ERROR_INIT;
        assert_int_equal(socks_proxy_parse(wrong[i], &proxy, &err), -ERR_CONFIG);
        assert_null(strstr(err.text, "secret"));
        assert_null(proxy.host);
        assert_null(proxy.password);
    }
}

/* What the proxy hears and says, in turn; both as bytes. */
struct script {
    struct str hears[3];
    struct str says[3];
};

static void play(struct stream *theirs, void *arg)
{
    const struct script *script = arg;
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < 3 && script->says[i].ptr != NULL; i++) {
        char got[300];
        for (size_t at = 0; at < script->hears[i].len;) {
            ssize_t count = stream_read(theirs, got, script->hears[i].len - at, &err);
            if (count <= 0 || memcmp(got, script->hears[i].ptr + at, (size_t)count) != 0) {
                return;
            }
            at += (size_t)count;
        }
        (void)stream_write(theirs, script->says[i].ptr, script->says[i].len, &err);
        (void)stream_flush(theirs, &err);
    }
}

static int talk(struct script script, const char *text, const char *host, struct error *err)
{
    struct peer peer;
    struct socks_proxy proxy;
    assert_int_equal(socks_proxy_parse(text, &proxy, err), 0);
    peer_open(&peer, NULL);
    peer_start(&peer, play, &script);
    int rc = socks_connect(peer.ours, &proxy, host, 993, err);
    if (rc == 0) {
        must_read(peer.ours, "hi");
    }
    socks_proxy_free(&proxy);
    peer_join(&peer);
    peer_close(&peer);
    return rc;
}

#define OPEN STR_INIT("\5\0")
#define PLAIN STR_INIT("\5\1\0")
#define EITHER STR_INIT("\5\2\0\2")
#define TO_NAME STR_INIT("\5\1\0\3\14imap.example\3\341")
#define DONE STR_INIT("\5\0\0\1\1\2\3\4\0\7hi")

static void connections_are_made(void **state)
{
    static const struct {
        const char *proxy;
        const char *host;
        struct script script;
    } rows[] = {
        {"socks5://h", "imap.example", {{PLAIN, TO_NAME}, {OPEN, DONE}}},
        {"socks5://h",
         "127.0.0.2",
         {{PLAIN, STR_INIT("\5\1\0\1\177\0\0\2\3\341")}, {OPEN, STR_INIT("\5\0\0\3\2ab\0\7hi")}}},
        {"socks5://h",
         "::1",
         {{PLAIN, STR_INIT("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\3\341")},
          {OPEN, STR_INIT("\5\0\0\4aaaaaaaaaaaaaaaa\0\7hi")}}},
        {"socks5://u:pw@h",
         "imap.example",
         {{EITHER, STR_INIT("\1\1u\2pw"), TO_NAME}, {STR_INIT("\5\2"), STR_INIT("\1\0"), DONE}}},
        {"socks5://u:pw@h", "imap.example", {{EITHER, TO_NAME}, {OPEN, DONE}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = ERROR_INIT;
        int rc = talk(rows[i].script, rows[i].proxy, rows[i].host, &err);
        if (rc < 0) {
            fail_msg("row %zu: %s", i, err.text);
        }
    }
}

static void law7_refusals_are_told_apart(void **state)
{
    static const struct {
        const char *proxy;
        struct script script;
        enum error_code code;
        const char *words;
    } rows[] = {
        {"socks5://h", {{PLAIN}, {STR_INIT("\5\377")}}, ERR_AUTH, "wants a user"},
        {"socks5://h", {{PLAIN}, {STR_INIT("\5\2")}}, ERR_PROTOCOL, "does not speak"},
        {"socks5://h", {{PLAIN}, {STR_INIT("HTTP")}}, ERR_PROTOCOL, "does not speak"},
        {"socks5://u:pw@h",
         {{EITHER, STR_INIT("\1\1u\2pw")}, {STR_INIT("\5\2"), STR_INIT("\1\1")}},
         ERR_AUTH,
         "refuses user or password"},
        {"socks5://h", {{PLAIN, TO_NAME}, {OPEN, STR_INIT("\5\5\0\1")}}, ERR_NETWORK, "refused"},
        {"socks5://h", {{PLAIN, TO_NAME}, {OPEN, STR_INIT("\5\2\0\1")}}, ERR_NETWORK, "rules"},
        {"socks5://h", {{PLAIN, TO_NAME}, {OPEN, STR_INIT("\5\143\0\1")}}, ERR_NETWORK, "unknown"},
        {"socks5://h", {{PLAIN, TO_NAME}, {OPEN, STR_INIT("\5\0\0\7")}}, ERR_PROTOCOL, "speak"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = ERROR_INIT;
        int rc = talk(rows[i].script, rows[i].proxy, "imap.example", &err);
        if (rc != -(int)rows[i].code || strstr(err.text, rows[i].words) == NULL) {
            fail_msg("row %zu: %d %s", i, rc, err.text);
        }
        assert_null(strstr(err.text, "pw"));
    }
}

static void a_name_too_long_is_not_sent(void **state)
{
    char name[300];
    struct error err = ERROR_INIT;
    struct socks_proxy proxy = {0};
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(socks_connect(NULL, &proxy, name, 1, &err), -ERR_CONFIG);
}

/* ---- dialling ---- */

static void *proxy_thread(void *arg)
{
    static const char request[] = "\5\1\0\3\17nowhere.invalid\3\341";
    struct pollfd ready = {.fd = *(int *)arg, .events = POLLIN};
    if (poll(&ready, 1, 10000) != 1) {
        return NULL;
    }
    struct stream *stream = stream_from_fd(accept(ready.fd, NULL, NULL), NULL, &clock_system);
    struct script script = {{PLAIN, {request, sizeof request - 1}}, {OPEN, DONE}};
    stream_set_deadline(stream, clock_deadline(&clock_system, 10000));
    play(stream, &script);
    must_end(stream);
    stream_close(&stream);
    return NULL;
}

static int option(const struct stream *stream, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(stream_fd(stream), IPPROTO_TCP, name, &value, &size), 0);
    return value;
}

static void dialled_through_a_proxy_which_looks_the_name_up(void **state)
{
    struct error err = ERROR_INIT;
    struct stream *stream = NULL;
    uint16_t port;
    int fd = -1;
    char proxy[60];
    pthread_t thread;
    assert_int_equal(listen_tcp("127.0.0.1", 0, &fd, &port, &err), 0);
    (void)snprintf(proxy, sizeof proxy, "socks5://127.0.0.1:%u", (unsigned)port);
    assert_int_equal(pthread_create(&thread, NULL, proxy_thread, &fd), 0);
    struct dial_options options = {
        .host = "nowhere.invalid",
        .port = 993,
        .proxy = proxy,
        .keepalive = {.idle_s = 33, .unacknowledged_ms = 5000},
        .deadline_ms = clock_deadline(&clock_system, 10000),
        .clock = &clock_system,
    };
    assert_int_equal(dial(&options, &stream, &err), 0);
    must_read(stream, "hi");
    assert_int_equal(option(stream, TCP_KEEPIDLE), 33);
    assert_int_equal(option(stream, TCP_KEEPINTVL), 20);
    assert_int_equal(option(stream, TCP_USER_TIMEOUT), 5000);
    stream_close(&stream);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(fd);
    options.proxy = "socks4://x";
    assert_int_equal(dial(&options, &stream, &err), -ERR_CONFIG);
    options.proxy = proxy;
    assert_int_equal(dial(&options, &stream, &err), -ERR_NETWORK);
    assert_non_null(strstr(err.text, "by the proxy 127.0.0.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_is_written_so),
        cmocka_unit_test(law10_a_wrong_proxy_is_told_without_its_password),
        cmocka_unit_test(connections_are_made),
        cmocka_unit_test(law7_refusals_are_told_apart),
        cmocka_unit_test(a_name_too_long_is_not_sent),
        cmocka_unit_test(dialled_through_a_proxy_which_looks_the_name_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
