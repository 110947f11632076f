#pragma once
/* Secrets when they are needed: from a command (with a deadline, on a descriptor, cancellable), a
 * file, a systemd credential or the configuration itself. Never logged; wiped by secret_free. */
#include "base/clock.h"
#include "base/wake.h"
#include "config/config.h"

/* The first line of what the source gives. ERR_AUTH naming the source (file:line, the command's
 * exit status and its words on standard error) when it fails, ERR_CONFIG when a file cannot be
 * read. */
int secret_read(const struct config_secret *secret, int64_t timeout_ms, const struct wake *wake,
                const struct clock *clock, char **out, struct error *err);
bool secret_is_set(const struct config_secret *secret);
void secret_free(char **secret);
