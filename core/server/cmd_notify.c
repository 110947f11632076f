/* NOTIFY (RFC 5465) */
#include "server/notify.h"

static const unsigned supported = NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE | NOTIFY_FLAG_CHANGE |
                                  NOTIFY_MAILBOX_NAME | NOTIFY_SUBSCRIPTION_CHANGE |
                                  NOTIFY_MAILBOX_METADATA_CHANGE | NOTIFY_SERVER_METADATA_CHANGE;

static void refuse_events(struct session *s, struct command *c)
{
    struct writer names;
    writer_init(&names, WRITER_LITERAL_SERVER, false, LIMIT_SERVER_LINE_BYTES);
    notify_events_write(&names, supported);
    reply_no(c, CODE_BADEVENT, "Not all of these events are known");
    c->reply.id = arena_str(c->arena, buf_str(&names.buf));
    writer_free(&names);
}

static bool events_supported(const struct notify_request *request)
{
    for (size_t i = 0; i < request->groups_len; i++) {
        if ((request->groups[i].events & ~supported) != 0) {
            return false;
        }
    }
    return true;
}

/* The names as the backend has them, and items that are on offer; false with the reply. Names of no
 * mailbox are passed over (section 3.1). */
static bool resolve(struct session *s, struct command *c, struct arena *arena,
                    struct notify_request *request)
{
    for (size_t i = 0; i < request->groups_len; i++) {
        struct notify_group *group = &request->groups[i];
        const char *words = group->fetches ? fetch_refusal(s, &group->fetch) : NULL;
        if (words != NULL) {
            reply_bad(c, words);
            return false;
        }
        size_t kept = 0;
        for (size_t j = 0; j < group->mailboxes.len; j++) {
            struct command probe = {.arena = arena};
            struct str name;
            if (names_from_wire(s, &probe, group->mailboxes.items[j], &name)) {
                group->mailboxes.items[kept++] = arena_str(arena, name);
            }
        }
        group->mailboxes.len = kept;
    }
    return true;
}

static void set(struct session *s, struct command *c, struct arena *arena,
                struct notify_request *request)
{
    struct error err = ERROR_INIT;
    if (!resolve(s, c, arena, request)) {
        arena_free(&arena);
        return;
    }
    notify_free(&s->notify);
    s->notify = notify_new(arena, request);
    if (notify_look(s, c->arena, false, &err) < 0) {
        notify_free(&s->notify);
        reply_error(c, &err);
        return;
    }
    notify_tell_status(s, c->arena);
    reply_ok(c, "NOTIFY done");
}

void handle_notify(struct session *s, struct command *c)
{
    struct notify_request request;
    struct arena *arena = arena_new();
    bool unknown = false;
    /* The standing order outlives the command. */
    reader_begin(c->reader, arena);
    bool good = reader_expect_sp(c->reader) &&
                notify_request_read(c->reader, arena, &request, &unknown) &&
                reader_expect_crlf(c->reader);
    if (good && !unknown && events_supported(&request)) {
        set(s, c, arena, &request);
        return;
    }
    if (good) {
        refuse_events(s, c);
    }
    /* The reader's error may be made of strings in it, but is a text of its own. */
    reader_begin(c->reader, c->arena);
    arena_free(&arena);
}

/* ---- what it does to what is told ---- */

unsigned notify_message_events(const struct session *s)
{
    const struct notify_group *group = s->notify != NULL ? notify_selected(s->notify) : NULL;
    if (s->notify == NULL) {
        return NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE | NOTIFY_FLAG_CHANGE;
    }
    return group != NULL ? group->events : 0;
}

bool notify_delays_expunges(const struct session *s)
{
    const struct notify_group *group = s->notify != NULL ? notify_selected(s->notify) : NULL;
    return group == NULL || group->filter == NOTIFY_SELECTED_DELAYED;
}

void notify_tell_arrivals(struct session *s, uint32_t begin, uint32_t end)
{
    const struct notify_group *group = s->notify != NULL ? notify_selected(s->notify) : NULL;
    struct arena *arena AUTO_ARENA = NULL;
    if (group == NULL || !group->fetches || begin == end) {
        return;
    }
    arena = arena_new();
    for (uint32_t i = begin; i < end; i++) {
        arena_reset(arena);
        (void)fetch_tell_message(s, arena, &group->fetch, i);
    }
}

/* Gives up watching, and says so. */
static void overflow(struct session *s)
{
    struct notify_request none = {.none = true};
    writer_cstr(&s->out, "* OK [NOTIFICATIONOVERFLOW] Too much happens to be told\r\n");
    notify_free(&s->notify);
    s->notify = notify_new(arena_new(), &none);
}

bool notify_is_watching(const struct session *s)
{
    return s->notify != NULL;
}

void notify_news(struct session *s, bool tell)
{
    struct arena *arena AUTO_ARENA = NULL;
    struct error err = ERROR_INIT;
    uint64_t revision = s->backend.ops->revision(s->backend.self);
    if (s->notify == NULL || s->user == NULL || s->notify_revision == revision) {
        return;
    }
    s->notify_revision = revision;
    arena = arena_new();
    if (notify_look(s, arena, tell, &err) < 0) {
        overflow(s);
    }
}
