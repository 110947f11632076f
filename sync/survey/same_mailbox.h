#pragma once
/* Whether a mailbox of the server is the one that the index knows under another name, by what it
 * holds. Asked where no MAILBOXID tells. */
#include "pass/pass.h"

/*
 * By UIDVALIDITY, UIDs and sizes. `alone`: no other record has the UIDVALIDITY of this one (some
 * servers give the same to all); then it is enough if some of what is known is there, or nothing
 * but what came since. Else most of it must be there, or nothing besides and nothing ever came.
 * Another mailbox is selected afterwards.
 */
int same_mailbox(struct pass *pass, struct str name, const struct index_mailbox *record, bool alone,
                 bool *out, struct error *err);
