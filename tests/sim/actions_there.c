#include "sim/actions_sides.h"
#include "sim/here.h"
#include "sim/machine.h"
#include "sim/there.h"

/* ---- choosing ---- */

struct in_mailbox {
    const char *mailbox;
    uint32_t uid;
    uint8_t flags;
    struct message *message;
};

struct choice {
    unsigned left;
    bool found;
    struct in_mailbox out;
};

static bool count_message(void *self, const struct backend_message *message, struct str body)
{
    unsigned *count = self;
    (*count)++;
    return true;
}

static bool choose_message(void *self, const struct backend_message *message, struct str body)
{
    struct choice *choice = self;
    if (choice->left-- > 0)
        return true;
    choice->found = true;
    choice->out.uid = message->uid;
    choice->out.flags = there_flags(&message->flags);
    choice->out.message = truth_know(body, false);
    return false;
}

static const char *mailbox_there(uint64_t *random)
{
    struct there_names names = {0};
    there_mailboxes(actions_scratch, &names);
    const char *name = names.items[random_below(random, (unsigned)names.len)];
    vec_free(&names);
    return name;
}

static bool message_there(uint64_t *random, struct in_mailbox *out)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        const char *mailbox = mailbox_there(random);
        unsigned count = 0;
        (void)there_each(mailbox, count_message, &count);
        if (count == 0)
            continue;
        struct choice choice = {.left = random_below(random, count)};
        (void)there_each(mailbox, choose_message, &choice);
        choice.out.mailbox = mailbox;
        *out = choice.out;
        return choice.found && out->message != NULL;
    }
    return false;
}

/* ---- what other clients do ---- */

static void note_taken_there(struct message *m)
{
    bool meanwhile = machine.points > 0;
    m->sent_again = m->sent_again || (m->from_here && (truth.lost_answers || meanwhile));
}

/* One with these flags. In Trash it is the message itself, whatever it is marked with. */
static void note_removed_there(struct message *m, const char *mailbox, uint8_t flags)
{
    m->touched_there = m->removed_there = true;
    m->removed += strcmp(mailbox, TRUTH_TRASH) == 0 || !truth_is_remains(m, flags);
    note_taken_there(m);
}

bool actions_deliver_there(uint64_t *random)
{
    if (truth.older_there)
        return false;
    const char *mailbox = mailbox_there(random);
    struct message *m = truth_make(random, false);
    m->flags = actions_some_flags(random);
    m->made = there_append(mailbox, m->text, m->flags, m->date_s);
    actions_note_marked(m, m->flags);
    return m->made > 0;
}

/* One that is stored byte for byte. */
bool actions_deliver_raw_there(uint64_t *random)
{
    if (truth.older_there)
        return false;
    struct message *m = truth_make_raw();
    m->made = there_append(mailbox_there(random), m->text, 0, m->date_s);
    return m->made > 0;
}

bool actions_deliver_again_there(uint64_t *random)
{
    if (truth.older_there)
        return false;
    struct in_mailbox it;
    if (!message_there(random, &it))
        return false;
    bool done = there_append(mailbox_there(random), it.message->text, 0, it.message->date_s);
    if (done)
        truth_note_copied(it.message, false);
    return done;
}

bool actions_flag_there(uint64_t *random)
{
    struct in_mailbox it;
    if (!message_there(random, &it))
        return false;
    unsigned bit = random_below(random, MARKINGS);
    /* Where a deletion is a mark, taking it off brings the message back; and what is marked is no
     * longer there. */
    if (truth.keeps_marked && ((1u << bit) == MARKING_TRASHED || (it.flags & MARKING_TRASHED) != 0))
        return false;
    truth_note_flagged_there(it.message, bit);
    actions_note_marked(it.message, it.flags | (uint8_t)(1u << bit));
    there_set_flags(it.mailbox, it.uid, it.flags ^ (uint8_t)(1u << bit));
    return true;
}

bool actions_expunge_there(uint64_t *random)
{
    struct in_mailbox it;
    if (!message_there(random, &it))
        return false;
    note_removed_there(it.message, it.mailbox, it.flags);
    there_expunge(it.mailbox, it.uid);
    return true;
}

bool actions_replace_there(uint64_t *random)
{
    if (truth.older_there)
        return false;
    struct in_mailbox it;
    if (!message_there(random, &it))
        return false;
    struct message *m = truth_make(random, false);
    m->made = there_append(it.mailbox, m->text, 0, m->date_s);
    note_removed_there(it.message, it.mailbox, it.flags);
    there_expunge(it.mailbox, it.uid);
    return true;
}

/* What is marked where nothing can be expunged is no longer there for its users. */
static bool living_message_there(uint64_t *random, struct in_mailbox *out)
{
    return message_there(random, out) &&
           !(truth.keeps_marked && (out->flags & MARKING_TRASHED) != 0);
}

bool actions_move_there(uint64_t *random)
{
    if (truth.older_there)
        return false;
    struct in_mailbox it;
    if (!living_message_there(random, &it))
        return false;
    const char *to = mailbox_there(random);
    if (strcmp(to, it.mailbox) == 0)
        return false;
    truth_note_moved(it.message, false);
    note_taken_there(it.message);
    there_copy(it.mailbox, it.uid, to, true);
    return true;
}

bool actions_copy_there(uint64_t *random)
{
    if (truth.older_there)
        return false;
    struct in_mailbox it;
    if (!living_message_there(random, &it))
        return false;
    truth_note_copied(it.message, false);
    actions_note_marked(it.message, it.flags);
    there_copy(it.mailbox, it.uid, mailbox_there(random), false);
    return true;
}

bool actions_create_there(uint64_t *random)
{
    return there_create(actions_names[random_below(random, ACTIONS_NAMES_LEN)]);
}

void actions_mirror_mailboxes(void)
{
    struct there_names names = {0};
    there_mailboxes(actions_scratch, &names);
    VEC_FOREACH (const char *, name, &names) {
        (void)here_create(*name);
    }
    vec_free(&names);
}

static const char *other_mailbox_there(uint64_t *random)
{
    const char *name = mailbox_there(random);
    bool fixed =
        strcmp(name, "INBOX") == 0 || (truth.policy->trash && strcmp(name, TRUTH_TRASH) == 0);
    return fixed ? NULL : name;
}

bool actions_rename_there(uint64_t *random)
{
    const char *name = other_mailbox_there(random);
    truth.renamed = true;
    return name != NULL &&
           there_rename(name, actions_new_names[random_below(random, ACTIONS_NEW_NAMES_LEN)]);
}

static bool note_gone(void *self, const struct backend_message *message, struct str body)
{
    struct message *m = truth_know(body, false);
    if (m != NULL)
        note_removed_there(m, self, there_flags(&message->flags));
    return true;
}

bool actions_remove_mailbox_there(uint64_t *random)
{
    const char *name = other_mailbox_there(random);
    if (!truth.policy->removes || name == NULL)
        return false;
    (void)there_each(name, note_gone, (void *)(uintptr_t)name);
    truth.renamed = true;
    return there_remove(name);
}

bool actions_subscribe_there(uint64_t *random)
{
    const char *name = mailbox_there(random);
    return there_subscribe(name, random_chance(random, 70));
}

bool actions_clear_there(uint64_t *random)
{
    const char *mailbox = mailbox_there(random);
    struct choice choice = {0};
    bool any = false;
    while ((void)there_each(mailbox, choose_message, &choice), choice.found) {
        if (choice.out.message != NULL)
            note_removed_there(choice.out.message, mailbox, choice.out.flags);
        there_expunge(mailbox, choice.out.uid);
        choice = (struct choice){0};
        any = true;
    }
    return any;
}

bool actions_forget_there(uint64_t *random)
{
    there_forget_expunged(mailbox_there(random));
    return true;
}

/* ---- what only content sees through ---- */

bool actions_renumber_there(uint64_t *random)
{
    truth.recovers = true;
    there_renumber(mailbox_there(random));
    return true;
}
