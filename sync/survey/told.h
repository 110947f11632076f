#pragma once
/*
 * What the pass was told of (pass_options.told) is opened together with the question for all
 * mailboxes, which stands before it, when no pair is known yet. First it is chosen, of the
 * mailboxes that have marks; then begun, behind what is in flight, and heard. Once commands were
 * sent since, it is dropped: they may have changed what the answers say. Each does nothing where
 * nothing was told.
 */
#include "survey/opening.h"

void told_choose(struct pass *pass, const struct index_mailbox *known, size_t len);
void told_begin(struct pass *pass);
void told_hear(struct pass *pass);
void told_check(struct pass *pass);
/* Whether the pair's mailbox was opened, and is still to be opened that way. */
bool told_has(const struct pass *pass, const struct mailbox_pair *pair);
/* Hands it over, with its answers; false where it is to be asked for. */
bool told_take(struct pass *pass, struct mailbox_pair *pair, struct opening *out);
void told_drop(struct pass *pass);
