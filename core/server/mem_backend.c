/* The vtable over users and mailboxes in memory, and the same from the side. */
#include "server/mem_backend.h"
#include "base/alloc.h"
#include "server/mem_private.h"
#include <assert.h>

struct mem_backend *mem_backend_new(const struct clock *clock)
{
    struct mem_backend *b = xcalloc(1, sizeof *b);
    b->clock = clock;
    pthread_mutex_init(&b->mutex, NULL);
    /* So that a backend made later never tells an earlier one's UIDVALIDITY. */
    b->last_uidvalidity = (uint32_t)(clock_wall_ms(clock) / 1000);
    return b;
}

void mem_backend_free(struct mem_backend **backend)
{
    struct mem_backend *b = *backend;
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->users.len; i++) {
        mem_user_free(&b->users.items[i]);
    }
    vec_free(&b->users);
    mem_annotations_free(&b->annotations);
    pthread_mutex_destroy(&b->mutex);
    xfree(backend);
}

void mem_backend_add_user(struct mem_backend *b, const char *user, const char *password)
{
    pthread_mutex_lock(&b->mutex);
    vec_push(&b->users, mem_user_new(user, password, &b->last_uidvalidity, &b->last_id));
    pthread_mutex_unlock(&b->mutex);
}

static struct mem_user *find_user(const struct mem_backend *b, struct str name)
{
    for (size_t i = 0; i < b->users.len; i++) {
        if (str_eq(str_from(b->users.items[i]->name), name)) {
            return b->users.items[i];
        }
    }
    return NULL;
}

void mem_backend_set_token(struct mem_backend *b, const char *user, const char *token)
{
    pthread_mutex_lock(&b->mutex);
    struct mem_user *found = find_user(b, str_from(user));
    if (found != NULL) {
        xfree(&found->token);
        found->token = xstrdup(token);
    }
    pthread_mutex_unlock(&b->mutex);
}

static int64_t now_s(const struct mem_backend *b)
{
    return clock_wall_ms(b->clock) / 1000;
}

/* ---- the vtable ---- */

static void op_lock(void *self)
{
    struct mem_backend *b = self;
    pthread_mutex_lock(&b->mutex);
}

static void op_unlock(void *self)
{
    struct mem_backend *b = self;
    pthread_mutex_unlock(&b->mutex);
}

static int op_login(void *self, struct str name, struct str password, struct backend_user **out,
                    struct error *err)
{
    struct mem_backend *b = self;
    struct mem_user *user = find_user(b, name);
    if (user == NULL || (password.ptr != NULL && !str_eq(str_from(user->password), password))) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "Wrong user name or password");
    }
    *out = xcalloc(1, sizeof **out);
    (*out)->backend = b;
    (*out)->user = user;
    return 0;
}

static void op_logout(void *self, struct backend_user *user)
{
    xfree(&user);
}

static int op_list(struct backend_user *user, struct arena *arena, struct backend_list_entry **out,
                   size_t *len_out, struct error *err)
{
    mem_user_list(user->user, arena, out, len_out);
    return 0;
}

static int op_create(struct backend_user *user, struct str name, uint32_t special_use,
                     struct error *err)
{
    user->backend->revision++;
    return mem_user_create(user->user, name, special_use, err);
}

static int op_remove(struct backend_user *user, struct str name, struct error *err)
{
    user->backend->revision++;
    return mem_user_remove(user->user, name, err);
}

static int op_rename(struct backend_user *user, struct str from, struct str to, struct error *err)
{
    user->backend->revision++;
    return mem_user_rename(user->user, from, to, err);
}

static int op_subscribe(struct backend_user *user, struct str name, bool on, struct error *err)
{
    user->backend->revision++;
    mem_user_subscribe(user->user, name, on);
    return 0;
}

static int op_open(struct backend_user *user, struct str name, struct backend_mailbox **out,
                   struct error *err)
{
    struct mem_mailbox *mailbox = NULL;
    int r = mem_user_open(user->user, name, &mailbox, err);
    if (r < 0) {
        return r;
    }
    mem_mailbox_retain(mailbox);
    *out = xcalloc(1, sizeof **out);
    (*out)->backend = user->backend;
    (*out)->user = user->user;
    (*out)->mailbox = mailbox;
    return 0;
}

static void op_close(struct backend_mailbox *handle)
{
    mem_mailbox_release(&handle->mailbox);
    xfree(&handle);
}

static int op_info(struct backend_mailbox *handle, struct backend_mailbox_info *out,
                   struct error *err)
{
    const struct mem_mailbox *m = handle->mailbox;
    if (m->removed) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "The mailbox is gone");
    }
    *out = (struct backend_mailbox_info){.uidvalidity = m->uidvalidity,
                                         .uidnext = m->uidnext,
                                         .highestmodseq = m->highestmodseq,
                                         .mailboxid = str_from(m->id),
                                         .messages = (uint32_t)m->messages.len,
                                         .keywords = m->keywords.items,
                                         .keywords_len = m->keywords.len};
    return 0;
}

static uint32_t op_recent(struct backend_mailbox *handle, bool take)
{
    struct mem_mailbox *m = handle->mailbox;
    uint32_t first = m->recent;
    m->recent = take ? m->uidnext : first;
    return first;
}

static bool op_message(struct backend_mailbox *handle, uint32_t index, struct backend_message *out)
{
    const struct mem_mailbox *m = handle->mailbox;
    if (m->removed || index >= m->messages.len) {
        return false;
    }
    mem_mailbox_fill(m->messages.items[index], out);
    return true;
}

static bool op_find(struct backend_mailbox *handle, uint32_t uid, struct backend_message *out)
{
    const struct mem_message *message = mem_mailbox_find(handle->mailbox, uid);
    if (handle->mailbox->removed || message == NULL) {
        return false;
    }
    mem_mailbox_fill(message, out);
    return true;
}

static int op_changed(struct backend_mailbox *handle, uint64_t since, struct arena *arena,
                      uint32_t **out, size_t *len_out, struct error *err)
{
    mem_mailbox_changed(handle->mailbox, since, arena, out, len_out);
    return 0;
}

static int message_gone(struct error *err, uint32_t uid)
{
    return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "There is no message with UID %u", uid);
}

static int op_body(struct backend_mailbox *handle, uint32_t uid, struct str *out, struct error *err)
{
    const struct mem_message *message = mem_mailbox_find(handle->mailbox, uid);
    if (handle->mailbox->removed || message == NULL) {
        return message_gone(err, uid);
    }
    *out = str_make(message->body->data, message->body->len);
    return 0;
}

static int op_append(struct backend_mailbox *handle, struct str message,
                     const struct imap_flags *flags, int64_t internal_date_s, uint32_t *uid_out,
                     struct error *err)
{
    int64_t now = now_s(handle->backend);
    int r = mem_quota_check_message(handle->user, message.len, err);
    if (r < 0) {
        return r;
    }
    handle->backend->revision++;
    return mem_mailbox_add(handle->mailbox, mem_body_new(message), flags,
                           internal_date_s == BACKEND_DATE_NOW ? now : internal_date_s, now,
                           uid_out, err);
}

static int op_set_flags(struct backend_mailbox *handle, uint32_t uid,
                        const struct imap_flags *flags, struct error *err)
{
    struct mem_message *message = mem_mailbox_find(handle->mailbox, uid);
    if (message == NULL) {
        return message_gone(err, uid);
    }
    handle->backend->revision++;
    return mem_mailbox_set_flags(handle->mailbox, message, flags, err);
}

static int op_copy(struct backend_mailbox *from, uint32_t uid, struct backend_mailbox *to,
                   bool moving, uint32_t *uid_out, struct error *err)
{
    struct mem_message *message = mem_mailbox_find(from->mailbox, uid);
    if (message == NULL) {
        return message_gone(err, uid);
    }
    int r = moving ? 0 : mem_quota_check_message(to->user, message->body->len, err);
    if (r < 0) {
        return r;
    }
    to->backend->revision++;
    message->body->references++;
    return mem_mailbox_add(to->mailbox, message->body, &message->flags, message->internal_date_s,
                           now_s(to->backend), uid_out, err);
}

static int op_expunge(struct backend_mailbox *handle, const uint32_t *uids, size_t len,
                      struct error *err)
{
    handle->backend->revision++;
    mem_mailbox_expunge(handle->mailbox, uids, len);
    return 0;
}

static int op_expunged(struct backend_mailbox *handle, uint64_t since, struct arena *arena,
                       struct backend_expunged **out, size_t *len_out, bool *complete_out,
                       struct error *err)
{
    const struct mem_mailbox *m = handle->mailbox;
    backend_expunges_since(&m->expunged, since, arena, out, len_out);
    *complete_out = since >= m->forgotten;
    return 0;
}

static uint64_t op_revision(void *self)
{
    const struct mem_backend *b = self;
    return b->revision;
}

static int64_t op_now_s(void *self)
{
    return now_s(self);
}

static bool op_password(void *self, struct str name, struct buf *out)
{
    const struct mem_user *user = find_user(self, name);
    if (user != NULL) {
        buf_add_cstr(out, user->password);
    }
    return user != NULL;
}

static bool op_token(void *self, struct str name, struct str token)
{
    const struct mem_user *user = find_user(self, name);
    return user != NULL && user->token != NULL && str_eq(str_from(user->token), token);
}

static const struct backend_auth_ops mem_auth_ops = {.password = op_password, .token = op_token};

static const struct backend_ops mem_ops = {
    .delimiter = MEM_DELIMITER,
    .lock = op_lock,
    .unlock = op_unlock,
    .login = op_login,
    .logout = op_logout,
    .list = op_list,
    .create = op_create,
    .remove = op_remove,
    .rename = op_rename,
    .subscribe = op_subscribe,
    .open = op_open,
    .close = op_close,
    .info = op_info,
    .message = op_message,
    .recent = op_recent,
    .find = op_find,
    .changed = op_changed,
    .body = op_body,
    .append = op_append,
    .set_flags = op_set_flags,
    .copy = op_copy,
    .expunge = op_expunge,
    .expunged = op_expunged,
    .revision = op_revision,
    .now_s = op_now_s,
};

struct backend mem_backend_vtable(struct mem_backend *backend)
{
    return (struct backend){.ops = &mem_ops,
                            .self = backend,
                            .auth = &mem_auth_ops,
                            .acl = &mem_acl_ops,
                            .quota = &mem_quota_ops,
                            .metadata = &mem_metadata_ops};
}

/* ---- from the side ---- */

/* Locks; unlocked again by leave(). */
static int enter(struct mem_backend *b, const char *user, struct mem_user **out, struct error *err)
{
    pthread_mutex_lock(&b->mutex);
    *out = find_user(b, str_from(user));
    if (*out == NULL) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_ACCOUNT, "There is no user %s", user);
    }
    b->revision++;
    return 0;
}

static int enter_mailbox(struct mem_backend *b, const char *user, const char *mailbox,
                         struct mem_mailbox **out, struct error *err)
{
    struct mem_user *found = NULL;
    int r = enter(b, user, &found, err);
    return r < 0 ? r : mem_user_open(found, str_from(mailbox), out, err);
}

static int leave(struct mem_backend *b, int r)
{
    pthread_mutex_unlock(&b->mutex);
    return r;
}

int mem_backend_create(struct mem_backend *b, const char *user, const char *mailbox,
                       uint32_t special_use, struct error *err)
{
    struct mem_user *found = NULL;
    int r = enter(b, user, &found, err);
    if (r == 0) {
        r = mem_user_create(found, str_from(mailbox), special_use, err);
    }
    return leave(b, r);
}

int mem_backend_remove(struct mem_backend *b, const char *user, const char *mailbox,
                       struct error *err)
{
    struct mem_user *found = NULL;
    int r = enter(b, user, &found, err);
    if (r == 0) {
        r = mem_user_remove(found, str_from(mailbox), err);
    }
    return leave(b, r);
}

int mem_backend_append(struct mem_backend *b, const char *user, const char *mailbox,
                       struct str message, unsigned system_flags, int64_t internal_date_s,
                       uint32_t *uid_out, struct error *err)
{
    struct mem_mailbox *m = NULL;
    struct imap_flags flags = {.system = system_flags};
    uint32_t uid = 0;
    int r = enter_mailbox(b, user, mailbox, &m, err);
    if (r == 0) {
        r = mem_mailbox_add(m, mem_body_new(message), &flags,
                            internal_date_s == BACKEND_DATE_NOW ? now_s(b) : internal_date_s,
                            now_s(b), &uid, err);
    }
    if (r == 0 && uid_out != NULL) {
        *uid_out = uid;
    }
    return leave(b, r);
}

int mem_backend_set_flags(struct mem_backend *b, const char *user, const char *mailbox,
                          uint32_t uid, unsigned system_flags, struct error *err)
{
    struct mem_mailbox *m = NULL;
    int r = enter_mailbox(b, user, mailbox, &m, err);
    if (r == 0) {
        struct mem_message *message = mem_mailbox_find(m, uid);
        if (message == NULL) {
            r = message_gone(err, uid);
        } else {
            struct imap_flags flags = message->flags;
            flags.system = system_flags;
            r = mem_mailbox_set_flags(m, message, &flags, err);
        }
    }
    return leave(b, r);
}

int mem_backend_expunge(struct mem_backend *b, const char *user, const char *mailbox, uint32_t uid,
                        struct error *err)
{
    struct mem_mailbox *m = NULL;
    int r = enter_mailbox(b, user, mailbox, &m, err);
    if (r == 0 && mem_mailbox_find(m, uid) == NULL) {
        r = message_gone(err, uid);
    }
    if (r == 0) {
        mem_mailbox_expunge(m, &uid, 1);
    }
    return leave(b, r);
}

int mem_backend_renumber(struct mem_backend *b, const char *user, const char *mailbox,
                         struct error *err)
{
    struct mem_user *found = NULL;
    int r = enter(b, user, &found, err);
    if (r == 0) {
        r = mem_user_renumber(found, str_from(mailbox), err);
    }
    return leave(b, r);
}

int mem_backend_number(struct mem_backend *b, const char *user, const char *mailbox,
                       uint32_t uidvalidity, uint32_t uidnext, struct error *err)
{
    struct mem_mailbox *m = NULL;
    int r = enter_mailbox(b, user, mailbox, &m, err);
    if (r == 0) {
        assert(m->messages.len == 0);
        m->uidvalidity = uidvalidity;
        m->uidnext = m->recent = uidnext;
    }
    return leave(b, r);
}

int mem_backend_forget_expunged(struct mem_backend *b, const char *user, const char *mailbox,
                                struct error *err)
{
    struct mem_mailbox *m = NULL;
    int r = enter_mailbox(b, user, mailbox, &m, err);
    if (r == 0) {
        vec_clear(&m->expunged);
        m->forgotten = m->highestmodseq;
    }
    return leave(b, r);
}

int mem_backend_each(struct mem_backend *b, const char *user, const char *mailbox,
                     bool (*visit)(void *self, const struct backend_message *message,
                                   struct str body),
                     void *self, struct error *err)
{
    struct mem_mailbox *m = NULL;
    int r = enter_mailbox(b, user, mailbox, &m, err);
    for (size_t i = 0; r == 0 && i < m->messages.len; i++) {
        struct backend_message message;
        const struct mem_body *body = m->messages.items[i]->body;
        mem_mailbox_fill(m->messages.items[i], &message);
        if (!visit(self, &message, str_make(body->data, body->len))) {
            break;
        }
    }
    return leave(b, r);
}
