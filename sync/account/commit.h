#pragma once
/* The end of a pass: what was agreed without an act, what is held, and the marks, in one commit
 * (law 4). */
#include "pass/pass.h"

int commit_pass(struct pass *pass, const struct plan *plan, struct error *err);
