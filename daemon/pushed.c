#include "daemon/pushed.h"

#include "base/alloc.h"

#include <stdbool.h>
#include <string.h>

/* Where more changed than that, one round trip less is no gain. */
#define PUSHED_MAX 16

static bool has(const struct pushed *pushed, const char *name)
{
    for (size_t i = 0; i < pushed->names.len; i++)
        if (strcmp(pushed->names.items[i], name) == 0)
            return true;
    return false;
}

void pushed_add(struct pushed *pushed, char *name)
{
    if (name == NULL)
        return;
    if (pushed->names.len < PUSHED_MAX && !has(pushed, name))
        vec_push(&pushed->names, name);
    else
        xfree(&name);
}

char **pushed_take(struct pushed *pushed)
{
    if (pushed->names.len == 0)
        return NULL;
    vec_push(&pushed->names, NULL);
    char **taken = pushed->names.items;
    *pushed = (struct pushed){0};
    return taken;
}

void pushed_free(struct pushed *pushed)
{
    VEC_FOREACH (char *, name, &pushed->names)
        xfree(name);
    vec_free(&pushed->names);
}
