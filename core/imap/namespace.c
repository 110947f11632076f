#include "imap/namespace.h"
#include "imap/limits.h"

/* "(prefix delimiter extensions…)", behind the parenthesis. */
static bool namespace_entry_read(struct reader *r, struct namespace_entry *out)
{
    struct str delimiter;
    if (!reader_expect_string(r, &out->prefix) || !reader_expect_sp(r) ||
        !reader_expect_nstring(r, &delimiter)) {
        return false;
    }
    if (delimiter.len > 1) {
        return reader_fail(r, "the hierarchy delimiter \"%.*s\"", STR_ARG(delimiter));
    }
    out->delimiter = delimiter.len == 1 ? delimiter.ptr[0] : '\0';
    while (reader_accept_sp(r) && reader_peek(r) != ')') {
        if (!reader_skip_value(r)) {
            return false;
        }
    }
    return reader_expect(r, ')');
}

static bool namespace_group_read(struct reader *r, struct arena *arena, struct namespace_group *out)
{
    struct namespace_entry entries[LIMIT_NAMESPACES];
    size_t len = 0;
    *out = (struct namespace_group){0};
    (void)reader_accept_sp(r);
    /* Some servers leave out the groups they do not have. */
    if (reader_at_crlf(r) || reader_accept_word(r, "NIL")) {
        return true;
    }
    if (!reader_expect(r, '(')) {
        return false;
    }
    while (!reader_list_ended(r)) {
        if (len == LIMIT_NAMESPACES) {
            return reader_fail(r, "more than %d namespaces", LIMIT_NAMESPACES);
        }
        if (!reader_expect(r, '(') || !namespace_entry_read(r, &entries[len])) {
            return false;
        }
        len++;
    }
    if (len > 0) {
        out->items = arena_array(arena, len, sizeof *entries);
        memcpy(out->items, entries, len * sizeof *entries);
        out->len = len;
    }
    return true;
}

bool namespaces_read(struct reader *r, struct arena *arena, struct namespaces *out)
{
    return namespace_group_read(r, arena, &out->personal) &&
           namespace_group_read(r, arena, &out->other) &&
           namespace_group_read(r, arena, &out->shared);
}

static void namespace_group_write(struct writer *w, const struct namespace_group *group)
{
    if (group->len == 0) {
        writer_cstr(w, "NIL");
        return;
    }
    writer_byte(w, '(');
    for (size_t i = 0; i < group->len; i++) {
        const struct namespace_entry *entry = &group->items[i];
        writer_byte(w, '(');
        writer_string(w, entry->prefix);
        writer_sp(w);
        writer_nstring(w, str_make(entry->delimiter != '\0' ? &entry->delimiter : NULL,
                                   entry->delimiter != '\0' ? 1 : 0));
        writer_byte(w, ')');
    }
    writer_byte(w, ')');
}

void namespaces_write(struct writer *w, const struct namespaces *ns)
{
    namespace_group_write(w, &ns->personal);
    writer_sp(w);
    namespace_group_write(w, &ns->other);
    writer_sp(w);
    namespace_group_write(w, &ns->shared);
}
