#pragma once
/*
 * A day with work of all kinds: both sides in step, then on both messages that are new, flagged,
 * deleted, moved and copied, one that both sides move, and mailboxes made, renamed and removed.
 */
#include "sync/engine.h"

/* Further keys of the account. */
extern const char DAY_ACCOUNT[];
/* What both sides hold in the end. */
extern const char DAY_END[];

/* The engine is new, and has DAY_ACCOUNT. */
void day_begin(struct engine *e);
