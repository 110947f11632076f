#include "apply/apply.h"

#include "pass/event.h"
#include "pass/keywords.h"

/* What was made on one side, and why. */
struct made {
    const char *what, *why;
};

/* `made` may be NULL. */
static int put_record(struct pass *pass, struct mailbox_pair *pair, enum mailbox_state state,
                      const struct made *made, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_mailbox record = pair->record;
    record.state = state;
    record.special_use = pair->attributes & LIST_SPECIAL_USE;
    if (record.uidvalidity == 0)
        record.uidvalidity = pair->remote.uidvalidity;
    int r = index_begin_write(pass->index, &txn, err);
    if (r < 0 || (r = index_mailbox_put(txn, &record, err)) < 0 ||
        (made != NULL &&
         (r = event_note_mailbox(pass, txn, pair, made->what, STR_EMPTY, made->why, err)) < 0) ||
        (r = index_commit(&txn, err)) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    pair->record.id = record.id;
    pair->record.state = record.state;
    pair->record.special_use = record.special_use;
    pair->record.uidvalidity = record.uidvalidity;
    return 0;
}

/* A folder that somebody renamed to this name since the survey. */
static bool is_of_another(const struct pass *pass, const struct mailbox_pair *pair,
                          const struct maildir_times *times)
{
    VEC_FOREACH (const struct mailbox_pair, other, &pass->pairs) {
        if (other != pair && other->record.cur_inode == times->cur_inode &&
            other->record.new_inode == times->new_inode)
            return true;
    }
    return false;
}

/* As if the folder had not been begun: while this record has the path, nobody looks whose it is. */
static int take_record_back(struct pass *pass, struct mailbox_pair *pair, enum mailbox_state before,
                            struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    if (before == MAILBOX_SYNCED)
        return put_record(pass, pair, before, NULL, err);
    int r = index_begin_write(pass->index, &txn, err);
    if (r < 0 || (r = index_mailbox_delete(txn, pair->record.id, err)) < 0 ||
        (r = index_commit(&txn, err)) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    pair->record.id = 0;
    return 0;
}

static int create_local(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    static const struct made made = {EVENT_MADE_LOCAL, "new on the server"};
    enum mailbox_state before = pair->record.id != 0 ? pair->record.state : MAILBOX_CREATING_LOCAL;
    int r = put_record(pass, pair, MAILBOX_CREATING_LOCAL, NULL, err);
    if (r < 0 || (r = pass_local_change(pass, err)) < 0)
        return r;
    if ((r = maildir_create(pass->maildir, pair->record.path.ptr, err)) < 0)
        return r;
    /* By its directories it is known again under another name. */
    struct maildir_times times;
    if ((r = maildir_stat(pass->maildir, pair->record.path.ptr, &times, err)) < 0)
        return r;
    if (is_of_another(pass, pair, &times)) {
        r = take_record_back(pass, pair, before, err);
        return r < 0 ? r
                     : error_set(err, ERR_CHANGED, SCOPE_MAILBOX,
                                 "the folder of another mailbox was renamed to %s meanwhile; the "
                                 "next pass sees what became of it",
                                 pair->record.path.ptr);
    }
    pair->record.new_inode = times.new_inode;
    pair->record.cur_inode = times.cur_inode;
    pair->local_exists = true;
    pair->action = PAIR_SYNC;
    return put_record(pass, pair, MAILBOX_SYNCED, &made, err);
}

static int learn_new_mailbox(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    struct client_select select;
    struct select_params params = {.condstore = client_has(pass->client, CAP_CONDSTORE)};
    int r = client_select_begin(pass->client, &select, pair->record.name, false, &params,
                                pass->arena, err);
    if (r < 0)
        return r;
    r = client_select_end(pass->client, &select, err);
    pair->remote.uidvalidity = select.data.uidvalidity;
    pair->remote.uidnext = select.data.uidnext != 0 ? select.data.uidnext : 1;
    struct error learn_error = ERROR_INIT;
    int l = keywords_learn_storable(pass, pair, &select.data, &learn_error);
    if (r == 0 && l < 0) {
        *err = learn_error;
        r = l;
    }
    bool lasting = select.data.uidvalidity != 0 && !select.data.uid_not_sticky;
    client_select_free(&select);
    if (r == 0 && !lasting)
        return error_set(err, ERR_REFUSED, SCOPE_MAILBOX,
                         "the server keeps no lasting UIDs for the new mailbox");
    return r;
}

static int create_remote(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    static const struct made made = {EVENT_MADE_REMOTE, "new here"};
    /* Interrupted before its messages are recorded, it is paired anew. */
    if (pair->pairing != NULL)
        pair->record.doubt = MAILBOX_UNPAIRED;
    int r = put_record(pass, pair, MAILBOX_CREATING_REMOTE, NULL, err);
    if (r < 0)
        return r;
    struct str id = STR_EMPTY;
    if ((r = client_create_special(pass->client, pair->record.name, 0, pass->arena, &id, err)) < 0)
        return error_wrap(err, "cannot create the mailbox on the server");
    pair->record.mailboxid = id;
    struct error ignored = ERROR_INIT;
    if (client_subscribe(pass->client, pair->record.name, &ignored) < 0 &&
        ignored.scope > SCOPE_MAILBOX) {
        *err = ignored;
        return -(int)err->code;
    }
    if ((r = learn_new_mailbox(pass, pair, err)) < 0)
        return r;
    pair->remote_exists = true;
    pair->action = PAIR_SYNC;
    return put_record(pass, pair, MAILBOX_SYNCED, &made, err);
}

static int settle(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    switch (pair->action) {
    case PAIR_CREATE_LOCAL:
        return create_local(pass, pair, err);
    case PAIR_CREATE_REMOTE:
        return create_remote(pass, pair, err);
    case PAIR_SYNC:
        /* Interrupted while it was made: what is there may be half of a folder. */
        if (pair->record.state == MAILBOX_CREATING_LOCAL)
            return create_local(pass, pair, err);
        if (pair->pairing != NULL)
            return 0; /* its record is made with the messages */
        if (pair->record.id == 0 || pair->record.state == MAILBOX_CREATING_REMOTE ||
            pair->record.uidvalidity == 0)
            return put_record(pass, pair,
                              pair->record.state == MAILBOX_CREATING_REMOTE ? MAILBOX_SYNCED
                                                                            : pair->record.state,
                              NULL, err);
        return 0;
    case PAIR_LEAVE:
    case PAIR_REFUSE:
        return 0;
    }
    return 0;
}

int apply_folders(struct pass *pass, struct plan *plan, struct error *err)
{
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        if (error_is_set(&m->pair->error) || !m->pair->in_target)
            continue;
        if (settle(pass, m->pair, err) < 0) {
            int r = pass_absorb(pass, m->pair, err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}
