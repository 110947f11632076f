#include "sim/carries.h"
#include "sim/acts.h"
#include "sim/machine.h"
#include "sim/there.h"
#include "sim/truth.h"
#include <stdio.h>

static const char LETTERS[] = MARKING_LETTERS;

/* ---- which there are ---- */

#define DIRECTIONS 4
#define KEYS 5
static const char *const KEY_NAMES[KEYS] = {"new", "flags", "deletions", "create", "rename"};
static const char *const WORDS[DIRECTIONS] = {"both", "to_local", "to_remote", "none"};

static unsigned digit(unsigned number, unsigned key)
{
    return (number >> (2 * key)) % DIRECTIONS;
}

struct carries carries_of(unsigned number)
{
    return (struct carries){
        .messages_new = (enum direction)digit(number, 0),
        .flags = (enum direction)digit(number, 1),
        .deletions = (enum direction)digit(number, 2),
        .create = (enum direction)digit(number, 3),
        .rename = (enum direction)digit(number, 4),
    };
}

/* All one way, or both ways, but for some. */
unsigned carries_draw(uint64_t *random)
{
    unsigned most = random_below(random, 3);
    unsigned number = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        unsigned other = random_below(random, DIRECTIONS);
        number |= (random_chance(random, 25) ? other : most) << (2 * key);
    }
    return number > 0 ? number : (unsigned)DIRECTION_TO_LOCAL;
}

const char *carries_yaml(unsigned number)
{
    static char texts[CARRIES][128];
    char *text = texts[number];
    size_t len = 0;
    if (number == 0)
        return NULL;
    for (unsigned key = 0; key < KEYS && (key > 0 || text[0] == '\0'); key++)
        len += (size_t)snprintf(text + len, sizeof texts[0] - len, "%s%s: %s",
                                key == 0 ? "    sync: {" : ", ", KEY_NAMES[key],
                                WORDS[digit(number, key)]);
    if (len > 0)
        (void)snprintf(text + len, sizeof texts[0] - len, "}\n");
    return text;
}

bool carries_all(const struct carries *c)
{
    return c->messages_new == DIRECTION_BOTH && c->flags == DIRECTION_BOTH &&
           c->deletions == DIRECTION_BOTH && c->create == DIRECTION_BOTH &&
           c->rename == DIRECTION_BOTH;
}

bool carries_here(enum direction direction)
{
    return direction == DIRECTION_BOTH || direction == DIRECTION_TO_LOCAL;
}

bool carries_there(enum direction direction)
{
    return direction == DIRECTION_BOTH || direction == DIRECTION_TO_REMOTE;
}

/* ---- what the engine may do ---- */

/* What both sides had, and a backup has not, is made again: it is not new. */
static bool may(enum act act)
{
    const struct carries *c = &truth.carries;
    switch (act) {
    case ACT_NEW_THERE:
        return carries_there(c->messages_new);
    case ACT_FLAGS_THERE:
        return carries_there(c->flags);
    case ACT_MARKED_THERE:
        return carries_there(c->flags) || carries_there(c->deletions);
    case ACT_EXPUNGED_THERE:
        return carries_there(c->deletions);
    case ACT_CREATED_THERE:
        return carries_there(c->create) || truth.recovers;
    case ACT_RENAMED_THERE:
        return carries_there(c->rename);
    case ACT_REMOVED_THERE:
        return truth.policy->removes;
    case ACT_NEW_HERE:
        return carries_here(c->messages_new);
    case ACT_MOVED_HERE: /* instead of a removal: it is neither new nor deleted */
        return carries_here(c->messages_new) || carries_here(c->deletions);
    case ACT_FLAGS_HERE:
        return carries_here(c->flags);
    case ACT_REMOVED_HERE:
        return carries_here(c->deletions);
    case ACT_CREATED_HERE:
        return carries_here(c->create) || truth.recovers;
    case ACT_RENAMED_HERE:
        return carries_here(c->rename);
    case ACTS:
        break;
    }
    return true;
}

void carries_check_acts(void)
{
    for (unsigned act = 0; act < ACTS; act++) {
        if (acts[act] > 0 && !may((enum act)act))
            truth_fail("the policy does not carry it, but: %s", act_names[act]);
    }
}

/* ---- what must have come ---- */

static void check_mailboxes(struct arena *arena)
{
    struct here_names here = {0};
    struct there_names there = {0};
    here_folders_list(arena, &here);
    there_mailboxes(arena, &there);
    VEC_FOREACH (const char *, name, &there) {
        if (carries_here(truth.carries.create) && !sights_is_here(arena, *name))
            truth_fail("%s has no folder here", *name);
    }
    VEC_FOREACH (const char *, name, &here) {
        if (carries_there(truth.carries.create) && !sights_is_there(arena, *name))
            truth_fail("%s is not on the server", *name);
    }
    vec_free(&here);
    vec_free(&there);
}

/* How many of a message a mailbox has. */
static unsigned count_in(const struct sights *sights, const char *mailbox, unsigned number)
{
    unsigned count = 0;
    VEC_FOREACH (const struct sight, s, sights) {
        count += s->number == number && strcmp(s->mailbox, mailbox) == 0;
    }
    return count;
}

/* One side as the policy lets it be seen from the other. */
struct end {
    const struct sights *sights;
    unsigned count;
    bool touched;
    bool removed;
};

/* Each that the one has, the other has too, in the same place. */
static bool is_mirrored(const struct sights *one, const struct sights *other, unsigned number)
{
    VEC_FOREACH (const struct sight, s, one) {
        if (s->number == number &&
            count_in(one, s->mailbox, number) != count_in(other, s->mailbox, number))
            return false;
    }
    return true;
}

static bool may_go_to(enum direction direction, bool here)
{
    return here ? carries_here(direction) : carries_there(direction);
}

/* Came into being at `from`: what of it must be at `to`. */
static void check_message(const struct message *m, const struct end *from, const struct end *to)
{
    const struct carries *c = &truth.carries;
    bool to_here = !m->born_here;
    bool is_new = may_go_to(c->messages_new, to_here);
    bool goes = may_go_to(c->deletions, to_here);
    bool goes_back = may_go_to(c->deletions, !to_here);
    bool once = m->made == 1 && !m->moved_here && !m->moved_there;
    bool kept = m->removed == 0 && !from->removed && !to->removed;
    if (kept && (from->count == 0 || (m->came && to->count == 0)))
        truth_fail("message %u is gone from one side, and nobody removed it", m->number);
    else if (!is_new && !to->touched && to->count > 0)
        truth_fail("message %u was carried to the other side", m->number);
    else if (is_new && goes && !to->touched &&
             (from->count != to->count || !is_mirrored(from->sights, to->sights, m->number) ||
              !is_mirrored(to->sights, from->sights, m->number)))
        truth_fail("message %u is not on both sides in the same places", m->number);
    else if (is_new && once && !to->touched && !from->touched &&
             (from->count != 1 || to->count != 1))
        truth_fail("message %u is %u times where it came from, %u times on the other side",
                   m->number, from->count, to->count);
    else if (is_new && once && !to->touched && from->removed && m->came && !goes && to->count != 1)
        truth_fail("message %u went with its original, which is not carried", m->number);
    else if (is_new && once && to->removed && !from->touched &&
             (to->count > 0 || from->count != !goes_back))
        truth_fail("message %u was removed: %u times left on that side, %u times where it came "
                   "from",
                   m->number, to->count, from->count);
}

/* Nothing blurs what must have become of it. */
static bool is_told(const struct message *m)
{
    return !m->revived && !m->sent_again && !m->resettled && !m->moved_as_copy && !m->move_sought &&
           m->apart == 0 && !truth.keeps_marked;
}

static void check_messages(const struct sights *here, const struct sights *there)
{
    VEC_FOREACH (struct message *, at, &truth.messages) {
        const struct message *m = *at;
        const struct end local = {here, m->here, m->touched_here, m->removed_here};
        const struct end remote = {there, m->there, m->touched_there, m->removed_there};
        if (m->made > 0 && is_told(m))
            check_message(m, m->born_here ? &local : &remote, m->born_here ? &remote : &local);
    }
}

/* ---- flags ---- */

static void check_bit(const struct message *m, unsigned i, const struct sight *here,
                      const struct sight *there)
{
    const enum direction d = truth.carries.flags;
    unsigned bit = 1u << i;
    unsigned by_here = m->changed_here[i], by_there = m->changed[i] - m->changed_here[i];
    unsigned born = m->flags & bit;
    bool alike = ((here->flags ^ there->flags) & bit) == 0;
    if (!alike && ((carries_here(d) && by_here == 0) || (carries_there(d) && by_there == 0)))
        truth_fail("message %u has flag %c on one side alone", m->number, LETTERS[i]);
    bool own_here = !carries_here(d) && (m->born_here || by_there == 0);
    bool own_there = !carries_there(d) && (!m->born_here || by_here == 0);
    if (own_here && (here->flags & bit) != (born ^ (by_here % 2 * bit)))
        truth_fail("message %u has not the flag %c that it was given here", m->number, LETTERS[i]);
    if (own_there && (there->flags & bit) != (born ^ (by_there % 2 * bit)))
        truth_fail("message %u has not the flag %c that it was given there", m->number, LETTERS[i]);
}

static void check_flags(const struct sights *here, const struct sights *there)
{
    VEC_FOREACH (const struct sight, s, here) {
        const struct message *m = truth.messages.items[s->number - 1];
        bool once = m->made == 1 && m->here == 1 && m->there == 1 && !m->touched_here &&
                    !m->touched_there && is_told(m);
        const struct sight *other = NULL;
        VEC_FOREACH (const struct sight, t, there) {
            if (t->number == s->number && strcmp(t->mailbox, s->mailbox) == 0)
                other = t;
        }
        for (unsigned i = 0; i < MARKINGS && once && other != NULL; i++) {
            bool keyword = ((1u << i) & ~(unsigned)MARKINGS_SYSTEM) != 0;
            bool unsent = (m->unflagged_as_sent & (1u << i)) != 0;
            if (!keyword && !unsent)
                check_bit(m, i, s, other);
        }
    }
}

void carries_check_settled(struct arena *arena, const struct sights *here,
                           const struct sights *there)
{
    if (truth.recovers || truth.renamed)
        return;
    check_mailboxes(arena);
    check_messages(here, there);
    check_flags(here, there);
}
