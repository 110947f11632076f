#include "pass/event.h"

#include <stdio.h>
#include <string.h>

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

static uint32_t *count_of(struct report *report, const char *what)
{
    const struct {
        const char *what;
        uint32_t *count;
    } counts[] = {
        {EVENT_MADE_LOCAL, &report->mailboxes_made},
        {EVENT_MADE_REMOTE, &report->mailboxes_made},
        {EVENT_RENAMED_LOCAL, &report->mailboxes_renamed},
        {EVENT_RENAMED_REMOTE, &report->mailboxes_renamed},
        {EVENT_REMOVED_LOCAL, &report->mailboxes_removed},
        {EVENT_REMOVED_REMOTE, &report->mailboxes_removed},
    };
    size_t i = 0;
    while (strcmp(counts[i].what, what) != 0)
        i++;
    return counts[i].count;
}

int event_note_mailbox(const struct pass *pass, struct index_txn *txn,
                       const struct mailbox_pair *pair, const char *what, struct str from,
                       const char *why, struct error *err)
{
    const struct index_event event = {
        .time_ms = pass_now_ms(pass),
        .mailbox = pair->record.utf8,
        .from = from,
        .what = str_from(what),
        .why = str_from(why),
    };
    ++*count_of(pass->report, what);
    return add(pass, txn, &event, 0, err);
}
