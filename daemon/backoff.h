#pragma once
/* How long to wait after failures in a row: exponential, with full jitter. Pure. */
#include <stdint.h>

struct backoff {
    int64_t first_ms; /* upper bound of the first wait; > 0 */
    int64_t most_ms;  /* no wait is longer, whatever the number of failures; >= first_ms */
};

/*
 * A wait between 0 and first_ms × 2^(failures - 1), at most most_ms, evenly spread by `random` (all
 * 64 bits of it used), so that many clients of one server that failed together do not come back
 * together. `hint_ms`, when positive, is the server's own word: never sooner than that, also where
 * it is longer than most_ms. 0 for no failure and no hint.
 */
int64_t backoff_delay_ms(const struct backoff *backoff, uint32_t failures, uint64_t random,
                         int64_t hint_ms);
