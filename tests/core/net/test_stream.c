#include "base/alloc.h"
#include "net/stream.h"
#include "core/net/peer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define MIB (1024 * 1024)

static void bytes_cross_both_ways_and_are_counted(void **state)
{
    struct peer peer;
    peer_open(&peer, NULL);
    must_write(peer.ours, "hello ");
    must_write(peer.ours, "there");
    assert_int_equal(stream_counters(peer.ours).bytes_out, 0);
    must_flush(peer.ours);
    must_read(peer.theirs, "hello there");
    must_write(peer.theirs, "yes");
    must_flush(peer.theirs);
    must_read(peer.ours, "yes");
    assert_int_equal(stream_counters(peer.ours).bytes_out, 11);
    assert_int_equal(stream_counters(peer.ours).bytes_in, 3);
    assert_true(stream_fd(peer.ours) >= 0);
    peer_close(&peer);
    assert_null(peer.ours);
}

static void a_full_buffer_goes_out_by_itself(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    static char data[20000];
    peer_open(&peer, NULL);
    assert_int_equal(stream_write(peer.ours, data, sizeof data, &err), 0);
    assert_int_equal(stream_counters(peer.ours).bytes_out, 16384);
    must_flush(peer.ours);
    assert_int_equal(stream_counters(peer.ours).bytes_out, sizeof data);
    peer_close(&peer);
}

static void the_end_of_the_stream_stays(void **state)
{
    struct peer peer;
    peer_open(&peer, NULL);
    must_write(peer.theirs, "bye");
    must_flush(peer.theirs);
    stream_close(&peer.theirs);
    must_read(peer.ours, "bye");
    must_end(peer.ours);
    must_end(peer.ours);
    assert_true(stream_has_input(peer.ours));
    peer_close(&peer);
}

/* Without a signal, and what the peer said before it left can still be read. */
static void a_write_to_nobody_is_an_error_and_reading_goes_on(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    peer_open(&peer, NULL);
    must_write(peer.theirs, "* BYE too many connections");
    must_flush(peer.theirs);
    stream_close(&peer.theirs);
    must_write(peer.ours, "a LOGIN x y");
    assert_int_equal(stream_flush(peer.ours, &err), -ERR_NETWORK);
    assert_int_equal(err.scope, SCOPE_CONNECTION);
    assert_int_equal(stream_write(peer.ours, "b", 1, &err), -ERR_NETWORK);
    must_read(peer.ours, "* BYE too many connections");
    must_end(peer.ours);
    peer_close(&peer);
}

static void a_read_that_waits_flushes_first(void **state)
{
    struct peer peer;
    peer_open(&peer, NULL);
    must_write(peer.theirs, "+ go");
    must_flush(peer.theirs);
    must_write(peer.ours, "a IDLE");
    must_read(peer.ours, "+ go");
    assert_int_equal(stream_counters(peer.ours).bytes_out, 0);
    struct error err = ERROR_INIT;
    stream_set_deadline(peer.ours, clock_deadline(&clock_system, 0));
    char byte;
    assert_int_equal(stream_read(peer.ours, &byte, 1, &err), -ERR_TIMEOUT);
    must_read(peer.theirs, "a IDLE");
    peer_close(&peer);
}

static void law9_waits_end_at_the_deadline(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    char byte;
    peer_open(&peer, NULL);
    stream_set_deadline(peer.ours, clock_deadline(&clock_system, 20));
    assert_int_equal(stream_read(peer.ours, &byte, 1, &err), -ERR_TIMEOUT);
    assert_int_equal(err.scope, SCOPE_CONNECTION);
    /* Nobody reads: the socket fills up. */
    static char data[4 * MIB];
    error_clear(&err);
    stream_set_deadline(peer.ours, clock_deadline(&clock_system, 20));
    assert_int_equal(stream_write(peer.ours, data, sizeof data, &err), -ERR_TIMEOUT);
    peer_close(&peer);
}

static void a_wake_comes_before_everything(void **state)
{
    struct peer peer;
    struct wake wake;
    struct error err = ERROR_INIT;
    char byte;
    assert_int_equal(wake_init(&wake, &err), 0);
    peer_open(&peer, &wake);
    wake_signal(&wake);
    stream_set_deadline(peer.ours, clock_deadline(&clock_system, 0));
    assert_int_equal(stream_read(peer.ours, &byte, 1, &err), -ERR_CANCELLED);
    assert_int_equal(err.scope, SCOPE_CANCELLED);
    assert_int_equal(stream_wait_input(peer.ours, DEADLINE_NEVER, &err), -ERR_CANCELLED);
    wake_clear(&wake);
    error_clear(&err);
    assert_int_equal(stream_read(peer.ours, &byte, 1, &err), -ERR_TIMEOUT);
    peer_close(&peer);
    wake_close(&wake);
}

static void signal_wake(struct stream *theirs, void *arg)
{
    must_read(theirs, "waiting");
    wake_signal(arg);
}

static void another_thread_ends_a_wait(void **state)
{
    struct peer peer;
    struct wake wake;
    struct error err = ERROR_INIT;
    char byte;
    assert_int_equal(wake_init(&wake, &err), 0);
    peer_open(&peer, &wake);
    peer_start(&peer, signal_wake, &wake);
    must_write(peer.ours, "waiting");
    assert_int_equal(stream_read(peer.ours, &byte, 1, &err), -ERR_CANCELLED);
    peer_close(&peer);
    wake_close(&wake);
}

static void wait_input_tells_data_from_time(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    peer_open(&peer, NULL);
    assert_int_equal(stream_wait_input(peer.ours, clock_deadline(&clock_system, 5), &err), 0);
    assert_false(error_is_set(&err));
    assert_false(stream_has_input(peer.ours));
    must_write(peer.theirs, "ab");
    must_flush(peer.theirs);
    assert_int_equal(stream_wait_input(peer.ours, DEADLINE_NEVER, &err), 1);
    assert_true(stream_has_input(peer.ours));
    must_read(peer.ours, "a");
    assert_true(stream_has_input(peer.ours));
    must_read(peer.ours, "b");
    assert_false(stream_has_input(peer.ours));
    stream_close(&peer.theirs);
    assert_int_equal(stream_wait_input(peer.ours, DEADLINE_NEVER, &err), 1);
    must_end(peer.ours);
    peer_close(&peer);
}

static void what_is_put_back_comes_first(void **state)
{
    struct peer peer;
    struct error err = ERROR_INIT;
    peer_open(&peer, NULL);
    must_write(peer.theirs, "cdef");
    must_flush(peer.theirs);
    assert_int_equal(stream_wait_input(peer.ours, DEADLINE_NEVER, &err), 1);
    must_read(peer.ours, "c");
    stream_unread(peer.ours, STR("abc"));
    stream_unread(peer.ours, STR_EMPTY);
    must_read(peer.ours, "abcdef");
    peer_close(&peer);
}

static void two_writers_do_not_block_each_other(void **state)
{
    struct peer peer;
    struct load load = {.data = xmalloc(MIB), .size = MIB};
    for (size_t i = 0; i < load.size; i++) {
        load.data[i] = (char)(i * 31 >> 3);
    }
    peer_open(&peer, NULL);
    peer_start(&peer, write_then_read, &load);
    write_then_read(peer.ours, &load);
    peer_close(&peer);
    xfree(&load.data);
}

/* A bottom layer in memory: endless input, or none; output that goes nowhere, or nothing is taken.
 */
struct scripted {
    bool input;
    bool takes;
    size_t asked; /* the largest read */
    uint64_t given;
    int64_t waited_until;
    unsigned waited_for;
    bool closed;
};

static ssize_t scripted_read(struct stream_layer *layer, void *out, size_t size,
                             enum stream_want *want, struct error *err)
{
    struct scripted *s = layer->self;
    s->asked = size > s->asked ? size : s->asked;
    if (!s->input) {
        *want = STREAM_WANT_READ;
        return STREAM_AGAIN;
    }
    memset(out, 'x', size);
    s->given += size;
    return (ssize_t)size;
}

static ssize_t scripted_write(struct stream_layer *layer, const void *data, size_t size,
                              enum stream_want *want, struct error *err)
{
    const struct scripted *s = layer->self;
    *want = STREAM_WANT_WRITE;
    return s->takes ? (ssize_t)size : STREAM_AGAIN;
}

static int scripted_wait(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
                         const struct wake *wake, const struct clock *clock, struct error *err)
{
    struct scripted *s = layer->self;
    s->waited_until = deadline_ms;
    s->waited_for = want;
    return error_set(err, ERR_TIMEOUT, SCOPE_CONNECTION, "scripted");
}

static void scripted_close(struct stream_layer *layer)
{
    ((struct scripted *)layer->self)->closed = true;
}

static const struct stream_layer_ops scripted_ops = {
    .name = "scripted",
    .try_read = scripted_read,
    .try_write = scripted_write,
    .wait = scripted_wait,
    .close = scripted_close,
};

static int64_t fixed(void *self)
{
    return *(int64_t *)self;
}

static void large_reads_go_straight_to_the_bottom(void **state)
{
    struct scripted script = {.input = true, .takes = true};
    struct stream *stream = stream_from_layer(&scripted_ops, &script, NULL, &clock_system);
    struct error err = ERROR_INIT;
    static char data[65536];
    assert_int_equal(stream_read(stream, data, sizeof data, &err), sizeof data);
    assert_int_equal(script.asked, sizeof data);
    assert_int_equal(stream_fd(stream), -1);
    stream_close(&stream);
    assert_true(script.closed);
}

static void law9_read_ahead_is_bounded(void **state)
{
    struct scripted script = {.input = true, .takes = false};
    struct stream *stream = stream_from_layer(&scripted_ops, &script, NULL, &clock_system);
    struct error err = ERROR_INIT;
    assert_int_equal(stream_write(stream, "x", 1, &err), 0);
    assert_int_equal(stream_flush(stream, &err), -ERR_TIMEOUT);
    assert_true(script.given >= MIB && script.given <= MIB + 65536);
    assert_int_equal(script.waited_for, STREAM_WANT_WRITE);
    stream_close(&stream);
}

static void progress_moves_the_deadline(void **state)
{
    int64_t now = 1000;
    struct clock clock = {fixed, fixed, &now};
    struct scripted script = {.input = true, .takes = true};
    struct stream *stream = stream_from_layer(&scripted_ops, &script, NULL, &clock);
    struct error err = ERROR_INIT;
    char byte;
    stream_set_progress_timeout(stream, 500);
    assert_int_equal(stream_wait(stream, STREAM_WANT_READ, &err), -ERR_TIMEOUT);
    assert_int_equal(script.waited_until, 1500);
    now = 1400;
    assert_int_equal(stream_read(stream, &byte, 1, &err), 1);
    assert_int_equal(stream_wait(stream, STREAM_WANT_READ, &err), -ERR_TIMEOUT);
    assert_int_equal(script.waited_until, 1900);
    now = 1800;
    assert_int_equal(stream_write(stream, "x", 1, &err), 0);
    assert_int_equal(stream_flush(stream, &err), 0);
    assert_int_equal(stream_wait(stream, STREAM_WANT_READ, &err), -ERR_TIMEOUT);
    assert_int_equal(script.waited_until, 2300);
    stream_set_progress_timeout(stream, 0);
    stream_set_deadline(stream, 2000);
    assert_int_equal(stream_read(stream, &byte, 1, &err), 1);
    assert_int_equal(stream_wait(stream, STREAM_WANT_READ, &err), -ERR_TIMEOUT);
    assert_int_equal(script.waited_until, 2000);
    stream_close(&stream);
}

static void a_wake_is_seen_though_the_peer_never_pauses(void **state)
{
    struct wake wake;
    struct error err = ERROR_INIT;
    struct scripted script = {.input = true, .takes = true};
    assert_int_equal(wake_init(&wake, &err), 0);
    struct stream *stream = stream_from_layer(&scripted_ops, &script, &wake, &clock_system);
    wake_signal(&wake);
    static char data[65536];
    ssize_t got = 0;
    for (int i = 0; i < 100 && got >= 0; i++) {
        got = stream_read(stream, data, sizeof data, &err);
    }
    assert_int_equal(got, -ERR_CANCELLED);
    assert_true(script.given <= MIB);
    stream_close(&stream);
    wake_close(&wake);
}

static void echo(struct stream *theirs, void *arg)
{
    must_read(theirs, "ping");
    must_write(theirs, "pong");
    must_flush(theirs);
}

static void two_descriptors_make_a_stream(void **state)
{
    int to_us[2];
    int from_us[2];
    struct error err = ERROR_INIT;
    assert_int_equal(pipe(to_us), 0);
    assert_int_equal(pipe(from_us), 0);
    struct peer peer = {.theirs = stream_from_pipes(from_us[0], to_us[1], NULL, &clock_system)};
    peer.ours = stream_from_pipes(to_us[0], from_us[1], NULL, &clock_system);
    stream_set_deadline(peer.ours, clock_deadline(&clock_system, 10000));
    stream_set_deadline(peer.theirs, clock_deadline(&clock_system, 10000));
    peer_start(&peer, echo, NULL);
    assert_int_equal(stream_wait_input(peer.ours, clock_deadline(&clock_system, 1), &err), 0);
    must_write(peer.ours, "ping");
    must_read(peer.ours, "pong");
    peer_join(&peer);
    stream_close(&peer.theirs);
    must_end(peer.ours);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_cross_both_ways_and_are_counted),
        cmocka_unit_test(a_full_buffer_goes_out_by_itself),
        cmocka_unit_test(the_end_of_the_stream_stays),
        cmocka_unit_test(a_write_to_nobody_is_an_error_and_reading_goes_on),
        cmocka_unit_test(a_read_that_waits_flushes_first),
        cmocka_unit_test(law9_waits_end_at_the_deadline),
        cmocka_unit_test(a_wake_comes_before_everything),
        cmocka_unit_test(another_thread_ends_a_wait),
        cmocka_unit_test(wait_input_tells_data_from_time),
        cmocka_unit_test(what_is_put_back_comes_first),
        cmocka_unit_test(two_writers_do_not_block_each_other),
        cmocka_unit_test(large_reads_go_straight_to_the_bottom),
        cmocka_unit_test(law9_read_ahead_is_bounded),
        cmocka_unit_test(progress_moves_the_deadline),
        cmocka_unit_test(a_wake_is_seen_though_the_peer_never_pauses),
        cmocka_unit_test(two_descriptors_make_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
