#include "pass/event.h"

#include <stdio.h>

static int add(const struct pass *pass, struct index_txn *txn, const struct index_event *event,
               size_t messages, struct error *err)
{
    const struct event_sink *sink = pass->options->events;
    int r = index_event_add(txn, event, err);
    if (r == 0 && sink != NULL)
        sink->done(sink->self, event, messages);
    return r;
}

int event_note_move(const struct pass *pass, struct index_txn *txn, const struct event_way *way,
                    const char *what, const struct index_message *message, const char *why,
                    struct error *err)
{
    const struct index_event event = {
        .time_ms = pass_now_ms(pass),
        .mailbox = way->to->record.utf8,
        .from_base = way->from_base,
        .from = way->from != NULL ? way->from->record.utf8 : STR_EMPTY,
        .uid = message->uid,
        .what = str_from(what),
        .why = str_from(why),
        .base = message->base,
        .flags = message->flags.system,
    };
    return add(pass, txn, &event, 1, err);
}

int event_note(const struct pass *pass, struct index_txn *txn, const struct mailbox_pair *pair,
               const char *what, const struct index_message *message, const char *why,
               struct error *err)
{
    const struct event_way way = {.to = pair};
    return event_note_move(pass, txn, &way, what, message, why, err);
}

int event_note_count(const struct pass *pass, struct index_txn *txn,
                     const struct mailbox_pair *pair, const char *what, size_t count,
                     const char *why, struct error *err)
{
    char text[128];
    snprintf(text, sizeof text, "%s: %zu message%s", why, count, count == 1 ? "" : "s");
    const struct index_event event = {
        .time_ms = pass_now_ms(pass),
        .mailbox = pair->record.utf8,
        .what = str_from(what),
        .why = str_from(text),
    };
    return add(pass, txn, &event, count, err);
}
