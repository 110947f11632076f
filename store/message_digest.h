#pragma once
/*
 * Digests of a message's wire form, computed while it streams by.
 *
 * The header digest covers the header block with the lines left out that mail programs and sync
 * tools add for their own book-keeping (X-TUID, X-OfflineIMAP, Status, X-Status, Lines,
 * Content-Length, …, with their continuation lines), so that a message keeps its digest when it
 * passes through them. The body digest covers everything behind the first empty line. A message
 * without an empty line is all header.
 */
#include "base/digest.h"

struct message_digester;

struct message_digester *message_digester_new(void);
void message_digester_free(struct message_digester **d);
void message_digester_reset(struct message_digester *d);
/* Bytes with CRLF line ends (bare CR and LF are taken as they are). */
void message_digester_add(struct message_digester *d, const void *data, size_t len);
void message_digester_finish(struct message_digester *d, struct digest *header,
                             struct digest *body);

/* What else the header told, of the message added since the last reset or finish. */
struct message_traits {
    uint64_t left_out_bytes; /* of the lines that the header digest leaves out */
    bool from_sync_tool;     /* a line that mbsync or OfflineIMAP adds is among them */
};
struct message_traits message_digester_traits(const struct message_digester *d);
