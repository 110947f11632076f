#pragma once
/*
 * Which mailboxes there are on either side, and what becomes of each: pure, and account-wide, so
 * that renames along a chain or in a circle are seen as what they are.
 */
#include "reconcile/model.h"
#include "reconcile/names.h"

struct folders_input {
    const struct config_account *account;
    const struct names_space *space;
    const char *const *targets; /* of the command line */
    const struct remote_list *remote;
    const struct index_mailbox *known;
    size_t known_len;
    const struct maildir_folders *local;
    const struct maildir *maildir;
    /* Of each mailbox and folder: the record that it is, whatever it is called now (renamed.h). 0:
     * the one of its name, if any. NULL: so for all. */
    const uint32_t *remote_is;
    const uint32_t *local_is;
    /* Of each mailbox: it is not known whether it is a record's that has lost its name. NULL: of
     * all it is. */
    const bool *untold;
    /* The configuration decides otherwise than in the last pass what is looked at and under which
     * name: folders follow it, and nothing counts as removed. */
    bool reconfigured;
};

/* Fills `pairs`, sorted by name, INBOX first. Strings in `arena`. */
void folders_pair(const struct folders_input *input, struct arena *arena, struct pair_vec *pairs);
/* What STATUS tells of a mailbox's messages, for the pair. */
void folders_take_status(struct mailbox_pair *pair, const struct status_data *status);
