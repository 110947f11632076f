#include "sim/acts.h"
#include "sim/here.h"
#include "sim/there.h"
#include "sim/markings.h"
#include <string.h>

uint64_t acts[ACTS];
const char *const act_names[ACTS] = {
    "a message sent or copied there",
    "flags changed there",
    "a message marked there",
    "a message expunged there",
    "a mailbox made there",
    "a mailbox renamed there",
    "a mailbox removed there",
    "a file made here",
    "flags changed here",
    "a file moved here",
    "a file removed here",
    "a folder made here",
    "a folder renamed here",
};

void acts_reset(void)
{
    memset(acts, 0, sizeof acts);
}

/* ---- there ---- */

static const struct backend_ops *watched;

static int note(int r, enum act act)
{
    acts[act] += r == 0;
    return r;
}

static int watch_create(struct backend_user *user, struct str name, uint32_t special_use,
                        struct error *err)
{
    return note(watched->create(user, name, special_use, err), ACT_CREATED_THERE);
}

static int watch_remove(struct backend_user *user, struct str name, struct error *err)
{
    return note(watched->remove(user, name, err), ACT_REMOVED_THERE);
}

static int watch_rename(struct backend_user *user, struct str from, struct str to,
                        struct error *err)
{
    return note(watched->rename(user, from, to, err), ACT_RENAMED_THERE);
}

static int watch_append(struct backend_mailbox *mailbox, struct str message,
                        const struct imap_flags *flags, int64_t date_s, uint32_t *uid_out,
                        struct error *err)
{
    return note(watched->append(mailbox, message, flags, date_s, uid_out, err), ACT_NEW_THERE);
}

static int watch_set_flags(struct backend_mailbox *mailbox, uint32_t uid,
                           const struct imap_flags *flags, struct error *err)
{
    struct backend_message before;
    unsigned was = 0, is = there_flags(flags);
    if (watched->find(mailbox, uid, &before))
        was = there_flags(&before.flags);
    int r = watched->set_flags(mailbox, uid, flags, err);
    acts[ACT_FLAGS_THERE] += r == 0 && ((was ^ is) & ~(unsigned)MARKING_TRASHED) != 0;
    acts[ACT_FLAGS_THERE] += r == 0 && (was & ~is & MARKING_TRASHED) != 0;
    acts[ACT_MARKED_THERE] += r == 0 && (is & ~was & MARKING_TRASHED) != 0;
    return r;
}

static int watch_copy(struct backend_mailbox *from, uint32_t uid, struct backend_mailbox *to,
                      bool moving, uint32_t *uid_out, struct error *err)
{
    return note(watched->copy(from, uid, to, moving, uid_out, err), ACT_NEW_THERE);
}

static int watch_expunge(struct backend_mailbox *mailbox, const uint32_t *uids, size_t len,
                         struct error *err)
{
    int r = watched->expunge(mailbox, uids, len, err);
    acts[ACT_EXPUNGED_THERE] += r == 0 ? len : 0;
    return r;
}

struct backend acts_watch(const struct backend *vtable)
{
    static struct backend_ops ops;
    struct backend out = *vtable;
    watched = vtable->ops;
    ops = *vtable->ops;
    ops.create = watch_create;
    ops.remove = watch_remove;
    ops.rename = watch_rename;
    ops.append = watch_append;
    ops.set_flags = watch_set_flags;
    ops.copy = watch_copy;
    ops.expunge = watch_expunge;
    out.ops = &ops;
    return out;
}

/* ---- here ---- */

/* Where a directory stands in the Maildir. */
struct standing {
    const struct disk_node *folder; /* NULL: not in the Maildir */
    bool holds_messages;            /* new/ or cur/ */
};

static bool find_standing(const struct disk_node *folder, const struct disk_node *directory,
                          struct standing *out)
{
    if (folder == directory) {
        *out = (struct standing){folder, false};
        return true;
    }
    VEC_FOREACH (const struct disk_entry, entry, &folder->entries) {
        const char *name = entry->name;
        bool mail = strcmp(name, "cur") == 0 || strcmp(name, "new") == 0;
        if (entry->node == directory) {
            *out = (struct standing){mail || strcmp(name, "tmp") == 0 ? folder : directory, mail};
            return true;
        }
        if (!mail && entry->node->is_directory && find_standing(entry->node, directory, out))
            return true;
    }
    return false;
}

static struct standing standing_of(const struct place *place)
{
    struct standing out = {0};
    const struct disk_node *root = disk_at(HERE_ROOT);
    if (place != NULL && place->directory != NULL && root != NULL)
        (void)find_standing(root, place->directory, &out);
    return out;
}

static const char *letters_of(const char *name)
{
    const char *info = strstr(name, ":2,");
    return info != NULL ? info + 3 : "";
}

void acts_note_entry(const struct place *from, const struct place *to)
{
    const struct disk_node *node = from != NULL ? from->node : to->node;
    struct standing source = standing_of(from);
    struct standing target = standing_of(to);
    if (node != NULL && node->is_directory) {
        acts[ACT_RENAMED_HERE] += to != NULL && source.folder != NULL && target.folder != NULL;
        return;
    }
    if (source.holds_messages && !target.holds_messages)
        acts[ACT_REMOVED_HERE]++;
    else if (!source.holds_messages && target.holds_messages)
        acts[ACT_NEW_HERE]++;
    else if (source.holds_messages && source.folder != target.folder)
        acts[ACT_MOVED_HERE]++;
    else if (source.holds_messages && strcmp(letters_of(from->name), letters_of(to->name)) != 0)
        acts[ACT_FLAGS_HERE]++;
}

void acts_note_directory(const struct place *place)
{
    bool whole = strcmp(place->name, "cur") == 0; /* which comes last */
    acts[ACT_CREATED_HERE] += whole && standing_of(place).folder != NULL;
}
