/* Mailboxes, and what hangs on them, as JSON. */
#include "cmd/json_imap.h"

static json_t *delimiter_json(char delimiter)
{
    return delimiter == 0 ? json_null() : json_stringn(&delimiter, 1);
}

/* ---- LIST, STATUS, SELECT ---- */

static json_t *attributes_json(uint32_t attributes)
{
    json_t *out = json_array();
    for (uint32_t bit = 1; bit != 0 && bit <= LIST_INBOX; bit <<= 1) {
        if ((attributes & bit) != 0) {
            json_array_append_new(out, json_string(list_attribute_name(bit)));
        }
    }
    return out;
}

static json_t *select_options_json(unsigned options)
{
    static const struct json_bit names[] = {
        {LIST_SELECT_SUBSCRIBED, "SUBSCRIBED"},
        {LIST_SELECT_REMOTE, "REMOTE"},
        {LIST_SELECT_RECURSIVEMATCH, "RECURSIVEMATCH"},
        {LIST_SELECT_SPECIAL_USE, "SPECIAL-USE"},
    };
    return json_bits(options, names, sizeof names / sizeof *names);
}

json_t *json_list_entry(const struct list_entry *entry)
{
    json_t *out = json_pack("{s:o, s:o, s:o}", "name", json_bytes(entry->name), "delimiter",
                            delimiter_json(entry->delimiter), "attributes",
                            attributes_json(entry->attributes));
    if (entry->child_info != 0) {
        json_object_set_new(out, "child_info", select_options_json(entry->child_info));
    }
    if (entry->old_name.len > 0) {
        json_object_set_new(out, "old_name", json_bytes(entry->old_name));
    }
    return out;
}

json_t *json_list_request(const struct list_request *request)
{
    static const struct json_bit returns[] = {
        {LIST_RETURN_CHILDREN, "CHILDREN"},       {LIST_RETURN_SUBSCRIBED, "SUBSCRIBED"},
        {LIST_RETURN_SPECIAL_USE, "SPECIAL-USE"}, {LIST_RETURN_STATUS, "STATUS"},
        {LIST_RETURN_MYRIGHTS, "MYRIGHTS"},       {LIST_RETURN_METADATA, "METADATA"},
    };
    json_t *out = json_pack("{s:o, s:o}", "reference", json_bytes(request->reference), "patterns",
                            json_strings(&request->patterns));
    if (request->has_select) {
        json_object_set_new(out, "select", select_options_json(request->select));
    }
    if (request->has_return) {
        json_object_set_new(out, "return",
                            json_bits(request->returns, returns, sizeof returns / sizeof *returns));
    }
    if ((request->returns & LIST_RETURN_STATUS) != 0) {
        json_object_set_new(out, "status", json_status_items(request->status_items));
    }
    if ((request->returns & LIST_RETURN_METADATA) != 0) {
        json_object_set_new(out, "metadata", json_strings(&request->metadata));
    }
    return out;
}

json_t *json_status_data(const struct status_data *d)
{
    const struct {
        unsigned bit;
        const char *name;
        uint64_t value;
    } numbers[] = {
        {STATUS_MESSAGES, "messages", d->messages},
        {STATUS_UIDNEXT, "uidnext", d->uidnext},
        {STATUS_UIDVALIDITY, "uidvalidity", d->uidvalidity},
        {STATUS_UNSEEN, "unseen", d->unseen},
        {STATUS_RECENT, "recent", d->recent},
        {STATUS_DELETED, "deleted", d->deleted},
        {STATUS_SIZE, "size", d->size},
        {STATUS_HIGHESTMODSEQ, "highestmodseq", d->highestmodseq},
        {STATUS_APPENDLIMIT, "appendlimit", d->append_limit},
        {STATUS_DELETED_STORAGE, "deleted_storage", d->deleted_storage},
    };
    json_t *out = json_pack("{s:o}", "mailbox", json_bytes(d->mailbox));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if ((d->have & numbers[i].bit) != 0) {
            json_object_set_new(out, numbers[i].name, json_u64(numbers[i].value));
        }
    }
    if ((d->have & STATUS_MAILBOXID) != 0) {
        json_object_set_new(out, "mailboxid", json_bytes(d->mailboxid));
    }
    return out;
}

json_t *json_select_params(const struct select_params *params)
{
    json_t *out = json_object();
    if (params->condstore) {
        json_object_set_new(out, "condstore", json_true());
    }
    if (params->qresync) {
        json_object_set_new(
            out, "qresync",
            json_pack("{s:I, s:o, s:o}", "uidvalidity", (json_int_t)params->uidvalidity, "modseq",
                      json_u64(params->modseq), "known_uids", json_set(&params->known_uids)));
    }
    return out;
}

/* ---- NAMESPACE, ID ---- */

static json_t *namespace_group_json(const struct namespace_group *group)
{
    json_t *out = json_array();
    for (size_t i = 0; i < group->len; i++) {
        json_array_append_new(out,
                              json_pack("{s:o, s:o}", "prefix", json_bytes(group->items[i].prefix),
                                        "delimiter", delimiter_json(group->items[i].delimiter)));
    }
    return out;
}

json_t *json_namespaces(const struct namespaces *ns)
{
    return json_pack("{s:o, s:o, s:o}", "personal", namespace_group_json(&ns->personal), "other",
                     namespace_group_json(&ns->other), "shared", namespace_group_json(&ns->shared));
}

/* As a list: a name may come twice, in any bytes. */
json_t *json_id_fields(const struct id_fields *id)
{
    json_t *out = json_array();
    for (size_t i = 0; i < id->len; i++) {
        json_array_append_new(out, json_pack("{s:o, s:o}", "name", json_bytes(id->items[i].name),
                                             "value", json_bytes(id->items[i].value)));
    }
    return out;
}

/* ---- QUOTA ---- */

json_t *json_quota(const struct quota *quota)
{
    json_t *resources = json_array();
    for (size_t i = 0; i < quota->len; i++) {
        const struct quota_resource *r = &quota->items[i];
        json_array_append_new(resources,
                              json_pack("{s:o, s:o, s:o}", "name", json_bytes(r->name), "usage",
                                        json_u64(r->usage), "limit", json_u64(r->limit)));
    }
    return json_pack("{s:o, s:o}", "root", json_bytes(quota->root), "resources", resources);
}

json_t *json_quota_root(const struct quota_root *root)
{
    return json_pack("{s:o, s:o}", "mailbox", json_bytes(root->mailbox), "roots",
                     json_strings(&root->roots));
}

/* ---- ACL ---- */

json_t *json_rights(const struct acl_rights *rights)
{
    char text[37];
    acl_rights_format(rights, text);
    return json_string(text);
}

json_t *json_acl(const struct acl *acl)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < acl->len; i++) {
        json_array_append_new(entries, json_pack("{s:o, s:o}", "identifier",
                                                 json_bytes(acl->items[i].identifier), "rights",
                                                 json_rights(&acl->items[i].rights)));
    }
    return json_pack("{s:o, s:o}", "mailbox", json_bytes(acl->mailbox), "entries", entries);
}

json_t *json_acl_set(const struct acl_set *set)
{
    static const char *const changes[] = {
        [ACL_REPLACE] = "replace", [ACL_ADD] = "add", [ACL_REMOVE] = "remove"};
    return json_pack("{s:o, s:o, s:s, s:o}", "mailbox", json_bytes(set->mailbox), "identifier",
                     json_bytes(set->identifier), "change", changes[set->change], "rights",
                     json_rights(&set->rights));
}

json_t *json_list_rights(const struct acl_list_rights *rights)
{
    json_t *optional = json_array();
    for (size_t i = 0; i < rights->optional_len; i++) {
        json_array_append_new(optional, json_rights(&rights->optional[i]));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "mailbox", json_bytes(rights->mailbox), "identifier",
                     json_bytes(rights->identifier), "required", json_rights(&rights->required),
                     "optional", optional);
}

json_t *json_my_rights(const struct acl_my_rights *rights)
{
    return json_pack("{s:o, s:o}", "mailbox", json_bytes(rights->mailbox), "rights",
                     json_rights(&rights->rights));
}

/* ---- METADATA ---- */

json_t *json_metadata(const struct metadata *metadata, size_t most)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < metadata->len; i++) {
        json_t *entry = json_pack("{s:o}", "name", json_bytes(metadata->items[i].name));
        if (!metadata->names_only) {
            json_object_set_new(entry, "value", json_literal(metadata->items[i].value, most));
        }
        json_array_append_new(entries, entry);
    }
    return json_pack("{s:o, s:o}", "mailbox", json_bytes(metadata->mailbox), "entries", entries);
}

json_t *json_metadata_get(const struct metadata_get *get)
{
    static const char *const depths[] = {
        [METADATA_DEPTH_0] = "0", [METADATA_DEPTH_1] = "1", [METADATA_DEPTH_INFINITY] = "infinity"};
    json_t *out = json_pack("{s:o, s:s, s:o}", "mailbox", json_bytes(get->mailbox), "depth",
                            depths[get->depth], "names", json_strings(&get->names));
    if (get->has_max_size) {
        json_object_set_new(out, "maxsize", json_integer(get->max_size));
    }
    return out;
}

/* ---- NOTIFY ---- */

static json_t *notify_group_json(const struct notify_group *group)
{
    json_t *events = json_array();
    for (unsigned bit = 1; bit <= NOTIFY_SERVER_METADATA_CHANGE; bit <<= 1) {
        if ((group->events & bit) != 0) {
            json_array_append_new(events, json_string(notify_event_name((enum notify_event)bit)));
        }
    }
    json_t *out =
        json_pack("{s:s, s:o}", "filter", notify_filter_name(group->filter), "events", events);
    if (group->mailboxes.len > 0) {
        json_object_set_new(out, "mailboxes", json_strings(&group->mailboxes));
    }
    if (group->fetches) {
        json_object_set_new(out, "fetch", json_fetch_request(&group->fetch));
    }
    return out;
}

json_t *json_notify(const struct notify_request *request)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < request->groups_len; i++) {
        json_array_append_new(groups, notify_group_json(&request->groups[i]));
    }
    return json_pack("{s:b, s:b, s:o}", "none", request->none, "status", request->status, "groups",
                     groups);
}
