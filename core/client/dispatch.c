/*
 * A response finds the command it belongs to. Tagged ones by their tag. Untagged ones are offered
 * to the commands in flight, the oldest first, since servers answer in that order; what nobody
 * takes is about the connection or becomes an event.
 *
 * What is about the messages of a mailbox (EXISTS, FETCH, VANISHED, …) is a SELECT's only while
 * that SELECT is the oldest in flight: before, it is about the mailbox selected before.
 */
#include "base/log.h"
#include "client/client_private.h"
#include <assert.h>
#include <stdio.h>

bool dispatch_line_end(struct client *c)
{
    return reader_skip_line(c->reader) && reader_expect_crlf(c->reader);
}

static void take_code(struct client *c, const struct imap_response_status *status)
{
    struct client_event event = {.kind = EVENT_ALERT};
    switch (status->code) {
    case CODE_CAPABILITY:
        client_set_capabilities(c, &status->capabilities);
        break;
    case CODE_ALERT:
        events_add(c, &event, status->text);
        break;
    case CODE_NOTIFICATIONOVERFLOW:
        c->notifies = false;
        event.kind = EVENT_NOTIFY_OVERFLOW;
        events_add(c, &event, status->text);
        break;
    case CODE_INPROGRESS:
        event.kind = EVENT_PROGRESS;
        event.progress = status->progress;
        event.progress.tag = arena_str(events_arena(c), status->progress.tag);
        events_add(c, &event, status->text);
        break;
    default:
        break;
    }
}

static bool said_bye(struct client *c, const struct imap_response_status *status)
{
    if (c->bye_expected) {
        return true;
    }
    struct error err = ERROR_INIT;
    error_set(&err, ERR_BYE, SCOPE_CONNECTION, "%s says goodbye: %.*s", c->host,
              STR_ARG(status->text));
    snprintf(err.response_code, sizeof err.response_code, "%.*s", STR_ARG(status->code_name));
    events_add(c, &(struct client_event){.kind = EVENT_BYE}, status->text);
    client_fail(c, &err);
    return false;
}

static bool took_greeting(struct client *c, const struct imap_response_status *status)
{
    if (status->status == STATUS_OK) {
        client_set_state(c, STATE_NOT_AUTHENTICATED);
    } else if (status->status == STATUS_PREAUTH) {
        client_set_state(c, STATE_AUTHENTICATED);
    } else {
        return reader_fail(c->reader, "a greeting must be OK, PREAUTH or BYE, not %s",
                           imap_status_name(status->status));
    }
    return true;
}

static bool hand_out_status(struct client *c, struct imap_response_status *status)
{
    take_code(c, status);
    if (status->status == STATUS_BYE) {
        return said_bye(c, status);
    }
    if (c->state == STATE_GREETING) {
        return took_greeting(c, status);
    }
    for (struct client_op *op = c->first; op != NULL; op = op->next) {
        if (op->hooks->status != NULL && op->hooks->status(op, c, status, false)) {
            return true;
        }
    }
    log_debug(NULL, "%s: %s %.*s", c->host, imap_status_name(status->status),
              STR_ARG(status->text));
    return true;
}

static bool on_status(struct client *c, const struct response_head *head)
{
    struct imap_response_status status = {0};
    bool ok = imap_response_status_read(c->reader, c->scratch, head->status, &status) &&
              hand_out_status(c, &status);
    imap_response_status_free(&status);
    return ok;
}

static bool on_capability(struct client *c, const struct response_head *head)
{
    (void)head;
    struct capabilities told = {0};
    (void)reader_accept_sp(c->reader);
    if (!capabilities_read(c->reader, &told) || !dispatch_line_end(c)) {
        return false;
    }
    client_set_capabilities(c, &told);
    return true;
}

static bool on_enabled(struct client *c, const struct response_head *head)
{
    (void)head;
    struct capabilities told = {0};
    (void)reader_accept_sp(c->reader);
    if (!capabilities_read(c->reader, &told) || !dispatch_line_end(c)) {
        return false;
    }
    c->enabled.bits[0] |= told.bits[0];
    c->enabled.bits[1] |= told.bits[1];
    if (client_enabled(c, CAP_QRESYNC)) {
        capabilities_set(&c->enabled, CAP_CONDSTORE, true);
    }
    if (capabilities_have(&told, CAP_IMAP4REV2)) {
        const struct capabilities known = c->caps;
        client_set_capabilities(c, &known);
    }
    return true;
}

static bool on_namespace(struct client *c, const struct response_head *head)
{
    (void)head;
    struct namespaces told = {0};
    arena_reset(c->session_arena);
    c->namespaces = told;
    reader_begin(c->reader, c->session_arena);
    if (!reader_expect_sp(c->reader) || !namespaces_read(c->reader, c->session_arena, &told) ||
        !dispatch_line_end(c)) {
        return false;
    }
    c->namespaces = told;
    return true;
}

static bool on_number(struct client *c, enum client_event_kind kind,
                      const struct response_head *head)
{
    if (!head->has_number) {
        return reader_fail(c->reader, "%.*s without a number", STR_ARG(head->name));
    }
    if (!dispatch_line_end(c)) {
        return false;
    }
    events_add(c, &(struct client_event){.kind = kind, .number = head->number}, STR_EMPTY);
    return true;
}

static bool on_exists(struct client *c, const struct response_head *head)
{
    return on_number(c, EVENT_EXISTS, head);
}

static bool on_expunge(struct client *c, const struct response_head *head)
{
    if (!on_number(c, EVENT_EXPUNGE, head)) {
        return false;
    }
    expunge_take_seq(c, head->number);
    return true;
}

static bool on_mailbox_status(struct client *c, const struct response_head *head)
{
    (void)head;
    struct status_data data = {0};
    if (!reader_expect_sp(c->reader) || !status_data_read(c->reader, &data) ||
        !dispatch_line_end(c)) {
        return false;
    }
    bool taken = status_take(c, NULL, &data);
    if (!taken || c->notifies) {
        events_add_status(c, &data);
    }
    return true;
}

static bool on_list(struct client *c, const struct response_head *head)
{
    (void)head;
    struct arena *arena = events_arena(c);
    struct list_entry *entry = arena_alloc(arena, sizeof *entry);
    reader_begin(c->reader, arena);
    if (!reader_expect_sp(c->reader) || !list_entry_read(c->reader, entry) ||
        !dispatch_line_end(c)) {
        return false;
    }
    events_add(c, &(struct client_event){.kind = EVENT_LIST, .list = entry}, entry->name);
    return true;
}

static bool on_metadata(struct client *c, const struct response_head *head)
{
    (void)head;
    struct arena *arena = events_arena(c);
    struct metadata *metadata = arena_alloc(arena, sizeof *metadata);
    reader_begin(c->reader, arena);
    if (!reader_expect_sp(c->reader) || !metadata_read(c->reader, arena, metadata) ||
        !dispatch_line_end(c)) {
        return false;
    }
    events_add(c, &(struct client_event){.kind = EVENT_METADATA, .metadata = metadata},
               metadata->mailbox);
    return true;
}

static bool on_vanished(struct client *c, const struct response_head *head)
{
    (void)head;
    return vanished_dispatch(c);
}

/* What is done with data that no command in flight took. Anything else is passed over. */
static const struct {
    const char *name;
    bool (*take)(struct client *c, const struct response_head *head);
} unasked[] = {
    {"EXISTS", on_exists},     {"EXPUNGE", on_expunge},       {"FETCH", fetch_dispatch},
    {"VANISHED", on_vanished}, {"STATUS", on_mailbox_status}, {"CAPABILITY", on_capability},
    {"ENABLED", on_enabled},   {"NAMESPACE", on_namespace},   {"UIDFETCH", fetch_dispatch},
    {"LIST", on_list},         {"METADATA", on_metadata},
};

static bool on_data(struct client *c, const struct response_head *head)
{
    if (c->state == STATE_GREETING) {
        return reader_fail(c->reader, "a greeting was expected, not %.*s", STR_ARG(head->name));
    }
    for (struct client_op *op = c->first; op != NULL; op = op->next) {
        if (op->hooks->data != NULL && op->hooks->data(op, c, head)) {
            return !reader_failed(c->reader);
        }
    }
    for (size_t i = 0; i < sizeof unasked / sizeof unasked[0]; i++) {
        if (str_eq(head->name, str_from(unasked[i].name))) {
            return unasked[i].take(c, head);
        }
    }
    return dispatch_line_end(c);
}

static struct client_op *find_tag(struct client *c, struct str tag)
{
    struct client_op *op = c->first;
    while (op != NULL && !str_eq(tag, str_from(op->tag))) {
        op = op->next;
    }
    return op;
}

static bool on_tagged(struct client *c, const struct response_head *head)
{
    struct client_op *op = find_tag(c, head->tag);
    if (op == NULL) {
        return reader_fail(c->reader, "an answer to %.*s, which is not in flight",
                           STR_ARG(head->tag));
    }
    if (head->status != STATUS_OK && head->status != STATUS_NO && head->status != STATUS_BAD) {
        return reader_fail(c->reader, "a tagged answer must be OK, NO or BAD, not %.*s",
                           STR_ARG(head->name));
    }
    struct imap_response_status status = {0};
    bool ok = imap_response_status_read(c->reader, c->scratch, head->status, &status);
    if (ok) {
        take_code(c, &status);
        if (op->hooks->status != NULL) {
            (void)op->hooks->status(op, c, &status, true);
        }
        pipeline_complete(c, op, &status);
    }
    imap_response_status_free(&status);
    return ok;
}

static bool on_continuation(struct client *c)
{
    if (!c->continuation.awaited || c->continuation.come) {
        return reader_fail(c->reader, "a continuation request that nothing waits for");
    }
    struct str text = STR_EMPTY;
    (void)reader_accept_sp(c->reader);
    if (!reader_expect_text(c->reader, &text) || !reader_expect_crlf(c->reader)) {
        return false;
    }
    buf_clear(&c->continuation.text);
    buf_add_str(&c->continuation.text, text);
    c->continuation.come = true;
    return true;
}

static bool hand_out(struct client *c, const struct response_head *head)
{
    switch (head->kind) {
    case RESPONSE_TAGGED:
        return on_tagged(c, head);
    case RESPONSE_CONTINUE:
        return on_continuation(c);
    case RESPONSE_UNTAGGED:
        return head->status != STATUS_NONE ? on_status(c, head) : on_data(c, head);
    }
    return false;
}

static int flush(struct client *c, struct error *err)
{
    if (!c->unflushed) {
        return 0;
    }
    c->unflushed = false;
    return stream_flush(c->stream, err);
}

int dispatch_response(struct client *c, struct error *err)
{
    if (c->turn_open) {
        c->turn_open = false;
        c->round_trips++;
    }
    /* What the peer said before the connection broke is worth more than that it broke. */
    struct error flush_error = ERROR_INIT;
    int flushed = flush(c, &flush_error);
    struct response_head head = {0};
    events_settle(c);
    arena_reset(c->scratch);
    reader_begin(c->reader, c->scratch);
    if (response_head_read(c->reader, c->scratch, &head) && hand_out(c, &head)) {
        if (c->capture.raw != NULL) {
            raw_take(c);
        }
        return 0;
    }
    if (error_is_set(&c->failure)) {
        *err = c->failure;
        return -(int)err->code;
    }
    int result = reader_check(c->reader, err);
    assert(result < 0);
    if (flushed < 0) {
        *err = flush_error;
    }
    (void)result;
    return client_fail(c, err);
}
