#include "survey/survey_pairing.h"

#include "reconcile/flags.h"
#include "pass/keywords.h"
#include "survey/gathering.h"
#include "survey/local.h"

static const char WHY_SYNCED[] = "it was synced once and is no longer on the server";
static const char WHY_FEW[] = "too little of this folder was found on the server";
static const char WHY_UNREADABLE[] =
    "its file cannot be read, so that it cannot be told whether the "
    "server has it";

/* ---- what comes of it ---- */

static struct index_message describe(const struct gathering *g, size_t file)
{
    const struct pairing_file *f = &g->files[file];
    const struct candidate *c = &g->candidates[file];
    const struct pairing_message *m = &g->messages[f->partner];
    struct index_message out = {.uid = m->uid};
    if (c->record != NULL)
        out = *c->record;
    out.uid = m->uid;
    out.modseq = 0;
    if (g->dates[f->partner] != 0)
        out.internal_date_s = g->dates[f->partner];
    if (m->email_id.len > 0)
        out.email_id = m->email_id;
    if (f->ghost)
        return out;
    out.state = MESSAGE_SYNCED;
    out.base = c->file->parsed.base;
    if (c->record != NULL && gathering_has_digest(c->record))
        return out;
    out.raw = f->by_stored;
    out.wire_size = m->has_content ? m->size : f->size;
    out.header_digest = m->has_content ? m->header : f->header;
    out.body_digest = f->by_stored ? c->stored_body : c->body;
    return out;
}

/* A mark that only the server has counts as agreed, where it would expunge: a copy may have it of
 * its original, and who took it off the file cannot be told (nothing is deleted, law 6). */
static struct index_flags in_both(const struct gathering *g, const struct index_flags *remote,
                                  const struct candidate *c)
{
    const struct index_flags file = keywords_of_file(g->pass, g->pair, &c->file->parsed);
    uint8_t counts = file.system | (g->pair->policy->expunge_marked ? MAILDIR_TRASHED : 0);
    struct index_flags out = {.system = remote->system & counts};
    uint32_t *ids = arena_array(g->arena, (size_t)remote->keywords_len + 1, sizeof *ids);
    for (size_t i = 0; i < remote->keywords_len; i++) {
        if (flags_have_keyword_id(&file, remote->keywords[i]))
            ids[out.keywords_len++] = remote->keywords[i];
    }
    out.keywords = ids;
    return out;
}

/*
 * What is agreed, so that what a side has beyond it is that side's change. Without a record it is
 * what both have. Of a side that is older than the record the flags are no news: they are what was
 * agreed, and the other side's go there.
 */
static void agree_on_flags(const struct gathering *g, struct index_message *record,
                           const struct remote_message *remote, const struct candidate *c)
{
    const struct index_mailbox *mailbox = &g->pair->record;
    bool server_is_older =
        g->pair->renumbered && mailbox->uidvalidity == g->pair->remote.uidvalidity;
    if (server_is_older)
        record->flags = remote->flags;
    if (c->record == NULL)
        record->flags = in_both(g, &remote->flags, c);
    else if (mailbox->doubt == MAILBOX_UNPAIRED_OLDER)
        record->flags = keywords_of_file(g->pass, g->pair, &c->file->parsed);
}

static int by_uid(const void *a, const void *b)
{
    uint32_t x = ((const struct index_message *)a)->uid;
    uint32_t y = ((const struct index_message *)b)->uid;
    return (x > y) - (x < y);
}

static void make_records(struct gathering *g, struct pairing *out)
{
    size_t most = g->files_len + g->kept.len + 1;
    out->records = arena_array(g->arena, most, sizeof *out->records);
    for (size_t i = 0; i < g->messages_len; i++) {
        size_t file = g->messages[i].partner;
        if (file == PAIRING_NONE)
            continue;
        const struct candidate *c = &g->candidates[file];
        const struct remote_message *remote = &g->pair->remote.fresh.items[i];
        struct index_message *record = &out->records[out->records_len++];
        *record = describe(g, file);
        if (c->file != NULL)
            agree_on_flags(g, record, remote, c);
    }
    VEC_FOREACH (const struct index_message, kept, &g->kept) {
        out->records[out->records_len++] = *kept;
    }
    if (out->records_len > 1)
        qsort(out->records, out->records_len, sizeof *out->records, by_uid);
}

/* The flags of both sides, for each record that has a file. */
static void compare_flags(struct gathering *g, struct pairing *out)
{
    out->messages = arena_array(g->arena, out->records_len + 1, sizeof *out->messages);
    size_t at = 0;
    for (size_t i = 0; i < out->records_len; i++) {
        while (at < g->messages_len && g->messages[at].uid < out->records[i].uid)
            at++;
        if (at == g->messages_len || g->messages[at].uid != out->records[i].uid ||
            g->messages[at].partner == PAIRING_NONE)
            continue;
        const struct candidate *c = &g->candidates[g->messages[at].partner];
        if (c->file == NULL)
            continue;
        struct paired_message *m = &out->messages[out->messages_len++];
        *m = (struct paired_message){.record = &out->records[i],
                                     .remote_flags = g->pair->remote.fresh.items[at].flags,
                                     .file = *c->file,
                                     .local_flags =
                                         keywords_of_file(g->pass, g->pair, &c->file->parsed)};
    }
}

static const struct index_held *find_old_held(const struct gathering *g, struct str base)
{
    for (size_t i = 0; i < g->old_held.len; i++) {
        const struct index_held *h = &g->old_held.items[i];
        if (h->kind == HELD_UPLOAD && str_eq(h->base, base))
            return h;
    }
    return NULL;
}

/* Doubted only because the server did not make it when it was first sent. */
static bool is_still_to_be_made(const struct gathering *g)
{
    return g->pair->record.state == MAILBOX_CREATING_REMOTE && g->pass->doubt == MAILBOX_HOLDS;
}

/* A file that the index has in another mailbox was moved in: its name tells nothing of this one.
 * Where a side is from a backup it may as well have been moved out. */
static bool was_moved_in(const struct gathering *g, const struct candidate *c)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    struct error ignored = ERROR_INIT;
    struct index_mailbox mailbox;
    struct index_message record;
    uint32_t cursor = 0;
    bool is_doubted = g->pair->record.doubt != MAILBOX_HOLDS && !is_still_to_be_made(g);
    if (c->record != NULL || is_doubted || index_begin_read(g->pass->index, &txn, &ignored) < 0)
        return false;
    while (index_mailbox_next(txn, arena, &cursor, &mailbox, &ignored) > 0) {
        if (mailbox.doubt == MAILBOX_HOLDS &&
            index_message_by_file(txn, arena, mailbox.id, c->file->parsed.base, &record,
                                  &ignored) == 0)
            return true;
        error_clear(&ignored);
    }
    return false;
}

/* Whether the file waits, and as what. */
static bool is_held(const struct gathering *g, size_t file, enum pairing_fate fate,
                    struct index_held *out)
{
    const struct candidate *c = &g->candidates[file];
    const struct index_held *before = find_old_held(g, c->file->parsed.base);
    *out = (struct index_held){.kind = HELD_UPLOAD,
                               .base = c->file->parsed.base,
                               .since_ms = pass_now_ms(g->pass),
                               .retry_ms = HELD_UNTIL_TOLD};
    if (before != NULL) {
        *out = *before;
        out->id = 0;
        return true;
    }
    out->reason = str_from(fate == PAIRING_HELD_FEW ? WHY_FEW : WHY_SYNCED);
    if (c->unreadable)
        out->reason = str_from(WHY_UNREADABLE);
    if (fate == PAIRING_HELD_SYNCED && was_moved_in(g, c))
        return false;
    return c->unreadable || fate != PAIRING_NEW;
}

/* An upload under way when the mailbox changed may have come through: it is looked for again. */
static bool is_under_way(const struct gathering *g, struct str base, struct pairing *out)
{
    for (size_t i = 0; i < g->old_intents.len; i++) {
        struct index_intent intent = g->old_intents.items[i];
        if (!str_eq(intent.message.base, base))
            continue;
        intent.id = 0;
        intent.uidvalidity = g->pair->remote.uidvalidity;
        intent.uidnext = 1;
        intent.looked_ms = 0;
        vec_push(&out->intents, intent);
        return true;
    }
    return false;
}

/* In a folder that is merely new to an account in step, a name tells where a file came from and no
 * more: mail programs keep names when they move. */
static void forget_names(struct gathering *g)
{
    for (size_t i = 0; i < g->files_len; i++)
        g->files[i].once_synced = false;
}

static void settle_files(struct gathering *g, struct pairing *out)
{
    struct local_vec *fresh = &g->pair->local.fresh;
    enum pairing_fate *fates = xcalloc(g->files_len + 1, sizeof *fates);
    struct local_vec left = {0};
    if (g->pair->record.id == 0 && !g->pass->first_run)
        forget_names(g);
    pairing_settle(g->files, g->files_len, fates);
    for (size_t i = 0; i < g->files_len; i++) {
        const struct candidate *c = &g->candidates[i];
        struct index_held held;
        /* Where it went is for the next pass to find, perhaps in this folder under another name. */
        g->pair->local_blocked = g->pair->local_blocked || c->gone;
        if (c->file == NULL || c->gone || fates[i] == PAIRING_PAIRED)
            continue;
        if (is_under_way(g, c->file->parsed.base, out)) {
            g->pair->local_blocked = true;
            continue;
        }
        if (is_held(g, i, fates[i], &held))
            vec_push(&out->held, held);
        struct local_file file = {.file = *c->file};
        file.flags = keywords_of_file(g->pass, g->pair, &c->file->parsed);
        vec_push(&left, file);
    }
    xfree(&fates);
    vec_free(fresh);
    fresh->items = left.items;
    fresh->len = left.len;
    fresh->cap = left.cap;
}

static void settle_messages(struct gathering *g)
{
    struct remote_vec *fresh = &g->pair->remote.fresh;
    size_t left = 0;
    for (size_t i = 0; i < g->messages_len; i++) {
        if (g->messages[i].partner == PAIRING_NONE)
            fresh->items[left++] = fresh->items[i];
    }
    fresh->len = left;
}

static void conclude(struct gathering *g)
{
    struct pairing *out = arena_alloc(g->arena, sizeof *out);
    *out = (struct pairing){0};
    make_records(g, out);
    compare_flags(g, out);
    settle_files(g, out);
    settle_messages(g);
    g->pair->pairing = out;
    struct log_scope scope = pass_log_scope(g->pass, g->pair);
    log_info(&scope, "%zu message(s) found again by content, %zu only on the server, %zu only here",
             out->messages_len, g->pair->remote.fresh.len, g->pair->local.fresh.len);
}

static int pair_mailbox(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    struct gathering g = {.pass = pass,
                          .pair = pair,
                          .arena = pass->arena,
                          .same_uids = pair->record.id != 0 && !pair->renumbered};
    int r = 0;
    if (pair->renumbered && pair->local_exists)
        r = local_survey(pass, pair, err);
    if (r == 0)
        r = gathering_run(&g, err);
    if (r == 0)
        conclude(&g);
    gathering_free(&g);
    return r;
}

static bool is_to_be_paired(const struct pass *pass, const struct mailbox_pair *pair)
{
    if (error_is_set(&pair->error) || !pair->in_target || !pass_is_unpaired(pair))
        return false;
    bool mail_here = pair->local.fresh.len > 0;
    switch (pair->action) {
    case PAIR_SYNC:
        return pair->record.id != 0 || (mail_here && (pair->remote.exists > 0 || pass->first_run));
    case PAIR_CREATE_LOCAL:
        return pair->record.doubt != MAILBOX_HOLDS;
    case PAIR_CREATE_REMOTE:
        /* Also where an earlier pass could not make it. */
        return (pass->first_run && mail_here) || pair->record.doubt != MAILBOX_HOLDS;
    case PAIR_LEAVE:
    case PAIR_REFUSE:
        break;
    }
    return false;
}

static int check_complete(const struct mailbox_pair *pair, struct error *err)
{
    bool needed = pair->action != PAIR_CREATE_REMOTE;
    if (!needed || (pair->remote.means != SURVEY_NONE && pair->remote.complete))
        return 0;
    return error_set(err, ERR_PROTOCOL, SCOPE_MAILBOX,
                     "the server does not list all messages of the mailbox, so that they cannot be "
                     "paired with the files here; nothing is changed");
}

/* Than the record, under the same UIDVALIDITY; also where only STATUS could be asked. */
static bool has_lower_uidnext(const struct mailbox_pair *pair)
{
    const struct index_mailbox *record = &pair->record;
    bool opened = pair->remote.means != SURVEY_NONE;
    bool by_status = pair->has_status && pair->status_uidvalidity == record->uidvalidity &&
                     pair->status_uidnext != 0 && pair->status_uidnext < record->uidnext;
    return record->id != 0 && (pair->went_back || (!opened && by_status));
}

/* Others may take the UIDs that a backup lacks before the next pass looks: then nothing tells any
 * more that they are not those of the records. The configuration may leave the mailbox out just
 * then. */
static int note_unpaired(struct pass *pass, const struct mailbox_pair *pair, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_mailbox record;
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = index_mailbox_get(txn, arena, pair->record.id, &record, err);
    record.doubt = MAILBOX_UNPAIRED_THERE;
    if (r == 0)
        r = index_mailbox_put(txn, &record, err);
    if (r == 0)
        r = index_commit(&txn, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

int survey_pairings(struct pass *pass, struct error *err)
{
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (!is_to_be_paired(pass, pair))
            continue;
        int r = check_complete(pair, err);
        if (r == 0)
            r = pair_mailbox(pass, pair, err);
        if (r < 0 && (r = pass_absorb(pass, pair, err)) < 0)
            return r;
    }
    return 0;
}

int survey_note_what_went_back(struct pass *pass, struct error *err)
{
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        bool is_known = pair->record.doubt == MAILBOX_UNPAIRED_THERE;
        if (pair->local_exists && pair->remote_exists && has_lower_uidnext(pair) && !is_known &&
            !pass->options->dry_run && note_unpaired(pass, pair, err) < 0)
            return -(int)err->code;
    }
    return 0;
}
