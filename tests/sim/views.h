#pragma once
/* What the configuration shows of the mailboxes, and what it keeps apart for a time: it may change
 * between two passes, and deletes nothing by that. */
#include "sim/script.h"

/* View 0 is all there is. */
#define VIEWS 8
const char *view_name(unsigned view);
/* Of that policy, with that view, as the account says it; lasts as long as the process. NULL:
 * nothing. */
const char *view_yaml(unsigned policy, unsigned view);
/* Whether the policy says nothing of mailboxes itself. */
bool view_may_change(unsigned policy);
