#include "cmd/imap_fetch_text.h"
#include "imap/mime_decode.h"
#include "cmd/json_imap.h"

/* ---- ENVELOPE ---- */

static json_t *words_json(struct str value, struct arena *arena)
{
    return value.ptr == NULL ? NULL : json_bytes(mime_decode_words(arena, value));
}

static json_t *address_text(const struct imap_address *a, struct arena *arena)
{
    struct str name = a->name.ptr == NULL ? STR_EMPTY : mime_decode_words(arena, a->name);
    bool quoted = name.len > 0;
    return json_bytes(
        str_from(arena_printf(arena, "%.*s%s%.*s@%.*s%s", STR_ARG(name), quoted ? " <" : "",
                              STR_ARG(a->mailbox), STR_ARG(a->host), quoted ? ">" : "")));
}

static void put_addresses(json_t *out, const char *name, const struct imap_addresses *list,
                          struct arena *arena)
{
    json_t *texts = list->len > 0 ? json_array() : NULL;
    for (size_t i = 0; i < list->len; i++) {
        const struct imap_address *a = &list->items[i];
        if (imap_address_role(a) == ADDRESS_ONE && a->mailbox.ptr != NULL && a->host.ptr != NULL) {
            json_array_append_new(texts, address_text(a, arena));
        } else if (imap_address_role(a) == ADDRESS_GROUP_BEGIN) {
            json_array_append_new(texts, words_json(a->mailbox, arena));
        }
    }
    if (texts != NULL) {
        json_object_set_new(out, name, texts);
    }
}

static json_t *envelope_text(const struct envelope *e, struct arena *arena)
{
    json_t *out = json_object();
    (void)json_object_set_new(out, "date", words_json(e->date, arena));
    (void)json_object_set_new(out, "subject", words_json(e->subject, arena));
    put_addresses(out, "from", &e->from, arena);
    put_addresses(out, "reply-to", &e->reply_to, arena);
    put_addresses(out, "to", &e->to, arena);
    put_addresses(out, "cc", &e->cc, arena);
    put_addresses(out, "bcc", &e->bcc, arena);
    (void)json_object_set_new(out, "in-reply-to", words_json(e->in_reply_to, arena));
    (void)json_object_set_new(out, "message-id", words_json(e->message_id, arena));
    return out;
}

/* ---- BODYSTRUCTURE ---- */

static const char *or_empty(struct str s)
{
    return s.ptr == NULL ? "" : s.ptr;
}

/* "1.2 text/plain utf-8, 1234 bytes, attachment a.txt"; as deep as the reader lets it be. */
static void add_part(json_t *out, const struct body_part *part, const char *number,
                     struct arena *arena)
{
    struct str charset = body_param_find(&part->params, STR("charset"));
    struct str name = body_param_find(&part->disposition_params, STR("filename"));
    name = name.ptr != NULL ? name : body_param_find(&part->params, STR("name"));
    if (part->kind == BODY_MULTIPART) {
        json_array_append_new(
            out, json_bytes(str_from(
                     arena_printf(arena, "%s%smultipart/%.*s", number, number[0] == '\0' ? "" : " ",
                                  (int)part->subtype.len, or_empty(part->subtype)))));
    } else {
        const char *type =
            arena_printf(arena, "%s %.*s/%.*s%s%.*s, %llu bytes%s%.*s%s%.*s",
                         number[0] == '\0' ? "1" : number, (int)part->type.len,
                         or_empty(part->type), (int)part->subtype.len, or_empty(part->subtype),
                         charset.ptr != NULL ? " " : "", (int)charset.len, or_empty(charset),
                         (unsigned long long)part->size, part->disposition.ptr != NULL ? ", " : "",
                         (int)part->disposition.len, or_empty(part->disposition),
                         name.ptr != NULL ? " " : "", (int)name.len, or_empty(name));
        json_array_append_new(out, json_bytes(mime_decode_words(arena, str_from(type))));
    }
    unsigned at = 0;
    for (const struct body_part *child = part->children; child != NULL; child = child->next) {
        at++;
        bool joined = part->kind == BODY_MESSAGE && child->kind == BODY_MULTIPART;
        const char *below = arena_printf(arena, "%s%s%u", number, number[0] == '\0' ? "" : ".", at);
        add_part(out, child, joined ? number : below, arena);
    }
}

json_t *fetch_for_people(const struct fetch_data *data, struct arena *arena)
{
    json_t *out = json_fetch_data(data);
    if ((data->have & FETCH_ENVELOPE) != 0 && data->envelope != NULL) {
        json_object_set_new(out, "envelope", envelope_text(data->envelope, arena));
    }
    if (data->structure != NULL) {
        json_t *parts = json_array();
        const char *name = (data->have & FETCH_BODYSTRUCTURE) != 0 ? "bodystructure" : "body";
        add_part(parts, data->structure, "", arena);
        json_object_set_new(out, name, parts);
    }
    return out;
}
