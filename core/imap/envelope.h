#pragma once
/* ENVELOPE and addresses (RFC 9051 section 7.5.2). Strings are as on the wire, encoded words
 * included (mime_decode.h decodes them); ptr NULL is NIL. */
#include "wire/reader.h"
#include "wire/writer.h"

/* A group begins with an address whose host alone is NIL (mailbox is its name), and ends with one
 * whose mailbox and host are. */
struct imap_address {
    struct str name, route, mailbox, host;
};
struct imap_addresses {
    struct imap_address *items;
    size_t len; /* 0: NIL */
};
enum address_role { ADDRESS_ONE, ADDRESS_GROUP_BEGIN, ADDRESS_GROUP_END };
enum address_role imap_address_role(const struct imap_address *address);

struct envelope {
    struct str date, subject;
    struct imap_addresses from, sender, reply_to, to, cc, bcc;
    struct str in_reply_to, message_id;
};

/* NIL, or a list in parentheses; an empty list and NIL within it are taken. */
bool imap_addresses_read(struct reader *r, struct arena *arena, struct imap_addresses *out);
void imap_addresses_write(struct writer *w, const struct imap_addresses *addresses);
/* Tolerates a second pair of parentheses around it, fields missing at its end and more behind
 * them, and NIL as a whole. */
bool envelope_read(struct reader *r, struct arena *arena, struct envelope *out);
void envelope_write(struct writer *w, const struct envelope *envelope);
