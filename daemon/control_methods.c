#include "config/targets.h"
#include "pass/report_json.h"
#include "daemon/control_errors.h"
#include "daemon/control_json.h"
#include "daemon/control_private.h"

#include <string.h>

/* The text of org.maildird.varlink; made by the build. */
extern const char control_interface[];

static const char SERVICE_INTERFACE[] =
    "interface org.varlink.service\n"
    "method GetInfo() -> (vendor: string, product: string, version: string, url: string, "
    "interfaces: []string)\n"
    "method GetInterfaceDescription(interface: string) -> (description: string)\n"
    "error InterfaceNotFound (interface: string)\n"
    "error MethodNotFound (method: string)\n"
    "error MethodNotImplemented (method: string)\n"
    "error InvalidParameter (parameter: string)\n"
    "error PermissionDenied ()\n"
    "error ExpectedMore ()\n";

/* Progress is left out for a client that has this much to read already; everything else is told. */
#define BACKLOG_FOR_PROGRESS ((size_t)16 * 1024)

static void invalid(struct peer *peer, const char *parameter)
{
    peer_error(
        peer, VARLINK_INVALID_PARAMETER,
        json_pack("{s:s, s:s+}", "parameter", parameter, "text", "wrong parameter: ", parameter));
}

/* An array of strings into `arena`; a missing one is empty. */
static bool read_strings(const json_t *parameters, const char *key, struct arena *arena,
                         const char *const **out, size_t *len_out)
{
    const json_t *array = json_object_get(parameters, key);
    size_t len = json_array_size(array);
    const char **items = arena_array(arena, len + 1, sizeof *items);
    if (array != NULL && !json_is_null(array) && !json_is_array(array))
        return false;
    for (size_t i = 0; i < len; i++) {
        const char *item = json_string_value(json_array_get(array, i));
        if (item == NULL)
            return false;
        items[i] = arena_strdup(arena, item);
    }
    *out = items;
    *len_out = len;
    return true;
}

/* ---- org.varlink.service ---- */

static void get_info(struct peer *peer, const struct varlink_call *call)
{
    (void)call;
    peer_reply(peer, json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "maildird", "product",
                               "maildird", "version", MAILDIRD_VERSION, "url", "", "interfaces",
                               "org.varlink.service", "org.maildird"));
}

static void get_description(struct peer *peer, const struct varlink_call *call)
{
    const char *name = json_string_value(json_object_get(call->parameters, "interface"));
    const char *text = NULL;
    if (name != NULL && strcmp(name, "org.maildird") == 0)
        text = control_interface;
    else if (name != NULL && strcmp(name, "org.varlink.service") == 0)
        text = SERVICE_INTERFACE;
    if (name == NULL)
        invalid(peer, "interface");
    else if (text == NULL)
        peer_error(peer, VARLINK_INTERFACE_NOT_FOUND, json_pack("{s:s}", "interface", name));
    else
        peer_reply(peer, json_pack("{s:s}", "description", text));
}

/* ---- asking ---- */

static void status(struct peer *peer, const struct varlink_call *call)
{
    (void)call;
    AUTO_ARENA struct arena *arena = arena_new();
    struct supervisor_status now;
    supervisor_status(peer_supervisor(peer), arena, &now);
    peer_reply(peer, control_status_json(&now));
}

/* ---- passes ---- */

static int find_targets(struct peer *peer, const struct varlink_call *call, struct arena *arena,
                        struct trigger_target **out, size_t *len_out, struct error *err)
{
    const char *const *words;
    size_t words_len;
    struct targets targets;
    if (!read_strings(call->parameters, "targets", arena, &words, &words_len))
        return error_set(err, ERR_USAGE, SCOPE_ACCOUNT, "`targets` is no list of strings");
    /* All accounts that are not paused, rather than each by its name. */
    if (words_len == 0) {
        *out = NULL;
        *len_out = 0;
        return 0;
    }
    int r = targets_find(supervisor_config(peer_supervisor(peer)), words, words_len, arena,
                         &targets, err);
    if (r < 0)
        return r;
    *out = arena_array(arena, targets.len + 1, sizeof **out);
    *len_out = targets.len;
    for (size_t i = 0; i < targets.len; i++) {
        const struct config_strings *boxes = &targets.items[i].mailboxes;
        const char **patterns = NULL;
        if (boxes->items != NULL) {
            patterns = arena_array(arena, boxes->len + 1, sizeof *patterns);
            memcpy(patterns, boxes->items, boxes->len * sizeof *patterns);
        }
        (*out)[i] = (struct trigger_target){targets.items[i].account->name, patterns};
    }
    return 0;
}

static bool flag(const struct varlink_call *call, const char *key)
{
    return json_is_true(json_object_get(call->parameters, key));
}

static void trigger(struct peer *peer, const struct varlink_call *call)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct error err = ERROR_INIT;
    const struct trigger_options options = {
        .full = flag(call, "full"),
        .approve_deletions = flag(call, "approve_deletions"),
        .no_hooks = flag(call, "no_hooks"),
    };
    struct trigger_target *targets;
    size_t len;
    int r = find_targets(peer, call, arena, &targets, &len, &err);
    if (r == 0)
        r = supervisor_trigger(peer_supervisor(peer), targets, len, &options, NULL, &err);
    if (r < 0)
        peer_fail(peer, &err);
    else
        peer_reply(peer, NULL);
}

static void on_report(void *self, const struct report *report)
{
    peer_continue(self, json_pack("{s:o}", "account", report_to_json(report)));
}

static void on_progress(void *self, const struct progress *progress)
{
    if (peer_backlog(self) < BACKLOG_FOR_PROGRESS)
        peer_continue(self, json_pack("{s:o}", "progress", control_progress_json(progress)));
}

static void on_plan(void *self, const char *account, const char *mailbox, const char *what,
                    const char *subject, const char *why)
{
    json_t *line = control_plan_json(account, mailbox, what, subject, why);
    peer_continue(self, json_pack("{s:o}", "plan", line));
}

static void on_done(void *self, int exit_code)
{
    peer_reply(self, json_pack("{s:i}", "exit_code", exit_code));
}

/* Without `more`: the reports in one reply at the end. */
static void gather_report(void *self, const struct report *report)
{
    json_array_append_new(*peer_gathered(self), report_to_json(report));
}

static void reply_gathered(void *self, int exit_code)
{
    json_t **gathered = peer_gathered(self);
    json_t *accounts = *gathered;
    *gathered = NULL;
    peer_reply(self, json_pack("{s:o, s:i}", "accounts", accounts, "exit_code", exit_code));
}

static void sync_now(struct peer *peer, const struct varlink_call *call)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct error err = ERROR_INIT;
    const struct trigger_options options = {
        .full = flag(call, "full"),
        .approve_deletions = flag(call, "approve_deletions"),
        .dry_run = flag(call, "dry_run"),
        .no_hooks = flag(call, "no_hooks"),
    };
    const struct trigger_waiter streaming = {on_report, on_progress, on_plan, on_done, peer};
    const struct trigger_waiter gathering = {gather_report, NULL, NULL, reply_gathered, peer};
    struct trigger_target *targets;
    size_t len;
    int r = find_targets(peer, call, arena, &targets, &len, &err);
    if (r == 0 && !call->more)
        *peer_gathered(peer) = json_array();
    if (r == 0)
        r = supervisor_trigger(peer_supervisor(peer), targets, len, &options,
                               call->more ? &streaming : &gathering, &err);
    if (r < 0)
        peer_fail(peer, &err);
}

/* ---- pause, resume, reload ---- */

static void pause_or_resume(struct peer *peer, const struct varlink_call *call,
                            int (*change)(struct supervisor *s, const char *const *accounts,
                                          size_t len, struct error *err))
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct error err = ERROR_INIT;
    const char *const *accounts;
    size_t len;
    if (!read_strings(call->parameters, "accounts", arena, &accounts, &len))
        invalid(peer, "accounts");
    else if (change(peer_supervisor(peer), accounts, len, &err) < 0)
        peer_fail(peer, &err);
    else
        peer_reply(peer, NULL);
}

static void pause_accounts(struct peer *peer, const struct varlink_call *call)
{
    pause_or_resume(peer, call, supervisor_pause);
}

static void resume_accounts(struct peer *peer, const struct varlink_call *call)
{
    pause_or_resume(peer, call, supervisor_resume);
}

static void reload(struct peer *peer, const struct varlink_call *call)
{
    (void)call;
    AUTO_BUF struct buf problems = BUF_INIT(64 * 1024);
    struct error err = ERROR_INIT;
    struct reload_result done;
    if (supervisor_reload(peer_supervisor(peer), &done, &problems, &err) == 0) {
        peer_reply(peer,
                   json_pack("{s:I, s:I, s:I, s:I}", "added", (json_int_t)done.added, "removed",
                             (json_int_t)done.removed, "changed", (json_int_t)done.changed,
                             "unchanged", (json_int_t)done.unchanged));
        return;
    }
    const char *told = problems.len > 0 ? problems.data : err.text;
    peer_error(peer, control_error_name(&err), json_pack("{s:s}", "text", told));
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*run)(struct peer *peer, const struct varlink_call *call);
} METHODS[] = {
    {"org.varlink.service.GetInfo", get_info},
    {"org.varlink.service.GetInterfaceDescription", get_description},
    {"org.maildird.Status", status},
    {"org.maildird.Trigger", trigger},
    {"org.maildird.Sync", sync_now},
    {"org.maildird.Pause", pause_accounts},
    {"org.maildird.Resume", resume_accounts},
    {"org.maildird.Reload", reload},
    {"org.maildird.Watch", control_watch},
};

void control_dispatch(struct peer *peer, const struct varlink_call *call)
{
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        if (strcmp(METHODS[i].name, call->method) == 0) {
            METHODS[i].run(peer, call);
            return;
        }
    }
    peer_error(peer, VARLINK_METHOD_NOT_FOUND, json_pack("{s:s}", "method", call->method));
}

void control_abandon(struct peer *peer)
{
    supervisor_forget(peer_supervisor(peer), peer);
    supervisor_unsubscribe(peer_supervisor(peer), peer);
}
