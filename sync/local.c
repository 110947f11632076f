#include "sync/local.h"

#include "sync/flags.h"
#include "sync/keywords.h"

#include <stdlib.h>

/*
 * A scan gives every file of a folder; the index gives every file that it expects there. What the
 * scan lacks was removed or moved away, what only the scan has is new here, and a file's letters
 * against the record's flags are the flag changes. Only these differences are kept: a folder of a
 * million files costs memory only while it is compared.
 *
 * Files named in an open intent are neither new nor gone: an APPEND of theirs may have happened
 * (law 2).
 */

int local_folders(struct pass *pass, struct maildir_folders *out, struct error *err)
{
    int r = maildir_exists(pass->maildir, err);
    if (r > 0)
        r = maildir_list(pass->maildir, pass->arena, out, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

static bool times_match_record(const struct maildir_times *times, const struct index_mailbox *m)
{
    return m->cur_mtime_ns != 0 && times->new_mtime_ns == m->new_mtime_ns &&
           times->cur_mtime_ns == m->cur_mtime_ns && times->new_inode == m->new_inode &&
           times->cur_inode == m->cur_inode;
}

static struct maildir_file keep_file(struct pass *pass, const struct maildir_file *file)
{
    struct maildir_file copy = *file;
    copy.name = arena_str(pass->arena, file->name);
    maildir_name_parse(pass->maildir, pass->arena, copy.name, &copy.parsed);
    return copy;
}

void local_delta_clear(struct local_delta *delta)
{
    vec_free(&delta->fresh);
    vec_free(&delta->changed);
    seqset_free(&delta->gone);
    *delta = (struct local_delta){0};
}

/* Comparison of one snapshot with the index. */
struct comparison {
    struct pass *pass;
    struct mailbox_pair *pair;
    const struct maildir_snapshot *snapshot;
    uint8_t *owned; /* per file of the snapshot: a record or an intent owns it */
};

static void note_changed(struct comparison *c, uint32_t uid, const struct maildir_file *file)
{
    struct local_file changed = {.uid = uid, .file = keep_file(c->pass, file)};
    changed.flags = keywords_of_file(c->pass, c->pair, &changed.file.parsed);
    vec_push(&c->pair->local.changed, changed);
}

/* Whether the letters say other than was agreed. A keyword without a letter says nothing; one whose
 * letter is new to the folder is to be written into the names. */
static bool keywords_differ(const struct comparison *c, const struct index_message *record,
                            const struct maildir_file *file)
{
    const struct keyword_letters *letters = &c->pair->letters;
    uint32_t agreed = 0, carried = 0;
    for (size_t i = 0; i < record->flags.keywords_len; i++) {
        int letter = flags_letter_of(letters, record->flags.keywords[i]);
        agreed |= letter >= 0 ? 1u << letter : 0;
    }
    for (size_t i = 0; i < file->parsed.letters.len && file->parsed.letters.ptr[i] != ','; i++) {
        char letter = file->parsed.letters.ptr[i];
        if (letter >= 'a' && letter <= 'z' && letters->ids[letter - 'a'] != 0)
            carried |= 1u << (letter - 'a');
    }
    return agreed != carried;
}

static void compare_record(struct comparison *c, const struct index_message *record)
{
    bool expected = record->state == MESSAGE_SYNCED || record->state == MESSAGE_GONE_THERE;
    if (record->base.len == 0)
        return;
    const struct maildir_file *file = maildir_snapshot_find(c->snapshot, record->base);
    if (file == NULL) {
        if (expected)
            seqset_add(&c->pair->local.gone, record->uid);
        return;
    }
    c->owned[file - c->snapshot->files.items] = 1;
    if (!expected ||
        (record->state == MESSAGE_SYNCED &&
         (file->parsed.flags != record->flags.system || keywords_differ(c, record, file))))
        note_changed(c, record->uid, file);
}

static int own_intents(struct comparison *c, struct index_txn *txn, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_intent intent;
    uint64_t cursor = 0;
    int r;
    while ((r = index_intent_next(txn, arena, &cursor, &intent, err)) > 0) {
        if (intent.message.mailbox != c->pair->record.id)
            continue;
        const struct maildir_file *file = maildir_snapshot_find(c->snapshot, intent.message.base);
        if (file == NULL)
            continue;
        /* Once the intent is settled the file must be found again: the folder's times stay
         * unstored. */
        c->owned[file - c->snapshot->files.items] = 1;
        c->pair->local_blocked = true;
    }
    return r;
}

static int compare_with_index(struct comparison *c, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(c->pass->index, &txn, err);
    if (r < 0)
        return r;
    AUTO_CURSOR struct index_cursor *cursor = NULL;
    if ((r = index_cursor_open(txn, c->pair->record.id, 1, &cursor, err)) < 0)
        return r;
    struct index_message record;
    while ((r = index_cursor_next(cursor, &record, err)) > 0)
        compare_record(c, &record);
    return r < 0 ? r : own_intents(c, txn, err);
}

static void note_fresh(struct comparison *c)
{
    for (size_t i = 0; i < c->snapshot->files.len; i++) {
        if (c->owned[i])
            continue;
        struct local_file fresh = {.file = keep_file(c->pass, &c->snapshot->files.items[i])};
        fresh.flags = keywords_of_file(c->pass, c->pair, &fresh.file.parsed);
        vec_push(&c->pair->local.fresh, fresh);
    }
}

/* The table is read after the files: a program that makes up a keyword writes the table first. */
static int learn_letters(struct comparison *c, struct error *err)
{
    struct keyword_letters *letters = &c->pair->letters;
    int r = keywords_read_letters(c->pass, c->pair, err);
    for (unsigned i = 0; i < 26 && r == 0; i++)
        letters->seen |= letters->ids[i] != 0 ? 1u << i : 0;
    for (size_t i = 0; i < c->snapshot->files.len && r == 0; i++) {
        struct str others = c->snapshot->files.items[i].parsed.letters;
        for (size_t k = 0; k < others.len && others.ptr[k] != ','; k++) {
            if (others.ptr[k] >= 'a' && others.ptr[k] <= 'z')
                letters->taken |= 1u << (others.ptr[k] - 'a');
        }
    }
    return r;
}

static int scan(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    struct maildir_snapshot snapshot = {0};
    int r = maildir_scan(pass->maildir, pair->record.path.ptr, &snapshot, err);
    if (r < 0)
        return r;
    local_delta_clear(&pair->local);
    struct local_delta *delta = &pair->local;
    delta->scanned = true;
    delta->times = snapshot.times;
    delta->settled = snapshot.settled;
    delta->directory_replaced =
        pair->record.cur_inode != 0 && pair->record.cur_inode != snapshot.times.cur_inode;
    struct comparison c = {.pass = pass,
                           .pair = pair,
                           .snapshot = &snapshot,
                           .owned = xcalloc(snapshot.files.len + 1, 1)};
    r = learn_letters(&c, err);
    if (r == 0 && !pass_is_unpaired(pair))
        r = compare_with_index(&c, err);
    if (r == 0)
        note_fresh(&c);
    xfree(&c.owned);
    maildir_snapshot_free(&snapshot);
    return r;
}

int local_survey(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    struct maildir_times times;
    int r = pass_check_cancelled(pass, err);
    if (r < 0 || (r = maildir_stat(pass->maildir, pair->record.path.ptr, &times, err)) < 0)
        return r;
    if (!pass->options->full && !pass_is_unpaired(pair) &&
        times_match_record(&times, &pair->record)) {
        pair->local.times = times;
        pair->local.settled = true;
        return 0;
    }
    return scan(pass, pair, err);
}

bool local_is_unchanged(struct pass *pass, const struct mailbox_pair *pair)
{
    struct maildir_times now;
    struct error err = ERROR_INIT;
    if (!pair->local_exists)
        return maildir_stat(pass->maildir, pair->record.path.ptr, &now, &err) == -ERR_NOT_FOUND;
    return pair->local.settled &&
           maildir_stat(pass->maildir, pair->record.path.ptr, &now, &err) == 0 &&
           maildir_times_equal(&now, &pair->local.times);
}

int local_survey_again(struct pass *pass, struct error *err)
{
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (pair->action != PAIR_SYNC || !pair->local_exists || error_is_set(&pair->error) ||
            local_is_unchanged(pass, pair))
            continue;
        int r = scan(pass, pair, err);
        if (r < 0 && (r = pass_absorb(pass, pair, err)) < 0)
            return r;
    }
    return 0;
}

static int by_base(const void *a, const void *b)
{
    return str_cmp(((const struct local_file *)a)->file.parsed.base,
                   ((const struct local_file *)b)->file.parsed.base);
}

static bool was_seen(const struct mailbox_pair *pair, const struct local_file *file)
{
    const struct local_vec *fresh = &pair->local.fresh;
    return fresh->len > 0 && bsearch(file, fresh->items, fresh->len, sizeof *file, by_base) != NULL;
}

int local_newcomers(struct pass *pass, const struct mailbox_pair *pair, struct local_delta *out,
                    struct error *err)
{
    struct mailbox_pair now = *pair;
    now.local = (struct local_delta){0};
    int r = scan(pass, &now, err);
    size_t kept = 0;
    for (size_t i = 0; i < now.local.fresh.len && r == 0; i++) {
        if (!was_seen(pair, &now.local.fresh.items[i]))
            now.local.fresh.items[kept++] = now.local.fresh.items[i];
    }
    now.local.fresh.len = kept;
    *out = now.local;
    return r;
}

uint32_t local_count(struct pass *pass, const struct mailbox_pair *pair)
{
    struct maildir_snapshot snapshot = {0};
    struct error err = ERROR_INIT;
    if (maildir_scan(pass->maildir, pair->record.path.ptr, &snapshot, &err) < 0)
        return 0;
    uint32_t count = (uint32_t)snapshot.files.len;
    maildir_snapshot_free(&snapshot);
    return count;
}
