#include "client/cmd_raw.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static int raw(struct fixture *f, struct client_raw *h, const char *line)
{
    return client_raw(f->c, h, str_from(line), f->arena, &f->err);
}

static void comes_back(struct fixture *f)
{
    struct client_raw h;
    struct client_event event;
    assert_ok(f, raw(f, &h, "noop"));
    assert_int_equal(h.untagged_len, 4);
    assert_text(h.untagged[0], "* OK [ALERT] before");
    assert_text(h.untagged[1], "* 3 EXISTS");
    assert_text(h.untagged[2], "* X-THING (a {5}\r\nb\r\nc) \"{3}\"");
    assert_text(h.tagged, "A1 OK [X-CODE 1 2] done so");
    assert_true(client_has(f->c, CAP_IDLE));
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_ALERT);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_EXISTS);
    assert_error(f, raw(f, &h, "XYZZY 1\r\n"), ERR_BAD, SCOPE_MAILBOX, "what");
    assert_text(h.tagged, "A2 BAD [CLIENTBUG] what");
    assert_false(h.cut);
}

static void literals(struct fixture *f)
{
    struct client_raw h;
    assert_ok(f, raw(f, &h, "XAPPEND \"a b\" {3+}\r\nabc (\\Seen) ~{0}\r\n"));
    assert_int_equal(h.untagged_len, 2);
    assert_text(h.untagged[0], "+ go");
    assert_error(f, raw(f, &h, "XAPPEND {3}\r\nabc"), ERR_NO, SCOPE_MAILBOX, "none");
    assert_text(h.tagged, "A2 NO [TRYCREATE] none");
}

static void literal_plus(struct fixture *f)
{
    struct client_raw h;
    assert_ok(f, raw(f, &h, "XAPPEND {3}\r\nabc"));
}

static void means(struct fixture *f)
{
    struct client_raw h;
    assert_error(f, raw(f, &h, "FETCH 1 FLAGS"), ERR_STATE, SCOPE_MAILBOX, "no mailbox selected");
    assert_ok(f, raw(f, &h, "SELECT \"a b\""));
    assert_text(client_selected(f->c), "a b");
    assert_ok(f, raw(f, &h, "UID FETCH 1 (UID BODY[])"));
    assert_text(h.untagged[0], "* 1 FETCH (UID 1 BODY[] {6}\r\na\r\nb\r\n)");
    assert_ok(f, raw(f, &h, "CLOSE"));
    assert_int_equal(client_state(f->c), STATE_AUTHENTICATED);
    assert_ok(f, raw(f, &h, "LOGOUT"));
    assert_text(h.untagged[0], "* BYE see you");
    assert_error(f, raw(f, &h, "NOOP"), ERR_STATE, SCOPE_MAILBOX, "in this state");
}

static void not_sent(struct fixture *f)
{
    static const struct {
        const char *line;
        const char *words;
    } rows[] = {
        {"STARTTLS", "cannot be sent raw"},
        {"login a b", "cannot be sent raw"},
        {"AUTHENTICATE PLAIN", "cannot be sent raw"},
        {"COMPRESS DEFLATE", "cannot be sent raw"},
        {"IDLE", "cannot be sent raw"},
        {"", "begins with the name"},
        {"(x", "begins with the name"},
        {"NOOP\r\nA2 DELETE x", "line end"},
        {"NOOP\nA2 DELETE x", "name of a command"},
        {"X \n", "line end"},
        {"X {5}\r\nabc", "breaks off"},
        {"X {99999999999999999999}\r\nabc", "breaks off"},
        {"X abc}\r\nabc", "breaks off"},
    };
    struct client_raw h;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_error(f, raw(f, &h, rows[i].line), ERR_STATE, SCOPE_MAILBOX, rows[i].words);
    }
    assert_int_equal(client_counters(f->c).commands, 0);
}

static const struct fixture_case cases[] = {
    {"what comes back", comes_back, 0},
    {"literals", literals, 0},
    {"literals without waiting", literal_plus, 0},
    {"what it means", means, 0},
    {"what it does not send", not_sent, 0},
};

int main(void)
{
    return fixture_main("raw.txt", cases, sizeof cases / sizeof cases[0]);
}
