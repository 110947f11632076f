#include "survey/local.h"

#include "reconcile/flags.h"
#include "pass/keywords.h"

#include <stdlib.h>

/*
 * A scan gives every file of a folder; the index gives every file that it expects there. What the
 * scan lacks was removed or moved away, what only the scan has is new here, and a file's letters
 * against the record's flags are the flag changes. Only these differences are kept: of a file that
 * is as its record says, nothing but the UID, and that until the folder was compared.
 *
 * Such a file is let go as soon as it is met, by what was known then. So where a record has several
 * files, of which one stands, and where the table of keywords changed meanwhile, the folder is
 * scanned again: the files of these records are kept, and at last all files.
 *
 * Files named in an open intent are neither new nor gone: an APPEND of theirs may have happened
 * (law 2). The intents are read with the records, in one transaction and after the files, for they
 * become records: a dry run takes no lock, and may look while a pass stores what it fetched. Of a
 * file that was let go, the record tells all there is to know.
 */

/* Looks at the folders beyond the first. */
#define ROUNDS_MAX 3

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

VEC_STRUCT(uid_vec, uint32_t);

/* Comparison of one folder with the index. */
struct comparison {
    struct pass *pass;
    struct mailbox_pair *pair;
    struct arena *arena;   /* of what the index says of one file */
    struct seqset doubled; /* records with several files: these are kept */
    struct index_txn *txn; /* during the scan; NULL: all files are kept */
    struct uid_vec met;    /* records whose files were met, one for each file; then sorted */
    size_t compared;       /* how many of these lie before the record being compared */
    uint32_t letters;      /* that files have, a bit each */
    struct error error;    /* why what the index says could not be read */
    struct maildir_snapshot snapshot;
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

static bool is_expected(const struct index_message *record)
{
    return record->state == MESSAGE_SYNCED || record->state == MESSAGE_GONE_THERE;
}

/* What is where an interrupted run was about to expunge is looked at in any case. */
static bool is_as_agreed(const struct comparison *c, const struct index_message *record,
                         const struct maildir_file *file)
{
    return is_expected(record) && !seqset_contains(&c->pair->leaving, record->uid) &&
           (record->state != MESSAGE_SYNCED ||
            (file->parsed.flags == record->flags.system && !keywords_differ(c, record, file)));
}

/* Whether a file of the record was met. Records come in the order of their UIDs. */
static bool was_met(struct comparison *c, uint32_t uid)
{
    while (c->compared < c->met.len && c->met.items[c->compared] < uid)
        c->compared++;
    return c->compared < c->met.len && c->met.items[c->compared] == uid;
}

static void compare_record(struct comparison *c, const struct index_message *record)
{
    if (record->base.len == 0)
        return;
    const struct maildir_file *file = maildir_snapshot_find(&c->snapshot, record->base);
    if (file == NULL) {
        if (is_expected(record) && !was_met(c, record->uid))
            seqset_add(&c->pair->local.gone, record->uid);
        return;
    }
    c->owned[file - c->snapshot.files.items] = 1;
    if (!is_as_agreed(c, record, file))
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
        const struct maildir_file *file = maildir_snapshot_find(&c->snapshot, intent.message.base);
        if (file == NULL)
            continue;
        /* Once the intent is settled the file must be found again: the folder's times stay
         * unstored. */
        c->owned[file - c->snapshot.files.items] = 1;
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
    for (size_t i = 0; i < c->snapshot.files.len; i++) {
        if (c->owned[i])
            continue;
        struct local_file fresh = {.file = keep_file(c->pass, &c->snapshot.files.items[i])};
        fresh.flags = keywords_of_file(c->pass, c->pair, &fresh.file.parsed);
        vec_push(&c->pair->local.fresh, fresh);
    }
}

/* ---- which files are kept ---- */

static void forget_met(void *self)
{
    struct comparison *c = self;
    vec_clear(&c->met);
    c->letters = 0;
}

static bool is_wanted(void *self, const struct maildir_file *file)
{
    struct comparison *c = self;
    c->letters |= keywords_letters_in(file->parsed.letters);
    if (c->txn == NULL || error_is_set(&c->error))
        return true;
    struct index_message record;
    struct error err = ERROR_INIT;
    arena_reset(c->arena);
    int r = index_message_by_file(c->txn, c->arena, c->pair->record.id, file->parsed.base, &record,
                                  &err);
    if (r < 0) {
        if (err.code != ERR_NOT_FOUND)
            c->error = err;
        return true;
    }
    vec_push(&c->met, record.uid);
    return !is_as_agreed(c, &record, file) || seqset_contains(&c->doubled, record.uid);
}

static int compare_uids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Puts `met` in order. Whether a record has several files of which not all were kept. */
static bool find_doubled(struct comparison *c)
{
    bool found = false;
    if (c->met.len > 0)
        qsort(c->met.items, c->met.len, sizeof *c->met.items, compare_uids);
    for (size_t i = 1; i < c->met.len; i++) {
        uint32_t uid = c->met.items[i];
        if (uid == c->met.items[i - 1] && !seqset_contains(&c->doubled, uid)) {
            seqset_add(&c->doubled, uid);
            found = true;
        }
    }
    return found;
}

static int scan_files(struct comparison *c, bool all, struct error *err)
{
    const struct maildir_filter filter = {forget_met, is_wanted, c};
    AUTO_TXN struct index_txn *txn = NULL;
    int r = all ? 0 : index_begin_read(c->pass->index, &txn, err);
    c->txn = txn;
    if (r == 0)
        r = maildir_scan_filtered(c->pass->maildir, c->pair->record.path.ptr, &filter, &c->snapshot,
                                  err);
    c->txn = NULL;
    if (r == 0 && error_is_set(&c->error)) {
        *err = c->error;
        r = -(int)err->code;
    }
    return r;
}

/* The table is read after the files: a program that makes up a keyword writes the table first. 1 if
 * it is as it was before. */
static int learn_letters(struct comparison *c, struct error *err)
{
    struct keyword_letters *letters = &c->pair->letters;
    struct keyword_letters before = *letters;
    int r = keywords_read_letters(c->pass, c->pair, err);
    for (unsigned i = 0; i < 26 && r == 0; i++)
        letters->seen |= letters->ids[i] != 0 ? 1u << i : 0;
    letters->taken |= c->letters;
    return r < 0 ? r : memcmp(before.ids, letters->ids, sizeof before.ids) == 0;
}

#define SCANS_FILTERED 3

static int scan_folder(struct comparison *c, struct error *err)
{
    bool all = pass_is_unpaired(c->pair);
    int r = keywords_read_letters(c->pass, c->pair, err);
    for (int scans = 1; r == 0; scans++) {
        if ((r = scan_files(c, all, err)) < 0 || (r = learn_letters(c, err)) < 0)
            return r;
        bool again = find_doubled(c) || r == 0;
        r = 0;
        if (all || !again)
            break;
        all = scans == SCANS_FILTERED;
        maildir_snapshot_free(&c->snapshot);
    }
    return r;
}

static int compare_folder(struct comparison *c, struct error *err)
{
    int r = scan_folder(c, err);
    if (r < 0)
        return r;
    struct mailbox_pair *pair = c->pair;
    struct local_delta *delta = &pair->local;
    local_delta_clear(delta);
    delta->scanned = true;
    delta->times = c->snapshot.times;
    delta->settled = c->snapshot.settled;
    delta->directory_replaced =
        pair->record.cur_inode != 0 && pair->record.cur_inode != c->snapshot.times.cur_inode;
    c->owned = xcalloc(c->snapshot.files.len + 1, 1);
    if (!pass_is_unpaired(pair))
        r = compare_with_index(c, err);
    if (r == 0)
        note_fresh(c);
    return r;
}

static int scan(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct comparison c = {.pass = pass, .pair = pair, .arena = arena, .error = ERROR_INIT};
    int r = compare_folder(&c, err);
    xfree(&c.owned);
    maildir_snapshot_free(&c.snapshot);
    vec_free(&c.met);
    seqset_free(&c.doubled);
    return r;
}

/* It was listed in this pass: one that is not there was renamed or removed since, and nobody knows
 * what it held. */
static int went_away(const struct mailbox_pair *pair, struct error *err)
{
    error_clear(err);
    return error_set(err, ERR_CHANGED, SCOPE_MAILBOX,
                     "the folder %s went away while the Maildir was looked at; the next pass sees "
                     "what became of it",
                     pair->record.path.ptr);
}

static int survey_folder(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    struct maildir_times times;
    int r = maildir_stat(pass->maildir, pair->record.path.ptr, &times, err);
    if (r < 0)
        return r;
    if (!pass->options->full && !pass_is_unpaired(pair) &&
        times_match_record(&times, &pair->record)) {
        pair->local.times = times;
        pair->local.settled = true;
        return 0;
    }
    return scan(pass, pair, err);
}

int local_survey(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    int r = pass_check_cancelled(pass, err);
    if (r == 0)
        r = survey_folder(pass, pair, err);
    return r == -ERR_NOT_FOUND ? went_away(pair, err) : r;
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

static int scan_changed(struct pass *pass, struct error *err)
{
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        if (pair->action != PAIR_SYNC || !pair->local_exists || error_is_set(&pair->error) ||
            local_is_unchanged(pass, pair))
            continue;
        int r = scan(pass, pair, err);
        if (r == -ERR_NOT_FOUND)
            r = went_away(pair, err);
        if (r < 0 && (r = pass_absorb(pass, pair, err)) < 0)
            return r;
    }
    return 0;
}

static uint64_t count_gone(const struct pass *pass)
{
    uint64_t gone = 0;
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs)
        gone += seqset_count(&pair->local.gone);
    return gone;
}

int local_survey_again(struct pass *pass, struct error *err)
{
    uint64_t before = 0;
    int r = 0;
    for (int round = 0; r == 0 && count_gone(pass) > before && round < ROUNDS_MAX; round++) {
        before = count_gone(pass);
        r = scan_changed(pass, err);
    }
    pass->moving_here = pass->moving_here || count_gone(pass) > before;
    return r;
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
