#pragma once
/* What was paired by content mailbox by mailbox, and found no partner there, across mailboxes:
 * pure. */
#include "base/arena.h"
#include "reconcile/model.h"

/*
 * A file left over where a mailbox was paired by content may be a message that is new in another
 * one: it was moved since the backup, or since both sides met last (law 6). Where header and size
 * agree the file goes to where the server has the message, as a MOVE_LOCAL of `plan->moves`; each
 * file and each message is given away once. Until that is done the file is held: were the pass
 * broken off, it would look new. Both lose their operations.
 */
void strays_match(struct plan *plan, struct arena *arena);
/* Whether a file of this mailbox may be one: it is paired in this pass, or was in one that was
 * broken off before the mailbox had marks again. */
bool strays_may_be_in(const struct mailbox_pair *pair);
