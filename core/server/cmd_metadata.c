/* GETMETADATA SETMETADATA (RFC 5464) */
#include "imap/metadata.h"
#include "server/session_private.h"

/* A client's "" is the server; METADATA-SERVER alone has no annotations on mailboxes. */
static bool resolve_mailbox(struct session *s, struct command *c, struct str wire,
                            const char *rights, struct str *out)
{
    *out = STR_EMPTY;
    if (wire.len == 0) {
        return true;
    }
    if (!session_offers(s, CAP_METADATA)) {
        reply_bad(c, "Mailboxes have no annotations here");
        return false;
    }
    return names_from_wire(s, c, wire, out) && access_check(s, c, *out, rights);
}

/* Whether the entry is the one asked for, or as far below it as asked for. */
static bool is_asked(struct str entry, struct str asked, enum metadata_depth depth)
{
    if (str_eq_nocase(entry, asked)) {
        return true;
    }
    if (depth == METADATA_DEPTH_0 || !str_starts_nocase(entry, asked) ||
        entry.ptr[asked.len] != '/') {
        return false;
    }
    return depth == METADATA_DEPTH_INFINITY ||
           str_find(str_from_offset(entry, asked.len + 1), '/') < 0;
}

static bool is_any_asked(struct str entry, const struct metadata_get *get)
{
    for (size_t i = 0; i < get->names.len; i++) {
        if (is_asked(entry, get->names.items[i], get->depth)) {
            return true;
        }
    }
    return false;
}

/* Leaves of `all` what was asked for; what is not there is told as NIL. */
static void choose(struct command *c, const struct metadata_get *get, const struct metadata *all,
                   struct metadata *out, size_t *longest_left_out)
{
    out->items = arena_array(c->arena, all->len + get->names.len, sizeof *out->items);
    for (size_t i = 0; i < all->len; i++) {
        const struct metadata_entry *entry = &all->items[i];
        if (!is_any_asked(entry->name, get)) {
            continue;
        }
        if (get->has_max_size && entry->value.len > get->max_size) {
            if (entry->value.len > *longest_left_out) {
                *longest_left_out = entry->value.len;
            }
            continue;
        }
        out->items[out->len++] = *entry;
    }
    for (size_t i = 0; get->depth == METADATA_DEPTH_0 && i < get->names.len; i++) {
        bool there = false;
        for (size_t j = 0; j < all->len; j++) {
            there = there || str_eq_nocase(all->items[j].name, get->names.items[i]);
        }
        if (!there) {
            out->items[out->len++] = (struct metadata_entry){.name = get->names.items[i]};
        }
    }
}

int metadata_tell(struct session *s, struct command *c, struct str name,
                  const struct metadata_get *get, size_t *longest_left_out, struct error *err)
{
    struct metadata all = {0};
    struct metadata told = {.mailbox = name.len > 0 ? names_to_wire(s, c->arena, name) : name};
    int r = s->backend.metadata->get(s->user, name, c->arena, &all, err);
    if (r < 0) {
        return r;
    }
    choose(c, get, &all, &told, longest_left_out);
    if (told.len > 0) {
        writer_cstr(&s->out, "* ");
        metadata_write(&s->out, &told);
        writer_crlf(&s->out);
    }
    return 0;
}

static bool names_valid(struct command *c, const struct metadata_get *get)
{
    for (size_t i = 0; i < get->names.len; i++) {
        struct str name = get->names.items[i];
        /* With a depth the two roots can be asked for too. */
        bool root = get->depth != METADATA_DEPTH_0 &&
                    (str_eq_nocase(name, STR("/private")) || str_eq_nocase(name, STR("/shared")));
        if (!root && !metadata_name_is_valid(name)) {
            reply_bad(c, "An entry cannot have this name");
            return false;
        }
    }
    return true;
}

void handle_getmetadata(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct metadata_get get;
    struct str name;
    size_t longest = 0;
    if (!reader_expect_sp(c->reader) || !metadata_get_read(c->reader, c->arena, &get) ||
        !reader_expect_crlf(c->reader) || !names_valid(c, &get) ||
        !resolve_mailbox(s, c, get.mailbox, "r", &name)) {
        return;
    }
    if (metadata_tell(s, c, name, &get, &longest, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    reply_ok(c, "GETMETADATA done");
    if (longest > 0) {
        c->reply.code = CODE_METADATA;
        c->reply.metadata = METADATA_CODE_LONGENTRIES;
        c->reply.number = longest;
    }
}

/* False with the reply. */
static bool entries_allowed(struct session *s, struct command *c, struct str mailbox,
                            const struct metadata *metadata)
{
    for (size_t i = 0; i < metadata->len; i++) {
        const struct metadata_entry *entry = &metadata->items[i];
        if (!metadata_name_is_valid(entry->name)) {
            reply_bad(c, "An entry cannot have this name");
            return false;
        }
        if (entry->value.ptr != NULL && entry->value.len > LIMIT_SERVER_METADATA_BYTES) {
            reply_no(c, CODE_METADATA, "The value is too long");
            c->reply.metadata = METADATA_CODE_MAXSIZE;
            c->reply.number = LIMIT_SERVER_METADATA_BYTES;
            return false;
        }
        if (mailbox.len > 0 && str_starts_nocase(entry->name, STR("/shared/")) &&
            !access_check(s, c, mailbox, "w")) {
            return false;
        }
    }
    return true;
}

void handle_setmetadata(struct session *s, struct command *c)
{
    struct error err = ERROR_INIT;
    struct metadata metadata;
    struct str name;
    if (!reader_expect_sp(c->reader) || !metadata_set_read(c->reader, c->arena, &metadata) ||
        !reader_expect_crlf(c->reader) || !resolve_mailbox(s, c, metadata.mailbox, "r", &name) ||
        !entries_allowed(s, c, name, &metadata)) {
        return;
    }
    for (size_t i = 0; i < metadata.len; i++) {
        if (s->backend.metadata->set(s->user, name, &metadata.items[i], &err) < 0) {
            reply_error(c, &err);
            if (err.code == ERR_REFUSED && err.response_code[0] == '\0') {
                c->reply.code = CODE_METADATA;
                c->reply.metadata = METADATA_CODE_TOOMANY;
            }
            return;
        }
    }
    reply_ok(c, "SETMETADATA done");
}
