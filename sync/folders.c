#include "sync/folders.h"

#include "imap/mailbox_name.h"

#include <stdlib.h>

static struct mailbox_pair *find_by_utf8(struct pair_vec *pairs, struct str utf8)
{
    VEC_FOREACH (struct mailbox_pair, pair, pairs) {
        if (str_eq(pair->record.utf8, utf8))
            return pair;
    }
    return NULL;
}

static struct mailbox_pair *find_by_path(struct pair_vec *pairs, struct str path)
{
    VEC_FOREACH (struct mailbox_pair, pair, pairs) {
        if (str_eq(pair->record.path, path))
            return pair;
    }
    return NULL;
}

static void refuse(struct mailbox_pair *pair, const char *why)
{
    pair->action = PAIR_REFUSE;
    pair->why = why;
}

static void add_known(const struct folders_input *in, struct pair_vec *pairs)
{
    for (size_t i = 0; i < in->known_len; i++) {
        struct mailbox_pair *pair = vec_add(pairs);
        pair->record = in->known[i];
        pair->attributes = in->known[i].special_use;
    }
}

/* A server's mailbox meets its record by its own spelling; a new one must not share its name or its
 * folder with another. */
static void add_remote(const struct folders_input *in, struct arena *arena, struct pair_vec *pairs)
{
    size_t known = pairs->len;
    for (size_t i = 0; i < in->remote->len; i++) {
        const struct remote_mailbox *m = &in->remote->items[i];
        struct mailbox_pair *pair = NULL;
        for (size_t k = 0; k < known && pair == NULL; k++) {
            if (str_eq(pairs->items[k].record.name, m->name))
                pair = &pairs->items[k];
        }
        bool collision = pair == NULL && find_by_utf8(pairs, m->utf8) != NULL;
        if (pair == NULL) {
            pair = vec_add(pairs);
            pair->record.name = m->name;
            pair->record.utf8 = m->utf8;
            const char *path = maildir_path(in->maildir, arena, m->utf8);
            pair->record.path = str_from(path);
        }
        if (collision)
            refuse(pair, "another mailbox of the server has the same name once decoded; rename one "
                         "of them on the server");
        pair->remote_exists = true;
        pair->attributes = m->attributes;
        pair->has_status = (m->status.have & STATUS_MESSAGES) &&
                           (m->status.have & STATUS_UIDNEXT) &&
                           (m->status.have & STATUS_UIDVALIDITY);
        pair->status_messages = m->status.messages;
        pair->status_uidnext = m->status.uidnext;
        pair->status_uidvalidity = m->status.uidvalidity;
        pair->status_modseq = m->status.highestmodseq;
        if (m->status.have & STATUS_MAILBOXID)
            pair->record.mailboxid = m->status.mailboxid;
    }
}

static void add_local(const struct folders_input *in, struct arena *arena, struct pair_vec *pairs)
{
    for (size_t i = 0; i < in->local->len; i++) {
        const struct maildir_folder *folder = &in->local->items[i];
        struct mailbox_pair *pair = find_by_path(pairs, str_from(folder->path));
        if (pair != NULL) {
            pair->local_exists = true;
            continue;
        }
        if (folder->mailbox.len == 0)
            continue;
        pair = vec_add(pairs);
        pair->local_exists = true;
        pair->record.utf8 = folder->mailbox;
        pair->record.path = str_from(folder->path);
        if (!names_to_remote(in->space, arena, folder->mailbox, &pair->record.name))
            refuse(pair, "this folder's name cannot be expressed on the server; rename the folder");
    }
}

static void leave(struct mailbox_pair *pair, const char *why)
{
    pair->action = PAIR_LEAVE;
    pair->why = why;
}

static bool to_local(enum direction d)
{
    return d == DIRECTION_BOTH || d == DIRECTION_TO_LOCAL;
}

static bool to_remote(enum direction d)
{
    return d == DIRECTION_BOTH || d == DIRECTION_TO_REMOTE;
}

static void decide_known(struct mailbox_pair *pair)
{
    bool creating_remote = pair->record.state == MAILBOX_CREATING_REMOTE;
    bool creating_local = pair->record.state == MAILBOX_CREATING_LOCAL;
    pair->directory_gone = !pair->local_exists;
    if (pair->remote_exists && pair->local_exists)
        pair->action = PAIR_SYNC;
    else if (pair->remote_exists && creating_local)
        pair->action = PAIR_CREATE_LOCAL;
    else if (pair->local_exists && creating_remote)
        pair->action = PAIR_CREATE_REMOTE;
    else if (pair->remote_exists)
        leave(pair, "its folder was removed here; it stays on the server and is not made again");
    else if (pair->local_exists)
        leave(pair, "it is gone on the server; its folder stays here and is not sent again");
    else
        leave(pair, "it is gone on both sides");
}

static void decide_new(struct mailbox_pair *pair)
{
    if (pair->remote_exists && pair->local_exists)
        pair->action = PAIR_SYNC;
    else if (pair->remote_exists && to_local(pair->policy->create))
        pair->action = PAIR_CREATE_LOCAL;
    else if (pair->local_exists && to_remote(pair->policy->create))
        pair->action = PAIR_CREATE_REMOTE;
    else
        leave(pair, "new mailboxes are not carried to the other side");
}

static void decide(const struct folders_input *in, struct mailbox_pair *pair)
{
    pair->policy = config_sync_for(in->account, pair->record.utf8);
    pair->in_target = names_targeted(in->targets, pair->record.utf8);
    if (pair->action == PAIR_REFUSE)
        return;
    if (!names_selected(&in->account->patterns, pair->record.utf8, pair->attributes)) {
        leave(pair, "left out by `mailboxes: patterns`");
        pair->in_target = false;
    } else if (pair->record.id != 0) {
        decide_known(pair);
    } else {
        decide_new(pair);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct mailbox_pair *x = a;
    const struct mailbox_pair *y = b;
    bool inbox_x = mailbox_name_is_inbox(x->record.utf8);
    bool inbox_y = mailbox_name_is_inbox(y->record.utf8);
    if (inbox_x != inbox_y)
        return inbox_x ? -1 : 1;
    return str_cmp(x->record.utf8, y->record.utf8);
}

void folders_pair(const struct folders_input *input, struct arena *arena, struct pair_vec *pairs)
{
    add_known(input, pairs);
    add_remote(input, arena, pairs);
    add_local(input, arena, pairs);
    VEC_FOREACH (struct mailbox_pair, pair, pairs) {
        decide(input, pair);
    }
    if (pairs->len > 1)
        qsort(pairs->items, pairs->len, sizeof *pairs->items, by_name);
}
