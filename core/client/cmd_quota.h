#pragma once
/* QUOTA (RFC 9208, RFC 2087). Results are in the arena. */
#include "imap/quota.h"
#include "client/client.h"

struct client_quotas {
    struct quota_root root; /* of GETQUOTAROOT */
    struct quota *items;
    size_t len;
};
struct client_quota {
    struct client_op op;
    bool told;
    struct client_quotas quotas;
    size_t cap;
};
/* To be ended with client_op_end. */
int client_getquota_begin(struct client *c, struct client_quota *h, struct str root,
                          struct arena *arena, struct error *err);
int client_getquotaroot_begin(struct client *c, struct client_quota *h, struct str mailbox,
                              struct arena *arena, struct error *err);
/* No resource takes all limits away. */
int client_setquota_begin(struct client *c, struct client_quota *h, const struct quota *quota,
                          struct arena *arena, struct error *err);

/* The same, begun and ended. ERR_PROTOCOL of SCOPE_MAILBOX where OK came without the data. */
int client_getquota(struct client *c, struct str root, struct arena *arena, struct quota *out,
                    struct error *err);
/* The quotas that hold for a mailbox; none is no error. */
int client_getquotaroot(struct client *c, struct str mailbox, struct arena *arena,
                        struct client_quotas *out, struct error *err);
/* What the server says of the root then; out->len may be 0. */
int client_setquota(struct client *c, const struct quota *quota, struct arena *arena,
                    struct quota *out, struct error *err);
