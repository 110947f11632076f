#pragma once
/* An account's index, for verbs that look at it or answer what is held; and times as they are
 * shown.
 */
#include "store/index.h"
#include "config/config.h"

/* 1 opened, 0 not synced yet (then *out is NULL), negative on error. */
int account_index_open(const struct config *config, const struct config_account *account,
                       struct index **out, struct error *err);
/* "2026-01-31 12:00", local time; with `seconds` also these. To standard output. */
void print_time(int64_t unix_ms, bool seconds);
