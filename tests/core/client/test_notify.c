#include "client/cmd_notify.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define BOTH (NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE)

static int set(struct fixture *f, struct notify_group *groups, size_t len, bool status)
{
    const struct notify_request request = {.status = status, .groups = groups, .groups_len = len};
    return client_notify(f->c, &request, &f->err);
}

static struct client_event next(struct fixture *f, enum client_event_kind kind)
{
    struct client_event event;
    assert_int_equal(client_wait_event(f->c, DEADLINE_NEVER, &event, &f->err), 1);
    assert_int_equal(event.kind, kind);
    return event;
}

static uint32_t status(struct fixture *f, bool maybe_notify)
{
    struct client_status h;
    struct status_data data;
    assert_ok(f, client_status_begin(f->c, &h, STR("Lists"), STATUS_MESSAGES, f->arena, &f->err));
    assert_ok(f, client_status_end(f->c, &h, &data, &f->err));
    assert_int_equal(h.maybe_notify, maybe_notify);
    return data.messages;
}

static void told(struct fixture *f)
{
    struct notify_group groups[] = {
        {.filter = NOTIFY_SELECTED,
         .events = BOTH | NOTIFY_FLAG_CHANGE,
         .fetches = true,
         .fetch = {.items = FETCH_UID | FETCH_FLAGS}},
        {.filter = NOTIFY_PERSONAL, .events = BOTH | NOTIFY_MAILBOX_NAME},
    };
    struct client_mailboxes found;
    struct client_event event;
    assert_ok(f, set(f, groups, 2, true));
    assert_true(client_notifies(f->c));
    assert_int_equal(next(f, EVENT_STATUS).status->uidnext, 5);
    assert_int_equal(status(f, true), 9);
    assert_int_equal(next(f, EVENT_STATUS).status->messages, 9);
    assert_ok(f, client_list(f->c, STR("*"), f->arena, &found, &f->err));
    assert_int_equal(next(f, EVENT_EXISTS).number, 7);
    event = next(f, EVENT_FETCH);
    assert_int_equal(event.uid, 9);
    assert_text(event.fetch->flags.keywords[0], "work");
    event = next(f, EVENT_LIST);
    assert_text(event.text, "INBOX.Gone");
    assert_true((event.list->attributes & LIST_NONEXISTENT) != 0);
    assert_text(next(f, EVENT_LIST).list->old_name, "Old");
    event = next(f, EVENT_METADATA);
    assert_true(event.metadata->names_only);
    assert_text(event.metadata->items[0].name, "/shared/comment");
    (void)next(f, EVENT_NOTIFY_OVERFLOW);
    assert_false(client_notifies(f->c));
    assert_int_equal(client_wait_event(f->c, DEADLINE_NEVER, &event, &f->err), 0);
    assert_int_equal(status(f, false), 10);
    assert_false(client_next_event(f->c, &event));
}

static void none(struct fixture *f)
{
    struct notify_group inboxes = {.filter = NOTIFY_INBOXES, .events = BOTH};
    const struct notify_request off = {.none = true};
    assert_ok(f, set(f, &inboxes, 1, false));
    assert_true(client_notifies(f->c));
    assert_ok(f, client_notify(f->c, &off, &f->err));
    assert_false(client_notifies(f->c));
}

static void refused(struct fixture *f)
{
    struct str lists[] = {STR_INIT("Lists")};
    struct notify_group subtree = {.filter = NOTIFY_SUBTREE,
                                   .mailboxes = {lists, 1, 1},
                                   .events = BOTH | NOTIFY_SUBSCRIPTION_CHANGE};
    assert_error(f, set(f, &subtree, 1, false), ERR_NO, SCOPE_MAILBOX, "not that");
    assert_string_equal(f->err.response_code, "BADEVENT");
    assert_false(client_notifies(f->c));
}

static void contradictions(struct fixture *f)
{
    struct {
        struct notify_group group;
        const char *words;
    } rows[] = {
        {{.filter = NOTIFY_PERSONAL, .events = NOTIFY_MESSAGE_NEW}, "go together"},
        {{.filter = NOTIFY_SELECTED, .events = NOTIFY_FLAG_CHANGE}, "need MessageNew"},
        {{.filter = NOTIFY_SELECTED, .events = BOTH | NOTIFY_MAILBOX_NAME}, "message events"},
        {{.filter = NOTIFY_PERSONAL, .events = BOTH, .fetches = true}, "selected mailbox alone"},
        {{.filter = NOTIFY_MAILBOXES, .events = BOTH}, "no mailboxes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_error(f, set(f, &rows[i].group, 1, false), ERR_STATE, SCOPE_MAILBOX, rows[i].words);
    }
    assert_error(f, set(f, NULL, 0, false), ERR_STATE, SCOPE_MAILBOX, "of nothing");
    assert_int_equal(client_counters(f->c).commands, 0);
}

static const struct fixture_case cases[] = {
    {"set, told, overflowed", told, 0},
    {"none", none, 0},
    {"refused", refused, 0},
    {"what contradicts itself", contradictions, 0},
};

int main(void)
{
    return fixture_main("notify.txt", cases, sizeof cases / sizeof cases[0]);
}
