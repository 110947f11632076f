#pragma once
/* Where the daemon listens. */
#include "base/arena.h"

/* $XDG_RUNTIME_DIR/maildird/control; without that variable below /run/user/UID, and where there is
 * no such directory in the state directory given. In `arena`. Both ends ask here. */
const char *control_path(const char *state_dir, struct arena *arena);
