#pragma once
/* STATUS (RFC 9051 section 6.3.11, RFC 7162, RFC 8438, RFC 8474). */
#include "wire/reader.h"
#include "wire/writer.h"

enum status_item {
    STATUS_MESSAGES = 1,
    STATUS_UIDNEXT = 2,
    STATUS_UIDVALIDITY = 4,
    STATUS_UNSEEN = 8,
    STATUS_RECENT = 16,
    STATUS_DELETED = 32,
    STATUS_SIZE = 64,
    STATUS_HIGHESTMODSEQ = 128,
    STATUS_MAILBOXID = 256,
    STATUS_APPENDLIMIT = 512,
    STATUS_DELETED_STORAGE = 1024, /* RFC 9208, units of 1024 octets */
};

struct status_data {
    unsigned have; /* enum status_item */
    struct str mailbox;
    uint32_t messages, uidnext, uidvalidity, unseen, recent, deleted;
    uint64_t size, highestmodseq, append_limit, deleted_storage;
    struct str mailboxid;
    bool mailboxid_broken; /* told, but no ObjectID (RFC 8474 section 7) */
};
/* Behind "STATUS "; unknown items are passed over, and the list may be empty. Strings are in the
 * reader's arena. */
bool status_data_read(struct reader *r, struct status_data *out);
/* "STATUS name (…)", no line end. */
void status_data_write(struct writer *w, const struct status_data *data);
/* "(MESSAGES UIDNEXT)"; the server reads what the client writes. */
bool status_items_read(struct reader *r, unsigned *items);
void status_items_write(struct writer *w, unsigned items);
