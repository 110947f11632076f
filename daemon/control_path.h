#pragma once
/* Where the daemon listens. */
#include "base/arena.h"

/* $XDG_RUNTIME_DIR/maildird/control; without that variable below /run/user/UID. NULL where there is
 * no such directory: then it is STATE_DIR/control, of the configuration. In `arena`. Both ends ask
 * here. */
const char *control_path(struct arena *arena);
