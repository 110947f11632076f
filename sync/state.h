#pragma once
/* An account's durable state: the lock, the index, the root marker, and how they must fit together
 * (law 6, law 11). */
#include "sync/pass.h"

/* Takes the lock and opens the index; checks the marker against it. ERR_READ (root missing),
 * ERR_REFUSED (no marker where there is an index; a marker without its index; a generation behind),
 * ERR_LOCKED. A dry run of an account without an index works on one of its own that is removed at
 * the end. */
int state_open(struct pass *pass, struct error *err);
/* Whether this account has never been synced. */
bool state_is_fresh(const struct pass *pass);
/* A first sync onto a Maildir that holds mail is refused: pairing is not built yet. */
int state_refuse_existing(struct pass *pass, struct error *err);
/* Before the first change: on a first sync makes root, marker and the index's identity, durably, in
 * this order. */
int state_begin(struct pass *pass, struct error *err);
void state_close(struct pass *pass);
