#include "imap/quota.h"
#include "imap/limits.h"

/* "(STORAGE 10 512 MESSAGE 1 20)", or without the usages. */
static bool quota_read_resources(struct reader *r, struct arena *arena, bool with_usage,
                                 struct quota *out)
{
    size_t cap = 0;
    if (!reader_expect(r, '(')) {
        return false;
    }
    while (!reader_list_ended(r)) {
        if (out->len == LIMIT_QUOTA_RESOURCES) {
            return reader_fail(r, "more than %d quota resources", LIMIT_QUOTA_RESOURCES);
        }
        out->items = arena_grow(arena, out->items, out->len, &cap, sizeof *out->items);
        struct quota_resource *item = &out->items[out->len++];
        item->usage = 0;
        if (!reader_expect_astring(r, &item->name) || !reader_expect_sp(r) ||
            (with_usage && (!reader_expect_size(r, &item->usage) || !reader_expect_sp(r))) ||
            !reader_expect_size(r, &item->limit)) {
            return false;
        }
    }
    return true;
}

static bool quota_read_any(struct reader *r, struct arena *arena, bool with_usage,
                           struct quota *out)
{
    *out = (struct quota){0};
    (void)reader_accept_sp(r);
    if (!reader_expect_astring(r, &out->root)) {
        return false;
    }
    if (with_usage && reader_at_crlf(r)) {
        return true; /* Courier, where there are no limits */
    }
    return reader_expect_sp(r) && quota_read_resources(r, arena, with_usage, out);
}

bool quota_read(struct reader *r, struct arena *arena, struct quota *out)
{
    return quota_read_any(r, arena, true, out);
}

bool quota_limits_read(struct reader *r, struct arena *arena, struct quota *out)
{
    return quota_read_any(r, arena, false, out);
}

static void quota_write_any(struct writer *w, bool with_usage, const struct quota *quota)
{
    writer_astring(w, quota->root);
    writer_cstr(w, " (");
    for (size_t i = 0; i < quota->len; i++) {
        if (i > 0) {
            writer_sp(w);
        }
        writer_atom(w, quota->items[i].name);
        writer_sp(w);
        if (with_usage) {
            writer_number(w, quota->items[i].usage);
            writer_sp(w);
        }
        writer_number(w, quota->items[i].limit);
    }
    writer_byte(w, ')');
}

void quota_write(struct writer *w, const struct quota *quota)
{
    writer_cstr(w, "QUOTA ");
    quota_write_any(w, true, quota);
}

void quota_limits_write(struct writer *w, const struct quota *quota)
{
    quota_write_any(w, false, quota);
}

bool quota_root_read(struct reader *r, struct arena *arena, struct quota_root *out)
{
    struct str root;
    *out = (struct quota_root){0};
    (void)reader_accept_sp(r);
    if (!reader_expect_list_mailbox(r, &out->mailbox)) {
        return false;
    }
    while (reader_accept_sp(r) && !reader_at_crlf(r)) {
        if (out->roots.len == LIMIT_QUOTA_RESOURCES) {
            return reader_fail(r, "more than %d quota roots", LIMIT_QUOTA_RESOURCES);
        }
        if (!reader_expect_astring(r, &root)) {
            return false;
        }
        str_list_add(arena, &out->roots, root);
    }
    return !reader_failed(r);
}

void quota_root_write(struct writer *w, const struct quota_root *root)
{
    writer_cstr(w, "QUOTAROOT ");
    writer_astring(w, root->mailbox);
    for (size_t i = 0; i < root->roots.len; i++) {
        writer_sp(w);
        writer_astring(w, root->roots.items[i]);
    }
}
