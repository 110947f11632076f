#pragma once
/* Finding on the server the messages of APPENDs whose answer is not known (law 2). */
#include "pass/pass.h"

/* An upload whose UID is wanted. */
struct lost_append {
    struct index_intent intent;
    uint32_t uid; /* found; 0: not there */
};

/*
 * Looks at every UID of the mailbox from the lowest UIDNEXT recorded on, pairs those that the index
 * does not know with the lost ones by header digest and size (where only one of the two agrees, by
 * the whole content), each message once: several identical ones are settled by count. All of `lost`
 * belong to `pair`. The look is complete when it returns 0.
 */
int locate_appended(struct pass *pass, struct mailbox_pair *pair, struct lost_append *lost,
                    size_t len, struct error *err);
