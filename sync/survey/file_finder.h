#pragma once
/* Where a message's file is now: as the survey saw it, or found by its base name in one scan of the
 * folder, made at most once a mailbox. */
#include "pass/pass.h"

struct file_finder {
    struct pass *pass;
    const struct mailbox_pair *pair;
    struct maildir_snapshot snapshot;
    bool scanned;
};
/* `seen`: by the survey; NULL: to be found by `base`. ERR_NOT_FOUND when no file of that name is
 * there. *out is valid until file_finder_free. */
int file_finder_find(struct file_finder *finder, const struct maildir_file *seen, struct str base,
                     const struct maildir_file **out, struct error *err);
void file_finder_free(struct file_finder *finder);
