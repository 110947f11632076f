#pragma once
/* What the files that a plan is to send, or may hold, are known by (identify.h). */
#include "pass/pass.h"

/* Nothing is read where the index has no messages yet. */
int identify_files(struct pass *pass, struct plan *plan, struct error *err);
