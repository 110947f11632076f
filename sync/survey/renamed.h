#pragma once
/*
 * Who is who: which mailbox of the server, and which folder here (renamed_here.h), is the one that
 * the index knows under another name.
 *
 * On the server a MAILBOXID tells. Without one, a mailbox that is new by its name is the one whose
 * name is gone if its UIDVALIDITY, its UIDs and the sizes of its messages are the same
 * (same_mailbox.h).
 */
#include "pass/pass.h"
#include "survey/remote.h"

struct renamed {
    uint32_t *remote_is; /* of each mailbox of the list: id of a record, 0: the one of its name */
    uint32_t *local_is;  /* of each folder likewise */
    bool *untold;        /* of each mailbox of the list: the server cannot say just now who it is */
};

/* `local` gets the folders, too, that the index knows and that the layout does not list. What was
 * not found to be another is told by its name. In the pass's arena. */
int renamed_find(struct pass *pass, const struct remote_list *remote, struct maildir_folders *local,
                 const struct index_mailbox *known, size_t known_len, struct renamed *out,
                 struct error *err);
