/* Raw bytes over a stream in lockstep; counters. */
#include "base/alloc.h"
#include "support/lockstep_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void say(struct stream *stream, const char *text)
{
    struct error err = ERROR_INIT;
    assert_int_equal(stream_write(stream, text, strlen(text), &err), 0);
}

/* Reads, into an emptied `out`, until a line that holds `end` has come. */
static void read_to(struct stream *stream, const char *end, struct buf *out)
{
    struct error err = ERROR_INIT;
    char bytes[7];
    const char *found = NULL;
    buf_clear(out);
    while (found == NULL || strchr(found, '\n') == NULL) {
        ssize_t got = stream_read(stream, bytes, sizeof bytes, &err);
        if (got <= 0) {
            fail_msg("waiting for \"%s\": %zd %s after \"%s\"", end, got, err.text,
                     out->len > 0 ? out->data : "");
        }
        buf_add(out, bytes, (size_t)got);
        found = strstr(out->data, end);
    }
}

static struct stream *logged_in(struct lockstep_env *env, struct buf *out)
{
    struct stream *stream = lockstep_env_connect(env);
    read_to(stream, "ready", out);
    say(stream, "l LOGIN u p\r\n");
    read_to(stream, "l OK", out);
    return stream;
}

static void round_trips_are_counted(void **state)
{
    struct lockstep_env env;
    struct buf out AUTO_BUF = BUF_INIT((size_t)1 << 20);
    struct error err = ERROR_INIT;
    lockstep_env_init(&env);
    struct stream *stream = logged_in(&env, &out);
    struct session_counters before = lockstep_env_last_counters(&env);
    /* The greeting is nobody's answer. */
    assert_int_equal(before.round_trips, 1);
    assert_int_equal(before.commands, 1);
    say(stream, "a NOOP\r\nb CREATE x\r\n");
    say(stream, "c APPEND x {1+}\r\nx\r\n");
    read_to(stream, "c OK", &out);
    struct session_counters after = lockstep_env_last_counters(&env);
    assert_int_equal(after.round_trips - before.round_trips, 1);
    assert_int_equal(after.commands - before.commands, 3);
    assert_int_equal(after.changing_commands - before.changing_commands, 2);
    assert_int_equal(after.bytes_in - before.bytes_in, 8 + 12 + 20);
    /* A waiting literal costs one more. */
    say(stream, "d APPEND x {1}\r\n");
    read_to(stream, "+ Go", &out);
    say(stream, "x\r\n");
    read_to(stream, "d OK", &out);
    assert_int_equal(lockstep_env_last_counters(&env).round_trips - after.round_trips, 2);
    assert_int_equal(stream_flush(stream, &err), 0);
    assert_int_equal(stream_counters(stream).bytes_in, lockstep_env_counters(&env).bytes_out);
    assert_int_equal(stream_counters(stream).bytes_out, lockstep_env_counters(&env).bytes_in);
    stream_close(&stream);
    lockstep_env_free(&env);
}

static void a_wait_for_nothing_fails_at_once(void **state)
{
    struct lockstep_env env;
    struct buf out AUTO_BUF = BUF_INIT((size_t)1 << 20);
    struct error err = ERROR_INIT;
    char byte;
    lockstep_env_init(&env);
    struct stream *stream = logged_in(&env, &out);
    assert_true(stream_read(stream, &byte, 1, &err) < 0);
    assert_int_equal(err.code, ERR_TIMEOUT);
    stream_close(&stream);
    lockstep_env_free(&env);
}

/* A delay takes no time, but is longer than some have patience. */
static void a_delay_is_borne_or_not(void **state)
{
    static const struct {
        int64_t patience_ms;
        int result;
    } cases[] = {{3000, 1}, {1000, -ERR_TIMEOUT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lockstep_env env;
        struct buf out AUTO_BUF = BUF_INIT((size_t)1 << 20);
        struct error err = ERROR_INIT;
        char byte;
        lockstep_env_init(&env);
        struct stream *stream = logged_in(&env, &out);
        lockstep_env_fault(&env, (struct fault){.kind = FAULT_DELAY, .at = 1, .value = 2000});
        say(stream, "a NOOP\r\n");
        stream_set_deadline(stream, clock_deadline(&env.clock, cases[i].patience_ms));
        assert_int_equal(stream_read(stream, &byte, 1, &err), cases[i].result);
        stream_close(&stream);
        lockstep_env_free(&env);
    }
}

static void idle_hears_news(void **state)
{
    struct lockstep_env env;
    struct buf out AUTO_BUF = BUF_INIT((size_t)1 << 20);
    struct error err = ERROR_INIT;
    lockstep_env_init(&env);
    struct stream *stream = logged_in(&env, &out);
    say(stream, "s SELECT INBOX\r\ni IDLE\r\n");
    read_to(stream, "+ idling", &out);
    assert_int_equal(mem_backend_append(env.backend, "u", "INBOX", STR("x"), 0, 0, NULL, &err), 0);
    uint64_t trips = lockstep_env_last_counters(&env).round_trips;
    read_to(stream, "* 1 EXISTS", &out);
    assert_int_equal(lockstep_env_last_counters(&env).round_trips, trips);
    stream_close(&stream);
    lockstep_env_free(&env);
}

/* An answer far above the mark at which sessions pause comes whole. */
static void large_answers(void **state)
{
    enum { SIZE = 900000, COUNT = 5 };
    struct lockstep_env env;
    struct buf out AUTO_BUF = BUF_INIT((size_t)64 << 20);
    struct error err = ERROR_INIT;
    struct buf message AUTO_BUF = BUF_INIT(SIZE);
    char *room = buf_reserve(&message, SIZE);
    memset(room, 'm', SIZE);
    buf_commit(&message, SIZE);
    lockstep_env_init(&env);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(
            mem_backend_append(env.backend, "u", "INBOX", buf_str(&message), 0, 0, NULL, &err), 0);
    }
    struct stream *stream = logged_in(&env, &out);
    buf_clear(&out);
    uint64_t trips = lockstep_env_last_counters(&env).round_trips;
    say(stream, "s SELECT INBOX\r\nf FETCH 1:* BODY.PEEK[]\r\nn NOOP\r\n");
    char *bytes = xmalloc(65536);
    ssize_t got;
    while (out.len < 10 || memcmp(out.data + out.len - 11, "n OK Done\r\n", 11) != 0) {
        got = stream_read(stream, bytes, 65536, &err);
        assert_true(got > 0);
        buf_add(&out, bytes, (size_t)got);
    }
    xfree(&bytes);
    assert_true(out.len > (size_t)SIZE * COUNT && out.len < (size_t)SIZE * COUNT + 2000);
    assert_int_equal(lockstep_env_last_counters(&env).round_trips - trips, 1);
    stream_close(&stream);
    lockstep_env_free(&env);
}

static void a_cut_is_an_end(void **state)
{
    struct lockstep_env env;
    struct buf out AUTO_BUF = BUF_INIT((size_t)1 << 20);
    struct error err = ERROR_INIT;
    char byte;
    lockstep_env_init(&env);
    lockstep_env_fault(&env, (struct fault){.kind = FAULT_SILENCE, .command = "NOOP", .at = 1});
    struct stream *stream = logged_in(&env, &out);
    say(stream, "a NOOP\r\n");
    assert_int_equal(stream_read(stream, &byte, 1, &err), 0);
    stream_close(&stream);
    stream = logged_in(&env, &out);
    say(stream, "b NOOP\r\n");
    read_to(stream, "b OK", &out);
    stream_close(&stream);
    assert_int_equal(lockstep_env_counters(&env).commands, 4);
    lockstep_env_free(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips_are_counted),
        cmocka_unit_test(a_wait_for_nothing_fails_at_once),
        cmocka_unit_test(a_delay_is_borne_or_not),
        cmocka_unit_test(idle_hears_news),
        cmocka_unit_test(large_answers),
        cmocka_unit_test(a_cut_is_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
