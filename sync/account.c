#include "sync/account.h"

#include "sync/apply.h"
#include "sync/commit.h"
#include "sync/connect.h"
#include "sync/keywords.h"
#include "sync/plan.h"
#include "sync/recover.h"
#include "sync/state.h"
#include "sync/survey.h"

#include <stdio.h>

/* ---- the pass ---- */

static int connect_account(struct pass *pass, struct connection **out, struct error *err)
{
    pass_progress(pass, PROGRESS_CONNECTING, NULL, 0, 0);
    int r = connection_open(pass->account, pass->options->clock, pass->options->wake,
                            pass->options->trace, out, err);
    if (r < 0)
        return r;
    pass->client = connection_client(*out);
    pass->report->wire.connections++;
    return 0;
}

static int apply_and_commit(struct pass *pass, struct plan *plan, struct error *err)
{
    int r = state_begin(pass, err);
    if (r == 0)
        r = apply_plan(pass, plan, err);
    if (r == 0)
        r = commit_pass(pass, plan, err);
    return r;
}

static int decide_and_do(struct pass *pass, struct error *err)
{
    struct plan plan = {0};
    int r = plan_make(pass, &plan, err);
    if (r == 0 && pass->options->plan != NULL)
        plan_tell(pass, &plan, pass->options->plan);
    if (r == 0 && !pass->options->dry_run)
        r = apply_and_commit(pass, &plan, err);
    plan_free(&plan);
    return r;
}

static void report_wire(struct pass *pass, struct connection **connection)
{
    if (*connection == NULL)
        return;
    bool compressed = client_is_compressed(pass->client);
    struct client_counters c = connection_finish(connection);
    struct report_wire *wire = &pass->report->wire;
    wire->bytes_in += c.bytes_in;
    wire->bytes_out += c.bytes_out;
    wire->commands += c.commands;
    wire->round_trips += c.round_trips;
    wire->compressed = wire->compressed || compressed;
    pass->client = NULL;
}

static int run(struct pass *pass, struct error *err)
{
    struct connection *connection = NULL;
    int r = state_open(pass, err);
    if (r == 0 && !pass->options->dry_run)
        r = recover_local(pass, err);
    if (r == 0)
        r = keywords_load(pass, err);
    if (r == 0)
        r = connect_account(pass, &connection, err);
    if (r == 0)
        r = survey(pass, err);
    if (r == 0)
        r = decide_and_do(pass, err);
    report_wire(pass, &connection);
    return r;
}

/* ---- the report ---- */

static bool has_changes(const struct mailbox_pair *pair)
{
    const struct remote_delta *remote = &pair->remote;
    const struct local_delta *local = &pair->local;
    return remote->fresh.len > 0 || remote->changed.len > 0 || !seqset_is_empty(&remote->gone) ||
           local->fresh.len > 0 || local->changed.len > 0 || !seqset_is_empty(&local->gone);
}

static void report_mailboxes(struct pass *pass)
{
    struct report *report = pass->report;
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (pair->action == PAIR_LEAVE || !pair->in_target)
            continue;
        report->mailboxes_total++;
        report->mailboxes_changed += has_changes(pair);
        if (!error_is_set(&pair->error))
            continue;
        if (report->mailboxes_failed++ == 0) {
            report->error = pair->error;
            snprintf(report->error_mailbox, sizeof report->error_mailbox, "%s",
                     pair->record.utf8.ptr);
        }
    }
}

static void conclude(struct pass *pass, int r, const struct error *err, int64_t begun_ms)
{
    struct report *report = pass->report;
    report_mailboxes(pass);
    report->elapsed_ms = clock_monotonic_ms(pass->options->clock) - begun_ms;
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

int account_pass(const struct config *config, const struct config_account *account,
                 const struct pass_options *options, struct report *out)
{
    struct error err = ERROR_INIT;
    int64_t begun_ms = clock_monotonic_ms(options->clock);
    *out = (struct report){.account = account->name, .result = REPORT_OK};
    struct pass *pass = pass_new(config, account, options, out);
    int r = run(pass, &err);
    conclude(pass, r, &err, begun_ms);
    pass_progress(pass, PROGRESS_DONE, NULL, 0, 0);
    pass_free(&pass);
    return report_exit_code(out);
}
