#include "sim/machine.h"
#include "sim/threads.h"
#include <stddef.h>

#define START_NS (INT64_C(1704067200) * 1000000000)
#define POINT_NS INT64_C(7000)

struct machine machine;

void machine_reset(uint64_t seed)
{
    machine = (struct machine){
        .monotonic_ns = INT64_C(3600) * 1000000000,
        .wall_offset_ns = START_NS,
        .random = seed,
        .tick_ns = 4000000,
    };
}

void machine_boot(void)
{
    machine.points = machine.steps = 0;
    machine.crash_at = 0;
    machine.crashed = false;
}

int64_t machine_wall_ns(void)
{
    return machine.monotonic_ns + machine.wall_offset_ns;
}

int64_t machine_file_ns(void)
{
    int64_t now = machine_wall_ns();
    return now - now % machine.tick_ns;
}

void machine_point(void)
{
    if (!machine.in_pass)
        return;
    machine.points++;
    machine.monotonic_ns += POINT_NS;
    if (!machine.crashed && machine.at_point != NULL)
        machine.at_point(machine.points);
    threads_point();
}

bool machine_step(void)
{
    if (!machine.in_pass)
        return true;
    machine_point();
    machine.steps++;
    if (machine.steps == machine.crash_at)
        machine.crashed = true;
    return !machine.crashed;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned random_below(uint64_t *state, unsigned below)
{
    return (unsigned)(random_next(state) % below);
}

bool random_chance(uint64_t *state, unsigned percent)
{
    return random_below(state, 100) < percent;
}
