#include "sync/identify_files.h"

#include "sync/file_finder.h"
#include "sync/identify.h"

/* Under another name by now, as flags change, it is the same file. */
static int open_file(struct file_finder *finder, const struct maildir_file *seen,
                     struct maildir_message **out, struct error *err)
{
    const struct maildir *maildir = finder->pass->maildir;
    const char *path = finder->pair->record.path.ptr;
    const struct maildir_file *now;
    int r = maildir_message_open(maildir, path, seen, out, err);
    if (r == 0 || err->code != ERR_NOT_FOUND)
        return r;
    error_clear(err);
    r = file_finder_find(finder, NULL, seen->parsed.base, &now, err);
    return r < 0 ? r : maildir_message_open(maildir, path, now, out, err);
}

static int identify_file(struct file_finder *finder, struct operation *op, struct error *err)
{
    struct maildir_message *message = NULL;
    struct error ignored = ERROR_INIT;
    /* What cannot be read is told by the upload. */
    if (open_file(finder, op->file, &message, &ignored) < 0) {
        finder->pass->moving_here = finder->pass->moving_here || ignored.code == ERR_NOT_FOUND;
        return 0;
    }
    struct identity *id = identity_of(finder->pass, op);
    id->wire_size = maildir_message_wire_size(message);
    maildir_message_digests(message, &id->header_digest, &id->body_digest);
    maildir_message_free(&message);
    return pass_check_cancelled(finder->pass, err);
}

static bool index_has_messages(const struct pass *pass)
{
    for (size_t i = 0; i < pass->pairs.len; i++) {
        if (pass->pairs.items[i].record.records > 0 || pass->pairs.items[i].pairing != NULL)
            return true;
    }
    return false;
}

int identify_files(struct pass *pass, struct plan *plan, struct error *err)
{
    int r = 0;
    if (!index_has_messages(pass))
        return 0;
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        struct file_finder finder = {.pass = pass, .pair = m->pair};
        struct operation_vec *ops = &m->ops[OP_UPLOAD];
        for (size_t i = 0; i < ops->len && r == 0; i++)
            r = identify_file(&finder, &ops->items[i], err);
        for (size_t i = 0; i < m->strays.len && r == 0; i++)
            r = identify_file(&finder, &m->strays.items[i], err);
        file_finder_free(&finder);
    }
    return r;
}
