#include "survey/seen_files.h"

#include "reconcile/reconcile.h"
#include "survey/contents.h"

/* A folder whose mailbox was removed on the server, and which stays for what it holds, is not
 * carried: what is moved there is gone from all that is. */
static bool has_other_half(const struct mailbox_pair *pair)
{
    return pair->remote_exists || pair->record.id == 0 || pair->action != PAIR_LEAVE;
}

bool seen_files_are_kept_here(const struct mailbox_pair *pair)
{
    return pair->policy != NULL && !carried_to_remote(pair->policy->messages_new);
}

int seen_files_look_at(struct file_finder *finder, const struct maildir_file *file,
                       struct seen_files *out, struct error *err)
{
    struct local_content wire, stored;
    int r = contents_read_renamed(finder, file, false, &wire, err);
    if (r == 0)
        r = contents_read_renamed(finder, file, true, &stored, err);
    if (r == 0) {
        bool kept = seen_files_are_kept_here(finder->pair);
        bool other_half = !kept && has_other_half(finder->pair);
        vec_push(out, ((struct seen_file){wire.header, wire.body, other_half, kept}));
        vec_push(out, ((struct seen_file){stored.header, stored.body, other_half, kept}));
    }
    if (r == 0 || err->scope > SCOPE_MAILBOX)
        return r;
    error_clear(err);
    return 1;
}

static bool is_of(const struct seen_file *file, const struct index_message *message)
{
    return digest_eq(&file->header, &message->header_digest) &&
           digest_eq(&file->body, &message->body_digest);
}

bool seen_files_have(const struct seen_files *files, const struct index_message *message,
                     enum seen_as as)
{
    VEC_FOREACH (const struct seen_file, file, files) {
        bool fits =
            as == SEEN || (as == SEEN_OTHER_HALF ? file->has_other_half : file->is_kept_here);
        if (fits && is_of(file, message))
            return true;
    }
    return false;
}
