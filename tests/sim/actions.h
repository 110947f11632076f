#pragma once
/* What users and other programs do, on either side: a table of actions, each choosing by chance
 * what it is done to. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct action {
    const char *name;
    unsigned weight; /* how often, beside the others */
    /* False where there was nothing to do it to. */
    bool (*act)(uint64_t *random);
};
extern const struct action actions[];
extern const size_t actions_len;

/* By weight. */
unsigned action_choose(uint64_t *random);
/* It is there. */
unsigned action_named(const char *name);
/* What of a side begins with: mailboxes and messages on the server. */
void actions_begin(uint64_t *random);
/* Nothing but INBOX. */
void actions_begin_empty(void);
/* How often each was done. */
#define ACTIONS_MAX 64
extern uint64_t actions_done[ACTIONS_MAX];
/* Done; in words for a person, when they are kept. */
bool action_do(unsigned action, uint64_t random);
