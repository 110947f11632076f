#pragma once
/* Which mailboxes the watchers told of since the last pass, so that the next one opens them at
 * once. A hint: what is missing here is found all the same. */
#include "base/vec.h"

struct pushed {
    VEC(char *) names; /* as the server has them */
};

/* Takes over `name`; NULL: it is not known which. */
void pushed_add(struct pushed *pushed, char *name);
/* All of them, NULL-terminated, for the caller to free; NULL: none. None are left. */
char **pushed_take(struct pushed *pushed);
void pushed_free(struct pushed *pushed);
