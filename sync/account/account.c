#include "account/account.h"

#include "base/files.h"
#include "pass/broken.h"
#include "pass/keywords.h"
#include "pass/pool.h"
#include "pass/state.h"
#include "survey/extents.h"
#include "survey/plan.h"
#include "survey/recover.h"
#include "survey/remote.h"
#include "survey/survey.h"
#include "apply/apply.h"
#include "account/commit.h"

#include <stdio.h>

/* ---- the pass ---- */

static int apply_and_commit(struct pass *pass, struct plan *plan, struct error *err)
{
    int r = state_begin(pass, err);
    if (r == 0)
        r = apply_plan(pass, plan, err);
    if (r == 0)
        r = commit_pass(pass, plan, err);
    if (r == 0)
        r = extents_settle(pass, err);
    return r;
}

static int decide_and_do(struct pass *pass, struct error *err)
{
    struct plan plan = {0};
    int r = plan_make(pass, &plan, err);
    if (r == 0 && pass->options->adopt)
        plan_keep_pairings(&plan);
    if (r == 0 && pass->options->plan != NULL)
        plan_tell(pass, &plan, pass->options->plan);
    if (r == 0 && !pass->options->dry_run)
        r = apply_and_commit(pass, &plan, err);
    plan_free(&plan);
    return r;
}

static int survey_and_do(struct pass *pass, struct error *err)
{
    int r = broken_apply(pass, err);
    if (r == 0)
        r = survey(pass, err);
    return r < 0 ? r : decide_and_do(pass, err);
}

/* STATUS of a mailbox that is selected tells what this connection has been told, not what is there:
 * one that stays open for the next pass leaves its mailbox. */
static void leave_mailbox(struct pass *pass)
{
    struct client *client = pass->client;
    struct error ignored = ERROR_INIT;
    if (pass->options->pool == NULL || client_state(client) != STATE_SELECTED)
        return;
    if (client_has(client, CAP_UNSELECT) || client_has(client, CAP_IMAP4REV2))
        (void)client_unselect(client, &ignored);
}

/* Where that cannot be, what is new is to be told first. */
static int catch_up(struct pass *pass, struct error *err)
{
    bool selected = client_state(pass->client) == STATE_SELECTED;
    return selected ? client_noop(pass->client, err) : 0;
}

static int run(struct pass *pass, struct error *err)
{
    int r = state_open(pass, err);
    if (r == 0 && !pass->options->dry_run)
        r = recover_local(pass, err);
    if (r == 0)
        r = keywords_load(pass, err);
    if (r < 0)
        return r;
    struct connection *connection = NULL;
    pass_progress(pass, PROGRESS_CONNECTING, NULL, 0, 0);
    r = connection_pool_take(pass->pool, &connection, &pass->reused_connection, err);
    if (r < 0)
        return r;
    pass->client = connection_client(connection);
    r = catch_up(pass, err);
    if (r == 0)
        r = survey_and_do(pass, err);
    leave_mailbox(pass);
    pass->client = NULL;
    connection_pool_give(pass->pool, &connection);
    return r;
}

/* ---- the report ---- */

static bool has_remote_changes(const struct mailbox_pair *pair)
{
    const struct remote_delta *remote = &pair->remote;
    return remote_fresh_count(remote) > 0 || remote->changed.len > 0 ||
           !seqset_is_empty(&remote->gone);
}

static bool has_changes(const struct mailbox_pair *pair)
{
    const struct local_delta *local = &pair->local;
    return has_remote_changes(pair) || local->fresh.len > 0 || local->changed.len > 0 ||
           !seqset_is_empty(&local->gone);
}

static void tell_mailbox(const struct pass *pass, const struct mailbox_pair *pair,
                         const struct error *err)
{
    const struct mailbox_sink *sink = pass->options->mailbox;
    const struct mailbox_result result = {
        .mailbox = pair->record.utf8.ptr,
        .remote_changed = has_remote_changes(pair),
        .error = error_is_set(err) ? err : NULL,
    };
    if (sink != NULL)
        sink->mailbox(sink->self, &result);
}

static void report_mailboxes(struct pass *pass)
{
    struct report *report = pass->report;
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (pair->action == PAIR_LEAVE || !pair->in_target)
            continue;
        report->mailboxes_total++;
        report->mailboxes_changed += has_changes(pair);
        const struct error *err = error_is_set(&pair->error) ? &pair->error : &pair->folder_error;
        tell_mailbox(pass, pair, err);
        if (!error_is_set(err))
            continue;
        if (report->mailboxes_failed++ == 0) {
            report->error = *err;
            snprintf(report->error_mailbox, sizeof report->error_mailbox, "%s",
                     pair->record.utf8.ptr);
        }
    }
}

static void report_wire(const struct pool_counts *before, const struct pool_counts *after,
                        struct report_wire *out)
{
    out->bytes_in = after->wire.bytes_in - before->wire.bytes_in;
    out->bytes_out = after->wire.bytes_out - before->wire.bytes_out;
    out->commands = after->wire.commands - before->wire.commands;
    out->round_trips = after->wire.round_trips - before->wire.round_trips;
    out->connections = after->opened - before->opened;
    out->compressed = after->compressed;
}

static void tell_changed(const struct pass *pass)
{
    const struct news_sink *news = pass->options->news;
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (news != NULL && pair->changed_here)
            news->changed(news->self, pair->record.utf8.ptr);
    }
}

static void conclude(struct pass *pass, int r, const struct error *err)
{
    struct report *report = pass->report;
    report_mailboxes(pass);
    tell_changed(pass);
    if (r < 0) {
        report->result = REPORT_FAILED;
        report->error = *err;
        report->error_mailbox[0] = '\0';
        log_error(&pass->log, "%s", err->text);
    } else if (report->mailboxes_failed > 0) {
        report->result = REPORT_PARTIAL;
    } else if (report->messages.held > 0) {
        report->result = REPORT_HELD;
    }
}

/* A connection kept from an earlier pass broke before this one changed anything: that says nothing
 * about the server. Or the pass failed by what the next one does without. */
static bool is_worth_another(const struct pass *pass, int r, const struct error *err)
{
    bool broken = err->code == ERR_NETWORK || err->code == ERR_BYE || err->code == ERR_TIMEOUT;
    bool stale = broken && pass->reused_connection;
    return r < 0 && (stale || pass->learned) && !pass->local_changed;
}

/* Once through. *again_out: to be made again, over a new connection. */
static void pass_once(const struct config *config, const struct config_account *account,
                      const struct pass_options *options, struct connection_pool *pool,
                      struct report *out, bool *again_out)
{
    struct error err = ERROR_INIT;
    *out = (struct report){.account = account->name, .result = REPORT_OK};
    struct pass *pass = pass_new(config, account, options, out);
    pass->pool = pool;
    int r = run(pass, &err);
    pass->index_damaged = r < 0 && err.code == ERR_DAMAGED;
    *again_out = is_worth_another(pass, r, &err);
    if (!*again_out) {
        conclude(pass, r, &err);
        pass_progress(pass, PROGRESS_DONE, NULL, 0, 0);
    }
    pass_free(&pass);
}

int account_pass(const struct config *config, const struct config_account *account,
                 const struct pass_options *options, struct report *out)
{
    int64_t begun_ms = clock_monotonic_ms(options->clock);
    struct connection_pool *pool = options->pool;
    if (pool == NULL)
        pool = connection_pool_new(account, options->clock, options->wake, options->trace);
    struct pool_counts before = connection_pool_counts(pool);
    bool again;
    pass_once(config, account, options, pool, out, &again);
    if (again) {
        connection_pool_drop_idle(pool);
        pass_once(config, account, options, pool, out, &again);
    }
    if (options->pool == NULL)
        connection_pool_drop_idle(pool);
    struct pool_counts after = connection_pool_counts(pool);
    report_wire(&before, &after, &out->wire);
    out->elapsed_ms = clock_monotonic_ms(options->clock) - begun_ms;
    if (options->pool == NULL)
        connection_pool_free(&pool);
    return report_exit_code(out);
}

bool account_is_locked(const struct config *config, const struct config_account *account)
{
    AUTO_ARENA struct arena *arena = arena_new();
    return index_is_locked(config_state_dir(config, account, arena));
}
