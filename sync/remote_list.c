#include "sync/remote.h"

#include "imap/limits.h"
#include "imap/mailbox_name.h"

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

static unsigned status_items(const struct pass *pass)
{
    unsigned items = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;
    if (client_has(pass->client, CAP_CONDSTORE) || client_has(pass->client, CAP_QRESYNC))
        items |= STATUS_HIGHESTMODSEQ;
    if (client_has(pass->client, CAP_OBJECTID))
        items |= STATUS_MAILBOXID;
    return items;
}

static bool has_inbox(const struct client_mailboxes *list)
{
    for (size_t i = 0; i < list->len; i++) {
        if (mailbox_name_is_inbox(list->items[i].entry.name))
            return true;
    }
    return false;
}

/* Some servers answer an extended LIST with nothing: a list without INBOX is not believed. */
static int ask_names(struct pass *pass, struct client_mailboxes *out, struct error *err)
{
    if (client_has(pass->client, CAP_LIST_STATUS)) {
        int r =
            client_list_status(pass->client, STR("*"), status_items(pass), pass->arena, out, err);
        if (r == 0 && has_inbox(out))
            return 0;
        if (r < 0 && err->scope > SCOPE_MAILBOX)
            return r;
        error_clear(err);
    }
    return client_list(pass->client, STR("*"), pass->arena, out, err);
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

int remote_list(struct pass *pass, struct remote_list *out, struct error *err)
{
    struct client_mailboxes list = {0};
    int r = ask_names(pass, &list, err);
    if (r < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    *out = (struct remote_list){0};
    out->items = arena_array(pass->arena, list.len + 1, sizeof *out->items);
    for (size_t i = 0; i < list.len; i++) {
        const struct list_entry *entry = &list.items[i].entry;
        if (pass->delimiter == 0)
            pass->delimiter = entry->delimiter;
    }
    struct names_space space = remote_space(pass);
    for (size_t i = 0; i < list.len; i++) {
        const struct client_mailbox *m = &list.items[i];
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
    return 0;
}

static void take_status(struct mailbox_pair *pair, const struct status_data *status)
{
    const unsigned need = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;
    pair->has_status = (status->have & need) == need;
    pair->status_messages = status->messages;
    pair->status_uidnext = status->uidnext;
    pair->status_uidvalidity = status->uidvalidity;
    pair->status_modseq = status->have & STATUS_HIGHESTMODSEQ ? status->highestmodseq : 0;
}

static int refresh_by_list(struct pass *pass, struct error *err)
{
    struct client_mailboxes list = {0};
    int r = client_list_status(pass->client, STR("*"), status_items(pass), pass->arena, &list, err);
    if (r < 0)
        return r;
    struct strmap *by_name = strmap_new();
    for (size_t i = 0; i < list.len; i++)
        strmap_put(by_name, list.items[i].entry.name, &list.items[i].status);
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        const struct status_data *status = strmap_get(by_name, pair->record.name);
        if (status != NULL)
            take_status(pair, status);
    }
    strmap_free(&by_name);
    return 0;
}

static int status_batch(struct pass *pass, struct mailbox_pair **pairs, size_t len,
                        struct error *err)
{
    struct client_status handles[STATUS_BATCH];
    size_t begun = 0;
    int r = 0;
    while (begun < len && r == 0) {
        r = client_status_begin(pass->client, &handles[begun], pairs[begun]->record.name,
                                status_items(pass), pass->arena, err);
        begun += r == 0;
    }
    for (size_t i = 0; i < begun; i++) {
        struct status_data data = {0};
        struct error status_error = ERROR_INIT;
        int s = client_status_end(pass->client, &handles[i], &data, &status_error);
        if (s == 0)
            take_status(pairs[i], &data);
        else if (status_error.scope > SCOPE_MAILBOX && r == 0) {
            *err = status_error;
            r = s;
        }
    }
    return r;
}

int remote_refresh_status(struct pass *pass, struct error *err)
{
    if (client_has(pass->client, CAP_LIST_STATUS))
        return refresh_by_list(pass, err);
    struct mailbox_pair *batch[STATUS_BATCH];
    size_t len = 0;
    for (size_t i = 0; i < pass->pairs.len; i++) {
        struct mailbox_pair *pair = &pass->pairs.items[i];
        if (pair->remote_exists && pair->action == PAIR_SYNC)
            batch[len++] = pair;
        if (len == STATUS_BATCH || (len > 0 && i + 1 == pass->pairs.len)) {
            int r = status_batch(pass, batch, len, err);
            if (r < 0)
                return r;
            len = 0;
        }
    }
    return 0;
}
