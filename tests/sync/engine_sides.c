#include "base/files.h"
#include "imap/list.h"
#include "reconcile/flags.h"
#include "core/base/scratch.h"
#include "sync/engine.h"
#include "sync/words.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char LETTERS[] = "DFPRST";

static uint8_t flags_of(const char *letters)
{
    uint8_t flags = 0;
    for (; *letters != '\0'; letters++) {
        flags |= (uint8_t)(1u << (strchr(LETTERS, *letters) - LETTERS));
    }
    return flags;
}

static const char *letters_of(struct engine *e, uint8_t flags)
{
    char text[sizeof LETTERS + 1] = "/";
    size_t len = 1;
    for (size_t i = 0; i < sizeof LETTERS - 1; i++) {
        if ((flags & (1u << i)) != 0) {
            text[len++] = LETTERS[i];
        }
    }
    return len == 1 ? "" : arena_strdup(e->arena, text);
}

static void ok(const struct engine *e, int result, const struct error *err)
{
    if (result < 0) {
        fail_msg("%s", err->text);
    }
}

/* ---- messages ---- */

static const char *message_text(struct engine *e, const char *subject, const char *end)
{
    bool anonymous = strncmp(subject, "anon", 4) == 0;
    const char *id =
        anonymous ? "" : arena_printf(e->arena, "Message-ID: <%s@test.example>%s", subject, end);
    return arena_printf(e->arena, "Subject: %s%s%s%sThis is %s.%s", subject, end, id, end, subject,
                        end);
}

/* The subject; nothing else may have happened to the message on its way. */
static const char *subject_of(struct engine *e, struct str bytes, const char *end)
{
    struct str line;
    (void)str_split(&bytes, '\n', &line);
    if (!str_starts(line, STR("Subject: "))) {
        fail_msg("a message without its subject: %.*s", STR_ARG(line));
    }
    struct str subject = str_trim(str_from_offset(line, sizeof "Subject: " - 1));
    const char *name = arena_str(e->arena, subject).ptr;
    struct str whole = str_make(line.ptr, line.len + 1 + bytes.len);
    if (!str_eq(whole, str_from(message_text(e, name, end)))) {
        fail_msg("message %s is not as it was: %.*s", name, STR_ARG(whole));
    }
    return name;
}

/* ---- telling what is there ---- */

static void add_mailbox(struct buf *out, const char *name, struct words *messages)
{
    words_sort(messages);
    buf_addf(out, "%s%s[", out->len > 0 ? " " : "", name);
    for (size_t i = 0; i < messages->len; i++) {
        buf_addf(out, "%s%s", i > 0 ? " " : "", messages->items[i]);
    }
    buf_addf(out, "]");
}

static const char *finish_view(struct engine *e, const struct buf *out)
{
    return arena_str(e->arena, buf_str(out)).ptr;
}

/* ---- the server ---- */

struct server_visit {
    struct engine *e;
    struct words messages;
    const char *wanted; /* a subject, or NULL */
    uint32_t uid;
};

static bool visit_message(void *self, const struct backend_message *message, struct str body)
{
    struct server_visit *v = self;
    const char *subject = subject_of(v->e, body, "\r\n");
    uint8_t flags = flags_system_from_imap(&message->flags);
    vec_push(&v->messages, arena_printf(v->e->arena, "%s%s", subject, letters_of(v->e, flags)));
    if (v->wanted != NULL && strcmp(v->wanted, subject) == 0) {
        v->uid = message->uid;
    }
    return true;
}

static void visit(struct server_visit *v, const char *mailbox)
{
    struct error err = ERROR_INIT;
    ok(v->e, mem_backend_each(v->e->env.backend, LOCKSTEP_USER, mailbox, visit_message, v, &err),
       &err);
}

void server_create(struct engine *e, const char *mailbox)
{
    struct error err = ERROR_INIT;
    ok(e, mem_backend_create(e->env.backend, LOCKSTEP_USER, mailbox, 0, &err), &err);
}

static unsigned imap_flags_of(struct engine *e, const char *letters)
{
    struct imap_flags flags;
    flags_to_imap(flags_of(letters), e->arena, &flags);
    assert_int_equal(flags.keywords_len, 0);
    return flags.system;
}

uint32_t server_append(struct engine *e, const char *mailbox, const char *subject,
                       const char *flags)
{
    struct error err = ERROR_INIT;
    uint32_t uid;
    struct str text = str_from(message_text(e, subject, "\r\n"));
    ok(e,
       mem_backend_append(e->env.backend, LOCKSTEP_USER, mailbox, text, imap_flags_of(e, flags),
                          1600000000, &uid, &err),
       &err);
    return uid;
}

void server_fill(struct engine *e, const char *mailbox, const char *prefix, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        (void)server_append(e, mailbox, arena_printf(e->arena, "%s%u", prefix, i), "");
    }
}

uint32_t server_uid(struct engine *e, const char *mailbox, const char *subject)
{
    struct server_visit v = {.e = e, .wanted = subject};
    visit(&v, mailbox);
    vec_free(&v.messages);
    if (v.uid == 0) {
        fail_msg("the server has no %s in %s", subject, mailbox);
    }
    return v.uid;
}

void server_flags(struct engine *e, const char *mailbox, const char *subject, const char *flags)
{
    struct error err = ERROR_INIT;
    ok(e,
       mem_backend_set_flags(e->env.backend, LOCKSTEP_USER, mailbox,
                             server_uid(e, mailbox, subject), imap_flags_of(e, flags), &err),
       &err);
}

void server_expunge(struct engine *e, const char *mailbox, const char *subject)
{
    struct error err = ERROR_INIT;
    ok(e,
       mem_backend_expunge(e->env.backend, LOCKSTEP_USER, mailbox, server_uid(e, mailbox, subject),
                           &err),
       &err);
}

/* Those with a UID of `uids`, in order. */
static void relocate(struct engine *e, const char *from, const char *to, const uint32_t *uids,
                     size_t len, bool moving)
{
    struct backend backend = mem_backend_vtable(e->env.backend);
    struct backend_user *user;
    struct backend_mailbox *source, *target;
    struct error err = ERROR_INIT;
    const struct str nobody = {NULL, 0};
    uint32_t copy;
    ok(e, backend.ops->login(backend.self, STR(LOCKSTEP_USER), nobody, &user, &err), &err);
    ok(e, backend.ops->open(user, str_from(from), &source, &err), &err);
    ok(e, backend.ops->open(user, str_from(to), &target, &err), &err);
    for (size_t i = 0; i < len; i++) {
        ok(e, backend.ops->copy(source, uids[i], target, moving, &copy, &err), &err);
    }
    if (moving) {
        ok(e, backend.ops->expunge(source, uids, len, &err), &err);
    }
    backend.ops->close(source);
    backend.ops->close(target);
    backend.ops->logout(backend.self, user);
}

void server_copy(struct engine *e, const char *from, const char *to, const char *subject)
{
    uint32_t uid = server_uid(e, from, subject);
    relocate(e, from, to, &uid, 1, false);
}

void server_move(struct engine *e, const char *from, const char *to, const char *subject)
{
    uint32_t uid = server_uid(e, from, subject);
    relocate(e, from, to, &uid, 1, true);
}

void server_renumber(struct engine *e, const char *mailbox)
{
    struct error err = ERROR_INIT;
    ok(e, mem_backend_renumber(e->env.backend, LOCKSTEP_USER, mailbox, &err), &err);
}

static bool note_uid(void *self, const struct backend_message *message, struct str body)
{
    struct seqset *uids = self;
    seqset_add(uids, message->uid);
    return true;
}

void server_move_all(struct engine *e, const char *from, const char *to)
{
    struct error err = ERROR_INIT;
    AUTO_SEQSET struct seqset uids = {0};
    VEC(uint32_t) list = {0};
    uint32_t uid = 0;
    ok(e, mem_backend_each(e->env.backend, LOCKSTEP_USER, from, note_uid, &uids, &err), &err);
    while (seqset_next(&uids, &uid)) {
        vec_push(&list, uid);
    }
    relocate(e, from, to, list.items, list.len, true);
    vec_free(&list);
}

size_t server_count(struct engine *e, const char *mailbox)
{
    struct server_visit v = {.e = e};
    visit(&v, mailbox);
    size_t count = v.messages.len;
    vec_free(&v.messages);
    return count;
}

const char *server_view(struct engine *e)
{
    AUTO_BUF struct buf out = BUF_INIT((size_t)1 << 24);
    struct backend backend = mem_backend_vtable(e->env.backend);
    struct backend_user *user;
    struct backend_list_entry *entries;
    size_t len;
    struct error err = ERROR_INIT;
    const struct str nobody = {NULL, 0};
    ok(e, backend.ops->login(backend.self, STR(LOCKSTEP_USER), nobody, &user, &err), &err);
    ok(e, backend.ops->list(user, e->arena, &entries, &len, &err), &err);
    struct words names = {0};
    for (size_t i = 0; i < len; i++) {
        if ((entries[i].attributes & (LIST_NOSELECT | LIST_NONEXISTENT)) == 0) {
            vec_push(&names, arena_str(e->arena, entries[i].name).ptr);
        }
    }
    backend.ops->logout(backend.self, user);
    words_sort(&names);
    for (size_t i = 0; i < names.len; i++) {
        struct server_visit v = {.e = e};
        visit(&v, names.items[i]);
        add_mailbox(&out, names.items[i], &v.messages);
        vec_free(&v.messages);
    }
    vec_free(&names);
    return finish_view(e, &out);
}

/* ---- the Maildir ---- */

static const char *path_of_file(struct engine *e, const char *folder,
                                const struct maildir_file *file)
{
    return arena_printf(e->arena, "%s/%s/%s/%.*s", e->root, folder, file->in_new ? "new" : "cur",
                        STR_ARG(file->name));
}

static const char *subject_of_file(struct engine *e, const char *path)
{
    struct error err = ERROR_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT((size_t)1 << 24);
    ok(e, file_read(AT_FDCWD, path, &bytes, &err), &err);
    return subject_of(e, buf_str(&bytes), "\n");
}

void local_create(struct engine *e, const char *folder)
{
    struct error err = ERROR_INIT;
    ok(e, maildir_create_root(e->maildir, &err), &err);
    ok(e, maildir_create(e->maildir, folder, &err), &err);
}

static void write_message(struct engine *e, const char *path, const char *subject)
{
    struct error err = ERROR_INIT;
    AUTO_FD int fd = -1;
    const char *text = message_text(e, subject, "\n");
    ok(e, file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, &err), &err);
    ok(e, file_write(fd, text, strlen(text), path, &err), &err);
}

void local_add_as(struct engine *e, const char *folder, const char *file, const char *subject)
{
    write_message(e, arena_printf(e->arena, "%s/%s/new/%s", e->root, folder, file), subject);
}

void local_add(struct engine *e, const char *folder, const char *subject, const char *flags)
{
    if (flags[0] == '\0') {
        local_add_as(e, folder, arena_printf(e->arena, "%s.user", subject), subject);
        return;
    }
    write_message(e,
                  arena_printf(e->arena, "%s/%s/cur/%s.user:2,%s", e->root, folder, subject, flags),
                  subject);
}

void local_fill(struct engine *e, const char *folder, const char *prefix, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        local_add(e, folder, arena_printf(e->arena, "%s%u", prefix, i), "");
    }
}

/* The path and the base name of the message's file. */
static const char *find_file(struct engine *e, const char *folder, const char *subject,
                             struct str *base_out)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    const char *found = NULL;
    ok(e, maildir_scan(e->maildir, folder, &snapshot, &err), &err);
    for (size_t i = 0; i < snapshot.files.len && found == NULL; i++) {
        const char *path = path_of_file(e, folder, &snapshot.files.items[i]);
        if (strcmp(subject_of_file(e, path), subject) == 0) {
            found = path;
            *base_out = arena_str(e->arena, snapshot.files.items[i].parsed.base);
        }
    }
    maildir_snapshot_free(&snapshot);
    if (found == NULL) {
        fail_msg("there is no %s in the folder %s", subject, folder);
    }
    return found;
}

void local_flags(struct engine *e, const char *folder, const char *subject, const char *flags)
{
    struct str base;
    const char *path = find_file(e, folder, subject, &base);
    assert_int_equal(rename(path, arena_printf(e->arena, "%s/%s/cur/%.*s:2,%s", e->root, folder,
                                               STR_ARG(base), flags)),
                     0);
}

void local_flags_all(struct engine *e, const char *folder, const char *flags)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    ok(e, maildir_scan(e->maildir, folder, &snapshot, &err), &err);
    for (size_t i = 0; i < snapshot.files.len; i++) {
        const struct maildir_file *file = &snapshot.files.items[i];
        const char *to = arena_printf(e->arena, "%s/%s/cur/%.*s:2,%s", e->root, folder,
                                      STR_ARG(file->parsed.base), flags);
        assert_int_equal(rename(path_of_file(e, folder, file), to), 0);
    }
    maildir_snapshot_free(&snapshot);
}

void local_remove(struct engine *e, const char *folder, const char *subject)
{
    struct str base;
    assert_int_equal(unlink(find_file(e, folder, subject, &base)), 0);
}

void local_move(struct engine *e, const char *from, const char *to, const char *subject)
{
    struct str base;
    const char *path = find_file(e, from, subject, &base);
    const char *slash = strrchr(path, '/');
    assert_int_equal(rename(path, arena_printf(e->arena, "%s/%s/cur/%s", e->root, to, slash + 1)),
                     0);
}

void local_remove_folder(struct engine *e, const char *folder)
{
    char *path = arena_printf(e->arena, "%s/%s", e->root, folder);
    char *copy = xstrdup(path);
    scratch_free(&copy);
}

void local_remove_some(struct engine *e, const char *folder, unsigned count)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    ok(e, maildir_scan(e->maildir, folder, &snapshot, &err), &err);
    for (size_t i = 0; i < snapshot.files.len && i < count; i++) {
        assert_int_equal(unlink(path_of_file(e, folder, &snapshot.files.items[i])), 0);
    }
    maildir_snapshot_free(&snapshot);
}

static void scan_words(struct engine *e, const char *folder, struct words *out)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    ok(e, maildir_scan(e->maildir, folder, &snapshot, &err), &err);
    for (size_t i = 0; i < snapshot.files.len; i++) {
        const struct maildir_file *file = &snapshot.files.items[i];
        const char *subject = subject_of_file(e, path_of_file(e, folder, file));
        vec_push(out, arena_printf(e->arena, "%s%s", subject, letters_of(e, file->parsed.flags)));
    }
    maildir_snapshot_free(&snapshot);
}

size_t folder_count(struct engine *e, const char *folder)
{
    struct words words = {0};
    scan_words(e, folder, &words);
    size_t count = words.len;
    vec_free(&words);
    return count;
}

const char *local_view(struct engine *e)
{
    AUTO_BUF struct buf out = BUF_INIT((size_t)1 << 24);
    struct maildir_folders folders = {0};
    struct error err = ERROR_INIT;
    if (maildir_exists(e->maildir, &err) <= 0) {
        return "";
    }
    ok(e, maildir_list(e->maildir, e->arena, &folders, &err), &err);
    for (size_t i = 0; i < folders.len; i++) {
        struct words messages = {0};
        scan_words(e, folders.items[i].path, &messages);
        add_mailbox(&out, folders.items[i].path, &messages);
        vec_free(&messages);
    }
    return finish_view(e, &out);
}

/* ---- both ---- */

static void assert_view(struct engine *e, const char *side, const char *view, const char *expected)
{
    if (strcmp(view, expected) != 0) {
        engine_tell(e);
        fail_msg("%s holds\n  %s\nnot\n  %s", side, view, expected);
    }
}

void assert_server(struct engine *e, const char *view)
{
    assert_view(e, "the server", server_view(e), view);
}

void assert_local(struct engine *e, const char *view)
{
    assert_view(e, "the Maildir", local_view(e), view);
}

void assert_both(struct engine *e, const char *view)
{
    assert_server(e, view);
    assert_local(e, view);
}
