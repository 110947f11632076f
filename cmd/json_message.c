/* Messages, and what is searched, as JSON. */
#include "base/alloc.h"
#include "cmd/json_imap.h"

/* ---- ENVELOPE ---- */

static json_t *address_json(const struct imap_address *a)
{
    switch (imap_address_role(a)) {
    case ADDRESS_GROUP_BEGIN:
        return json_pack("{s:o}", "group", json_bytes(a->mailbox));
    case ADDRESS_GROUP_END:
        return json_pack("{s:n}", "group");
    case ADDRESS_ONE:
        break;
    }
    json_t *out = json_pack("{s:o, s:o, s:o}", "name", json_bytes(a->name), "mailbox",
                            json_bytes(a->mailbox), "host", json_bytes(a->host));
    if (a->route.ptr != NULL) {
        json_object_set_new(out, "route", json_bytes(a->route));
    }
    return out;
}

static json_t *addresses_json(const struct imap_addresses *addresses)
{
    json_t *out = json_array();
    for (size_t i = 0; i < addresses->len; i++) {
        json_array_append_new(out, address_json(&addresses->items[i]));
    }
    return out;
}

static json_t *json_envelope(const struct envelope *e)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "date",
                     json_bytes(e->date), "subject", json_bytes(e->subject), "from",
                     addresses_json(&e->from), "sender", addresses_json(&e->sender), "reply_to",
                     addresses_json(&e->reply_to), "to", addresses_json(&e->to), "cc",
                     addresses_json(&e->cc), "bcc", addresses_json(&e->bcc), "in_reply_to",
                     json_bytes(e->in_reply_to), "message_id", json_bytes(e->message_id));
}

/* ---- BODYSTRUCTURE ---- */

/* As a list of pairs: a name may come twice, in any bytes. */
static json_t *params_json(const struct body_params *params)
{
    json_t *out = json_array();
    for (size_t i = 0; i < params->len; i++) {
        json_array_append_new(out,
                              json_pack("{s:o, s:o}", "name", json_bytes(params->items[i].name),
                                        "value", json_bytes(params->items[i].value)));
    }
    return out;
}

static void put_extension(json_t *out, const struct body_part *part)
{
    if (part->kind != BODY_MULTIPART) {
        json_object_set_new(out, "md5", json_bytes(part->md5));
    }
    json_object_set_new(out, "disposition", json_bytes(part->disposition));
    json_object_set_new(out, "disposition_params", params_json(&part->disposition_params));
    json_object_set_new(out, "languages", json_strings(&part->languages));
    json_object_set_new(out, "location", json_bytes(part->location));
}

static void put_single(json_t *out, const struct body_part *part)
{
    json_object_set_new(out, "id", json_bytes(part->id));
    json_object_set_new(out, "description", json_bytes(part->description));
    json_object_set_new(out, "encoding", json_bytes(part->encoding));
    json_object_set_new(out, "size", json_u64(part->size));
    if (part->kind != BODY_BASIC) {
        json_object_set_new(out, "lines", json_u64(part->lines));
    }
    if (part->envelope != NULL) {
        json_object_set_new(out, "envelope", json_envelope(part->envelope));
    }
}

/* As deep as the reader lets it be. */
static json_t *json_body_part(const struct body_part *part)
{
    json_t *out = json_pack("{s:o, s:o, s:o}", "type", json_bytes(part->type), "subtype",
                            json_bytes(part->subtype), "params", params_json(&part->params));
    if (part->kind != BODY_MULTIPART) {
        put_single(out, part);
    }
    if (part->children != NULL) {
        json_t *parts = json_array();
        for (const struct body_part *child = part->children; child != NULL; child = child->next) {
            json_array_append_new(parts, json_body_part(child));
        }
        json_object_set_new(out, "parts", parts);
    }
    if (part->extended) {
        put_extension(out, part);
    }
    return out;
}

/* ---- FETCH ---- */

static json_t *written(void (*write)(struct writer *w, const void *value), const void *value)
{
    struct writer w;
    writer_init(&w, WRITER_LITERAL_SERVER, true, SIZE_MAX / 2);
    write(&w, value);
    json_t *out = json_bytes(str_make(w.buf.len > 0 ? w.buf.data : "", w.buf.len));
    writer_free(&w);
    return out;
}

static void write_section(struct writer *w, const void *section)
{
    section_item_write(w, section, false);
}

json_t *json_section(const struct section *section)
{
    return written(write_section, section);
}

static json_t *fetch_value(const struct fetch_data *d, enum fetch_item item)
{
    switch (item) {
    case FETCH_UID:
        return json_u64(d->uid);
    case FETCH_FLAGS:
        return json_flags(&d->flags);
    case FETCH_INTERNALDATE:
        return json_date(&d->internal_date);
    case FETCH_SIZE:
        return json_u64(d->size);
    case FETCH_MODSEQ:
        return json_u64(d->modseq);
    case FETCH_EMAILID:
        return json_bytes(d->email_id);
    case FETCH_THREADID:
        return d->thread_id.len > 0 ? json_bytes(d->thread_id) : json_null();
    case FETCH_GM_MSGID:
        return json_u64(d->gm_msgid);
    case FETCH_GM_THRID:
        return json_u64(d->gm_thrid);
    case FETCH_SAVEDATE:
        return d->has_save_date ? json_date(&d->save_date) : json_null();
    case FETCH_ENVELOPE:
        return d->envelope != NULL ? json_envelope(d->envelope) : json_null();
    case FETCH_BODYSTRUCTURE:
    case FETCH_BODY_STRUCTURE_SHORT:
        return d->structure != NULL ? json_body_part(d->structure) : json_null();
    case FETCH_PREVIEW:
        return json_bytes(d->preview);
    case FETCH_GM_LABELS:
        return json_strings(&d->gm_labels);
    case FETCH_BODY_SECTION:
        break;
    }
    return NULL;
}

json_t *json_fetch_data(const struct fetch_data *d)
{
    static const struct json_bit items[] = {
        {FETCH_UID, "uid"},
        {FETCH_FLAGS, "flags"},
        {FETCH_INTERNALDATE, "internaldate"},
        {FETCH_SIZE, "size"},
        {FETCH_MODSEQ, "modseq"},
        {FETCH_EMAILID, "emailid"},
        {FETCH_THREADID, "threadid"},
        {FETCH_GM_MSGID, "gm_msgid"},
        {FETCH_GM_THRID, "gm_thrid"},
        {FETCH_SAVEDATE, "savedate"},
        {FETCH_ENVELOPE, "envelope"},
        {FETCH_BODYSTRUCTURE, "bodystructure"},
        {FETCH_BODY_STRUCTURE_SHORT, "body"},
        {FETCH_PREVIEW, "preview"},
        {FETCH_GM_LABELS, "gm_labels"},
    };
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        if ((d->have & items[i].bit) != 0) {
            json_object_set_new(out, items[i].name, fetch_value(d, (enum fetch_item)items[i].bit));
        }
    }
    json_t *sizes = d->binary_sizes_len > 0 ? json_array() : NULL;
    for (size_t i = 0; i < d->binary_sizes_len; i++) {
        json_array_append_new(sizes, json_pack("{s:o, s:o}", "section",
                                               json_section(&d->binary_sizes[i].section), "size",
                                               json_u64(d->binary_sizes[i].size)));
    }
    if (sizes != NULL) {
        json_object_set_new(out, "binary_sizes", sizes);
    }
    return out;
}

static void write_items(struct writer *w, const void *request)
{
    struct fetch_request items = *(const struct fetch_request *)request;
    items.changed_since = 0;
    items.vanished = false;
    items.partial = (struct partial_range){0};
    fetch_request_write(w, &items);
}

json_t *json_fetch_request(const struct fetch_request *request)
{
    json_t *out = json_pack("{s:o}", "items", written(write_items, request));
    if (request->changed_since != 0) {
        json_object_set_new(out, "changedsince", json_u64(request->changed_since));
    }
    if (request->vanished) {
        json_object_set_new(out, "vanished", json_true());
    }
    if (request->partial.first != 0) {
        json_object_set_new(out, "partial", json_partial(&request->partial));
    }
    return out;
}

/* ---- STORE, APPEND ---- */

json_t *json_store_params(const struct store_params *params)
{
    static const char *const modes[] = {
        [STORE_SET] = "set", [STORE_ADD] = "add", [STORE_REMOVE] = "remove"};
    json_t *out = json_pack("{s:s, s:b, s:o}", "mode", modes[params->mode], "silent",
                            params->silent, "flags", json_flags(&params->flags));
    if (params->has_unchanged_since) {
        json_object_set_new(out, "unchangedsince", json_u64(params->unchanged_since));
    }
    return out;
}

json_t *json_append_params(const struct append_params *params)
{
    json_t *out = json_pack("{s:o}", "flags", json_flags(&params->flags));
    if (params->has_date) {
        json_object_set_new(out, "date", json_date(&params->date));
    }
    return out;
}

/* ---- SEARCH, SORT, THREAD ---- */

static void write_key(struct writer *w, const void *key)
{
    struct search_key alone = *(const struct search_key *)key;
    alone.next = NULL;
    search_keys_write(w, &alone);
}

/* Keys as IMAP writes them; {"and": […]}, {"or": […]}, {"not": …} and {"fuzzy": …} of these. */
static json_t *search_key_json(const struct search_key *key)
{
    static const struct {
        enum search_kind kind;
        const char *name;
        bool one;
    } nodes[] = {
        {SEARCH_AND, "and", false},
        {SEARCH_OR, "or", false},
        {SEARCH_NOT, "not", true},
        {SEARCH_FUZZY, "fuzzy", true},
    };
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        if (key->kind != nodes[i].kind) {
            continue;
        }
        if (nodes[i].one) {
            return json_pack("{s:o}", nodes[i].name, search_key_json(key->children));
        }
        json_t *children = json_array();
        for (const struct search_key *c = key->children; c != NULL; c = c->next) {
            json_array_append_new(children, search_key_json(c));
        }
        return json_pack("{s:o}", nodes[i].name, children);
    }
    return written(write_key, key);
}

static const struct json_bit search_returns[] = {
    {SEARCH_RETURN_MIN, "MIN"}, {SEARCH_RETURN_MAX, "MAX"},   {SEARCH_RETURN_COUNT, "COUNT"},
    {SEARCH_RETURN_ALL, "ALL"}, {SEARCH_RETURN_SAVE, "SAVE"}, {SEARCH_RETURN_PARTIAL, "PARTIAL"},
};

json_t *json_search_request(const struct search_request *request)
{
    json_t *out = json_pack("{s:o}", "criteria", search_key_json(request->key));
    if (request->options.extended) {
        json_object_set_new(out, "return",
                            json_bits(request->options.wanted, search_returns,
                                      sizeof search_returns / sizeof *search_returns));
    }
    if ((request->options.wanted & SEARCH_RETURN_PARTIAL) != 0) {
        json_object_set_new(out, "partial", json_partial(&request->options.partial));
    }
    if (request->charset.len > 0) {
        json_object_set_new(out, "charset", json_bytes(request->charset));
    }
    return out;
}

json_t *json_search_result(const struct search_result *r)
{
    const struct {
        unsigned bit;
        const char *name;
        uint32_t value;
    } numbers[] = {
        {SEARCH_RETURN_MIN, "min", r->min},
        {SEARCH_RETURN_MAX, "max", r->max},
        {SEARCH_RETURN_COUNT, "count", r->count},
    };
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if ((r->have & numbers[i].bit) != 0) {
            json_object_set_new(out, numbers[i].name, json_integer(numbers[i].value));
        }
    }
    if ((r->have & SEARCH_RETURN_ALL) != 0) {
        json_object_set_new(out, "all", json_set(&r->all));
    }
    if ((r->have & SEARCH_RETURN_PARTIAL) != 0) {
        json_object_set_new(out, "partial",
                            json_pack("{s:o, s:o}", "range", json_partial(&r->partial), "set",
                                      json_set(&r->partial_set)));
    }
    if (r->modseq != 0) {
        json_object_set_new(out, "modseq", json_u64(r->modseq));
    }
    if (r->extended) {
        json_object_set_new(out, "uid", json_boolean(r->uid));
        json_object_set_new(out, "tag", r->tag.len > 0 ? json_bytes(r->tag) : json_null());
    }
    return out;
}

json_t *json_sort_result(const struct sort_result *result)
{
    json_t *numbers = json_array();
    for (size_t i = 0; i < result->len; i++) {
        json_array_append_new(numbers, json_integer(result->numbers[i]));
    }
    json_t *out = json_pack("{s:o}", "numbers", numbers);
    if (result->modseq != 0) {
        json_object_set_new(out, "modseq", json_u64(result->modseq));
    }
    return out;
}

json_t *json_sort_request(const struct sort_request *request)
{
    json_t *criteria = json_array();
    for (size_t i = 0; i < request->criteria_len; i++) {
        json_array_append_new(criteria,
                              json_sprintf("%s%s", request->criteria[i].reverse ? "REVERSE " : "",
                                           sort_key_name(request->criteria[i].key)));
    }
    json_t *out = json_search_request(&request->search);
    json_object_set_new(out, "sort", criteria);
    return out;
}

json_t *json_thread_request(const struct thread_request *request)
{
    json_t *out = json_pack("{s:o, s:o}", "algorithm", json_bytes(request->algorithm), "criteria",
                            search_key_json(request->key));
    if (request->charset.len > 0) {
        json_object_set_new(out, "charset", json_bytes(request->charset));
    }
    return out;
}

/* Goes deeper at branches alone, which the reader bounds. */
static json_t *thread_json(const struct thread_node *node)
{
    json_t *out = json_array();
    while (node != NULL) {
        json_array_append_new(out, node->number == 0 ? json_null() : json_integer(node->number));
        const struct thread_node *reply = node->children;
        if (reply != NULL && reply->next != NULL) {
            for (; reply != NULL; reply = reply->next) {
                json_array_append_new(out, thread_json(reply));
            }
        }
        node = reply;
    }
    return out;
}

json_t *json_threads(const struct thread_node *threads)
{
    json_t *out = json_array();
    for (const struct thread_node *t = threads; t != NULL; t = t->next) {
        json_array_append_new(out, thread_json(t));
    }
    return out;
}
