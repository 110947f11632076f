#include "daemon/control_json.h"

#include "store/maildir.h"
#include "pass/json_text.h"

#include <string.h>

static const char *const STAGES[] = {
    [PROGRESS_CONNECTING] = "connecting",
    [PROGRESS_SURVEY] = "survey",
    [PROGRESS_DOWNLOAD] = "download",
    [PROGRESS_UPLOAD] = "upload",
    [PROGRESS_FLAGS] = "flags",
    [PROGRESS_DELETE] = "delete",
    [PROGRESS_DONE] = "done",
};
#define STAGES_LEN (sizeof STAGES / sizeof STAGES[0])

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_text(text) : json_null();
}

static void put(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

json_t *control_progress_json(const struct progress *p)
{
    json_t *object = json_object();
    put(object, "stage", json_string(STAGES[p->stage]));
    put(object, "account", text_or_null(p->account));
    put(object, "mailbox", text_or_null(p->mailbox));
    put(object, "done", json_integer((json_int_t)p->done));
    put(object, "total", json_integer((json_int_t)p->total));
    put(object, "bytes", json_integer((json_int_t)p->bytes));
    return object;
}

struct progress control_progress_from(const json_t *object)
{
    const char *stage = json_string_value(json_object_get(object, "stage"));
    struct progress p = {
        .stage = PROGRESS_CONNECTING,
        .account = json_string_value(json_object_get(object, "account")),
        .mailbox = json_string_value(json_object_get(object, "mailbox")),
        .done = json_number_at(object, "done"),
        .total = json_number_at(object, "total"),
        .bytes = json_number_at(object, "bytes"),
    };
    for (size_t i = 0; i < STAGES_LEN && stage != NULL; i++) {
        if (strcmp(STAGES[i], stage) == 0)
            p.stage = (enum progress_stage)i;
    }
    return p;
}

static json_t *failure_json(const struct error *err, const char *mailbox)
{
    if (err == NULL || err->code == ERR_NONE)
        return json_null();
    json_t *object = json_object();
    put(object, "code", json_integer(exit_code_of(err)));
    put(object, "scope", json_string(error_scope_name(err->scope)));
    put(object, "mailbox", text_or_null(mailbox));
    put(object, "text", json_text(err->text));
    return object;
}

static json_t *mailbox_json(const struct mailbox_status *m)
{
    json_t *object = json_object();
    put(object, "name", json_text(m->name));
    put(object, "watched", json_boolean(m->watched));
    put(object, "last_sync", json_time(m->last_sync_ms));
    put(object, "last_error", text_or_null(m->last_error));
    put(object, "held", json_integer(m->held));
    return object;
}

static json_t *account_json(const struct account_status *a)
{
    json_t *object = json_object();
    bool syncing = a->state == ACCOUNT_SYNCING;
    put(object, "name", json_text(a->name));
    put(object, "state", json_string(account_state_name(a->state)));
    put(object, "means", json_string(watch_means_name(a->means)));
    put(object, "wanted", json_string(watch_means_name(a->wanted)));
    put(object, "local_watched", json_boolean(a->local_watched));
    put(object, "connections", json_integer(a->connections));
    put(object, "progress", syncing ? control_progress_json(&a->progress) : json_null());
    put(object, "last_sync", json_time(a->last_sync_ms));
    put(object, "next_wake", json_time(a->next_wake_ms));
    put(object, "error", failure_json(&a->last_error, a->error_mailbox));
    put(object, "error_time", json_time(a->last_error_ms));
    put(object, "held", json_integer((json_int_t)a->held));
    put(object, "passes", json_integer((json_int_t)a->passes));
    json_t *mailboxes = json_array();
    for (size_t i = 0; i < a->mailboxes_len; i++)
        json_array_append_new(mailboxes, mailbox_json(&a->mailboxes[i]));
    put(object, "mailboxes", mailboxes);
    return object;
}

json_t *control_status_json(const struct supervisor_status *status)
{
    json_t *object = json_object();
    put(object, "configuration", text_or_null(status->config_path));
    put(object, "configuration_error", text_or_null(status->config_error));
    put(object, "started", json_time(status->started_ms));
    json_t *accounts = json_array();
    for (size_t i = 0; i < status->accounts_len; i++)
        json_array_append_new(accounts, account_json(&status->accounts[i]));
    put(object, "accounts", accounts);
    return object;
}

static json_t *flags_json(uint8_t flags)
{
    AUTO_ARENA struct arena *arena = arena_new();
    return json_string(maildir_flags_text(arena, flags));
}

json_t *control_event_json(const struct daemon_event *e)
{
    json_t *object = json_object();
    bool state = e->kind == DAEMON_STATE;
    put(object, "kind", json_string(daemon_event_name(e->kind)));
    put(object, "time", json_time(e->time_ms));
    put(object, "account", text_or_null(e->account));
    put(object, "mailbox", text_or_null(e->mailbox));
    put(object, "to", text_or_null(e->to));
    put(object, "messages", state ? json_null() : json_integer((json_int_t)e->messages));
    put(object, "uid", e->uid != 0 ? json_integer(e->uid) : json_null());
    put(object, "file", text_or_null(e->base));
    put(object, "flags", e->base != NULL ? flags_json(e->flags) : json_null());
    put(object, "what", text_or_null(e->what));
    put(object, "why", text_or_null(e->why));
    put(object, "state", state ? json_string(account_state_name(e->state)) : json_null());
    put(object, "means", state ? json_string(watch_means_name(e->means)) : json_null());
    put(object, "error", state ? failure_json(e->error, NULL) : json_null());
    return object;
}

json_t *control_plan_json(const char *account, const char *mailbox, const char *operation,
                          const char *subject, const char *why)
{
    json_t *object = json_object();
    put(object, "account", text_or_null(account));
    put(object, "mailbox", text_or_null(mailbox));
    put(object, "operation", text_or_null(operation));
    put(object, "subject", text_or_null(subject));
    put(object, "why", text_or_null(why));
    return object;
}
