#pragma once
/* METADATA (RFC 5464). The mailbox "" is the server itself: METADATA-SERVER is enough for it.
 * Results are in the arena. */
#include "imap/metadata.h"
#include "client/client.h"

struct client_metadata {
    struct client_op op;
    struct metadata metadata; /* of all responses for the mailbox */
    size_t cap;
    uint64_t longest_left_out; /* of LONGENTRIES: octets of the longest over MAXSIZE; 0: none */
};
/* To be ended with client_op_end. */
int client_getmetadata_begin(struct client *c, struct client_metadata *h,
                             const struct metadata_get *get, struct arena *arena,
                             struct error *err);
/* NIL removes an entry. */
int client_setmetadata_begin(struct client *c, struct client_metadata *h,
                             const struct metadata *metadata, struct error *err);

/* The same, begun and ended; the handle holds the answer. */
int client_getmetadata(struct client *c, struct client_metadata *h, const struct metadata_get *get,
                       struct arena *arena, struct error *err);
int client_setmetadata(struct client *c, const struct metadata *metadata, struct error *err);
