#include "imap/section.h"
#include "imap/limits.h"
#include <assert.h>

static const struct str part_names[] = {
    [SECTION_WHOLE] = {"", 0},
    [SECTION_HEADER] = {"HEADER", 6},
    [SECTION_HEADER_FIELDS] = {"HEADER.FIELDS", 13},
    [SECTION_HEADER_FIELDS_NOT] = {"HEADER.FIELDS.NOT", 17},
    [SECTION_TEXT] = {"TEXT", 4},
    [SECTION_MIME] = {"MIME", 4},
};
#define PARTS (sizeof part_names / sizeof part_names[0])

static bool has_fields(enum section_part part)
{
    return part == SECTION_HEADER_FIELDS || part == SECTION_HEADER_FIELDS_NOT;
}

/* "1.2.HEADER": numbers, and then at most one name. */
static bool section_read_spec(struct reader *r, struct section *out)
{
    struct str rest;
    struct str head;
    if (!reader_expect_view(r, CHAR_NAME, &rest)) {
        return false;
    }
    while (char_is(rest.ptr[0], CHAR_DIGIT)) {
        (void)str_split(&rest, '.', &head);
        if (out->path_len == LIMIT_SECTION_PATH) {
            return reader_fail(r, "a body part nested deeper than %d", LIMIT_SECTION_PATH);
        }
        if (!str_to_u32(head, &out->path[out->path_len]) || out->path[out->path_len] == 0) {
            return reader_fail(r, "the body part number \"%.*s\"", STR_ARG(head));
        }
        out->path_len++;
        if (rest.len == 0) {
            return true;
        }
    }
    for (size_t i = SECTION_HEADER; i < PARTS; i++) {
        if (str_eq_nocase(rest, part_names[i])) {
            out->part = (enum section_part)i;
            return out->part != SECTION_MIME || out->path_len > 0 ||
                   reader_fail(r, "MIME without a part number");
        }
    }
    return reader_fail(r, "the body section \"%.*s\"", STR_ARG(rest));
}

static bool section_read_fields(struct reader *r, struct arena *arena, struct section *out)
{
    struct str fields[LIMIT_SECTION_FIELDS];
    size_t len = 0;
    if (!reader_expect_sp(r) || !reader_expect(r, '(')) {
        return false;
    }
    while (!reader_list_ended(r)) {
        if (len == LIMIT_SECTION_FIELDS) {
            return reader_fail(r, "more than %d header fields", LIMIT_SECTION_FIELDS);
        }
        if (!reader_expect_astring(r, &fields[len])) {
            return false;
        }
        len++;
    }
    if (len == 0) {
        return reader_fail(r, "an empty list of header fields");
    }
    out->fields = arena_array(arena, len, sizeof *out->fields);
    memcpy(out->fields, fields, len * sizeof *fields);
    out->fields_len = len;
    return true;
}

static bool section_read_number(struct reader *r, uint32_t *out)
{
    struct str digits;
    return reader_expect_view(r, CHAR_DIGIT, &digits) &&
           (str_to_u32(digits, out) || reader_fail(r, "an offset in a body that is out of range"));
}

/* "<0>" or "<0.100>", behind the `<`. */
static bool section_read_partial(struct reader *r, struct section *out)
{
    out->has_partial = true;
    if (!section_read_number(r, &out->offset)) {
        return false;
    }
    if (reader_accept(r, '.') && (!section_read_number(r, &out->count) || out->count == 0)) {
        return reader_fail(r, "a part of a body without a size");
    }
    return reader_expect(r, '>');
}

bool section_read(struct reader *r, struct arena *arena, struct section *out)
{
    memset(out, 0, sizeof *out);
    if (!reader_expect(r, '[')) {
        return false;
    }
    if (reader_peek(r) != ']' && !section_read_spec(r, out)) {
        return false;
    }
    if (has_fields(out->part) && !section_read_fields(r, arena, out)) {
        return false;
    }
    if (!reader_expect(r, ']')) {
        return false;
    }
    return !reader_accept(r, '<') || section_read_partial(r, out);
}

void section_write(struct writer *w, const struct section *section)
{
    assert(section->path_len <= LIMIT_SECTION_PATH);
    writer_byte(w, '[');
    for (unsigned i = 0; i < section->path_len; i++) {
        if (i > 0) {
            writer_byte(w, '.');
        }
        writer_number(w, section->path[i]);
    }
    if (section->part != SECTION_WHOLE && section->path_len > 0) {
        writer_byte(w, '.');
    }
    writer_raw(w, part_names[section->part]);
    for (size_t i = 0; i < section->fields_len; i++) {
        writer_cstr(w, i == 0 ? " (" : " ");
        writer_astring(w, section->fields[i]);
    }
    writer_cstr(w, section->fields_len > 0 ? ")]" : "]");
    if (section->has_partial) {
        writer_byte(w, '<');
        writer_number(w, section->offset);
        if (section->count != 0) {
            writer_byte(w, '.');
            writer_number(w, section->count);
        }
        writer_byte(w, '>');
    }
}

/* ---- names ---- */

struct item_row {
    const char *name;
    enum section_item item;
    enum section_part part;
    bool has_section;
    bool peek;
};
static const struct item_row item_rows[] = {
    {"BODY", SECTION_BODY, SECTION_WHOLE, true, false},
    {"BODY.PEEK", SECTION_BODY, SECTION_WHOLE, true, true},
    {"BINARY", SECTION_BINARY, SECTION_WHOLE, true, false},
    {"BINARY.PEEK", SECTION_BINARY, SECTION_WHOLE, true, true},
    {"BINARY.SIZE", SECTION_BINARY_SIZE, SECTION_WHOLE, true, true},
    {"RFC822", SECTION_RFC822, SECTION_WHOLE, false, false},
    {"RFC822.HEADER", SECTION_RFC822_HEADER, SECTION_HEADER, false, true},
    {"RFC822.TEXT", SECTION_RFC822_TEXT, SECTION_TEXT, false, false},
};
#define ITEM_ROWS (sizeof item_rows / sizeof item_rows[0])

bool section_item_parse(struct str name, struct section *out, bool *peek)
{
    for (size_t i = 0; i < ITEM_ROWS; i++) {
        if (str_eq_nocase(name, str_from(item_rows[i].name))) {
            *out = (struct section){.item = item_rows[i].item, .part = item_rows[i].part};
            *peek = item_rows[i].peek;
            return true;
        }
    }
    return false;
}

/* The row of an item; of those with and without PEEK the one that is asked for. */
static const struct item_row *item_row(enum section_item item, bool peek)
{
    const struct item_row *found = NULL;
    for (size_t i = 0; i < ITEM_ROWS; i++) {
        if (item_rows[i].item == item && (found == NULL || item_rows[i].peek == peek)) {
            found = &item_rows[i];
        }
    }
    assert(found != NULL);
    return found;
}

bool section_item_has_section(enum section_item item)
{
    return item_row(item, false)->has_section;
}

void section_item_write(struct writer *w, const struct section *section, bool peek)
{
    const struct item_row *row = item_row(section->item, peek);
    writer_cstr(w, row->name);
    if (row->has_section) {
        section_write(w, section);
    }
}
