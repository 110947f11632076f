#include "net/dial.h"
#include "core/net/peer.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <cmocka.h>

static struct stream *opened(const char *command)
{
    struct dial_options options = {.tunnel = command,
                                   .deadline_ms = clock_deadline(&clock_system, 10000),
                                   .clock = &clock_system};
    struct error err = ERROR_INIT;
    struct stream *stream = NULL;
    assert_int_equal(dial(&options, &stream, &err), 0);
    return stream;
}

/* No child is left, not even a dead one. */
static void assert_childless(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void the_command_is_the_peer(void **state)
{
    struct stream *stream = opened("cat");
    must_write(stream, "there and back");
    must_read(stream, "there and back");
    assert_int_equal(stream_connect_us(stream), 0);
    assert_true(stream_fd(stream) >= 0);
    stream_close(&stream);
    assert_childless();
}

static void it_is_a_command_for_sh(void **state)
{
    struct stream *stream = opened("x='* OK'; printf '%s %s' \"$x\" hello; cat >&2 </dev/null");
    must_read(stream, "* OK hello");
    must_end(stream);
    stream_close(&stream);
    assert_childless();
}

static void a_command_that_fails_says_how(void **state)
{
    static const struct {
        const char *command;
        const char *text;
    } cases[] = {
        {"exit 255", "the tunnel command ended with status 255"},
        {"/nowhere/ssh host 2>/dev/null", "the tunnel command ended with status 127"},
        {"kill -9 $$", "the tunnel command was ended by signal 9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stream *stream = opened(cases[i].command);
        struct error err = ERROR_INIT;
        char byte;
        assert_int_equal(stream_read(stream, &byte, 1, &err), -ERR_NETWORK);
        assert_string_equal(err.text, cases[i].text);
        stream_close(&stream);
        assert_childless();
    }
}

/* Neither the end of its input nor SIGTERM moves it. */
static void law9_a_stubborn_command_is_ended(void **state)
{
    struct stream *stream = opened("trap '' TERM; printf up; while :; do sleep 0.05; done");
    must_read(stream, "up");
    int64_t before = clock_monotonic_ms(&clock_system);
    stream_close(&stream);
    assert_childless();
    assert_true(clock_monotonic_ms(&clock_system) - before < 5000);
}

static void writing_to_a_command_that_left_is_no_signal(void **state)
{
    struct stream *stream = opened("printf bye; exit 0");
    struct error err = ERROR_INIT;
    must_read(stream, "bye");
    must_end(stream);
    must_write(stream, "a NOOP");
    assert_int_equal(stream_flush(stream, &err), -ERR_NETWORK);
    stream_close(&stream);
    assert_childless();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_is_the_peer),
        cmocka_unit_test(it_is_a_command_for_sh),
        cmocka_unit_test(a_command_that_fails_says_how),
        cmocka_unit_test(law9_a_stubborn_command_is_ended),
        cmocka_unit_test(writing_to_a_command_that_left_is_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
