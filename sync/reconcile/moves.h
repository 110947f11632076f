#pragma once
/* Which operations of a plan belong together as moves and copies: pure, over the whole account. */
#include "base/arena.h"
#include "reconcile/model.h"

/*
 * Takes out of the mailboxes' lists what together is a move, and adds it to `plan->moves`:
 *
 *  - an upload whose file was a synced one elsewhere, that is gone there: MOVE_REMOTE (in the same
 *    folder MOVE_REBASE);
 *  - an upload whose file is a copy of one that is still there: MOVE_COPY;
 *  - a download whose message is gone elsewhere: MOVE_LOCAL (in the same mailbox MOVE_MEET);
 *  - both at once: the server's place wins (MOVE_LOCAL out of the file's place, or MOVE_MEET);
 *  - a download of a message that is here under the server's own id for it: MOVE_LINK.
 *
 * What is not certain stays as it is: it is fetched or sent. Deletions that are left learn whether
 * a synced copy stays in another mailbox, and whether they go by way of \Trash.
 */
void moves_find(struct plan *plan, struct arena *arena);

/* Whether the record is of the same message, as far as is known. `id` may be NULL. */
bool moves_is_twin(const struct identity *id, const struct index_message *record);
/* Whether all of it is known, so that nothing like it is another message. */
bool moves_is_by_body(const struct identity *id);
/* Whether the policy lets a file be moved into the mailbox: for what is new there, or instead of a
 * deletion. */
bool moves_are_carried_here(const struct mailbox_plan *to);
/* Header, size and date in one key, of `arena`. */
struct str moves_likeness(struct arena *arena, const struct identity *id);
