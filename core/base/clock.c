#include "base/clock.h"
#include <stddef.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_monotonic_ms(void *self)
{
    return read_ms(CLOCK_BOOTTIME);
}

static int64_t system_wall_ms(void *self)
{
    return read_ms(CLOCK_REALTIME);
}

const struct clock clock_system = {system_monotonic_ms, system_wall_ms, NULL};

int64_t clock_monotonic_ms(const struct clock *clock)
{
    return clock->monotonic_ms(clock->self);
}

int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock->self);
}

int64_t clock_deadline(const struct clock *clock, int64_t timeout_ms)
{
    int64_t deadline;
    if (__builtin_add_overflow(clock_monotonic_ms(clock), timeout_ms, &deadline)) {
        return DEADLINE_NEVER;
    }
    return deadline;
}
