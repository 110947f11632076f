/* A user's mailboxes by name, and what CREATE, DELETE and RENAME do to them. */
#include "base/alloc.h"
#include "imap/limits.h"
#include "server/mem_private.h"

static const struct str inbox = {"INBOX", 5};

struct mem_user *mem_user_new(const char *name, const char *password, uint32_t *last_uidvalidity,
                              uint64_t *last_id)
{
    struct mem_user *user = xcalloc(1, sizeof *user);
    struct error err = ERROR_INIT;
    user->name = xstrdup(name);
    user->password = xstrdup(password);
    user->last_uidvalidity = last_uidvalidity;
    user->last_id = last_id;
    (void)mem_user_create(user, inbox, 0, &err);
    return user;
}

void mem_user_free(struct mem_user **pointer)
{
    struct mem_user *user = *pointer;
    for (size_t i = 0; i < user->mailboxes.len; i++) {
        mem_mailbox_release(&user->mailboxes.items[i]);
    }
    for (size_t i = 0; i < user->subscriptions.len; i++) {
        xfree(&user->subscriptions.items[i]);
    }
    vec_free(&user->mailboxes);
    vec_free(&user->subscriptions);
    xfree(&user->name);
    xfree(&user->password);
    xfree(&user->token);
    mem_annotations_free(&user->annotations);
    xfree(pointer);
}

/* Where `name` stands or would stand. */
static size_t position(const struct mem_user *user, struct str name)
{
    size_t low = 0;
    size_t high = user->mailboxes.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(str_from(user->mailboxes.items[middle]->name), name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct mem_mailbox *mem_user_find(const struct mem_user *user, struct str name)
{
    size_t at = position(user, name);
    if (at == user->mailboxes.len || !str_eq(str_from(user->mailboxes.items[at]->name), name)) {
        return NULL;
    }
    return user->mailboxes.items[at];
}

int mem_user_open(const struct mem_user *user, struct str name, struct mem_mailbox **out,
                  struct error *err)
{
    struct mem_mailbox *found = mem_user_find(user, name);
    if (found == NULL) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "There is no mailbox %.*s",
                         STR_ARG(name));
    }
    if (found->noselect) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "%.*s holds mailboxes only",
                         STR_ARG(name));
    }
    *out = found;
    return 0;
}

static void insert(struct mem_user *user, struct mem_mailbox *mailbox)
{
    size_t at = position(user, str_from(mailbox->name));
    vec_push(&user->mailboxes, mailbox);
    memmove(user->mailboxes.items + at + 1, user->mailboxes.items + at,
            (user->mailboxes.len - 1 - at) * sizeof *user->mailboxes.items);
    user->mailboxes.items[at] = mailbox;
}

static struct mem_mailbox *take_out(struct mem_user *user, size_t at)
{
    struct mem_mailbox *mailbox = user->mailboxes.items[at];
    user->mailboxes.len--;
    memmove(user->mailboxes.items + at, user->mailboxes.items + at + 1,
            (user->mailboxes.len - at) * sizeof *user->mailboxes.items);
    return mailbox;
}

static bool is_child(const struct mem_mailbox *mailbox, struct str parent)
{
    struct str name = str_from(mailbox->name);
    return name.len > parent.len && str_starts(name, parent) &&
           name.ptr[parent.len] == MEM_DELIMITER;
}

static bool has_children(const struct mem_user *user, struct str name)
{
    for (size_t i = position(user, name); i < user->mailboxes.len; i++) {
        if (!str_starts(str_from(user->mailboxes.items[i]->name), name)) {
            break;
        }
        if (is_child(user->mailboxes.items[i], name)) {
            return true;
        }
    }
    return false;
}

/* ---- changing ---- */

static struct mem_mailbox *add_mailbox(struct mem_user *user, struct str name)
{
    char *text AUTO_FREE = xstrndup(name.ptr, name.len);
    struct mem_mailbox *mailbox =
        mem_mailbox_new(text, ++*user->last_uidvalidity, ++*user->last_id);
    ptrdiff_t delimiter = str_rfind(name, MEM_DELIMITER);
    const struct mem_mailbox *parent =
        delimiter > 0 ? mem_user_find(user, str_sub(name, 0, (size_t)delimiter)) : NULL;
    if (parent != NULL) {
        mem_rights_inherit(mailbox, parent);
    }
    insert(user, mailbox);
    return mailbox;
}

static void add_parents(struct mem_user *user, struct str name)
{
    for (size_t i = 1; i < name.len; i++) {
        struct str parent = str_sub(name, 0, i);
        if (name.ptr[i] == MEM_DELIMITER && mem_user_find(user, parent) == NULL) {
            (void)add_mailbox(user, parent);
        }
    }
}

int mem_user_create(struct mem_user *user, struct str name, uint32_t special_use, struct error *err)
{
    int r = backend_check_name(name, MEM_DELIMITER, err);
    if (r < 0) {
        return r;
    }
    struct mem_mailbox *mailbox = mem_user_find(user, name);
    if (mailbox != NULL && !mailbox->noselect) {
        return error_set(err, ERR_EXISTS, SCOPE_MAILBOX, "%.*s exists", STR_ARG(name));
    }
    if (mailbox == NULL && user->mailboxes.len >= LIMIT_MAILBOXES) {
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "There are too many mailboxes");
    }
    if ((r = mem_quota_check(user, MEM_MAILBOX, 1, err)) < 0) {
        return r;
    }
    add_parents(user, name);
    if (mailbox == NULL) {
        mailbox = add_mailbox(user, name);
    }
    mailbox->noselect = false;
    mailbox->special_use = special_use;
    return 0;
}

/* Those who have it open find it gone. */
static void discard(struct mem_mailbox *mailbox)
{
    mailbox->removed = true;
    mem_mailbox_release(&mailbox);
}

int mem_user_remove(struct mem_user *user, struct str name, struct error *err)
{
    struct mem_mailbox *mailbox = mem_user_find(user, name);
    if (str_eq(name, inbox)) {
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "INBOX cannot be deleted");
    }
    if (mailbox == NULL) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "There is no mailbox %.*s",
                         STR_ARG(name));
    }
    bool children = has_children(user, name);
    if (mailbox->noselect && children) {
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "%.*s has mailboxes below it",
                         STR_ARG(name));
    }
    discard(take_out(user, position(user, name)));
    /* RFC 3501 section 6.3.4: the name stays while others stand below it. */
    if (children) {
        add_mailbox(user, name)->noselect = true;
    }
    return 0;
}

/* With what is below it. */
static void rename_tree(struct mem_user *user, struct str from, struct str to)
{
    VEC(struct mem_mailbox *) moved = {0};
    for (size_t i = user->mailboxes.len; i-- > 0;) {
        struct mem_mailbox *mailbox = user->mailboxes.items[i];
        if (str_eq(str_from(mailbox->name), from) || is_child(mailbox, from)) {
            vec_push(&moved, take_out(user, i));
        }
    }
    for (size_t i = 0; i < moved.len; i++) {
        char *old = moved.items[i]->name;
        moved.items[i]->name = xasprintf("%.*s%s", STR_ARG(to), old + from.len);
        xfree(&old);
        insert(user, moved.items[i]);
    }
    vec_free(&moved);
}

int mem_user_rename(struct mem_user *user, struct str from, struct str to, struct error *err)
{
    struct mem_mailbox *mailbox = mem_user_find(user, from);
    int r = backend_check_name(to, MEM_DELIMITER, err);
    if (r < 0) {
        return r;
    }
    if (mailbox == NULL) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "There is no mailbox %.*s",
                         STR_ARG(from));
    }
    if (mem_user_find(user, to) != NULL) {
        return error_set(err, ERR_EXISTS, SCOPE_MAILBOX, "%.*s exists", STR_ARG(to));
    }
    if (to.len > from.len && str_starts(to, from) && to.ptr[from.len] == MEM_DELIMITER &&
        !str_eq(from, inbox)) {
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "A mailbox cannot stand below itself");
    }
    add_parents(user, to);
    if (!str_eq(from, inbox)) {
        /* `from` and `to` may point into names that are replaced. */
        char *old AUTO_FREE = xstrndup(from.ptr, from.len);
        char *new AUTO_FREE = xstrndup(to.ptr, to.len);
        rename_tree(user, str_from(old), str_from(new));
        return 0;
    }
    /* RFC 3501 section 6.3.5: INBOX stays, its messages go. */
    return mem_mailbox_move_all(mailbox, add_mailbox(user, to), err);
}

int mem_user_renumber(struct mem_user *user, struct str name, struct error *err)
{
    struct mem_mailbox *old = NULL;
    int r = mem_user_open(user, name, &old, err);
    if (r < 0) {
        return r;
    }
    (void)take_out(user, position(user, name));
    struct mem_mailbox *mailbox = add_mailbox(user, name);
    mailbox->special_use = old->special_use;
    mem_rights_inherit(mailbox, old);
    r = mem_mailbox_move_all(old, mailbox, err);
    discard(old);
    return r;
}

void mem_user_subscribe(struct mem_user *user, struct str name, bool on)
{
    for (size_t i = 0; i < user->subscriptions.len; i++) {
        if (!str_eq(str_from(user->subscriptions.items[i]), name)) {
            continue;
        }
        if (!on) {
            xfree(&user->subscriptions.items[i]);
            user->subscriptions.items[i] = user->subscriptions.items[--user->subscriptions.len];
        }
        return;
    }
    if (on) {
        vec_push(&user->subscriptions, xstrndup(name.ptr, name.len));
    }
}

static int compare_entries(const void *a, const void *b)
{
    return str_cmp(((const struct backend_list_entry *)a)->name,
                   ((const struct backend_list_entry *)b)->name);
}

void mem_user_list(const struct mem_user *user, struct arena *arena,
                   struct backend_list_entry **out, size_t *len_out)
{
    size_t most = user->mailboxes.len + user->subscriptions.len;
    struct backend_list_entry *entries = arena_array(arena, most, sizeof *entries);
    size_t len = 0;
    for (size_t i = 0; i < user->mailboxes.len; i++) {
        const struct mem_mailbox *mailbox = user->mailboxes.items[i];
        uint32_t attributes = mailbox->special_use | (mailbox->noselect ? LIST_NOSELECT : 0u);
        entries[len++] = (struct backend_list_entry){str_from(mailbox->name), attributes};
    }
    for (size_t i = 0; i < user->subscriptions.len; i++) {
        struct str name = str_from(user->subscriptions.items[i]);
        if (mem_user_find(user, name) != NULL) {
            entries[position(user, name)].attributes |= LIST_SUBSCRIBED;
        } else {
            entries[len++] = (struct backend_list_entry){name, LIST_SUBSCRIBED | LIST_NONEXISTENT};
        }
    }
    if (len > 1) {
        qsort(entries, len, sizeof *entries, compare_entries);
    }
    *out = entries;
    *len_out = len;
}
