/* One message of 500 MB goes through the client, and through the dissector, piece by piece: what
 * they hold while it does is counted. The server is no stored body, but bytes made as they go. */
#include "base/alloc.h"
#include "imap/dissect.h"
#include "client/client.h"
#include "support/heap.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MESSAGE_BYTES ((uint64_t)500 * 1000 * 1000)
#define HELD_MAX ((size_t)1024 * 1024)

/* What is said before the body and behind it. */
struct server {
    const char *before, *after;
    size_t before_at, after_at;
    uint64_t body_at;
};

static struct server server_of(const char *before, const char *after)
{
    return (struct server){.before = before, .after = after};
}

static ssize_t server_read(void *self, void *out, size_t size, struct error *err)
{
    struct server *s = self;
    size_t left = strlen(s->before) - s->before_at;
    if (left > 0) {
        left = left < size ? left : size;
        memcpy(out, s->before + s->before_at, left);
        s->before_at += left;
        return (ssize_t)left;
    }
    if (s->body_at < MESSAGE_BYTES) {
        uint64_t rest = MESSAGE_BYTES - s->body_at;
        left = rest < size ? (size_t)rest : size;
        memset(out, 'a' + (int)(s->body_at % 26), left);
        s->body_at += left;
        return (ssize_t)left;
    }
    left = strlen(s->after) - s->after_at;
    left = left < size ? left : size;
    memcpy(out, s->after + s->after_at, left);
    s->after_at += left;
    return (ssize_t)left;
}

static ssize_t layer_read(struct stream_layer *layer, void *out, size_t size,
                          enum stream_want *want, struct error *err)
{
    return server_read(layer->self, out, size, err);
}

static ssize_t layer_write(struct stream_layer *layer, const void *data, size_t size,
                           enum stream_want *want, struct error *err)
{
    return (ssize_t)size;
}

static int layer_wait(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
                      const struct wake *wake, const struct clock *clock, struct error *err)
{
    return 0;
}

static void layer_close(struct stream_layer *layer)
{
}

static const struct stream_layer_ops layer_ops = {"endless", layer_read, layer_write,
                                                  NULL,      layer_wait, layer_close};

struct body {
    uint64_t bytes;
    bool ended;
};

static bool body_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    assert_true(size == MESSAGE_BYTES);
    return true;
}

static bool body_piece(void *self, struct str data, struct error *err)
{
    ((struct body *)self)->bytes += data.len;
    return true;
}

static bool body_end(void *self, struct error *err)
{
    ((struct body *)self)->ended = true;
    return true;
}

static struct client *open_client(struct server *s)
{
    static const struct client_options options = {.host = "mail.example",
                                                  .security = SECURITY_NONE,
                                                  .plaintext_ok = true,
                                                  .timeout_ms = 60000,
                                                  .clock = &clock_system};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    struct client_select h;
    AUTO_ARENA struct arena *arena = arena_new();
    struct stream *stream = stream_from_layer(&layer_ops, s, NULL, &clock_system);
    assert_int_equal(client_open(stream, &options, &c, &err), 0);
    assert_int_equal(client_select_begin(c, &h, STR("INBOX"), false, NULL, arena, &err), 0);
    assert_int_equal(client_select_end(c, &h, &err), 0);
    client_select_free(&h);
    return c;
}

static void law9_a_message_of_500_mb_in_the_client(void **state)
{
    struct server s = server_of("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n* 1 EXISTS\r\nA1 OK x\r\n"
                                "* 1 FETCH (UID 7 FLAGS () BODY[] {500000000}\r\n",
                                ")\r\nA2 OK done\r\n");
    const struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS | FETCH_BODY_SECTION};
    struct body body = {0};
    const struct fetch_sink sink = {body_begin, body_piece, body_end, &body};
    struct error err = ERROR_INIT;
    struct client_fetch h;
    struct fetch_data data;
    AUTO_SEQSET struct seqset uids = {0};
    AUTO_ARENA struct arena *arena = arena_new();
    size_t before = heap_held();
    heap_watch();
    struct client *c = open_client(&s);
    seqset_add(&uids, 7);
    assert_int_equal(client_fetch_begin(c, &h, &uids, &request, &sink, arena, &err), 0);
    assert_int_equal(client_fetch_next(c, &h, &data, &err), 1);
    assert_int_equal(client_fetch_next(c, &h, &data, &err), 0);
    assert_int_equal(client_fetch_end(c, &h, &err), 0);
    assert_true(body.ended && body.bytes == MESSAGE_BYTES);
    client_fetch_free(&h);
    client_close(&c);
    print_message("the client held %zu bytes at most\n", heap_peak() - before);
    assert_true(heap_peak() - before > 60000); /* the counting works */
    assert_in_range(heap_peak() - before, 1, HELD_MAX);
}

static int see_unit(void *self, const struct dissect_unit *unit, struct error *err)
{
    ((struct body *)self)->ended = unit->value == DISSECT_FETCH && unit->fetch.bodies_len == 1 &&
                                   unit->fetch.bodies[0].size == MESSAGE_BYTES;
    return 0;
}

static int see_literal(void *self, uint64_t at, struct str piece, struct error *err)
{
    struct body *body = self;
    assert_true(at == body->bytes);
    body->bytes += piece.len;
    return 0;
}

static void law9_a_message_of_500_mb_in_the_dissector(void **state)
{
    struct server s = server_of("* 1 FETCH (UID 7 FLAGS () BODY[] {500000000}\r\n", ")\r\n");
    const struct reader_source source = {server_read, &s};
    struct body body = {0};
    const struct dissect_visitor visitor = {see_unit, see_literal, &body};
    struct error err = ERROR_INIT;
    uint64_t bad;
    size_t before = heap_held();
    heap_watch();
    assert_int_equal(dissect(&source, &visitor, &bad, &err), 0);
    assert_int_equal(bad, 0);
    assert_true(body.ended && body.bytes == MESSAGE_BYTES);
    print_message("the dissector held %zu bytes at most\n", heap_peak() - before);
    assert_in_range(heap_peak() - before, 60000, HELD_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law9_a_message_of_500_mb_in_the_client),
        cmocka_unit_test(law9_a_message_of_500_mb_in_the_dissector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
