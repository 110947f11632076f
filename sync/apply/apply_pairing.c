#include "apply/apply.h"

#include "pass/event.h"
#include "pass/guard_store.h"

/*
 * What was paired takes the place of what the index said of the mailbox, under a new number, in one
 * commit: before it everything is as it was, after it the next pass goes on like any other. Marks
 * are none, so that whatever is left undone then is seen again.
 */

static int put_all(struct pass *pass, struct index_txn *txn, const struct mailbox_pair *pair,
                   uint32_t mailbox, struct error *err)
{
    struct pairing *pairing = pair->pairing;
    int r = 0;
    for (size_t i = 0; i < pairing->records_len && r == 0; i++) {
        pairing->records[i].mailbox = mailbox;
        r = index_message_put(txn, &pairing->records[i], err);
    }
    VEC_FOREACH (struct index_held, held, &pairing->held) {
        held->mailbox = mailbox;
        if (r == 0)
            r = index_held_put(txn, held, err);
    }
    VEC_FOREACH (struct index_intent, intent, &pairing->intents) {
        intent->message.mailbox = mailbox;
        intent->uidvalidity = pair->remote.uidvalidity;
        if (r == 0)
            r = index_intent_put(txn, intent, err);
    }
    return r;
}

static int swap(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    uint32_t old = pair->record.id;
    struct index_mailbox fresh = pair->record;
    fresh.id = 0;
    if (fresh.state == MAILBOX_CREATING_LOCAL || fresh.state == MAILBOX_CREATING_REMOTE)
        fresh.state = MAILBOX_SYNCED;
    fresh.doubt = MAILBOX_HOLDS;
    fresh.uidvalidity = pair->remote.uidvalidity;
    fresh.uidnext = 0;
    fresh.highestmodseq = 0;
    fresh.special_use = pair->attributes & LIST_SPECIAL_USE;
    fresh.new_mtime_ns = fresh.cur_mtime_ns = 0;
    if (pair->local.scanned) {
        fresh.new_inode = pair->local.times.new_inode;
        fresh.cur_inode = pair->local.times.cur_inode;
    }
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0 && old != 0)
        r = index_mailbox_delete(txn, old, err);
    if (r == 0)
        r = index_mailbox_put(txn, &fresh, err);
    if (r == 0)
        r = put_all(pass, txn, pair, fresh.id, err);
    if (r == 0 && old != 0)
        r = guard_renumber(txn, old, fresh.id, pass_now_ms(pass), err);
    if (r == 0 && pair->pairing->messages_len > 0)
        r = event_note_count(pass, txn, pair, EVENT_PAIRED, pair->pairing->messages_len,
                             "found again by content", err);
    if (r == 0)
        r = index_commit(&txn, err);
    if (r < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    pair->record = fresh;
    pair->renumbered = false;
    pass->report->messages.paired += pair->pairing->messages_len;
    return 0;
}

int apply_pairings(struct pass *pass, struct plan *plan, struct error *err)
{
    bool flushed = false;
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        struct mailbox_pair *pair = m->pair;
        if (pair->pairing == NULL || error_is_set(&pair->error) || pair->action != PAIR_SYNC)
            continue;
        /* Another program may have written the files a moment ago (law 3). */
        int r = flushed ? 0 : maildir_sync_all(pass->maildir, err);
        flushed = true;
        if (r == 0)
            r = swap(pass, pair, err);
        if (r < 0)
            return error_widen(err, SCOPE_ACCOUNT);
    }
    return 0;
}
