#pragma once
/*
 * Landlock: a thread that talks to a server gives up the files that it has no use for, so that
 * whatever a server might make it do stays inside the account. It writes below the Maildir and the
 * state directory alone, and reads besides what names, certificates and libraries need, and the
 * files of secrets that the account names. It starts nothing: commands are started apart
 * (base/apart.h).
 */
#include "config/config.h"

/* The calling thread, and all that it makes, from here on. Kernels without Landlock: nothing
 * happens. */
void confine_thread(const struct config *config, const struct config_account *account);
