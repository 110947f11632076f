#pragma once
/* Mail in memory: for the demo, the tests and the simulation. Thread-safe. */
#include "base/clock.h"
#include "server/backend.h"

struct mem_backend;

/* `clock` gives INTERNALDATEs where none is told; borrowed. */
struct mem_backend *mem_backend_new(const struct clock *clock);
void mem_backend_free(struct mem_backend **backend);
void mem_backend_add_user(struct mem_backend *backend, const char *user, const char *password);
/* The OAuth token that is good for a user; none is at first. */
void mem_backend_set_token(struct mem_backend *backend, const char *user, const char *token);
/* The vtable over it; borrowed for the backend's life. */
struct backend mem_backend_vtable(struct mem_backend *backend);

/* From the side, as another client would: for tests and the demo. Mailboxes in UTF-8 with `/`. */
int mem_backend_create(struct mem_backend *backend, const char *user, const char *mailbox,
                       uint32_t special_use, struct error *err);
int mem_backend_append(struct mem_backend *backend, const char *user, const char *mailbox,
                       struct str message, unsigned system_flags, int64_t internal_date_s,
                       uint32_t *uid_out, struct error *err);
int mem_backend_set_flags(struct mem_backend *backend, const char *user, const char *mailbox,
                          uint32_t uid, unsigned system_flags, struct error *err);
int mem_backend_remove(struct mem_backend *backend, const char *user, const char *mailbox,
                       struct error *err);
int mem_backend_expunge(struct mem_backend *backend, const char *user, const char *mailbox,
                        uint32_t uid, struct error *err);
/* As if the mailbox had been lost and rebuilt: new UIDVALIDITY, UIDs from 1. */
int mem_backend_renumber(struct mem_backend *backend, const char *user, const char *mailbox,
                         struct error *err);
/* As if the mailbox had had a long life: another UIDVALIDITY, and UIDs that go on from here. For
 * one that is empty and that no session has opened. */
int mem_backend_number(struct mem_backend *backend, const char *user, const char *mailbox,
                       uint32_t uidvalidity, uint32_t uidnext, struct error *err);
/* As a server that forgets which UIDs were expunged (RFC 7162 section 3.2.5). */
int mem_backend_forget_expunged(struct mem_backend *backend, const char *user, const char *mailbox,
                                struct error *err);
/* A copy of all of a user's mailboxes, and putting it in their place later: with the UIDs and
 * UIDVALIDITYs that they had, as a restored server shows them. For a user with no session. NULL if
 * there is no such user; the caller frees it. */
struct mem_backup;
struct mem_backup *mem_backup_new(struct mem_backend *backend, const char *user);
void mem_backup_restore(struct mem_backend *backend, const char *user,
                        const struct mem_backup *backup);
void mem_backup_free(struct mem_backup **backup);
/* Each message in UID order until it returns false. */
int mem_backend_each(struct mem_backend *backend, const char *user, const char *mailbox,
                     bool (*visit)(void *self, const struct backend_message *message,
                                   struct str body),
                     void *self, struct error *err);
