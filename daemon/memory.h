#pragma once
/* What the index of an account tells between two passes. By whoever holds the account's lock, while
 * no pass is under way. */
#include "base/vec.h"
#include "store/index.h"

/* How long an IDLE the server bears, as an earlier run learned it; 0: nothing is known. */
int64_t memory_patience(struct index *index);
/* What cannot be written is learned anew. */
void memory_set_patience(struct index *index, int64_t idle_ms);

struct held_count {
    uint32_t mailbox;
    const char *name; /* UTF-8 */
    uint32_t count;
};
VEC_STRUCT(held_count_vec, struct held_count);
/* Of every mailbox, how many messages wait: for a person, or to be tried again. Those that a person
 * said to keep do not. Names are in `arena`, the rest is the caller's. */
int memory_held(struct index *index, struct arena *arena, struct held_count_vec *out,
                struct error *err);
