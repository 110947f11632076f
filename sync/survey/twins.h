#pragma once
/* Which records are the same message as what a plan carries. */
#include "pass/pass.h"

/* Fills `twins` of the identities that the plan's uploads, downloads and deletions have; a
 * deletion's own record is its identity. */
int twins_find(struct pass *pass, struct plan *plan, struct error *err);
