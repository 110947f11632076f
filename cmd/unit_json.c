#include "cmd/unit_json.h"
#include "cmd/json_imap.h"

static const char *unit_direction_name(enum dissect_direction direction)
{
    return direction == DISSECT_CLIENT ? "client" : "server";
}

static const char *unit_kind_name(enum dissect_kind kind)
{
    static const char *const names[] = {
        [DISSECT_COMMAND] = "command",   [DISSECT_CONTINUATION] = "continuation",
        [DISSECT_UNTAGGED] = "untagged", [DISSECT_TAGGED] = "tagged",
        [DISSECT_ERROR] = "error",
    };
    return names[kind];
}

/* ---- data ---- */

static json_t *literal_json(const struct dissect_literal *literal)
{
    if (literal->nil) {
        return json_null();
    }
    return literal->bytes.ptr == NULL ? json_byte_count(literal->size)
                                      : json_literal(literal->bytes, JSON_LITERAL_BYTES);
}

static json_t *fetch_json(const struct dissect_fetch *fetch)
{
    json_t *out = json_fetch_data(&fetch->data);
    json_t *sections = fetch->bodies_len > 0 ? json_array() : NULL;
    for (size_t i = 0; i < fetch->bodies_len; i++) {
        json_array_append_new(sections, json_pack("{s:o, s:o}", "section",
                                                  json_section(&fetch->bodies[i].section), "data",
                                                  literal_json(&fetch->bodies[i])));
    }
    if (sections != NULL) {
        json_object_set_new(out, "sections", sections);
    }
    return out;
}

static json_t *append_json(const struct dissect_append *append)
{
    json_t *messages = json_array();
    for (size_t i = 0; i < append->len; i++) {
        json_t *message = json_append_params(&append->params[i]);
        json_object_set_new(message, "data", literal_json(&append->messages[i]));
        json_array_append_new(messages, message);
    }
    json_t *out =
        json_pack("{s:o, s:o}", "mailbox", json_bytes(append->mailbox), "messages", messages);
    if (append->replaced.len > 0) {
        json_object_set_new(out, "replaced", json_bytes(append->replaced));
    }
    return out;
}

static json_t *vanished_json(bool earlier, const struct seqset *uids)
{
    return json_pack("{s:b, s:o}", "earlier", earlier, "uids", json_set(uids));
}

static json_t *sets_json(const struct dissect_sets *sets)
{
    json_t *out = json_pack("{s:o}", "set", json_set(&sets->set));
    if (sets->mailbox.ptr != NULL) {
        json_object_set_new(out, "mailbox", json_bytes(sets->mailbox));
    }
    return out;
}

/* `object` with `name` in it. */
static json_t *with(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
    return object;
}

static json_t *response_data(const struct dissect_unit *u)
{
    switch (u->value) {
    case DISSECT_CAPABILITY:
        return json_strings(&u->names);
    case DISSECT_FLAGS:
        return json_flags(&u->flags);
    case DISSECT_LIST:
        return json_list_entry(&u->list);
    case DISSECT_STATUS:
        return json_status_data(&u->status);
    case DISSECT_SEARCH:
        return json_search_result(&u->search_result);
    case DISSECT_SORT:
        return json_sort_result(&u->sort_result);
    case DISSECT_THREAD:
        return json_threads(u->threads);
    case DISSECT_FETCH:
        return fetch_json(&u->fetch);
    case DISSECT_VANISHED:
        return vanished_json(u->vanished.earlier, &u->vanished.uids);
    case DISSECT_NAMESPACE:
        return json_namespaces(&u->namespaces);
    case DISSECT_ID:
        return json_id_fields(&u->id);
    case DISSECT_QUOTA:
        return json_quota(&u->quota);
    case DISSECT_QUOTAROOT:
        return json_quota_root(&u->quota_root);
    case DISSECT_ACL:
        return json_acl(&u->acl);
    case DISSECT_LISTRIGHTS:
        return json_list_rights(&u->list_rights);
    case DISSECT_MYRIGHTS:
        return json_my_rights(&u->my_rights);
    case DISSECT_METADATA:
        return json_metadata(&u->metadata, JSON_LITERAL_BYTES);
    default:
        return NULL;
    }
}

static json_t *command_data(const struct dissect_unit *u)
{
    switch (u->value) {
    case DISSECT_STRINGS:
    case DISSECT_SECRET:
        return json_strings(&u->names);
    case DISSECT_SELECT:
        return with(json_select_params(&u->select.params), "mailbox",
                    json_bytes(u->select.mailbox));
    case DISSECT_LIST_REQUEST:
        return json_list_request(&u->list_request);
    case DISSECT_STATUS_REQUEST:
        return json_pack("{s:o, s:o}", "mailbox", json_bytes(u->status_request.mailbox), "items",
                         json_status_items(u->status_request.items));
    case DISSECT_APPEND:
        return append_json(&u->append);
    case DISSECT_SEARCH_REQUEST:
        return json_search_request(&u->search_request);
    case DISSECT_SORT_REQUEST:
        return json_sort_request(&u->sort_request);
    case DISSECT_THREAD_REQUEST:
        return json_thread_request(&u->thread_request);
    case DISSECT_FETCH_REQUEST:
        return with(json_fetch_request(&u->fetch_request.request), "set",
                    json_set(&u->fetch_request.set));
    case DISSECT_STORE:
        return with(json_store_params(&u->store.params), "set", json_set(&u->store.set));
    case DISSECT_COPY:
        return sets_json(&u->copy);
    case DISSECT_SETACL:
        return json_acl_set(&u->acl_set);
    case DISSECT_GETMETADATA:
        return json_metadata_get(&u->metadata_get);
    case DISSECT_NOTIFY:
        return json_notify(&u->notify);
    default:
        return NULL;
    }
}

/* ---- the unit ---- */

static json_t *code_json(const struct imap_response_status *status)
{
    json_t *out = json_pack("{s:o}", "name", json_bytes(status->code_name));
    json_t *data = json_code_data(status);
    if (data != NULL) {
        json_object_set_new(out, "data", data);
    }
    return out;
}

static void put_text(json_t *out, const char *name, struct str text)
{
    if (text.len > 0) {
        json_object_set_new(out, name, json_bytes(text));
    }
}

json_t *unit_json(const struct dissect_unit *u)
{
    json_t *out = json_pack("{s:o, s:s, s:s}", "offset", json_u64(u->offset), "direction",
                            unit_direction_name(u->direction), "kind", unit_kind_name(u->kind));
    put_text(out, "tag", u->tag);
    put_text(out, "name", u->name);
    if (u->has_number) {
        json_object_set_new(out, "number", json_integer(u->number));
    }
    if (u->value == DISSECT_STATUS_RESPONSE && u->status_response.code != CODE_NONE) {
        json_object_set_new(out, "code", code_json(&u->status_response));
    }
    put_text(out, "text", u->text);
    json_t *data = response_data(u);
    data = data != NULL ? data : command_data(u);
    if (data != NULL) {
        json_object_set_new(out, "data", data);
    }
    if (u->kind == DISSECT_ERROR) {
        json_object_set_new(out, "error", json_string(u->reason));
    }
    return out;
}
