#include "sim/jobs.h"
#include "sim/actions.h"
#include "sim/run.h"
#include "sim/smallest.h"
#include "sim/truth.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAILURES_MAX 1000
#define FAILURES_TOLD 3
#define SEED_S 60
/* Every so many runs one is made twice, and must be the same. */
#define TWICE_EVERY 500

/* What a worker tells, also one that was killed by an assertion. */
struct worker {
    uint64_t seed; /* under way */
    struct run_counts counts;
    uint64_t actions[ACTIONS_MAX];
};

static struct shared {
    struct worker workers[JOBS_MAX];
    unsigned failures;
    bool stop;
    uint64_t failed[FAILURES_MAX];
    uint64_t compared[]; /* fingerprints, of jobs_compare_alone() */
} * shared;

static const struct jobs_options *options;
static time_t begun, told_last;

/* Those that are not simulated. */
long __real_getpid(void);
time_t __real_time(time_t *out);

static void share(size_t compared)
{
    size_t size = sizeof *shared + compared * sizeof *shared->compared;
    shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
}

/* ---- a worker ---- */

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
    if (options->fingerprints)
        printf("%" PRIu64 " %016" PRIx64 "\n", seed, run_fingerprint());
    script_free(&script);
    return good;
}

static void note_failure(uint64_t seed)
{
    unsigned at = __atomic_fetch_add(&shared->failures, 1, __ATOMIC_SEQ_CST);
    if (at < FAILURES_MAX)
        shared->failed[at] = seed;
}

static bool is_over(void)
{
    bool enough = options->failures_max > 0 && shared->failures >= options->failures_max;
    return enough || __atomic_load_n(&shared->stop, __ATOMIC_RELAXED);
}

static void work(unsigned number, uint64_t from)
{
    struct worker *worker = &shared->workers[number];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    smallest_begin_world(number);
    run_counts = worker->counts;
    memcpy(actions_done, worker->actions, sizeof actions_done);
    for (uint64_t at = from; at < options->seeds && !is_over(); at += options->jobs) {
        worker->seed = options->first + at;
        (void)alarm(SEED_S);
        if (!run_seed(worker->seed))
            note_failure(worker->seed);
        worker->counts = run_counts;
        memcpy(worker->actions, actions_done, sizeof actions_done);
    }
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

/* ---- what was met ---- */

static void add_counts(struct run_counts *to, const struct run_counts *from)
{
    const uint64_t *numbers = (const uint64_t *)from;
    uint64_t *sums = (uint64_t *)to;
    for (size_t i = 0; i < sizeof *to / sizeof *sums; i++)
        sums[i] += numbers[i];
}

static struct run_counts sum_of_counts(void)
{
    struct run_counts sum = {0};
    for (unsigned i = 0; i < options->jobs; i++)
        add_counts(&sum, &shared->workers[i].counts);
    return sum;
}

static void tell_number(const char *name, uint64_t number)
{
    printf("%-26s %12" PRIu64 "\n", name, number);
}

static void tell_counts(void)
{
    const struct run_counts sum = sum_of_counts();
    tell_number("runs", sum.runs);
    tell_number("passes", sum.passes);
    tell_number("passes not ending well", sum.failed_passes);
    tell_number("points", sum.points);
    tell_number("left to people", sum.left_to_people);
    tell_number("ended with some held", sum.held);
    tell_number("several connections", sum.several);
    tell_number("further connections", sum.further);
    tell_number("connections refused", sum.refused);
    for (unsigned i = 0; i < SCRIPT_POLICIES; i++) {
        printf("policy ");
        tell_number(script_policies[i].name, sum.policies[i]);
    }
    for (unsigned i = 0; i < THING_KINDS; i++)
        tell_number(thing_kind_name(i), sum.things[i]);
    for (unsigned i = 0; i < SCRIPT_FAULTS; i++) {
        printf("fault ");
        tell_number(script_fault_name(i), sum.faults[i]);
    }
    for (size_t i = 0; i < actions_len; i++) {
        uint64_t done = 0;
        for (unsigned j = 0; j < options->jobs; j++)
            done += shared->workers[j].actions[i];
        printf("action ");
        tell_number(actions[i].name, done);
    }
    tell_number("failures", shared->failures);
}

static void tell_progress(void)
{
    time_t now = __real_time(NULL);
    bool terminal = isatty(STDERR_FILENO);
    if (options->progress_s == 0 || now - told_last < (terminal ? 1 : options->progress_s))
        return;
    told_last = now;
    const struct run_counts sum = sum_of_counts();
    uint64_t faults = 0;
    for (unsigned i = 0; i < SCRIPT_FAULTS; i++)
        faults += sum.faults[i];
    int64_t seconds = now > begun ? now - begun : 1;
    fprintf(stderr,
            "%s%" PRIu64 " of %" PRIu64 " runs, %" PRIu64 "/s, %" PRIu64 " passes, %" PRIu64
            " actions, %" PRIu64 " faults, %" PRIu64 " crashes, %" PRIu64
            " power losses, %u failures%s",
            terminal ? "\r" : "", sum.runs, options->seeds, sum.runs / (uint64_t)seconds,
            sum.passes, sum.things[THING_ACTION], faults, sum.things[THING_CRASH],
            sum.things[THING_POWER], shared->failures, terminal ? "  " : "\n");
}

/* ---- all of them ---- */

static pid_t children[JOBS_MAX];

/* How many workers came to their end. One that was killed goes on behind its seed. */
static unsigned reap(void)
{
    unsigned ended = 0;
    int status;
    pid_t child;
    while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned i = 0;
        while (children[i] != child)
            i++;
        bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!well)
            note_failure(shared->workers[i].seed);
        if (well || is_over())
            ended++;
        else
            children[i] = start(i, shared->workers[i].seed - options->first + options->jobs);
    }
    return ended;
}

/* The signals wait until they are asked for; what the workers inherit of that keeps them from being
 * ended by what a terminal sends to all. */
static void run_all(void)
{
    static const struct timespec a_second = {1, 0};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    for (unsigned i = 0; i < options->jobs; i++)
        children[i] = start(i, i);
    unsigned running = options->jobs;
    while (running > 0) {
        int signal_number = sigtimedwait(&signals, NULL, &a_second);
        if (signal_number == SIGINT || signal_number == SIGTERM)
            __atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
        running -= reap();
        tell_progress();
    }
    for (unsigned i = 0; i < options->jobs; i++)
        smallest_clean_up(__real_getpid(), i);
    (void)sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

unsigned jobs_run(const struct jobs_options *wanted)
{
    options = wanted;
    share(0);
    begun = told_last = __real_time(NULL);
    run_all();
    if (shared->stop)
        printf("interrupted\n");
    printf("seeds %" PRIu64 " and on, %lld s\n", options->first,
           (long long)(__real_time(NULL) - begun));
    tell_counts();
    unsigned failures = shared->failures < FAILURES_MAX ? shared->failures : FAILURES_MAX;
    for (unsigned i = 0; i < failures; i++) {
        if (i < FAILURES_TOLD && !shared->stop)
            smallest_tell(shared->failed[i], false);
        else
            printf("seed %" PRIu64 " failed too\n", shared->failed[i]);
    }
    return failures;
}

/* ---- together and alone ---- */

static uint64_t fingerprint_of(uint64_t seed, bool told)
{
    AUTO_BUF struct buf text = BUF_INIT((size_t)1 << 28);
    struct script script;
    script_make(&script, seed);
    (void)run_script(&script, told ? &text : NULL);
    script_free(&script);
    return run_fingerprint();
}

static void in_a_process(uint64_t from, uint64_t len, void (*act)(uint64_t at))
{
    pid_t child = fork();
    if (child == 0) {
        smallest_begin_world(0);
        for (uint64_t at = from; at < from + len; at++)
            act(at);
        fflush(stdout);
        _exit(0);
    }
    int status;
    (void)waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        shared->failures++;
}

static void note_fingerprint(uint64_t at)
{
    shared->compared[at] = fingerprint_of(options->first + at, false);
}

static void compare_fingerprint(uint64_t at)
{
    if (shared->compared[at] == fingerprint_of(options->first + at, true))
        return;
    printf("seed %" PRIu64 " is another one alone\n", options->first + at);
    shared->failures++;
}

unsigned jobs_compare_alone(const struct jobs_options *wanted)
{
    options = wanted;
    share(options->seeds);
    fflush(stdout);
    in_a_process(0, options->seeds, note_fingerprint);
    for (uint64_t at = 0; at < options->seeds; at++)
        in_a_process(at, 1, compare_fingerprint);
    smallest_clean_up(__real_getpid(), 0);
    return shared->failures;
}
