#include "survey/elsewhere.h"

#include "reconcile/moves.h"
#include "reconcile/moves_flags.h"
#include "reconcile/reconcile.h"
#include "survey/identify.h"
#include "survey/local.h"
#include "survey/remote.h"
#include "survey/seen_files.h"

#include <stdlib.h>
#include <string.h>

/* Files looked at in one pass. */
#define FILES_MAX 1000

/* What was moved is not deleted (law 1), and where it went it is not sent: it stays on the server
 * as what was removed here alone. */
static void leave_there(struct mailbox_plan *m, const struct seen_files *files)
{
    VEC_FOREACH (struct operation, op, &m->ops[OP_DELETE_REMOTE]) {
        if (op->is_marked || !seen_files_have(files, op->base, SEEN_KEPT_HERE))
            continue;
        struct operation *agree = vec_add(&m->ops[OP_AGREE]);
        *agree = *op;
        agree->kind = OP_AGREE;
        reconcile_leave_there(m->pair, agree, moves_flags_there(m, op->base),
                              "moved here, to where new messages are not carried to the server");
        op->is_out = true;
    }
    operations_sweep(&m->ops[OP_DELETE_REMOTE]);
    operations_sort(&m->ops[OP_AGREE]);
}

/* Deletions whose message was seen in a folder that is left alone, or since. */
static void put_off_moved_deletions(struct mailbox_plan *m, const struct seen_files *files)
{
    VEC_FOREACH (struct operation, op, &m->ops[OP_DELETE_REMOTE]) {
        if (!op->is_marked && seen_files_have(files, op->base, SEEN))
            op->is_out = m->pair->local_blocked = true;
    }
    operations_sweep(&m->ops[OP_DELETE_REMOTE]);
}

/* A folder that was changing all the while it was read. */
static bool is_in_flux(const struct pass *pass, uint32_t mailbox)
{
    const struct mailbox_pair *pair = pairs_find(&pass->pairs, mailbox);
    return pair != NULL && pair->error.code == ERR_CHANGED;
}

/* Left alone by this pass, while another looks at it. */
static bool is_put_off(const struct plan *plan, const struct mailbox_pair *pair)
{
    return (pair->action != PAIR_LEAVE || pair->left_for_now) && !plan_has(plan, pair);
}

/* The server's part of such a move is for a pass that takes both mailboxes. Where the one that it
 * came from is known to be no more, there is no such part. */
static bool left_a_mailbox_put_off(const struct pass *pass, const struct plan *plan,
                                   const struct index_message *twin)
{
    const struct mailbox_pair *pair = pairs_find(&pass->pairs, twin->mailbox);
    bool may_have_it = pair != NULL && (pair->remote_exists || pair->removal == REMOVE_LOCAL);
    return may_have_it && is_put_off(plan, pair) &&
           (!pair->local_exists || seqset_contains(&pair->local.gone, twin->uid));
}

/* Whether a folder changed since the survey read it. All were read by now: one look tells of every
 * file that left it before it was seen in another. */
enum folder_look { LOOK_TO_COME, LOOK_SAME, LOOK_CHANGED };

/* `looks`: one a pair. */
static bool has_changed_since(struct pass *pass, const struct mailbox_pair *pair,
                              enum folder_look *looks)
{
    enum folder_look *look = &looks[pair - pass->pairs.items];
    if (*look == LOOK_TO_COME)
        *look = local_is_unchanged(pass, pair) ? LOOK_SAME : LOOK_CHANGED;
    return *look == LOOK_CHANGED;
}

/* Gone on the server, and its file was still here when its folder was read, which changed since:
 * what is new may be that file. The next pass sees whether both sides moved it. */
static bool may_have_left_since(struct pass *pass, const struct index_message *twin,
                                enum folder_look *looks)
{
    const struct mailbox_pair *pair = pairs_find(&pass->pairs, twin->mailbox);
    return pair != NULL && seqset_contains(&pair->remote.gone, twin->uid) &&
           !seqset_contains(&pair->local.gone, twin->uid) && has_changed_since(pass, pair, looks);
}

/* By STATUS alone; in a mailbox that the index does not know everything is new. */
static bool status_tells_of_new(const struct mailbox_pair *pair)
{
    if (!pair->has_status)
        return false;
    return pair->record.id != 0 ? pair->status_uidnext > pair->record.uidnext
                                : pair->status_messages > 0;
}

/* What is new there may be what is gone here: it is not fetched to be told apart. */
static bool has_new_messages(const struct mailbox_pair *pair)
{
    bool is_left = pair->action == PAIR_LEAVE || pair->action == PAIR_REFUSE;
    return pair->remote_exists && (!is_left || pair->left_for_now) &&
           (remote_fresh_count(&pair->remote) > 0 || status_tells_of_new(pair));
}

static bool has_arrivals(const struct pass *pass, const struct plan *plan)
{
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (!plan_has(plan, pair) && has_new_messages(pair))
            return true;
    }
    return false;
}

/* What was here is not left out by the limits. */
static bool came_there_too(const struct plan *plan, const struct index_message *record)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        for (size_t k = 0; k < NEW_KINDS_LEN; k++) {
            VEC_FOREACH (const struct operation, op, &m->ops[NEW_KINDS[k]]) {
                if (op->base == NULL && moves_is_twin(op->identity, record))
                    return true;
            }
        }
    }
    return false;
}

/* Whether it was moved or copied on each side only the pass tells that knows whether the mailbox
 * that it came from is to go. */
static bool came_from_one_left_for_now(const struct pass *pass, const struct plan *plan,
                                       const struct index_message *twin)
{
    const struct mailbox_pair *pair = pairs_find(&pass->pairs, twin->mailbox);
    return pair != NULL && pair->left_for_now &&
           (has_arrivals(pass, plan) || came_there_too(plan, twin));
}

static bool is_half_of_a_move(struct pass *pass, const struct plan *plan, const struct identity *id,
                              enum folder_look *looks)
{
    for (size_t i = 0; id != NULL && i < id->twins_len; i++) {
        const struct index_message *twin = &id->twins[i];
        if (is_in_flux(pass, twin->mailbox) || may_have_left_since(pass, twin, looks) ||
            left_a_mailbox_put_off(pass, plan, twin) ||
            came_from_one_left_for_now(pass, plan, twin))
            return true;
    }
    return false;
}

/* Likewise what is new there, where such a mailbox lost something: its file is to move along. */
static bool came_from_a_mailbox_put_off(const struct pass *pass, const struct plan *plan,
                                        const struct identity *id)
{
    for (size_t i = 0; id != NULL && i < id->twins_len; i++) {
        const struct mailbox_pair *pair = pairs_find(&pass->pairs, id->twins[i].mailbox);
        if (pair != NULL && is_put_off(plan, pair) && identify_has_lost(pair))
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

static void put_off_deletions(struct mailbox_plan *m)
{
    VEC_FOREACH (struct operation, op, &m->ops[OP_DELETE_REMOTE]) {
        if (!op->is_marked)
            op->is_out = m->pair->local_blocked = true;
    }
    operations_sweep(&m->ops[OP_DELETE_REMOTE]);
}

static void put_off_uploads(struct pass *pass, struct plan *plan)
{
    enum folder_look *looks = xcalloc(pass->pairs.len + 1, sizeof *looks);
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        VEC_FOREACH (struct operation, op, &m->ops[OP_UPLOAD]) {
            if (is_half_of_a_move(pass, plan, op->identity, looks))
                op->is_out = m->pair->local_blocked = true;
        }
        operations_sweep(&m->ops[OP_UPLOAD]);
    }
    xfree(&looks);
}

static void put_off_downloads(const struct pass *pass, const struct plan *plan,
                              struct mailbox_plan *m)
{
    for (size_t k = 0; k < NEW_KINDS_LEN; k++) {
        VEC_FOREACH (struct operation, op, &m->ops[NEW_KINDS[k]]) {
            if (op->base == NULL && came_from_a_mailbox_put_off(pass, plan, op->identity))
                op->is_out = m->pair->remote_blocked = true;
        }
        operations_sweep(&m->ops[NEW_KINDS[k]]);
    }
}

static void put_off_deletions_here(const struct pass *pass, struct plan *plan)
{
    if (!plan_has_any(plan, OP_DELETE_LOCAL) || !has_arrivals(pass, plan))
        return;
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        if (m->ops[OP_DELETE_LOCAL].len == 0)
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

/* ---- while messages are being moved on the server ---- */

static bool went_there(const struct pass *pass, const struct identity *id)
{
    for (size_t i = 0; id != NULL && i < id->twins_len; i++) {
        const struct mailbox_pair *pair = pairs_find(&pass->pairs, id->twins[i].mailbox);
        if (pair != NULL && seqset_contains(&pair->remote.gone, id->twins[i].uid))
            return true;
    }
    return false;
}

/* Gone there, and new in no mailbox yet: its file stays, and so does its record. */
static bool must_wait(const struct pass *pass, const struct operation *op)
{
    switch (op->kind) {
    case OP_DELETE_LOCAL:
        return true;
    case OP_FORGET:
        return op->base->state == MESSAGE_SYNCED;
    case OP_UPLOAD:
        return went_there(pass, op->identity);
    default:
        return false;
    }
}

static void put_off_what_left(const struct pass *pass, struct mailbox_plan *m)
{
    static const enum operation_kind kinds[] = {OP_DELETE_LOCAL, OP_FORGET, OP_UPLOAD};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        VEC_FOREACH (struct operation, op, &m->ops[kinds[k]]) {
            if (must_wait(pass, op))
                op->is_out = m->pair->remote_blocked = m->pair->local_blocked = true;
        }
        operations_sweep(&m->ops[kinds[k]]);
    }
}

/* ---- messages that both sides moved ---- */

static bool forgets(const struct plan *plan)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        VEC_FOREACH (const struct operation, op, &m->ops[OP_FORGET]) {
            if (op->base->state == MESSAGE_SYNCED)
                return true;
        }
    }
    return false;
}

/* The other half of the move, which is in sight. */
static void put_off_half(struct plan *plan, enum operation_kind kind,
                         const struct index_message *record)
{
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        VEC_FOREACH (struct operation, op, &m->ops[kind]) {
            if (moves_is_twin(op->identity, record))
                op->is_out = m->pair->remote_blocked = m->pair->local_blocked = true;
        }
        operations_sweep(&m->ops[kind]);
    }
}

/* What is gone on both sides was moved by both where its file, or its message, is new in a mailbox
 * that is left alone: were the other half carried, it would be doubled when that one is seen. A
 * file that went on before it was read may be that of any. */
static void put_off_halves(const struct pass *pass, struct plan *plan,
                           const struct seen_files *files)
{
    bool arrived = has_arrivals(pass, plan);
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        VEC_FOREACH (struct operation, op, &m->ops[OP_FORGET]) {
            const struct index_message *record = op->base;
            bool synced = record->state == MESSAGE_SYNCED;
            bool file_left =
                synced && (pass->moving_here || seen_files_have(files, record, SEEN_OTHER_HALF));
            for (size_t k = 0; k < NEW_KINDS_LEN && file_left; k++)
                put_off_half(plan, NEW_KINDS[k], record);
            if (synced && arrived)
                put_off_half(plan, OP_UPLOAD, record);
            if (file_left || (synced && arrived))
                op->is_out = m->pair->remote_blocked = m->pair->local_blocked = true;
        }
        operations_sweep(&m->ops[OP_FORGET]);
    }
}

/* Those that this pass made are pairs. */
static bool is_paired(const struct pass *pass, const char *path)
{
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (str_eq(pair->record.path, str_from(path)))
            return true;
    }
    return false;
}

/* A folder made since the survey is not known to be in this pass's sight at all. */
static int look_for_folders(struct pass *pass, bool *found_out, struct error *err)
{
    struct maildir_folders now = {0};
    int r = local_folders(pass, &now, err);
    *found_out = false;
    for (size_t i = 0; i < now.len && r == 0; i++)
        *found_out = *found_out || (!maildir_folders_have(&pass->folders, now.items[i].path) &&
                                    !is_paired(pass, now.items[i].path));
    return r;
}

/* What is new in folders that are left alone, or of which nothing new is sent. */
static int look_elsewhere(struct pass *pass, const struct plan *plan, struct seen_files *out,
                          struct error *err)
{
    size_t looked = 0;
    bool out_of_sight = false;
    int r = look_for_folders(pass, &out_of_sight, err);
    pass->moving_here = pass->moving_here || out_of_sight;
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        struct file_finder finder = {.pass = pass, .pair = pair};
        if (plan_has(plan, pair) && !seen_files_are_kept_here(pair))
            continue;
        for (size_t i = 0; i < pair->local.fresh.len && looked < FILES_MAX && r >= 0; i++, looked++)
            r = seen_files_look_at(&finder, &pair->local.fresh.items[i].file, out, err);
        file_finder_free(&finder);
    }
    return r < 0 ? r : 0;
}

int elsewhere_wait(struct pass *pass, struct plan *plan, struct error *err)
{
    struct seen_files files = {0};
    put_off_uploads(pass, plan);
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        put_off_downloads(pass, plan, m);
        if (pass->moving_there)
            put_off_what_left(pass, m);
    }
    put_off_deletions_here(pass, plan);
    if (!plan_has_any(plan, OP_DELETE_REMOTE) && !forgets(plan))
        return 0;
    int r = look_elsewhere(pass, plan, &files, err);
    if (r == 0)
        put_off_halves(pass, plan, &files);
    bool in_flux = pass->moving_here || is_any_in_flux(pass);
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        leave_there(m, &files);
        if (in_flux)
            put_off_deletions(m);
        else
            put_off_moved_deletions(m, &files);
    }
    vec_free(&files);
    return r;
}

/* ---- right before deletions ---- */

struct arrivals {
    struct pass *pass;
    struct seen_files files;
    size_t looked;
    bool uncertain;               /* there may be more than `files` */
    struct maildir_times *latest; /* of each pair's folder, by the last look */
};

static bool is_surveyed(const struct mailbox_pair *pair)
{
    return pair->local_exists && (pair->action == PAIR_SYNC || pair->action == PAIR_CREATE_REMOTE);
}

static int note_newcomers(struct arrivals *a, const struct mailbox_pair *pair,
                          struct maildir_times *times_out, struct error *err)
{
    struct local_delta now = {0};
    struct file_finder finder = {.pass = a->pass, .pair = pair};
    int r = local_newcomers(a->pass, pair, &now, err);
    for (size_t i = 0; i < now.fresh.len && r >= 0 && !a->uncertain; i++) {
        r = a->looked++ < FILES_MAX
                ? seen_files_look_at(&finder, &now.fresh.items[i].file, &a->files, err)
                : 1;
        a->uncertain = r > 0;
    }
    file_finder_free(&finder);
    *times_out = now.times;
    local_delta_clear(&now);
    if (r >= 0 || err->scope > SCOPE_MAILBOX)
        return r < 0 ? r : 0;
    error_clear(err);
    a->uncertain = true;
    return 0;
}

static int look_once_more(struct arrivals *a, struct error *err)
{
    struct pass *pass = a->pass;
    int r = 0;
    for (size_t i = 0; i < pass->pairs.len && r == 0 && !a->uncertain; i++) {
        const struct mailbox_pair *pair = &pass->pairs.items[i];
        if (!is_surveyed(pair))
            continue;
        a->latest[i] = pair->local.times;
        if (!local_is_unchanged(pass, pair))
            r = note_newcomers(a, pair, &a->latest[i], err);
        if (r == 0)
            r = pass_check_cancelled(pass, err);
    }
    return r;
}

/* What went on from one folder to another while these looks were taken was seen by none. */
static bool is_at_rest(const struct arrivals *a)
{
    struct maildir_times now;
    struct error ignored = ERROR_INIT;
    for (size_t i = 0; i < a->pass->pairs.len; i++) {
        const struct mailbox_pair *pair = &a->pass->pairs.items[i];
        if (is_surveyed(pair) &&
            (maildir_stat(a->pass->maildir, pair->record.path.ptr, &now, &ignored) < 0 ||
             !maildir_times_equal(&now, &a->latest[i])))
            return false;
    }
    return true;
}

static void tell_that_they_wait(const struct pass *pass)
{
    log_info(&pass->log, "deletions on the server wait for the next pass: files are being moved");
}

int elsewhere_arrived(struct pass *pass, struct plan *plan, struct error *err)
{
    struct arrivals a = {.pass = pass};
    if (!plan_has_any(plan, OP_DELETE_REMOTE))
        return 0;
    a.latest = xcalloc(pass->pairs.len + 1, sizeof *a.latest);
    int r = look_for_folders(pass, &a.uncertain, err);
    if (r == 0)
        r = look_once_more(&a, err);
    bool at_rest = r == 0 && !a.uncertain && is_at_rest(&a);
    if (r == 0 && !at_rest)
        tell_that_they_wait(pass);
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        if (at_rest)
            put_off_moved_deletions(m, &a.files);
        else
            put_off_deletions(m);
    }
    vec_free(&a.files);
    xfree(&a.latest);
    return r;
}
