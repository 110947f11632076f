#pragma once
/* ACL (RFC 4314). Results are in the arena. */
#include "imap/acl.h"
#include "client/client.h"

/* One handle for all five; begun ones are ended with client_op_end, and then hold the answer. */
struct client_acl {
    struct client_op op;
    bool told; /* the server sent what was asked for */
    struct acl acl;
    struct acl_list_rights list_rights;
    struct acl_my_rights my_rights;
};
int client_setacl_begin(struct client *c, struct client_acl *h, const struct acl_set *set,
                        struct error *err);
int client_deleteacl_begin(struct client *c, struct client_acl *h, struct str mailbox,
                           struct str identifier, struct error *err);
int client_getacl_begin(struct client *c, struct client_acl *h, struct str mailbox,
                        struct arena *arena, struct error *err);
int client_listrights_begin(struct client *c, struct client_acl *h, struct str mailbox,
                            struct str identifier, struct arena *arena, struct error *err);
int client_myrights_begin(struct client *c, struct client_acl *h, struct str mailbox,
                          struct arena *arena, struct error *err);

/* The same, begun and ended. ERR_PROTOCOL of SCOPE_MAILBOX where OK came without the data. */
int client_setacl(struct client *c, const struct acl_set *set, struct error *err);
int client_deleteacl(struct client *c, struct str mailbox, struct str identifier,
                     struct error *err);
int client_getacl(struct client *c, struct str mailbox, struct arena *arena, struct acl *out,
                  struct error *err);
int client_listrights(struct client *c, struct str mailbox, struct str identifier,
                      struct arena *arena, struct acl_list_rights *out, struct error *err);
int client_myrights(struct client *c, struct str mailbox, struct arena *arena,
                    struct acl_my_rights *out, struct error *err);
