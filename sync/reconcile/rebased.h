#pragma once
/*
 * A file that got another name in its folder while its message went on the server: under the new
 * name it is the same file, and goes as it would have under the old. Only where something new on
 * the server may be the message, which cannot be told before it is fetched: sent as a new one the
 * file would stand beside it. Anything else that comes where both sides lost the like is new. Pure.
 */
#include "reconcile/model.h"

/* After the moves are found. */
void rebased_find(struct plan *plan);
