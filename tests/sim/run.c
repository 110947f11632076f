#include "sim/run.h"
#include "sim/actions.h"
#include "sim/acts.h"
#include "sim/calls.h"
#include "sim/disk.h"
#include "sim/here.h"
#include "sim/machine.h"
#include "sim/there.h"
#include "sim/truth.h"
#include "sim/views.h"
#include "sim/world.h"
#include <stdlib.h>

/* No pass takes so many. */
#define POINTS_MAX 200000
#define POINTS_END 400000

struct run_counts run_counts;

static struct {
    const struct script *script;
    unsigned round;
    uint64_t fingerprint;
} run;

/* ---- one pass ---- */

static void set_up(const struct script *script, struct buf *told)
{
    uint64_t random = script->seed * 2;
    run.script = script;
    run.fingerprint = 0;
    const char *carries = carries_yaml(script->carries);
    VEC_FOREACH (const struct thing, thing, &script->things) {
        if (thing->kind == THING_VIEW)
            world_configure(view_yaml(script->policy, (unsigned)thing->value));
    }
    world_configure(carries != NULL ? carries : script_policies[script->policy].yaml);
    world_reset(script->seed, told);
    machine.tick_ns = random_chance(&random, 10) ? 1000000000 : 4000000;
    truth_reset(&script_policies[script->policy], carries_of(script->carries));
    here_lay_out(truth.policy->layout, truth.policy->other_names);
    there_limit(script->connections_there, (enum there_refusal)script->refusal);
    world_tell("  %s\n%s", script_policies[script->policy].name, carries != NULL ? carries : "");
    if (script->connections > 1)
        world_tell("  %u connections, of which the server takes %u; portions of %u\n",
                   script->connections, script->connections_there, script->portion);
    if (script->seed > 0)
        actions_begin(&random);
    else
        actions_begin_empty();
}

static void do_action(const struct thing *thing)
{
    bool in_pass = machine.in_pass;
    machine.in_pass = false;
    bool done = action_do((unsigned)thing->value, thing->random);
    machine.in_pass = in_pass;
    run_counts.things[THING_ACTION] += done;
    world_tell("    [%lu] %s%s\n", machine.points, actions[thing->value].name,
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

static void one_pass(struct world_pass pass)
{
    pass.at_point = at_point;
    pass.connections = run.script->connections;
    pass.portion = run.script->portion;
    acts_reset();
    int code = world_pass(&pass);
    carries_check_acts();
    run_counts.passes++;
    run_counts.points += machine.points;
    run_counts.failed_passes += code != 0;
    run_counts.further += world_report.wire.connections > 1 ? world_report.wire.connections - 1 : 0;
    run.fingerprint = run.fingerprint * 31 + machine.points * 7 + (uint64_t)code;
    truth_note_taken(machine.crashed, code != 0);
    if (machine.crashed)
        truth_note_locks();
    truth.unsure = machine.crashed || (code != 0 && (truth.unsure || truth.renamed));
    truth.lost_answers = code != 0 || server.faults.len > 0 ||
                         !capabilities_have(&server.options.capabilities, CAP_UIDPLUS);
    bool surveyed = world_report.result != REPORT_FAILED;
    truth.older_there = truth.older_there && !surveyed;
    truth.begins = truth.begins && (!surveyed || world_report.result == REPORT_PARTIAL);
    unsigned open = calls_close_all() + server.connections;
    if (open > 0)
        truth_fail("%u descriptors are left open", open);
}

static void tell_sides(void)
{
    AUTO_BUF struct buf sides = BUF_INIT(1 << 24);
    if (!world_is_told())
        return;
    truth_tell(&sides);
    world_tell("%.*s", STR_ARG(buf_str(&sides)));
}

/* ---- the script ---- */

static void add_fault(const struct thing *thing)
{
    static const enum fault_kind kinds[SCRIPT_FAULTS] = {
        FAULT_CUT_IN, FAULT_CUT_OUT, FAULT_NO,         FAULT_BAD,
        FAULT_BYE,    FAULT_SILENCE, FAULT_DO_AND_CUT, FAULT_DO_AND_NO};
    there_fault((struct fault){.kind = kinds[thing->value], .at = thing->at});
}

static bool before_pass(const struct thing *thing, struct world_pass *pass)
{
    switch (thing->kind) {
    case THING_ACTION:
        if (thing->at > 0)
            return false;
        do_action(thing);
        return false;
    case THING_WAIT:
        world_wait(thing->value);
        break;
    case THING_CLOCK:
        machine.wall_offset_ns += thing->value * 1000000000;
        break;
    case THING_LACK:
        there_lack((unsigned)thing->value);
        truth.keeps_marked =
            truth.keeps_marked || (!truth.policy->careful &&
                                   !capabilities_have(&server.options.capabilities, CAP_UIDPLUS));
        break;
    case THING_VIEW:
        truth.views = true;
        world_configure(view_yaml(run.script->policy, (unsigned)thing->value));
        break;
    case THING_FAULT:
        add_fault(thing);
        return false;
    case THING_CRASH:
        pass->crash_at = thing->at;
        return false;
    case THING_POWER:
        return false;
    case THING_FORGET:
        pass->full = true;
        break;
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
    truth_count();
    disk_lose_power(&random);
    truth_note_power();
    truth_note_locks();
    run_counts.things[THING_POWER]++;
    world_tell("    the power goes\n");
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
    struct world_pass pass = {.told = (run.script->seed + round) % 3 == 0,
                              .large = run.script->seed % 4 == 1};
    run.round = round;
    machine.points = 0;
    world_tell("  pass %u\n", round + 1);
    VEC_FOREACH (const struct thing, thing, &run.script->things) {
        if (thing->round != round)
            continue;
        run_counts.things[thing->kind] += before_pass(thing, &pass);
    }
    one_pass(pass);
    count_trouble();
    run_counts.refused += server.refused;
    server.refused = 0;
    there_hang_up();
    end_faults();
    VEC_FOREACH (const struct thing, thing, &run.script->things) {
        if (thing->round == round && thing->kind == THING_POWER)
            lose_power(thing);
    }
    tell_sides();
    truth_check_now();
}

/* ---- peace ---- */

static void peaceful_pass(int64_t wait_s, bool approve, bool full)
{
    run.round = UINT32_MAX;
    world_wait(wait_s);
    world_tell("  a pass in peace\n");
    one_pass((struct world_pass){.approve = approve, .full = full});
    tell_sides();
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

/* Without a guard no deletion does. */
static bool waits_for_a_person(void)
{
    return world_report.messages.held > 0 && !truth.policy->unguarded;
}

static void settle(void)
{
    AUTO_BUF struct buf before = BUF_INIT(1 << 24);
    AUTO_BUF struct buf after = BUF_INIT(1 << 24);
    if (truth.views) {
        world_configure(view_yaml(run.script->policy, 0));
        peaceful_pass(90000, false, false);
    }
    /* A restored server may have come to all the marks of before, by other changes: what is behind
     * them is known only when all is listed. */
    peaceful_pass(90000, false, truth.older_flags);
    peaceful_pass(61, waits_for_a_person(), false);
    peaceful_pass(61, waits_for_a_person(), false);
    /* What was sent again after its minute is only now expunged, and then seen gone. Where the
     * messages were paired again in between, the minute began with the pass after that one. */
    for (int pass = truth.recovers ? 0 : 1; truth.policy->expunges && pass < 2; pass++)
        peaceful_pass(61, waits_for_a_person(), false);
    if (truth.failed)
        return;
    /* Names that meet need a person, and a mailbox that holds what nobody removed stays. */
    bool names_meet =
        truth.renamed && world_report.result == REPORT_PARTIAL &&
        (world_report.error.code == ERR_REFUSED || world_report.error.code == ERR_EXISTS);
    /* An older Maildir under an index that was made anew since: `adopt` is for a person to say. */
    bool stranger = truth.recovers && world_report.result == REPORT_FAILED &&
                    world_report.error.code == ERR_REFUSED;
    names_meet = names_meet || (truth.renamed && truth_names_differ());
    if (names_meet || stranger || (truth.renamed && world_report.result == REPORT_HELD)) {
        run_counts.left_to_people++;
        return;
    }
    bool held = truth.recovers && world_report.result == REPORT_HELD;
    if (world_report.result != REPORT_OK && !held) {
        truth_fail("the third pass in peace ended with %d: %s", (int)world_report.result,
                   world_report.error.text);
        return;
    }
    truth_check_settled(held);
    run_counts.held += held;
    state_of_all(&before);
    peaceful_pass(61, false, false);
    state_of_all(&after);
    const struct report_messages *m = &world_report.messages;
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
    run_counts.policies[script->policy]++;
    run_counts.several += script->connections > 1;
    return !truth.failed;
}

uint64_t run_fingerprint(void)
{
    AUTO_BUF struct buf all = BUF_INIT(1 << 24);
    disk_tell(disk_root(), "", &all);
    return run.fingerprint ^ server.traffic ^ str_hash(buf_str(&all));
}
