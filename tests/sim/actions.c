#include "sim/actions_sides.h"
#include "sim/backups.h"
#include "sim/machine.h"
#include "sim/there.h"

const char *const actions_names[ACTIONS_NAMES_LEN] = {"INBOX", "A", "B", "C", "D", "A/sub"};
const char *const actions_new_names[ACTIONS_NEW_NAMES_LEN] = {"A", "E", "F", "E/sub"};

struct arena *actions_scratch;

uint8_t actions_some_flags(uint64_t *random)
{
    return random_chance(random, 60) ? 0 : (uint8_t)(1u << random_below(random, MARKINGS));
}

void actions_note_marked(struct message *m, uint8_t flags)
{
    if (!truth.policy->expunges || (flags & MARKING_TRASHED) == 0)
        return;
    m->removed++;
    m->revived = true;
}

/* ---- the table ---- */

const struct action actions[] = {
    {"deliver there", 20, actions_deliver_there},
    {"deliver raw there", 2, actions_deliver_raw_there},
    {"deliver again there", 3, actions_deliver_again_there},
    {"flag there", 15, actions_flag_there},
    {"expunge there", 12, actions_expunge_there},
    {"replace there", 4, actions_replace_there},
    {"move there", 8, actions_move_there},
    {"copy there", 4, actions_copy_there},
    {"create there", 3, actions_create_there},
    {"rename there", 3, actions_rename_there},
    {"remove mailbox there", 2, actions_remove_mailbox_there},
    {"forget expunges there", 2, actions_forget_there},
    {"deliver here", 20, actions_deliver_here},
    {"deliver again here", 3, actions_deliver_again_here},
    {"flag here", 15, actions_flag_here},
    {"see here", 5, actions_see_here},
    {"remove here", 10, actions_remove_here},
    {"take out here", 4, actions_take_out_here},
    {"bring back here", 4, actions_bring_back_here},
    {"replace here", 4, actions_replace_here},
    {"move here", 8, actions_move_here},
    {"copy here", 4, actions_copy_here},
    {"create here", 3, actions_create_here},
    {"rename here", 3, actions_rename_here},
    {"remove folder here", 2, actions_remove_folder_here},
    {"renumber there", 1, actions_renumber_there},
    {"back up there", 3, backups_back_up_there},
    {"restore there", 1, backups_restore_there},
    {"back up here", 3, backups_back_up_here},
    {"restore mail here", 1, backups_restore_mail_here},
    {"restore index here", 1, backups_restore_index_here},
    {"restore all here", 1, backups_restore_all_here},
    {"lose index here", 1, backups_lose_index_here},
    /* Where that matters. */
    {"subscribe there", 0, actions_subscribe_there},
    {"clear there", 0, actions_clear_there},
    {"clear here", 0, actions_clear_here},
};
const size_t actions_len = sizeof actions / sizeof actions[0];
_Static_assert(sizeof actions / sizeof actions[0] <= ACTIONS_MAX, "each is counted");
uint64_t actions_done[ACTIONS_MAX];

unsigned action_choose(uint64_t *random)
{
    unsigned total = 0, at = 0;
    for (size_t i = 0; i < actions_len; i++)
        total += actions[i].weight;
    unsigned left = random_below(random, total);
    while (left >= actions[at].weight)
        left -= actions[at++].weight;
    return at;
}

unsigned action_named(const char *name)
{
    unsigned at = 0;
    while (strcmp(actions[at].name, name) != 0)
        at++;
    return at;
}

bool action_do(unsigned action, uint64_t random)
{
    if (actions_scratch == NULL)
        actions_scratch = arena_new();
    bool done = actions[action].act(&random);
    arena_reset(actions_scratch);
    actions_done[action] += done;
    return done;
}

void actions_begin_empty(void)
{
    if (actions_scratch == NULL)
        actions_scratch = arena_new();
    actions_here_reset();
    backups_reset();
}

void actions_begin(uint64_t *random)
{
    actions_begin_empty();
    unsigned mailboxes = random_below(random, 4);
    for (unsigned i = 0; i < mailboxes; i++)
        (void)actions_create_there(random);
    if (truth.policy->trash)
        (void)there_create(TRUTH_TRASH);
    if (!carries_here(truth.carries.create) && random_chance(random, 75))
        actions_mirror_mailboxes();
    unsigned messages = random_below(random, 9);
    /* More than a guard would let go at once. */
    messages += truth.policy->unguarded ? 15 : 0;
    for (unsigned i = 0; i < messages; i++)
        (void)actions_deliver_there(random);
    arena_reset(actions_scratch);
}
