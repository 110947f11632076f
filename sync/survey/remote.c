#include "survey/remote.h"

#include "imap/limits.h"
#include "survey/told.h"
#include "survey/unfetched.h"

/*
 * Which mailboxes are opened, and how often the question is asked. A UID that is no longer there
 * may be half of a move that was under way while the mailboxes were looked at one after the other:
 * after a disappearance the whole side is looked at once more, and only what was seen gone before
 * that second look began is acted on (law 1). Where mailboxes keep losing messages during the looks
 * nothing but moves comes of it, and what is gone and nowhere new waits for the next pass. What
 * only the last look saw come waits likewise: where it went from may have been looked at before it
 * went. And what is gone waits where the last look found other mailboxes than the pass began with:
 * it may be in one of those.
 */
#define ROUNDS_MAX 3

static bool has_local_changes(const struct mailbox_pair *pair)
{
    const struct local_delta *local = &pair->local;
    return local->fresh.len > 0 || local->changed.len > 0 || !seqset_is_empty(&local->gone);
}

static bool must_open(const struct pass *pass, const struct mailbox_pair *pair)
{
    const struct index_mailbox *record = &pair->record;
    if (pass->options->full || pass_is_unpaired(pair) || record->uidvalidity == 0 ||
        pair->unfetched_stored || !pair->has_status || record->highestmodseq == 0 ||
        pair->status_modseq == 0)
        return true;
    return has_local_changes(pair) || pair->status_uidvalidity != record->uidvalidity ||
           pair->status_uidnext != record->uidnext || pair->status_messages != record->records ||
           pair->status_modseq != record->highestmodseq;
}

static bool is_surveyed(const struct mailbox_pair *pair)
{
    return pair->remote_exists && !error_is_set(&pair->error) &&
           (pair->action == PAIR_SYNC || pair->action == PAIR_CREATE_LOCAL);
}

/* STATUS against what the first look saw. */
static bool moved_since(const struct mailbox_pair *pair, const struct mailbox_pair *before)
{
    if (!pair->has_status)
        return pair->remote.means != SURVEY_NONE;
    if (pair->remote.means == SURVEY_NONE)
        return pair->status_messages != before->status_messages ||
               pair->status_uidnext != before->status_uidnext ||
               pair->status_modseq != before->status_modseq;
    const struct remote_delta *seen = &pair->remote;
    return pair->status_messages != seen->exists ||
           (pair->status_uidnext != seen->uidnext && seen->uidnext != 0) ||
           (seen->highestmodseq != 0 && pair->status_modseq > seen->highestmodseq);
}

/* Of the UIDs that a listing lacked, those that answer when they are asked for are not gone. */
static int take_back_present(struct pass *pass, struct mailbox_pair *pair,
                             const struct seqset *uids, struct error *err)
{
    AUTO_SEQSET struct seqset present = {0};
    int r = remote_which_exist(pass, uids, &present, err);
    uint32_t uid = 0;
    while (seqset_next(&present, &uid)) {
        seqset_remove_range(&pair->remote.gone, uid, uid);
        pair->remote_blocked = true;
    }
    return r;
}

static int confirm_gone(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    AUTO_SEQSET struct seqset left = {0};
    struct select_data now;
    int r = remote_select_anew(pass, pair, pair->remote.uidvalidity, &now, err);
    seqset_add_set(&left, &pair->remote.gone);
    while (r == 0 && now.exists > 0 && !seqset_is_empty(&left)) {
        AUTO_SEQSET struct seqset part = {0};
        seqset_take(&left, LIMIT_COMMAND_LINE_BYTES - 100, &part);
        r = take_back_present(pass, pair, &part, err);
    }
    pair->remote.gone_confirmed = r == 0;
    return r;
}

static int confirm_all(struct pass *pass, struct error *err)
{
    bool limited = client_has(pass->client, CAP_MESSAGELIMIT);
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (!is_surveyed(pair) || seqset_is_empty(&pair->remote.gone) ||
            pair->remote.gone_confirmed)
            continue;
        int r = limited ? 0 : confirm_gone(pass, pair, err);
        if (limited || r < 0) {
            seqset_free(&pair->remote.gone);
            pair->remote_blocked = true;
        }
        if (r < 0 && (r = pass_absorb(pass, pair, err)) < 0)
            return r;
    }
    return 0;
}

static uint64_t count_gone(const struct pass *pass)
{
    uint64_t gone = 0;
    for (size_t i = 0; i < pass->pairs.len; i++)
        gone += seqset_count(&pass->pairs.items[i].remote.gone);
    return gone;
}

/* `out_of_sight`: messages may be in a mailbox that this pass does not see. */
static int look_again(struct pass *pass, struct mailbox_pair **list, bool *out_of_sight,
                      struct error *err)
{
    struct mailbox_pair *before =
        xmemdup(pass->pairs.items, pass->pairs.len * sizeof *pass->pairs.items);
    size_t len = 0;
    int r = remote_refresh_status(pass, out_of_sight, err);
    for (size_t i = 0; i < pass->pairs.len && r == 0; i++) {
        struct mailbox_pair *pair = &pass->pairs.items[i];
        if (is_surveyed(pair) && moved_since(pair, &before[i]))
            list[len++] = pair;
        if (is_surveyed(pair) && before[i].has_status && !pair->has_status)
            *out_of_sight = true;
    }
    xfree(&before);
    return r < 0 || len == 0 ? r : remote_open(pass, list, len, err);
}

/* Where each mailbox's next message was to stand, as far as the looks so far tell; 0: not known. */
static void note_uidnexts(const struct pass *pass, uint32_t *out)
{
    for (size_t i = 0; i < pass->pairs.len; i++) {
        const struct mailbox_pair *pair = &pass->pairs.items[i];
        bool opened = pair->remote.means != SURVEY_NONE;
        out[i] = opened ? pair->remote.uidnext : pair->has_status ? pair->status_uidnext : 0;
    }
}

/* Something came since: it may have been moved there, out of a mailbox that was looked at before.
 */
static bool has_arrived(const struct pass *pass, const uint32_t *uidnexts)
{
    for (size_t i = 0; i < pass->pairs.len; i++) {
        const struct remote_delta *seen = &pass->pairs.items[i].remote;
        if (uidnexts[i] != 0 && seen->uidnext > uidnexts[i])
            return true;
    }
    return false;
}

/* What came since. Where messages are paired by content all of them are needed. True: there is
 * some.
 */
static bool defer_fresh(struct pass *pass, const uint32_t *uidnexts)
{
    bool deferred = false;
    for (size_t i = 0; i < pass->pairs.len; i++) {
        struct mailbox_pair *pair = &pass->pairs.items[i];
        struct remote_vec *fresh = &pair->remote.fresh;
        uint64_t before = remote_fresh_count(&pair->remote);
        bool is_paired_again = pair->record.id != 0 && pass_is_unpaired(pair);
        if (is_paired_again || uidnexts[i] == 0)
            continue;
        while (fresh->len > 0 && fresh->items[fresh->len - 1].uid >= uidnexts[i])
            fresh->len--;
        seqset_remove_range(&pair->remote.plain, uidnexts[i], SEQ_STAR);
        if (remote_fresh_count(&pair->remote) < before)
            pair->remote_blocked = deferred = true;
    }
    return deferred;
}

static int survey_rounds(struct pass *pass, struct mailbox_pair **list, uint32_t *uidnexts,
                         struct error *err)
{
    size_t len = 0;
    told_check(pass);
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (is_surveyed(pair) && (must_open(pass, pair) || told_has(pass, pair)))
            list[len++] = pair;
    }
    note_uidnexts(pass, uidnexts);
    int r = remote_open(pass, list, len, err);
    told_drop(pass);
    bool again = count_gone(pass) > 0 || has_arrived(pass, uidnexts);
    bool looked_again = again, out_of_sight = false;
    for (int round = 0; r == 0 && again && round < ROUNDS_MAX; round++) {
        uint64_t before = count_gone(pass);
        note_uidnexts(pass, uidnexts);
        r = look_again(pass, list, &out_of_sight, err);
        again = count_gone(pass) > before;
    }
    /* What is left to the next pass may be what is gone. */
    bool deferred = looked_again && defer_fresh(pass, uidnexts);
    pass->moving_there = again || (count_gone(pass) > 0 && (deferred || out_of_sight));
    return r < 0 ? r : confirm_all(pass, err);
}

int remote_survey(struct pass *pass, struct error *err)
{
    struct mailbox_pair **list = xcalloc(pass->pairs.len + 1, sizeof(struct mailbox_pair *));
    uint32_t *uidnexts = xcalloc(pass->pairs.len + 1, sizeof *uidnexts);
    int r = unfetched_load(pass, err);
    if (r == 0)
        r = survey_rounds(pass, list, uidnexts, err);
    xfree(&uidnexts);
    xfree(&list);
    return r < 0 && err->scope < SCOPE_CONNECTION ? error_widen(err, SCOPE_CONNECTION) : r;
}
