#pragma once
/* What the engine did to messages and mailboxes of either side, by kind: counted where it arrives,
 * on the server behind the wire and on the disk behind the system calls. */
#include "server/backend.h"
#include "sim/calls_files.h"

enum act {
    ACT_NEW_THERE, /* a message that was sent, or copied */
    ACT_FLAGS_THERE,
    ACT_MARKED_THERE, /* \\Deleted given: a flag, or the beginning of a removal */
    ACT_EXPUNGED_THERE,
    ACT_CREATED_THERE,
    ACT_RENAMED_THERE,
    ACT_REMOVED_THERE,
    ACT_NEW_HERE,
    ACT_FLAGS_HERE,
    ACT_MOVED_HERE,
    ACT_REMOVED_HERE,
    ACT_CREATED_HERE,
    ACT_RENAMED_HERE,
    ACTS
};
extern uint64_t acts[ACTS];
extern const char *const act_names[ACTS];

void acts_reset(void);
/* The backend for the engine's sessions: what changes something over `vtable` is counted. Its
 * operations are the same for all. */
struct backend acts_watch(const struct backend *vtable);
/* About to be done. `to` NULL: removed; `from` NULL: a link. */
void acts_note_entry(const struct place *from, const struct place *to);
/* A directory is about to be made. */
void acts_note_directory(const struct place *place);
