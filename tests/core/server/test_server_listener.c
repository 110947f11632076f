/* Sessions over sockets: TLS, STARTTLS, COMPRESS, IDLE, the end. */
#include "base/alloc.h"
#include "base/files.h"
#include "net/dial.h"
#include "imap/limits.h"
#include "server/listener.h"
#include "server/mem_backend.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define HOST "127.0.0.1"
#define PATIENCE_MS 20000

struct place {
    struct mem_backend *backend;
    struct tls_context *server_tls;
    struct tls_context *client_tls;
    char cert_file[64];
    struct listener *listener;
};

static void place_init(struct place *p, bool implicit_tls, unsigned max_connections)
{
    struct error err = ERROR_INIT;
    struct buf pem AUTO_BUF = BUF_INIT(65536);
    memset(p, 0, sizeof *p);
    p->backend = mem_backend_new(&clock_system);
    mem_backend_add_user(p->backend, "u", "p");
    assert_int_equal(tls_self_signed_context(HOST, &pem, &p->server_tls, &err), 0);
    snprintf(p->cert_file, sizeof p->cert_file, "/tmp/maildird-test-XXXXXX");
    int fd AUTO_FD = mkstemp(p->cert_file);
    assert_true(fd >= 0);
    assert_int_equal(file_write(fd, pem.data, pem.len, p->cert_file, &err), 0);
    struct tls_options trust = {.ca_file = p->cert_file};
    assert_int_equal(tls_client_context(&trust, &p->client_tls, &err), 0);
    struct backend vtable = mem_backend_vtable(p->backend);
    struct listener_options options = {.host = HOST,
                                       .implicit_tls = implicit_tls,
                                       .tls = p->server_tls,
                                       .max_connections = max_connections};
    session_default_capabilities(&options.session.capabilities);
    assert_int_equal(listener_start(&vtable, &options, &p->listener, &err), 0);
}

static void place_free(struct place *p)
{
    listener_stop(&p->listener);
    tls_context_free(&p->server_tls);
    tls_context_free(&p->client_tls);
    mem_backend_free(&p->backend);
    unlink(p->cert_file);
}

static struct stream *connect_to(const struct place *p)
{
    struct stream *stream = NULL;
    struct error err = ERROR_INIT;
    struct dial_options options = {.host = HOST,
                                   .port = listener_port(p->listener),
                                   .deadline_ms = clock_deadline(&clock_system, PATIENCE_MS),
                                   .clock = &clock_system};
    assert_int_equal(dial(&options, &stream, &err), 0);
    stream_set_deadline(stream, options.deadline_ms);
    return stream;
}

static void push_tls(const struct place *p, struct stream *stream)
{
    struct error err = ERROR_INIT;
    if (stream_push_tls_client(stream, p->client_tls, HOST, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void say(struct stream *stream, const char *text)
{
    struct error err = ERROR_INIT;
    assert_int_equal(stream_write(stream, text, strlen(text), &err), 0);
    assert_int_equal(stream_flush(stream, &err), 0);
}

/* Reads to the end of the line that begins with `start`. */
static void read_to(struct stream *stream, const char *start)
{
    struct error err = ERROR_INIT;
    struct buf line AUTO_BUF = BUF_INIT((size_t)1 << 24);
    char byte;
    for (;;) {
        ssize_t got = stream_read(stream, &byte, 1, &err);
        if (got <= 0) {
            fail_msg("waiting for \"%s\": %zd %s", start, got, err.text);
        }
        buf_add_byte(&line, byte);
        if (byte != '\n') {
            continue;
        }
        if (str_starts(buf_str(&line), str_from(start))) {
            return;
        }
        buf_clear(&line);
    }
}

static void read_end(struct stream *stream)
{
    struct error err = ERROR_INIT;
    char bytes[100];
    ssize_t got;
    do {
        got = stream_read(stream, bytes, sizeof bytes, &err);
    } while (got > 0);
    assert_int_equal(got, 0);
}

static void log_in(struct stream *stream)
{
    say(stream, "l LOGIN u p\r\n");
    read_to(stream, "l OK");
}

static void implicit_tls(void **state)
{
    struct place p;
    place_init(&p, true, 0);
    struct stream *stream = connect_to(&p);
    push_tls(&p, stream);
    read_to(stream, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR");
    log_in(stream);
    say(stream, "a LOGOUT\r\n");
    read_to(stream, "a OK");
    read_end(stream);
    stream_close(&stream);
    assert_int_equal(listener_counters(p.listener).commands, 2);
    place_free(&p);
}

static void starttls(void **state)
{
    struct place p;
    place_init(&p, false, 0);
    struct stream *stream = connect_to(&p);
    read_to(stream, "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 STARTTLS LOGINDISABLED");
    say(stream, "a LOGIN u p\r\n");
    read_to(stream, "a NO [PRIVACYREQUIRED]");
    say(stream, "b STARTTLS\r\n");
    read_to(stream, "b OK");
    push_tls(&p, stream);
    say(stream, "c CAPABILITY\r\n");
    read_to(stream, "* CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR");
    read_to(stream, "c OK");
    log_in(stream);
    stream_close(&stream);
    place_free(&p);
}

/* A literal large enough for many TLS records, both ways, through deflate. */
static void compress(void **state)
{
    enum { SIZE = 3000000 };
    struct place p;
    struct error err = ERROR_INIT;
    place_init(&p, true, 0);
    struct stream *stream = connect_to(&p);
    push_tls(&p, stream);
    log_in(stream);
    say(stream, "a COMPRESS DEFLATE\r\n");
    read_to(stream, "a OK");
    assert_int_equal(stream_push_deflate(stream, &err), 0);
    struct buf text AUTO_BUF = BUF_INIT(SIZE + 100);
    buf_addf(&text, "b APPEND INBOX {%d+}\r\n", SIZE);
    for (int i = 0; i < SIZE; i++) {
        buf_add_byte(&text, (char)('a' + (i * 7 + i / 31) % 26));
    }
    buf_add_cstr(&text, "\r\n");
    say(stream, text.data);
    read_to(stream, "b OK [APPENDUID");
    say(stream, "c COMPRESS DEFLATE\r\n");
    read_to(stream, "c NO [COMPRESSIONACTIVE]");
    say(stream, "s SELECT INBOX\r\nd FETCH 1 BODY.PEEK[]\r\n");
    read_to(stream, "* 1 FETCH (BODY[] {3000000}");
    char *bytes AUTO_FREE = xmalloc(SIZE);
    for (size_t have = 0; have < SIZE;) {
        ssize_t got = stream_read(stream, bytes + have, SIZE - have, &err);
        assert_true(got > 0);
        have += (size_t)got;
    }
    assert_memory_equal(bytes, text.data + strlen("b APPEND INBOX {3000000+}\r\n"), SIZE);
    read_to(stream, "d OK");
    stream_close(&stream);
    place_free(&p);
}

static void idle_and_the_end(void **state)
{
    struct place p;
    struct error err = ERROR_INIT;
    place_init(&p, true, 0);
    struct stream *stream = connect_to(&p);
    push_tls(&p, stream);
    log_in(stream);
    say(stream, "s SELECT INBOX\r\ni IDLE\r\n");
    read_to(stream, "+ idling");
    assert_int_equal(mem_backend_append(p.backend, "u", "INBOX", STR("x"), 0, 0, NULL, &err), 0);
    read_to(stream, "* 1 EXISTS");
    say(stream, "DONE\r\n");
    read_to(stream, "i OK");
    assert_int_equal(listener_counters(p.listener).round_trips, 3);
    /* Stopping does not wait for clients. */
    place_free(&p);
    char byte;
    assert_true(stream_read(stream, &byte, 1, &err) <= 0);
    stream_close(&stream);
}

static void too_many_connections(void **state)
{
    struct place p;
    place_init(&p, false, 2);
    struct stream *one = connect_to(&p);
    struct stream *two = connect_to(&p);
    read_to(one, "* OK");
    read_to(two, "* OK");
    struct stream *three = connect_to(&p);
    read_to(three, "* BYE [UNAVAILABLE] Too many connections");
    read_end(three);
    stream_close(&one);
    stream_close(&two);
    stream_close(&three);
    place_free(&p);
}

static void limit_server_connections(void **state)
{
    struct place p;
    struct stream *streams[LIMIT_SERVER_CONNECTIONS + 1];
    place_init(&p, false, 0);
    for (size_t i = 0; i < LIMIT_SERVER_CONNECTIONS; i++) {
        streams[i] = connect_to(&p);
        read_to(streams[i], "* OK");
    }
    streams[LIMIT_SERVER_CONNECTIONS] = connect_to(&p);
    read_to(streams[LIMIT_SERVER_CONNECTIONS], "* BYE [UNAVAILABLE] Too many connections");
    for (size_t i = 0; i <= LIMIT_SERVER_CONNECTIONS; i++) {
        stream_close(&streams[i]);
    }
    place_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(implicit_tls),
        cmocka_unit_test(starttls),
        cmocka_unit_test(compress),
        cmocka_unit_test(idle_and_the_end),
        cmocka_unit_test(too_many_connections),
        cmocka_unit_test(limit_server_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
