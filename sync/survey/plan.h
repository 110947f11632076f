#pragma once
/* From deltas to a plan, and the plan in words. */
#include "pass/pass.h"

/* Reads the records that the deltas touch, reconciles every mailbox, finds what moved, leaves what
 * has to wait, and applies the guard. */
int plan_make(struct pass *pass, struct plan *out, struct error *err);
/* For `adopt`: nothing of the plan stays but what was paired. */
void plan_keep_pairings(struct plan *plan);
void plan_free(struct plan *plan);
/* Each operation to the sink, grouped by mailbox, with its reason. */
void plan_tell(const struct pass *pass, const struct plan *plan, const struct plan_sink *sink);
