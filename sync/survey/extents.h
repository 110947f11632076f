#pragma once
/* Sizes and dates of what is new on the server, where `max_size` or `since` ask for them. */
#include "pass/pass.h"

/* Fills `remote.extents` of the pairs with limits. Errors of one mailbox are noted on its pair. */
int extents_learn(struct pass *pass, struct error *err);
/* When the limits are not those of the last pass that went well: adds what was left on the server
 * by them, to be judged again. */
int extents_reconsider(struct pass *pass, struct index_txn *txn, const struct mailbox_pair *pair,
                       struct seqset *out, struct error *err);
/* After a pass over everything: these limits were applied to all there is. */
int extents_settle(struct pass *pass, struct error *err);
