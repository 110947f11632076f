#include "imap/metadata.h"
#include "imap/limits.h"
#include <assert.h>

/* ---- METADATA and SETMETADATA ---- */

static struct metadata_entry *metadata_add(struct reader *r, struct arena *arena, size_t *cap,
                                           struct metadata *out)
{
    if (out->len == LIMIT_METADATA_ENTRIES) {
        (void)reader_fail(r, "more than %d metadata entries", LIMIT_METADATA_ENTRIES);
        return NULL;
    }
    out->items = arena_grow(arena, out->items, out->len, cap, sizeof *out->items);
    struct metadata_entry *entry = &out->items[out->len++];
    *entry = (struct metadata_entry){STR_EMPTY, {NULL, 0}};
    return entry;
}

/* Behind the opening parenthesis. */
static bool metadata_read_values(struct reader *r, struct arena *arena, struct metadata *out)
{
    size_t cap = 0;
    while (!reader_list_ended(r)) {
        struct metadata_entry *entry = metadata_add(r, arena, &cap, out);
        if (entry == NULL || !reader_expect_astring(r, &entry->name) || !reader_expect_sp(r) ||
            !reader_expect_loose_nstring(r, &entry->value)) {
            return false;
        }
    }
    return true;
}

/* Names up to the line end. */
static bool metadata_read_names(struct reader *r, struct arena *arena, struct metadata *out)
{
    size_t cap = 0;
    out->names_only = true;
    while (!reader_at_crlf(r)) {
        struct metadata_entry *entry = metadata_add(r, arena, &cap, out);
        if (entry == NULL || !reader_expect_astring(r, &entry->name)) {
            return false;
        }
        (void)reader_accept_sp(r);
    }
    return !reader_failed(r);
}

bool metadata_read(struct reader *r, struct arena *arena, struct metadata *out)
{
    *out = (struct metadata){0};
    (void)reader_accept_sp(r);
    if (!reader_expect_list_mailbox(r, &out->mailbox)) {
        return false;
    }
    (void)reader_accept_sp(r);
    return reader_accept(r, '(') ? metadata_read_values(r, arena, out)
                                 : metadata_read_names(r, arena, out);
}

bool metadata_set_read(struct reader *r, struct arena *arena, struct metadata *out)
{
    *out = (struct metadata){0};
    if (!reader_expect_astring(r, &out->mailbox) || !reader_expect_sp(r) ||
        !reader_expect(r, '(') || !metadata_read_values(r, arena, out)) {
        return false;
    }
    for (size_t i = 0; i < out->len; i++) {
        if (!metadata_name_is_valid(out->items[i].name)) {
            return reader_fail(r, "the entry name \"%.*s\"", STR_ARG(out->items[i].name));
        }
    }
    return out->len > 0 || reader_fail(r, "SETMETADATA without an entry");
}

static void metadata_write_value(struct writer *w, struct str value)
{
    if (value.len > 0 && memchr(value.ptr, '\0', value.len) != NULL) {
        writer_literal_header(w, value.len, true);
        writer_raw(w, value);
    } else {
        writer_nstring(w, value);
    }
}

static void metadata_write_entries(struct writer *w, const struct metadata *metadata)
{
    writer_astring(w, metadata->mailbox);
    writer_cstr(w, metadata->names_only ? " " : " (");
    for (size_t i = 0; i < metadata->len; i++) {
        if (i > 0) {
            writer_sp(w);
        }
        writer_astring(w, metadata->items[i].name);
        if (!metadata->names_only) {
            writer_sp(w);
            metadata_write_value(w, metadata->items[i].value);
        }
    }
    writer_cstr(w, metadata->names_only ? "" : ")");
}

void metadata_write(struct writer *w, const struct metadata *metadata)
{
    writer_cstr(w, "METADATA ");
    metadata_write_entries(w, metadata);
}

void metadata_set_write(struct writer *w, const struct metadata *metadata)
{
    assert(!metadata->names_only);
    if (metadata->len == 0) {
        writer_fail(w, "SETMETADATA without an entry");
    }
    for (size_t i = 0; i < metadata->len; i++) {
        if (!metadata_name_is_valid(metadata->items[i].name)) {
            writer_fail(w, "the entry name \"%.*s\"", STR_ARG(metadata->items[i].name));
        }
    }
    metadata_write_entries(w, metadata);
}

/* ---- GETMETADATA ---- */

static bool metadata_read_depth(struct reader *r, enum metadata_depth *out)
{
    if (reader_accept_word(r, "infinity")) {
        *out = METADATA_DEPTH_INFINITY;
    } else if (reader_accept_word(r, "0")) {
        *out = METADATA_DEPTH_0;
    } else if (reader_accept_word(r, "1")) {
        *out = METADATA_DEPTH_1;
    } else {
        return reader_expected(r, "0, 1 or infinity");
    }
    return true;
}

/* Behind the opening parenthesis; its first word was seen to be an option. */
static bool metadata_read_options(struct reader *r, struct metadata_get *out)
{
    do {
        (void)reader_accept_sp(r);
        if (reader_accept_word(r, "MAXSIZE")) {
            out->has_max_size = true;
            if (!reader_expect_sp(r) || !reader_expect_number(r, &out->max_size)) {
                return false;
            }
        } else if (!reader_accept_word(r, "DEPTH")) {
            return reader_expected(r, "MAXSIZE or DEPTH");
        } else if (!reader_expect_sp(r) || !metadata_read_depth(r, &out->depth)) {
            return false;
        }
        (void)reader_accept_sp(r);
    } while (!reader_accept(r, ')'));
    return true;
}

static bool metadata_add_name(struct reader *r, struct arena *arena, struct metadata_get *out)
{
    struct str name;
    if (out->names.len == LIMIT_METADATA_ENTRIES) {
        return reader_fail(r, "more than %d metadata entries", LIMIT_METADATA_ENTRIES);
    }
    if (!reader_expect_astring(r, &name)) {
        return false;
    }
    str_list_add(arena, &out->names, name);
    return true;
}

/* "(MAXSIZE 1024)" behind the mailbox, or the names in parentheses. */
static bool metadata_read_list(struct reader *r, struct arena *arena, struct metadata_get *out,
                               bool *names)
{
    int c = char_upper((unsigned char)reader_peek(r));
    *names = *names || (c != 'M' && c != 'D');
    if (!*names) {
        return metadata_read_options(r, out) && reader_expect_sp(r);
    }
    do {
        (void)reader_accept_sp(r);
        if (!metadata_add_name(r, arena, out)) {
            return false;
        }
        (void)reader_accept_sp(r);
    } while (!reader_accept(r, ')'));
    return true;
}

bool metadata_get_read(struct reader *r, struct arena *arena, struct metadata_get *out)
{
    *out = (struct metadata_get){0};
    bool names = reader_accept(r, '('); /* options before the mailbox: none come behind it */
    if (names && (!metadata_read_options(r, out) || !reader_expect_sp(r))) {
        return false;
    }
    if (!reader_expect_astring(r, &out->mailbox) || !reader_expect_sp(r)) {
        return false;
    }
    while (reader_accept(r, '(')) {
        if (!metadata_read_list(r, arena, out, &names)) {
            return false;
        }
        if (out->names.len > 0) {
            return true;
        }
        names = true;
    }
    return metadata_add_name(r, arena, out);
}

void metadata_get_write(struct writer *w, const struct metadata_get *get)
{
    static const char *const depths[] = {
        [METADATA_DEPTH_0] = "0", [METADATA_DEPTH_1] = "1", [METADATA_DEPTH_INFINITY] = "infinity"};
    const char *before = "(";
    if (get->has_max_size) {
        writer_format(w, "(MAXSIZE %u", get->max_size);
        before = " ";
    }
    if (get->depth != METADATA_DEPTH_0) {
        writer_format(w, "%sDEPTH %s", before, depths[get->depth]);
        before = " ";
    }
    writer_cstr(w, before[0] == ' ' ? ") " : "");
    writer_astring(w, get->mailbox);
    for (size_t i = 0; i < get->names.len; i++) {
        writer_cstr(w, i == 0 ? " (" : " ");
        writer_astring(w, get->names.items[i]);
        if (!str_starts(get->names.items[i], STR("/"))) {
            writer_fail(w, "an entry without a slash, which could be an option");
        }
    }
    writer_byte(w, ')');
    if (get->names.len == 0) {
        writer_fail(w, "GETMETADATA without an entry");
    }
}

bool metadata_name_is_valid(struct str name)
{
    if (!str_starts_nocase(name, STR("/private/")) && !str_starts_nocase(name, STR("/shared/"))) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool last = i + 1 == name.len;
        if (c == '*' || c == '%' || !char_is(c, CHAR_QUOTABLE) || (unsigned char)c < 0x20 ||
            (c == '/' && (last || name.ptr[i + 1] == '/'))) {
            return false;
        }
    }
    return true;
}
