/* Watch: what happens, to whoever listens. A listener that does not keep up is told of many
 * messages at once, rather than left, or waited for. */
#include "base/vec.h"
#include "daemon/control_json.h"
#include "daemon/control_private.h"

#include <string.h>

/* Beyond this much that was told and not taken, events are gathered. */
#define BACKLOG_MOST ((size_t)256 * 1024)

struct gathered_events {
    VEC(struct daemon_event) events; /* strings are ours */
};

static char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : xstrdup(text);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool are_alike(const struct daemon_event *a, const struct daemon_event *b)
{
    return a->kind == b->kind && same_text(a->account, b->account) &&
           same_text(a->mailbox, b->mailbox) && same_text(a->to, b->to) &&
           same_text(a->what, b->what) && same_text(a->why, b->why);
}

static void gather(struct gathered_events *gathered, const struct daemon_event *event)
{
    VEC_FOREACH (struct daemon_event, known, &gathered->events) {
        if (are_alike(known, event)) {
            known->messages += event->messages;
            known->time_ms = event->time_ms;
            return;
        }
    }
    const struct daemon_event first = {
        .kind = event->kind,
        .time_ms = event->time_ms,
        .account = copy_or_null(event->account),
        .mailbox = copy_or_null(event->mailbox),
        .to = copy_or_null(event->to),
        .messages = event->messages,
        .what = copy_or_null(event->what),
        .why = copy_or_null(event->why),
    };
    vec_push(&gathered->events, first);
}

static void tell(struct peer *peer, const struct daemon_event *event)
{
    peer_continue(peer, json_pack("{s:o}", "event", control_event_json(event)));
}

void gathered_events_free(struct gathered_events **gathered)
{
    if (*gathered == NULL)
        return;
    VEC_FOREACH (struct daemon_event, event, &(*gathered)->events) {
        const char *texts[] = {event->account, event->mailbox, event->to, event->what, event->why};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            xfree(&texts[i]);
    }
    vec_free(&(*gathered)->events);
    xfree(gathered);
}

static void tell_gathered(struct peer *peer)
{
    struct gathered_events *gathered = *peer_events(peer);
    *peer_events(peer) = NULL;
    if (gathered != NULL)
        VEC_FOREACH (const struct daemon_event, event, &gathered->events)
            tell(peer, event);
    gathered_events_free(&gathered);
}

static void on_event(void *self, const struct daemon_event *event)
{
    struct peer *peer = self;
    struct gathered_events **gathered = peer_events(peer);
    if (event->kind == DAEMON_STATE) {
        tell_gathered(peer);
    } else if (*gathered != NULL || peer_backlog(peer) > BACKLOG_MOST) {
        if (*gathered == NULL)
            *gathered = xcalloc(1, sizeof **gathered);
        gather(*gathered, event);
        return;
    }
    tell(peer, event);
}

void control_drained(struct peer *peer)
{
    if (peer_backlog(peer) <= BACKLOG_MOST)
        tell_gathered(peer);
}

/* What a listener begins with, so that what it hears later has something to change. */
static void tell_states(struct peer *peer)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct supervisor_status now;
    supervisor_status(peer_supervisor(peer), arena, &now);
    for (size_t i = 0; i < now.accounts_len; i++) {
        const struct account_status *a = &now.accounts[i];
        const struct daemon_event event = {
            .kind = DAEMON_STATE,
            .time_ms = clock_wall_ms(&clock_system),
            .account = a->name,
            .state = a->state,
            .means = a->means,
            .error = &a->last_error,
        };
        on_event(peer, &event);
    }
}

void control_watch(struct peer *peer, const struct varlink_call *call)
{
    const struct daemon_listener listener = {on_event, peer};
    if (!call->more) {
        peer_error(peer, VARLINK_EXPECTED_MORE, NULL);
        return;
    }
    supervisor_subscribe(peer_supervisor(peer), &listener);
    tell_states(peer);
}
