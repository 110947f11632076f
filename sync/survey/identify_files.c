#include "survey/identify_files.h"

#include "survey/contents.h"
#include "survey/identify.h"

static int identify_file(struct file_finder *finder, struct operation *op, struct error *err)
{
    struct local_content content;
    struct error ignored = ERROR_INIT;
    /* What cannot be read is told by the upload. */
    if (contents_read_renamed(finder, op->file, false, &content, &ignored) < 0)
        return 0;
    struct identity *id = identity_of(finder->pass, op);
    id->wire_size = content.wire_size;
    id->header_digest = content.header;
    id->body_digest = content.body;
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
