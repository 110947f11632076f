/* LIST (plain and RFC 5258, 5819, 6154) LSUB */
#include "server/session_private.h"

struct list_patterns {
    VEC(struct str) items; /* with the reference before each */
};

enum list_option {
    SELECT_SUBSCRIBED = 1,
    SELECT_SPECIAL_USE = 2,
    SELECT_REMOTE = 4,
    RETURN_SUBSCRIBED = 8,
    RETURN_CHILDREN = 16,
    RETURN_SPECIAL_USE = 32,
};

struct list_command {
    struct str reference;
    unsigned options; /* enum list_option */
    bool extended;
    unsigned status_items;
    struct list_patterns patterns;
};

struct option_word {
    const char *word;
    unsigned option;
};
/* RFC 5258 section 3.1 and RFC 6154 section 2: what is selected by is also returned. */
static const struct option_word selection_options[] = {
    {"SUBSCRIBED", SELECT_SUBSCRIBED | RETURN_SUBSCRIBED},
    {"SPECIAL-USE", SELECT_SPECIAL_USE | RETURN_SPECIAL_USE},
    {"REMOTE", SELECT_REMOTE},
};
static const struct option_word return_options[] = {
    {"SUBSCRIBED", RETURN_SUBSCRIBED},
    {"CHILDREN", RETURN_CHILDREN},
    {"SPECIAL-USE", RETURN_SPECIAL_USE},
};

/* 0 if it is none of them. */
static unsigned find_option(const struct option_word *words, size_t len, struct str word)
{
    for (size_t i = 0; i < len; i++) {
        if (str_eq_nocase(word, str_from(words[i].word))) {
            return words[i].option;
        }
    }
    return 0;
}

static bool read_selection(struct command *c, struct list_command *request)
{
    struct str word;
    if (!reader_accept(c->reader, '(')) {
        return true;
    }
    request->extended = true;
    while (!reader_accept(c->reader, ')')) {
        if (!reader_expect_atom(c->reader, &word)) {
            return false;
        }
        unsigned option = find_option(selection_options,
                                      sizeof selection_options / sizeof *selection_options, word);
        if (option == 0) {
            return reader_fail(c->reader, "LIST cannot select by %.*s", STR_ARG(word));
        }
        request->options |= option;
        (void)reader_accept_sp(c->reader);
    }
    return reader_expect_sp(c->reader);
}

static bool read_pattern(struct command *c, struct list_command *request)
{
    struct str pattern;
    if (!reader_expect_list_mailbox(c->reader, &pattern)) {
        return false;
    }
    if (request->patterns.items.len >= LIMIT_FLAGS) {
        return reader_fail(c->reader, "too many patterns");
    }
    vec_push(&request->patterns.items,
             str_from(arena_printf(c->arena, "%.*s%.*s", STR_ARG(request->reference),
                                   STR_ARG(pattern))));
    return true;
}

static bool read_patterns(struct command *c, struct list_command *request)
{
    if (!reader_accept(c->reader, '(')) {
        return read_pattern(c, request);
    }
    request->extended = true;
    while (!reader_accept(c->reader, ')')) {
        if (!read_pattern(c, request)) {
            return false;
        }
        (void)reader_accept_sp(c->reader);
    }
    return true;
}

static bool read_return_option(const struct session *s, struct command *c,
                               struct list_command *request)
{
    struct str word;
    if (!reader_expect_atom(c->reader, &word)) {
        return false;
    }
    if (str_eq_nocase(word, STR("STATUS"))) {
        if (!session_offers(s, CAP_LIST_STATUS)) {
            return reader_fail(c->reader, "LIST-STATUS is not on offer");
        }
        return reader_expect_sp(c->reader) && status_items_read(c->reader, &request->status_items);
    }
    unsigned option =
        find_option(return_options, sizeof return_options / sizeof *return_options, word);
    request->options |= option;
    return option != 0 || reader_fail(c->reader, "LIST cannot return %.*s", STR_ARG(word));
}

static bool read_return(const struct session *s, struct command *c, struct list_command *request)
{
    if (!reader_accept_sp(c->reader) || reader_at_crlf(c->reader)) {
        return !reader_failed(c->reader);
    }
    request->extended = true;
    if (!reader_accept_word(c->reader, "RETURN") || !reader_expect_sp(c->reader) ||
        !reader_expect(c->reader, '(')) {
        return reader_fail(c->reader, "expected RETURN (…)");
    }
    while (!reader_accept(c->reader, ')')) {
        if (!read_return_option(s, c, request)) {
            return false;
        }
        (void)reader_accept_sp(c->reader);
    }
    return true;
}

/* ---- answering ---- */

static bool matches(const struct session *s, struct str wire, const struct list_command *request)
{
    char delimiter = names_delimiter(s);
    for (size_t i = 0; i < request->patterns.items.len; i++) {
        struct str pattern = request->patterns.items.items[i];
        if (mailbox_name_matches(wire, pattern, delimiter) ||
            (mailbox_name_is_inbox(wire) && mailbox_name_is_inbox(pattern))) {
            return true;
        }
    }
    return false;
}

static bool has_child(const struct session *s, const struct backend_list_entry *entries, size_t len,
                      size_t index)
{
    struct str name = entries[index].name;
    /* In order of name the children follow, but for names with bytes below the delimiter. */
    for (size_t i = index + 1; i < len && str_starts(entries[i].name, name); i++) {
        if (entries[i].name.len > name.len &&
            entries[i].name.ptr[name.len] == s->backend.ops->delimiter &&
            (entries[i].attributes & LIST_NONEXISTENT) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_selected(const struct list_command *request, uint32_t attributes)
{
    if ((request->options & SELECT_SUBSCRIBED) != 0 && (attributes & LIST_SUBSCRIBED) == 0) {
        return false;
    }
    if ((request->options & SELECT_SPECIAL_USE) != 0 && (attributes & LIST_SPECIAL_USE) == 0) {
        return false;
    }
    return (request->options & SELECT_SUBSCRIBED) != 0 || (attributes & LIST_NONEXISTENT) == 0;
}

static bool told_by(const struct list_command *request, enum list_option option)
{
    return !request->extended || (request->options & option) != 0;
}

/* What of a mailbox's attributes is told: special uses always, as RFC 6154 allows for plain LIST.
 */
static uint32_t told_attributes(const struct session *s, const struct list_command *request,
                                uint32_t attributes, bool child)
{
    uint32_t told = attributes & (LIST_NOSELECT | LIST_NONEXISTENT);
    if (session_offers(s, CAP_SPECIAL_USE) && told_by(request, RETURN_SPECIAL_USE)) {
        told |= attributes & LIST_SPECIAL_USE;
    }
    if ((request->options & RETURN_SUBSCRIBED) != 0) {
        told |= attributes & LIST_SUBSCRIBED;
    }
    if (session_offers(s, CAP_CHILDREN) && told_by(request, RETURN_CHILDREN)) {
        told |= child ? LIST_HASCHILDREN : LIST_HASNOCHILDREN;
    }
    return told;
}

static void tell_entry(struct session *s, const char *command, uint32_t attributes, struct str wire)
{
    struct list_entry entry = {
        .attributes = attributes, .delimiter = names_delimiter(s), .name = wire};
    writer_cstr(&s->out, "* ");
    list_entry_write(&s->out, command, &entry);
    writer_crlf(&s->out);
}

static void answer(struct session *s, struct command *c, const struct list_command *request)
{
    struct backend_list_entry *entries = NULL;
    struct error err = ERROR_INIT;
    size_t len = 0;
    if (s->backend.ops->list(s->user, c->arena, &entries, &len, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        struct str wire = names_to_wire(s, c->arena, entries[i].name);
        uint32_t attributes = entries[i].attributes;
        if (!is_selected(request, attributes) || !matches(s, wire, request)) {
            continue;
        }
        tell_entry(s, "LIST",
                   told_attributes(s, request, attributes, has_child(s, entries, len, i)), wire);
        /* A mailbox that cannot be opened has no STATUS: RFC 5819 section 2. */
        if (request->status_items != 0 && (attributes & (LIST_NOSELECT | LIST_NONEXISTENT)) == 0) {
            (void)status_tell(s, c->arena, entries[i].name, request->status_items, &err);
        }
    }
    reply_ok(c, "LIST done");
}

static bool read_list(const struct session *s, struct command *c, struct list_command *request)
{
    if (!reader_expect_sp(c->reader) || !read_selection(c, request) ||
        !reader_expect_astring(c->reader, &request->reference) || !reader_expect_sp(c->reader) ||
        !read_patterns(c, request) || !read_return(s, c, request) ||
        !reader_expect_crlf(c->reader)) {
        return false;
    }
    if (request->extended && !session_offers(s, CAP_LIST_EXTENDED) &&
        !(request->status_items != 0 && session_offers(s, CAP_LIST_STATUS)) &&
        !((request->options & RETURN_SPECIAL_USE) != 0 && session_offers(s, CAP_SPECIAL_USE))) {
        reply_bad(c, "LIST-EXTENDED is not on offer");
        return false;
    }
    if (!status_items_offered(s, request->status_items)) {
        reply_bad(c, "These STATUS items are not on offer");
        return false;
    }
    return true;
}

void handle_list(struct session *s, struct command *c)
{
    struct list_command request = {0};
    if (read_list(s, c, &request)) {
        if ((request.status_items & STATUS_HIGHESTMODSEQ) != 0) {
            s->condstore = true;
        }
        if (!request.extended && request.patterns.items.items[0].len == request.reference.len) {
            /* An empty pattern asks for the delimiter alone. */
            tell_entry(s, "LIST", LIST_NOSELECT, STR_EMPTY);
            reply_ok(c, "LIST done");
        } else {
            answer(s, c, &request);
        }
    }
    vec_free(&request.patterns.items);
}

static void answer_lsub(struct session *s, struct command *c, const struct list_command *request)
{
    struct backend_list_entry *entries = NULL;
    struct error err = ERROR_INIT;
    size_t len = 0;
    if (s->backend.ops->list(s->user, c->arena, &entries, &len, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        struct str wire = names_to_wire(s, c->arena, entries[i].name);
        if ((entries[i].attributes & LIST_SUBSCRIBED) != 0 && matches(s, wire, request)) {
            tell_entry(s, "LSUB", entries[i].attributes & LIST_NOSELECT, wire);
        }
    }
    reply_ok(c, "LSUB done");
}

void handle_lsub(struct session *s, struct command *c)
{
    struct list_command request = {0};
    if (reader_expect_sp(c->reader) && reader_expect_astring(c->reader, &request.reference) &&
        reader_expect_sp(c->reader) && read_pattern(c, &request) && reader_expect_crlf(c->reader)) {
        answer_lsub(s, c, &request);
    }
    vec_free(&request.patterns.items);
}
