#pragma once
/*
 * Many seeds over several processes, and what was met in them: counted in memory that they share,
 * so that nothing is lost with a process that an assertion ends, nor at an interruption.
 */
#include <stdbool.h>
#include <stdint.h>

#define JOBS_MAX 64

struct jobs_options {
    uint64_t seeds, first;
    unsigned jobs;
    unsigned failures_max; /* ends after so many; 0: never */
    unsigned progress_s;   /* a line on standard error every so many seconds; 0: none */
    bool fingerprints;     /* of each seed, on standard output */
};

/* How many seeds failed. Tells the counts, and the first failures in their smallest form. SIGINT
 * and SIGTERM end it early, with the counts up to there. */
unsigned jobs_run(const struct jobs_options *options);
/* Runs the seeds in one process, and each again in one of its own, told: the same must happen. How
 * many differ. */
unsigned jobs_compare_alone(const struct jobs_options *options);
