#include "reconcile/folders.h"

#include "base/strmap.h"
#include "imap/list.h"
#include "imap/mailbox_name.h"

#include <stdlib.h>

/* What is found of a pair besides what it says itself. */
struct finding {
    bool renamed_there;    /* the server has it under another name than the index */
    bool moved_here;       /* its folder stands elsewhere than the index has it */
    struct str local_name; /* of its folder; empty: not that of a mailbox */
};

/* Positions in `pairs` and `findings` are the same until the pairs are sorted. */
struct directory {
    const struct folders_input *in;
    struct arena *arena;
    struct pair_vec *pairs;
    VEC(struct finding) findings;
    VEC(struct names_use) uses;
};

static struct mailbox_pair *add_pair(struct directory *d)
{
    (void)vec_add(&d->findings);
    return vec_add(d->pairs);
}

static struct finding *finding_of(const struct directory *d, const struct mailbox_pair *pair)
{
    return &d->findings.items[pair - d->pairs->items];
}

static void refuse(struct mailbox_pair *pair, const char *why)
{
    pair->action = PAIR_REFUSE;
    pair->why = why;
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

static bool is_inbox(const struct mailbox_pair *pair)
{
    return mailbox_name_is_inbox(pair->record.utf8);
}

static struct str wanted_path(const struct directory *d, struct str utf8, uint32_t attributes)
{
    struct str name = names_to_local(&d->in->account->rename, d->arena, utf8, attributes);
    return str_from(maildir_path(d->in->maildir, d->arena, name));
}

/* ---- who is who ---- */

static void add_known(struct directory *d)
{
    for (size_t i = 0; i < d->in->known_len; i++) {
        struct mailbox_pair *pair = add_pair(d);
        pair->record = d->in->known[i];
        pair->attributes = d->in->known[i].special_use;
    }
}

static struct mailbox_pair *pair_of_record(const struct directory *d, uint32_t id)
{
    for (size_t i = 0; i < d->in->known_len; i++) {
        if (d->in->known[i].id == id)
            return &d->pairs->items[i];
    }
    return NULL;
}

void folders_take_status(struct mailbox_pair *pair, const struct status_data *status)
{
    const unsigned need = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;
    pair->has_status = (status->have & need) == need;
    pair->status_messages = status->messages;
    pair->status_uidnext = status->uidnext;
    pair->status_uidvalidity = status->uidvalidity;
    pair->status_modseq = status->have & STATUS_HIGHESTMODSEQ ? status->highestmodseq : 0;
}

static void take_mailboxid(struct mailbox_pair *pair, const struct status_data *status)
{
    if ((status->have & STATUS_MAILBOXID) && !str_eq(pair->record.mailboxid, status->mailboxid)) {
        pair->record.mailboxid = status->mailboxid;
        pair->record_differs = true;
    }
}

static void take_remote(struct directory *d, struct mailbox_pair *pair,
                        const struct remote_mailbox *m)
{
    finding_of(d, pair)->renamed_there = !str_eq(pair->record.name, m->name);
    if (!str_eq(pair->record.name, m->name) || !str_eq(pair->record.utf8, m->utf8)) {
        pair->record.name = m->name;
        pair->record.utf8 = m->utf8;
        pair->record_differs = true;
    }
    pair->remote_exists = true;
    pair->attributes = m->attributes;
    folders_take_status(pair, &m->status);
    take_mailboxid(pair, &m->status);
}

static uint32_t owner(const uint32_t *is, size_t i)
{
    return is != NULL ? is[i] : 0;
}

static bool is_untold(const struct directory *d, size_t i)
{
    return d->in->untold != NULL && d->in->untold[i];
}

static bool any_untold(const struct directory *d)
{
    for (size_t i = 0; i < d->in->remote->len; i++) {
        if (is_untold(d, i))
            return true;
    }
    return false;
}

/* Values are positions among the records plus one. */
static struct mailbox_pair *find_free(const struct directory *d, const struct strmap *map,
                                      struct str key, bool remote)
{
    uintptr_t position = (uintptr_t)strmap_get(map, key);
    if (position == 0)
        return NULL;
    struct mailbox_pair *pair = &d->pairs->items[position - 1];
    return (remote ? pair->remote_exists : pair->local_exists) ? NULL : pair;
}

/* Of those that the server no longer has: what has become the name of another is theirs no more,
 * and two records cannot have it. */
static void give_up_names(struct directory *d, struct strmap *listed)
{
    for (size_t i = 0; i < d->in->known_len; i++) {
        struct mailbox_pair *pair = &d->pairs->items[i];
        if (pair->remote_exists || pair->record.name.len == 0 ||
            strmap_get(listed, pair->record.name) == NULL)
            continue;
        pair->record.name = STR_EMPTY;
        pair->record_differs = true;
    }
}

static void add_remote(struct directory *d)
{
    const struct remote_list *list = d->in->remote;
    struct strmap *by_name = strmap_new();
    struct strmap *seen = strmap_new();
    for (size_t i = 0; i < d->in->known_len; i++)
        strmap_put(by_name, d->in->known[i].name, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < list->len; i++) {
        struct mailbox_pair *pair = pair_of_record(d, owner(d->in->remote_is, i));
        if (pair != NULL)
            take_remote(d, pair, &list->items[i]);
    }
    for (size_t i = 0; i < list->len; i++) {
        const struct remote_mailbox *m = &list->items[i];
        bool twice = strmap_put(seen, m->name, (void *)(uintptr_t)m) != NULL;
        if (twice || pair_of_record(d, owner(d->in->remote_is, i)) != NULL)
            continue;
        struct mailbox_pair *pair = find_free(d, by_name, m->name, true);
        if (pair == NULL) {
            pair = add_pair(d);
            pair->record.name = m->name;
            pair->record.utf8 = m->utf8;
            pair->record.path = wanted_path(d, m->utf8, m->attributes);
        }
        take_remote(d, pair, m);
        if (is_untold(d, i)) {
            refuse(pair, "the server does not tell just now whether it had another name; it is "
                         "looked at again");
            pair->left_for_now = true;
        }
    }
    give_up_names(d, seen);
    strmap_free(&by_name);
    strmap_free(&seen);
}

static void take_local(struct directory *d, struct mailbox_pair *pair,
                       const struct maildir_folder *folder)
{
    struct finding *finding = finding_of(d, pair);
    finding->moved_here = !str_eq(pair->record.path, str_from(folder->path));
    finding->local_name = folder->mailbox;
    pair->record.path = str_from(folder->path);
    pair->record_differs = pair->record_differs || finding->moved_here;
    pair->local_exists = true;
}

/* A folder that no record owns and no mailbox of the server has the path of. */
static void add_new_folder(struct directory *d, const struct maildir_folder *folder)
{
    struct mailbox_pair *pair = add_pair(d);
    struct index_mailbox *record = &pair->record;
    record->path = str_from(folder->path);
    pair->local_exists = true;
    if (!names_from_local(&d->in->account->rename, d->uses.items, d->uses.len, d->arena,
                          folder->mailbox, &record->utf8))
        refuse(pair, "`mailboxes: rename` gives another folder to the mailbox of this name; rename "
                     "the folder");
    else if (!names_to_remote(d->in->space, d->arena, record->utf8, &record->name))
        refuse(pair, "this folder's name cannot be expressed on the server; rename the folder");
}

static void add_local(struct directory *d)
{
    const struct maildir_folders *list = d->in->local;
    struct strmap *by_path = strmap_new();
    /* What comes first has the path: the records, then what is new on the server. */
    for (size_t i = d->pairs->len; i-- > 0;)
        strmap_put(by_path, d->pairs->items[i].record.path, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < list->len; i++) {
        struct mailbox_pair *pair = pair_of_record(d, owner(d->in->local_is, i));
        if (pair != NULL)
            take_local(d, pair, &list->items[i]);
    }
    for (size_t i = 0; i < list->len; i++) {
        const struct maildir_folder *folder = &list->items[i];
        if (pair_of_record(d, owner(d->in->local_is, i)) != NULL)
            continue;
        struct mailbox_pair *pair = find_free(d, by_path, str_from(folder->path), false);
        if (pair != NULL)
            take_local(d, pair, folder);
        else if (folder->mailbox.len > 0)
            add_new_folder(d, folder);
    }
    strmap_free(&by_path);
}

/* ---- what becomes of each ---- */

/* The folder follows the server, or the configuration. */
static void rename_here(const struct directory *d, struct mailbox_pair *pair)
{
    struct str path = wanted_path(d, pair->record.utf8, pair->attributes);
    pair->record.own_path = false;
    if (!str_eq(path, pair->record.path))
        pair->to_path = path.ptr;
}

/* The server's name follows the folder. Where the folder's name says nothing to the server it is
 * the folder's own. */
static void rename_there(const struct directory *d, struct mailbox_pair *pair)
{
    struct str local = finding_of(d, pair)->local_name;
    struct str utf8, name;
    bool told = local.len > 0 && !is_inbox(pair) && !mailbox_name_is_inbox(local) &&
                names_from_local(&d->in->account->rename, d->uses.items, d->uses.len, d->arena,
                                 local, &utf8) &&
                names_to_remote(d->in->space, d->arena, utf8, &name);
    pair->record.own_path = !told;
    if (told && !str_eq(name, pair->record.name)) {
        pair->to_name = name;
        pair->to_utf8 = utf8;
    }
}

static void decide_place(const struct directory *d, struct mailbox_pair *pair)
{
    const struct finding *finding = finding_of(d, pair);
    struct str path = wanted_path(d, pair->record.utf8, pair->attributes);
    bool was_own = pair->record.own_path;
    if (str_eq(path, pair->record.path))
        pair->record.own_path = false;
    else if (finding->renamed_there && !finding->moved_here && !to_local(pair->policy->rename))
        pair->record.own_path = true;
    else if (finding->renamed_there && to_local(pair->policy->rename))
        rename_here(d, pair);
    else if (finding->moved_here && to_remote(pair->policy->rename))
        rename_there(d, pair);
    else if (finding->moved_here)
        pair->record.own_path = true;
    else if (pair->record.state == MAILBOX_RENAMING_REMOTE)
        rename_there(d, pair);
    else if (pair->record.state == MAILBOX_RENAMING_LOCAL ||
             (d->in->reconfigured && !pair->record.own_path))
        rename_here(d, pair);
    pair->record_differs = pair->record_differs || was_own != pair->record.own_path ||
                           pair->record.state != MAILBOX_SYNCED;
}

/* Whether what is missing on one side may be taken as removed there, as far as it tells itself. */
static bool is_removable(const struct mailbox_pair *pair)
{
    return !is_inbox(pair) && pair->record.state == MAILBOX_SYNCED &&
           pair->record.doubt == MAILBOX_HOLDS;
}

/* Whether this pass can tell that it is gone. Of one that has lost its name to another a pass
 * before must have seen the same: its name says no more whether it is gone. One that is gone on
 * both sides is asked for where it is in the target. */
static bool can_tell(const struct directory *d, const struct mailbox_pair *pair)
{
    bool just_lost = pair->record.name.len == 0 && pair->record_differs;
    bool asked = pair->in_target || pair->remote_exists || pair->local_exists;
    return !d->in->reconfigured && !any_untold(d) && !just_lost && asked;
}

static void decide_gone(const struct directory *d, struct mailbox_pair *pair)
{
    const enum direction remove = pair->policy->remove;
    bool may = is_removable(pair) && can_tell(d, pair);
    bool stays =
        (pair->remote_exists && !to_remote(remove)) || (pair->local_exists && !to_local(remove));
    pair->left_for_now = is_removable(pair) && !may && !stays;
    if (pair->remote_exists && pair->record.doubt != MAILBOX_HOLDS) {
        pair->action = PAIR_CREATE_LOCAL;
    } else if (!pair->remote_exists && !pair->local_exists) {
        leave(pair, "it is gone on both sides");
        pair->removal = may ? REMOVE_RECORD : REMOVE_NOTHING;
    } else if (pair->remote_exists && may && to_remote(remove)) {
        pair->removal = REMOVE_REMOTE;
    } else if (pair->local_exists && may && to_local(remove)) {
        pair->removal = REMOVE_LOCAL;
    } else if (pair->remote_exists) {
        leave(pair, "its folder was removed here; it stays on the server and is not made again");
    } else {
        leave(pair, "it is gone on the server; its folder stays here and is not sent again");
    }
}

/* A folder that is still to be made is made under the name that the mailbox has now. */
static void make_here(const struct directory *d, struct mailbox_pair *pair)
{
    pair->action = PAIR_CREATE_LOCAL;
    if (!pair->record.own_path)
        pair->record.path = wanted_path(d, pair->record.utf8, pair->attributes);
}

static void decide_known(const struct directory *d, struct mailbox_pair *pair)
{
    bool creating_remote = pair->record.state == MAILBOX_CREATING_REMOTE;
    bool creating_local = pair->record.state == MAILBOX_CREATING_LOCAL;
    pair->directory_gone = !pair->local_exists;
    pair->action = PAIR_SYNC;
    if (pair->remote_exists && pair->local_exists)
        decide_place(d, pair);
    else if (pair->remote_exists && creating_local)
        make_here(d, pair);
    else if (pair->local_exists && creating_remote && pair->record.name.len == 0)
        leave(pair, "another mailbox of the server has its name now; it is not made there");
    else if (pair->local_exists && creating_remote)
        pair->action = PAIR_CREATE_REMOTE;
    else
        decide_gone(d, pair);
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

/* Why the configuration leaves it out, or NULL. */
static const char *left_out(const struct config_account *account, const struct mailbox_pair *pair)
{
    if (!names_selected(&account->patterns, pair->record.utf8, pair->attributes))
        return "left out by `mailboxes: patterns`";
    bool unsubscribed = pair->remote_exists && !(pair->attributes & LIST_SUBSCRIBED);
    if (account->subscribed_only && unsubscribed && !is_inbox(pair))
        return "not subscribed (`mailboxes: subscribed`)";
    return NULL;
}

static void decide(const struct directory *d, struct mailbox_pair *pair)
{
    const struct config_account *account = d->in->account;
    pair->policy = config_sync_for(account, pair->record.utf8);
    const char *out = left_out(account, pair);
    pair->in_target = out == NULL && names_targeted(d->in->targets, pair->record.utf8);
    if (out != NULL)
        leave(pair, out);
    else if (pair->action == PAIR_REFUSE)
        return;
    else if (pair->record.id != 0)
        decide_known(d, pair);
    else
        decide_new(pair);
}

/* ---- two for one place ---- */

/* Whether another got the name on the server that the pair is to have there. */
static bool is_given_there(const struct directory *d, const struct mailbox_pair *pair)
{
    VEC_FOREACH (const struct mailbox_pair, other, d->pairs) {
        if (other != pair && finding_of(d, other)->renamed_there && other->remote_exists &&
            other->to_name.len == 0 && str_eq(other->record.name, pair->to_name))
            return true;
    }
    return false;
}

/* Both sides gave one name to two: the server's stands, and the folder goes back to the name that
 * its mailbox has, which may be what yet another was to get. */
static void let_the_server_win(struct directory *d)
{
    for (bool changed = true; changed;) {
        changed = false;
        VEC_FOREACH (struct mailbox_pair, pair, d->pairs) {
            if (pair->to_name.len == 0 || !to_local(pair->policy->rename) ||
                !is_given_there(d, pair))
                continue;
            pair->to_name = STR_EMPTY;
            finding_of(d, pair)->renamed_there = true;
            rename_here(d, pair);
            changed = true;
        }
    }
}

static bool has_move(const struct mailbox_pair *pair)
{
    return pair->to_path != NULL || pair->to_name.len > 0;
}

/* Its name on the server is another's now, and its folder is to go, in this pass or the next. */
static bool is_leaving(const struct mailbox_pair *pair)
{
    return pair != NULL && pair->record.id != 0 && pair->record.name.len == 0 &&
           pair->record.state == MAILBOX_SYNCED && pair->record.doubt == MAILBOX_HOLDS &&
           to_local(pair->policy->remove);
}

static bool is_taken(struct strmap *map, struct str key, const struct mailbox_pair *pair)
{
    const struct mailbox_pair *other = strmap_get(map, key);
    if (other == NULL)
        strmap_put(map, key, (void *)(uintptr_t)pair);
    return other != NULL && other != pair;
}

/* Who has which place. */
struct places {
    struct strmap *paths, *names, *utf8;
};

static void settle_place(struct mailbox_pair *pair, struct places *places)
{
    struct str path = pair->to_path != NULL ? str_from(pair->to_path) : pair->record.path;
    struct str name = pair->to_name.len > 0 ? pair->to_name : pair->record.name;
    /* A folder that is not here and not to be made takes up no place. */
    bool needs_path = pair->local_exists || pair->action == PAIR_CREATE_LOCAL;
    bool taken = needs_path && is_taken(places->paths, path, pair);
    taken = (name.len > 0 && is_taken(places->names, name, pair)) || taken;
    taken =
        (pair->action != PAIR_LEAVE &&
         is_taken(places->utf8, pair->to_name.len > 0 ? pair->to_utf8 : pair->record.utf8, pair)) ||
        taken;
    if (!taken || pair->action == PAIR_LEAVE)
        return;
    if (pair->record.id == 0) {
        refuse(pair, pair->remote_exists
                         ? "another mailbox has the same name here; rename one of them, or give it "
                           "another with `mailboxes: rename`"
                         : "another folder stands for the mailbox of this name; rename the folder");
        return;
    }
    if (pair->to_path != NULL && is_leaving(strmap_get(places->paths, path)))
        pair->record.state = MAILBOX_RENAMING_LOCAL; /* to be tried again */
    error_set(&pair->folder_error, ERR_EXISTS, SCOPE_MAILBOX,
              "cannot be renamed to %s: there is another of this name",
              pair->to_path != NULL ? pair->to_path : pair->to_utf8.ptr);
    pair->to_path = NULL;
    pair->to_name = STR_EMPTY;
}

static void find_collisions(struct directory *d)
{
    struct places places = {strmap_new(), strmap_new(), strmap_new()};
    /* What stays where it is, what is renamed, what is new. */
    for (int round = 0; round < 3; round++) {
        VEC_FOREACH (struct mailbox_pair, pair, d->pairs) {
            int turn = pair->record.id == 0 ? 2 : has_move(pair);
            if (turn == round && pair->action != PAIR_REFUSE)
                settle_place(pair, &places);
        }
    }
    strmap_free(&places.paths);
    strmap_free(&places.names);
    strmap_free(&places.utf8);
}

static int by_name(const void *a, const void *b)
{
    const struct mailbox_pair *x = a;
    const struct mailbox_pair *y = b;
    if (is_inbox(x) != is_inbox(y))
        return is_inbox(x) ? -1 : 1;
    return str_cmp(x->record.utf8, y->record.utf8);
}

/* The special uses that the names of new folders may stand for. */
static void learn_uses(struct directory *d)
{
    VEC_FOREACH (const struct mailbox_pair, pair, d->pairs) {
        struct names_use use = {pair->record.utf8, pair->attributes & LIST_SPECIAL_USE};
        if (use.attributes != 0)
            vec_push(&d->uses, use);
    }
}

void folders_pair(const struct folders_input *input, struct arena *arena, struct pair_vec *pairs)
{
    struct directory d = {.in = input, .arena = arena, .pairs = pairs};
    add_known(&d);
    add_remote(&d);
    learn_uses(&d);
    add_local(&d);
    VEC_FOREACH (struct mailbox_pair, pair, pairs) {
        decide(&d, pair);
    }
    let_the_server_win(&d);
    find_collisions(&d);
    vec_free(&d.findings);
    vec_free(&d.uses);
    if (pairs->len > 1)
        qsort(pairs->items, pairs->len, sizeof *pairs->items, by_name);
}
