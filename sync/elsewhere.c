#include "sync/elsewhere.h"

#include "sync/contents.h"

/* Files looked at in one pass. */
#define FILES_MAX 1000

struct seen_file {
    struct digest header, body;
};
VEC_STRUCT(seen_files, struct seen_file);

static bool is_in_plan(const struct plan *plan, const struct mailbox_pair *pair)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        if (m->pair == pair)
            return true;
    }
    return false;
}

static bool deletes_on_server(const struct plan *plan)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        if (m->ops[OP_DELETE_REMOTE].len > 0)
            return true;
    }
    return false;
}

/* A file may have been stored in either form (law 5). */
static int look_at(struct pass *pass, const struct mailbox_pair *pair,
                   const struct maildir_file *file, struct seen_files *out, struct error *err)
{
    struct local_content wire, stored;
    int r = contents_read(pass, pair, file, &wire, err);
    if (r == 0)
        r = contents_read_stored(pass, pair, file, &stored, err);
    if (r == 0) {
        vec_push(out, ((struct seen_file){wire.header, wire.body}));
        vec_push(out, ((struct seen_file){stored.header, stored.body}));
    }
    if (r == 0 || err->scope > SCOPE_MAILBOX)
        return r;
    error_clear(err);
    return 0;
}

static bool is_seen(const struct seen_files *files, const struct index_message *base)
{
    VEC_FOREACH (const struct seen_file, file, files) {
        if (digest_eq(&file->header, &base->header_digest) &&
            digest_eq(&file->body, &base->body_digest))
            return true;
    }
    return false;
}

static void wait_for(struct mailbox_plan *m, const struct seen_files *files)
{
    struct operation_vec *ops = &m->ops[OP_DELETE_REMOTE];
    size_t kept = 0;
    for (size_t i = 0; i < ops->len; i++) {
        if (is_seen(files, ops->items[i].base))
            m->pair->local_blocked = true;
        else
            ops->items[kept++] = ops->items[i];
    }
    ops->len = kept;
}

/* A folder that was changing all the while it was read. */
static bool is_in_flux(const struct pass *pass, uint32_t mailbox)
{
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (pair->record.id == mailbox && pair->error.code == ERR_CHANGED)
            return true;
    }
    return false;
}

static bool came_from_flux(const struct pass *pass, const struct identity *id)
{
    for (size_t i = 0; id != NULL && i < id->twins_len; i++) {
        if (is_in_flux(pass, id->twins[i].mailbox))
            return true;
    }
    return false;
}

/* Nobody knows yet what such a folder holds: anything may have been moved there (law 1). */
static bool is_any_in_flux(const struct pass *pass)
{
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (pair->error.code == ERR_CHANGED)
            return true;
    }
    return false;
}

static void keep_deletions(struct mailbox_plan *m)
{
    struct operation_vec *ops = &m->ops[OP_DELETE_REMOTE];
    size_t kept = 0;
    for (size_t i = 0; i < ops->len; i++) {
        if (ops->items[i].is_marked)
            ops->items[kept++] = ops->items[i];
        else
            m->pair->local_blocked = true;
    }
    ops->len = kept;
}

static void keep_uploads(const struct pass *pass, struct mailbox_plan *m)
{
    struct operation_vec *ops = &m->ops[OP_UPLOAD];
    size_t kept = 0;
    for (size_t i = 0; i < ops->len; i++) {
        if (came_from_flux(pass, ops->items[i].identity))
            m->pair->local_blocked = true;
        else
            ops->items[kept++] = ops->items[i];
    }
    ops->len = kept;
}

static bool deletes_here(const struct plan *plan)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        if (m->ops[OP_DELETE_LOCAL].len > 0)
            return true;
    }
    return false;
}

/* What is new there may be what is gone here: it is not fetched to be told apart. */
static bool has_new_messages(const struct mailbox_pair *pair)
{
    return pair->remote_exists && pair->action != PAIR_LEAVE && pair->action != PAIR_REFUSE &&
           (pair->remote.fresh.len > 0 || (pair->has_status && pair->record.id != 0 &&
                                           pair->status_uidnext > pair->record.uidnext));
}

static void wait_here(const struct pass *pass, struct plan *plan)
{
    bool arrived = false;
    if (!deletes_here(plan))
        return;
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        arrived = arrived || (!is_in_plan(plan, pair) && has_new_messages(pair));
    }
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        if (!arrived || m->ops[OP_DELETE_LOCAL].len == 0)
            continue;
        struct log_scope scope = pass_log_scope(pass, m->pair);
        log_info(&scope,
                 "%zu deletions wait for a pass over all mailboxes: there is new mail elsewhere, "
                 "and it may be what was moved",
                 m->ops[OP_DELETE_LOCAL].len);
        m->ops[OP_DELETE_LOCAL].len = 0;
        m->pair->remote_blocked = true;
    }
}

int elsewhere_wait(struct pass *pass, struct plan *plan, struct error *err)
{
    struct seen_files files = {0};
    size_t looked = 0;
    int r = 0;
    bool in_flux = is_any_in_flux(pass);
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        keep_uploads(pass, m);
        if (in_flux)
            keep_deletions(m);
    }
    wait_here(pass, plan);
    if (!deletes_on_server(plan))
        return 0;
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (is_in_plan(plan, pair))
            continue;
        for (size_t i = 0; i < pair->local.fresh.len && looked < FILES_MAX && r == 0; i++, looked++)
            r = look_at(pass, pair, &pair->local.fresh.items[i].file, &files, err);
    }
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        wait_for(m, &files);
    }
    vec_free(&files);
    return r;
}
