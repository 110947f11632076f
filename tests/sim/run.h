#pragma once
/* One run of a script: the passes, what happens between and during them, and then peace. */
#include "base/buf.h"
#include "sim/script.h"

struct run_counts {
    uint64_t runs, passes, points, failed_passes, left_to_people, held;
    uint64_t several;             /* runs with several connections */
    uint64_t further, refused;    /* connections beside a pass's own; those that were refused */
    uint64_t things[THING_KINDS]; /* that really happened */
    uint64_t faults[SCRIPT_FAULTS];
    uint64_t policies[SCRIPT_POLICIES];
};
extern struct run_counts run_counts;

/* True if all went as it must; what did not is in truth.violation. `told`: what happened, step by
 * step, or NULL. */
bool run_script(const struct script *script, struct buf *told);
/* Of all that happened in the last run: the same script gives the same. */
uint64_t run_fingerprint(void);
