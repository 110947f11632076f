#include "base/alloc.h"
#include "base/files.h"
#include "imap/limits.h"
#include "store/serve_private.h"
#include <fcntl.h>
#include <inttypes.h>

#define MAILBOXES_NAME "maildird-mailboxes"
#define MAILBOXES_MAX ((size_t)16 * 1024 * 1024)
#define REMOVED_NAME ".maildird-removed"

static const struct str inbox = STR_INIT("INBOX");

/* ---- subscriptions and special uses ---- */

static void add_use(struct serve_user *user, struct str mailbox, uint32_t attributes)
{
    struct serve_use use = {xstrndup(mailbox.ptr, mailbox.len), attributes};
    vec_push(&user->uses, use);
}

static void read_line(struct serve_user *user, struct str line)
{
    struct str word;
    uint32_t attribute;
    if (!str_split(&line, ' ', &word)) {
        return;
    }
    if (str_eq(word, STR("subscribed"))) {
        vec_push(&user->subscriptions, xstrndup(line.ptr, line.len));
    } else if (str_eq(word, STR("use")) && str_split(&line, ' ', &word) &&
               list_attribute_parse(word, &attribute)) {
        add_use(user, line, attribute);
    }
}

static int read_mailboxes(struct serve_user *user, struct error *err)
{
    struct buf text AUTO_BUF = BUF_INIT(MAILBOXES_MAX);
    char *path AUTO_FREE = path_join(maildir_root(user->md), MAILBOXES_NAME);
    int r = file_read(AT_FDCWD, path, &text, err);
    if (r == -ERR_NOT_FOUND) {
        error_clear(err);
        return 0;
    }
    struct str rest = r == 0 && text.len > 0 ? buf_str(&text) : STR_EMPTY;
    struct str line;
    if (r == 0 && (!str_split(&rest, '\n', &line) || !str_eq(line, STR("maildird mailboxes 1")))) {
        r = error_set(err, ERR_READ, SCOPE_ACCOUNT, "%s is not of this version", path);
    }
    while (r == 0 && str_split(&rest, '\n', &line)) {
        read_line(user, line);
    }
    return r;
}

static int write_mailboxes(struct serve_user *user, struct error *err)
{
    struct buf text AUTO_BUF = BUF_INIT(MAILBOXES_MAX);
    char *path AUTO_FREE = path_join(maildir_root(user->md), MAILBOXES_NAME);
    buf_add_cstr(&text, "maildird mailboxes 1\n");
    VEC_FOREACH (char *, name, &user->subscriptions)
        buf_addf(&text, "subscribed %s\n", *name);
    VEC_FOREACH (struct serve_use, use, &user->uses) {
        for (uint32_t bit = 1; bit <= use->attributes; bit <<= 1) {
            if ((use->attributes & bit) != 0) {
                buf_addf(&text, "use %s %s\n", list_attribute_name(bit), use->mailbox);
            }
        }
    }
    int r = buf_check(&text, path, SCOPE_ACCOUNT, err);
    ++*user->revision;
    return r < 0 ? r : file_replace(path, buf_str(&text), 0600, err);
}

int serve_user_subscribe(struct serve_user *user, struct str name, bool on, struct error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < user->subscriptions.len; i++) {
        char *known = user->subscriptions.items[i];
        if (str_eq(str_from(known), name)) {
            xfree(&known);
        } else {
            user->subscriptions.items[kept++] = known;
        }
    }
    user->subscriptions.len = kept;
    if (on) {
        vec_push(&user->subscriptions, xstrndup(name.ptr, name.len));
    }
    return write_mailboxes(user, err);
}

/* ---- the user ---- */

int serve_user_new(const char *root, const char *name, const char *password,
                   const struct clock *clock, uint64_t *revision, uint32_t *last_uidvalidity,
                   struct serve_user **out, struct error *err)
{
    const struct maildir_options options = {
        .root = root, .layout = MAILDIR_NESTED, .info_separator = ':', .inbox = "INBOX"};
    struct serve_user *user = xcalloc(1, sizeof *user);
    user->name = xstrdup(name);
    user->password = xstrdup(password);
    user->clock = clock;
    user->revision = revision;
    user->last_uidvalidity = last_uidvalidity;
    user->md = maildir_new(&options);
    int r = maildir_create_root(user->md, err);
    if (r < 0 || (r = maildir_create(user->md, "INBOX", err)) < 0 ||
        (r = read_mailboxes(user, err)) < 0) {
        serve_user_free(&user);
        return r;
    }
    *out = user;
    return 0;
}

void serve_user_free(struct serve_user **pointer)
{
    struct serve_user *user = *pointer;
    VEC_FOREACH (char *, name, &user->subscriptions)
        xfree(name);
    VEC_FOREACH (struct serve_use, use, &user->uses)
        xfree(&use->mailbox);
    vec_free(&user->subscriptions);
    vec_free(&user->uses);
    vec_free(&user->open);
    maildir_free(&user->md);
    xfree(&user->name);
    xfree(&user->password);
    xfree(pointer);
}

/* ---- names ---- */

static bool is_below(struct str name, struct str parent)
{
    return name.len > parent.len && str_starts(name, parent) &&
           name.ptr[parent.len] == SERVE_DELIMITER;
}

static bool has_name(const struct maildir_folders *folders, struct str name)
{
    for (size_t i = 0; i < folders->len; i++) {
        if (str_eq(folders->items[i].mailbox, name)) {
            return true;
        }
    }
    return false;
}

static int find_folder(struct serve_user *user, struct arena *arena, struct str name,
                       const char **path_out, struct error *err)
{
    struct maildir_times times;
    *path_out = maildir_path(user->md, arena, name);
    int r = maildir_stat(user->md, *path_out, &times, err);
    if (r == -ERR_NOT_FOUND) {
        error_clear(err);
        return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "There is no mailbox %.*s",
                         STR_ARG(name));
    }
    return r;
}

/* ---- listing ---- */

static int compare_entries(const void *a, const void *b)
{
    return str_cmp(((const struct backend_list_entry *)a)->name,
                   ((const struct backend_list_entry *)b)->name);
}

static uint32_t attributes_of(const struct serve_user *user, struct str name)
{
    uint32_t attributes = 0;
    VEC_FOREACH (struct serve_use, use, &user->uses)
        if (str_eq(str_from(use->mailbox), name)) {
            attributes |= use->attributes;
        }
    VEC_FOREACH (char *, subscribed, &user->subscriptions)
        if (str_eq(str_from(*subscribed), name)) {
            attributes |= LIST_SUBSCRIBED;
        }
    return attributes;
}

/* Entries of one name become one. */
static size_t merge_names(struct backend_list_entry *entries, size_t len)
{
    size_t kept = 0;
    if (len > 1) {
        qsort(entries, len, sizeof *entries, compare_entries);
    }
    for (size_t i = 0; i < len; i++) {
        if (kept > 0 && str_eq(entries[kept - 1].name, entries[i].name)) {
            continue;
        }
        entries[kept++] = entries[i];
    }
    return kept;
}

/* What stands above a folder without being one. */
static void add_parents(const struct maildir_folders *folders, struct arena *arena,
                        struct str_list *out)
{
    for (size_t i = 0; i < folders->len; i++) {
        struct str name = folders->items[i].mailbox;
        ptrdiff_t end;
        while ((end = str_rfind(name, SERVE_DELIMITER)) > 0) {
            name = str_sub(name, 0, (size_t)end);
            if (!has_name(folders, name)) {
                str_list_add(arena, out, name);
            }
        }
    }
}

int serve_user_list(struct serve_user *user, struct arena *arena, struct backend_list_entry **out,
                    size_t *len_out, struct error *err)
{
    struct maildir_folders folders = {0};
    struct str_list parents = {0};
    size_t len = 0;
    int r = maildir_list(user->md, arena, &folders, err);
    if (r < 0) {
        return r;
    }
    add_parents(&folders, arena, &parents);
    size_t most = folders.len + parents.len + user->subscriptions.len;
    struct backend_list_entry *entries = arena_array(arena, most, sizeof *entries);
    for (size_t i = 0; i < folders.len; i++) {
        struct str name = folders.items[i].mailbox;
        entries[len++] = (struct backend_list_entry){name, attributes_of(user, name)};
    }
    for (size_t i = 0; i < parents.len; i++) {
        struct str name = parents.items[i];
        entries[len++] =
            (struct backend_list_entry){name, LIST_NOSELECT | attributes_of(user, name)};
    }
    len = merge_names(entries, len);
    VEC_FOREACH (char *, subscribed, &user->subscriptions) {
        const struct backend_list_entry key = {.name = str_from(*subscribed)};
        if (bsearch(&key, entries, len, sizeof key, compare_entries) == NULL) {
            entries[len] = (struct backend_list_entry){arena_str(arena, key.name),
                                                       LIST_SUBSCRIBED | LIST_NONEXISTENT};
            len = merge_names(entries, len + 1);
        }
    }
    *out = entries;
    *len_out = len;
    return 0;
}

/* ---- opening ---- */

int serve_user_open(struct serve_user *user, struct str name, struct serve_mailbox **out,
                    struct error *err)
{
    struct arena *arena AUTO_ARENA = arena_new();
    const char *path = NULL;
    int r = find_folder(user, arena, name, &path, err);
    if (r < 0) {
        return r;
    }
    VEC_FOREACH (struct serve_mailbox *, open, &user->open)
        if (!(*open)->removed && strcmp((*open)->path, path) == 0) {
            (*open)->references++;
            *out = *open;
            return 0;
        }
    r = serve_mailbox_open(user->md, path, user->clock, user->revision, user->last_uidvalidity, out,
                           err);
    if (r == 0) {
        vec_push(&user->open, *out);
    }
    return r;
}

static void leave_open(struct serve_user *user, const struct serve_mailbox *mailbox)
{
    for (size_t i = 0; i < user->open.len; i++) {
        if (user->open.items[i] == mailbox) {
            user->open.items[i] = user->open.items[--user->open.len];
            return;
        }
    }
}

void serve_user_close(struct serve_user *user, struct serve_mailbox **mailbox)
{
    if ((*mailbox)->references == 1) {
        leave_open(user, *mailbox);
    }
    serve_mailbox_release(mailbox);
}

/* Whoever has one of them open finds it gone; `below` too. */
static void drop_open(struct serve_user *user, const char *path, bool below)
{
    for (size_t i = user->open.len; i-- > 0;) {
        struct serve_mailbox *m = user->open.items[i];
        if (strcmp(m->path, path) == 0 || (below && is_below(str_from(m->path), str_from(path)))) {
            m->removed = true;
            file_close(&m->log_fd);
            user->open.items[i] = user->open.items[--user->open.len];
        }
    }
    ++*user->revision;
}

/* ---- changing ---- */

int serve_user_create(struct serve_user *user, struct str name, uint32_t special_use,
                      struct error *err)
{
    struct arena *arena AUTO_ARENA = arena_new();
    const char *path = NULL;
    int r = backend_check_name(name, SERVE_DELIMITER, err);
    if (r < 0) {
        return r;
    }
    r = find_folder(user, arena, name, &path, err);
    if (r == 0) {
        return error_set(err, ERR_EXISTS, SCOPE_MAILBOX, "%.*s exists", STR_ARG(name));
    }
    error_clear(err);
    if (r != -ERR_NOT_FOUND || (r = maildir_create(user->md, path, err)) < 0) {
        return r;
    }
    ++*user->revision;
    if (special_use == 0) {
        return 0;
    }
    add_use(user, name, special_use);
    return write_mailboxes(user, err);
}

static bool forget_uses(struct serve_user *user, struct str name)
{
    size_t kept = 0;
    size_t before = user->uses.len;
    for (size_t i = 0; i < before; i++) {
        if (str_eq(str_from(user->uses.items[i].mailbox), name)) {
            xfree(&user->uses.items[i].mailbox);
        } else {
            user->uses.items[kept++] = user->uses.items[i];
        }
    }
    user->uses.len = kept;
    return kept < before;
}

/* Moves what makes the folder a mailbox, and leaves what stands below it. */
static int move_away(struct serve_user *user, const char *path, struct error *err)
{
    static const char *const parts[] = {"cur", "new", "tmp", "maildird-uids"};
    char *folder AUTO_FREE = path_join(maildir_root(user->md), path);
    char *place AUTO_FREE =
        xasprintf("%s/" REMOVED_NAME "/%" PRId64 ".%" PRIu64, maildir_root(user->md),
                  clock_wall_ms(user->clock) / 1000, ++*user->revision);
    int r = file_mkdir_all(place, 0700, err);
    for (size_t i = 0; r == 0 && i < sizeof parts / sizeof *parts; i++) {
        char *from AUTO_FREE = path_join(folder, parts[i]);
        char *to AUTO_FREE = path_join(place, parts[i]);
        r = file_rename(AT_FDCWD, from, AT_FDCWD, to, err);
        if (r == -ERR_NOT_FOUND) {
            error_clear(err);
            r = 0;
        }
    }
    return r < 0 ? r : file_sync_dir(AT_FDCWD, folder, err);
}

int serve_user_remove(struct serve_user *user, struct str name, struct error *err)
{
    struct arena *arena AUTO_ARENA = arena_new();
    const char *path = NULL;
    if (str_eq(name, inbox)) {
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "INBOX cannot be deleted");
    }
    int r = find_folder(user, arena, name, &path, err);
    if (r < 0 || (r = move_away(user, path, err)) < 0) {
        return r;
    }
    drop_open(user, path, false);
    return forget_uses(user, name) ? write_mailboxes(user, err) : 0;
}

/* RFC 3501 section 6.3.5: INBOX stays, its messages go. */
static int empty_inbox(struct serve_user *user, struct str to, struct error *err)
{
    struct serve_mailbox *from = NULL;
    struct serve_mailbox *target = NULL;
    int r = serve_user_create(user, to, 0, err);
    if (r < 0 || (r = serve_user_open(user, inbox, &from, err)) < 0) {
        return r;
    }
    if ((r = serve_user_open(user, to, &target, err)) == 0) {
        uint64_t modseq = ++from->highestmodseq;
        while (r == 0 && from->messages.len > 0) {
            struct serve_message *message = from->messages.items[0];
            struct str bytes;
            uint32_t uid;
            if ((r = serve_mailbox_body(from, message->uid, &bytes, err)) == 0 &&
                (r = serve_mailbox_append(target, bytes, &message->told, message->date_s, &uid,
                                          err)) == 0) {
                r = serve_mailbox_expunge(from, message->uid, modseq, err);
            }
        }
        serve_user_close(user, &target);
    }
    serve_user_close(user, &from);
    return r;
}

static void rename_uses(struct serve_user *user, struct str from, struct str to)
{
    VEC_FOREACH (struct serve_use, use, &user->uses) {
        struct str name = str_from(use->mailbox);
        if (str_eq(name, from) || is_below(name, from)) {
            char *old = use->mailbox;
            use->mailbox = xasprintf("%.*s%s", STR_ARG(to), old + from.len);
            xfree(&old);
        }
    }
}

static int rename_folder(struct serve_user *user, const char *from, const char *to,
                         struct error *err)
{
    char *old AUTO_FREE = path_join(maildir_root(user->md), from);
    char *new AUTO_FREE = path_join(maildir_root(user->md), to);
    char *parent AUTO_FREE = xstrdup(new);
    *strrchr(parent, '/') = '\0';
    int r = file_mkdir_all(parent, 0700, err);
    if (r < 0 || (r = file_rename_new(AT_FDCWD, old, AT_FDCWD, new, err)) < 0) {
        return r;
    }
    return file_sync_dir(AT_FDCWD, parent, err);
}

int serve_user_rename(struct serve_user *user, struct str from, struct str to, struct error *err)
{
    struct arena *arena AUTO_ARENA = arena_new();
    const char *from_path = NULL;
    const char *to_path = NULL;
    int r = backend_check_name(to, SERVE_DELIMITER, err);
    if (r < 0 || (r = find_folder(user, arena, from, &from_path, err)) < 0) {
        return r;
    }
    if (find_folder(user, arena, to, &to_path, err) == 0) {
        return error_set(err, ERR_EXISTS, SCOPE_MAILBOX, "%.*s exists", STR_ARG(to));
    }
    error_clear(err);
    if (str_eq(from, inbox)) {
        return empty_inbox(user, to, err);
    }
    if (is_below(to, from)) {
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX, "A mailbox cannot stand below itself");
    }
    if ((r = rename_folder(user, from_path, to_path, err)) < 0) {
        return r;
    }
    drop_open(user, from_path, true);
    rename_uses(user, from, to);
    return write_mailboxes(user, err);
}
