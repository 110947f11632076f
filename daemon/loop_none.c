/* Built where there is no libsystemd. */
#include "daemon/loop.h"

const bool loop_is_built = false;

int loop_hold_signals(struct error *err)
{
    return 0; /* there is no loop to take them */
}

int loop_run(const struct loop_options *options, struct config *config, struct error *err)
{
    config_free(&config);
    return error_set(err, ERR_UNSUPPORTED, SCOPE_ACCOUNT,
                     "this maildird was built without libsystemd, which the daemon needs; "
                     "`maildird sync` from cron or a timer does the same, less promptly");
}
