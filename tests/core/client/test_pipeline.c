/* What is common to all commands: unsolicited data, wrong answers, failures, the window. */
#include "imap/limits.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void select_inbox(struct fixture *f)
{
    struct client_select h;
    assert_ok(f, client_select_begin(f->c, &h, STR("INBOX"), false, NULL, f->arena, &f->err));
    assert_ok(f, client_select_end(f->c, &h, &f->err));
}

static struct client_event event_of(struct fixture *f, enum client_event_kind kind)
{
    struct client_event event;
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, kind);
    return event;
}

static void unsolicited(struct fixture *f)
{
    struct client_event event;
    select_inbox(f);
    assert_ok(f, client_noop(f->c, &f->err));
    assert_int_equal(event_of(f, EVENT_EXISTS).number, 6);
    assert_int_equal(event_of(f, EVENT_EXPUNGE).number, 2);
    event = event_of(f, EVENT_VANISHED);
    assert_string_equal(set_text(&event.uids), "41,43:45");
    seqset_free(&event.uids);
    event = event_of(f, EVENT_FETCH);
    assert_int_equal(event.uid, 9);
    assert_int_equal(event.flags, FLAG_SEEN);
    assert_int_equal(event.modseq, 77);
    assert_text(event_of(f, EVENT_STATUS).text, "Other");
    assert_text(event_of(f, EVENT_ALERT).text, "the disk is filling");
    assert_text(event_of(f, EVENT_LIST).list->name, "New");
    assert_false(client_next_event(f->c, &event));
}

static void law9_events_are_bounded(struct fixture *f)
{
    struct client_event event;
    select_inbox(f);
    assert_ok(f, client_noop(f->c, &f->err));
    (void)event_of(f, EVENT_OVERFLOW);
    assert_false(client_next_event(f->c, &event));
}

static void law7_wrong_answer(struct fixture *f)
{
    assert_error(f, client_noop(f->c, &f->err), ERR_PROTOCOL, SCOPE_CONNECTION, "");
    assert_non_null(client_failure(f->c));
}

static void begin_two(struct fixture *f, struct client_status h[2])
{
    assert_ok(f, client_status_begin(f->c, &h[0], STR("One"), STATUS_MESSAGES, f->arena, &f->err));
    assert_ok(f, client_status_begin(f->c, &h[1], STR("Two"), STATUS_MESSAGES, f->arena, &f->err));
}

static void bye(struct fixture *f)
{
    struct client_status h[2];
    struct status_data data = {0};
    begin_two(f, h);
    assert_ok(f, client_status_end(f->c, &h[0], &data, &f->err));
    assert_error(f, client_status_end(f->c, &h[1], &data, &f->err), ERR_BYE, SCOPE_CONNECTION,
                 "restarting");
    assert_string_equal(f->err.response_code, "UNAVAILABLE");
}

static void results_outlive_the_connection(struct fixture *f)
{
    struct client_status h[2];
    struct status_data data = {0};
    begin_two(f, h);
    assert_ok(f, client_status_end(f->c, &h[0], &data, &f->err));
    assert_error(f, client_noop(f->c, &f->err), ERR_NETWORK, SCOPE_CONNECTION, "closed");
    assert_error(f, client_status_end(f->c, &h[1], &data, &f->err), ERR_NO, SCOPE_MAILBOX, "no");
}

static void law9_silence(struct fixture *f)
{
    assert_error(f, client_noop(f->c, &f->err), ERR_TIMEOUT, SCOPE_CONNECTION, "");
    assert_int_equal(client_failure(f->c)->code, ERR_TIMEOUT);
}

static void cancelled(struct fixture *f)
{
    assert_error(f, client_noop(f->c, &f->err), ERR_CANCELLED, SCOPE_CANCELLED, "");
    assert_int_equal(client_failure(f->c)->code, ERR_CANCELLED);
}

static void before_login(struct fixture *f)
{
    struct client_mailboxes all = {0};
    assert_error(f, client_list(f->c, STR("*"), f->arena, &all, &f->err), ERR_STATE, SCOPE_MAILBOX,
                 "LIST is not possible before login");
    assert_int_equal(client_counters(f->c).commands, 0);
    assert_null(client_failure(f->c));
}

static void long_line(struct fixture *f)
{
    char name[LIMIT_COMMAND_LINE_BYTES];
    memset(name, 'a', sizeof name);
    assert_int_equal(client_create(f->c, str_make(name, sizeof name), &f->err), -ERR_STATE);
    assert_int_equal(client_create(f->c, str_make("a\0b", 3), &f->err), -ERR_STATE);
    assert_int_equal(client_counters(f->c).commands, 0);
}

#define WINDOWED 36

static void law9_window(struct fixture *f)
{
    static struct client_status handles[WINDOWED];
    char name[900];
    memset(name, 'a', sizeof name);
    for (size_t i = 0; i < WINDOWED; i++) {
        assert_ok(f, client_status_begin(f->c, &handles[i], str_make(name, sizeof name),
                                         STATUS_MESSAGES, f->arena, &f->err));
    }
    for (size_t i = 0; i < WINDOWED; i++) {
        struct status_data data = {0};
        assert_ok(f, client_status_end(f->c, &handles[i], &data, &f->err));
    }
    assert_int_equal(client_counters(f->c).round_trips, 1);
    assert_int_equal(client_counters(f->c).commands, WINDOWED);
}

static const struct fixture_case cases[] = {
    {"unsolicited data", unsolicited, 0},
    {"too many unsolicited", law9_events_are_bounded, FIXTURE_WHOLE},
    {"a tag that is not in flight", law7_wrong_answer, FIXTURE_WHOLE},
    {"a continuation that nothing waits for", law7_wrong_answer, FIXTURE_WHOLE},
    {"nonsense", law7_wrong_answer, FIXTURE_WHOLE},
    {"BYE while waiting", bye, 0},
    {"a result that came before the connection broke", results_outlive_the_connection, 0},
    {"silence", law9_silence, 0},
    {"cancelled", cancelled, 0},
    {"before login", before_login, 0},
    {"a line that is too long", long_line, 0},
    {"no more than the window ahead", law9_window, 0},
};

int main(void)
{
    return fixture_main("pipeline.txt", cases, sizeof cases / sizeof cases[0]);
}
