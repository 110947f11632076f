/* PREVIEW (RFC 8970). */
#include "imap/limits.h"
#include "imap/mime_decode.h"
#include "imap/mime_private.h"

#define PREVIEW_CHARACTERS 200

static bool is_attachment(struct arena *arena, const struct mime_part *part)
{
    struct mime_value value;
    struct str disposition = mime_field(arena, part->header, STR("Content-Disposition"));
    return mime_value_parse(arena, disposition, &value) &&
           str_eq_nocase(value.type, STR("attachment"));
}

/* The first text part of that subtype, not of a message within. */
static const struct mime_part *text_find(struct arena *arena, const struct mime_part *part,
                                         struct str subtype)
{
    if (part->kind == BODY_TEXT) {
        return str_eq_nocase(part->subtype, subtype) && !is_attachment(arena, part) ? part : NULL;
    }
    const struct mime_part *child = part->kind == BODY_MULTIPART ? part->children : NULL;
    for (; child != NULL; child = child->next) {
        const struct mime_part *found = text_find(arena, child, subtype);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* ---- markup ---- */

/* Behind "</style" and the like, or the end. */
static struct str skip_element(struct str s, struct str name)
{
    while (s.len > 0) {
        ptrdiff_t at = str_find(s, '<');
        s = at < 0 ? STR_EMPTY : str_from_offset(s, (size_t)at + 1);
        if (s.len > 0 && s.ptr[0] == '/' && str_starts_nocase(str_from_offset(s, 1), name)) {
            break;
        }
    }
    return s;
}

/* Behind `<`, to behind `>`. */
static struct str skip_tag(struct str s)
{
    static const struct str hidden[] = {STR_INIT("style"), STR_INIT("script"), STR_INIT("head"),
                                        STR_INIT("title")};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (str_starts_nocase(s, hidden[i])) {
            s = skip_element(s, hidden[i]);
            break;
        }
    }
    ptrdiff_t end = str_find(s, '>');
    return end < 0 ? STR_EMPTY : str_from_offset(s, (size_t)end + 1);
}

struct entity {
    const char *name;
    const char *text;
};
static const struct entity entities[] = {{"amp;", "&"},   {"lt;", "<"},   {"gt;", ">"},
                                         {"quot;", "\""}, {"nbsp;", " "}, {"#39;", "'"},
                                         {"apos;", "'"},  {"#160;", " "}};

/* Behind `&`; what is not known stands for itself. */
static struct str take_entity(struct str s, struct buf *out)
{
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (str_starts_nocase(s, str_from(entities[i].name))) {
            buf_add_cstr(out, entities[i].text);
            return str_from_offset(s, strlen(entities[i].name));
        }
    }
    buf_add_byte(out, '&');
    return s;
}

static struct str strip_markup(struct arena *arena, struct str html)
{
    struct buf out AUTO_BUF = BUF_INIT(html.len + 1);
    while (html.len > 0) {
        char c = html.ptr[0];
        html = str_from_offset(html, 1);
        if (c == '<') {
            html = skip_tag(html);
            buf_add_byte(&out, ' ');
        } else if (c == '&') {
            html = take_entity(html, &out);
        } else {
            buf_add_byte(&out, c);
        }
    }
    return arena_str(arena, buf_str(&out));
}

/* ---- text ---- */

/* One line of at most PREVIEW_CHARACTERS. */
static struct str cut(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, 4 * PREVIEW_CHARACTERS + 1);
    size_t len = 0;
    for (unsigned characters = 0; text.len > 0 && characters < PREVIEW_CHARACTERS;) {
        size_t n = str_utf8_char(str_sub(text, 0, 4));
        bool control = n == 1 && ((unsigned char)text.ptr[0] <= ' ' || text.ptr[0] == 0x7f);
        if (n > 1 || (n == 1 && !control)) {
            memcpy(out + len, text.ptr, n);
            len += n;
            characters++;
        } else if (len > 0 && out[len - 1] != ' ') {
            out[len++] = ' ';
            characters++;
        }
        text = str_from_offset(text, n > 0 ? n : 1);
    }
    return str_trim(str_make(out, len));
}

/* Without the characters at the end that are no whole group of four. */
static struct str whole_base64(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += (unsigned char)text.ptr[i] > ' ' ? 1 : 0;
    }
    for (size_t drop = count % 4; drop > 0; text.len--) {
        drop -= (unsigned char)text.ptr[text.len - 1] > ' ' ? 1 : 0;
    }
    return text;
}

struct str mime_preview(struct arena *arena, const struct mime_part *message)
{
    struct mime_value value;
    struct str text;
    const struct mime_part *part = text_find(arena, message, STR("plain"));
    bool html = part == NULL;
    part = html ? text_find(arena, message, STR("html")) : part;
    if (part == NULL) {
        return STR_EMPTY;
    }
    struct str body = str_sub(part->body, 0, LIMIT_PREVIEW_BYTES);
    if (body.len < part->body.len && str_eq_nocase(part->encoding, STR("base64"))) {
        body = whole_base64(body);
    }
    if (!mime_decode_transfer(arena, part->encoding, body, &text)) {
        return STR_EMPTY;
    }
    struct str type = mime_field(arena, part->header, STR("Content-Type"));
    struct str charset = mime_value_parse(arena, type, &value)
                             ? body_param_find(&value.params, STR("charset"))
                             : STR_EMPTY;
    text = mime_to_utf8(arena, charset.ptr != NULL ? charset : STR_EMPTY, text);
    return cut(arena, html ? strip_markup(arena, text) : text);
}
