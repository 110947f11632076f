#pragma once
/* Whether a mailbox is no longer on the server at all: what a list leaves out may be out of our
 * view only, and is not gone (law 1). */
#include "pass/pass.h"

/* Whether the server, asked twice for exactly this name, has no such mailbox, and says nothing of
 * rights. */
int gone_for_good(struct pass *pass, struct str name, bool *out, struct error *err);
