#pragma once
/* A pass that the running daemon makes for us. */
#include "config/targets.h"
#include "sync/account.h"

/* As account_pass over the target, with the daemon's progress and plan told to the sinks of
 * `options`; the report's strings are in `arena`. False, and nothing done, where no daemon listens.
 */
bool daemon_pass(const struct config *config, const struct target *target,
                 const struct pass_options *options, bool no_hooks, struct arena *arena,
                 struct report *out);
