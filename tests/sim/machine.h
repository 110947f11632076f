#pragma once
/*
 * The computer that the engine runs on: its clocks, its randomness, and when it stops. Whatever the
 * engine asks of the C library, of LMDB or of the network is a point, at which something else may
 * happen first; what changes the disk, or reaches the server, is also a step, before which the
 * machine may crash. After a crash nothing changes anything any more: every call fails, and the
 * engine comes back as it does from any error, which frees its memory.
 */
#include <stdbool.h>
#include <stdint.h>

struct machine {
    int64_t monotonic_ns;
    int64_t wall_offset_ns;      /* what is added to the monotonic clock */
    uint64_t random;             /* what getrandom() gives */
    int64_t tick_ns;             /* file times move in these */
    unsigned long points, steps; /* since the pass began */
    unsigned long crash_at;      /* the step before which it crashes, from 1; 0: never */
    bool crashed;
    bool in_pass;
    /* At each point of a pass. */
    void (*at_point)(unsigned long point);
};
extern struct machine machine;

void machine_reset(uint64_t seed);
/* Between two passes: the machine is up again. */
void machine_boot(void);
int64_t machine_wall_ns(void);
/* As the file system tells times. */
int64_t machine_file_ns(void);
/* Counts a point, and lets a little time pass. */
void machine_point(void);
/* Counts a step, which is a point too: false if it does not happen. */
bool machine_step(void);

/* splitmix64 */
uint64_t random_next(uint64_t *state);
/* 0 to below - 1. */
unsigned random_below(uint64_t *state, unsigned below);
bool random_chance(uint64_t *state, unsigned percent);
