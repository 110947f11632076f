#include "sync/folders.h"

#include "base/strmap.h"
#include "imap/mailbox_name.h"

#include <stdlib.h>

/* The pairs made so far, by each of their names; values are positions plus one, since the array
 * grows. */
struct directory {
    struct pair_vec *pairs;
    struct strmap *by_name; /* the server's spelling */
    struct strmap *by_utf8;
    struct strmap *by_path;
};

static struct mailbox_pair *find(const struct directory *d, const struct strmap *map,
                                 struct str key)
{
    uintptr_t position = (uintptr_t)strmap_get(map, key);
    return position != 0 ? &d->pairs->items[position - 1] : NULL;
}

static void enter(struct directory *d, struct mailbox_pair *pair)
{
    uintptr_t position = (uintptr_t)(pair - d->pairs->items) + 1;
    strmap_put(d->by_name, pair->record.name, (void *)position);
    strmap_put(d->by_utf8, pair->record.utf8, (void *)position);
    strmap_put(d->by_path, pair->record.path, (void *)position);
}

static void refuse(struct mailbox_pair *pair, const char *why)
{
    pair->action = PAIR_REFUSE;
    pair->why = why;
}

static void add_known(const struct folders_input *in, struct directory *d)
{
    for (size_t i = 0; i < in->known_len; i++) {
        struct mailbox_pair *pair = vec_add(d->pairs);
        pair->record = in->known[i];
        pair->attributes = in->known[i].special_use;
        enter(d, pair);
    }
}

/* A server's mailbox meets its record by its own spelling; a new one must not share its name or its
 * folder with another. */
static void add_remote(const struct folders_input *in, struct arena *arena, struct directory *d)
{
    for (size_t i = 0; i < in->remote->len; i++) {
        const struct remote_mailbox *m = &in->remote->items[i];
        struct mailbox_pair *pair = find(d, d->by_name, m->name);
        bool collision = false;
        if (pair == NULL) {
            struct str path = str_from(maildir_path(in->maildir, arena, m->utf8));
            collision = find(d, d->by_utf8, m->utf8) != NULL || find(d, d->by_path, path) != NULL;
            pair = vec_add(d->pairs);
            pair->record.name = m->name;
            pair->record.utf8 = m->utf8;
            pair->record.path = path;
            if (!collision)
                enter(d, pair);
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

static void add_local(const struct folders_input *in, struct arena *arena, struct directory *d)
{
    for (size_t i = 0; i < in->local->len; i++) {
        const struct maildir_folder *folder = &in->local->items[i];
        struct mailbox_pair *pair = find(d, d->by_path, str_from(folder->path));
        if (pair != NULL) {
            pair->local_exists = true;
            continue;
        }
        if (folder->mailbox.len == 0)
            continue;
        pair = vec_add(d->pairs);
        pair->local_exists = true;
        pair->record.utf8 = folder->mailbox;
        pair->record.path = str_from(folder->path);
        if (!names_to_remote(in->space, arena, folder->mailbox, &pair->record.name))
            refuse(pair, "this folder's name cannot be expressed on the server; rename the folder");
        else if (find(d, d->by_name, pair->record.name) != NULL)
            refuse(pair, "another folder stands for the mailbox of this name; rename the folder");
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
    if (!names_selected(&in->account->patterns, pair->record.utf8, pair->attributes)) {
        leave(pair, "left out by `mailboxes: patterns`");
        pair->in_target = false;
    } else if (pair->action == PAIR_REFUSE) {
        return;
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
    struct directory d = {pairs, strmap_new(), strmap_new(), strmap_new()};
    add_known(input, &d);
    add_remote(input, arena, &d);
    add_local(input, arena, &d);
    strmap_free(&d.by_name);
    strmap_free(&d.by_utf8);
    strmap_free(&d.by_path);
    VEC_FOREACH (struct mailbox_pair, pair, pairs) {
        decide(input, pair);
    }
    if (pairs->len > 1)
        qsort(pairs->items, pairs->len, sizeof *pairs->items, by_name);
}
