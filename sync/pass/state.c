#include "pass/state.h"

#include "base/files.h"
#include "store/marker.h"
#include "reconcile/names.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/*
 * The generations (law 6). A pass that changes something takes a number that no pass before it had,
 * notes it in the index as begun, together with the marker's number until then; raises the marker
 * to it; notes that the marker is raised; and when all is done, the number is the index's. After a
 * crash the marker has the number that was begun, or the one before, if it was not raised yet. A
 * marker above all that was begun says that the index is an older one; any other, that the Maildir
 * is. The numbers are never used twice, also not by the pass after a crash: else a backup that was
 * made in between would pass for what came after it. A number that a crash left in the marker need
 * not be on the disk: it is, before the index is told anything that builds on it.
 */
static const char BEGUN_FACT[] = "begun";

/* Until every folder that was here at the first run is in the index. */
static const char FIRST_RUN_FACT[] = "first-run";

/* Whether this account has never been synced. */
static bool state_is_fresh(const struct pass *pass)
{
    return pass->identity[0] == '\0';
}

static int read_begun(struct pass *pass, struct index_txn *txn, struct error *err)
{
    struct str fact, word;
    int r = index_fact_get(txn, pass->arena, BEGUN_FACT, &fact, err);
    if (r == 0 && str_split(&fact, ' ', &word) && str_to_u64(word, &pass->begun))
        (void)str_to_u64(fact, &pass->before_begun);
    return r;
}

static int put_begun(struct pass *pass, uint64_t begun, uint64_t before, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    char text[48];
    snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64, begun, before);
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = index_fact_put(txn, BEGUN_FACT, str_from(text), err);
    return r < 0 ? r : index_commit(&txn, err);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

int state_begin_changes(struct pass *pass, struct error *err)
{
    uint64_t last = larger(pass->generation, larger(pass->begun, pass->marker_generation));
    struct marker marker = {.generation = last + 1};
    snprintf(marker.account, sizeof marker.account, "%s", pass->account->name);
    snprintf(marker.identity, sizeof marker.identity, "%s", pass->identity);
    int r = put_begun(pass, marker.generation, pass->marker_generation, err);
    if (r == 0)
        r = marker_write(maildir_root(pass->maildir), &marker, err);
    if (r == 0)
        r = put_begun(pass, marker.generation, marker.generation, err);
    if (r < 0)
        return r;
    pass->begun = pass->before_begun = pass->marker_generation = marker.generation;
    return 0;
}

static int read_meta(struct pass *pass, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_meta meta;
    int r = index_begin_read(pass->index, &txn, err);
    if (r == 0)
        r = index_meta_get(txn, &meta, err);
    if (r < 0 && err->code == ERR_NOT_FOUND) {
        error_clear(err);
        return 0;
    }
    if (r < 0)
        return r;
    snprintf(pass->identity, sizeof pass->identity, "%s", meta.identity);
    pass->generation = pass->begun = pass->before_begun = meta.generation;
    if (read_begun(pass, txn, err) < 0)
        return -(int)err->code;
    struct str first_run;
    r = index_fact_get(txn, pass->arena, FIRST_RUN_FACT, &first_run, err);
    if (r < 0 && err->code != ERR_NOT_FOUND)
        return r;
    pass->first_run = r == 0 && first_run.len > 0;
    error_clear(err);
    return 0;
}

/* What the first run is onto, if anything was here before (law 6). */
static void check_first_run(struct pass *pass, int found, const struct marker *marker)
{
    pass->first_run = true;
    if (found && marker->generation != 0)
        log_warning(&pass->log,
                    "the Maildir %s was synced before, but its index in %s is lost: it is made "
                    "anew, and the messages are paired again by content",
                    maildir_root(pass->maildir), pass->state_dir);
}

/* How the marker stands to the index. */
static enum mailbox_doubt doubt_of(const struct pass *pass, const struct marker *marker)
{
    bool at_rest = pass->begun <= pass->generation;
    uint64_t newest = at_rest ? pass->generation : pass->begun;
    if (marker->generation > newest)
        return MAILBOX_UNPAIRED;
    bool fits =
        marker->generation == newest || (!at_rest && marker->generation == pass->before_begun);
    return fits ? MAILBOX_HOLDS : MAILBOX_UNPAIRED_OLDER;
}

static void note_doubt(struct pass *pass, const struct marker *marker)
{
    pass->doubt = doubt_of(pass, marker);
    if (pass->doubt != MAILBOX_HOLDS)
        log_warning(&pass->log,
                    "the %s was restored from a backup (generation %llu of the Maildir, %llu of "
                    "the index): the messages are paired again by content",
                    pass->doubt == MAILBOX_UNPAIRED_OLDER ? "Maildir" : "index",
                    (unsigned long long)marker->generation, (unsigned long long)pass->generation);
    if (pass->doubt == MAILBOX_HOLDS && pass->options->adopt)
        pass->doubt_of_targets = MAILBOX_UNPAIRED;
}

static int check_known(struct pass *pass, int found, const struct marker *marker, struct error *err)
{
    const char *root = maildir_root(pass->maildir);
    bool ours = found && strcmp(marker->identity, pass->identity) == 0;
    pass->marker_found = ours;
    pass->marker_generation = found ? marker->generation : 0;
    if (ours) {
        note_doubt(pass, marker);
        return 0;
    }
    /* Which Maildir this is nobody knows: what its files' letters say may be old. */
    pass->doubt = MAILBOX_UNPAIRED_OLDER;
    if (pass->options->adopt)
        return 0;
    if (!found)
        return error_set(err, ERR_READ, SCOPE_ACCOUNT,
                         "the Maildir %s has no .maildird marker although it was synced before: is "
                         "its disk mounted? Nothing is changed until the marker is back, or "
                         "`maildird adopt %s` is run",
                         root, pass->account->name);
    return error_set(err, ERR_REFUSED, SCOPE_ACCOUNT,
                     "the Maildir %s belongs to another index (account \"%s\"); check `maildir` "
                     "and `state_dir` in the configuration, or run `maildird adopt %s`",
                     root, marker->account, pass->account->name);
}

static int check_marker(struct pass *pass, struct error *err)
{
    struct marker marker = {0};
    int exists = maildir_exists(pass->maildir, err);
    if (exists < 0)
        return exists;
    if (!exists && !state_is_fresh(pass) && !pass->options->adopt)
        return error_set(err, ERR_READ, SCOPE_ACCOUNT,
                         "the Maildir %s is missing although it was synced before: is its disk "
                         "mounted? Nothing is changed until it is back",
                         maildir_root(pass->maildir));
    int found = exists ? marker_read(maildir_root(pass->maildir), &marker, err) : 0;
    if (found < 0)
        return found;
    if (!state_is_fresh(pass))
        return check_known(pass, found, &marker, err);
    check_first_run(pass, found, &marker);
    return 0;
}

/* Never repaired in place: what is not certain would end in deletions. */
static int set_aside(struct pass *pass, struct error *err)
{
    AUTO_FREE char *aside = NULL;
    int r = index_set_aside(pass->state_dir, pass_now_ms(pass) / 1000, &aside, err);
    if (r == 0)
        log_warning(&pass->log,
                    "the index is set aside as %s; a new one is made from both sides, messages "
                    "paired by what they hold",
                    aside);
    return r;
}

static int open_index(struct pass *pass, struct error *err)
{
    enum index_opened opened;
    const char *dir = pass->state_dir;
    if (pass->options->dry_run && !index_exists(dir)) {
        AUTO_FREE char *template = path_join(path_temporary(), "maildird-dry-run-XXXXXX");
        if (mkdtemp(template) == NULL)
            return error_set(err, ERR_WRITE, SCOPE_ACCOUNT,
                             "cannot make a temporary directory for the dry run");
        pass->scratch_dir = arena_strdup(pass->arena, template);
        return index_open(pass->scratch_dir, &pass->index, &opened, err);
    }
    bool needs_lock = !pass->options->dry_run && !pass->options->has_lock;
    int r = needs_lock ? index_lock(dir, &pass->lock_fd, err) : 0;
    if (r < 0)
        return r;
    r = index_open(dir, &pass->index, &opened, err);
    if (r == 0 || err->code != ERR_DAMAGED || pass->options->dry_run)
        return r;
    log_warning(&pass->log, "%s", err->text);
    error_clear(err);
    r = set_aside(pass, err);
    return r < 0 ? r : index_open(dir, &pass->index, &opened, err);
}

int state_open(struct pass *pass, struct error *err)
{
    pass->state_dir = config_state_dir(pass->config, pass->account, pass->arena);
    if (pass->account->sync.keep_deleted_s > 0)
        pass->keep_dir = arena_printf(pass->arena, "%s/deleted", pass->state_dir);
    int r = open_index(pass, err);
    if (r == 0)
        r = read_meta(pass, err);
    if (r == 0)
        r = check_marker(pass, err);
    if (r == 0 && pass->keep_dir != NULL && !pass->options->dry_run)
        r = maildir_keep_expire(pass->keep_dir, pass->account->sync.keep_deleted_s,
                                pass_now_ms(pass) / 1000, err);
    return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
}

static int make_identity(char out[33], struct error *err)
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return error_set(err, ERR_DEFECT, SCOPE_ACCOUNT, "no random numbers to be had");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static int put_meta(struct pass *pass, const struct marker *marker, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index_meta meta = {.generation = 0};
    snprintf(meta.account, sizeof meta.account, "%s", marker->account);
    snprintf(meta.identity, sizeof meta.identity, "%s", marker->identity);
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = index_meta_put(txn, &meta, err);
    if (r == 0)
        r = index_fact_put(txn, FIRST_RUN_FACT, STR("1"), err);
    return r < 0 ? r : index_commit(&txn, err);
}

static bool is_first_run_complete(const struct pass *pass)
{
    for (size_t i = 0; i < pass->pairs.len; i++) {
        const struct mailbox_pair *pair = &pass->pairs.items[i];
        bool waits = pair->action == PAIR_SYNC || pair->action == PAIR_CREATE_REMOTE;
        if (waits && pair->local_exists && pair->record.id == 0)
            return false;
    }
    return true;
}

int state_end_first_run(struct pass *pass, struct index_txn *txn, struct error *err)
{
    if (!pass->first_run || pass->options->adopt || !is_first_run_complete(pass))
        return 0;
    return index_fact_put(txn, FIRST_RUN_FACT, STR_EMPTY, err);
}

/* ---- doubt: one side, or the index, is not what it was ---- */

static enum mailbox_doubt doubt_for(const struct pass *pass, const struct index_mailbox *mailbox)
{
    enum mailbox_doubt doubt = mailbox->doubt;
    if (pass->doubt > doubt)
        doubt = pass->doubt;
    if (pass->doubt_of_targets > doubt && names_targeted(pass->options->mailboxes, mailbox->utf8))
        doubt = pass->doubt_of_targets;
    return doubt;
}

void state_doubt(const struct pass *pass, struct index_mailbox *mailbox)
{
    mailbox->doubt = doubt_for(pass, mailbox);
}

static int put_doubts(struct pass *pass, uint64_t generation, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_mailbox mailbox;
    struct index_meta meta;
    uint32_t cursor = 0;
    int r = index_begin_write(pass->index, &txn, err);
    while (r >= 0 && (r = index_mailbox_next(txn, arena, &cursor, &mailbox, err)) > 0) {
        enum mailbox_doubt doubt = doubt_for(pass, &mailbox);
        if (doubt == mailbox.doubt)
            continue;
        mailbox.doubt = doubt;
        r = index_mailbox_put(txn, &mailbox, err);
    }
    if (r == 0)
        r = index_meta_get(txn, &meta, err);
    meta.generation = generation;
    if (r == 0)
        r = index_meta_put(txn, &meta, err);
    return r < 0 ? r : index_commit(&txn, err);
}

/* The marker's bytes are on the disk before it has its name: the name may not be. */
static int flush_marker(const struct pass *pass, struct error *err)
{
    bool is_noted = pass->marker_generation == pass->before_begun;
    bool sure = !pass->marker_found || is_noted;
    return sure ? 0 : file_sync_dir(AT_FDCWD, maildir_root(pass->maildir), err);
}

/* The doubt is durable before marker and index agree again: what an interrupted run leaves is
 * either still seen by the generations, or noted with each mailbox. */
static int settle_doubt(struct pass *pass, struct error *err)
{
    struct marker marker = {.generation = pass->generation};
    int r = flush_marker(pass, err);
    if (r < 0 || (pass->doubt == MAILBOX_HOLDS && pass->doubt_of_targets == MAILBOX_HOLDS))
        return r;
    if (pass->doubt != MAILBOX_HOLDS)
        marker.generation = larger(pass->generation, larger(pass->begun, pass->marker_generation));
    r = put_doubts(pass, marker.generation, err);
    if (r < 0 || pass->doubt == MAILBOX_HOLDS)
        return r;
    pass->generation = pass->begun = marker.generation;
    if (pass->marker_found && pass->marker_generation == marker.generation)
        return 0;
    snprintf(marker.account, sizeof marker.account, "%s", pass->account->name);
    snprintf(marker.identity, sizeof marker.identity, "%s", pass->identity);
    r = maildir_create_root(pass->maildir, err);
    if (r == 0)
        r = marker_write(maildir_root(pass->maildir), &marker, err);
    pass->marker_generation = marker.generation;
    return r;
}

int state_begin(struct pass *pass, struct error *err)
{
    if (!state_is_fresh(pass))
        return settle_doubt(pass, err) < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
    struct marker marker = {.generation = 0};
    snprintf(marker.account, sizeof marker.account, "%s", pass->account->name);
    int r = make_identity(marker.identity, err);
    if (r == 0)
        r = maildir_create_root(pass->maildir, err);
    if (r == 0)
        r = marker_write(maildir_root(pass->maildir), &marker, err);
    if (r == 0)
        r = put_meta(pass, &marker, err);
    if (r < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    snprintf(pass->identity, sizeof pass->identity, "%s", marker.identity);
    return 0;
}

static void remove_scratch(const char *dir)
{
    static const char *const names[] = {"index.mdb", "index.mdb-lock", "lock"};
    struct error ignored = ERROR_INIT;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        AUTO_FREE char *path = path_join(dir, names[i]);
        file_unlink(AT_FDCWD, path, &ignored);
    }
    rmdir(dir);
}

void state_close(struct pass *pass)
{
    index_close(&pass->index);
    if (pass->scratch_dir != NULL)
        remove_scratch(pass->scratch_dir);
    if (pass->index_damaged && !pass->options->dry_run) {
        struct error err = ERROR_INIT;
        if (set_aside(pass, &err) < 0)
            log_error(&pass->log, "%s", err.text);
    }
    file_close(&pass->lock_fd);
}
