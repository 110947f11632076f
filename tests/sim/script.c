#include "sim/script.h"
#include "sim/actions.h"
#include "sim/carries.h"
#include "sim/machine.h"
#include "sim/there.h"
#include "sim/views.h"

static const char *const KIND_NAMES[THING_KINDS] = {"action",     "wait",       "clock step",
                                                    "extensions", "no marks",   "fault",
                                                    "crash",      "power loss", "view"};

/* The last is drawn by chances of its own. */
static const char *const FAULT_NAMES[SCRIPT_FAULTS] = {
    "cut in", "cut out", "NO", "BAD", "BYE", "silence", "done and cut", "done and NO"};
#define COMMON_FAULTS 7
#define FAULT_VALUE_NO 2
#define FAULT_VALUE_DONE_AND_NO 7

/* And so are the last of these. */
#define COMMON_POLICIES 9
#define POLICY_SINCE 9
#define POLICY_KEEPS_NOTHING 10
#define POLICY_CARRIES 11
#define POLICY_OTHER_NAMES 12
#define POLICY_UNGUARDED 13

const struct script_policy script_policies[SCRIPT_POLICIES] = {
    {.name = "defaults"},
    {.name = "remove: both", .yaml = "    sync: {remove: both}\n", .removes = true},
    {.name = "a small guard", .yaml = "    sync: {guard: {messages: 2, percent: 20, all: 3}}\n"},
    {.name = "marked: expunge", .yaml = "    sync: {marked: expunge}\n", .expunges = true},
    {.name = "delete: trash",
     .yaml = "    sync: {delete: trash}\n    mailboxes: {special: {trash: Trash}}\n",
     .trash = true},
    {.name = "careful", .yaml = "    sync: {expunge_without_uidplus: careful}\n", .careful = true},
    {.name = "flat", .yaml = "    layout: flat\n", .layout = MAILDIR_FLAT},
    {.name = "maildir++",
     .yaml = "    layout: maildir++\n    inbox: /disk/mail\n",
     .layout = MAILDIR_PLUSPLUS},
    {.name = "max_size", .yaml = "    sync: {max_size: 75}\n", .max_size = 75},
    {.name = "since", .yaml = "    sync: {since: 3d}\n", .since_s = 3 * INT64_C(86400)},
    {.name = "keep_deleted: 0", .yaml = "    sync: {keep_deleted: 0}\n"},
    {.name = "not all is carried"},
    {.name = "other names here",
     .yaml = "    mailboxes: {rename: {B: C, C: B, \"A/*\": \"Q/*\"}}\n",
     .other_names = true},
    {.name = "guard: off", .yaml = "    sync: {guard: off}\n", .unguarded = true},
};

int script_policy_wanted = -1;
bool script_connections_wanted;
bool script_views_wanted;

const char *thing_kind_name(enum thing_kind kind)
{
    return KIND_NAMES[kind];
}

const char *script_fault_name(unsigned which)
{
    return FAULT_NAMES[which];
}

/* Small numbers as often as large ones. */
static unsigned long some_point(uint64_t *random, unsigned doublings)
{
    unsigned long most = 1ul << random_below(random, doublings + 1);
    return most + random_below(random, (unsigned)most);
}

static void add(struct script *script, uint64_t *random, struct thing thing)
{
    thing.random = random_next(random);
    vec_push(&script->things, thing);
}

static void add_actions(struct script *script, uint64_t *random, unsigned round)
{
    unsigned before = random_below(random, 5);
    for (unsigned i = 0; i < before; i++)
        add(script, random,
            (struct thing){.kind = THING_ACTION, .round = round, .value = action_choose(random)});
    unsigned meanwhile = random_chance(random, 50) ? random_below(random, 4) : 0;
    for (unsigned i = 0; i < meanwhile; i++)
        add(script, random,
            (struct thing){.kind = THING_ACTION,
                           .round = round,
                           .at = some_point(random, 8),
                           .value = action_choose(random)});
}

static void add_setting(struct script *script, uint64_t *random, unsigned round)
{
    static const int64_t waits[] = {1, 5, 61, 600, 7200, 90000};
    add(script, random,
        (struct thing){
            .kind = THING_WAIT, .round = round, .value = waits[random_below(random, 6)]});
    if (random_chance(random, 5))
        add(script, random,
            (struct thing){.kind = THING_CLOCK,
                           .round = round,
                           .value = (int64_t)random_below(random, 7200) - 3600});
    if (random_chance(random, round == 0 ? 60 : 5))
        add(script, random,
            (struct thing){
                .kind = THING_LACK, .round = round, .value = random_below(random, there_lacks())});
    if (random_chance(random, 5))
        add(script, random, (struct thing){.kind = THING_FORGET, .round = round});
}

static void add_trouble(struct script *script, uint64_t *random, unsigned round)
{
    unsigned faults = random_chance(random, 40) ? 1 + random_below(random, 2) : 0;
    for (unsigned i = 0; i < faults; i++) {
        int64_t which = random_below(random, COMMON_FAULTS);
        add(script, random,
            (struct thing){.kind = THING_FAULT,
                           .round = round,
                           .at = some_point(random, which < 2 ? 12 : 4),
                           .value = which});
    }
    if (random_chance(random, 30)) {
        add(script, random,
            (struct thing){.kind = THING_CRASH, .round = round, .at = some_point(random, 7)});
        if (random_chance(random, 60))
            add(script, random, (struct thing){.kind = THING_POWER, .round = round});
    }
}

static void add_views(struct script *script, uint64_t *random)
{
    for (unsigned round = 0; round < script->rounds; round++) {
        unsigned view = random_below(random, VIEWS);
        if (random_chance(random, 50))
            add(script, random,
                (struct thing){.kind = THING_ACTION,
                               .round = round,
                               .value = action_named("subscribe there")});
        if (random_chance(random, 60))
            add(script, random, (struct thing){.kind = THING_VIEW, .round = round, .value = view});
    }
}

/* All of a mailbox goes, or of the account but for what comes meanwhile. */
static void add_clearings(struct script *script, uint64_t *random)
{
    static const char *const names[] = {"clear there", "clear here"};
    for (unsigned round = 0; round < script->rounds; round++) {
        unsigned which = random_below(random, 2);
        if (random_chance(random, 60))
            add(script, random,
                (struct thing){
                    .kind = THING_ACTION, .round = round, .value = action_named(names[which])});
    }
}

/* By chances of their own, which leave the others as they are: few scripts have each. */
static void add_rarities(struct script *script)
{
    uint64_t random = ~script->seed * 2;
    bool several = random_below(&random, 8) == 0;
    unsigned connections = 2 + random_below(&random, 3);
    unsigned there = random_chance(&random, 50) ? 0 : 1 + random_below(&random, connections - 1);
    unsigned refusal = random_below(&random, THERE_REFUSALS);
    unsigned portion = 1 + random_below(&random, 3);
    script->connections = 1;
    if (several || script_connections_wanted) {
        script->connections = connections;
        script->connections_there = there;
        script->refusal = refusal;
        script->portion = portion;
    }
    bool since = random_below(&random, 8) == 0;
    if (since && script_policy_wanted < 0)
        script->policy = POLICY_SINCE;
    bool done_all_the_same = random_below(&random, 8) == 0;
    VEC_FOREACH (struct thing, thing, &script->things) {
        if (done_all_the_same && thing->kind == THING_FAULT && thing->value == FAULT_VALUE_NO)
            thing->value = FAULT_VALUE_DONE_AND_NO;
    }
    bool keeps_nothing = random_below(&random, 16) == 0;
    if (keeps_nothing && script->policy == 0 && script_policy_wanted < 0)
        script->policy = POLICY_KEEPS_NOTHING;
    bool not_all = random_below(&random, 8) == 0;
    unsigned carries = carries_draw(&random);
    if (not_all && script_policy_wanted < 0)
        script->policy = POLICY_CARRIES;
    if (script->policy == POLICY_CARRIES)
        script->carries = carries;
    bool other_names = random_below(&random, 8) == 0;
    bool unguarded = random_below(&random, 8) == 0;
    bool free = script->carries == 0 && script_policy_wanted < 0;
    if (free && (other_names || unguarded))
        script->policy = other_names ? POLICY_OTHER_NAMES : POLICY_UNGUARDED;
    if (script->policy == POLICY_UNGUARDED)
        add_clearings(script, &random);
    bool views = random_below(&random, 8) == 0;
    if ((views || script_views_wanted) && view_may_change(script->policy) && script->carries == 0)
        add_views(script, &random);
}

void script_make(struct script *script, uint64_t seed)
{
    uint64_t random = seed * 2 + 1;
    *script = (struct script){.seed = seed};
    script->policy = random_chance(&random, 60) ? 0 : random_below(&random, COMMON_POLICIES);
    if (script_policy_wanted >= 0)
        script->policy = (unsigned)script_policy_wanted;
    script->rounds = 1 + random_below(&random, 5);
    for (unsigned round = 0; round < script->rounds; round++) {
        add_setting(script, &random, round);
        add_actions(script, &random, round);
        add_trouble(script, &random, round);
    }
    add_rarities(script);
}

void script_free(struct script *script)
{
    vec_free(&script->things);
}

void script_tell_thing(const struct thing *thing, struct buf *out)
{
    buf_addf(out, "  pass %u", thing->round + 1);
    if (thing->at > 0)
        buf_addf(out, " at %lu", thing->at);
    buf_addf(out, ": %s", KIND_NAMES[thing->kind]);
    switch (thing->kind) {
    case THING_ACTION:
        buf_addf(out, " %s", actions[thing->value].name);
        break;
    case THING_LACK:
        buf_addf(out, ": without %s", there_lack_name((unsigned)thing->value));
        break;
    case THING_VIEW:
        buf_addf(out, ": %s", view_name((unsigned)thing->value));
        break;
    case THING_FAULT:
        buf_addf(out, " %s", FAULT_NAMES[thing->value]);
        break;
    default:
        if (thing->value != 0)
            buf_addf(out, " %lld s", (long long)thing->value);
        break;
    }
    buf_add_byte(out, '\n');
}
