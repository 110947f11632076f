#pragma once
/* A pass that the running daemon makes for us. */
#include "config/targets.h"
#include "account/account.h"

enum daemon_pass {
    DAEMON_IS_NOT_THERE, /* nothing was done */
    DAEMON_MADE_PASS,
    DAEMON_WAS_ASKED, /* inside a hook: the pass is to come, as was said; the report is empty */
};

/* As account_pass over the target, with the daemon's progress and plan told to the sinks of
 * `options`; the report's strings are in `arena`. */
enum daemon_pass daemon_pass(const struct config *config, const struct target *target,
                             const struct pass_options *options, bool no_hooks, struct arena *arena,
                             struct report *out);
