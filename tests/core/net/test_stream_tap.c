#include "base/alloc.h"
#include "base/buf.h"
#include "net/stream.h"
#include "core/net/peer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* "C: line\n" and "S: line\n", one behind the other. */
static void note_line(void *self, char direction, struct str line)
{
    struct buf *seen = self;
    buf_addf(seen, "%c: %.*s\n", direction, STR_ARG(line));
}

struct tapped {
    struct peer peer;
    struct buf seen;
    struct tap_sink sink;
    struct tap *tap;
};

static void tapped_open(struct tapped *t)
{
    peer_open(&t->peer, NULL);
    t->seen = (struct buf)BUF_INIT(100000);
    t->sink = (struct tap_sink){note_line, &t->seen};
    t->tap = stream_push_tap(t->peer.ours, &t->sink);
}

/* Closes, and compares what was seen. */
static void tapped_close(struct tapped *t, const char *expected)
{
    peer_close(&t->peer);
    assert_string_equal(t->seen.data, expected);
    buf_free(&t->seen);
}

static void from_server(struct tapped *t, const char *text)
{
    must_write(t->peer.theirs, text);
    must_flush(t->peer.theirs);
    must_read(t->peer.ours, text);
}

static void lines_are_seen_in_turn(void **state)
{
    struct tapped t;
    tapped_open(&t);
    from_server(&t, "* OK ready\r\n");
    must_write(t.peer.ours, "a CAPA");
    must_write(t.peer.ours, "BILITY\r\nb NOOP\r\n");
    from_server(&t, "* CAPABILITY IMAP4rev1\r\na OK\n");
    from_server(&t, "* BYE cut o");
    tapped_close(&t, "S: * OK ready\nC: a CAPABILITY\nC: b NOOP\n"
                     "S: * CAPABILITY IMAP4rev1\nS: a OK\nS: * BYE cut o\n");
}

static void law10_what_is_hidden_is_not_seen(void **state)
{
    struct tapped t;
    tapped_open(&t);
    must_write(t.peer.ours, "a LOGIN alice ");
    tap_hide(t.tap, true);
    must_write(t.peer.ours, "\"s3cret\"\r\n");
    tap_hide(t.tap, false);
    must_write(t.peer.ours, "b AUTHENTICATE PLAIN\r\n");
    from_server(&t, "+ \r\n");
    tap_hide(t.tap, true);
    must_write(t.peer.ours, "AHMz");
    must_write(t.peer.ours, "Y3JldA==\r\n");
    tap_hide(t.tap, false);
    tap_hide(t.tap, true);
    must_write(t.peer.ours, "s3cret without an end");
    tap_hide(t.tap, false);
    must_write(t.peer.ours, "c NOOP\r\n");
    tapped_close(&t, "C: a LOGIN alice [hidden]\nC: b AUTHENTICATE PLAIN\nS: + \nC: [hidden]\n"
                     "C: [hidden]\nC: c NOOP\n");
}

static void large_literals_are_seen_as_their_size(void **state)
{
    struct tapped t;
    tapped_open(&t);
    AUTO_FREE char *body = xmalloc(5001);
    memset(body, 'x', 5000);
    memcpy(body + 2000, "\r\nA {9}\r\n", 9);
    body[5000] = '\0';
    must_write(t.peer.ours, "a APPEND INBOX {5000+}\r\n");
    must_write(t.peer.ours, body);
    must_write(t.peer.ours, "\r\nb NOOP\r\n");
    from_server(&t, "* 1 FETCH (BODY[] {11}\r\nS {99999}\r\nx)\r\n* 2 EXISTS\r\n");
    tapped_close(&t, "C: a APPEND INBOX {5000+}\nC: [literal of 5000 bytes]\nC: \nC: b NOOP\n"
                     "S: * 1 FETCH (BODY[] {11}\nS: S {99999}\nS: x)\nS: * 2 EXISTS\n");
}

static void law9_long_lines_are_cut(void **state)
{
    struct tapped t;
    tapped_open(&t);
    AUTO_FREE char *line = xmalloc(20003);
    memset(line, 'y', 20000);
    memcpy(line + 20000, "\r\n", 3);
    must_write(t.peer.ours, line);
    must_write(t.peer.ours, "a NOOP\r\n");
    AUTO_BUF struct buf expected = BUF_INIT(100000);
    buf_add_cstr(&expected, "C: ");
    buf_add(&expected, line, 16384);
    buf_add_cstr(&expected, "[and 3617 bytes]\nC: a NOOP\n");
    tapped_close(&t, expected.data);
}

/* What was read beyond the OK as if it were text is not shown as such. */
static void the_tap_stays_on_top_of_deflate(void **state)
{
    struct tapped t;
    struct error err = ERROR_INIT;
    tapped_open(&t);
    from_server(&t, "c OK go\r\n");
    must_write(t.peer.theirs, "\x01\x02");
    must_flush(t.peer.theirs);
    must_read(t.peer.ours, "\x01\x02");
    stream_unread(t.peer.ours, STR("\x01\x02"));
    must_read(t.peer.ours, "\x01\x02");
    assert_int_equal(stream_push_deflate(t.peer.ours, &err), 0);
    assert_int_equal(stream_push_deflate(t.peer.theirs, &err), 0);
    from_server(&t, "* 1 EXISTS\r\n");
    tapped_close(&t, "S: c OK go\nS: \x01\x02* 1 EXISTS\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_seen_in_turn),
        cmocka_unit_test(law10_what_is_hidden_is_not_seen),
        cmocka_unit_test(large_literals_are_seen_as_their_size),
        cmocka_unit_test(law9_long_lines_are_cut),
        cmocka_unit_test(the_tap_stays_on_top_of_deflate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
