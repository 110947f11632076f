#include "imap/acl.h"
#include "imap/limits.h"

/* RFC 4314 section 2.1.1: what stood for several rights before. */
#define OBSOLETE_CREATE "kx"
#define OBSOLETE_DELETE "te"

static int right_bit(char c)
{
    if (c >= 'a' && c <= 'z') {
        return c - 'a';
    }
    return c >= '0' && c <= '9' ? 26 + c - '0' : -1;
}

static uint64_t rights_of(const char *letters)
{
    uint64_t bits = 0;
    for (; *letters != '\0'; letters++) {
        bits |= UINT64_C(1) << right_bit(*letters);
    }
    return bits;
}

/* Takes what is a right; false where something else stood among them. */
static bool rights_take(struct str text, struct acl_rights *out)
{
    bool all = true;
    out->bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int bit = right_bit(text.ptr[i]);
        all = all && bit >= 0;
        out->bits |= bit >= 0 ? UINT64_C(1) << bit : 0;
    }
    return all;
}

bool acl_rights_parse(struct str text, struct acl_rights *out)
{
    return rights_take(text, out);
}

void acl_rights_format(const struct acl_rights *rights, char out[37])
{
    size_t len = 0;
    for (int bit = 0; bit < 36; bit++) {
        if ((rights->bits >> bit & 1) != 0) {
            out[len++] = (char)(bit < 26 ? 'a' + bit : '0' + bit - 26);
        }
    }
    out[len] = '\0';
}

bool acl_rights_have(const struct acl_rights *rights, char right)
{
    int bit = right_bit(right);
    return bit >= 0 && (rights->bits >> bit & 1) != 0;
}

struct acl_rights acl_rights_with_obsolete(struct acl_rights rights)
{
    uint64_t create = rights_of(OBSOLETE_CREATE);
    uint64_t erase = rights_of(OBSOLETE_DELETE);
    uint64_t told = rights.bits;
    rights.bits |= (told & rights_of("c")) != 0 ? create : 0;
    rights.bits |= (told & rights_of("d")) != 0 ? erase : 0;
    rights.bits |= (told & create) != 0 ? rights_of("c") : 0;
    rights.bits |= (told & erase) != 0 ? rights_of("d") : 0;
    return rights;
}

/* As servers tell them. */
static bool rights_read(struct reader *r, struct acl_rights *out)
{
    struct str text;
    if (!reader_expect_astring(r, &text)) {
        return false;
    }
    (void)rights_take(text, out);
    return true;
}

static void rights_write(struct writer *w, const struct acl_rights *rights)
{
    char text[37];
    acl_rights_format(rights, text);
    writer_astring(w, str_from(text));
}

/* ---- SETACL ---- */

bool acl_change_parse(struct str text, struct acl_set *out)
{
    out->change = ACL_REPLACE;
    if (text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-')) {
        out->change = text.ptr[0] == '+' ? ACL_ADD : ACL_REMOVE;
        text = str_from_offset(text, 1);
    }
    return acl_rights_parse(text, &out->rights);
}

bool acl_set_read(struct reader *r, struct acl_set *out)
{
    struct str text;
    *out = (struct acl_set){0};
    if (!reader_expect_astring(r, &out->mailbox) || !reader_expect_sp(r) ||
        !reader_expect_astring(r, &out->identifier) || !reader_expect_sp(r) ||
        !reader_expect_astring(r, &text)) {
        return false;
    }
    return acl_change_parse(text, out) || reader_fail(r, "the rights \"%.*s\"", STR_ARG(text));
}

void acl_set_write(struct writer *w, const struct acl_set *set)
{
    static const char *const signs[] = {[ACL_REPLACE] = "", [ACL_ADD] = "+", [ACL_REMOVE] = "-"};
    char text[40];
    size_t len = strlen(signs[set->change]);
    memcpy(text, signs[set->change], len);
    acl_rights_format(&set->rights, text + len);
    writer_astring(w, set->mailbox);
    writer_sp(w);
    writer_astring(w, set->identifier);
    writer_sp(w);
    writer_astring(w, str_from(text));
}

/* ---- what is told ---- */

bool acl_read(struct reader *r, struct arena *arena, struct acl *out)
{
    size_t cap = 0;
    *out = (struct acl){0};
    (void)reader_accept_sp(r);
    if (!reader_expect_list_mailbox(r, &out->mailbox)) {
        return false;
    }
    while (reader_accept_sp(r) && !reader_at_crlf(r)) {
        if (out->len == LIMIT_ACL_ENTRIES) {
            return reader_fail(r, "more than %d rights on one mailbox", LIMIT_ACL_ENTRIES);
        }
        out->items = arena_grow(arena, out->items, out->len, &cap, sizeof *out->items);
        struct acl_entry *entry = &out->items[out->len++];
        if (!reader_expect_astring(r, &entry->identifier) || !reader_expect_sp(r) ||
            !rights_read(r, &entry->rights)) {
            return false;
        }
    }
    return !reader_failed(r);
}

void acl_write(struct writer *w, const struct acl *acl)
{
    writer_cstr(w, "ACL ");
    writer_astring(w, acl->mailbox);
    for (size_t i = 0; i < acl->len; i++) {
        writer_sp(w);
        writer_astring(w, acl->items[i].identifier);
        writer_sp(w);
        rights_write(w, &acl->items[i].rights);
    }
}

bool acl_list_rights_read(struct reader *r, struct arena *arena, struct acl_list_rights *out)
{
    size_t cap = 0;
    *out = (struct acl_list_rights){0};
    (void)reader_accept_sp(r);
    if (!reader_expect_list_mailbox(r, &out->mailbox) || !reader_expect_sp(r) ||
        !reader_expect_astring(r, &out->identifier) || !reader_expect_sp(r) ||
        !rights_read(r, &out->required)) {
        return false;
    }
    while (reader_accept_sp(r) && !reader_at_crlf(r)) {
        if (out->optional_len == LIMIT_ACL_ENTRIES) {
            return reader_fail(r, "more than %d groups of rights", LIMIT_ACL_ENTRIES);
        }
        out->optional =
            arena_grow(arena, out->optional, out->optional_len, &cap, sizeof *out->optional);
        if (!rights_read(r, &out->optional[out->optional_len++])) {
            return false;
        }
    }
    return !reader_failed(r);
}

void acl_list_rights_write(struct writer *w, const struct acl_list_rights *rights)
{
    writer_cstr(w, "LISTRIGHTS ");
    writer_astring(w, rights->mailbox);
    writer_sp(w);
    writer_astring(w, rights->identifier);
    writer_sp(w);
    rights_write(w, &rights->required);
    for (size_t i = 0; i < rights->optional_len; i++) {
        writer_sp(w);
        rights_write(w, &rights->optional[i]);
    }
}

bool acl_my_rights_read(struct reader *r, struct acl_my_rights *out)
{
    *out = (struct acl_my_rights){0};
    (void)reader_accept_sp(r);
    return reader_expect_list_mailbox(r, &out->mailbox) && reader_expect_sp(r) &&
           rights_read(r, &out->rights);
}

void acl_my_rights_write(struct writer *w, const struct acl_my_rights *rights)
{
    writer_cstr(w, "MYRIGHTS ");
    writer_astring(w, rights->mailbox);
    writer_sp(w);
    rights_write(w, &rights->rights);
}
