#pragma once
/* LIST (RFC 9051, RFC 5258, RFC 6154). */
#include "wire/reader.h"
#include "wire/writer.h"
#include "imap/str_list.h"

enum list_attribute {
    LIST_NOSELECT = 1 << 0,
    LIST_NONEXISTENT = 1 << 1, /* reading it sets LIST_NOSELECT too (RFC 5258) */
    LIST_NOINFERIORS = 1 << 2,
    LIST_HASCHILDREN = 1 << 3,
    LIST_HASNOCHILDREN = 1 << 4,
    LIST_MARKED = 1 << 5,
    LIST_UNMARKED = 1 << 6,
    LIST_SUBSCRIBED = 1 << 7,
    LIST_REMOTE = 1 << 8,
    LIST_ALL = 1 << 9,
    LIST_ARCHIVE = 1 << 10,
    LIST_DRAFTS = 1 << 11,
    LIST_FLAGGED = 1 << 12,
    LIST_JUNK = 1 << 13,
    LIST_SENT = 1 << 14,
    LIST_TRASH = 1 << 15,
    LIST_IMPORTANT = 1 << 16,
    LIST_INBOX = 1 << 17, /* XLIST's \Inbox */
};
#define LIST_SPECIAL_USE                                                                           \
    (LIST_ALL | LIST_ARCHIVE | LIST_DRAFTS | LIST_FLAGGED | LIST_JUNK | LIST_SENT | LIST_TRASH |   \
     LIST_IMPORTANT)

/* Selection options of LIST-EXTENDED (RFC 5258). */
enum list_select {
    LIST_SELECT_SUBSCRIBED = 1,
    LIST_SELECT_REMOTE = 2,
    LIST_SELECT_RECURSIVEMATCH = 4,
    LIST_SELECT_SPECIAL_USE = 8, /* RFC 6154 */
};
/* Return options (RFC 5258, RFC 5819, RFC 6154, RFC 8440, RFC 9590). */
enum list_return {
    LIST_RETURN_CHILDREN = 1,
    LIST_RETURN_SUBSCRIBED = 2,
    LIST_RETURN_SPECIAL_USE = 4,
    LIST_RETURN_STATUS = 8, /* status_items */
    LIST_RETURN_MYRIGHTS = 16,
    LIST_RETURN_METADATA = 32, /* metadata */
};
struct list_request {
    bool has_select; /* "()" selects nothing, but tells that the form is the extended one */
    unsigned select; /* enum list_select */
    struct str reference;
    struct str_list patterns; /* at least one; several only in the extended form */
    bool has_return;
    unsigned returns;         /* enum list_return */
    unsigned status_items;    /* enum status_item of imap/status.h */
    struct str_list metadata; /* entry names */
};
/* Behind "LIST ", up to the line end, of any form. RECURSIVEMATCH alone, or with REMOTE only, is
 * refused. */
bool list_request_read(struct reader *r, struct arena *arena, struct list_request *out);
/* Without what is not set it is the form that every server knows. */
void list_request_write(struct writer *w, const struct list_request *request);

struct list_entry {
    uint32_t attributes;
    char delimiter;      /* 0 for NIL */
    struct str name;     /* as sent */
    unsigned child_info; /* enum list_select: what CHILDINFO says of the children; 0: not told */
    struct str old_name; /* OLDNAME, after RENAME; empty: not told */
};
/* Behind "LIST " (or LSUB, XLIST), up to the line end; extended data of other kinds is passed over.
 * The name is in the reader's arena. */
bool list_entry_read(struct reader *r, struct list_entry *out);
/* "LIST (\Sent) "/" Sent", with `command` for LIST, no line end. */
void list_entry_write(struct writer *w, const char *command, const struct list_entry *entry);
/* "\Sent", and XLIST's names; false if unknown. */
bool list_attribute_parse(struct str name, uint32_t *out);
const char *list_attribute_name(uint32_t bit);
