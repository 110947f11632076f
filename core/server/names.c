/*
 * Mailbox names on the wire and in the backend. On the wire they are modified UTF-7, or UTF-8
 * once that is enabled, may all but
 * INBOX stand below a namespace prefix such as "INBOX.", and use that prefix's delimiter.
 */
#include "server/session_private.h"

static struct str prefix_of(const struct session *s)
{
    return s->options.namespace_prefix != NULL ? str_from(s->options.namespace_prefix) : STR_EMPTY;
}

char names_delimiter(const struct session *s)
{
    struct str prefix = prefix_of(s);
    return prefix.len > 0 ? prefix.ptr[prefix.len - 1] : s->backend.ops->delimiter;
}

/* The two delimiters change places, so that every name has a counterpart. */
static struct str swap_delimiters(const struct session *s, struct arena *arena, struct str name)
{
    char wire = names_delimiter(s);
    char own = s->backend.ops->delimiter;
    struct str out = arena_str(arena, name);
    if (wire == own) {
        return out;
    }
    char *copy = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        copy[i] = name.ptr[i] == wire ? own : name.ptr[i] == own ? wire : name.ptr[i];
    }
    return str_make(copy, name.len);
}

/* `head` in the place of an INBOX that something stands below. */
static struct str with_inbox(const struct session *s, struct arena *arena, struct str name,
                             const char *head)
{
    const size_t len = sizeof "INBOX/" - 1;
    bool below = name.len > len && str_eq_nocase(str_sub(name, 0, len), STR("INBOX/"));
    if (!below || fault_of_kind(s->options.faults, FAULT_INBOX_CASE) == NULL) {
        return name;
    }
    struct str rest = str_from_offset(name, len);
    return str_from(arena_printf(arena, "%s%.*s", head, STR_ARG(rest)));
}

bool names_from_wire(const struct session *s, struct command *c, struct str wire, struct str *out)
{
    struct str prefix = prefix_of(s);
    struct str name;
    if (mailbox_name_is_inbox(wire)) {
        *out = STR("INBOX");
        return true;
    }
    if (wire.len == 0 || wire.len > LIMIT_MAILBOX_NAME_BYTES) {
        reply_no(c, CODE_CANNOT, "No mailbox can have this name");
        return false;
    }
    if (s->out.utf8) {
        name = wire;
        if (!str_is_utf8(wire)) {
            reply_no(c, CODE_CANNOT, "The mailbox name is not UTF-8");
            return false;
        }
    } else if (!mailbox_name_decode(c->arena, wire, &name)) {
        reply_no(c, CODE_CANNOT, "The mailbox name is not valid modified UTF-7");
        return false;
    }
    if (!str_starts(name, prefix)) {
        reply_no(c, CODE_NONEXISTENT, "There is nothing outside the personal namespace");
        return false;
    }
    *out = swap_delimiters(s, c->arena, str_from_offset(name, prefix.len));
    *out = with_inbox(s, c->arena, *out, "INBOX/");
    return true;
}

struct str names_to_wire(const struct session *s, struct arena *arena, struct str name)
{
    struct str prefix = prefix_of(s);
    struct str wire;
    if (str_eq(name, STR("INBOX"))) {
        return name;
    }
    struct str swapped = swap_delimiters(s, arena, with_inbox(s, arena, name, "Inbox/"));
    if (prefix.len > 0) {
        swapped = str_from(arena_printf(arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(swapped)));
    }
    if (s->out.utf8) {
        return swapped;
    }
    return mailbox_name_encode(arena, swapped, &wire) ? wire : swapped;
}

bool names_expect(const struct session *s, struct command *c, struct str *out)
{
    struct str wire;
    if (!reader_expect_sp(c->reader) || !reader_expect_astring(c->reader, &wire)) {
        return false;
    }
    if (names_from_wire(s, c, wire, out)) {
        return true;
    }
    reader_skip_line(c->reader);
    return false;
}

bool names_open(struct session *s, struct command *c, struct str name,
                enum response_code missing_code, struct backend_mailbox **out)
{
    struct error err = ERROR_INIT;
    if (s->backend.ops->open(s->user, name, out, &err) == 0) {
        return true;
    }
    reply_error(c, &err);
    if (err.code == ERR_NOT_FOUND) {
        c->reply.code = missing_code;
    }
    return false;
}
