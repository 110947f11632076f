#include "imap/list.h"
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
    for (;;) {
        struct str name;
        uint32_t bit;
        (void)reader_accept_sp(r);
        if (reader_accept(r, ')')) {
            break;
        }
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

bool list_entry_read(struct reader *r, struct list_entry *out)
{
    *out = (struct list_entry){0};
    (void)reader_accept_sp(r);
    return list_read_attributes(r, &out->attributes) && reader_expect_sp(r) &&
           list_read_delimiter(r, &out->delimiter) && reader_expect_sp(r) &&
           reader_expect_list_mailbox(r, &out->name) && reader_skip_line(r);
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
}
