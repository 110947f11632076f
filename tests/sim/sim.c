/*
 * sim [--seeds N] [--first S] [--jobs J]: N runs, and what was met in them; ends with 1 at a
 * violation, which is told in its smallest form.
 * sim --replay SEED: one run, step by step.
 * sim --known: what once went wrong.
 */
#include "base/alloc.h"
#include "base/files.h"
#include "sim/actions.h"
#include "sim/calls.h"
#include "sim/known.h"
#include "sim/machine.h"
#include "sim/run.h"
#include "sim/truth.h"
#include "sim/world.h"
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64
#define FAILURES_MAX 1000
/* Every so many runs one is made twice, and must be the same. */
#define TWICE_EVERY 500

/* What a worker tells, also one that was killed by an assertion. */
struct worker {
    uint64_t seed; /* under way */
    uint64_t done;
    struct run_counts counts;
    uint64_t actions[64];
};

static struct {
    uint64_t seeds, first;
    unsigned jobs;
    unsigned failures_max;
    bool replay, known;
    bool fingerprints;
    uint64_t replay_seed;
} options = {.seeds = 1000, .first = 1, .jobs = 1, .failures_max = 1};

struct shared {
    struct worker workers[JOBS_MAX];
    unsigned failures;
    uint64_t failed[FAILURES_MAX];
};
static struct shared *shared;
static char scratch[200];

/* ---- one seed ---- */

static void begin_worker(unsigned number)
{
    snprintf(scratch, sizeof scratch, "%s/maildird-sim.%ld.%u.%lld",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : path_temporary(), (long)getppid(), number,
             (long long)time(NULL) % 100000);
    struct error err = ERROR_INIT;
    if (file_mkdir(AT_FDCWD, scratch, 0700, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    world_begin(scratch);
}

static void end_worker(void)
{
    calls_remove_index();
    (void)rmdir(scratch);
}

static bool run_seed(uint64_t seed)
{
    struct script script;
    script_make(&script, seed);
    bool good = run_script(&script, NULL);
    if (good && seed % TWICE_EVERY == 0) {
        uint64_t once = run_fingerprint();
        good = run_script(&script, NULL);
        if (good && run_fingerprint() != once) {
            truth_fail("the same seed gave two different runs");
            good = false;
        }
    }
    if (options.fingerprints)
        printf("%" PRIu64 " %016" PRIx64 "\n", seed, run_fingerprint());
    script_free(&script);
    return good;
}

/* ---- what failed, as small as it can be ---- */

enum verdict { VERDICT_GOOD, VERDICT_BAD };

/* In a process of its own: an assertion may end it. */
static enum verdict try_script(const struct script *script, bool tell)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        AUTO_BUF struct buf told = BUF_INIT((size_t)1 << 28);
        begin_worker(99);
        if (!tell && freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        (void)alarm(20);
        bool good = run_script(script, tell ? &told : NULL);
        if (tell)
            printf("%.*s%.*s", STR_ARG(buf_str(&told)), STR_ARG(buf_str(&truth.violation)));
        fflush(stdout);
        end_worker();
        _exit(good ? 0 : 1);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    if (tell && WIFSIGNALED(status))
        printf("  ended by signal %d\n", WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? VERDICT_GOOD : VERDICT_BAD;
}

static void minimise(struct script *script)
{
    bool smaller = true;
    while (smaller) {
        smaller = false;
        for (size_t i = script->things.len; i-- > 0;) {
            const struct thing left_out = script->things.items[i];
            struct thing *at = &script->things.items[i];
            memmove(at, at + 1, (script->things.len - i - 1) * sizeof *at);
            script->things.len--;
            if (try_script(script, false) == VERDICT_BAD) {
                smaller = true;
                continue;
            }
            memmove(at + 1, at, (script->things.len - i) * sizeof *at);
            script->things.len++;
            *at = left_out;
        }
    }
}

static void tell_failure(uint64_t seed, bool whole)
{
    struct script script;
    AUTO_BUF struct buf out = BUF_INIT(1 << 20);
    script_make(&script, seed);
    size_t all = script.things.len;
    if (!whole)
        minimise(&script);
    printf("seed %" PRIu64 ": %zu of %zu things\n", seed, script.things.len, all);
    VEC_FOREACH (const struct thing, thing, &script.things) {
        script_tell_thing(thing, &out);
    }
    printf("%.*s", STR_ARG(buf_str(&out)));
    (void)try_script(&script, true);
    script_free(&script);
}

/* ---- many seeds ---- */

static void note_failure(uint64_t seed)
{
    unsigned at = __atomic_fetch_add(&shared->failures, 1, __ATOMIC_SEQ_CST);
    if (at < FAILURES_MAX)
        shared->failed[at] = seed;
}

static void work(unsigned number, uint64_t from)
{
    struct worker *worker = &shared->workers[number];
    begin_worker(number);
    run_counts = worker->counts;
    memcpy(actions_done, worker->actions, sizeof actions_done);
    for (uint64_t at = from; at < options.seeds && shared->failures < options.failures_max;
         at += options.jobs) {
        worker->seed = options.first + at;
        (void)alarm(60);
        if (!run_seed(worker->seed))
            note_failure(worker->seed);
        worker->done = at + options.jobs;
        worker->counts = run_counts;
        memcpy(worker->actions, actions_done, sizeof actions_done);
    }
    end_worker();
    fflush(stdout);
    _exit(0);
}

static pid_t start(unsigned number, uint64_t from)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        work(number, from);
    return child;
}

static void run_all(void)
{
    pid_t children[JOBS_MAX];
    unsigned running = options.jobs;
    for (unsigned i = 0; i < options.jobs; i++) {
        shared->workers[i].done = i;
        children[i] = start(i, i);
    }
    while (running > 0) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);
        for (unsigned i = 0; i < options.jobs; i++) {
            if (children[i] != ended)
                continue;
            running--;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                continue;
            note_failure(shared->workers[i].seed);
            if (shared->failures >= options.failures_max)
                continue;
            children[i] = start(i, shared->workers[i].seed - options.first + options.jobs);
            running++;
        }
    }
}

static void add_counts(struct run_counts *to, const struct run_counts *from)
{
    const uint64_t *numbers = (const uint64_t *)from;
    uint64_t *sums = (uint64_t *)to;
    for (size_t i = 0; i < sizeof *to / sizeof *sums; i++)
        sums[i] += numbers[i];
}

static void tell_counts(double seconds)
{
    struct run_counts sum = {0};
    uint64_t done[64] = {0};
    for (unsigned i = 0; i < options.jobs; i++) {
        add_counts(&sum, &shared->workers[i].counts);
        for (size_t a = 0; a < actions_len; a++)
            done[a] += shared->workers[i].actions[a];
    }
    printf("%" PRIu64 " runs, %" PRIu64 " passes (%" PRIu64 " not ending well), %" PRIu64
           " points, %.1f s, %.0f runs/s\n",
           sum.runs, sum.passes, sum.failed_passes, sum.points, seconds,
           (double)sum.runs / seconds);
    printf("  %-22s %12" PRIu64 "\n", "left to people", sum.left_to_people);
    printf("  %-22s %12" PRIu64 "\n", "ended with some held", sum.held);
    for (unsigned i = 0; i < THING_KINDS; i++)
        printf("  %-22s %12" PRIu64 "\n", thing_kind_name(i), sum.things[i]);
    for (unsigned i = 0; i < SCRIPT_FAULTS; i++)
        printf("    %-20s %12" PRIu64 "\n", script_fault_name(i), sum.faults[i]);
    for (size_t i = 0; i < actions_len; i++)
        printf("    %-20s %12" PRIu64 "\n", actions[i].name, done[i]);
    printf("%u failures\n", shared->failures);
}

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
        printf("%s, crash before step %lu\n", k->name, crash_at);
        (void)try_script(&script, true);
    }
    script_free(&script);
    return crash_at == 0 || run_counts.things[THING_CRASH] - crashes < wanted;
}

static int run_all_known(void)
{
    int failures = 0;
    begin_worker(98);
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
    end_worker();
    return failures > 0;
}

static double now_s(void)
{
    /* The clock that is not simulated. */
    return (double)time(NULL);
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"seeds", required_argument, NULL, 's'},    {"first", required_argument, NULL, 'f'},
        {"jobs", required_argument, NULL, 'j'},     {"replay", required_argument, NULL, 'r'},
        {"failures", required_argument, NULL, 'm'}, {"fingerprints", no_argument, NULL, 'p'},
        {"known", no_argument, NULL, 'k'},          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        uint64_t number = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
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
        case 'k':
            options.known = true;
            break;
        case 'p':
            options.fingerprints = true;
            break;
        case 'r':
            options.replay = true;
            options.replay_seed = number;
            break;
        default:
            exit(64);
        }
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    if (options.known)
        return run_all_known();
    if (options.replay) {
        tell_failure(options.replay_seed, true);
        return 0;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    double begun = now_s();
    run_all();
    double seconds = now_s() - begun;
    tell_counts(seconds > 0 ? seconds : 1);
    unsigned told = shared->failures < FAILURES_MAX ? shared->failures : FAILURES_MAX;
    for (unsigned i = 0; i < told; i++) {
        if (i < 3)
            tell_failure(shared->failed[i], false);
        else
            printf("seed %" PRIu64 " failed too\n", shared->failed[i]);
    }
    return shared->failures > 0 ? 1 : 0;
}
