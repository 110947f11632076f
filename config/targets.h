#pragma once
/* TARGETs, of the command line and of the control socket: ACCOUNT or ACCOUNT:MAILBOX, both with `*`
 * and `%`. */
#include "config/config.h"

struct target {
    const struct config_account *account;
    struct config_strings mailboxes; /* patterns; `items` NULL: all */
};

struct targets {
    struct target *items; /* in the order of the configuration, each account once */
    size_t len;
};

/* No words mean all accounts. In `arena`. ERR_USAGE for a word that names no account. */
int targets_find(const struct config *config, const char *const *words, size_t len,
                 struct arena *arena, struct targets *out, struct error *err);
/* Whether the mailbox (UTF-8, `/`) is meant. */
bool target_matches(const struct target *target, struct str mailbox);
