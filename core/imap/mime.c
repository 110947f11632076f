/* The tree of parts, and what sections name in it. */
#include "imap/mime.h"
#include "wire/chars.h"
#include "imap/limits.h"
#include "imap/mime_decode.h"
#include "imap/mime_private.h"

/* ---- the tree ---- */

struct mime_parser {
    struct arena *arena;
    size_t parts;
};

/* Up to and with the empty line, or all of it. */
static struct str header_of(struct str message)
{
    size_t at = 0;
    while (at < message.len) {
        const char *line = message.ptr + at;
        size_t left = message.len - at;
        const char *lf = memchr(line, '\n', left);
        size_t len = lf != NULL ? (size_t)(lf - line) + 1 : left;
        at += len;
        if (lf != NULL && (len == 1 || (len == 2 && line[0] == '\r'))) {
            break;
        }
    }
    return str_sub(message, 0, at);
}

struct boundary_line {
    size_t begin, end; /* of the line, with its line end */
    bool last;         /* "--boundary--" */
};

/* Whether the line at `at` is one of `boundary`. */
static bool is_boundary(struct str body, size_t at, struct str boundary, struct boundary_line *out)
{
    struct str rest = str_from_offset(body, at);
    if (!str_starts(rest, STR("--")) || !str_starts(str_from_offset(rest, 2), boundary)) {
        return false;
    }
    size_t n = 2 + boundary.len;
    out->last = str_starts(str_from_offset(rest, n), STR("--"));
    n += out->last ? 2 : 0;
    while (n < rest.len && (rest.ptr[n] == ' ' || rest.ptr[n] == '\t' || rest.ptr[n] == '\r')) {
        n++;
    }
    if (n < rest.len && rest.ptr[n] != '\n') {
        return false;
    }
    out->begin = at;
    out->end = at + (n < rest.len ? n + 1 : n);
    return true;
}

/* The next boundary from the line that begins at `at`. */
static bool find_boundary(struct str body, size_t at, struct str boundary,
                          struct boundary_line *out)
{
    while (at < body.len) {
        if (body.ptr[at] == '-' && is_boundary(body, at, boundary, out)) {
            return true;
        }
        const char *lf = memchr(body.ptr + at, '\n', body.len - at);
        if (lf == NULL) {
            return false;
        }
        at = (size_t)(lf - body.ptr) + 1;
    }
    return false;
}

static struct mime_part *part_parse(struct mime_parser *m, struct str bytes, bool in_digest,
                                    unsigned depth);

static void multipart_parse(struct mime_parser *m, struct mime_part *part, unsigned depth)
{
    struct boundary_line line;
    struct mime_part **tail = &part->children;
    bool digest = str_eq_nocase(part->subtype, STR("digest"));
    bool more = find_boundary(part->body, 0, part->boundary, &line) && !line.last;
    while (more && m->parts < LIMIT_BODY_PARTS) {
        struct boundary_line next;
        size_t begin = line.end;
        bool closed = find_boundary(part->body, begin, part->boundary, &next);
        size_t end = closed ? next.begin : part->body.len;
        if (closed && end > begin) { /* its line end belongs to the boundary */
            end--;
            end -= end > begin && part->body.ptr[end - 1] == '\r' ? 1 : 0;
        }
        *tail = part_parse(m, str_sub(part->body, begin, end - begin), digest, depth + 1);
        tail = &(*tail)->next;
        part->children_len++;
        more = closed && !next.last;
        line = next;
    }
}

/* Content-Type and Content-Transfer-Encoding, or what holds without them (RFC 2045 section 5.2). */
static void type_parse(struct mime_parser *m, struct mime_part *part, bool in_digest)
{
    struct mime_value value;
    struct str type = mime_field(m->arena, part->header, STR("Content-Type"));
    struct str encoding = mime_field(m->arena, part->header, STR("Content-Transfer-Encoding"));
    bool told = mime_value_parse(m->arena, type, &value) && value.subtype.len > 0;
    part->type = told ? value.type : in_digest ? STR("message") : STR("text");
    part->subtype = told ? value.subtype : in_digest ? STR("rfc822") : STR("plain");
    part->boundary = told ? body_param_find(&value.params, STR("boundary")) : STR_EMPTY;
    part->encoding = mime_value_parse(m->arena, encoding, &value) ? value.type : STR("7BIT");
}

static struct mime_part *part_parse(struct mime_parser *m, struct str bytes, bool in_digest,
                                    unsigned depth)
{
    struct mime_part *part = arena_alloc(m->arena, sizeof *part);
    m->parts++;
    part->header = header_of(bytes);
    part->body = str_from_offset(bytes, part->header.len);
    type_parse(m, part, in_digest);
    bool deeper = depth < LIMIT_MIME_DEPTH;
    if (str_eq_nocase(part->type, STR("multipart"))) {
        part->kind = BODY_MULTIPART;
        if (deeper && part->boundary.len > 0) {
            multipart_parse(m, part, depth);
        }
    } else if (str_eq_nocase(part->type, STR("text"))) {
        part->kind = BODY_TEXT;
    } else if (deeper && m->parts < LIMIT_BODY_PARTS && str_eq_nocase(part->type, STR("message")) &&
               (str_eq_nocase(part->subtype, STR("rfc822")) ||
                str_eq_nocase(part->subtype, STR("global")))) {
        part->kind = BODY_MESSAGE;
        part->children = part_parse(m, part->body, false, depth + 1);
        part->children_len = 1;
    }
    return part;
}

struct mime_part *mime_parse(struct arena *arena, struct str message)
{
    struct mime_parser m = {arena, 0};
    return part_parse(&m, message, false, 0);
}

/* ---- sections ---- */

/* The part that the numbers name; NULL if there is none. As body_part_find. */
static const struct mime_part *part_find(const struct mime_part *root,
                                         const struct section *section)
{
    const struct mime_part *part = root;
    for (unsigned i = 0; i < section->path_len && part != NULL; i++) {
        bool whole = i == 0 || part->kind == BODY_MESSAGE;
        if (i > 0 && whole) {
            part = part->children;
        }
        if (part == NULL || part->kind != BODY_MULTIPART) {
            part = whole && section->path[i] == 1 ? part : NULL;
            continue;
        }
        const struct mime_part *child = part->children;
        for (uint32_t n = 1; n < section->path[i] && child != NULL; n++) {
            child = child->next;
        }
        part = child;
    }
    return part;
}

static bool names_field(const struct section *section, struct str name)
{
    for (size_t i = 0; i < section->fields_len; i++) {
        if (str_eq_nocase(section->fields[i], name)) {
            return true;
        }
    }
    return false;
}

/* The fields as they are, and the empty line behind them. */
static struct str chosen_fields(struct arena *arena, struct str header,
                                const struct section *section)
{
    struct str name;
    struct str field;
    struct str rest = header;
    bool wanted = section->part == SECTION_HEADER_FIELDS;
    char *out = arena_alloc(arena, header.len + 2);
    size_t len = 0;
    while (mime_next_field(&rest, &name, &field)) {
        if (names_field(section, name) == wanted) {
            memcpy(out + len, field.ptr, field.len);
            len += field.len;
        }
    }
    memcpy(out + len, "\r\n", 2);
    return str_make(out, len + 2);
}

static struct str whole_of(const struct mime_part *part)
{
    return str_make(part->header.ptr, part->header.len + part->body.len);
}

bool mime_section(struct arena *arena, const struct mime_part *message,
                  const struct section *section, struct str *out)
{
    const struct mime_part *part = part_find(message, section);
    bool top = section->path_len == 0;
    if (part == NULL) {
        return false;
    }
    if (section->part == SECTION_WHOLE) {
        *out = top ? whole_of(part) : part->body;
        return true;
    }
    if (section->part == SECTION_MIME) {
        *out = part->header;
        return !top;
    }
    if (!top) { /* the rest is of the message within */
        part = part->kind == BODY_MESSAGE ? part->children : NULL;
    }
    if (part == NULL) {
        return false;
    }
    if (section->part == SECTION_TEXT) {
        *out = part->body;
    } else if (section->part == SECTION_HEADER) {
        *out = part->header;
    } else {
        *out = chosen_fields(arena, part->header, section);
    }
    return true;
}

enum mime_binary mime_binary(struct arena *arena, const struct mime_part *message,
                             const struct section *section, struct str *out)
{
    const struct mime_part *part = part_find(message, section);
    if (part == NULL) {
        return MIME_BINARY_NO_PART;
    }
    if (section->path_len == 0 || part->kind == BODY_MULTIPART || part->kind == BODY_MESSAGE) {
        *out = section->path_len == 0 ? whole_of(part) : part->body;
        return MIME_BINARY_OK;
    }
    return mime_decode_transfer(arena, part->encoding, part->body, out) ? MIME_BINARY_OK
                                                                        : MIME_BINARY_UNKNOWN_CTE;
}

struct str mime_partial(struct str bytes, const struct section *section)
{
    if (!section->has_partial) {
        return bytes;
    }
    struct str rest = str_from_offset(bytes, section->offset);
    return section->count == 0 ? rest : str_sub(rest, 0, section->count);
}
