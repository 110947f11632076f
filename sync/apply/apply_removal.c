#include "apply/apply.h"

#include "pass/event.h"
#include "survey/remote.h"

static int forget_mailbox(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = index_mailbox_delete(txn, pair->record.id, err);
    if (r == 0 && pair->removal == REMOVE_LOCAL)
        r = event_note_mailbox(pass, txn, pair, EVENT_REMOVED_LOCAL, STR_EMPTY,
                               "removed on the server", err);
    else if (r == 0 && pair->removal == REMOVE_REMOTE)
        r = event_note_mailbox(pass, txn, pair, EVENT_REMOVED_REMOTE, STR_EMPTY, "removed here",
                               err);
    if (r == 0)
        r = index_commit(&txn, err);
    if (r < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    pair->record.id = 0;
    pair->action = PAIR_LEAVE;
    pair->why = "it was removed on both sides";
    return 0;
}

/* *done_out: the folder is gone. What it still holds keeps it. */
static int remove_folder(struct pass *pass, struct mailbox_pair *pair, bool *done_out,
                         struct error *err)
{
    struct maildir_snapshot snapshot = {0};
    *done_out = false;
    int r = maildir_scan(pass->maildir, pair->record.path.ptr, &snapshot, err);
    bool empty = r == 0 && snapshot.files.len == 0;
    maildir_snapshot_free(&snapshot);
    if (r < 0 || !empty)
        return r;
    r = pass_local_change(pass, err);
    if (r == 0)
        r = maildir_remove_folder(pass->maildir, pair->record.path.ptr, err);
    *done_out = r == 0;
    if (r < 0 && err->code == ERR_EXISTS) {
        error_clear(err);
        return 0;
    }
    return r;
}

static int remove_mailbox(struct pass *pass, struct mailbox_pair *pair, bool *done_out,
                          struct error *err)
{
    struct status_data status = {0};
    struct error ignored = ERROR_INIT;
    *done_out = false;
    int r = remote_unselect(pass, err);
    if (r == 0)
        r = client_status(pass->client, pair->record.name, STATUS_MESSAGES, pass->arena, &status,
                          err);
    if (r < 0 || !(status.have & STATUS_MESSAGES) || status.messages > 0)
        return r;
    if ((r = client_delete(pass->client, pair->record.name, err)) < 0)
        return error_wrap(err, "cannot remove the mailbox on the server");
    *done_out = true;
    if (client_unsubscribe(pass->client, pair->record.name, &ignored) < 0 &&
        ignored.scope > SCOPE_MAILBOX) {
        *err = ignored;
        return -(int)err->code;
    }
    return 0;
}

static int remove_one(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    bool done = true;
    int r = 0;
    if (pair->removal == REMOVE_LOCAL)
        r = remove_folder(pass, pair, &done, err);
    else if (pair->removal == REMOVE_REMOTE)
        r = remove_mailbox(pass, pair, &done, err);
    return r < 0 || !done ? r : forget_mailbox(pass, pair, err);
}

static bool is_held_back(const struct plan *plan, const struct mailbox_pair *pair)
{
    for (size_t i = 0; i < plan->mailboxes.len; i++) {
        if (plan->mailboxes.items[i].pair == pair)
            return plan->mailboxes.items[i].held.len > 0;
    }
    return false;
}

int apply_removals(struct pass *pass, struct plan *plan, struct error *err)
{
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (pair->removal == REMOVE_NOTHING || !pair->in_target || error_is_set(&pair->error) ||
            is_held_back(plan, pair))
            continue;
        if (remove_one(pass, pair, err) == 0)
            continue;
        if (err->scope > SCOPE_MAILBOX)
            return -(int)err->code;
        pair->folder_error = *err;
        error_clear(err);
    }
    return 0;
}
