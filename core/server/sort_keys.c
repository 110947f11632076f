#include "server/sort_keys.h"
#include "imap/mime.h"
#include "imap/mime_decode.h"

static struct str upper(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        out[i] = (char)char_upper((unsigned char)text.ptr[i]);
    }
    return str_make(out, text.len);
}

/* The field that a key reads; NULL for those that read none. */
static const char *field_of(enum sort_key key)
{
    switch (key) {
    case SORT_CC:
        return "Cc";
    case SORT_FROM:
    case SORT_DISPLAYFROM:
        return "From";
    case SORT_TO:
    case SORT_DISPLAYTO:
        return "To";
    case SORT_SUBJECT:
        return "Subject";
    case SORT_ARRIVAL:
    case SORT_DATE:
    case SORT_SIZE:
    case SORT_KEYS:
        break;
    }
    return NULL;
}

/* The first address: its mailbox, or as DISPLAY has it its name, else the whole address. */
static struct str address_key(struct arena *scratch, struct str value, bool display)
{
    struct imap_addresses addresses = {0};
    mime_addresses(scratch, value, &addresses);
    if (addresses.len == 0) {
        return STR_EMPTY;
    }
    const struct imap_address *first = &addresses.items[0];
    struct str mailbox = first->mailbox.ptr != NULL ? first->mailbox : STR_EMPTY;
    if (!display) {
        return mailbox;
    }
    if (first->name.len > 0) {
        return mime_decode_words(scratch, first->name);
    }
    if (first->host.len == 0) {
        return mailbox;
    }
    return str_from(arena_printf(scratch, "%.*s@%.*s", STR_ARG(mailbox), STR_ARG(first->host)));
}

static void load_text(struct sort_keys *out, enum sort_key key, struct str header,
                      struct arena *arena, struct arena *scratch)
{
    struct str value = mime_field(scratch, header, str_from(field_of(key)));
    if (value.ptr == NULL) {
        out->texts[key] = STR_EMPTY;
    } else if (key == SORT_SUBJECT) {
        struct str subject = mime_decode_words(scratch, value);
        out->texts[key] = upper(arena, sort_base_subject(scratch, subject, &out->is_reply));
    } else {
        bool display = key == SORT_DISPLAYFROM || key == SORT_DISPLAYTO;
        out->texts[key] = upper(arena, address_key(scratch, value, display));
    }
}

bool sort_keys_load(struct session *s, uint32_t index, unsigned wanted, bool with_header,
                    struct arena *arena, struct arena *scratch, struct sort_keys *out)
{
    const unsigned without_bytes = 1u << SORT_ARRIVAL | 1u << SORT_SIZE;
    struct backend_message message;
    struct error err = ERROR_INIT;
    struct str body = STR_EMPTY;
    if (!tracker_message(&s->tracker, s->backend.ops, index, &message)) {
        return false;
    }
    *out = (struct sort_keys){.index = index,
                              .arrival_s = message.internal_date_s,
                              .date_s = message.internal_date_s,
                              .size = message.size};
    if ((wanted & ~without_bytes) == 0 && !with_header) {
        return true;
    }
    arena_reset(scratch);
    (void)s->backend.ops->body(s->tracker.mailbox, message.uid, &body, &err);
    struct str header = mime_parse(scratch, body)->header;
    struct str date = mime_field(scratch, header, STR("Date"));
    int32_t zone_s;
    if (date.ptr == NULL || !mime_date(date, &out->date_s, &zone_s)) {
        out->date_s = message.internal_date_s;
    }
    for (unsigned key = 0; key < SORT_KEYS; key++) {
        if ((wanted & 1u << key) != 0 && field_of((enum sort_key)key) != NULL) {
            load_text(out, (enum sort_key)key, header, arena, scratch);
        }
    }
    if (with_header) {
        out->header = arena_str(arena, header);
    }
    return true;
}

int sort_keys_compare(const struct sort_keys *a, const struct sort_keys *b, enum sort_key key)
{
    switch (key) {
    case SORT_ARRIVAL:
        return (a->arrival_s > b->arrival_s) - (a->arrival_s < b->arrival_s);
    case SORT_DATE:
        return (a->date_s > b->date_s) - (a->date_s < b->date_s);
    case SORT_SIZE:
        return (a->size > b->size) - (a->size < b->size);
    default:
        return str_cmp(a->texts[key], b->texts[key]);
    }
}
