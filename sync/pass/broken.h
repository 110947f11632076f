#pragma once
/* Extensions that a server announces and breaks: not used with it any more, said once, remembered
 * (law 7). A full pass gives them another chance. */
#include "pass/pass.h"

/* From here on the connection goes without `cap`, and so do those of later passes. `how`: what is
 * wrong with it, for a person. 0 also if it is not in use. */
int broken_drop(struct pass *pass, enum capability cap, const char *how, struct error *err);
/* The same for MAILBOXID in STATUS and LIST alone (pass->without_mailboxid): the rest of OBJECTID,
 * EMAILID above all, stays in use. */
int broken_drop_mailboxid(struct pass *pass, const char *how, struct error *err);
/* Takes from the pass's connection what is known to be broken; in a full pass that is no
 * dry run forgets it. */
int broken_apply(struct pass *pass, struct error *err);
