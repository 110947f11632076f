#include "survey/survey.h"

#include "reconcile/folders.h"
#include "pass/state.h"
#include "pass/view.h"
#include "survey/careful.h"
#include "survey/extents.h"
#include "survey/local.h"
#include "survey/recover.h"
#include "survey/remote.h"
#include "survey/removal.h"
#include "survey/renamed.h"
#include "survey/survey_pairing.h"
#include "survey/told.h"

static int read_known(struct pass *pass, struct index_mailbox **out, size_t *len_out,
                      struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    VEC(struct index_mailbox) known = {0};
    struct index_mailbox mailbox;
    uint32_t cursor = 0;
    int r = index_begin_read(pass->index, &txn, err);
    while (r >= 0 && (r = index_mailbox_next(txn, pass->arena, &cursor, &mailbox, err)) > 0) {
        state_doubt(pass, &mailbox);
        vec_push(&known, mailbox);
    }
    *out = known.items;
    *len_out = known.len;
    return r;
}

/* ---- the folders ---- */

#define LISTINGS_MAX 5

static bool lacks_one(const struct maildir_folders *listed, const struct index_mailbox *known,
                      size_t known_len)
{
    for (size_t i = 0; i < known_len; i++) {
        if (known[i].cur_inode != 0 && !maildir_folders_have(listed, known[i].path.ptr))
            return true;
    }
    return false;
}

static bool are_same(const struct maildir_folders *a, const struct maildir_folders *b)
{
    bool same = a->len == b->len;
    for (size_t i = 0; i < a->len && same; i++)
        same = strcmp(a->items[i].path, b->items[i].path) == 0;
    return same;
}

/* What gets another name while it is looked for may be met under neither: before one that is known
 * counts as gone two lists must agree (law 1). */
static int list_folders(struct pass *pass, const struct index_mailbox *known, size_t known_len,
                        struct error *err)
{
    int r = local_folders(pass, &pass->folders, err);
    bool certain = r < 0 || !lacks_one(&pass->folders, known, known_len);
    for (int more = LISTINGS_MAX - 1; !certain && more > 0; more--) {
        const struct maildir_folders before = pass->folders;
        r = local_folders(pass, &pass->folders, err);
        certain = r < 0 || are_same(&before, &pass->folders);
    }
    return certain ? r
                   : error_set(err, ERR_CHANGED, SCOPE_ACCOUNT,
                               "the folders of %s change faster than they can be listed",
                               maildir_root(pass->maildir));
}

/* ---- the mailboxes ---- */

static void note_refusals(struct pass *pass)
{
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        struct error err = ERROR_INIT;
        if (pair->action == PAIR_REFUSE && pair->why != NULL) {
            error_set(&err, ERR_REFUSED, SCOPE_MAILBOX, "%s", pair->why);
            pass_absorb(pass, pair, &err);
        }
    }
}

int survey_mailboxes(struct pass *pass, struct error *err)
{
    struct remote_list remote;
    struct index_mailbox *known = NULL;
    size_t known_len = 0;
    struct renamed renamed = {0};
    bool reconfigured = false;
    remote_learn_space(pass);
    int r = read_known(pass, &known, &known_len, err);
    if (r == 0) {
        told_choose(pass, known, known_len);
        r = remote_list(pass, &remote, err);
    }
    if (r == 0)
        r = list_folders(pass, known, known_len, err);
    if (r == 0)
        r = renamed_find(pass, &remote, &pass->folders, known, known_len, &renamed, err);
    if (r == 0)
        r = view_has_changed(pass, &reconfigured, err);
    if (r == 0) {
        struct names_space space = remote_space(pass);
        const struct folders_input input = {
            .account = pass->account,
            .space = &space,
            .targets = pass->options->mailboxes,
            .remote = &remote,
            .known = known,
            .known_len = known_len,
            .local = &pass->folders,
            .maildir = pass->maildir,
            .remote_is = renamed.remote_is,
            .local_is = renamed.local_is,
            .untold = renamed.untold,
            .reconfigured = reconfigured,
        };
        folders_pair(&input, pass->arena, &pass->pairs);
        note_refusals(pass);
        r = removal_confirm(pass, err);
    }
    xfree(&known);
    return r;
}

static int survey_local(struct pass *pass, struct error *err)
{
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        bool here =
            pair->local_exists && (pair->action == PAIR_SYNC || pair->action == PAIR_CREATE_REMOTE);
        if (!here || error_is_set(&pair->error))
            continue;
        pass_progress(pass, PROGRESS_SURVEY, pair, 0, 0);
        if (local_survey(pass, pair, err) < 0) {
            int r = pass_absorb(pass, pair, err);
            if (r < 0)
                return r;
        }
    }
    return local_survey_again(pass, err);
}

static int survey_sides(struct pass *pass, struct error *err)
{
    int r = survey_mailboxes(pass, err);
    if (r == 0 && !pass->options->dry_run)
        r = recover_appends(pass, err);
    if (r == 0 && !pass->options->dry_run)
        r = careful_recover(pass, err);
    if (r == 0)
        r = recover_leaving(pass, err);
    if (r == 0)
        r = survey_local(pass, err);
    return r < 0 ? r : remote_survey(pass, err);
}

int survey(struct pass *pass, struct error *err)
{
    pass_progress(pass, PROGRESS_SURVEY, NULL, 0, 0);
    int r = survey_sides(pass, err);
    told_drop(pass); /* where it failed before it came to them */
    if (r == 0)
        r = removal_settle(pass, err);
    if (r == 0)
        r = survey_pairings(pass, err);
    struct error note_error = ERROR_INIT;
    if (survey_note_what_went_back(pass, &note_error) < 0 && r == 0) {
        *err = note_error;
        r = -(int)err->code;
    }
    return r < 0 ? r : extents_learn(pass, err);
}
