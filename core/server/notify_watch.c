#include "base/alloc.h"
#include "server/notify.h"

/* One annotation: enough to see that it changed. */
struct watched_entry {
    struct str name;
    uint64_t value_hash;
};

/* A mailbox, or with an empty name the server, as it was. In the look's arena. */
struct watched {
    struct str name;
    uint32_t attributes; /* enum list_attribute */
    bool open;           /* it could be opened: what follows is known */
    struct str id;
    struct backend_mailbox_info info;
    struct watched_entry *entries;
    size_t entries_len;
};

struct look {
    struct arena *arena;
    struct watched *items; /* in order of name; the server first */
    size_t len;
};

struct notify {
    struct arena *arena;
    struct notify_request request;
    struct look last; /* arena NULL: there was none */
};

struct notify *notify_new(struct arena *arena, const struct notify_request *request)
{
    struct notify *n = xcalloc(1, sizeof *n);
    n->arena = arena;
    n->request = *request;
    return n;
}

void notify_free(struct notify **notify)
{
    if (*notify != NULL) {
        arena_free(&(*notify)->arena);
        arena_free(&(*notify)->last.arena);
    }
    xfree(notify);
}

static bool is_of_selected(const struct notify_group *group)
{
    return group->filter == NOTIFY_SELECTED || group->filter == NOTIFY_SELECTED_DELAYED;
}

const struct notify_group *notify_selected(const struct notify *n)
{
    for (size_t i = 0; i < n->request.groups_len; i++) {
        if (is_of_selected(&n->request.groups[i])) {
            return &n->request.groups[i];
        }
    }
    return NULL;
}

/* ---- which events a mailbox is watched for ---- */

static bool is_named(const struct session *s, const struct notify_group *group, struct str name)
{
    for (size_t i = 0; i < group->mailboxes.len; i++) {
        struct str other = group->mailboxes.items[i];
        if (str_eq(name, other)) {
            return true;
        }
        if (group->filter == NOTIFY_SUBTREE && name.len > other.len && str_starts(name, other) &&
            name.ptr[other.len] == s->backend.ops->delimiter) {
            return true;
        }
    }
    return false;
}

static bool group_has(const struct session *s, const struct notify_group *group,
                      const struct watched *mailbox)
{
    switch (group->filter) {
    case NOTIFY_INBOXES:
        return str_eq(mailbox->name, STR("INBOX"));
    case NOTIFY_PERSONAL:
        return true;
    case NOTIFY_SUBSCRIBED:
        return (mailbox->attributes & LIST_SUBSCRIBED) != 0;
    case NOTIFY_SUBTREE:
    case NOTIFY_MAILBOXES:
        return is_named(s, group, mailbox->name);
    case NOTIFY_SELECTED:
    case NOTIFY_SELECTED_DELAYED:
    case NOTIFY_FILTERS:
        break;
    }
    return false;
}

#define MESSAGE_EVENTS (NOTIFY_MESSAGE_NEW | NOTIFY_MESSAGE_EXPUNGE | NOTIFY_FLAG_CHANGE)

/* Several groups may name it. Messages of the selected one are told otherwise. */
static unsigned events_of(const struct session *s, const struct watched *mailbox)
{
    const struct notify_request *request = &s->notify->request;
    unsigned events = 0;
    for (size_t i = 0; i < request->groups_len; i++) {
        if (group_has(s, &request->groups[i], mailbox)) {
            events |= request->groups[i].events;
        }
    }
    if (s->state == STATE_SELECTED && str_eq(mailbox->name, str_from(s->tracker.name))) {
        events &= ~(unsigned)MESSAGE_EVENTS;
    }
    return events;
}

static unsigned all_events(const struct notify_request *request)
{
    unsigned events = 0;
    for (size_t i = 0; i < request->groups_len; i++) {
        events |= request->groups[i].events;
    }
    return events;
}

/* ---- looking ---- */

static void look_at_metadata(struct session *s, struct arena *arena, struct watched *out)
{
    struct metadata all = {0};
    struct error err = ERROR_INIT;
    if (s->backend.metadata == NULL ||
        s->backend.metadata->get(s->user, out->name, arena, &all, &err) < 0) {
        return;
    }
    out->entries = arena_array(arena, all.len, sizeof *out->entries);
    out->entries_len = all.len;
    for (size_t i = 0; i < all.len; i++) {
        out->entries[i].name = all.items[i].name;
        out->entries[i].value_hash = str_hash(all.items[i].value);
    }
}

static void look_at_mailbox(struct session *s, struct arena *arena,
                            const struct backend_list_entry *entry, struct watched *out)
{
    struct backend_mailbox *mailbox = NULL;
    struct error err = ERROR_INIT;
    struct acl_rights rights = access_rights(s, entry->name);
    out->name = arena_str(arena, entry->name);
    out->attributes = entry->attributes;
    if (!acl_rights_have(&rights, 'r') ||
        s->backend.ops->open(s->user, entry->name, &mailbox, &err) < 0) {
        return;
    }
    out->open = s->backend.ops->info(mailbox, &out->info, &err) == 0;
    out->id = out->open ? arena_str(arena, out->info.mailboxid) : STR_EMPTY;
    s->backend.ops->close(mailbox);
}

static int look(struct session *s, struct look *out, struct error *err)
{
    const unsigned metadata = NOTIFY_MAILBOX_METADATA_CHANGE | NOTIFY_SERVER_METADATA_CHANGE;
    bool with_metadata = (all_events(&s->notify->request) & metadata) != 0;
    struct backend_list_entry *entries = NULL;
    size_t len = 0;
    out->arena = arena_new();
    int r = s->backend.ops->list(s->user, out->arena, &entries, &len, err);
    if (r < 0) {
        return r;
    }
    out->items = arena_array(out->arena, len + 1, sizeof *out->items);
    out->items[out->len++].name = STR_EMPTY;
    for (size_t i = 0; i < len; i++) {
        struct acl_rights rights = access_rights(s, entries[i].name);
        if (acl_rights_have(&rights, 'l')) {
            look_at_mailbox(s, out->arena, &entries[i], &out->items[out->len++]);
        }
    }
    for (size_t i = 0; with_metadata && i < out->len; i++) {
        look_at_metadata(s, out->arena, &out->items[i]);
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(((const struct watched *)a)->name, ((const struct watched *)b)->name);
}

static const struct watched *find(const struct look *in, struct str name)
{
    const struct watched key = {.name = name};
    return in->len > 0 ? bsearch(&key, in->items, in->len, sizeof key, compare_names) : NULL;
}

static const struct watched *find_id(const struct look *in, struct str id)
{
    for (size_t i = 0; i < in->len && id.len > 0; i++) {
        if (str_eq(in->items[i].id, id)) {
            return &in->items[i];
        }
    }
    return NULL;
}

/* ---- telling ---- */

static bool exists(const struct watched *mailbox)
{
    return mailbox != NULL && (mailbox->attributes & LIST_NONEXISTENT) == 0;
}

static void tell_name(struct session *s, struct arena *arena, const struct watched *mailbox,
                      uint32_t attributes, struct str old_name)
{
    struct list_entry entry = {
        .attributes = attributes | (mailbox->attributes & (LIST_SUBSCRIBED | LIST_NOSELECT)),
        .delimiter = names_delimiter(s),
        .name = names_to_wire(s, arena, mailbox->name),
        .old_name = old_name.len > 0 ? names_to_wire(s, arena, old_name) : old_name};
    list_tell_entry(s, "LIST", &entry);
}

/* A child that went along with its parent is not told. */
static bool parent_went_along(const struct session *s, const struct look *before,
                              const struct look *now, const struct watched *old,
                              const struct watched *new)
{
    ptrdiff_t old_end = str_rfind(old->name, s->backend.ops->delimiter);
    ptrdiff_t new_end = str_rfind(new->name, s->backend.ops->delimiter);
    if (old_end <= 0 || new_end <= 0) {
        return false;
    }
    const struct watched *old_parent = find(before, str_sub(old->name, 0, (size_t)old_end));
    const struct watched *new_parent = find(now, str_sub(new->name, 0, (size_t)new_end));
    return old_parent != NULL && new_parent != NULL && old_parent->id.len > 0 &&
           str_eq(old_parent->id, new_parent->id) && !str_eq(old_parent->name, new_parent->name);
}

/* True when it told something. */
static bool tell_new_name(struct session *s, struct arena *arena, const struct look *before,
                          const struct look *now, const struct watched *new)
{
    const struct watched *old = find(before, new->name);
    const struct watched *renamed = find_id(before, new->id);
    if (new->name.len == 0 || !exists(new) || exists(old)) {
        return false;
    }
    unsigned events = events_of(s, new) | (renamed != NULL ? events_of(s, renamed) : 0);
    if ((events & NOTIFY_MAILBOX_NAME) == 0 ||
        (renamed != NULL && parent_went_along(s, before, now, renamed, new))) {
        return false;
    }
    tell_name(s, arena, new, 0, renamed != NULL ? renamed->name : STR_EMPTY);
    return true;
}

static bool tell_old_name(struct session *s, struct arena *arena, const struct look *now,
                          const struct watched *old)
{
    if (old->name.len == 0 || !exists(old) || exists(find(now, old->name)) ||
        find_id(now, old->id) != NULL || (events_of(s, old) & NOTIFY_MAILBOX_NAME) == 0) {
        return false;
    }
    tell_name(s, arena, old, LIST_NONEXISTENT, STR_EMPTY);
    return true;
}

static bool tell_subscription(struct session *s, struct arena *arena, const struct watched *old,
                              const struct watched *new)
{
    uint32_t before = old != NULL ? old->attributes & LIST_SUBSCRIBED : 0;
    unsigned events = events_of(s, new) | (old != NULL ? events_of(s, old) : 0);
    if ((new->attributes &LIST_SUBSCRIBED) == before ||
        (events & NOTIFY_SUBSCRIPTION_CHANGE) == 0) {
        return false;
    }
    tell_name(s, arena, new, new->attributes &LIST_NONEXISTENT, STR_EMPTY);
    return true;
}

/* What STATUS must tell of a mailbox watched for these events (RFC 5465 section 3.1). */
static unsigned status_items(const struct session *s, unsigned events)
{
    const unsigned modseq = session_has_condstore(s) ? (unsigned)STATUS_HIGHESTMODSEQ : 0u;
    const unsigned always = STATUS_UIDVALIDITY;
    unsigned items = 0;
    if ((events & NOTIFY_MESSAGE_NEW) != 0) {
        items |= always | STATUS_MESSAGES | STATUS_UIDNEXT;
    }
    if ((events & NOTIFY_MESSAGE_EXPUNGE) != 0) {
        items |= always | STATUS_MESSAGES;
    }
    if ((events & NOTIFY_FLAG_CHANGE) != 0) {
        items |= always | (s->condstore ? modseq : (unsigned)STATUS_UNSEEN);
    }
    return items;
}

static bool tell_messages(struct session *s, struct arena *arena, const struct watched *old,
                          const struct watched *new)
{
    struct error err = ERROR_INIT;
    unsigned happened = 0;
    if (old == NULL || !old->open || !new->open) {
        return false;
    }
    if (old->info.uidnext != new->info.uidnext) {
        happened |= NOTIFY_MESSAGE_NEW;
    }
    if (old->info.messages != new->info.messages) {
        happened |= NOTIFY_MESSAGE_EXPUNGE;
    }
    if (old->info.highestmodseq != new->info.highestmodseq) {
        happened |= NOTIFY_FLAG_CHANGE;
    }
    if (old->info.uidvalidity != new->info.uidvalidity) {
        happened |= MESSAGE_EVENTS;
    }
    unsigned items = status_items(s, happened & events_of(s, new));
    return items != 0 && status_tell(s, arena, new->name, items, &err) == 0;
}

static const struct watched_entry *find_entry(const struct watched *in, struct str name)
{
    for (size_t i = 0; in != NULL && i < in->entries_len; i++) {
        if (str_eq(in->entries[i].name, name)) {
            return &in->entries[i];
        }
    }
    return NULL;
}

/* The entries of `a` that `b` has not or has otherwise. */
static void add_changed(struct arena *arena, const struct watched *a, const struct watched *b,
                        bool gone_only, struct str_list *out)
{
    for (size_t i = 0; a != NULL && i < a->entries_len; i++) {
        const struct watched_entry *other = find_entry(b, a->entries[i].name);
        if (other == NULL || (!gone_only && other->value_hash != a->entries[i].value_hash)) {
            str_list_add(arena, out, a->entries[i].name);
        }
    }
}

static bool tell_metadata(struct session *s, struct arena *arena, const struct watched *old,
                          const struct watched *new)
{
    bool server = new->name.len == 0;
    unsigned events = server ? all_events(&s->notify->request) : events_of(s, new);
    struct str_list names = {0};
    if (old == NULL ||
        (events & (server ? NOTIFY_SERVER_METADATA_CHANGE : NOTIFY_MAILBOX_METADATA_CHANGE)) == 0) {
        return false;
    }
    add_changed(arena, new, old, false, &names);
    add_changed(arena, old, new, true, &names);
    if (names.len == 0) {
        return false;
    }
    struct metadata told = {.mailbox = server ? STR_EMPTY : names_to_wire(s, arena, new->name),
                            .names_only = true,
                            .items = arena_array(arena, names.len, sizeof *told.items),
                            .len = names.len};
    for (size_t i = 0; i < names.len; i++) {
        told.items[i].name = names.items[i];
    }
    writer_cstr(&s->out, "* ");
    metadata_write(&s->out, &told);
    writer_crlf(&s->out);
    return true;
}

/* How much was told. */
static size_t tell_all(struct session *s, struct arena *arena, const struct look *before,
                       const struct look *now)
{
    size_t told = 0;
    for (size_t i = 0; i < before->len; i++) {
        told += tell_old_name(s, arena, now, &before->items[i]);
    }
    for (size_t i = 0; i < now->len; i++) {
        const struct watched *new = &now->items[i];
        const struct watched *old = find(before, new->name);
        if (tell_new_name(s, arena, before, now, new)) {
            told++;
            continue;
        }
        if (old != NULL || new->attributes != 0) {
            told += tell_subscription(s, arena, old, new);
        }
        told += tell_messages(s, arena, old, new);
        told += tell_metadata(s, arena, old, new);
    }
    return told;
}

int notify_look(struct session *s, struct arena *arena, bool tell, struct error *err)
{
    struct notify *n = s->notify;
    struct look now = {0};
    size_t start = s->out.buf.len;
    size_t limit =
        s->options.notify_limit != 0 ? s->options.notify_limit : LIMIT_SERVER_NOTIFICATIONS;
    int r = look(s, &now, err);
    if (r == 0 && tell && tell_all(s, arena, &n->last, &now) > limit) {
        s->out.buf.len = start;
        r = error_set(err, ERR_REFUSED, SCOPE_CONNECTION, "Too much happens to be told");
    }
    arena_free(&n->last.arena);
    n->last = now;
    return r;
}

void notify_tell_status(struct session *s, struct arena *arena)
{
    const struct look *last = &s->notify->last;
    for (size_t i = 0; s->notify->request.status && i < last->len; i++) {
        struct error err = ERROR_INIT;
        unsigned events = last->items[i].open ? events_of(s, &last->items[i]) : 0;
        unsigned items = status_items(s, events);
        if (items != 0) {
            (void)status_tell(s, arena, last->items[i].name, items, &err);
        }
    }
}
