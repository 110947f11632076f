#pragma once
/* Which mailboxes there are on either side and what becomes of each: pure. */
#include "sync/model.h"
#include "sync/names.h"
#include "sync/remote.h"

struct folders_input {
    const struct config_account *account;
    const struct names_space *space;
    const char *const *targets; /* of the command line */
    const struct remote_list *remote;
    const struct index_mailbox *known;
    size_t known_len;
    const struct maildir_folders *local;
    const struct maildir *maildir;
};

/* Fills `pairs`, sorted by name, INBOX first. Strings in `arena`. */
void folders_pair(const struct folders_input *input, struct arena *arena, struct pair_vec *pairs);
