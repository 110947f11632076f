#include "cmd/outline.h"
#include "base/alloc.h"

/* Deeper values are left out of what people see. */
#define DEPTH_MAX 64

static void add_printable(struct buf *out, const char *text, size_t len)
{
    AUTO_FREE char *copy = xstrndup(text, len);
    buf_add(out, copy, str_make_printable(copy, strlen(copy)));
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= ' ' || strchr("\"(){}", s.ptr[i]) != NULL) {
            return false;
        }
    }
    return s.len > 0;
}

static void add_quoted(struct buf *out, struct str s)
{
    AUTO_FREE char *copy = xstrndup(s.ptr, s.len);
    size_t len = str_make_printable(copy, strlen(copy));
    buf_add_byte(out, '"');
    for (size_t i = 0; i < len; i++) {
        buf_add_cstr(out, copy[i] == '"' || copy[i] == '\\' ? "\\" : "");
        buf_add_byte(out, copy[i]);
    }
    buf_add_byte(out, '"');
}

/* A string, number, word or NIL. */
static void add_scalar(struct buf *out, const json_t *value, bool quote)
{
    switch (json_typeof(value)) {
    case JSON_STRING: {
        struct str s = {json_string_value(value), json_string_length(value)};
        bool quoted = quote && !is_plain(s);
        if (quoted) {
            add_quoted(out, s);
        } else {
            add_printable(out, s.ptr, s.len);
        }
        break;
    }
    case JSON_INTEGER:
        buf_addf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        buf_addf(out, "%g", json_real_value(value));
        break;
    case JSON_NULL:
        buf_add_cstr(out, "NIL");
        break;
    default:
        buf_add_cstr(out, json_is_true(value) ? "yes" : "no");
        break;
    }
}

static void add_inline(struct buf *out, const json_t *value, unsigned depth);

static void add_members(struct buf *out, const json_t *object, unsigned depth)
{
    const char *name;
    const json_t *value;
    bool first = true;
    /* The iteration does not change the object, though its type is not const. */
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        buf_add_cstr(out, first ? "" : " ");
        first = false;
        buf_add_cstr(out, name);
        buf_add_byte(out, '=');
        add_inline(out, value, depth);
    }
}

static void add_inline(struct buf *out, const json_t *value, unsigned depth)
{
    if (depth == 0) {
        buf_add_cstr(out, "…");
    } else if (json_is_object(value)) {
        buf_add_byte(out, '{');
        add_members(out, value, depth - 1);
        buf_add_byte(out, '}');
    } else if (json_is_array(value)) {
        buf_add_byte(out, '(');
        for (size_t i = 0; i < json_array_size(value); i++) {
            buf_add_cstr(out, i == 0 ? "" : " ");
            add_inline(out, json_array_get(value, i), depth - 1);
        }
        buf_add_byte(out, ')');
    } else {
        add_scalar(out, value, true);
    }
}

void outline_line(struct buf *out, const json_t *value)
{
    if (json_is_object(value)) {
        add_members(out, value, DEPTH_MAX);
    } else if (json_is_string(value)) {
        add_scalar(out, value, false);
    } else if (!json_is_null(value)) {
        add_inline(out, value, DEPTH_MAX);
    }
}

/* Whether it reads well behind its name: a scalar, a list of scalars, or nothing. */
static bool fits_behind(const json_t *value)
{
    if (json_is_object(value)) {
        return json_object_size(value) == 0;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (json_is_object(item) || json_is_array(item)) {
            return false;
        }
    }
    return true;
}

static void add_behind(struct buf *out, const json_t *value)
{
    if (!json_is_array(value) && !json_is_object(value)) {
        add_scalar(out, value, false);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        buf_add_cstr(out, i == 0 ? "" : " ");
        add_scalar(out, json_array_get(value, i), true);
    }
}

static void add_indent(struct buf *out, unsigned indent)
{
    for (unsigned i = 0; i < indent; i++) {
        buf_add_cstr(out, "  ");
    }
}

static void add_block(struct buf *out, const json_t *value, unsigned indent);

static void add_named(struct buf *out, const char *name, const json_t *value, unsigned indent)
{
    add_indent(out, indent);
    buf_add_cstr(out, name);
    if (fits_behind(value)) {
        buf_add_cstr(out, ": ");
        add_behind(out, value);
        buf_add_byte(out, '\n');
    } else {
        buf_add_cstr(out, ":\n");
        add_block(out, value, indent + 1);
    }
}

static void add_block(struct buf *out, const json_t *value, unsigned indent)
{
    const char *name;
    const json_t *member;
    if (json_is_object(value) && indent < DEPTH_MAX) {
        json_object_foreach((json_t *)(uintptr_t)value, name, member)
        {
            add_named(out, name, member, indent);
        }
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            add_indent(out, indent);
            outline_line(out, json_array_get(value, i));
            buf_add_byte(out, '\n');
        }
    } else if (!json_is_null(value)) {
        add_indent(out, indent);
        add_scalar(out, value, false);
        buf_add_byte(out, '\n');
    }
}

void outline_block(struct buf *out, const json_t *value)
{
    add_block(out, value, 0);
}
