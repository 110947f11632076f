#pragma once
/* Policies that do not carry everything both ways (`sync: new`, `flags` and the others): which
 * there are, and what must hold under them. */
#include "config/config.h"
#include "sim/sights.h"

struct carries {
    enum direction messages_new, flags, deletions, create, rename;
};
/* That many, by number; 0 carries everything. */
#define CARRIES 1024

struct carries carries_of(unsigned number);
/* Never 0. */
unsigned carries_draw(uint64_t *random);
/* As the account says it; lasts as long as the process. NULL: nothing, as for 0. */
const char *carries_yaml(unsigned number);
bool carries_all(const struct carries *carries);
bool carries_here(enum direction direction);
bool carries_there(enum direction direction);

/* Since acts_reset() the engine did nothing that the policy does not let it do. At any time. */
void carries_check_acts(void);
/* What is carried has come, and what is not stayed; instead of both sides being alike. */
void carries_check_settled(struct arena *arena, const struct sights *here,
                           const struct sights *there);
