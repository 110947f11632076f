/*
 * sim [--seeds N] [--first S] [--jobs J] [--progress SECONDS] [--failures F]: N runs, and what was
 * met in them; ends with 1 at a violation, which is told in its smallest form.
 * sim --replay SEED: one run, step by step.
 * --policy P: all runs with that line of the policies' table (script.c), from 0.
 * --connections: all runs with several connections.
 * --views: all runs with a configuration that changes, where the policy lets it.
 * sim --alone [--seeds N] [--first S]: each seed is the same alone as among the others.
 * sim --known: what once went wrong.
 */
#include "sim/jobs.h"
#include "sim/known.h"
#include "sim/run.h"
#include "sim/smallest.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KNOWN_WORLD 98

enum mode { MODE_MANY, MODE_REPLAY, MODE_ALONE, MODE_KNOWN };

static struct jobs_options options = {
    .seeds = 1000, .first = 1, .jobs = 1, .failures_max = 1, .progress_s = 10};
static enum mode mode;
static uint64_t replay_seed;

/* ---- what once went wrong ---- */

/* True when the pass ended before the crash. */
static bool run_known(const struct known *k, unsigned variation, unsigned long crash_at,
                      bool *good_out)
{
    struct script script;
    uint64_t crashes = run_counts.things[THING_CRASH];
    known_make(k, variation, crash_at, &script);
    unsigned wanted = 0;
    VEC_FOREACH (const struct thing, thing, &script.things) {
        wanted += thing->kind == THING_CRASH;
    }
    *good_out = run_script(&script, NULL);
    if (!*good_out) {
        printf("%s, variation %u, crash before step %lu\n", k->name, variation, crash_at);
        (void)smallest_try(&script, true);
    }
    script_free(&script);
    return crash_at == 0 || run_counts.things[THING_CRASH] - crashes < wanted;
}

static int run_all_known(void)
{
    int failures = 0;
    smallest_begin_world(KNOWN_WORLD);
    for (size_t i = 0; i < known_len; i++) {
        bool good = true;
        for (unsigned v = 0; good && v <= known[i].variations; v++) {
            bool past = false;
            for (unsigned long at = known[i].crashes; good && !past; at++)
                past = run_known(&known[i], v, at, &good);
        }
        printf("%s %s\n", good ? "ok" : "NOT OK", known[i].name);
        failures += !good;
    }
    smallest_clean_up((long)getppid(), KNOWN_WORLD);
    return failures > 0;
}

/* ---- options ---- */

static void set_option(int option, uint64_t number)
{
    switch (option) {
    case 's':
        options.seeds = number;
        break;
    case 'f':
        options.first = number;
        break;
    case 'j':
        options.jobs = number < JOBS_MAX && number > 0 ? (unsigned)number : 1;
        break;
    case 'm':
        options.failures_max = (unsigned)number;
        break;
    case 'o':
        options.progress_s = (unsigned)number;
        break;
    case 'p':
        options.fingerprints = true;
        break;
    case 'a':
        mode = MODE_ALONE;
        break;
    case 'k':
        mode = MODE_KNOWN;
        break;
    case 'y':
        if (number >= SCRIPT_POLICIES)
            exit(64);
        script_policy_wanted = (int)number;
        break;
    case 'c':
        script_connections_wanted = true;
        break;
    case 'v':
        script_views_wanted = true;
        break;
    case 'r':
        mode = MODE_REPLAY;
        replay_seed = number;
        break;
    default:
        exit(64);
    }
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {{"seeds", required_argument, NULL, 's'},
                                          {"first", required_argument, NULL, 'f'},
                                          {"jobs", required_argument, NULL, 'j'},
                                          {"failures", required_argument, NULL, 'm'},
                                          {"progress", required_argument, NULL, 'o'},
                                          {"fingerprints", no_argument, NULL, 'p'},
                                          {"alone", no_argument, NULL, 'a'},
                                          {"policy", required_argument, NULL, 'y'},
                                          {"connections", no_argument, NULL, 'c'},
                                          {"known", no_argument, NULL, 'k'},
                                          {"replay", required_argument, NULL, 'r'},
                                          {"views", no_argument, NULL, 'v'},
                                          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        set_option(option, optarg != NULL ? strtoull(optarg, NULL, 10) : 0);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    switch (mode) {
    case MODE_KNOWN:
        return run_all_known();
    case MODE_REPLAY:
        smallest_tell(replay_seed, true);
        return 0;
    case MODE_ALONE:
        return jobs_compare_alone(&options) > 0;
    case MODE_MANY:
        break;
    }
    return jobs_run(&options) > 0;
}
