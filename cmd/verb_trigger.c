/* `maildird trigger`, `pause`, `resume`, `reload`: one call each to the running daemon. */
#include "pass/report_json.h"
#include "cmd/ask_daemon.h"
#include "cmd/sync_report.h"
#include <stdio.h>
#include <stdlib.h>

/* Sends the call and prints nothing of its answer; the exit code. */
static int ask_quietly(struct control_client *client, const char *method, json_t *parameters)
{
    struct error err = ERROR_INIT;
    json_t *reply;
    if (control_ask(client, method, parameters, &reply, &err) < 0) {
        return daemon_failed(&err);
    }
    json_decref(reply);
    return 0;
}

/* The passes that were asked for, each told as `maildird sync` tells it. */
static int sync_and_wait(struct control_client *client, json_t *targets)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct error err = ERROR_INIT;
    json_t *reply;
    size_t index;
    json_t *account;
    if (control_ask(client, "Sync", json_pack("{s:o}", "targets", targets), &reply, &err) < 0) {
        return daemon_failed(&err);
    }
    json_array_foreach(json_object_get(reply, "accounts"), index, account)
    {
        struct report report;
        if (report_from_json(account, arena, &report)) {
            sync_report_print(&report);
        }
    }
    int exit_code = (int)json_integer_value(json_object_get(reply, "exit_code"));
    json_decref(reply);
    return exit_code;
}

static int trigger_and_go(struct control_client *client, json_t *targets)
{
    const struct trigger_wishes wishes = {.full = false};
    struct error err = ERROR_INIT;
    return daemon_trigger(client, targets, &wishes, &err) < 0 ? daemon_failed(&err) : 0;
}

static const char trigger_help[] =
    "Asks the running daemon for a pass over the TARGETs, or over all accounts, at once: a delay\n"
    "after a failure is not waited for. Ends without waiting for the pass, unless --wait is "
    "given.\n";

static int trigger_main(struct invocation *invocation)
{
    bool wait = false;
    const struct option options[] = {
        {'w', "wait", NULL, "wait for the passes, tell what they did, and end with their exit code",
         &wait, NULL, NULL},
    };
    struct arguments words;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, trigger_help, &words,
                      &exit_code)) {
        return exit_code;
    }
    struct control_client *client = daemon_connect(invocation, &exit_code);
    bool can_wait = wait && !is_in_hook();
    if (client != NULL && can_wait) {
        exit_code = sync_and_wait(client, words_json(&words));
    } else if (client != NULL) {
        exit_code = trigger_and_go(client, words_json(&words));
    }
    if (client != NULL && wait && !can_wait && exit_code == 0) {
        log_info(NULL, PASS_IS_TO_COME);
    }
    control_close(&client);
    free(words.items);
    return exit_code;
}

const struct verb verb_trigger = {
    .name = "trigger",
    .arguments = "[TARGET…]",
    .summary = "ask the running daemon for a pass now",
    .run = trigger_main,
};

/* ---- pause, resume ---- */

static int pause_or_resume(struct invocation *invocation, const char *method, const char *help)
{
    struct arguments words;
    int exit_code = 0;
    if (!options_read(invocation, NULL, 0, help, &words, &exit_code)) {
        return exit_code;
    }
    struct control_client *client = daemon_connect(invocation, &exit_code);
    if (client != NULL) {
        exit_code = ask_quietly(client, method, json_pack("{s:o}", "accounts", words_json(&words)));
    }
    control_close(&client);
    free(words.items);
    return exit_code;
}

static int pause_main(struct invocation *invocation)
{
    return pause_or_resume(invocation, "Pause",
                           "The running daemon lets go of the ACCOUNTs, or of all: a pass under "
                           "way is stopped cleanly,\n"
                           "connections are closed, nothing is synced until `maildird resume`, or "
                           "until the daemon is\n"
                           "started anew.\n");
}

static int resume_main(struct invocation *invocation)
{
    return pause_or_resume(invocation, "Resume",
                           "The running daemon takes the ACCOUNTs, or all, up again.\n");
}

const struct verb verb_pause = {
    .name = "pause",
    .arguments = "[ACCOUNT…]",
    .summary = "stop the running daemon's work on accounts",
    .run = pause_main,
};

const struct verb verb_resume = {
    .name = "resume",
    .arguments = "[ACCOUNT…]",
    .summary = "let the running daemon go on",
    .run = resume_main,
};

/* ---- reload ---- */

static const char reload_help[] =
    "The running daemon reads its configuration again, and touches the accounts that changed, and\n"
    "no others. Where the configuration is wrong the old one stays in force, and the exit code is\n"
    "78.\n";

static int told(const json_t *reply, const char *key)
{
    return (int)json_integer_value(json_object_get(reply, key));
}

static int reload_main(struct invocation *invocation)
{
    struct error err = ERROR_INIT;
    struct arguments words;
    int exit_code = 0;
    json_t *reply;
    if (!options_read(invocation, NULL, 0, reload_help, &words, &exit_code)) {
        return exit_code;
    }
    free(words.items);
    if (words.len > 0) {
        return usage_error(invocation->verb, "takes no argument");
    }
    struct control_client *client = daemon_connect(invocation, &exit_code);
    if (client == NULL) {
        return exit_code;
    }
    if (control_ask(client, "Reload", NULL, &reply, &err) < 0) {
        exit_code = daemon_failed(&err);
    } else {
        printf("accounts: %d added, %d removed, %d changed, %d as before\n", told(reply, "added"),
               told(reply, "removed"), told(reply, "changed"), told(reply, "unchanged"));
        json_decref(reply);
    }
    control_close(&client);
    return exit_code;
}

const struct verb verb_reload = {
    .name = "reload",
    .arguments = "",
    .summary = "the running daemon reads its configuration again",
    .run = reload_main,
};
