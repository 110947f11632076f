#include "survey/recover.h"

#include "reconcile/flags.h"
#include "survey/locate.h"

/* Between two looks that must both find nothing before a message is sent again. */
#define LOOK_AGAIN_MS (60 * 1000)

VEC_STRUCT(intent_vec, struct index_intent);

static int read_intents(struct pass *pass, struct arena *arena, struct intent_vec *out,
                        struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_intent intent;
    uint64_t cursor = 0;
    int r = index_begin_read(pass->index, &txn, err);
    while (r >= 0 && (r = index_intent_next(txn, arena, &cursor, &intent, err)) > 0)
        vec_push(out, intent);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* Acts on the server, of which only the server can tell whether they happened. */
static bool is_remote(const struct index_intent *intent)
{
    return intent->kind == INTENT_APPEND || intent->kind == INTENT_COPY ||
           intent->kind == INTENT_MOVE || intent->kind == INTENT_EXPUNGE;
}

static void put_delivered(struct arena *arena, const struct strmap *wanted,
                          const struct maildir_snapshot *snapshot, struct strmap *out)
{
    VEC_FOREACH (const struct maildir_file, file, &snapshot->files) {
        void *intent = strmap_get(wanted, file->parsed.base);
        if (intent != NULL && strmap_get(out, file->parsed.base) == NULL)
            strmap_put(out, arena_str(arena, file->parsed.base), intent);
    }
}

static int look_for_delivered(struct pass *pass, struct arena *arena, const struct strmap *wanted,
                              struct strmap *out, struct error *err)
{
    struct maildir_folders folders = {0};
    int r = maildir_list(pass->maildir, arena, &folders, err);
    for (size_t f = 0; f < folders.len && r == 0; f++) {
        struct maildir_snapshot snapshot = {0};
        struct error ignored = ERROR_INIT;
        if (maildir_scan(pass->maildir, folders.items[f].path, &snapshot, &ignored) < 0)
            continue;
        put_delivered(arena, wanted, &snapshot, out);
        maildir_snapshot_free(&snapshot);
    }
    return r;
}

/* Which deliveries are in place, be it in another folder by now: somebody moved the file, or
 * renamed the folder. It is not to be taken for new there (law 2). What is on its way meanwhile,
 * from a folder that is still to be read to one that was, is found by a second look. `out`: by base
 * name. */
static int find_delivered(struct pass *pass, struct arena *arena, const struct intent_vec *intents,
                          struct strmap *out, struct error *err)
{
    struct strmap *wanted = strmap_new();
    int r = 0;
    for (size_t i = 0; i < intents->len; i++) {
        const struct index_intent *intent = &intents->items[i];
        if (intent->kind == INTENT_DELIVER)
            strmap_put(wanted, intent->message.base, (void *)(uintptr_t)intent);
    }
    for (int look = 0; look < 2 && r == 0 && strmap_len(out) < strmap_len(wanted); look++)
        r = look_for_delivered(pass, arena, wanted, out, err);
    strmap_free(&wanted);
    return r;
}

/* File names do not tell all keywords: where these were to change, the merge is made again, and
 * finds what it did. */
static int changes_keywords(struct arena *arena, struct index_txn *txn,
                            const struct index_intent *intent, bool *out, struct error *err)
{
    struct index_message record;
    int r =
        index_message_get(txn, arena, intent->message.mailbox, intent->message.uid, &record, err);
    struct index_flags then = intent->message.flags;
    then.system = record.flags.system;
    *out = r == 0 && !flags_equal(&then, &record.flags);
    if (r < 0 && err->code == ERR_NOT_FOUND) {
        error_clear(err);
        r = 0;
    }
    return r;
}

/* Whether the Maildir shows that the intended act happened. */
static int has_happened(struct pass *pass, struct arena *arena, struct index_txn *txn,
                        const struct index_intent *intent, const struct strmap *delivered,
                        bool *out, struct error *err)
{
    struct index_mailbox mailbox;
    struct maildir_file file;
    *out = false;
    int r = index_mailbox_get(txn, arena, intent->message.mailbox, &mailbox, err);
    if (r == 0)
        r = maildir_find(pass->maildir, mailbox.path.ptr, intent->message.base, arena, &file, err);
    bool missing = r < 0 && err->code == ERR_NOT_FOUND;
    if (r < 0 && !missing)
        return r;
    error_clear(err);
    if (intent->uidvalidity != mailbox.uidvalidity)
        return 0;
    if (missing) {
        *out = strmap_get(delivered, intent->message.base) != NULL;
        return 0;
    }
    if (intent->kind != INTENT_RENAME) {
        *out = true;
        return 0;
    }
    bool keywords;
    r = changes_keywords(arena, txn, intent, &keywords, err);
    *out = r == 0 && !keywords && file.parsed.flags == intent->message.flags.system;
    return r;
}

static int settle_local(struct pass *pass, struct arena *arena, const struct intent_vec *intents,
                        struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct strmap *delivered = strmap_new();
    int r = find_delivered(pass, arena, intents, delivered, err);
    if (r == 0)
        r = index_begin_write(pass->index, &txn, err);
    for (size_t i = 0; i < intents->len && r == 0; i++) {
        const struct index_intent *intent = &intents->items[i];
        bool happened;
        if (is_remote(intent))
            continue;
        r = has_happened(pass, arena, txn, intent, delivered, &happened, err);
        if (r == 0 && happened && intent->kind == INTENT_MOVE_LOCAL)
            r = index_message_delete(txn, intent->from_mailbox, intent->from_uid, err);
        if (r == 0 && happened)
            r = index_message_put(txn, &intent->message, err);
        if (r == 0)
            r = index_intent_delete(txn, intent->id, err);
    }
    strmap_free(&delivered);
    return r < 0 ? r : index_commit(&txn, err);
}

int recover_local(struct pass *pass, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct intent_vec intents = {0};
    int r = read_intents(pass, arena, &intents, err);
    bool any = false;
    for (size_t i = 0; i < intents.len; i++)
        any = any || !is_remote(&intents.items[i]);
    /* What is found in place is recorded below: it must not be lost again by a power failure. */
    if (r == 0 && any)
        r = maildir_sync_all(pass->maildir, err);
    if (r == 0 && any)
        r = settle_local(pass, arena, &intents, err);
    if (r == 0 && any)
        log_info(&pass->log, "finished what an interrupted run had begun");
    vec_free(&intents);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* ---- uploads, and what the server was to copy or move ---- */

static int settle_append(struct pass *pass, struct index_txn *txn, struct lost_append *lost,
                         struct error *err)
{
    struct index_intent *intent = &lost->intent;
    int64_t now = pass_now_ms(pass);
    if (lost->uid != 0) {
        /* Agreed is what was sent, as after an answer: what is not there has been taken off. */
        intent->message.uid = lost->uid;
        /* Without a file, in \Trash: the intent stays to tell that the original may be expunged.
         */
        if (intent->message.base.len == 0)
            return index_intent_put(txn, intent, err);
        int r = index_message_put(txn, &intent->message, err);
        /* In one step it is no longer where it was: a file that is back there is to be moved back,
         * too, and is not that of a message that was deleted. */
        if (r == 0 && intent->kind == INTENT_MOVE && client_has(pass->client, CAP_MOVE))
            r = index_message_delete(txn, intent->from_mailbox, intent->from_uid, err);
        if (r < 0 && err->code == ERR_NOT_FOUND) {
            error_clear(err);
            r = 0;
        }
        return r < 0 ? r : index_intent_delete(txn, intent->id, err);
    }
    /* A UID cannot be moved twice: it may be tried again at once. */
    if (intent->kind == INTENT_MOVE)
        return index_intent_delete(txn, intent->id, err);
    bool looked_before = intent->looked_ms != 0 && intent->looked_ms <= now;
    if (looked_before && now - intent->looked_ms >= LOOK_AGAIN_MS)
        return index_intent_delete(txn, intent->id, err);
    if (!looked_before)
        intent->looked_ms = now;
    return index_intent_put(txn, intent, err);
}

static int recover_mailbox(struct pass *pass, struct mailbox_pair *pair, struct lost_append *lost,
                           size_t len, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = locate_appended(pass, pair, lost, len, err);
    /* Under another UIDVALIDITY there is nothing to look for: the survey finds it, and what was
     * sent is found by its content. */
    if (r < 0 && err->code == ERR_CHANGED) {
        error_clear(err);
        return 0;
    }
    if (r < 0)
        return error_wrap(err, "cannot look for %zu interrupted upload(s) or move(s)", len);
    r = index_begin_write(pass->index, &txn, err);
    for (size_t i = 0; i < len && r == 0; i++)
        r = settle_append(pass, txn, &lost[i], err);
    if (r == 0)
        r = index_commit(&txn, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

/* A copy in \Trash that was found, whose original is gone or no longer wanted here. */
static int drop_done(struct pass *pass, struct arena *arena, const struct intent_vec *intents,
                     struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = 0;
    for (size_t i = 0; i < intents->len && r == 0; i++) {
        const struct index_intent *intent = &intents->items[i];
        struct index_message original;
        struct error lookup = ERROR_INIT;
        if (!is_remote(intent) || intent->message.uid == 0)
            continue;
        if (txn == NULL)
            r = index_begin_write(pass->index, &txn, err);
        bool there = r == 0 && index_message_get(txn, arena, intent->from_mailbox, intent->from_uid,
                                                 &original, &lookup) == 0;
        if (r == 0 && (!there || original.state != MESSAGE_SYNCED))
            r = index_intent_delete(txn, intent->id, err);
    }
    return r < 0 || txn == NULL ? r : index_commit(&txn, err);
}

/* What was found has records now: what the survey counts by must have them, too. */
static int count_again(struct pass *pass, struct arena *arena, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        struct index_mailbox now;
        if (r < 0 || pair->record.id == 0)
            continue;
        r = index_mailbox_get(txn, arena, pair->record.id, &now, err);
        if (r < 0)
            continue;
        pair->record.records = now.records;
        pair->record.files = now.files;
    }
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

int recover_appends(struct pass *pass, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct intent_vec intents = {0};
    int r = read_intents(pass, arena, &intents, err);
    struct lost_append *lost = xcalloc(intents.len + 1, sizeof *lost);
    if (r == 0)
        r = drop_done(pass, arena, &intents, err);
    for (size_t p = 0; p < pass->pairs.len && r == 0 && intents.len > 0; p++) {
        struct mailbox_pair *pair = &pass->pairs.items[p];
        size_t len = 0;
        for (size_t i = 0; i < intents.len; i++) {
            const struct index_intent *intent = &intents.items[i];
            if (is_remote(intent) && intent->message.uid == 0 &&
                intent->message.mailbox == pair->record.id &&
                intent->uidvalidity == pair->record.uidvalidity)
                lost[len++] = (struct lost_append){.intent = *intent};
        }
        if (len > 0 && pair->remote_exists && recover_mailbox(pass, pair, lost, len, err) < 0)
            r = pass_absorb(pass, pair, err);
    }
    if (r == 0 && intents.len > 0)
        r = count_again(pass, arena, err);
    xfree(&lost);
    vec_free(&intents);
    return r;
}

/* ---- originals that are to be expunged ---- */

int recover_leaving(struct pass *pass, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct intent_vec intents = {0};
    int r = read_intents(pass, arena, &intents, err);
    VEC_FOREACH (const struct index_intent, intent, &intents) {
        struct mailbox_pair *pair = pairs_find(&pass->pairs, intent->from_mailbox);
        if (pair != NULL && index_intent_expunges(intent))
            seqset_add(&pair->leaving, intent->from_uid);
    }
    vec_free(&intents);
    return r;
}

int recover_end_leaving(struct index_txn *txn, uint32_t mailbox, const struct seqset *uids,
                        struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_intent intent;
    uint64_t cursor = 0;
    int r = 0;
    if (seqset_is_empty(uids))
        return 0;
    while ((r = index_intent_next(txn, arena, &cursor, &intent, err)) > 0) {
        bool ends = index_intent_expunges(&intent) && intent.from_mailbox == mailbox &&
                    seqset_contains(uids, intent.from_uid);
        if (ends && index_intent_delete(txn, intent.id, err) < 0)
            return -(int)err->code;
        arena_reset(arena);
    }
    return r;
}
