#pragma once
/* Both sides as they are, message by message: what the oracle judges. */
#include "base/arena.h"
#include "base/vec.h"
#include "sim/here.h"

/* A message as one of the two has it. */
struct sight {
    const char *mailbox;
    unsigned number;
    uint8_t flags;
    uint32_t uid;    /* server */
    int64_t date_s;  /* server */
    struct str base; /* Maildir */
};
VEC_STRUCT(sights, struct sight);

/* Both in order (sights_compare), in `arena`; counts them in each message, too. */
void sights_look(struct arena *arena, struct sights *here, struct sights *there);
/* These folders alone, appended. */
void sights_look_into(struct arena *arena, const struct here_names *folders, struct sights *out);
/* Alike in mailbox, message and those flags that need be. */
int sights_compare(const void *a, const void *b);
/* Left on the server for its size or age. */
bool sight_is_skipped(const struct sight *there);
bool sights_marks_say_nothing(const char *mailbox);
/* The markings that need not be alike. */
unsigned sights_unsynced(const char *mailbox);

const struct sight *sights_by_base(const struct sights *here, const char *mailbox, struct str base);
const struct sight *sights_by_uid(const struct sights *there, const char *mailbox, uint32_t uid);

/* Whether a side has a mailbox. */
bool sights_is_there(struct arena *arena, const char *mailbox);
bool sights_is_here(struct arena *arena, const char *mailbox);
/* Takes what is in mailboxes of one side alone out of the comparison. */
void sights_set_apart(struct arena *arena, struct sights *sights);
