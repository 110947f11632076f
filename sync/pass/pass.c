#include "pass/pass.h"

#include "pass/state.h"

#include <stdio.h>

struct pass *pass_new(const struct config *config, const struct config_account *account,
                      const struct pass_options *options, struct report *report)
{
    struct pass *pass = xcalloc(1, sizeof *pass);
    *pass = (struct pass){
        .config = config,
        .account = account,
        .options = options,
        .report = report,
        .log = {.account = account->name},
        .arena = arena_new(),
        .maildir = maildir_new(&account->maildir),
        .keyword_ids = strmap_new(),
        .keyword_sets = strmap_new(),
        .lock_fd = -1,
    };
    return pass;
}

void pass_free(struct pass **pass_pointer)
{
    struct pass *pass = *pass_pointer;
    VEC_FOREACH (struct mailbox_pair, pair, &pass->pairs) {
        remote_delta_clear(&pair->remote);
        local_delta_clear(&pair->local);
        seqset_free(&pair->unfetched);
        seqset_free(&pair->leaving);
        if (pair->pairing != NULL) {
            vec_free(&pair->pairing->held);
            vec_free(&pair->pairing->intents);
        }
    }
    vec_free(&pass->pairs);
    state_close(pass);
    strmap_free(&pass->keyword_ids);
    strmap_free(&pass->keyword_sets);
    vec_free(&pass->keyword_names);
    maildir_free(&pass->maildir);
    arena_free(&pass->arena);
    xfree(pass_pointer);
}

bool pass_is_unpaired(const struct mailbox_pair *pair)
{
    return pair->record.id == 0 || pair->renumbered || pair->record.doubt != MAILBOX_HOLDS;
}

int pass_local_change(struct pass *pass, struct error *err)
{
    if (pass->local_changed)
        return 0;
    if (state_begin_changes(pass, err) < 0)
        return error_widen(err, SCOPE_ACCOUNT);
    pass->local_changed = true;
    return 0;
}

int pass_knows_uid(struct pass *pass, const struct mailbox_pair *pair, uint32_t uid,
                   bool *known_out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    AUTO_ARENA struct arena *arena = arena_new();
    struct index_message record;
    struct error lookup = ERROR_INIT;
    int r = index_begin_read(pass->index, &txn, err);
    if (r < 0)
        return r;
    r = index_message_get(txn, arena, pair->record.id, uid, &record, &lookup);
    *known_out = r == 0;
    if (r == 0 || lookup.code == ERR_NOT_FOUND)
        return 0;
    *err = lookup;
    return r;
}

int pass_fact_get(struct pass *pass, const char *key, struct str *out, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    *out = STR_EMPTY;
    int r = index_begin_read(pass->index, &txn, err);
    return r < 0 ? r : index_fact_get(txn, pass->arena, key, out, err);
}

int pass_fact_put(struct pass *pass, const char *key, struct str value, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_write(pass->index, &txn, err);
    if (r == 0)
        r = index_fact_put(txn, key, value, err);
    return r < 0 ? r : index_commit(&txn, err);
}

int64_t pass_now_ms(const struct pass *pass)
{
    return clock_wall_ms(pass->options->clock);
}

int pass_check_cancelled(const struct pass *pass, struct error *err)
{
    const struct wake *wake = pass->options->wake;
    if (wake == NULL || !wake_is_signalled(wake))
        return 0;
    return error_set(err, ERR_CANCELLED, SCOPE_CANCELLED, "interrupted");
}

void pass_progress(struct pass *pass, enum progress_stage stage, const struct mailbox_pair *pair,
                   uint64_t done, uint64_t total)
{
    const struct progress_sink *sink = pass->options->progress;
    if (sink == NULL)
        return;
    pass->progress.stage = stage;
    pass->progress.account = pass->account->name;
    pass->progress.mailbox = pair != NULL ? pair->record.utf8.ptr : NULL;
    pass->progress.done = done;
    pass->progress.total = total;
    sink->update(sink->self, &pass->progress);
}

struct log_scope pass_log_scope(const struct pass *pass, const struct mailbox_pair *pair)
{
    return (struct log_scope){.account = pass->account->name,
                              .mailbox = pair != NULL ? pair->record.utf8.ptr : NULL};
}

int pass_absorb(struct pass *pass, struct mailbox_pair *pair, struct error *err)
{
    if (!error_is_set(err))
        return 0;
    pair->remote_blocked = pair->local_blocked = true;
    if (err->scope > SCOPE_MAILBOX)
        return -(int)err->code;
    struct log_scope scope = pass_log_scope(pass, pair);
    log_error(&scope, "%s", err->text);
    if (!error_is_set(&pair->error))
        pair->error = *err;
    error_clear(err);
    return 0;
}
