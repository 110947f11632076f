#pragma once
/*
 * `expunge_without_uidplus: careful`: EXPUNGE takes everything marked \Deleted. The marks of other
 * messages are recorded, taken off, and put back afterwards, by a later run where this one is
 * interrupted. Messages that somebody else marks meanwhile go too.
 */
#include "pass/pass.h"

/* In the selected mailbox; `uids` are marked already. */
int careful_expunge(struct pass *pass, const struct mailbox_pair *pair, const struct seqset *uids,
                    struct error *err);
/* Puts back what an interrupted run took off. Before the survey; pairs must be known. */
int careful_recover(struct pass *pass, struct error *err);
