#include "imap/id.h"
#include "imap/limits.h"

/* A field's value: nstring; an atom too, as some servers have it. */
static bool id_value_read(struct reader *r, struct str *out)
{
    if (reader_accept_word(r, "NIL")) {
        *out = str_make(NULL, 0);
        return true;
    }
    return reader_expect_astring(r, out);
}

bool id_read(struct reader *r, struct arena *arena, struct id_fields *out)
{
    struct id_field fields[LIMIT_ID_FIELDS];
    size_t len = 0;
    *out = (struct id_fields){0};
    (void)reader_accept_sp(r);
    if (reader_accept_word(r, "NIL")) {
        return true;
    }
    if (!reader_expect(r, '(')) {
        return false;
    }
    while (!reader_list_ended(r)) {
        if (len == LIMIT_ID_FIELDS) {
            return reader_fail(r, "more than %d fields in ID", LIMIT_ID_FIELDS);
        }
        if (!reader_expect_astring(r, &fields[len].name) || !reader_expect_sp(r) ||
            !id_value_read(r, &fields[len].value)) {
            return false;
        }
        len++;
    }
    if (len > 0) {
        out->items = arena_array(arena, len, sizeof *fields);
        memcpy(out->items, fields, len * sizeof *fields);
        out->len = len;
    }
    return true;
}

void id_write(struct writer *w, const struct id_fields *fields)
{
    if (fields->len == 0) {
        writer_cstr(w, "NIL");
        return;
    }
    for (size_t i = 0; i < fields->len; i++) {
        writer_byte(w, i == 0 ? '(' : ' ');
        writer_string(w, fields->items[i].name);
        writer_sp(w);
        writer_nstring(w, fields->items[i].value);
    }
    writer_byte(w, ')');
}
