#pragma once
/*
 * Maildirs behind the embedded server: DIR/USER is a nested Maildir of that user (maildir.h).
 *
 * Beside each folder's cur/, new/ and tmp/ stands `maildird-uids`, which remembers what Maildir
 * cannot: UIDVALIDITY, which UID and which modseq each file has, keywords, dates, and what was
 * expunged. In the user's root `maildird-mailboxes` remembers subscriptions and special uses.
 * Neither is the index of the synchronisation. Formats: serve_private.h.
 *
 * Other programs may change the Maildir at any moment: what they do is seen a quarter of a second
 * later at most, as other sessions' changes. One server at a time: it locks the files.
 */
#include "base/clock.h"
#include "server/backend.h"

struct serve_backend;

/* `dir` is made when it is not there; `clock` is borrowed. */
int serve_backend_new(const char *dir, const struct clock *clock, struct serve_backend **out,
                      struct error *err);
void serve_backend_free(struct serve_backend **backend);
/* Makes DIR/USER with its INBOX where they are not there. ERR_USAGE: the name cannot be that of a
 * directory. */
int serve_backend_add_user(struct serve_backend *backend, const char *user, const char *password,
                           struct error *err);
/* The vtable over it; borrowed for the backend's life. */
struct backend serve_backend_vtable(struct serve_backend *backend);
