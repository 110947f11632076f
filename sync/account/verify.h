#pragma once
/* Whether the files are still what the index says of them. */
#include "config/targets.h"

struct verify_sink {
    /* `uid` and `base` name the message; `what` is static. */
    void (*difference)(void *self, struct str mailbox, uint32_t uid, struct str base,
                       const char *what);
    void *self;
};

/* Reads every file that has a record, of the target's mailboxes; those that are missing are left to
 * the survey. 0 also where the account was never synced. */
int verify_files(const struct config *config, const struct target *target,
                 const struct verify_sink *sink, uint64_t *checked_out, struct error *err);
