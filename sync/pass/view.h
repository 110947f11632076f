#pragma once
/*
 * What the configuration lets a pass see: the account, its namespace, which mailboxes, and where
 * they are kept. When that changes, mailboxes and folders come into view and go out of it without
 * having been made or removed by anybody (law 1).
 */
#include "pass/pass.h"

/* Against the last pass that finished its folders. */
int view_has_changed(struct pass *pass, bool *out, struct error *err);
int view_store(struct pass *pass, struct error *err);
