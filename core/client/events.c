/* What the server told without being asked, until somebody looks. */
#include "base/alloc.h"
#include "imap/limits.h"
#include "client/client_private.h"

/* Longer alerts are cut. */
#define ALERT_MAX_BYTES 1000

static bool is_about_view(enum client_event_kind kind)
{
    return kind == EVENT_EXISTS || kind == EVENT_EXPUNGE || kind == EVENT_VANISHED ||
           kind == EVENT_FETCH;
}

static size_t event_bytes(const struct queued_event *queued)
{
    const struct client_event *event = &queued->event;
    return sizeof *queued + event->text.len + event->uids.len * sizeof event->uids.items[0];
}

static void event_free(struct queued_event *queued)
{
    seqset_free(&queued->event.uids);
    xfree(&queued->text);
}

static void clear(struct client *c)
{
    for (size_t i = c->events_head; i < c->events.len; i++) {
        event_free(&c->events.items[i]);
    }
    vec_clear(&c->events);
    c->events_head = 0;
    c->events_bytes = 0;
}

void events_free(struct client *c)
{
    clear(c);
    vec_free(&c->events);
    xfree(&c->event_text);
}

static void push(struct client *c, struct queued_event *queued)
{
    size_t bytes = event_bytes(queued);
    if (c->events.len - c->events_head >= LIMIT_UNSOLICITED ||
        c->events_bytes + bytes > LIMIT_UNSOLICITED_BYTES) {
        event_free(queued);
        clear(c);
        *queued = (struct queued_event){.event = {.kind = EVENT_OVERFLOW, .text = STR_EMPTY}};
        bytes = event_bytes(queued);
    }
    c->events_bytes += bytes;
    vec_push(&c->events, *queued);
}

void events_add(struct client *c, const struct client_event *event, struct str text)
{
    struct queued_event queued = {.event = *event};
    if (event->kind == EVENT_ALERT && text.len > ALERT_MAX_BYTES) {
        text.len = ALERT_MAX_BYTES;
    }
    queued.event.text = STR_EMPTY;
    if (text.len > 0) {
        queued.text = xstrndup(text.ptr, text.len);
        queued.event.text = str_make(queued.text, text.len);
    }
    push(c, &queued);
}

void events_add_vanished(struct client *c, struct seqset *uids)
{
    struct queued_event queued = {
        .event = {.kind = EVENT_VANISHED, .uids = *uids, .text = STR_EMPTY}};
    *uids = (struct seqset){0};
    push(c, &queued);
}

void events_drop_view(struct client *c)
{
    size_t kept = 0;
    c->events_bytes = 0;
    for (size_t i = c->events_head; i < c->events.len; i++) {
        struct queued_event *queued = &c->events.items[i];
        if (is_about_view(queued->event.kind)) {
            event_free(queued);
        } else {
            c->events_bytes += event_bytes(queued);
            c->events.items[kept++] = *queued;
        }
    }
    c->events.len = kept;
    c->events_head = 0;
}

bool client_next_event(struct client *c, struct client_event *out)
{
    xfree(&c->event_text);
    if (c->events_head == c->events.len) {
        return false;
    }
    const struct queued_event *queued = &c->events.items[c->events_head++];
    *out = queued->event;
    c->event_text = queued->text;
    c->events_bytes -= event_bytes(queued);
    if (c->events_head == c->events.len) {
        vec_clear(&c->events);
        c->events_head = 0;
    }
    return true;
}
