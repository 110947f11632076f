/* The limits of what the client takes from a server: as much as they allow, and one more. */
#include "imap/limits.h"
#include "client/client.h"
#include "core/client/endless.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static const char hello[] = "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n";

static struct client *open_client(struct endless *e)
{
    static const struct client_options options = {.host = "mail.example",
                                                  .security = SECURITY_NONE,
                                                  .plaintext_ok = true,
                                                  .timeout_ms = 60000,
                                                  .clock = &clock_system};
    struct error err = ERROR_INIT;
    struct client *c = NULL;
    assert_int_equal(client_open(endless_stream(e), &options, &c, &err), 0);
    return c;
}

/* The result of a NOOP that is answered with `before`, `item` so many times, and `after`. */
static int noop(const char *before, struct str item, size_t times, const char *after,
                struct error *err)
{
    char start[1000];
    char end[1000];
    (void)snprintf(start, sizeof start, "%s%s", hello, before);
    (void)snprintf(end, sizeof end, "%s\r\nA1 OK done\r\n", after);
    struct endless e = {.before = start, .item = item, .times = times, .after = end};
    struct client *c = open_client(&e);
    int result = client_noop(c, err);
    client_close(&c);
    return result;
}

static void limit_token_bytes(void **state)
{
    struct error err = ERROR_INIT;
    assert_int_equal(noop("* STATUS \"", STR("x"), LIMIT_TOKEN_BYTES - 2, "\" (MESSAGES 1)", &err),
                     0);
    assert_int_equal(noop("* STATUS \"", STR("x"), LIMIT_TOKEN_BYTES + 1, "\" (MESSAGES 1)", &err),
                     -ERR_PROTOCOL);
    assert_non_null(strstr(err.text, "more than 1048576 bytes"));
}

static void limit_response_bytes(void **state)
{
    struct error err = ERROR_INIT;
    size_t items = LIMIT_RESPONSE_BYTES / 1000;
    static char item[1000];
    memset(item, 'x', sizeof item);
    item[0] = ' ';
    assert_int_equal(noop("* X-NEW", str_make(item, 1000), items - 1, "", &err), 0);
    /* Looked at when more is read: up to a window beyond. */
    assert_int_equal(noop("* X-NEW", str_make(item, 1000), items + 100, "", &err), -ERR_PROTOCOL);
}

static void limit_literal_bytes(void **state)
{
    for (unsigned more = 0; more < 2; more++) {
        char line[200];
        struct error err = ERROR_INIT;
        (void)snprintf(line, sizeof line, "* 1 FETCH (UID 7 BODY[] {%llu}\r\n",
                       (unsigned long long)LIMIT_LITERAL_BYTES + more);
        /* One that is allowed is waited for: the server is gone in the middle of it. */
        assert_int_equal(noop(line, STR_EMPTY, 0, "", &err),
                         more == 0 ? -ERR_NETWORK : -ERR_PROTOCOL);
    }
}

static void limit_mailboxes(void **state)
{
    for (unsigned more = 0; more < 2; more++) {
        AUTO_BUF struct buf lines = BUF_INIT((size_t)16 << 20);
        for (unsigned i = 0; i < LIMIT_MAILBOXES + more; i++) {
            buf_addf(&lines, "* LIST () \"/\" a%u\r\n", i);
        }
        struct endless e = {
            .before = hello, .item = buf_str(&lines), .times = 1, .after = "A1 OK done\r\n"};
        struct error err = ERROR_INIT;
        struct client_mailboxes all = {0};
        AUTO_ARENA struct arena *arena = arena_new();
        struct client *c = open_client(&e);
        assert_int_equal(client_list(c, STR("*"), arena, &all, &err),
                         more == 0 ? 0 : -ERR_PROTOCOL);
        client_close(&c);
    }
}

/* How many events there are after a NOOP, and of which kind the first is. */
static size_t events_after(struct str item, size_t times, enum client_event_kind *first,
                           size_t *text)
{
    struct endless e = {.before = hello, .item = item, .times = times, .after = "A1 OK done\r\n"};
    struct error err = ERROR_INIT;
    struct client *c = open_client(&e);
    struct client_event event;
    size_t count = 0;
    assert_int_equal(client_noop(c, &err), 0);
    for (; client_next_event(c, &event); count++) {
        *first = count == 0 ? event.kind : *first;
        *text = event.text.len;
    }
    client_close(&c);
    return count;
}

static void limit_unsolicited(void **state)
{
    enum client_event_kind first;
    size_t text;
    struct str alert = STR("* OK [ALERT] x\r\n");
    assert_int_equal(events_after(alert, LIMIT_UNSOLICITED, &first, &text), LIMIT_UNSOLICITED);
    assert_int_equal(first, EVENT_ALERT);
    assert_int_equal(events_after(alert, LIMIT_UNSOLICITED + 1, &first, &text), 1);
    assert_int_equal(first, EVENT_OVERFLOW);
}

static void limit_unsolicited_bytes(void **state)
{
    enum client_event_kind first;
    size_t text;
    static char alert[1017];
    (void)snprintf(alert, sizeof alert, "* OK [ALERT] %01000d\r\n", 0);
    size_t times = LIMIT_UNSOLICITED_BYTES / 1000 + 1;
    assert_true(times < LIMIT_UNSOLICITED);
    assert_true(events_after(str_from(alert), times, &first, &text) < times);
    assert_int_equal(first, EVENT_OVERFLOW);
    assert_int_equal(events_after(str_from(alert), times / 2, &first, &text), times / 2);
}

static void limit_event_text_bytes(void **state)
{
    enum client_event_kind first;
    size_t text;
    static char alert[LIMIT_EVENT_TEXT_BYTES + 100];
    (void)snprintf(alert, sizeof alert, "* OK [ALERT] %0*d\r\n", LIMIT_EVENT_TEXT_BYTES + 1, 0);
    assert_int_equal(events_after(str_from(alert), 1, &first, &text), 1);
    assert_int_equal(text, LIMIT_EVENT_TEXT_BYTES);
}

/* A challenge of "AAAA…", which is three zeros for each four. */
static int log_in_after(size_t challenge_bytes, struct error *err)
{
    static const struct client_credentials alice = {.user = "alice", .password = "secret"};
    struct endless e = {.before = "* OK [CAPABILITY IMAP4rev1 AUTH=CRAM-MD5] hi\r\n+ ",
                        .item = STR("AAAA"),
                        .times = challenge_bytes / 3,
                        .after = "\r\nA1 NO no\r\n"};
    struct client *c = open_client(&e);
    int result = client_login(c, &alice, err);
    client_close(&c);
    return result;
}

static void limit_sasl_bytes(void **state)
{
    struct error err = ERROR_INIT;
    assert_int_equal(log_in_after(LIMIT_SASL_BYTES / 3 * 3 + 3, &err), -ERR_AUTH);
    assert_non_null(strstr(err.text, "more than 65536 bytes"));
}

static void limit_sasl_steps(void **state)
{
    static const struct client_credentials alice = {.user = "alice", .password = "secret"};
    struct endless e = {.before = "* OK [CAPABILITY IMAP4rev1 AUTH=CRAM-MD5] hi\r\n",
                        .item = STR("+ AAAA\r\n"),
                        .times = 10 * LIMIT_SASL_STEPS,
                        .after = "A1 OK in\r\n"};
    struct error err = ERROR_INIT;
    struct client *c = open_client(&e);
    assert_int_equal(client_login(c, &alice, &err), -ERR_PROTOCOL);
    assert_non_null(strstr(err.text, "without end"));
    client_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_token_bytes),      cmocka_unit_test(limit_response_bytes),
        cmocka_unit_test(limit_literal_bytes),    cmocka_unit_test(limit_mailboxes),
        cmocka_unit_test(limit_unsolicited),      cmocka_unit_test(limit_unsolicited_bytes),
        cmocka_unit_test(limit_event_text_bytes), cmocka_unit_test(limit_sasl_bytes),
        cmocka_unit_test(limit_sasl_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
