#pragma once
/* The part of the survey that finds messages again by content (law 6). */
#include "pass/pass.h"

/*
 * For each mailbox whose records do not hold (another UIDVALIDITY, an older server, index or
 * Maildir, `adopt`), and for each that was never synced and has mail on both sides: gathers what
 * its messages hold, pairs them, and sets `pair->pairing`. What is left in the deltas is new on one
 * side, or held. After local and remote survey.
 */
int survey_pairings(struct pass *pass, struct error *err);

/* Notes durably, however far the survey came, with which mailboxes the server went back: what pairs
 * them, in this pass or a later one, takes it off again. */
int survey_note_what_went_back(struct pass *pass, struct error *err);
