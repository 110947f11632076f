#include "survey/remote.h"

#include "imap/limits.h"
#include "imap/list.h"
#include "imap/mailbox_name.h"
#include "reconcile/folders.h"
#include "pass/broken.h"
#include "survey/told.h"

/* STATUS commands in one write; their answers are short. */
#define STATUS_BATCH 64

struct names_space remote_space(const struct pass *pass)
{
    return (struct names_space){.prefix = pass->prefix,
                                .delimiter = pass->delimiter,
                                .utf8 = client_names_are_utf8(pass->client)};
}

void remote_learn_space(struct pass *pass)
{
    const struct namespaces *ns = client_namespaces(pass->client);
    if (ns->personal.len > 0) {
        pass->prefix = arena_str(pass->arena, ns->personal.items[0].prefix);
        pass->delimiter = ns->personal.items[0].delimiter;
    }
    if (pass->account->namespace_prefix != NULL)
        pass->prefix = str_from(pass->account->namespace_prefix);
}

/* What tells whether a mailbox changed. */
static unsigned change_items(const struct pass *pass)
{
    unsigned items = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;
    if (client_has(pass->client, CAP_CONDSTORE))
        items |= STATUS_HIGHESTMODSEQ;
    return items;
}

static bool asks_for_mailboxid(const struct pass *pass)
{
    return client_has(pass->client, CAP_OBJECTID) && !pass->without_mailboxid;
}

static unsigned status_items(const struct pass *pass)
{
    return change_items(pass) | (asks_for_mailboxid(pass) ? STATUS_MAILBOXID : 0);
}

static bool has_inbox(const struct client_mailboxes *list)
{
    for (size_t i = 0; i < list->len; i++) {
        if (mailbox_name_is_inbox(list->items[i].entry.name))
            return true;
    }
    return false;
}

/* One extended LIST with all that is wanted of each mailbox. */
static int ask_extended(struct pass *pass, struct client_mailboxes *out, struct error *err)
{
    struct str everything = STR("*");
    struct list_request request = {
        .patterns = {&everything, 1},
        .has_return = true,
        .returns = client_has(pass->client, CAP_SPECIAL_USE) ? LIST_RETURN_SPECIAL_USE : 0,
    };
    if (pass->account->subscribed_only)
        request.returns |= LIST_RETURN_SUBSCRIBED;
    if (client_has(pass->client, CAP_LIST_STATUS)) {
        request.returns |= LIST_RETURN_STATUS;
        request.status_items = status_items(pass);
    }
    struct client_list list;
    int r = client_list_begin(pass->client, &list, &request, pass->arena, err);
    if (r < 0)
        return r;
    told_begin(pass);
    r = client_list_end(pass->client, &list, out, err);
    told_hear(pass);
    return r;
}

/* Cyrus 3.6 tells freed memory as MAILBOXID: bytes that are none, or another mailbox's. */
static bool mailboxids_are_sound(struct status_data *const *told, size_t len)
{
    struct strmap *seen = strmap_new();
    bool sound = true;
    for (size_t i = 0; i < len && sound; i++) {
        bool has = (told[i]->have & STATUS_MAILBOXID) != 0;
        sound =
            !told[i]->mailboxid_broken && (!has || strmap_get(seen, told[i]->mailboxid) == NULL);
        if (sound && has)
            strmap_put(seen, told[i]->mailboxid, told[i]);
    }
    strmap_free(&seen);
    return sound;
}

/* Where one is wrong, none is believed. */
static int check_mailboxids(struct pass *pass, struct status_data *const *told, size_t len,
                            struct error *err)
{
    if (mailboxids_are_sound(told, len))
        return 0;
    for (size_t i = 0; i < len; i++)
        told[i]->have &= ~(unsigned)STATUS_MAILBOXID;
    return broken_drop_mailboxid(pass, "what it tells as MAILBOXID is none", err);
}

static int check_list(struct pass *pass, struct client_mailboxes *list, struct error *err)
{
    struct status_data **told = xcalloc(list->len + 1, sizeof(struct status_data *));
    for (size_t i = 0; i < list->len; i++)
        told[i] = &list->items[i].status;
    int r = check_mailboxids(pass, told, list->len, err);
    xfree(&told);
    return r;
}

/* The connection is lost by it; the next one asks for less. */
static void suspect_mailboxids(struct pass *pass, const struct error *failed)
{
    struct error ignored = ERROR_INIT;
    if (failed->code != ERR_PROTOCOL || !asks_for_mailboxid(pass))
        return;
    broken_drop_mailboxid(pass, "what answers the question for MAILBOXID cannot be read", &ignored);
    pass->learned = true;
}

/* Some servers answer an extended LIST with nothing: a list without INBOX is not believed where the
 * plain one has it. */
static int ask_names(struct pass *pass, struct client_mailboxes *out, struct error *err)
{
    bool extended = client_has(pass->client, CAP_LIST_STATUS) ||
                    (client_has(pass->client, CAP_LIST_EXTENDED) &&
                     (pass->account->subscribed_only || client_has(pass->client, CAP_SPECIAL_USE)));
    bool broken = false;
    if (extended) {
        int r = ask_extended(pass, out, err);
        if (r == 0 && has_inbox(out))
            return check_list(pass, out, err);
        if (r < 0 && err->scope > SCOPE_MAILBOX) {
            suspect_mailboxids(pass, err);
            return r;
        }
        broken = r == 0 || err->code == ERR_BAD;
        error_clear(err);
    }
    int r = client_list(pass->client, STR("*"), pass->arena, out, err);
    if (r == 0 && broken && has_inbox(out))
        r = broken_drop(
            pass, client_has(pass->client, CAP_LIST_STATUS) ? CAP_LIST_STATUS : CAP_LIST_EXTENDED,
            "the LIST that it is for is refused or lacks INBOX", err);
    return r;
}

/* The attribute \Subscribed, where the LIST did not tell it. */
static int ask_subscribed(struct pass *pass, struct client_mailboxes *list, struct error *err)
{
    struct client_mailboxes subscribed = {0};
    if (!pass->account->subscribed_only || client_has(pass->client, CAP_LIST_EXTENDED))
        return 0;
    int r = client_lsub(pass->client, STR_EMPTY, STR("*"), pass->arena, &subscribed, err);
    if (r < 0)
        return r;
    struct strmap *names = strmap_new();
    for (size_t i = 0; i < subscribed.len; i++)
        strmap_put(names, subscribed.items[i].entry.name, &subscribed.items[i]);
    for (size_t i = 0; i < list->len; i++) {
        if (strmap_get(names, list->items[i].entry.name) != NULL)
            list->items[i].entry.attributes |= LIST_SUBSCRIBED;
    }
    strmap_free(&names);
    return 0;
}

static bool in_other_namespace(const struct namespace_group *group, struct str name)
{
    for (size_t i = 0; i < group->len; i++) {
        if (group->items[i].prefix.len > 0 && str_starts(name, group->items[i].prefix))
            return true;
    }
    return false;
}

static bool is_personal(const struct pass *pass, struct str name)
{
    const struct namespaces *ns = client_namespaces(pass->client);
    return !in_other_namespace(&ns->other, name) && !in_other_namespace(&ns->shared, name);
}

/* `mailboxes.special` marks what the server does not. */
static void mark_special(const struct pass *pass, struct remote_list *list)
{
    const struct config_pairs *special = &pass->account->special;
    for (size_t i = 0; i < special->len; i++) {
        AUTO_FREE char *word = xmalloc(strlen(special->items[i].key) + 2);
        uint32_t use = 0;
        bool marked = false;
        word[0] = '\\';
        memcpy(word + 1, special->items[i].key, strlen(special->items[i].key) + 1);
        if (!list_attribute_parse(str_from(word), &use))
            continue;
        for (size_t k = 0; k < list->len; k++)
            marked = marked || (list->items[k].attributes & use) != 0;
        for (size_t k = 0; k < list->len && !marked; k++) {
            if (str_eq(list->items[k].utf8, str_from(special->items[i].value)))
                list->items[k].attributes |= use;
        }
    }
}

static void keep_own(struct pass *pass, const struct client_mailboxes *list,
                     struct remote_list *out)
{
    struct names_space space = remote_space(pass);
    *out =
        (struct remote_list){.items = arena_array(pass->arena, list->len + 1, sizeof *out->items)};
    for (size_t i = 0; i < list->len; i++) {
        const struct client_mailbox *m = &list->items[i];
        struct remote_mailbox *to = &out->items[out->len];
        if ((m->entry.attributes & (LIST_NOSELECT | LIST_NONEXISTENT)) ||
            !is_personal(pass, m->entry.name) ||
            !names_to_utf8(&space, pass->arena, m->entry.name, &to->utf8))
            continue;
        to->name = m->entry.name;
        to->attributes = m->entry.attributes;
        to->status = m->status;
        out->len++;
    }
}

/* Without LIST-STATUS; and without a HIGHESTMODSEQ it would say too little to be worth the asking.
 */
static int ask_changes(struct pass *pass, struct remote_list *list, struct error *err)
{
    if (client_has(pass->client, CAP_LIST_STATUS) || !client_has(pass->client, CAP_CONDSTORE))
        return 0;
    struct remote_mailbox **asked = xcalloc(list->len + 1, sizeof(struct remote_mailbox *));
    size_t len = 0;
    for (size_t i = 0; i < list->len; i++) {
        const struct remote_mailbox *m = &list->items[i];
        if (names_selected(&pass->account->patterns, m->utf8, m->attributes))
            asked[len++] = &list->items[i];
    }
    int r = remote_status(pass, asked, len, err);
    xfree(&asked);
    return r;
}

int remote_list(struct pass *pass, struct remote_list *out, struct error *err)
{
    struct client_mailboxes list = {0};
    int r = ask_names(pass, &list, err);
    if (r == 0)
        r = ask_subscribed(pass, &list, err);
    for (size_t i = 0; i < list.len && pass->delimiter == 0; i++)
        pass->delimiter = list.items[i].entry.delimiter;
    if (r == 0) {
        keep_own(pass, &list, out);
        mark_special(pass, out);
        r = ask_changes(pass, out, err);
    }
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* ---- STATUS ---- */

static int status_batch(struct pass *pass, struct remote_mailbox *const *list, size_t len,
                        struct error *err)
{
    struct client_status handles[STATUS_BATCH];
    size_t begun = 0;
    int r = 0;
    while (begun < len && r == 0) {
        r = client_status_begin(pass->client, &handles[begun], list[begun]->name,
                                status_items(pass), pass->arena, err);
        begun += r == 0;
    }
    for (size_t i = 0; i < begun; i++) {
        struct error status_error = ERROR_INIT;
        list[i]->status = (struct status_data){0};
        int s = client_status_end(pass->client, &handles[i], &list[i]->status, &status_error);
        if (s < 0 && status_error.scope > SCOPE_MAILBOX && r == 0) {
            *err = status_error;
            r = s;
        }
    }
    if (r < 0)
        suspect_mailboxids(pass, err);
    return r;
}

int remote_status(struct pass *pass, struct remote_mailbox *const *list, size_t len,
                  struct error *err)
{
    struct status_data **told = xcalloc(len + 1, sizeof(struct status_data *));
    int r = 0;
    for (size_t i = 0; i < len; i++)
        told[i] = &list[i]->status;
    for (size_t i = 0; i < len && r == 0; i += STATUS_BATCH)
        r = status_batch(pass, list + i, len - i < STATUS_BATCH ? len - i : STATUS_BATCH, err);
    if (r == 0)
        r = check_mailboxids(pass, told, len, err);
    xfree(&told);
    return r;
}

int remote_status_of_pairs(struct pass *pass, bool (*is_wanted)(const struct mailbox_pair *pair),
                           struct error *err)
{
    struct remote_mailbox *items = xcalloc(pass->pairs.len + 1, sizeof *items);
    struct remote_mailbox **list = xcalloc(pass->pairs.len + 1, sizeof(struct remote_mailbox *));
    struct mailbox_pair **pairs = xcalloc(pass->pairs.len + 1, sizeof(struct mailbox_pair *));
    size_t len = 0;
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (!is_wanted(pair))
            continue;
        items[len].name = pair->record.name;
        list[len] = &items[len];
        pairs[len++] = pair;
    }
    int r = remote_status(pass, list, len, err);
    for (size_t i = 0; i < len && r == 0; i++)
        folders_take_status(pairs[i], &items[i].status);
    xfree(&items);
    xfree(&list);
    xfree(&pairs);
    return r;
}

/* Whether a mailbox is there now that the pass does not know of. */
static bool has_others(struct pass *pass, const struct client_mailboxes *list)
{
    struct remote_list now;
    struct strmap *known = strmap_new();
    bool others = false;
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (pair->remote_exists)
            strmap_put(known, pair->record.name, pair);
    }
    keep_own(pass, list, &now);
    for (size_t i = 0; i < now.len && !others; i++)
        others = strmap_get(known, now.items[i].name) == NULL;
    strmap_free(&known);
    return others;
}

static int refresh_by_list(struct pass *pass, bool *others_out, struct error *err)
{
    static const struct status_data none = {0};
    struct client_mailboxes list = {0};
    int r = client_list_status(pass->client, STR("*"), change_items(pass), pass->arena, &list, err);
    if (r < 0)
        return r;
    struct strmap *by_name = strmap_new();
    for (size_t i = 0; i < list.len; i++)
        strmap_put(by_name, list.items[i].entry.name, &list.items[i].status);
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        const struct status_data *status = strmap_get(by_name, pair->record.name);
        folders_take_status(pair, status != NULL ? status : &none);
    }
    strmap_free(&by_name);
    *others_out = has_others(pass, &list);
    return 0;
}

static bool is_synced(const struct mailbox_pair *pair)
{
    return pair->remote_exists && pair->action == PAIR_SYNC;
}

/* The names go in front of the STATUS commands, in the same turn. */
static int refresh_by_names_and_status(struct pass *pass, bool *others_out, struct error *err)
{
    struct str everything = STR("*");
    const struct list_request request = {.patterns = {&everything, 1}};
    struct client_mailboxes names = {0};
    struct error end_error = ERROR_INIT;
    struct client_list list;
    int r = client_list_begin(pass->client, &list, &request, pass->arena, err);
    if (r < 0)
        return r;
    r = remote_status_of_pairs(pass, is_synced, err);
    int end = client_list_end(pass->client, &list, &names, &end_error);
    if (r == 0 && end < 0)
        *err = end_error;
    *others_out = r == 0 && end == 0 && has_others(pass, &names);
    return r < 0 ? r : end;
}

int remote_refresh_status(struct pass *pass, bool *others_out, struct error *err)
{
    return client_has(pass->client, CAP_LIST_STATUS)
               ? refresh_by_list(pass, others_out, err)
               : refresh_by_names_and_status(pass, others_out, err);
}
