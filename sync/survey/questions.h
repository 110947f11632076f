#pragma once
/* Questions to the server about messages that are new there, several in flight; the answers become
 * the identity of the plan's operations. */
#include "pass/pass.h"

VEC_STRUCT(asking_vec, struct asking); /* each is one UID FETCH */

/* Zeroed but for the pass. */
struct questions {
    struct pass *pass;
    struct asking_vec asks;
    struct mailbox_plan *selected; /* by the last SELECT begun */
    struct mailbox_plan *lost;     /* the last SELECT ended found it not to be what it was: what was
                                      sent behind that is not answered by it either */
};

/* About new messages of that mailbox; `wanted` is emptied. `whole`: where FETCH_BODY_SECTION is
 * asked for, that is all of the message, not its header alone. */
void questions_add(struct questions *q, struct mailbox_plan *plan, bool whole,
                   struct seqset *wanted);
/* Asks what was added for `items`, enum fetch_item. What a server refuses to tell by its id, or
 * just now, it may tell `again`: what both sides moved would be doubled were it fetched. 0: nothing
 * is asked again. */
int questions_ask(struct questions *q, unsigned items, unsigned again, struct error *err);
