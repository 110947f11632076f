#include "sim/actions.h"
#include "base/alloc.h"
#include "sim/backups.h"
#include "sim/here.h"
#include "sim/machine.h"
#include "sim/there.h"
#include "sim/truth.h"

static const char TRASH[] = "Trash";
static const char *const NAMES[] = {"INBOX", "A", "B", "C", "D", "A/sub"};
static const char *const NEW_NAMES[] = {"A", "E", "F", "E/sub"};
#define NEW_NAMES_LEN (sizeof NEW_NAMES / sizeof NEW_NAMES[0])
#define NAMES_LEN (sizeof NAMES / sizeof NAMES[0])

static struct arena *scratch;

/* Mostly none. */
static uint8_t some_flags(uint64_t *random)
{
    return random_chance(random, 60) ? 0 : (uint8_t)(1u << random_below(random, MARKINGS));
}

/* ---- choosing on the server ---- */

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
    there_mailboxes(scratch, &names);
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

/* ---- choosing here ---- */

static const char *folder_here(uint64_t *random)
{
    struct here_names names = {0};
    here_folders_list(scratch, &names);
    const char *name =
        names.len > 0 ? names.items[random_below(random, (unsigned)names.len)] : NULL;
    vec_free(&names);
    return name;
}

static bool file_here(uint64_t *random, struct user_file *out, struct message **message_out)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        const char *folder = folder_here(random);
        struct here_files files = {0};
        if (folder == NULL)
            return false;
        here_files_list(scratch, folder, &files);
        bool found = files.len > 0;
        if (found)
            *out = files.items[random_below(random, (unsigned)files.len)];
        vec_free(&files);
        if (!found)
            continue;
        *message_out = truth_know(str_make(out->node->data, out->node->len), true);
        return *message_out != NULL;
    }
    return false;
}

/* ---- on the server ---- */

/* Where what is marked is removed, at some time, if the mark is not taken off before. */
static void note_marked(struct message *m, uint8_t flags)
{
    if (!truth.policy->expunges || (flags & MARKING_TRASHED) == 0)
        return;
    m->removed++;
    m->revived = true;
}

static void note_taken_there(struct message *m)
{
    bool meanwhile = machine.points > 0;
    m->sent_again = m->sent_again || (m->from_here && (truth.lost_answers || meanwhile));
}

/* One with these flags. In Trash it is the message itself, whatever it is marked with. */
static void note_removed_there(struct message *m, const char *mailbox, uint8_t flags)
{
    m->removed += strcmp(mailbox, TRASH) == 0 || !truth_is_remains(m, flags);
    note_taken_there(m);
}

static bool deliver_there(uint64_t *random)
{
    if (truth.older_there)
        return false;
    const char *mailbox = mailbox_there(random);
    struct message *m = truth_make(random, false);
    m->flags = some_flags(random);
    m->made = there_append(mailbox, m->text, m->flags, m->date_s);
    note_marked(m, m->flags);
    return m->made > 0;
}

/* One that is stored byte for byte. */
static bool deliver_raw_there(uint64_t *random)
{
    if (truth.older_there)
        return false;
    struct message *m = truth_make_raw();
    m->made = there_append(mailbox_there(random), m->text, 0, m->date_s);
    return m->made > 0;
}

static bool deliver_again_there(uint64_t *random)
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

static bool flag_there(uint64_t *random)
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
    note_marked(it.message, it.flags | (uint8_t)(1u << bit));
    there_set_flags(it.mailbox, it.uid, it.flags ^ (uint8_t)(1u << bit));
    return true;
}

static bool expunge_there(uint64_t *random)
{
    struct in_mailbox it;
    if (!message_there(random, &it))
        return false;
    note_removed_there(it.message, it.mailbox, it.flags);
    there_expunge(it.mailbox, it.uid);
    return true;
}

static bool replace_there(uint64_t *random)
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

static bool move_there(uint64_t *random)
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

static bool copy_there(uint64_t *random)
{
    if (truth.older_there)
        return false;
    struct in_mailbox it;
    if (!living_message_there(random, &it))
        return false;
    truth_note_copied(it.message, false);
    note_marked(it.message, it.flags);
    there_copy(it.mailbox, it.uid, mailbox_there(random), false);
    return true;
}

static bool create_there(uint64_t *random)
{
    return there_create(NAMES[random_below(random, NAMES_LEN)]);
}

static const char *other_mailbox_there(uint64_t *random)
{
    const char *name = mailbox_there(random);
    bool fixed = strcmp(name, "INBOX") == 0 || (truth.policy->trash && strcmp(name, TRASH) == 0);
    return fixed ? NULL : name;
}

static bool rename_there(uint64_t *random)
{
    const char *name = other_mailbox_there(random);
    truth.renamed = true;
    return name != NULL && there_rename(name, NEW_NAMES[random_below(random, NEW_NAMES_LEN)]);
}

static bool note_gone(void *self, const struct backend_message *message, struct str body)
{
    struct message *m = truth_know(body, false);
    if (m != NULL)
        note_removed_there(m, self, there_flags(&message->flags));
    return true;
}

static bool remove_mailbox_there(uint64_t *random)
{
    const char *name = other_mailbox_there(random);
    if (!truth.policy->removes || name == NULL)
        return false;
    (void)there_each(name, note_gone, (void *)(uintptr_t)name);
    truth.renamed = true;
    return there_remove(name);
}

static bool forget_there(uint64_t *random)
{
    there_forget_expunged(mailbox_there(random));
    return true;
}

/* ---- here ---- */

static bool deliver_here(uint64_t *random)
{
    const char *folder = folder_here(random);
    if (folder == NULL)
        return false;
    struct message *m = truth_make(random, true);
    m->flags = some_flags(random);
    m->made = here_deliver(folder, m->stored, m->flags, NULL);
    note_marked(m, m->flags);
    m->from_here = true;
    return m->made > 0;
}

static bool deliver_again_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m))
        return false;
    bool done = here_deliver(folder_here(random), m->stored, 0, NULL);
    if (done)
        truth_note_copied(m, true);
    return done;
}

static bool flag_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m))
        return false;
    unsigned bit = random_below(random, MARKINGS);
    if (!here_set_flags(&file, file.flags ^ (uint8_t)(1u << bit)))
        return false;
    m->changed[bit]++;
    if ((file.flags & (1u << bit) & ~(unsigned)MARKINGS_SYSTEM) != 0)
        truth.letters_missing = true;
    note_marked(m, file.flags | (uint8_t)(1u << bit));
    return true;
}

/* As many mail programs do when the folder is opened. */
static bool see_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m) || !file.in_new)
        return false;
    return here_set_flags(&file, file.flags);
}

/* From the folder. Out of Trash, or where there is none, it is gone; so is what the server never
 * had, unless it is on its way there just then: that goes to Trash when it has come. */
static void note_removed_here(struct message *m, const char *folder)
{
    bool kept = truth.policy->trash && strcmp(folder, TRASH) != 0;
    if (kept)
        truth_count();
    m->trashed = m->trashed || kept;
    m->taken_meanwhile = m->taken_meanwhile || machine.points > 0;
    /* Of several copies one that stays elsewhere is enough. */
    if (!kept || m->there == 0 || m->made > 1 || m->moved_here)
        m->removed++;
    m->revived = m->revived || truth.unsure || (kept && m->there == 0 && machine.points > 0);
}

static bool remove_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m))
        return false;
    note_removed_here(m, file.folder);
    here_remove(&file);
    return true;
}

/* And back under its old name, a moment or some passes later. */
static struct {
    struct message *message;
    const char *folder;
    char name[400];
    bool counted; /* as a removal: not where it is a move to Trash */
} last_removed;

static bool take_out_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m))
        return false;
    unsigned before = m->removed;
    note_removed_here(m, file.folder);
    last_removed.counted = m->removed > before;
    last_removed.message = m;
    last_removed.folder = arena_strdup(truth.arena, file.folder);
    const char *info = strstr(file.name, ":2,");
    size_t len = info != NULL ? (size_t)(info - file.name) : strlen(file.name);
    memcpy(last_removed.name, file.name, len);
    last_removed.name[len] = '\0';
    here_remove(&file);
    return true;
}

static bool sees_message(void *self, const struct backend_message *message, struct str body)
{
    struct message **sought = self;
    *sought = truth_know(body, false) == *sought ? NULL : *sought;
    return *sought != NULL;
}

static bool is_in_trash(struct message *m)
{
    (void)there_each(TRASH, sees_message, &m);
    return m == NULL;
}

static bool bring_back_here(uint64_t *random)
{
    struct message *m = last_removed.message;
    if (m == NULL || !here_deliver(last_removed.folder, m->stored, m->flags, last_removed.name))
        return false;
    m->made++;
    /* As long as it did not come to Trash, nothing was removed, and nothing is made. */
    m->removed += !last_removed.counted && !is_in_trash(m);
    /* Its name has no letters any more. */
    truth.letters_missing = true;
    /* Where the answer to its deletion was lost, it passes for one that others deleted. */
    m->removed += truth.lost_answers;
    m->revived = m->from_here = true;
    last_removed.message = NULL;
    return true;
}

static bool replace_here(uint64_t *random)
{
    struct user_file file;
    struct message *old;
    if (!file_here(random, &file, &old))
        return false;
    struct message *m = truth_make(random, true);
    m->flags = 1;
    m->made = here_deliver(file.folder, m->stored, 1, NULL);
    m->from_here = true;
    note_removed_here(old, file.folder);
    here_remove(&file);
    return true;
}

static bool move_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m))
        return false;
    truth_note_moved(m, true);
    m->taken_meanwhile = m->taken_meanwhile || machine.points > 0;
    const char *to = folder_here(random);
    bool fresh = random_chance(random, 50);
    m->sent_again = m->sent_again || (truth.unsure && fresh);
    here_move(&file, to, fresh);
    return true;
}

static bool copy_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m))
        return false;
    if (!here_copy(&file, folder_here(random), random_chance(random, 30)))
        return false;
    truth_note_copied(m, true);
    note_marked(m, file.flags);
    return true;
}

static bool create_here(uint64_t *random)
{
    return here_create(NAMES[random_below(random, NAMES_LEN)]);
}

static const char *other_folder_here(uint64_t *random)
{
    const char *name = folder_here(random);
    if (name == NULL || strcmp(name, "INBOX") == 0)
        return NULL;
    return truth.policy->trash && strcmp(name, TRASH) == 0 ? NULL : name;
}

static bool rename_here(uint64_t *random)
{
    const char *name = other_folder_here(random);
    truth.renamed = true;
    return name != NULL && here_rename(name, NEW_NAMES[random_below(random, NEW_NAMES_LEN - 1)]);
}

static bool remove_folder_here(uint64_t *random)
{
    const char *name = other_folder_here(random);
    struct here_files files = {0};
    if (!truth.policy->removes || name == NULL || !here_may_remove(name))
        return false;
    here_files_list(scratch, name, &files);
    VEC_FOREACH (const struct user_file, file, &files) {
        struct message *m = truth_know(str_make(file->node->data, file->node->len), true);
        if (m != NULL)
            note_removed_here(m, name);
    }
    vec_free(&files);
    truth.renamed = true;
    return here_remove_folder(name);
}

/* ---- what only content sees through ---- */

static bool renumber_there(uint64_t *random)
{
    truth.recovers = true;
    there_renumber(mailbox_there(random));
    return true;
}

/* ---- the table ---- */

const struct action actions[] = {
    {"deliver there", 20, deliver_there},
    {"deliver raw there", 2, deliver_raw_there},
    {"deliver again there", 3, deliver_again_there},
    {"flag there", 15, flag_there},
    {"expunge there", 12, expunge_there},
    {"replace there", 4, replace_there},
    {"move there", 8, move_there},
    {"copy there", 4, copy_there},
    {"create there", 3, create_there},
    {"rename there", 3, rename_there},
    {"remove mailbox there", 2, remove_mailbox_there},
    {"forget expunges there", 2, forget_there},
    {"deliver here", 20, deliver_here},
    {"deliver again here", 3, deliver_again_here},
    {"flag here", 15, flag_here},
    {"see here", 5, see_here},
    {"remove here", 10, remove_here},
    {"take out here", 4, take_out_here},
    {"bring back here", 4, bring_back_here},
    {"replace here", 4, replace_here},
    {"move here", 8, move_here},
    {"copy here", 4, copy_here},
    {"create here", 3, create_here},
    {"rename here", 3, rename_here},
    {"remove folder here", 2, remove_folder_here},
    {"renumber there", 1, renumber_there},
    {"back up there", 3, backups_back_up_there},
    {"restore there", 1, backups_restore_there},
    {"back up here", 3, backups_back_up_here},
    {"restore mail here", 1, backups_restore_mail_here},
    {"restore index here", 1, backups_restore_index_here},
    {"restore all here", 1, backups_restore_all_here},
    {"lose index here", 1, backups_lose_index_here},
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

bool action_do(unsigned action, uint64_t random)
{
    if (scratch == NULL)
        scratch = arena_new();
    bool done = actions[action].act(&random);
    arena_reset(scratch);
    actions_done[action] += done;
    return done;
}

void actions_begin_empty(void)
{
    if (scratch == NULL)
        scratch = arena_new();
    last_removed.message = NULL;
    backups_reset();
}

void actions_begin(uint64_t *random)
{
    actions_begin_empty();
    unsigned mailboxes = random_below(random, 4);
    for (unsigned i = 0; i < mailboxes; i++)
        (void)create_there(random);
    if (truth.policy->trash)
        (void)there_create(TRASH);
    unsigned messages = random_below(random, 9);
    for (unsigned i = 0; i < messages; i++)
        (void)deliver_there(random);
    arena_reset(scratch);
}
