#include "sync/state.h"

#include "base/files.h"
#include "store/marker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

bool state_is_fresh(const struct pass *pass)
{
    return pass->identity[0] == '\0';
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
    pass->generation = meta.generation;
    return 0;
}

/* A Maildir whose account was never completed by a first run: the marker of generation 0 was
 * written, and nothing after it. */
static bool is_birth_marker(const struct marker *marker)
{
    return marker->generation == 0;
}

static int check_first_run(struct pass *pass, int found, const struct marker *marker,
                           struct error *err)
{
    if (found && !is_birth_marker(marker))
        return error_set(
            err, ERR_REFUSED, SCOPE_ACCOUNT,
            "the Maildir %s was synced before (account \"%s\"), but its index in %s is "
            "lost; pairing its messages again is not built yet, so nothing is changed: "
            "restore the index, or use another Maildir",
            maildir_root(pass->maildir), marker->account, pass->state_dir);
    return 0;
}

static int check_known(struct pass *pass, int found, const struct marker *marker, struct error *err)
{
    const char *root = maildir_root(pass->maildir);
    if (!found)
        return error_set(err, ERR_READ, SCOPE_ACCOUNT,
                         "the Maildir %s has no .maildird marker although it was synced before: is "
                         "its disk mounted? Nothing is changed until the marker is back",
                         root);
    if (strcmp(marker->identity, pass->identity) != 0)
        return error_set(
            err, ERR_REFUSED, SCOPE_ACCOUNT,
            "the Maildir %s belongs to another index (account \"%s\"); check `maildir` "
            "and `state_dir` in the configuration",
            root, marker->account);
    if (marker->generation != pass->generation && marker->generation != pass->generation + 1)
        return error_set(
            err, ERR_REFUSED, SCOPE_ACCOUNT,
            "the %s was restored from a backup (generation %llu of the Maildir, %llu of "
            "the index); pairing its messages again is not built yet, so nothing is "
            "changed",
            marker->generation < pass->generation ? "Maildir" : "index",
            (unsigned long long)marker->generation, (unsigned long long)pass->generation);
    return 0;
}

static int check_marker(struct pass *pass, struct error *err)
{
    struct marker marker = {0};
    int exists = maildir_exists(pass->maildir, err);
    if (exists < 0)
        return exists;
    if (!exists && !state_is_fresh(pass))
        return error_set(err, ERR_READ, SCOPE_ACCOUNT,
                         "the Maildir %s is missing although it was synced before: is its disk "
                         "mounted? Nothing is changed until it is back",
                         maildir_root(pass->maildir));
    int found = exists ? marker_read(maildir_root(pass->maildir), &marker, err) : 0;
    if (found < 0)
        return found;
    return state_is_fresh(pass) ? check_first_run(pass, found, &marker, err)
                                : check_known(pass, found, &marker, err);
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

int state_refuse_existing(struct pass *pass, struct error *err)
{
    if (!state_is_fresh(pass))
        return 0;
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (pair->local.fresh.len == 0)
            continue;
        return error_set(err, ERR_REFUSED, SCOPE_ACCOUNT,
                         "the Maildir %s already holds mail (%zu message(s) in %s) and was never "
                         "synced by maildird; pairing it with the server is not built yet, so "
                         "nothing is changed: begin with an empty or new directory",
                         maildir_root(pass->maildir), pair->local.fresh.len, pair->record.path.ptr);
    }
    return 0;
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
    return r < 0 ? r : index_commit(&txn, err);
}

int state_begin(struct pass *pass, struct error *err)
{
    if (!state_is_fresh(pass))
        return 0;
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
    file_close(&pass->lock_fd);
}
