#include "base/alloc.h"
#include "net/stream.h"
#include "core/net/peer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>
#include <cmocka.h>

#define MIB (1024 * 1024)

static void open_deflated(struct peer *peer)
{
    struct error err = ERROR_INIT;
    peer_open(peer, NULL);
    assert_int_equal(stream_push_deflate(peer->ours, &err), 0);
    assert_int_equal(stream_push_deflate(peer->theirs, &err), 0);
}

static void each_flush_arrives(void **state)
{
    struct peer peer;
    open_deflated(&peer);
    for (int i = 0; i < 5; i++) {
        must_write(peer.ours, "a NOOP\r\n");
        must_flush(peer.ours);
        must_read(peer.theirs, "a NOOP\r\n");
        must_write(peer.theirs, "a OK done\r\n");
        must_flush(peer.theirs);
        must_read(peer.ours, "a OK done\r\n");
    }
    must_flush(peer.ours);
    uint64_t before = stream_counters(peer.ours).bytes_out;
    must_flush(peer.ours);
    assert_int_equal(stream_counters(peer.ours).bytes_out, before);
    stream_close(&peer.theirs);
    must_end(peer.ours);
    peer_close(&peer);
}

static void exchange(const struct load *load, bool shrinks)
{
    struct peer peer;
    struct load copy = *load;
    open_deflated(&peer);
    peer_start(&peer, write_then_read, &copy);
    write_then_read(peer.ours, &copy);
    peer_join(&peer);
    assert_int_equal(stream_counters(peer.ours).bytes_out < load->size / 10, shrinks);
    peer_close(&peer);
}

/* Both write at once, as in the plain case. */
static void what_shrinks_and_what_does_not_cross_both_ways(void **state)
{
    struct load load = {.data = xmalloc(MIB - 5), .size = MIB - 5};
    memset(load.data, 'a', load.size);
    exchange(&load, true);
    uint32_t noise = 1;
    for (size_t i = 0; i < load.size; i++) {
        noise = noise * 1664525 + 1013904223;
        load.data[i] = (char)(noise >> 24);
    }
    exchange(&load, false);
    xfree(&load.data);
}

/* Raw deflate of `text`, ended by a sync flush. */
static size_t compressed(const char *text, unsigned char *out, size_t size)
{
    z_stream z = {0};
    AUTO_FREE unsigned char *input = xmemdup(text, strlen(text));
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = input;
    z.avail_in = (uInt)strlen(text);
    z.next_out = out;
    z.avail_out = (uInt)size;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    (void)deflateEnd(&z);
    return size - z.avail_out;
}

/* RFC 4978: the server's first compressed bytes may come with the OK. */
static void bytes_behind_the_ok_are_inflated(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    unsigned char packed[200];
    size_t len = compressed("* 5 EXISTS\r\n", packed, sizeof packed);
    peer_open(&peer, NULL);
    must_write(peer.theirs, "c OK go\r\n");
    assert_int_equal(stream_write(peer.theirs, packed, len, &err), 0);
    must_flush(peer.theirs);
    char got[300];
    ssize_t count = stream_read(peer.ours, got, sizeof got, &err);
    assert_int_equal(count, 9 + len);
    stream_unread(peer.ours, str_make(got + 9, (size_t)count - 9));
    assert_int_equal(stream_push_deflate(peer.ours, &err), 0);
    assert_true(stream_has_input(peer.ours));
    must_read(peer.ours, "* 5 EXISTS\r\n");
    assert_false(stream_has_input(peer.ours));
    peer_close(&peer);
}

static void inflated_but_unread_bytes_are_input(void **state)
{
    struct peer peer;
    open_deflated(&peer);
    must_write(peer.theirs, "one\r\ntwo\r\n");
    must_flush(peer.theirs);
    assert_false(stream_has_input(peer.ours));
    must_read(peer.ours, "one\r\n");
    assert_true(stream_has_input(peer.ours));
    must_read(peer.ours, "two\r\n");
    assert_false(stream_has_input(peer.ours));
    peer_close(&peer);
}

static void law7_damaged_data_is_an_error(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    peer_open(&peer, NULL);
    assert_int_equal(stream_push_deflate(peer.ours, &err), 0);
    must_write(peer.theirs, "* this was never compressed\r\n");
    must_flush(peer.theirs);
    char got[100];
    ssize_t count;
    do {
        count = stream_read(peer.ours, got, sizeof got, &err);
    } while (count > 0);
    assert_int_equal(count, -ERR_PROTOCOL);
    peer_close(&peer);
}

/* Law 9: what a small input inflates to comes piece by piece. */
static void law9_a_bomb_comes_in_pieces(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    open_deflated(&peer);
    static char zeroes[8 * MIB];
    assert_int_equal(stream_write(peer.theirs, zeroes, sizeof zeroes, &err), 0);
    must_flush(peer.theirs);
    char got[1000];
    assert_int_equal(stream_read(peer.ours, got, sizeof got, &err), sizeof got);
    assert_true(stream_counters(peer.ours).bytes_in <= 16384);
    peer_close(&peer);
}

static void it_can_be_taken_away_again(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    open_deflated(&peer);
    must_write(peer.ours, "last\r\n");
    must_flush(peer.ours);
    must_read(peer.theirs, "last\r\n");
    must_write(peer.theirs, "OK\r\n");
    must_flush(peer.theirs);
    must_read(peer.ours, "OK\r\n");
    assert_int_equal(stream_pop_deflate(peer.ours, &err), 0);
    assert_int_equal(stream_pop_deflate(peer.theirs, &err), 0);
    must_write(peer.ours, "plain\r\n");
    must_flush(peer.ours);
    must_read(peer.theirs, "plain\r\n");
    must_write(peer.theirs, "plain too\r\n");
    must_flush(peer.theirs);
    must_read(peer.ours, "plain too\r\n");
    assert_int_equal(stream_push_deflate(peer.ours, &err), 0);
    assert_int_equal(stream_push_deflate(peer.theirs, &err), 0);
    must_write(peer.ours, "again\r\n");
    must_flush(peer.ours);
    must_read(peer.theirs, "again\r\n");
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flush_arrives),
        cmocka_unit_test(what_shrinks_and_what_does_not_cross_both_ways),
        cmocka_unit_test(bytes_behind_the_ok_are_inflated),
        cmocka_unit_test(inflated_but_unread_bytes_are_input),
        cmocka_unit_test(it_can_be_taken_away_again),
        cmocka_unit_test(law7_damaged_data_is_an_error),
        cmocka_unit_test(law9_a_bomb_comes_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
