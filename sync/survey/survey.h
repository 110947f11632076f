#pragma once
/* What both sides have, against the index: the first step of a pass. Changes nothing on either
 * side, but for what an interrupted run left to be put right (recover.h, careful.h). */
#include "pass/pass.h"

/* Which mailboxes there are, paired: fills `pass->pairs`. */
int survey_mailboxes(struct pass *pass, struct error *err);

/* survey_mailboxes, then the deltas of each pair. What concerns one mailbox is noted on its pair.
 */
int survey(struct pass *pass, struct error *err);
