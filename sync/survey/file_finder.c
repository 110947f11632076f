#include "survey/file_finder.h"

int file_finder_find(struct file_finder *finder, const struct maildir_file *seen, struct str base,
                     const struct maildir_file **out, struct error *err)
{
    if (seen != NULL) {
        *out = seen;
        return 0;
    }
    if (!finder->scanned) {
        int r = maildir_scan(finder->pass->maildir, finder->pair->record.path.ptr,
                             &finder->snapshot, err);
        if (r < 0)
            return r;
        finder->scanned = true;
    }
    *out = maildir_snapshot_find(&finder->snapshot, base);
    if (*out == NULL)
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "the file is no longer there");
    return 0;
}

void file_finder_free(struct file_finder *finder)
{
    if (finder->scanned)
        maildir_snapshot_free(&finder->snapshot);
    finder->scanned = false;
}
