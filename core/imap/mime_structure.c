/* ENVELOPE and BODYSTRUCTURE of a message. */
#include "imap/limits.h"
#include "imap/mime_private.h"

/* Every field of that name, as one list. */
static void addresses_of(struct arena *arena, struct str header, struct str wanted,
                         struct imap_addresses *out)
{
    struct str name;
    struct str field;
    *out = (struct imap_addresses){0};
    while (mime_next_field(&header, &name, &field)) {
        if (!str_eq_nocase(name, wanted)) {
            continue;
        }
        struct imap_addresses more;
        mime_addresses(arena, mime_unfold(arena, field), &more);
        if (out->len == 0) {
            *out = more;
        } else if (more.len > 0 && out->len + more.len <= LIMIT_ADDRESSES) {
            struct imap_address *items = arena_array(arena, out->len + more.len, sizeof *items);
            memcpy(items, out->items, out->len * sizeof *items);
            memcpy(items + out->len, more.items, more.len * sizeof *items);
            *out = (struct imap_addresses){items, out->len + more.len};
        }
    }
}

void mime_envelope(struct arena *arena, const struct mime_part *message, struct envelope *out)
{
    struct str header = message->header;
    *out = (struct envelope){0};
    out->date = mime_field(arena, header, STR("Date"));
    out->subject = mime_field(arena, header, STR("Subject"));
    addresses_of(arena, header, STR("From"), &out->from);
    addresses_of(arena, header, STR("Sender"), &out->sender);
    addresses_of(arena, header, STR("Reply-To"), &out->reply_to);
    addresses_of(arena, header, STR("To"), &out->to);
    addresses_of(arena, header, STR("Cc"), &out->cc);
    addresses_of(arena, header, STR("Bcc"), &out->bcc);
    out->in_reply_to = mime_field(arena, header, STR("In-Reply-To"));
    out->message_id = mime_field(arena, header, STR("Message-ID"));
    if (out->sender.len == 0) { /* RFC 9051 section 7.5.2: the server sees to it */
        out->sender = out->from;
    }
    if (out->reply_to.len == 0) {
        out->reply_to = out->from;
    }
}

static uint64_t count_lines(struct str body)
{
    uint64_t lines = 0;
    const char *at = body.ptr;
    const char *end = body.ptr + body.len;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        lines++;
        at++;
    }
    return lines;
}

static void languages_of(struct arena *arena, struct str header, struct str_list *out)
{
    struct str word;
    struct str value = mime_field(arena, header, STR("Content-Language"));
    while (out->len < LIMIT_BODY_PARAMS && str_split(&value, ',', &word)) {
        word = str_trim(mime_skip_comments(word, NULL));
        if (word.len > 0) {
            str_list_add(arena, out, word);
        }
    }
}

static void extension_of(struct arena *arena, const struct mime_part *part, struct body_part *out)
{
    struct mime_value value;
    struct str disposition = mime_field(arena, part->header, STR("Content-Disposition"));
    out->extended = true;
    if (part->kind != BODY_MULTIPART) {
        out->md5 = mime_field(arena, part->header, STR("Content-MD5"));
    }
    out->disposition = str_make(NULL, 0);
    if (mime_value_parse(arena, disposition, &value)) {
        out->disposition = value.type;
        out->disposition_params = value.params;
    }
    languages_of(arena, part->header, &out->languages);
    out->location = mime_field(arena, part->header, STR("Content-Location"));
}

/* charset is told of text that tells none (RFC 9051 section 7.5.2). */
static void params_of(struct arena *arena, const struct mime_part *part, struct body_part *out)
{
    struct mime_value value;
    struct str type = mime_field(arena, part->header, STR("Content-Type"));
    if (mime_value_parse(arena, type, &value) && value.subtype.len > 0) {
        out->params = value.params;
    }
    if (part->kind == BODY_TEXT && out->params.len == 0) {
        out->params.items = arena_alloc(arena, sizeof *out->params.items);
        out->params.items[0] = (struct body_param){STR("charset"), STR("us-ascii")};
        out->params.len = 1;
    }
}

void mime_bodystructure(struct arena *arena, const struct mime_part *part, struct body_part *out)
{
    *out = (struct body_part){.kind = part->kind, .type = part->type, .subtype = part->subtype};
    params_of(arena, part, out);
    extension_of(arena, part, out);
    if (part->kind != BODY_MULTIPART) {
        out->id = mime_field(arena, part->header, STR("Content-ID"));
        out->description = mime_field(arena, part->header, STR("Content-Description"));
        out->encoding = part->encoding;
        out->size = part->body.len;
        out->lines = part->kind == BODY_BASIC ? 0 : count_lines(part->body);
    }
    if (part->kind == BODY_MESSAGE) {
        out->envelope = arena_alloc(arena, sizeof *out->envelope);
        mime_envelope(arena, part->children, out->envelope);
    }
    struct body_part **tail = &out->children;
    for (const struct mime_part *child = part->children; child != NULL; child = child->next) {
        *tail = arena_alloc(arena, sizeof **tail);
        mime_bodystructure(arena, child, *tail); /* as deep as mime_parse went */
        tail = &(*tail)->next;
        out->children_len++;
    }
}
