#pragma once
/* What an interrupted run left open (laws 2 and 4). */
#include "pass/pass.h"

/* Deliveries, renames and moves here: settled by looking at the Maildir. Before the survey, without
 * a connection. */
int recover_local(struct pass *pass, struct error *err);

/*
 * APPENDs, COPYs and MOVEs whose answer never came: looked for on the server. A complete look that
 * finds nothing is noted; a second one, a minute later or more, in another connection, lets the
 * message be sent or copied again (a move at once). Until then its file, and the original of the
 * copy, are left alone. Before the survey's scan; pairs must be known.
 */
int recover_appends(struct pass *pass, struct error *err);

/* Reads, behind that, what is still to be expunged (`leaving` of the pairs). */
int recover_leaving(struct pass *pass, struct error *err);
/* Ends the intents of those of a mailbox that are expunged, or not to be any more. */
int recover_end_leaving(struct index_txn *txn, uint32_t mailbox, const struct seqset *uids,
                        struct error *err);
