#include "survey/removal.h"

#include "survey/gone.h"
#include "survey/remote.h"

static void keep(struct mailbox_pair *pair, const char *why)
{
    pair->removal = REMOVE_NOTHING;
    pair->action = PAIR_LEAVE;
    pair->why = why;
}

static void keep_for_now(struct mailbox_pair *pair, const char *why)
{
    keep(pair, why);
    pair->left_for_now = true;
}

int removal_confirm(struct pass *pass, struct error *err)
{
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        bool gone = false;
        bool lost_there = pair->removal == REMOVE_LOCAL || pair->removal == REMOVE_RECORD;
        /* One whose name is another's is looked for by what it is (folders.c), in two passes. */
        if (!lost_there || !pair->in_target || pair->record.name.len == 0)
            continue;
        int r = gone_for_good(pass, pair->record.name, &gone, err);
        if (r < 0)
            return error_widen(err, SCOPE_ACCOUNT);
        if (!gone)
            keep(pair, "the server has it, but does not list it; it stays as it is");
    }
    return 0;
}

/* All that the index has of the mailbox. *whole_out: each of these messages was on the side that is
 * gone. */
static int read_all(struct pass *pass, const struct mailbox_pair *pair, struct seqset *out,
                    bool *whole_out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_message m;
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    r = index_cursor_open(txn, pair->record.id, 1, &cursor, err);
    *whole_out = true;
    while (r >= 0 && (r = index_cursor_next(cursor, &m, err)) > 0) {
        bool marked = m.state == MESSAGE_DELETED_HERE && (m.flags.system & MAILDIR_TRASHED);
        bool here = m.state == MESSAGE_SYNCED || marked;
        bool there = m.state != MESSAGE_GONE_THERE;
        *whole_out = *whole_out && (pair->removal == REMOVE_LOCAL ? there : here);
        if (pair->removal == REMOVE_LOCAL || m.state == MESSAGE_SYNCED)
            seqset_add(out, m.uid);
    }
    return r;
}

static int settle_one(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    AUTO_SEQSET struct seqset all = {0};
    bool whole;
    int r = read_all(pass, pair, &all, &whole, err);
    if (r < 0)
        return r;
    if (pair->removal == REMOVE_LOCAL && (!whole || pair->local.fresh.len > 0)) {
        keep(pair, "it is gone on the server; its folder holds messages that were not there, and "
                   "stays");
    } else if (pair->removal == REMOVE_REMOTE &&
               (!whole || remote_fresh_count(&pair->remote) > 0)) {
        keep(pair, "its folder was removed here; the mailbox holds messages that were not here, "
                   "and stays");
    } else if (pair->removal == REMOVE_LOCAL) {
        seqset_add_set(&pair->remote.gone, &all);
        pair->remote.gone_confirmed = true;
    } else {
        seqset_add_set(&pair->local.gone, &all);
    }
    return 0;
}

/*
 * Whether the mailbox is older than what is known of it, by any of its marks. A HIGHESTMODSEQ that
 * is lower may mean less than that: a server that still has messages to expunge may tell it so. But
 * where after the backup nothing but flags changed, it is all that tells, and a folder that stays
 * can be removed by hand; mail that is gone on both sides cannot be had again.
 */
static bool has_a_lower_mark(const struct mailbox_pair *pair)
{
    const struct index_mailbox *record = &pair->record;
    bool opened = pair->remote.means != SURVEY_NONE;
    uint32_t uidvalidity = opened ? pair->remote.uidvalidity : pair->status_uidvalidity;
    uint32_t uidnext = opened ? pair->remote.uidnext : pair->status_uidnext;
    uint64_t modseq = opened ? pair->remote.highestmodseq : pair->status_modseq;
    if (!pair->remote_exists || (!opened && !pair->has_status) ||
        uidvalidity != record->uidvalidity)
        return false;
    return pair->renumbered || (uidnext != 0 && uidnext < record->uidnext) ||
           (modseq != 0 && modseq < record->highestmodseq);
}

/* What a server restored from a backup lacks may have been made since (law 6). Once what it has is
 * known again, it looks like any other: the doubt tells later passes. */
static void keep_since_backup(const struct pass *pass, struct mailbox_pair *pair)
{
    struct log_scope scope = pass_log_scope(pass, pair);
    keep(pair,
         "the server lacks it, but looks as if restored from a backup; its folder stays here");
    log_warning(&scope,
                "the server lacks this mailbox, and has others as they were before, as after a "
                "backup was restored: its folder %s stays; remove it if it is not wanted",
                pair->record.path.ptr);
    pair->record.doubt = MAILBOX_UNPAIRED;
    pair->record_differs = true;
}

/* That nothing went back is known of mailboxes that could be looked at. */
static void keep_what_may_be_younger(struct pass *pass)
{
    bool older = false, unseen = false;
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        older = older || (pair->record.id != 0 && has_a_lower_mark(pair));
        unseen = unseen || (pair->record.id != 0 && pair->remote_exists &&
                            pair->action != PAIR_REFUSE && error_is_set(&pair->error));
    }
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (pair->removal == REMOVE_LOCAL && older)
            keep_since_backup(pass, pair);
        else if (pair->removal == REMOVE_LOCAL && unseen)
            keep_for_now(pair,
                         "it is gone on the server; its folder stays until a pass sees all others");
    }
}

int removal_settle(struct pass *pass, struct error *err)
{
    keep_what_may_be_younger(pass);
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if ((pair->removal != REMOVE_LOCAL && pair->removal != REMOVE_REMOTE) ||
            pair->action != PAIR_SYNC || error_is_set(&pair->error))
            continue;
        int r = settle_one(pass, pair, err);
        if (r < 0)
            return error_widen(err, SCOPE_ACCOUNT);
    }
    return 0;
}
