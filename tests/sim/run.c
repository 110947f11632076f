#include "sim/run.h"
#include "base/files.h"
#include "config/config.h"
#include "sync/account.h"
#include "sim/actions.h"
#include "sim/calls.h"
#include "sim/disk.h"
#include "sim/here.h"
#include "sim/machine.h"
#include "sim/there.h"
#include "sim/truth.h"
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

/* No pass takes so many. */
#define POINTS_MAX 200000
#define POINTS_END 400000

struct run_counts run_counts;

static struct {
    const struct script *script;
    struct buf *told;
    struct config *config;
    unsigned round;
    struct report report;
    uint64_t fingerprint;
} run;

static const char YAML[] = "state_dir: " DISK_ROOT "/state\n"
                           "accounts:\n"
                           "  sim:\n"
                           "    host: 127.0.0.1\n"
                           "    tls: off\n"
                           "    user: " THERE_USER "\n"
                           "    password: p\n"
                           "    maildir: " HERE_ROOT "\n";

/* ---- telling ---- */

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void tell(const char *format, ...)
{
    char line[4096];
    va_list arguments;
    if (run.told == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    buf_add_cstr(run.told, line);
}

static void note_line(void *self, char direction, struct str line)
{
    bool matters = line.len > 0 && (line.ptr[0] == 'A' || line.ptr[0] == '*' || line.ptr[0] == '+');
    if (matters)
        tell("    [%lu] %c: %.*s\n", machine.points, direction,
             (int)(line.len < 150 ? line.len : 150), line.ptr);
}

static void note_plan(void *self, const char *account, const char *mailbox, const char *what,
                      const char *subject, const char *why)
{
    tell("    plan: %s: %s %s (%s)\n", mailbox, what, subject, why);
}

static void print_problem(void *self, const char *file, unsigned line, const char *text)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

/* ---- setting up ---- */

void run_begin(const char *scratch_dir)
{
    struct error err = ERROR_INIT;
    const struct config_problems problems = {print_problem, NULL};
    snprintf(calls_index_dir, sizeof calls_index_dir, "%s", scratch_dir);
    machine_reset(1);
    disk_reset();
    struct disk_node *file = disk_create(disk_root(), "config.yaml", false, 0600);
    disk_write(file, 0, YAML, sizeof YAML - 1);
    if (config_load(DISK_ROOT "/config.yaml", &problems, &run.config, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static void remove_index(void)
{
    static const char *const names[] = {"index.mdb", "index.mdb-lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", calls_index_dir, names[i]);
        (void)unlink(path);
    }
}

static void set_up(const struct script *script, struct buf *told)
{
    uint64_t random = script->seed * 2;
    run.script = script;
    run.told = told;
    run.fingerprint = 0;
    calls_keep_log = told != NULL;
    buf_clear(&calls_log);
    calls_close_all();
    machine_reset(script->seed);
    machine.tick_ns = random_chance(&random, 10) ? 1000000000 : 4000000;
    disk_reset();
    remove_index();
    here_reset();
    there_reset();
    truth_reset();
    if (script->seed > 0)
        actions_begin(&random);
    else
        actions_begin_empty();
}

/* ---- one pass ---- */

static void do_action(const struct thing *thing)
{
    bool in_pass = machine.in_pass;
    machine.in_pass = false;
    bool done = action_do((unsigned)thing->value, thing->random);
    machine.in_pass = in_pass;
    run_counts.things[THING_ACTION] += done;
    tell("    [%lu] %s%s\n", machine.points, actions[thing->value].name,
         done ? "" : ": nothing to do it to");
}

static void at_point(unsigned long point)
{
    VEC_FOREACH (const struct thing, thing, &run.script->things) {
        if (thing->kind == THING_ACTION && thing->round == run.round && thing->at == point)
            do_action(thing);
    }
    if (point == POINTS_MAX) {
        truth_fail("a pass does not end");
        machine.crashed = true;
    }
    if (point > POINTS_END)
        abort();
}

static void one_pass(bool full, bool approve)
{
    static const struct tap_sink trace = {note_line, NULL};
    static const struct plan_sink plan = {note_plan, NULL};
    const struct pass_options options = {
        .full = full,
        .approve_deletions = approve,
        .clock = &server.clock,
        .trace = run.told != NULL ? &trace : NULL,
        .plan = run.told != NULL ? &plan : NULL,
        .one_thread = true,
    };
    machine.at_point = at_point;
    machine.in_pass = true;
    int code = account_pass(run.config, &run.config->accounts[0], &options, &run.report);
    machine.in_pass = false;
    run_counts.passes++;
    run_counts.points += machine.points;
    run_counts.failed_passes += code != 0;
    run.fingerprint = run.fingerprint * 31 + machine.points * 7 + (uint64_t)code;
    truth.unsure = machine.crashed || (truth.unsure && code != 0);
    truth.lost_answers = code != 0 || server.faults.len > 0 ||
                         !capabilities_have(&server.options.capabilities, CAP_UIDPLUS);
    truth.began = truth.began || code == 0;
    unsigned open = calls_close_all();
    if (open > 0)
        truth_fail("%u descriptors are left open", open);
    if (run.told != NULL) {
        buf_add_str(run.told, buf_str(&calls_log));
        buf_clear(&calls_log);
        tell("    ended with %d after %lu points, %lu steps%s: %s\n", code, machine.points,
             machine.steps, machine.crashed ? ", crashed" : "", run.report.error.text);
        truth_tell(run.told);
    }
}

/* ---- the script ---- */

static void add_fault(const struct thing *thing)
{
    static const enum fault_kind kinds[SCRIPT_FAULTS] = {
        FAULT_CUT_IN, FAULT_CUT_OUT, FAULT_NO,        FAULT_BAD,
        FAULT_BYE,    FAULT_SILENCE, FAULT_DO_AND_CUT};
    there_fault((struct fault){.kind = kinds[thing->value], .at = thing->at});
}

static void pass_time(int64_t seconds)
{
    machine.monotonic_ns += seconds * 1000000000;
}

static bool before_pass(const struct thing *thing)
{
    switch (thing->kind) {
    case THING_ACTION:
        if (thing->at > 0)
            return false;
        do_action(thing);
        return false;
    case THING_WAIT:
        pass_time(thing->value);
        break;
    case THING_CLOCK:
        machine.wall_offset_ns += thing->value * 1000000000;
        break;
    case THING_LACK:
        there_lack((unsigned)thing->value);
        truth.keeps_marked =
            truth.keeps_marked || !capabilities_have(&server.options.capabilities, CAP_UIDPLUS);
        break;
    case THING_FAULT:
        add_fault(thing);
        return false;
    case THING_CRASH:
        machine.crash_at = thing->at;
        return false;
    case THING_POWER:
        return false;
    default:
        break;
    }
    return true;
}

/* Which of the faults were met. */
static void count_trouble(void)
{
    struct session_counters counters = there_counters();
    VEC_FOREACH (const struct thing, thing, &run.script->things) {
        if (thing->round != run.round || thing->kind != THING_FAULT)
            continue;
        uint64_t reached = thing->value == 0   ? counters.bytes_in
                           : thing->value == 1 ? counters.bytes_out
                                               : counters.commands;
        run_counts.things[THING_FAULT] += reached >= thing->at;
        run_counts.faults[thing->value] += reached >= thing->at;
    }
    run_counts.things[THING_CRASH] += machine.crashed;
}

static void lose_power(const struct thing *thing)
{
    uint64_t random = thing->random;
    if (!machine.crashed)
        return;
    disk_lose_power(&random);
    run_counts.things[THING_POWER]++;
    tell("    the power goes\n");
}

static void end_faults(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < server.faults.len; i++) {
        if (server.fault_items[i].kind == FAULT_NO_UIDPLUS_CODES)
            server.fault_items[kept++] = server.fault_items[i];
    }
    server.faults.len = kept;
}

static void one_round(unsigned round)
{
    bool full = false;
    run.round = round;
    machine_boot();
    tell("  pass %u\n", round + 1);
    VEC_FOREACH (const struct thing, thing, &run.script->things) {
        if (thing->round != round)
            continue;
        full = full || thing->kind == THING_FORGET;
        run_counts.things[thing->kind] += before_pass(thing);
    }
    one_pass(full, false);
    count_trouble();
    there_hang_up();
    end_faults();
    VEC_FOREACH (const struct thing, thing, &run.script->things) {
        if (thing->round == round && thing->kind == THING_POWER)
            lose_power(thing);
    }
    truth_check_now();
}

/* ---- peace ---- */

static void peaceful_pass(int64_t wait_s, bool approve)
{
    machine_boot();
    run.round = UINT32_MAX;
    pass_time(wait_s);
    tell("  a pass in peace\n");
    one_pass(false, approve);
    there_hang_up();
    truth_check_now();
}

static void state_of_all(struct buf *out)
{
    AUTO_BUF struct buf files = BUF_INIT(1 << 24);
    struct str line;
    truth_tell(out);
    disk_tell(disk_root(), "", &files);
    struct str rest = buf_str(&files);
    while (str_split(&rest, '\n', &line)) {
        if (!str_starts(line, STR("/mail/.maildird")) && !str_starts(line, STR("/state/sim/lock")))
            buf_addf(out, "%.*s\n", STR_ARG(line));
    }
}

static void settle(void)
{
    AUTO_BUF struct buf before = BUF_INIT(1 << 24);
    AUTO_BUF struct buf after = BUF_INIT(1 << 24);
    peaceful_pass(90000, false);
    peaceful_pass(61, run.report.messages.held > 0);
    peaceful_pass(61, run.report.messages.held > 0);
    if (truth.failed)
        return;
    if (run.report.result != REPORT_OK) {
        truth_fail("the third pass in peace ended with %d: %s", (int)run.report.result,
                   run.report.error.text);
        return;
    }
    truth_check_settled();
    state_of_all(&before);
    peaceful_pass(61, false);
    state_of_all(&after);
    const struct report_messages *m = &run.report.messages;
    if (!str_eq(buf_str(&before), buf_str(&after)) ||
        m->downloaded + m->uploaded + m->flags_to_local + m->flags_to_remote + m->deleted_local +
                m->deleted_remote >
            0)
        truth_fail("a further pass changed something");
}

bool run_script(const struct script *script, struct buf *told)
{
    set_up(script, told);
    for (unsigned round = 0; round < script->rounds && !truth.failed; round++)
        one_round(round);
    if (!truth.failed)
        settle();
    there_hang_up();
    run_counts.runs++;
    return !truth.failed;
}

uint64_t run_fingerprint(void)
{
    AUTO_BUF struct buf all = BUF_INIT(1 << 24);
    disk_tell(disk_root(), "", &all);
    return run.fingerprint ^ server.traffic ^ str_hash(buf_str(&all));
}
