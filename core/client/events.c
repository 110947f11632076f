/*
 * What the server told without being asked, until somebody looks.
 *
 * What events point to is in one arena, which is emptied when all of them were taken; so what one
 * event needs costs no allocation of its own, and a queue that nobody drains ends at its limit.
 */
#include "base/alloc.h"
#include "imap/limits.h"
#include "client/client_private.h"

static bool is_about_view(enum client_event_kind kind)
{
    return kind == EVENT_EXISTS || kind == EVENT_EXPUNGE || kind == EVENT_VANISHED ||
           kind == EVENT_FETCH;
}

bool events_are_waiting(const struct client *c)
{
    return c->events_head < c->events.len;
}

static void clear(struct client *c)
{
    for (size_t i = c->events_head; i < c->events.len; i++) {
        seqset_free(&c->events.items[i].uids);
    }
    vec_clear(&c->events);
    c->events_head = 0;
    arena_reset(c->events_arena);
}

void events_free(struct client *c)
{
    clear(c);
    vec_free(&c->events);
}

struct arena *events_arena(struct client *c)
{
    return c->events_arena;
}

void events_settle(struct client *c)
{
    if (!events_are_waiting(c) && (c->events.len > 0 || arena_used(c->events_arena) > 0)) {
        clear(c);
    }
}

/* The sets of VANISHED are on the heap. */
static size_t bytes_held(const struct client *c, const struct client_event *event)
{
    return arena_used(c->events_arena) + (c->events.len - c->events_head + 1) * sizeof *event +
           event->uids.len * sizeof event->uids.items[0];
}

static bool is_dealt_with(const struct client *c, const struct client_event *event)
{
    VEC_FOREACH (const struct client_handler, handler, &c->handlers) {
        if ((handler->kinds & 1u << event->kind) != 0 && handler->take(handler->self, event)) {
            return true;
        }
    }
    return false;
}

static void push(struct client *c, struct client_event *event)
{
    if (is_dealt_with(c, event)) {
        seqset_free(&event->uids);
        return;
    }
    if (c->events.len - c->events_head >= LIMIT_UNSOLICITED ||
        bytes_held(c, event) > LIMIT_UNSOLICITED_BYTES) {
        seqset_free(&event->uids);
        clear(c);
        *event = (struct client_event){.kind = EVENT_OVERFLOW, .text = STR_EMPTY};
    }
    vec_push(&c->events, *event);
}

void events_add(struct client *c, const struct client_event *event, struct str text)
{
    struct client_event queued = *event;
    struct arena *arena = events_arena(c);
    queued.text = STR_EMPTY;
    if (text.len > 0) {
        queued.text = arena_str(arena, str_sub(text, 0, LIMIT_EVENT_TEXT_BYTES));
    }
    push(c, &queued);
}

void events_add_vanished(struct client *c, struct seqset *uids)
{
    struct client_event queued = {.kind = EVENT_VANISHED, .uids = *uids, .text = STR_EMPTY};
    *uids = (struct seqset){0};
    push(c, &queued);
}

void events_add_status(struct client *c, const struct status_data *data)
{
    struct arena *arena = events_arena(c);
    struct status_data *kept = arena_alloc(arena, sizeof *kept);
    *kept = *data;
    kept->mailbox = arena_str(arena, data->mailbox);
    kept->mailboxid = arena_str(arena, data->mailboxid);
    struct client_event queued = {.kind = EVENT_STATUS, .status = kept, .text = kept->mailbox};
    push(c, &queued);
}

void events_add_fetch(struct client *c, const struct fetch_data *data)
{
    const unsigned simple = FETCH_UID | FETCH_FLAGS | FETCH_MODSEQ;
    struct client_event queued = {
        .kind = EVENT_FETCH,
        .number = data->seq,
        .uid = data->uid,
        .flags = data->flags.system,
        .modseq = data->modseq,
        .text = STR_EMPTY,
    };
    if ((data->have & ~simple) != 0 || data->flags.keywords_len > 0) {
        struct arena *arena = events_arena(c);
        struct fetch_data *kept = arena_alloc(arena, sizeof *kept);
        *kept = fetch_data_copy(arena, data);
        queued.fetch = kept;
    }
    push(c, &queued);
}

void events_add_metadata(struct client *c, const struct metadata *metadata)
{
    struct arena *arena = events_arena(c);
    struct metadata *kept = arena_alloc(arena, sizeof *kept);
    *kept = *metadata;
    kept->mailbox = arena_str(arena, metadata->mailbox);
    kept->items = arena_array(arena, metadata->len, sizeof *kept->items);
    for (size_t i = 0; i < metadata->len; i++) {
        const struct metadata_entry *from = &metadata->items[i];
        kept->items[i].name = arena_str(arena, from->name);
        kept->items[i].value =
            from->value.ptr == NULL ? from->value : arena_str(arena, from->value);
    }
    struct client_event queued = {.kind = EVENT_METADATA, .metadata = kept, .text = kept->mailbox};
    push(c, &queued);
}

void events_drop_view(struct client *c)
{
    size_t kept = 0;
    for (size_t i = c->events_head; i < c->events.len; i++) {
        struct client_event *event = &c->events.items[i];
        if (is_about_view(event->kind)) {
            seqset_free(&event->uids);
        } else {
            c->events.items[kept++] = *event;
        }
    }
    c->events.len = kept;
    c->events_head = 0;
}

bool client_next_event(struct client *c, struct client_event *out)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    events_settle(c);
    if (!events_are_waiting(c)) {
        return false;
    }
    *out = c->events.items[c->events_head++];
    return true;
}

int client_wait_event(struct client *c, int64_t deadline_ms, struct client_event *out,
                      struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    for (;;) {
        if (client_next_event(c, out)) {
            return 1;
        }
        int result = client_await_input(c, deadline_ms, err);
        if (result <= 0) {
            return result;
        }
        client_restart_deadline(c);
        if (dispatch_response(c, err) < 0) {
            return -(int)err->code;
        }
    }
}

void client_add_handler(struct client *c, const struct client_handler *handler)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    vec_push(&c->handlers, *handler);
}

void client_remove_handler(struct client *c, const void *self)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    size_t kept = 0;
    VEC_FOREACH (const struct client_handler, handler, &c->handlers) {
        if (handler->self != self) {
            c->handlers.items[kept++] = *handler;
        }
    }
    c->handlers.len = kept;
}
