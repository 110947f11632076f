#pragma once
/*
 * A file and a message that are both new in one mailbox, and are both known from a mailbox that
 * every pass leaves alone: one whose folder was removed here, say, and which stays on the server.
 * Both sides moved it (or copied it) alike. (Of one that this pass alone does not look at, both
 * wait for the next: elsewhere.h.) Where a side has the other mailbox no more, and the other side
 * not its message, both sides moved it, if to different places: the server's wins. Pure.
 */
#include "base/arena.h"
#include "reconcile/model.h"

/* After the moves are found: each such pair becomes a MOVE_MEET within its mailbox, or a MOVE_LOCAL
 * to where the message is. `pairs`: all mailboxes. */
void met_find(struct plan *plan, const struct pair_vec *pairs, struct arena *arena);
