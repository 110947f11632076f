#include "cmd/daemon_pass.h"
#include "base/alloc.h"
#include "pass/json_text.h"
#include "pass/report_json.h"
#include "daemon/control_json.h"
#include "cmd/ask_daemon.h"

struct request {
    const struct target *target;
    const struct pass_options *options;
    bool no_hooks;
    struct arena *arena;
    struct report *out;
    bool reported;
};

static json_t *targets_of(const struct request *r)
{
    const struct config_strings *patterns = &r->target->mailboxes;
    const char *account = r->target->account->name;
    json_t *targets = json_array();
    if (patterns->items == NULL) {
        json_array_append_new(targets, json_text(account));
    }
    for (size_t i = 0; i < patterns->len; i++) {
        AUTO_FREE char *word = xasprintf("%s:%s", account, patterns->items[i]);
        json_array_append_new(targets, json_text(word));
    }
    return targets;
}

static json_t *parameters_of(const struct request *r)
{
    return json_pack("{s:o, s:b, s:b, s:b, s:b}", "targets", targets_of(r), "full",
                     (int)r->options->full, "approve_deletions", (int)r->options->approve_deletions,
                     "dry_run", (int)r->options->dry_run, "no_hooks", (int)r->no_hooks);
}

static void take_plan(const struct request *r, const json_t *plan)
{
    const struct plan_sink *sink = r->options->plan;
    sink->line(sink->self, r->target->account->name,
               json_string_value(json_object_get(plan, "mailbox")),
               json_string_value(json_object_get(plan, "operation")),
               json_string_value(json_object_get(plan, "subject")),
               json_string_value(json_object_get(plan, "why")));
}

static void take_reply(struct request *r, const json_t *reply)
{
    const json_t *progress = json_object_get(reply, "progress");
    const json_t *plan = json_object_get(reply, "plan");
    const json_t *account = json_object_get(reply, "account");
    if (progress != NULL && r->options->progress != NULL) {
        const struct progress now = control_progress_from(progress);
        r->options->progress->update(r->options->progress->self, &now);
    }
    if (plan != NULL && r->options->plan != NULL) {
        take_plan(r, plan);
    }
    if (account != NULL) {
        r->reported = report_from_json(account, r->arena, r->out);
    }
}

static int listen(struct request *r, struct control_client *client, struct error *err)
{
    int more = 1;
    while (more > 0) {
        json_t *reply;
        more = control_reply(client, &reply, err);
        if (more >= 0) {
            take_reply(r, reply);
            json_decref(reply);
        }
    }
    if (more == 0 && !r->reported) {
        return error_set(err, ERR_PROTOCOL, SCOPE_ACCOUNT, "the daemon told no report");
    }
    return more;
}

static int make(struct request *r, struct control_client *client, struct error *err)
{
    int result = control_call(client, "Sync", parameters_of(r), true, err);
    return result < 0 ? result : listen(r, client, err);
}

static int ask(const struct request *r, struct control_client *client, struct error *err)
{
    const struct trigger_wishes wishes = {
        .full = r->options->full,
        .approve_deletions = r->options->approve_deletions,
        .no_hooks = r->no_hooks,
    };
    if (r->options->dry_run) {
        return error_set(err, ERR_LOCKED, SCOPE_ACCOUNT,
                         "a hook cannot wait for a dry run by the daemon; run it elsewhere");
    }
    return daemon_trigger(client, targets_of(r), &wishes, err);
}

enum daemon_pass daemon_pass(const struct config *config, const struct target *target,
                             const struct pass_options *options, bool no_hooks, struct arena *arena,
                             struct report *out)
{
    struct request r = {target, options, no_hooks, arena, out, false};
    const struct log_scope scope = {.account = target->account->name};
    struct error err = ERROR_INIT;
    bool in_hook = is_in_hook();
    struct control_client *client = daemon_find(config);
    if (client == NULL) {
        return DAEMON_IS_NOT_THERE;
    }
    *out = (struct report){.account = target->account->name};
    int result = in_hook ? ask(&r, client, &err) : make(&r, client, &err);
    if (result < 0) {
        log_error(&scope, "%s", err.text);
        out->result = REPORT_FAILED;
        out->error = err;
    } else if (in_hook) {
        log_info(&scope, PASS_IS_TO_COME);
    }
    control_close(&client);
    return in_hook ? DAEMON_WAS_ASKED : DAEMON_MADE_PASS;
}
