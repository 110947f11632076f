#pragma once
/* Time behind a struct, so that tests and the simulation own it. */
#include <stdint.h>

struct clock {
    /* Milliseconds since an arbitrary start; does not jump back; counts suspended time. */
    int64_t (*monotonic_ms)(void *self);
    /* Milliseconds since 1970-01-01 UTC. */
    int64_t (*wall_ms)(void *self);
    void *self;
};

/* CLOCK_BOOTTIME and CLOCK_REALTIME. */
extern const struct clock clock_system;

int64_t clock_monotonic_ms(const struct clock *clock);
int64_t clock_wall_ms(const struct clock *clock);

/* A deadline is a point on the monotonic clock in milliseconds; this one never comes. */
#define DEADLINE_NEVER INT64_MAX
/* Now + `timeout_ms`; a timeout_ms of DEADLINE_NEVER stays that. */
int64_t clock_deadline(const struct clock *clock, int64_t timeout_ms);
