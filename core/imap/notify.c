#include "imap/notify.h"
#include "imap/limits.h"
#include <assert.h>

struct event_row {
    enum notify_event event;
    const char *name;
};
static const struct event_row event_rows[] = {
    {NOTIFY_MESSAGE_NEW, "MessageNew"},
    {NOTIFY_MESSAGE_EXPUNGE, "MessageExpunge"},
    {NOTIFY_FLAG_CHANGE, "FlagChange"},
    {NOTIFY_ANNOTATION_CHANGE, "AnnotationChange"},
    {NOTIFY_MAILBOX_NAME, "MailboxName"},
    {NOTIFY_SUBSCRIPTION_CHANGE, "SubscriptionChange"},
    {NOTIFY_MAILBOX_METADATA_CHANGE, "MailboxMetadataChange"},
    {NOTIFY_SERVER_METADATA_CHANGE, "ServerMetadataChange"},
};
#define EVENT_ROWS (sizeof event_rows / sizeof event_rows[0])

static const char *const filter_names[NOTIFY_FILTERS] = {
    [NOTIFY_SELECTED] = "selected",     [NOTIFY_SELECTED_DELAYED] = "selected-delayed",
    [NOTIFY_INBOXES] = "inboxes",       [NOTIFY_PERSONAL] = "personal",
    [NOTIFY_SUBSCRIBED] = "subscribed", [NOTIFY_SUBTREE] = "subtree",
    [NOTIFY_MAILBOXES] = "mailboxes",
};

const char *notify_filter_name(enum notify_filter filter)
{
    assert(filter < NOTIFY_FILTERS);
    return filter_names[filter];
}

/* NOTIFY_FILTERS if unknown. */
static enum notify_filter notify_filter_parse(struct str name)
{
    unsigned i = 0;
    while (i < NOTIFY_FILTERS && !str_eq_nocase(name, str_from(filter_names[i]))) {
        i++;
    }
    return (enum notify_filter)i;
}

const char *notify_event_name(enum notify_event event)
{
    for (size_t i = 0; i < EVENT_ROWS; i++) {
        if (event_rows[i].event == event) {
            return event_rows[i].name;
        }
    }
    assert(false);
    return "";
}

/* 0 if unknown. */
static unsigned notify_event_parse(struct str name)
{
    for (size_t i = 0; i < EVENT_ROWS; i++) {
        if (str_eq_nocase(name, str_from(event_rows[i].name))) {
            return event_rows[i].event;
        }
    }
    return 0;
}

static bool has_mailboxes(enum notify_filter filter)
{
    return filter == NOTIFY_SUBTREE || filter == NOTIFY_MAILBOXES;
}

static bool is_selected(enum notify_filter filter)
{
    return filter == NOTIFY_SELECTED || filter == NOTIFY_SELECTED_DELAYED;
}

/* RFC 5465 section 5: what must come together, and where. NULL, or what is wrong. */
static const char *objection(const struct notify_group *group)
{
    const unsigned pair = NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE;
    unsigned messages = group->events & (pair | NOTIFY_FLAG_CHANGE | NOTIFY_ANNOTATION_CHANGE);
    if (messages != 0 && (group->events & pair) != pair) {
        return "MessageNew and MessageExpunge not together";
    }
    if (is_selected(group->filter) && messages != group->events) {
        return "events about mailboxes for the selected one";
    }
    return NULL;
}

/* ---- reading ---- */

/* One name, or several in parentheses. */
static bool notify_read_mailboxes(struct reader *r, struct arena *arena, struct str_list *out)
{
    struct str name;
    bool many = reader_accept(r, '(');
    do {
        (void)reader_accept_sp(r);
        if (out->len == LIMIT_MAILBOXES) {
            return reader_fail(r, "more than %d mailboxes", LIMIT_MAILBOXES);
        }
        if (!reader_expect_astring(r, &name)) {
            return false;
        }
        str_list_add(arena, out, name);
        if (many) {
            (void)reader_accept_sp(r);
        }
    } while (many && !reader_accept(r, ')'));
    return true;
}

/* Behind the name and spaces; the parenthesis after an unknown one is passed over. */
static bool notify_read_fetch(struct reader *r, struct arena *arena, unsigned event,
                              struct notify_group *group)
{
    if (reader_peek(r) != '(') {
        return !reader_failed(r);
    }
    if (event == 0) {
        return reader_skip_value(r);
    }
    if (event != NOTIFY_MESSAGE_NEW || !is_selected(group->filter)) {
        return reader_fail(r, "items to fetch where none may be");
    }
    group->fetches = true;
    return fetch_items_read(r, arena, &group->fetch);
}

static bool notify_read_events(struct reader *r, struct arena *arena, struct notify_group *group,
                               bool *unknown)
{
    if (reader_accept_word(r, "NONE")) {
        return true;
    }
    if (!reader_expect(r, '(')) {
        return false;
    }
    do {
        struct str name;
        (void)reader_accept_sp(r);
        if (!reader_expect_view(r, CHAR_NAME, &name)) {
            return false;
        }
        unsigned event = notify_event_parse(name);
        *unknown |= event == 0;
        group->events |= event;
        (void)reader_accept_sp(r);
        if (!notify_read_fetch(r, arena, event, group)) {
            return false;
        }
        (void)reader_accept_sp(r);
    } while (!reader_accept(r, ')'));
    return true;
}

static bool notify_read_group(struct reader *r, struct arena *arena, struct notify_group *out,
                              bool *unknown)
{
    struct str name;
    if (!reader_expect(r, '(') || !reader_expect_view(r, CHAR_NAME, &name)) {
        return false;
    }
    out->filter = notify_filter_parse(name);
    if (out->filter == NOTIFY_FILTERS) {
        return reader_fail(r, "the mailboxes \"%.*s\"", STR_ARG(name));
    }
    if (!reader_expect_sp(r)) {
        return false;
    }
    if (has_mailboxes(out->filter) &&
        (!notify_read_mailboxes(r, arena, &out->mailboxes) || !reader_expect_sp(r))) {
        return false;
    }
    if (!notify_read_events(r, arena, out, unknown)) {
        return false;
    }
    (void)reader_accept_sp(r);
    if (!reader_expect(r, ')')) {
        return false;
    }
    const char *wrong = *unknown ? NULL : objection(out);
    return wrong == NULL || reader_fail(r, "%s", wrong);
}

bool notify_request_read(struct reader *r, struct arena *arena, struct notify_request *out,
                         bool *unknown)
{
    size_t cap = 0;
    bool selected = false;
    *out = (struct notify_request){0};
    *unknown = false;
    if (reader_accept_word(r, "NONE")) {
        out->none = true;
        return true;
    }
    if (!reader_accept_word(r, "SET")) {
        return reader_expected(r, "SET or NONE");
    }
    if (!reader_expect_sp(r)) {
        return false;
    }
    out->status = reader_accept_word(r, "STATUS") && reader_expect_sp(r);
    do {
        if (out->groups_len == LIMIT_NOTIFY_GROUPS) {
            return reader_fail(r, "more than %d event groups", LIMIT_NOTIFY_GROUPS);
        }
        out->groups = arena_grow(arena, out->groups, out->groups_len, &cap, sizeof *out->groups);
        struct notify_group *group = &out->groups[out->groups_len++];
        memset(group, 0, sizeof *group);
        if (!notify_read_group(r, arena, group, unknown)) {
            return false;
        }
        if (is_selected(group->filter) && selected) {
            return reader_fail(r, "the selected mailbox twice");
        }
        selected = selected || is_selected(group->filter);
    } while (reader_accept_sp(r) && !reader_at_crlf(r));
    return !reader_failed(r);
}

/* ---- writing ---- */

void notify_events_write(struct writer *w, unsigned events)
{
    const char *before = "(";
    for (size_t i = 0; i < EVENT_ROWS; i++) {
        if ((events & event_rows[i].event) != 0) {
            writer_cstr(w, before);
            writer_cstr(w, event_rows[i].name);
            before = " ";
        }
    }
    writer_cstr(w, events != 0 ? ")" : "()");
}

static void notify_write_group(struct writer *w, const struct notify_group *group)
{
    const char *before = " (";
    writer_cstr(w, "(");
    writer_cstr(w, filter_names[group->filter]);
    if (has_mailboxes(group->filter)) {
        for (size_t i = 0; i < group->mailboxes.len; i++) {
            writer_cstr(w, i == 0 ? " (" : " ");
            writer_astring(w, group->mailboxes.items[i]);
        }
        writer_byte(w, ')');
        if (group->mailboxes.len == 0) {
            writer_fail(w, "NOTIFY for no mailbox");
        }
    }
    for (size_t i = 0; i < EVENT_ROWS; i++) {
        if ((group->events & event_rows[i].event) == 0) {
            continue;
        }
        writer_cstr(w, before);
        writer_cstr(w, event_rows[i].name);
        before = " ";
        if (event_rows[i].event == NOTIFY_MESSAGE_NEW && group->fetches) {
            writer_sp(w);
            fetch_request_write(w, &group->fetch);
        }
    }
    writer_cstr(w, group->events != 0 ? "))" : " NONE)");
    if (objection(group) != NULL) {
        writer_fail(w, "%s", objection(group));
    }
}

void notify_request_write(struct writer *w, const struct notify_request *request)
{
    if (request->none) {
        writer_cstr(w, "NONE");
        return;
    }
    writer_cstr(w, request->status ? "SET STATUS" : "SET");
    for (size_t i = 0; i < request->groups_len; i++) {
        writer_sp(w);
        notify_write_group(w, &request->groups[i]);
    }
    if (request->groups_len == 0) {
        writer_fail(w, "NOTIFY SET without an event group");
    }
}
