/* What the supervisor tells of its own accord: what happened to messages and accounts. */
#include "pass/event_words.h"
#include "daemon/accounts.h"

void supervisor_subscribe(struct supervisor *s, const struct daemon_listener *listener)
{
    vec_push(&s->listeners, *listener);
    post_want_events(s->post, true);
}

void supervisor_unsubscribe(struct supervisor *s, const void *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->listeners.len; i++)
        if (s->listeners.items[i].self != self)
            s->listeners.items[kept++] = s->listeners.items[i];
    s->listeners.len = kept;
    post_want_events(s->post, kept > 0);
}

/* From the last to the first: one that goes away while it is told moves only those told already. */
void supervisor_tell(struct supervisor *s, const struct daemon_event *event)
{
    for (size_t i = s->listeners.len; i-- > 0;)
        if (i < s->listeners.len)
            s->listeners.items[i].event(s->listeners.items[i].self, event);
}

/* What is not here is no change of a message: both sides have it already. */
static const struct {
    const char *what;
    enum daemon_event_kind kind;
} KINDS[] = {
    {EVENT_DOWNLOADED, DAEMON_NEW},        {EVENT_LINKED, DAEMON_NEW},
    {EVENT_UPLOADED, DAEMON_NEW},          {EVENT_COPIED_REMOTE, DAEMON_NEW},
    {EVENT_FLAGS_LOCAL, DAEMON_FLAGS},     {EVENT_FLAGS_REMOTE, DAEMON_FLAGS},
    {EVENT_MOVED_LOCAL, DAEMON_MOVED},     {EVENT_MOVED_REMOTE, DAEMON_MOVED},
    {EVENT_DELETED_LOCAL, DAEMON_DELETED}, {EVENT_DELETED_REMOTE, DAEMON_DELETED},
};

void account_tell_message(struct account *account, const struct message_event *m)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        if (strcmp(KINDS[i].what, m->what) != 0)
            continue;
        bool moved = KINDS[i].kind == DAEMON_MOVED;
        const struct daemon_event event = {
            .kind = KINDS[i].kind,
            .time_ms = m->time_ms,
            .account = account->config->name,
            .mailbox = moved ? m->from : m->mailbox,
            .to = moved ? m->mailbox : NULL,
            .messages = m->messages,
            .uid = m->uid,
            .base = m->base,
            .flags = m->flags,
            .what = m->what,
            .why = m->why,
        };
        supervisor_tell(account->supervisor, &event);
        return;
    }
}
