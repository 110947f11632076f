/* Copies of a user's mailboxes. */
#include "base/alloc.h"
#include "server/mem_backend.h"
#include "server/mem_private.h"

struct mem_backup {
    VEC(struct mem_mailbox *) mailboxes; /* in order of name */
};

static struct mem_user *find_user(struct mem_backend *b, const char *name)
{
    VEC_FOREACH (struct mem_user *, user, &b->users) {
        if (strcmp((*user)->name, name) == 0) {
            return *user;
        }
    }
    return NULL;
}

struct mem_backup *mem_backup_new(struct mem_backend *b, const char *name)
{
    struct mem_backup *backup = NULL;
    pthread_mutex_lock(&b->mutex);
    const struct mem_user *user = find_user(b, name);
    if (user != NULL) {
        backup = xcalloc(1, sizeof *backup);
        VEC_FOREACH (struct mem_mailbox *const, m, &user->mailboxes) {
            vec_push(&backup->mailboxes, mem_mailbox_copy(*m));
        }
    }
    pthread_mutex_unlock(&b->mutex);
    return backup;
}

void mem_backup_restore(struct mem_backend *b, const char *name, const struct mem_backup *backup)
{
    pthread_mutex_lock(&b->mutex);
    struct mem_user *user = find_user(b, name);
    if (user != NULL) {
        VEC_FOREACH (struct mem_mailbox *, m, &user->mailboxes) {
            (*m)->removed = true;
            mem_mailbox_release(m);
        }
        vec_clear(&user->mailboxes);
        VEC_FOREACH (struct mem_mailbox *const, m, &backup->mailboxes) {
            vec_push(&user->mailboxes, mem_mailbox_copy(*m));
        }
        b->revision++;
    }
    pthread_mutex_unlock(&b->mutex);
}

void mem_backup_free(struct mem_backup **pointer)
{
    struct mem_backup *backup = *pointer;
    if (backup == NULL) {
        return;
    }
    VEC_FOREACH (struct mem_mailbox *, m, &backup->mailboxes) {
        mem_mailbox_release(m);
    }
    vec_free(&backup->mailboxes);
    xfree(pointer);
}
