/* The vtable over users and their Maildirs. */
#include "store/serve_backend.h"
#include "base/alloc.h"
#include "base/files.h"
#include "base/log.h"
#include "store/serve_private.h"

struct serve_backend {
    char *dir;
    const struct clock *clock;
    pthread_mutex_t mutex;
    VEC(struct serve_user *) users;
    uint64_t revision;
    uint32_t last_uidvalidity;
};

struct backend_user {
    struct serve_user *user;
};

struct backend_mailbox {
    struct serve_user *user;
    struct serve_mailbox *mailbox;
};

int serve_backend_new(const char *dir, const struct clock *clock, struct serve_backend **out,
                      struct error *err)
{
    int r = file_mkdir_all(dir, 0700, err);
    if (r < 0) {
        return r;
    }
    struct serve_backend *b = xcalloc(1, sizeof *b);
    b->dir = xstrdup(dir);
    b->clock = clock;
    pthread_mutex_init(&b->mutex, NULL);
    *out = b;
    return 0;
}

void serve_backend_free(struct serve_backend **backend)
{
    struct serve_backend *b = *backend;
    if (b == NULL) {
        return;
    }
    VEC_FOREACH (struct serve_user *, user, &b->users)
        serve_user_free(user);
    vec_free(&b->users);
    pthread_mutex_destroy(&b->mutex);
    xfree(&b->dir);
    xfree(backend);
}

static bool may_be_directory(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

int serve_backend_add_user(struct serve_backend *b, const char *name, const char *password,
                           struct error *err)
{
    struct serve_user *user = NULL;
    if (!may_be_directory(name)) {
        return error_set(err, ERR_USAGE, SCOPE_ACCOUNT, "no directory can be named for user '%s'",
                         name);
    }
    char *root AUTO_FREE = path_join(b->dir, name);
    int r = serve_user_new(root, name, password, b->clock, &b->revision, &b->last_uidvalidity,
                           &user, err);
    if (r == 0) {
        pthread_mutex_lock(&b->mutex);
        vec_push(&b->users, user);
        pthread_mutex_unlock(&b->mutex);
    }
    return r;
}

static struct serve_user *find_user(const struct serve_backend *b, struct str name)
{
    VEC_FOREACH (struct serve_user *, user, &b->users)
        if (str_eq(str_from((*user)->name), name)) {
            return *user;
        }
    return NULL;
}

/* ---- steps ---- */

/* A mailbox that cannot be looked at any more is gone for those who have it open. */
static void give_up(struct serve_mailbox *m, const struct error *err)
{
    log_warning(NULL, "server: %s: %s", m->path, err->text);
    m->removed = true;
    file_close(&m->log_fd);
}

static void each_open(struct serve_backend *b,
                      int (*act)(struct serve_mailbox *m, struct error *err))
{
    VEC_FOREACH (struct serve_user *, user, &b->users) {
        for (size_t i = 0; i < (*user)->open.len; i++) {
            struct serve_mailbox *m = (*user)->open.items[i];
            struct error err = ERROR_INIT;
            if (!m->removed && act(m, &err) < 0) {
                give_up(m, &err);
            }
        }
    }
}

/* ERR_CHANGED: others write so fast that no scan was complete; the next one will be. */
static int refresh(struct serve_mailbox *m, struct error *err)
{
    int r = serve_mailbox_refresh(m, false, err);
    return r == -ERR_CHANGED ? 0 : r;
}

static void op_lock(void *self)
{
    struct serve_backend *b = self;
    pthread_mutex_lock(&b->mutex);
    each_open(b, refresh);
}

/* Before anybody hears of what the step did. */
static void op_unlock(void *self)
{
    struct serve_backend *b = self;
    each_open(b, serve_log_sync);
    pthread_mutex_unlock(&b->mutex);
}

/* ---- users and names ---- */

static int op_login(void *self, struct str name, struct str password, struct backend_user **out,
                    struct error *err)
{
    struct serve_user *user = find_user(self, name);
    if (user == NULL || (password.ptr != NULL && !str_eq(str_from(user->password), password))) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "Wrong user name or password");
    }
    *out = xcalloc(1, sizeof **out);
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
    return serve_user_list(user->user, arena, out, len_out, err);
}

static int op_create(struct backend_user *user, struct str name, uint32_t special_use,
                     struct error *err)
{
    return serve_user_create(user->user, name, special_use, err);
}

static int op_remove(struct backend_user *user, struct str name, struct error *err)
{
    return serve_user_remove(user->user, name, err);
}

static int op_rename(struct backend_user *user, struct str from, struct str to, struct error *err)
{
    return serve_user_rename(user->user, from, to, err);
}

static int op_subscribe(struct backend_user *user, struct str name, bool on, struct error *err)
{
    return serve_user_subscribe(user->user, name, on, err);
}

/* ---- a mailbox ---- */

static int op_open(struct backend_user *user, struct str name, struct backend_mailbox **out,
                   struct error *err)
{
    struct serve_mailbox *mailbox = NULL;
    int r = serve_user_open(user->user, name, &mailbox, err);
    if (r < 0) {
        return r;
    }
    *out = xcalloc(1, sizeof **out);
    (*out)->user = user->user;
    (*out)->mailbox = mailbox;
    return 0;
}

static void op_close(struct backend_mailbox *handle)
{
    struct error err = ERROR_INIT;
    /* The next to open it reads the log. */
    if (!handle->mailbox->removed && serve_log_sync(handle->mailbox, &err) < 0) {
        give_up(handle->mailbox, &err);
    }
    serve_user_close(handle->user, &handle->mailbox);
    xfree(&handle);
}

static int gone(struct error *err)
{
    return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "The mailbox is gone");
}

static int op_info(struct backend_mailbox *handle, struct backend_mailbox_info *out,
                   struct error *err)
{
    const struct serve_mailbox *m = handle->mailbox;
    if (m->removed) {
        return gone(err);
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

static void fill(const struct serve_message *message, struct backend_message *out)
{
    *out = (struct backend_message){.uid = message->uid,
                                    .flags = message->told,
                                    .modseq = message->modseq,
                                    .internal_date_s = message->date_s,
                                    .size = message->size,
                                    .email_id = str_from(message->email_id),
                                    .thread_id = STR_EMPTY,
                                    .save_date_s = message->saved_s};
}

static bool op_message(struct backend_mailbox *handle, uint32_t index, struct backend_message *out)
{
    const struct serve_mailbox *m = handle->mailbox;
    if (m->removed || index >= m->messages.len) {
        return false;
    }
    fill(m->messages.items[index], out);
    return true;
}

static bool op_find(struct backend_mailbox *handle, uint32_t uid, struct backend_message *out)
{
    const struct serve_message *message = serve_mailbox_find(handle->mailbox, uid);
    if (handle->mailbox->removed || message == NULL) {
        return false;
    }
    fill(message, out);
    return true;
}

static int op_changed(struct backend_mailbox *handle, uint64_t since, struct arena *arena,
                      uint32_t **out, size_t *len_out, struct error *err)
{
    const struct serve_mailbox *m = handle->mailbox;
    size_t len = 0;
    *out = arena_array(arena, m->messages.len, sizeof **out);
    VEC_FOREACH (struct serve_message *, message, &m->messages)
        if ((*message)->modseq > since) {
            (*out)[len++] = (*message)->uid;
        }
    *len_out = len;
    return 0;
}

static int op_body(struct backend_mailbox *handle, uint32_t uid, struct str *out, struct error *err)
{
    return handle->mailbox->removed ? gone(err)
                                    : serve_mailbox_body(handle->mailbox, uid, out, err);
}

static int op_append(struct backend_mailbox *handle, struct str message,
                     const struct imap_flags *flags, int64_t internal_date_s, uint32_t *uid_out,
                     struct error *err)
{
    struct serve_mailbox *m = handle->mailbox;
    int64_t now_s = clock_wall_ms(m->clock) / 1000;
    int64_t date_s = internal_date_s == BACKEND_DATE_NOW ? now_s : internal_date_s;
    return m->removed ? gone(err) : serve_mailbox_append(m, message, flags, date_s, uid_out, err);
}

static int op_set_flags(struct backend_mailbox *handle, uint32_t uid,
                        const struct imap_flags *flags, struct error *err)
{
    return handle->mailbox->removed ? gone(err)
                                    : serve_mailbox_set_flags(handle->mailbox, uid, flags, err);
}

static int op_copy(struct backend_mailbox *from, uint32_t uid, struct backend_mailbox *to,
                   bool moving, uint32_t *uid_out, struct error *err)
{
    struct backend_message message;
    struct str bytes;
    if (!op_find(from, uid, &message)) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "There is no message with UID %u", uid);
    }
    int r = op_body(from, uid, &bytes, err);
    return r < 0 ? r : op_append(to, bytes, &message.flags, message.internal_date_s, uid_out, err);
}

static int op_expunge(struct backend_mailbox *handle, const uint32_t *uids, size_t len,
                      struct error *err)
{
    struct serve_mailbox *m = handle->mailbox;
    uint64_t modseq = m->highestmodseq + 1;
    int r = 0;
    for (size_t i = 0; r == 0 && !m->removed && i < len; i++) {
        if (serve_mailbox_find(m, uids[i]) != NULL) {
            m->highestmodseq = modseq;
            ++*m->revision;
            r = serve_mailbox_expunge(m, uids[i], modseq, err);
        }
    }
    return r;
}

static int op_expunged(struct backend_mailbox *handle, uint64_t since, struct arena *arena,
                       struct backend_expunged **out, size_t *len_out, bool *complete_out,
                       struct error *err)
{
    const struct serve_mailbox *m = handle->mailbox;
    backend_expunges_since(&m->expunged, since, arena, out, len_out);
    *complete_out = since >= m->forgotten;
    return 0;
}

static uint64_t op_revision(void *self)
{
    const struct serve_backend *b = self;
    return b->revision;
}

static int64_t op_now_s(void *self)
{
    const struct serve_backend *b = self;
    return clock_wall_ms(b->clock) / 1000;
}

static bool op_password(void *self, struct str name, struct buf *out)
{
    const struct serve_user *user = find_user(self, name);
    if (user != NULL) {
        buf_add_cstr(out, user->password);
    }
    return user != NULL;
}

static bool op_token(void *self, struct str name, struct str token)
{
    return false;
}

static const struct backend_auth_ops serve_auth_ops = {.password = op_password, .token = op_token};

static const struct backend_ops serve_ops = {
    .delimiter = SERVE_DELIMITER,
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

struct backend serve_backend_vtable(struct serve_backend *backend)
{
    return (struct backend){.ops = &serve_ops, .self = backend, .auth = &serve_auth_ops};
}
