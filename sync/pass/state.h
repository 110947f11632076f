#pragma once
/* An account's durable state: the lock, the index, the root marker, and how they must fit together
 * (law 6, law 11). */
#include "pass/pass.h"

/* Takes the lock and opens the index (a damaged one is set aside and made anew); checks the marker
 * against it. ERR_READ (root or marker missing where there is an index), ERR_REFUSED (the marker of
 * another index), both not for `adopt`; ERR_LOCKED. A generation that does not fit casts doubt on
 * the mailboxes: their messages are to be paired again. A dry run of an account without an index
 * works on one of its own that is removed at the end. */
int state_open(struct pass *pass, struct error *err);
/* A record as it was read, with the doubt that marker and index cast on it. */
void state_doubt(const struct pass *pass, struct index_mailbox *mailbox);
/* Before the first change: on a first sync makes root, marker and the index's identity, durably, in
 * this order. Later, where there is doubt: notes it with each mailbox, and brings marker and index
 * in step. */
int state_begin(struct pass *pass, struct error *err);
/* Before a pass's first change to the Maildir, or to what is known of it: raises the marker's
 * generation, durably, to one that neither it nor the index ever had. */
int state_begin_changes(struct pass *pass, struct error *err);
/* In the pass's last commit: once every folder is in the index, the first run is over. */
int state_end_first_run(struct pass *pass, struct index_txn *txn, struct error *err);
void state_close(struct pass *pass);
