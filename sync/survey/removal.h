#pragma once
/*
 * Mailboxes that one side has lost for good (`sync: remove`). Their messages go first, as any
 * deletion, through the guard; then the mailbox, where nothing is left in it that is not known to
 * be deleted (law 1).
 */
#include "pass/pass.h"

/* After the pairing: takes a removal back where the server, asked for that very name, has the
 * mailbox after all. */
int removal_confirm(struct pass *pass, struct error *err);
/* After the surveys: the messages of a lost mailbox are gone, too, unless it holds what the other
 * side does not know. */
int removal_settle(struct pass *pass, struct error *err);
