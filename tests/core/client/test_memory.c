/* One message of 500 MB goes through the client, and through the dissector, piece by piece: what
 * they hold while it does is counted. The server is no stored body, but bytes made as they go. */
#include "base/alloc.h"
#include "imap/dissect.h"
#include "client/client.h"
#include "core/client/endless.h"
#include "support/heap.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MESSAGE_BYTES ((size_t)500 * 1000 * 1000)
#define HELD_MAX ((size_t)1024 * 1024)

/* A thousand blocks of it are the message. */
static char block[MESSAGE_BYTES / 1000];

static struct endless server_of(const char *before, const char *after)
{
    memset(block, 'a', sizeof block);
    return (struct endless){
        .before = before, .item = {block, sizeof block}, .times = 1000, .after = after};
}

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

static struct client *open_client(struct endless *s)
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
    assert_int_equal(client_open(endless_stream(s), &options, &c, &err), 0);
    assert_int_equal(client_select_begin(c, &h, STR("INBOX"), false, NULL, arena, &err), 0);
    assert_int_equal(client_select_end(c, &h, &err), 0);
    client_select_free(&h);
    return c;
}

static void law9_a_message_of_500_mb_in_the_client(void **state)
{
    struct endless s = server_of("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n* 1 EXISTS\r\nA1 OK x\r\n"
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
    struct endless s = server_of("* 1 FETCH (UID 7 FLAGS () BODY[] {500000000}\r\n", ")\r\n");
    const struct reader_source source = {endless_read, &s};
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
