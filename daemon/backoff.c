#include "daemon/backoff.h"

#include <assert.h>

static int64_t bound_ms(const struct backoff *backoff, uint32_t failures)
{
    int64_t bound = backoff->first_ms;
    for (uint32_t i = 1; i < failures && bound < backoff->most_ms; i++)
        bound = bound > backoff->most_ms / 2 ? backoff->most_ms : bound * 2;
    return bound;
}

int64_t backoff_delay_ms(const struct backoff *backoff, uint32_t failures, uint64_t random,
                         int64_t hint_ms)
{
    assert(backoff->first_ms > 0 && backoff->most_ms >= backoff->first_ms);
    int64_t floor = hint_ms > 0 ? hint_ms : 0;
    if (failures == 0)
        return floor;
    uint64_t span = (uint64_t)bound_ms(backoff, failures) + 1;
    return floor + (int64_t)(random % span);
}
