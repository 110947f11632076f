#include "sim/actions_sides.h"
#include "sim/here.h"
#include "sim/machine.h"
#include "sim/there.h"

/* ---- choosing ---- */

static const char *folder_here(uint64_t *random)
{
    struct here_names names = {0};
    here_folders_list(actions_scratch, &names);
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
        here_files_list(actions_scratch, folder, &files);
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

/* ---- what mail programs do ---- */

bool actions_deliver_here(uint64_t *random)
{
    const char *folder = folder_here(random);
    if (folder == NULL)
        return false;
    struct message *m = truth_make(random, true);
    m->flags = actions_some_flags(random);
    m->made = here_deliver(folder, m->stored, m->flags, NULL);
    actions_note_marked(m, m->flags);
    m->from_here = m->born_here = true;
    return m->made > 0;
}

bool actions_deliver_again_here(uint64_t *random)
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

bool actions_flag_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m))
        return false;
    unsigned bit = random_below(random, MARKINGS);
    if (!here_set_flags(&file, file.flags ^ (uint8_t)(1u << bit)))
        return false;
    m->changed[bit]++;
    m->changed_here[bit]++;
    if ((file.flags & (1u << bit) & ~(unsigned)MARKINGS_SYSTEM) != 0)
        truth.letters_missing = true;
    actions_note_marked(m, file.flags | (uint8_t)(1u << bit));
    return true;
}

/* As many mail programs do when the folder is opened. */
bool actions_see_here(uint64_t *random)
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
    m->touched_here = m->removed_here = true;
    bool kept = truth.policy->trash && strcmp(folder, TRUTH_TRASH) != 0;
    if (kept)
        truth_count();
    m->trashed = m->trashed || kept;
    m->taken_meanwhile = m->taken_meanwhile || machine.points > 0;
    /* Of several copies one that stays elsewhere is enough. */
    if (!kept || m->there == 0 || m->made > 1 || m->moved_here)
        m->removed++;
    m->revived = m->revived || truth.unsure || (kept && m->there == 0 && machine.points > 0);
}

bool actions_remove_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m))
        return false;
    note_removed_here(m, file.folder);
    here_remove(&file);
    return true;
}

bool actions_clear_here(uint64_t *random)
{
    const char *folder = folder_here(random);
    struct here_files files = {0};
    if (folder == NULL)
        return false;
    here_files_list(actions_scratch, folder, &files);
    VEC_FOREACH (const struct user_file, file, &files) {
        struct message *m = truth_know(str_make(file->node->data, file->node->len), true);
        if (m != NULL)
            note_removed_here(m, folder);
        here_remove(file);
    }
    bool any = files.len > 0;
    vec_free(&files);
    return any;
}

/* And back under its old name, a moment or some passes later. */
static struct {
    struct message *message;
    const char *folder;
    char name[400];
    bool counted; /* as a removal: not where it is a move to Trash */
} last_removed;

bool actions_take_out_here(uint64_t *random)
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

bool actions_bring_back_here(uint64_t *random)
{
    struct message *m = last_removed.message;
    if (m == NULL || !here_deliver(last_removed.folder, m->stored, m->flags, last_removed.name))
        return false;
    m->made++;
    /* As long as it did not come to Trash, nothing was removed, and nothing is made. */
    m->removed += !last_removed.counted && !truth_is_in_trash(m);
    /* Its name has no letters any more. */
    truth.letters_missing = true;
    /* Where the answer to its deletion was lost, it passes for one that others deleted. */
    m->removed += truth.lost_answers;
    m->revived = m->from_here = true;
    last_removed.message = NULL;
    return true;
}

bool actions_replace_here(uint64_t *random)
{
    struct user_file file;
    struct message *old;
    if (!file_here(random, &file, &old))
        return false;
    struct message *m = truth_make(random, true);
    m->flags = 1;
    m->made = here_deliver(file.folder, m->stored, 1, NULL);
    m->from_here = m->born_here = true;
    note_removed_here(old, file.folder);
    here_remove(&file);
    return true;
}

bool actions_move_here(uint64_t *random)
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

bool actions_copy_here(uint64_t *random)
{
    struct user_file file;
    struct message *m;
    if (!file_here(random, &file, &m))
        return false;
    if (!here_copy(&file, folder_here(random), random_chance(random, 30)))
        return false;
    truth_note_copied(m, true);
    actions_note_marked(m, file.flags);
    return true;
}

bool actions_create_here(uint64_t *random)
{
    return here_create(actions_names[random_below(random, ACTIONS_NAMES_LEN)]);
}

static const char *other_folder_here(uint64_t *random)
{
    const char *name = folder_here(random);
    if (name == NULL || strcmp(name, "INBOX") == 0)
        return NULL;
    return truth.policy->trash && strcmp(name, TRUTH_TRASH) == 0 ? NULL : name;
}

bool actions_rename_here(uint64_t *random)
{
    const char *name = other_folder_here(random);
    truth.renamed = true;
    return name != NULL &&
           here_rename(name, actions_new_names[random_below(random, ACTIONS_NEW_NAMES_LEN - 1)]);
}

bool actions_remove_folder_here(uint64_t *random)
{
    const char *name = other_folder_here(random);
    struct here_files files = {0};
    if (!truth.policy->removes || name == NULL || !here_may_remove(name))
        return false;
    here_files_list(actions_scratch, name, &files);
    VEC_FOREACH (const struct user_file, file, &files) {
        struct message *m = truth_know(str_make(file->node->data, file->node->len), true);
        if (m != NULL)
            note_removed_here(m, name);
    }
    vec_free(&files);
    truth.renamed = true;
    return here_remove_folder(name);
}

void actions_here_reset(void)
{
    last_removed.message = NULL;
}
