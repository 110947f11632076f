#pragma once
/* What the dissector tells, written again by the vocabulary's own writers: what was understood, in
 * its one canonical form. */
#include "imap/dissect.h"

/* All units of `input`, a line each, in `out`; units that cannot be parsed as "ERROR". False where
 * something that was read cannot be written, or is a secret. */
bool units_write(struct str input, struct buf *out);
