#pragma once
/* Messages that were moved out of the sight of this pass. */
#include "pass/pass.h"

/*
 * A file that is gone may have been moved to a folder that this pass leaves alone: one that is not
 * among its targets, or whose mailbox failed. Deletions on the server wait where a new file of such
 * a folder has the same content (law 1): a later pass sees both ends. While a folder could not be
 * read because it kept changing, all deletions on the server wait, and so do uploads of what is
 * known from it: files are being moved into it or out of it. Deletions here wait where a mailbox
 * that is left alone has got new messages on the server, and while messages keep going from
 * mailboxes there: then so do uploads of what is among them.
 * What both sides moved waits where one of the places is left alone. What was moved here to where
 * new messages are not carried to the server stays there.
 */
int elsewhere_wait(struct pass *pass, struct plan *plan, struct error *err);

/*
 * Right before deletions on the server: what was moved while the folders were looked at one after
 * the other was seen in none of them. Each folder that is not as the survey saw it is looked at
 * again, and a deletion waits whose message came there meanwhile. All wait where folders go on
 * changing, or where more came than can be told apart.
 */
int elsewhere_arrived(struct pass *pass, struct plan *plan, struct error *err);
