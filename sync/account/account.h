#pragma once
/*
 * One account: a pass over it, from lock to marks.
 *
 *     survey → reconcile → apply → commit
 */
#include "base/arena.h"
#include "config/config.h"
#include "pass/options.h"
#include "pass/report.h"

/* Runs one pass. Everything that went wrong is in the report (and logged); the result is the
 * report's exit code. */
int account_pass(const struct config *config, const struct config_account *account,
                 const struct pass_options *options, struct report *out);

/* Whether another process, such as the daemon, has the account: a pass would end with ERR_LOCKED.
 */
bool account_is_locked(const struct config *config, const struct config_account *account);

/* Side by side: what is on the server, here and in the index. In `arena`, sorted by name. */
struct mailbox_row {
    struct str name;        /* UTF-8 */
    struct str remote_name; /* as sent; empty where the server has none */
    const char *path;       /* local, NULL where there is none */
    uint32_t attributes;    /* enum list_attribute */
    bool remote_counted;    /* whether the server told how many: */
    uint32_t remote_messages;
    uint32_t local_messages;
    const char *state; /* "synced", "new here", …, or why it is left as it is */
};
struct mailbox_rows {
    struct mailbox_row *items;
    size_t len;
};
int account_mailboxes(const struct config *config, const struct config_account *account,
                      const struct clock *clock, const struct wake *wake, struct arena *arena,
                      struct mailbox_rows *out, struct error *err);
