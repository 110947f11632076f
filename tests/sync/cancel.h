#pragma once
/*
 * Work that is told to stop at a place of the test's choice: every wait for a peer and every look
 * for the wake between two steps is such a place, counted from 1 over all threads that have this
 * wake. A wake stays signalled, so whatever waits after it is stopped, too.
 */
#include "base/wake.h"
#include <stdint.h>

/* From here on the looks for `wake` are counted; at the `at`th it is signalled (0: never). NULL
 * ends it. */
void cancel_at(const struct wake *wake, uint64_t at);
uint64_t cancel_looks(void);
/* What is done there instead of signalling the wake; called by the thread that comes to it. NULL:
 * the wake is signalled. */
void cancel_act(void (*act)(void *self), void *self);
