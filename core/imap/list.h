#pragma once
/* LIST (RFC 9051, RFC 5258, RFC 6154). */
#include "wire/reader.h"
#include "wire/writer.h"

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

struct list_entry {
    uint32_t attributes;
    char delimiter;  /* 0 for NIL */
    struct str name; /* as sent */
};
/* Behind "LIST " (or LSUB, XLIST), up to the line end; extended data is passed over. The name is in
 * the reader's arena. */
bool list_entry_read(struct reader *r, struct list_entry *out);
/* "LIST (\Sent) "/" Sent", with `command` for LIST, no line end. */
void list_entry_write(struct writer *w, const char *command, const struct list_entry *entry);
/* "\Sent", and XLIST's names; false if unknown. */
bool list_attribute_parse(struct str name, uint32_t *out);
const char *list_attribute_name(uint32_t bit);
