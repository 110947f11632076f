#pragma once
/* Which messages of a plan may be ones that the index knows from elsewhere. */
#include "pass/pass.h"

/*
 * Gives uploads, downloads and deletions of the plan their identity, as far as a move or a copy can
 * come of it. Files are read, which they are for the upload anyhow. Of messages on the server
 * EMAILID or X-GM-MSGID is asked where the server has it; elsewhere size and date, and the header
 * of those alone that agree in both with a record that is gone. A body is asked for only of what
 * was moved, it seems, and what no Message-ID tells from others. Nothing is asked where nothing can
 * come of it: where no record is gone from another mailbox and there is little to link.
 */
int identify(struct pass *pass, struct plan *plan, struct error *err);

/* That of the operation, made empty where there is none yet. */
struct identity *identity_of(struct pass *pass, struct operation *op);

/* Whether STATUS tells of fewer messages than there would be if none had gone; or nothing is told
 * of a mailbox that failed, is gone on both sides, or has no folder any more. */
bool identify_has_lost(const struct mailbox_pair *pair);
