#pragma once
/* VANISHED (RFC 7162 section 3.2.10). */
#include "imap/seqset.h"

/* Behind "VANISHED ": "(EARLIER) 41,43:116" or "41,43:116". A zero is passed over and the set may
 * be missing, as some servers have it; `*` is refused. The caller frees *uids. */
bool vanished_read(struct reader *r, bool *earlier, struct seqset *uids);
/* "VANISHED (EARLIER) 41,43:116", no line end. */
void vanished_write(struct writer *w, bool earlier, const struct seqset *uids);
