#include "sim/backups.h"
#include "sim/calls.h"
#include "sim/here.h"
#include "sim/machine.h"
#include "sim/there.h"
#include "sim/truth.h"
#include <string.h>

static struct {
    const struct disk_node *mail;
    bool has_index;
} backup;

void backups_reset(void)
{
    backup.mail = NULL;
    backup.has_index = false;
}

/* Between two passes alone. */
static bool in_pass(void)
{
    return machine.points > 0;
}

bool backups_back_up_there(uint64_t *random)
{
    there_back_up();
    return true;
}

/* Where mailboxes are removed too: one that was made since the backup looks like one that others
 * removed, if nothing else that the server has went back. So do the messages that it alone had. */
static void note_lost_mailboxes(const struct there_names *before)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct backend_mailbox_info info;
    for (size_t i = 0; i < before->len && truth.policy->removes; i++) {
        struct here_files files = {0};
        if (there_info(before->items[i], &info) || truth_server_went_back())
            continue;
        here_files_list(arena, before->items[i], &files);
        VEC_FOREACH (const struct user_file, file, &files) {
            struct message *m = truth_know(str_make(file->node->data, file->node->len), true);
            if (m != NULL && m->there == 0)
                m->removed++;
        }
        vec_free(&files);
    }
}

bool backups_restore_there(uint64_t *random)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct there_names before = {0};
    if (in_pass())
        return false;
    truth_count();
    there_mailboxes(arena, &before);
    if (!there_restore()) {
        vec_free(&before);
        return false;
    }
    truth_note_restored();
    note_lost_mailboxes(&before);
    vec_free(&before);
    truth.older_there = truth.older_flags = true;
    /* Mailboxes made or renamed since are gone again. */
    truth.renamed = true;
    return true;
}

bool backups_back_up_here(uint64_t *random)
{
    /* Without a marker it would be another disk. */
    if (in_pass() || disk_at(HERE_ROOT "/.maildird") == NULL)
        return false;
    backup.mail = disk_backup(disk_at(HERE_ROOT));
    backup.has_index = calls_copy_index(false);
    return true;
}

/* A file of a message that the server does not have. */
struct sole_file {
    struct message *message;
    struct str base; /* of its name */
    unsigned here;   /* so many of the message */
};
VEC_STRUCT(sole_files, struct sole_file);

/* As the last count says. */
static void list_sole_files(struct arena *arena, struct sole_files *out)
{
    struct here_names folders = {0};
    here_folders_list(arena, &folders);
    for (size_t i = 0; i < folders.len; i++) {
        struct here_files files = {0};
        here_files_list(arena, folders.items[i], &files);
        VEC_FOREACH (const struct user_file, file, &files) {
            struct message *m = truth_know(str_make(file->node->data, file->node->len), true);
            struct str base = str_make(file->name, strcspn(file->name, ":"));
            if (m != NULL && m->there == 0)
                vec_push(out, ((struct sole_file){m, arena_str(arena, base), m->here}));
        }
        vec_free(&files);
    }
    vec_free(&folders);
}

/* A copy that only the Maildir had went with what the backup does not have, where as many others of
 * its message came: no count tells. */
static void note_replaced(const struct sole_files *before)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct sole_files after = {0};
    list_sole_files(arena, &after);
    VEC_FOREACH (const struct sole_file, was, before) {
        bool kept = false;
        for (size_t i = 0; i < after.len && !kept; i++)
            kept = after.items[i].message == was->message && str_eq(after.items[i].base, was->base);
        was->message->removed += !kept && was->message->here == was->here;
    }
    vec_free(&after);
}

/* No pass changed anything here since the backup: nothing tells that it was put back. */
static bool is_of_now(void)
{
    const struct disk_node *now = disk_at(HERE_ROOT "/.maildird");
    const struct disk_node *then = disk_find(backup.mail, ".maildird");
    return now != NULL && then != NULL &&
           str_eq(str_make(now->data, now->len), str_make(then->data, then->len));
}

/* `fits`: the index is of the same time, or takes the Maildir for what it was. Then what was out of
 * its folder at that time is deleted, as it was to be then. */
static bool restore_mail(bool fits)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct sole_files before = {0};
    if (in_pass() || backup.mail == NULL)
        return false;
    truth_count();
    list_sole_files(arena, &before);
    VEC_FOREACH (struct message *, m, &truth.messages) {
        (*m)->taken_meanwhile = fits && (*m)->here > 0;
    }
    disk_restore(disk_at(HERE_ROOT), backup.mail);
    truth_note_restored();
    note_replaced(&before);
    VEC_FOREACH (struct message *, m, &truth.messages) {
        (*m)->removed += (*m)->taken_meanwhile && (*m)->here == 0 && (*m)->there > 0;
        (*m)->taken_meanwhile = false;
    }
    vec_free(&before);
    return true;
}

bool backups_restore_mail_here(uint64_t *random)
{
    return restore_mail(backup.mail != NULL && is_of_now());
}

bool backups_restore_index_here(uint64_t *random)
{
    if (in_pass() || !backup.has_index)
        return false;
    truth.recovers = true;
    return calls_copy_index(true);
}

bool backups_restore_all_here(uint64_t *random)
{
    if (!restore_mail(backup.has_index) || !backups_restore_index_here(random))
        return false;
    /* Both are of one time, and fit: what was sent since is new here, and sent again. */
    VEC_FOREACH (struct message *, m, &truth.messages) {
        (*m)->sent_again = true;
    }
    return true;
}

bool backups_lose_index_here(uint64_t *random)
{
    if (in_pass())
        return false;
    truth.recovers = true;
    calls_lose_index();
    return true;
}
