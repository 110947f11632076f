#include "imap/list.h"
#include "imap/limits.h"
#include "imap/status.h"
#include <assert.h>

struct attribute_row {
    uint32_t bit;
    const char *name;
};
/* The first name of a bit is the one that is written; the rest are XLIST's. */
static const struct attribute_row attribute_rows[] = {
    {LIST_NOSELECT, "\\Noselect"},
    {LIST_NONEXISTENT, "\\NonExistent"},
    {LIST_NOINFERIORS, "\\Noinferiors"},
    {LIST_HASCHILDREN, "\\HasChildren"},
    {LIST_HASNOCHILDREN, "\\HasNoChildren"},
    {LIST_MARKED, "\\Marked"},
    {LIST_UNMARKED, "\\Unmarked"},
    {LIST_SUBSCRIBED, "\\Subscribed"},
    {LIST_REMOTE, "\\Remote"},
    {LIST_ALL, "\\All"},
    {LIST_ARCHIVE, "\\Archive"},
    {LIST_DRAFTS, "\\Drafts"},
    {LIST_FLAGGED, "\\Flagged"},
    {LIST_JUNK, "\\Junk"},
    {LIST_SENT, "\\Sent"},
    {LIST_TRASH, "\\Trash"},
    {LIST_IMPORTANT, "\\Important"},
    {LIST_INBOX, "\\Inbox"},
    {LIST_ALL, "\\AllMail"},
    {LIST_FLAGGED, "\\Starred"},
    {LIST_JUNK, "\\Spam"},
};
#define ATTRIBUTE_ROWS (sizeof attribute_rows / sizeof attribute_rows[0])

struct option_row {
    unsigned bit;
    const char *name;
};
static const struct option_row select_rows[] = {
    {LIST_SELECT_SUBSCRIBED, "SUBSCRIBED"},
    {LIST_SELECT_REMOTE, "REMOTE"},
    {LIST_SELECT_RECURSIVEMATCH, "RECURSIVEMATCH"},
    {LIST_SELECT_SPECIAL_USE, "SPECIAL-USE"},
};
#define SELECT_ROWS (sizeof select_rows / sizeof select_rows[0])
static const struct option_row return_rows[] = {
    {LIST_RETURN_CHILDREN, "CHILDREN"},       {LIST_RETURN_SUBSCRIBED, "SUBSCRIBED"},
    {LIST_RETURN_SPECIAL_USE, "SPECIAL-USE"}, {LIST_RETURN_STATUS, "STATUS"},
    {LIST_RETURN_MYRIGHTS, "MYRIGHTS"},       {LIST_RETURN_METADATA, "METADATA"},
};
#define RETURN_ROWS (sizeof return_rows / sizeof return_rows[0])

static unsigned option_lookup(const struct option_row *rows, size_t len, struct str name)
{
    for (size_t i = 0; i < len; i++) {
        if (str_eq_nocase(name, str_from(rows[i].name))) {
            return rows[i].bit;
        }
    }
    return 0;
}

static unsigned select_option_lookup(struct str name)
{
    return option_lookup(select_rows, SELECT_ROWS, name);
}

static unsigned return_option_lookup(struct str name)
{
    return option_lookup(return_rows, RETURN_ROWS, name);
}

/* RFC 5258 section 3: RECURSIVEMATCH modifies another option, and REMOTE is none to match. */
static bool select_is_complete(unsigned select)
{
    return (select & LIST_SELECT_RECURSIVEMATCH) == 0 ||
           (select & (LIST_SELECT_SUBSCRIBED | LIST_SELECT_SPECIAL_USE)) != 0;
}

static void write_select_options(struct writer *w, unsigned select, const char *quote)
{
    const char *before = "";
    for (size_t i = 0; i < SELECT_ROWS; i++) {
        if ((select & select_rows[i].bit) != 0) {
            writer_format(w, "%s%s%s%s", before, quote, select_rows[i].name, quote);
            before = " ";
        }
    }
}

bool list_attribute_parse(struct str name, uint32_t *out)
{
    for (size_t i = 0; i < ATTRIBUTE_ROWS; i++) {
        if (str_eq_nocase(name, str_from(attribute_rows[i].name))) {
            *out = attribute_rows[i].bit;
            return true;
        }
    }
    return false;
}

const char *list_attribute_name(uint32_t bit)
{
    for (size_t i = 0; i < ATTRIBUTE_ROWS; i++) {
        if (attribute_rows[i].bit == bit) {
            return attribute_rows[i].name;
        }
    }
    assert(false);
    return "";
}

static bool list_read_attributes(struct reader *r, uint32_t *out)
{
    *out = 0;
    if (!reader_expect(r, '(')) {
        return false;
    }
    while (!reader_list_ended(r)) {
        struct str name;
        uint32_t bit;
        bool quoted = reader_peek(r) == '"';
        if (quoted ? !reader_expect_string(r, &name) : !reader_expect_view(r, CHAR_WORD, &name)) {
            return false;
        }
        if (list_attribute_parse(name, &bit)) {
            *out |= bit;
        }
    }
    if ((*out & LIST_NONEXISTENT) != 0) {
        *out |= LIST_NOSELECT;
    }
    return true;
}

static bool list_read_delimiter(struct reader *r, char *out)
{
    struct str text;
    if (!reader_expect_nstring(r, &text)) {
        return false;
    }
    if (text.len > 1) {
        return reader_fail(r, "the hierarchy delimiter \"%.*s\"", STR_ARG(text));
    }
    *out = text.len == 1 ? text.ptr[0] : '\0';
    return true;
}

/* ---- extended data ---- */

/* "("SUBSCRIBED")", whose options are quoted. */
static bool list_read_child_info(struct reader *r, unsigned *out)
{
    struct str name;
    if (!reader_expect(r, '(')) {
        return false;
    }
    (void)reader_accept_sp(r);
    while (!reader_accept(r, ')')) {
        if (!reader_expect_astring(r, &name)) {
            return false;
        }
        *out |= select_option_lookup(name);
        (void)reader_accept_sp(r);
    }
    return true;
}

static bool list_read_extended_item(struct reader *r, struct list_entry *out)
{
    struct str tag;
    if (!reader_expect_astring(r, &tag) || !reader_expect_sp(r)) {
        return false;
    }
    bool list = reader_peek(r) == '(';
    if (list && str_eq_nocase(tag, STR("CHILDINFO"))) {
        return list_read_child_info(r, &out->child_info);
    }
    if (list && str_eq_nocase(tag, STR("OLDNAME"))) {
        return reader_expect(r, '(') && reader_expect_list_mailbox(r, &out->old_name) &&
               reader_expect(r, ')');
    }
    return reader_skip_value(r);
}

/* "("CHILDINFO" ("SUBSCRIBED"))", if it is there; whatever else stands up to the line end. */
static bool list_read_extended(struct reader *r, struct list_entry *out)
{
    (void)reader_accept_sp(r);
    if (!reader_accept(r, '(')) {
        return reader_skip_line(r);
    }
    (void)reader_accept_sp(r);
    while (!reader_accept(r, ')')) {
        if (!list_read_extended_item(r, out)) {
            return false;
        }
        (void)reader_accept_sp(r);
    }
    return reader_skip_line(r);
}

static void list_write_extended(struct writer *w, const struct list_entry *entry)
{
    const char *before = " (";
    if (entry->child_info != 0) {
        writer_cstr(w, " (\"CHILDINFO\" (");
        write_select_options(w, entry->child_info, "\"");
        writer_byte(w, ')');
        before = " ";
    }
    if (entry->old_name.len > 0) {
        writer_cstr(w, before);
        writer_cstr(w, "\"OLDNAME\" (");
        writer_astring(w, entry->old_name);
        writer_byte(w, ')');
        before = " ";
    }
    writer_cstr(w, before[1] == '\0' ? ")" : "");
}

/* ---- entries ---- */

bool list_entry_read(struct reader *r, struct list_entry *out)
{
    *out = (struct list_entry){.old_name = STR_EMPTY};
    (void)reader_accept_sp(r);
    return list_read_attributes(r, &out->attributes) && reader_expect_sp(r) &&
           list_read_delimiter(r, &out->delimiter) && reader_expect_sp(r) &&
           reader_expect_list_mailbox(r, &out->name) && list_read_extended(r, out);
}

void list_entry_write(struct writer *w, const char *command, const struct list_entry *entry)
{
    const char *before = " (";
    uint32_t left = entry->attributes;
    writer_cstr(w, command);
    for (size_t i = 0; i < ATTRIBUTE_ROWS; i++) {
        if ((left & attribute_rows[i].bit) != 0) {
            writer_cstr(w, before);
            writer_cstr(w, attribute_rows[i].name);
            before = " ";
            left &= ~attribute_rows[i].bit;
        }
    }
    writer_cstr(w, before[1] == '(' ? " () " : ") ");
    writer_nstring(w, str_make(entry->delimiter != '\0' ? &entry->delimiter : NULL,
                               entry->delimiter != '\0' ? 1 : 0));
    writer_sp(w);
    writer_astring(w, entry->name);
    list_write_extended(w, entry);
}

/* ---- asking ---- */

static bool list_read_select(struct reader *r, struct list_request *out)
{
    out->has_select = true;
    while (!reader_list_ended(r)) {
        struct str name;
        if (!reader_expect_view(r, CHAR_NAME, &name)) {
            return false;
        }
        unsigned option = select_option_lookup(name);
        if (option == 0) {
            return reader_fail(r, "the selection option \"%.*s\"", STR_ARG(name));
        }
        out->select |= option;
    }
    if (!select_is_complete(out->select)) {
        return reader_fail(r, "RECURSIVEMATCH without an option to match");
    }
    return reader_expect_sp(r);
}

static bool list_add_pattern(struct reader *r, struct arena *arena, struct list_request *out)
{
    struct str pattern;
    if (out->patterns.len == LIMIT_LIST_PATTERNS) {
        return reader_fail(r, "more than %d patterns", LIMIT_LIST_PATTERNS);
    }
    if (!reader_expect_list_mailbox(r, &pattern)) {
        return false;
    }
    str_list_add(arena, &out->patterns, pattern);
    return true;
}

static bool list_read_patterns(struct reader *r, struct arena *arena, struct list_request *out)
{
    if (!reader_accept(r, '(')) {
        return list_add_pattern(r, arena, out);
    }
    do {
        (void)reader_accept_sp(r);
        if (!list_add_pattern(r, arena, out)) {
            return false;
        }
        (void)reader_accept_sp(r);
    } while (!reader_accept(r, ')'));
    return true;
}

static bool list_read_metadata_names(struct reader *r, struct arena *arena, struct str_list *out)
{
    struct str name;
    if (!reader_expect(r, '(')) {
        return false;
    }
    do {
        (void)reader_accept_sp(r);
        if (out->len == LIMIT_METADATA_ENTRIES) {
            return reader_fail(r, "more than %d metadata entries", LIMIT_METADATA_ENTRIES);
        }
        if (!reader_expect_astring(r, &name)) {
            return false;
        }
        str_list_add(arena, out, name);
        (void)reader_accept_sp(r);
    } while (!reader_accept(r, ')'));
    return true;
}

static bool list_read_return(struct reader *r, struct arena *arena, struct list_request *out)
{
    if (!reader_expect_sp(r) || !reader_expect(r, '(')) {
        return false;
    }
    out->has_return = true;
    while (!reader_list_ended(r)) {
        struct str name;
        if (!reader_expect_view(r, CHAR_NAME, &name)) {
            return false;
        }
        unsigned option = return_option_lookup(name);
        if (option == 0) {
            return reader_fail(r, "the return option \"%.*s\"", STR_ARG(name));
        }
        out->returns |= option;
        if (option == LIST_RETURN_STATUS &&
            (!reader_expect_sp(r) || !status_items_read(r, &out->status_items))) {
            return false;
        }
        if (option == LIST_RETURN_METADATA &&
            (!reader_expect_sp(r) || !list_read_metadata_names(r, arena, &out->metadata))) {
            return false;
        }
    }
    return true;
}

bool list_request_read(struct reader *r, struct arena *arena, struct list_request *out)
{
    *out = (struct list_request){0};
    if (reader_accept(r, '(') && !list_read_select(r, out)) {
        return false;
    }
    if (!reader_expect_astring(r, &out->reference) || !reader_expect_sp(r) ||
        !list_read_patterns(r, arena, out)) {
        return false;
    }
    if (!reader_accept_sp(r) || reader_at_crlf(r)) {
        return !reader_failed(r);
    }
    if (!reader_accept_word(r, "RETURN")) {
        return reader_expected(r, "RETURN");
    }
    return list_read_return(r, arena, out);
}

static void list_write_returns(struct writer *w, const struct list_request *request)
{
    const char *before = " RETURN (";
    for (size_t i = 0; i < RETURN_ROWS; i++) {
        if ((request->returns & return_rows[i].bit) == 0) {
            continue;
        }
        writer_cstr(w, before);
        writer_cstr(w, return_rows[i].name);
        before = " ";
        if (return_rows[i].bit == LIST_RETURN_STATUS) {
            writer_sp(w);
            status_items_write(w, request->status_items);
        }
        if (return_rows[i].bit == LIST_RETURN_METADATA) {
            for (size_t k = 0; k < request->metadata.len; k++) {
                writer_cstr(w, k == 0 ? " (" : " ");
                writer_astring(w, request->metadata.items[k]);
            }
            writer_byte(w, ')');
        }
    }
    if (before[1] == '\0') {
        writer_byte(w, ')');
    } else if (request->has_return) {
        writer_cstr(w, " RETURN ()");
    }
}

void list_request_write(struct writer *w, const struct list_request *request)
{
    bool many = request->patterns.len > 1;
    if (request->has_select || request->select != 0) {
        writer_byte(w, '(');
        write_select_options(w, request->select, "");
        writer_cstr(w, ") ");
    }
    writer_astring(w, request->reference);
    for (size_t i = 0; i < request->patterns.len; i++) {
        writer_cstr(w, i == 0 && many ? " (" : " ");
        writer_list_mailbox(w, request->patterns.items[i]);
    }
    writer_cstr(w, many ? ")" : "");
    list_write_returns(w, request);
    if (request->patterns.len == 0 || !select_is_complete(request->select) ||
        ((request->returns & LIST_RETURN_METADATA) != 0 && request->metadata.len == 0)) {
        writer_fail(w, "a LIST without a pattern or option");
    }
}
