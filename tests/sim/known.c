#include "sim/known.h"
#include "sim/actions.h"

/* They begin with an empty server. Round 0 is the first download. */
#define ACTION(in_round, what)                                                                     \
    {                                                                                              \
        .kind = THING_ACTION, .round = (in_round), .action = (what)                                \
    }
#define POWER(in_round)                                                                            \
    {                                                                                              \
        .kind = THING_POWER, .round = (in_round)                                                   \
    }
#define END                                                                                        \
    {                                                                                              \
        .kind = THING_KINDS                                                                        \
    }

const struct known known[] = {
    {.name = "law3_a_removed_file_is_not_back_after_a_power_failure",
     .rounds = 3,
     .things = {ACTION(0, "deliver there"), ACTION(0, "deliver there"), ACTION(1, "expunge there"),
                POWER(2), END},
     .crashes = true,
     .crash_in_round = 2},
    {.name = "law3_a_file_of_an_interrupted_removal_is_not_back_either",
     .rounds = 4,
     .things = {ACTION(0, "deliver there"),
                ACTION(0, "deliver there"),
                ACTION(1, "expunge there"),
                {.kind = THING_CRASH, .round = 3, .at = 4},
                POWER(3),
                END},
     .crashes = true,
     .crash_in_round = 1},
    {.name = "law2_a_file_in_an_intent_is_not_new_in_another_folder",
     .rounds = 3,
     .things = {ACTION(0, "create there"), ACTION(1, "deliver there"), ACTION(2, "rename here"),
                END},
     .crashes = true,
     .crash_in_round = 1,
     .variations = 8},
    {.name = "law2_a_file_in_an_intent_is_found_while_it_is_moved",
     .rounds = 2,
     .things = {ACTION(0, "create there"),
                ACTION(0, "deliver there"),
                ACTION(0, "deliver there"),
                {.kind = THING_ACTION, .round = 1, .at = 20, .action = "move here"},
                END},
     .crashes = true,
     .crash_in_round = 0,
     .variations = 80,
     .later = 1},
    {.name = "law5_a_message_stored_byte_for_byte_is_moved_with_its_flags",
     .rounds = 3,
     .things = {ACTION(0, "create there"), ACTION(0, "create there"), ACTION(0, "create there"),
                ACTION(0, "deliver raw there"), ACTION(1, "flag there"), ACTION(1, "move here"),
                END},
     .variations = 8},
    {.name = "law6_what_was_sent_since_a_restored_backup_is_not_deleted",
     .rounds = 3,
     .things = {ACTION(0, "deliver there"), ACTION(1, "back up there"), ACTION(1, "deliver here"),
                ACTION(2, "restore there"), END}},
    {.name = "law2_intents_end_under_another_uidvalidity",
     .rounds = 3,
     .things = {ACTION(0, "deliver there"), ACTION(1, "deliver here"), ACTION(2, "renumber there"),
                END},
     .crashes = true,
     .crash_in_round = 1},
    {.name = "a_folder_to_be_made_gets_the_name_its_mailbox_has_now",
     .rounds = 2,
     .things = {ACTION(0, "create there"), ACTION(1, "rename there"), END},
     .crashes = true,
     .crash_in_round = 0,
     .variations = 4},
    {.name = "law6_a_maildir_backed_up_after_a_crash_is_known_for_one",
     .rounds = 4,
     .things = {ACTION(1, "deliver there"), ACTION(2, "back up here"),
                ACTION(3, "restore mail here"), END},
     .crashes = true,
     .crash_in_round = 1},
    {.name = "a_marked_message_with_a_copy_beside_it_is_expunged",
     .policy = "marked: expunge",
     .rounds = 3,
     .things = {ACTION(0, "deliver there"), ACTION(1, "flag here"), ACTION(1, "copy here"), END},
     .variations = 40},
    {.name = "law7_a_message_is_held_with_what_tries_it_again",
     .rounds = 1,
     .things = {ACTION(0, "deliver there"),
                ACTION(0, "deliver there"),
                {.kind = THING_FAULT, .round = 0, .at = 9, .value = 4},
                END},
     .crashes = true,
     .crash_in_round = 0},
    {.name = "law5_a_letter_of_an_interrupted_pass_outlives_a_power_failure",
     .rounds = 4,
     .things = {ACTION(0, "deliver there"),
                ACTION(1, "flag there"),
                {.kind = THING_CRASH, .round = 3, .at = 1},
                POWER(3),
                END},
     .crashes = true,
     .crash_in_round = 1,
     .variations = 8},
    {.name = "law6_the_marker_of_a_crash_is_on_the_disk_before_the_next_is_begun",
     .rounds = 3,
     .things = {ACTION(0, "deliver there"),
                ACTION(1, "flag here"),
                {.kind = THING_CRASH, .round = 2, .at = 22},
                POWER(2),
                END},
     .crashes = true,
     .crash_in_round = 1,
     .variations = 8},
    {.name = "law1_a_folder_renamed_while_they_are_listed_is_not_gone",
     .policy = "remove: both",
     .rounds = 2,
     .things = {ACTION(0, "create there"),
                ACTION(0, "deliver there"),
                ACTION(0, "deliver there"),
                ACTION(1, "move there"),
                ACTION(1, "remove mailbox there"),
                {.kind = THING_ACTION, .round = 1, .at = 20, .action = "rename here"},
                END},
     .variations = 60,
     .later = 1},
    {.name = "law1_a_file_that_is_back_after_an_interrupted_move_is_not_deleted",
     .rounds = 3,
     .things = {ACTION(0, "create there"), ACTION(0, "deliver there"), ACTION(0, "deliver there"),
                ACTION(1, "move here"), ACTION(2, "move here"), END},
     .crashes = true,
     .crash_in_round = 1,
     .variations = 34},
    {.name = "law2_a_file_that_goes_on_while_folders_are_read_again_is_not_doubled",
     .rounds = 2,
     .things = {ACTION(0, "create there"),
                ACTION(0, "deliver there"),
                ACTION(0, "deliver there"),
                ACTION(1, "remove here"),
                ACTION(1, "move there"),
                {.kind = THING_ACTION, .round = 1, .at = 20, .action = "move here"},
                END},
     .variations = 400,
     .later = 1},
};
const size_t known_len = sizeof known / sizeof known[0];

static unsigned policy_named(const char *name)
{
    for (unsigned i = 0; i < SCRIPT_POLICIES && name != NULL; i++) {
        if (strcmp(script_policies[i].name, name) == 0)
            return i;
    }
    return 0;
}

void known_make(const struct known *k, unsigned variation, unsigned long crash_at,
                struct script *out)
{
    *out = (struct script){.rounds = k->rounds, .policy = policy_named(k->policy)};
    for (size_t i = 0; k->things[i].kind != THING_KINDS; i++) {
        struct thing thing = {.kind = k->things[i].kind,
                              .round = k->things[i].round,
                              .at = k->things[i].at,
                              .value = k->things[i].value,
                              .random = i + 100 * variation};
        if (thing.kind == THING_ACTION)
            thing.value = action_named(k->things[i].action);
        if (thing.at > 0 && thing.kind == THING_ACTION)
            thing.at += k->later * variation;
        vec_push(&out->things, thing);
    }
    if (crash_at > 0)
        vec_push(&out->things,
                 ((struct thing){.kind = THING_CRASH, .round = k->crash_in_round, .at = crash_at}));
}
