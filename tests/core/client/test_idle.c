/* IDLE, waiting for events, handlers. */
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

static enum client_wait idle(struct fixture *f)
{
    enum client_wait why;
    assert_ok(f, client_idle(f->c, DEADLINE_NEVER, &why, &f->err));
    return why;
}

static void expect_event(struct fixture *f, enum client_event_kind kind, uint32_t number)
{
    struct client_event event;
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, kind);
    assert_int_equal(event.number, number);
}

static void event_ends(struct fixture *f)
{
    select_inbox(f);
    assert_int_equal(idle(f), CLIENT_WAIT_EVENT);
    assert_true(client_has(f->c, CAP_ID));
    /* What waits already ends it before it begins. */
    assert_int_equal(idle(f), CLIENT_WAIT_EVENT);
    expect_event(f, EVENT_EXISTS, 4);
    expect_event(f, EVENT_EXPUNGE, 2);
    assert_ok(f, client_noop(f->c, &f->err));
}

static void early_event(struct fixture *f)
{
    select_inbox(f);
    assert_int_equal(idle(f), CLIENT_WAIT_EVENT);
    expect_event(f, EVENT_EXISTS, 4);
}

static void deadline_ends(struct fixture *f)
{
    assert_int_equal(idle(f), CLIENT_WAIT_DEADLINE);
    assert_ok(f, client_noop(f->c, &f->err));
}

static void wake_ends(struct fixture *f)
{
    assert_int_equal(idle(f), CLIENT_WAIT_WAKE);
    assert_ok(f, client_noop(f->c, &f->err));
}

static void no_continuation(struct fixture *f)
{
    enum client_wait why;
    assert_error(f, client_idle(f->c, DEADLINE_NEVER, &why, &f->err), ERR_TIMEOUT, SCOPE_CONNECTION,
                 "IDLE");
}

static void refused(struct fixture *f)
{
    enum client_wait why;
    assert_error(f, client_idle(f->c, DEADLINE_NEVER, &why, &f->err), ERR_NO, SCOPE_MAILBOX,
                 "not today");
}

static void server_ends(struct fixture *f)
{
    assert_int_equal(idle(f), CLIENT_WAIT_EVENT);
}

static void breaks(struct fixture *f)
{
    enum client_wait why;
    struct client_event event;
    assert_error(f, client_idle(f->c, DEADLINE_NEVER, &why, &f->err), ERR_BYE, SCOPE_CONNECTION,
                 "going down");
    assert_string_equal(f->err.response_code, "UNAVAILABLE");
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_BYE);
    assert_text(event.text, "going down");
}

static void missing(struct fixture *f)
{
    enum client_wait why;
    assert_error(f, client_idle(f->c, DEADLINE_NEVER, &why, &f->err), ERR_CAPABILITY, SCOPE_MAILBOX,
                 "IDLE");
}

static void waits(struct fixture *f)
{
    struct client_event event;
    select_inbox(f);
    assert_int_equal(client_wait_event(f->c, DEADLINE_NEVER, &event, &f->err), 1);
    assert_int_equal(event.kind, EVENT_FETCH);
    assert_int_equal(event.flags, FLAG_SEEN);
    assert_text(event.fetch->flags.keywords[0], "work");
    assert_int_equal(client_wait_event(f->c, DEADLINE_NEVER, &event, &f->err), 1);
    assert_int_equal(event.kind, EVENT_PROGRESS);
    assert_text(event.progress.tag, "A7");
    assert_int_equal(event.progress.done, 175);
    assert_int_equal(event.progress.goal, 1000);
    assert_text(event.text, "half way");
    assert_int_equal(client_wait_event(f->c, DEADLINE_NEVER, &event, &f->err), 0);
    assert_error(f, client_wait_event(f->c, DEADLINE_NEVER, &event, &f->err), ERR_CANCELLED,
                 SCOPE_CANCELLED, "");
    assert_ok(f, client_noop(f->c, &f->err));
}

struct listener {
    unsigned heard; /* kinds */
    unsigned count;
    bool takes;
};

static bool hear(void *self, const struct client_event *event)
{
    struct listener *l = self;
    l->heard |= 1u << event->kind;
    l->count++;
    return l->takes;
}

static void handlers(struct fixture *f)
{
    struct listener taker = {.takes = true};
    struct listener watcher = {0};
    const unsigned vanished = 1u << EVENT_VANISHED;
    const unsigned exists = 1u << EVENT_EXISTS;
    select_inbox(f);
    client_add_handler(f->c, &(struct client_handler){vanished, hear, &taker});
    client_add_handler(f->c, &(struct client_handler){exists | vanished, hear, &watcher});
    assert_ok(f, client_noop(f->c, &f->err));
    assert_int_equal(taker.heard, vanished);
    assert_int_equal(watcher.heard, exists);
    expect_event(f, EVENT_EXISTS, 4);
    expect_event(f, EVENT_ALERT, 0);
    client_remove_handler(f->c, &watcher);
    assert_ok(f, client_noop(f->c, &f->err));
    assert_int_equal(watcher.count, 1);
}

static const struct fixture_case cases[] = {
    {"the first event ends it", event_ends, 0},
    {"told before the continuation", early_event, 0},
    {"the deadline ends it", deadline_ends, 0},
    {"the wake ends it", wake_ends, 0},
    {"the wake comes before the continuation", wake_ends, 0},
    {"no continuation", no_continuation, 0},
    {"refused", refused, 0},
    {"the server ends it", server_ends, 0},
    {"the connection breaks", breaks, 0},
    {"without IDLE", missing, 0},
    {"waiting without a command", waits, 0},
    {"handlers", handlers, 0},
};

int main(void)
{
    return fixture_main("idle.txt", cases, sizeof cases / sizeof cases[0]);
}
