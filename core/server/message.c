#include "server/message.h"

/* Up to and with the next line end; false at the end of `rest`. */
static bool next_line(struct str *rest, struct str *line)
{
    if (rest->len == 0) {
        return false;
    }
    ptrdiff_t end = str_find(*rest, '\n');
    *line = end < 0 ? *rest : str_sub(*rest, 0, (size_t)end + 1);
    *rest = str_from_offset(*rest, line->len);
    return true;
}

static bool is_empty_line(struct str line)
{
    return str_eq(line, STR("\n")) || str_eq(line, STR("\r\n"));
}

struct str message_header(struct str message)
{
    struct str rest = message;
    struct str line;
    while (next_line(&rest, &line)) {
        if (is_empty_line(line)) {
            break;
        }
    }
    return str_sub(message, 0, message.len - rest.len);
}

struct str message_text(struct str message)
{
    return str_from_offset(message, message_header(message).len);
}

bool message_next_field(struct str *header, struct str *name, struct str *field)
{
    struct str line;
    struct str start = *header;
    if (!next_line(header, &line) || is_empty_line(line)) {
        return false;
    }
    ptrdiff_t colon = str_find(line, ':');
    *name = colon < 0 ? STR_EMPTY : str_trim(str_sub(line, 0, (size_t)colon));
    while (header->len > 0 && (header->ptr[0] == ' ' || header->ptr[0] == '\t')) {
        (void)next_line(header, &line);
    }
    *field = str_sub(start, 0, start.len - header->len);
    return true;
}

void message_field_value(struct str field, struct buf *out)
{
    ptrdiff_t colon = str_find(field, ':');
    struct str value = str_trim(str_from_offset(field, (size_t)(colon + 1)));
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != '\r' && value.ptr[i] != '\n') {
            buf_add_byte(out, value.ptr[i]);
        }
    }
}

static bool section_names(const struct section *section, struct str name)
{
    for (size_t i = 0; i < section->fields_len; i++) {
        if (str_eq_nocase(section->fields[i], name)) {
            return true;
        }
    }
    return false;
}

static struct str chosen_fields(struct str message, const struct section *section,
                                struct buf *scratch)
{
    struct str header = message_header(message);
    struct str name;
    struct str field;
    bool wanted = section->part == SECTION_HEADER_FIELDS;
    buf_clear(scratch);
    while (message_next_field(&header, &name, &field)) {
        if (section_names(section, name) == wanted) {
            buf_add_str(scratch, field);
        }
    }
    buf_add_cstr(scratch, "\r\n");
    return buf_str(scratch);
}

static bool is_multipart(struct str message)
{
    struct str header = message_header(message);
    struct str name;
    struct str field;
    struct buf value AUTO_BUF = BUF_INIT(64 * 1024);
    while (message_next_field(&header, &name, &field)) {
        if (!str_eq_nocase(name, STR("Content-Type"))) {
            continue;
        }
        buf_clear(&value);
        message_field_value(field, &value);
        return str_starts_nocase(buf_str(&value), STR("multipart/")) ||
               str_starts_nocase(buf_str(&value), STR("message/"));
    }
    return false;
}

static bool numbered_part(struct str message, const struct section *section, struct str *out)
{
    if (section->path_len > 1 || section->path[0] != 1 || is_multipart(message)) {
        return false;
    }
    if (section->part == SECTION_MIME) {
        *out = message_header(message);
    } else {
        *out = message_text(message);
    }
    return section->part == SECTION_MIME || section->part == SECTION_WHOLE;
}

bool message_section(struct str message, const struct section *section, struct buf *scratch,
                     struct str *out)
{
    if (section->path_len > 0) {
        return numbered_part(message, section, out);
    }
    switch (section->part) {
    case SECTION_WHOLE:
        *out = message;
        return true;
    case SECTION_HEADER:
        *out = message_header(message);
        return true;
    case SECTION_TEXT:
        *out = message_text(message);
        return true;
    case SECTION_HEADER_FIELDS:
    case SECTION_HEADER_FIELDS_NOT:
        *out = chosen_fields(message, section, scratch);
        return true;
    case SECTION_MIME:
        break;
    }
    return false;
}

struct str message_partial(struct str part, const struct section *section)
{
    if (!section->has_partial) {
        return part;
    }
    struct str rest = str_from_offset(part, section->offset);
    return section->count == 0 ? rest : str_sub(rest, 0, section->count);
}
