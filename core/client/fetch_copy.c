/* Copies of what FETCH tells, out of the memory that the next response takes. */
#include "client/client_private.h"

static struct str keep(struct arena *arena, struct str s)
{
    return s.ptr == NULL ? s : arena_str(arena, s);
}

struct imap_flags flags_copy(struct arena *arena, const struct imap_flags *flags)
{
    struct imap_flags copy = *flags;
    copy.keywords = arena_array(arena, flags->keywords_len, sizeof *copy.keywords);
    for (size_t i = 0; i < flags->keywords_len; i++) {
        copy.keywords[i] = arena_str(arena, flags->keywords[i]);
    }
    return copy;
}

static struct str_list list_copy(struct arena *arena, const struct str_list *list)
{
    struct str_list copy = {0};
    for (size_t i = 0; i < list->len; i++) {
        str_list_add(arena, &copy, keep(arena, list->items[i]));
    }
    return copy;
}

static struct imap_addresses addresses_copy(struct arena *arena, const struct imap_addresses *list)
{
    struct imap_addresses copy = {.len = list->len};
    copy.items = arena_array(arena, list->len, sizeof *copy.items);
    for (size_t i = 0; i < list->len; i++) {
        const struct imap_address *from = &list->items[i];
        copy.items[i] = (struct imap_address){
            .name = keep(arena, from->name),
            .route = keep(arena, from->route),
            .mailbox = keep(arena, from->mailbox),
            .host = keep(arena, from->host),
        };
    }
    return copy;
}

static struct envelope *envelope_copy(struct arena *arena, const struct envelope *from)
{
    if (from == NULL) {
        return NULL;
    }
    struct envelope *copy = arena_alloc(arena, sizeof *copy);
    *copy = (struct envelope){
        .date = keep(arena, from->date),
        .subject = keep(arena, from->subject),
        .from = addresses_copy(arena, &from->from),
        .sender = addresses_copy(arena, &from->sender),
        .reply_to = addresses_copy(arena, &from->reply_to),
        .to = addresses_copy(arena, &from->to),
        .cc = addresses_copy(arena, &from->cc),
        .bcc = addresses_copy(arena, &from->bcc),
        .in_reply_to = keep(arena, from->in_reply_to),
        .message_id = keep(arena, from->message_id),
    };
    return copy;
}

static struct body_params params_copy(struct arena *arena, const struct body_params *params)
{
    struct body_params copy = {.len = params->len};
    copy.items = arena_array(arena, params->len, sizeof *copy.items);
    for (size_t i = 0; i < params->len; i++) {
        copy.items[i].name = keep(arena, params->items[i].name);
        copy.items[i].value = keep(arena, params->items[i].value);
    }
    return copy;
}

static struct body_part *part_copy(struct arena *arena, const struct body_part *from)
{
    struct body_part *copy = arena_alloc(arena, sizeof *copy);
    *copy = *from;
    copy->type = keep(arena, from->type);
    copy->subtype = keep(arena, from->subtype);
    copy->params = params_copy(arena, &from->params);
    copy->id = keep(arena, from->id);
    copy->description = keep(arena, from->description);
    copy->encoding = keep(arena, from->encoding);
    copy->envelope = envelope_copy(arena, from->envelope);
    copy->md5 = keep(arena, from->md5);
    copy->disposition = keep(arena, from->disposition);
    copy->disposition_params = params_copy(arena, &from->disposition_params);
    copy->languages = list_copy(arena, &from->languages);
    copy->location = keep(arena, from->location);
    copy->children = NULL;
    copy->next = NULL;
    return copy;
}

/* The depth is bounded by LIMIT_DEPTH. */
static struct body_part *parts_copy(struct arena *arena, const struct body_part *from)
{
    struct body_part *first = NULL;
    struct body_part **end = &first;
    for (; from != NULL; from = from->next) {
        *end = part_copy(arena, from);
        (*end)->children = parts_copy(arena, from->children);
        end = &(*end)->next;
    }
    return first;
}

static void copy_binary_sizes(struct arena *arena, const struct fetch_data *data,
                              struct fetch_data *copy)
{
    copy->binary_sizes = arena_array(arena, data->binary_sizes_len, sizeof *copy->binary_sizes);
    for (size_t i = 0; i < data->binary_sizes_len; i++) {
        copy->binary_sizes[i] = data->binary_sizes[i];
    }
}

struct fetch_data fetch_data_copy(struct arena *arena, const struct fetch_data *data)
{
    struct fetch_data copy = *data;
    if (data->flags.keywords_len > 0) {
        copy.flags = flags_copy(arena, &data->flags);
    }
    if (data->email_id.len > 0) {
        copy.email_id = arena_str(arena, data->email_id);
    }
    if (data->thread_id.len > 0) {
        copy.thread_id = arena_str(arena, data->thread_id);
    }
    copy.preview = keep(arena, data->preview);
    if (data->gm_labels.len > 0) {
        copy.gm_labels = list_copy(arena, &data->gm_labels);
    }
    if (data->binary_sizes_len > 0) {
        copy_binary_sizes(arena, data, &copy);
    }
    copy.envelope = envelope_copy(arena, data->envelope);
    copy.structure = parts_copy(arena, data->structure);
    return copy;
}
