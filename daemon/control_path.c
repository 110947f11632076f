#include "daemon/control_path.h"

#include <stdlib.h>
#include <unistd.h>

const char *control_path(struct arena *arena)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime != NULL && runtime[0] == '/')
        return arena_printf(arena, "%s/maildird/control", runtime);
    const char *by_user = arena_printf(arena, "/run/user/%u", (unsigned)getuid());
    if (access(by_user, W_OK) == 0)
        return arena_printf(arena, "%s/maildird/control", by_user);
    return NULL;
}
