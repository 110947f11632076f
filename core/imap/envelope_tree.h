#pragma once
/* An envelope within a BODYSTRUCTURE; for envelope.c and bodystructure.c. */
#include "imap/envelope.h"
#include "imap/tree.h"

/* Of a list, or of NIL, which has nothing. */
void envelope_from_tree(struct arena *arena, const struct tree *list, struct envelope *out);
