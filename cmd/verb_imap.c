/* `maildird imap`: one operation on an account's server, or a prompt for several. */
#include "base/alloc.h"
#include "base/files.h"
#include "config/suggest.h"
#include "pass/connect.h"
#include "pass/report.h"
#include "cmd/command.h"
#include "cmd/imap_op.h"
#include "cmd/imap_prompt.h"
#include "cmd/stop.h"
#include "cmd/trace.h"
#include <stdio.h>
#include <unistd.h>

static const char help[] =
    "Logs in to the account's server and does one thing there. Mailboxes are named in UTF-8, as "
    "on\n"
    "the server; numbers of messages are UIDs, in sets as 1:3,7,*. Without OPERATION, on a\n"
    "terminal, it asks for operations and keeps the connection. `maildird imap help` lists them:\n"
    "maildird(1) does too.\n"
    "\n"
    "Exit codes: 0 for OK, 1 for NO, 76 for BAD or an answer that cannot be read, 64 for what is\n"
    "refused before it is sent, as the server lacks it; else as of sync.\n";

struct imap_run {
    bool json, seqs;
    const char *trace_path;
    const struct verb *verb;
    const struct imap_op *op; /* NULL: the prompt */
    const char *const *words;
    size_t len;
    struct config *config;
    const struct config_account *account;
    struct trace *trace;
    const struct wake *wake;
    struct connection *connection;
};

/* ---- words ---- */

static int unknown_op(const struct verb *verb, const char *name)
{
    struct suggest near;
    suggest_begin(&near, name);
    for (const struct imap_op *const *family = imap_families; *family != NULL; family++) {
        for (const struct imap_op *op = *family; op->name != NULL; op++) {
            suggest_offer(&near, op->name);
        }
    }
    if (near.best != NULL) {
        return usage_error(verb, "there is no operation '%s'; did you mean '%s'?", name, near.best);
    }
    return usage_error(verb, "there is no operation '%s'", name);
}

/* 0 to go on; else an exit code. */
static int read_words(struct imap_run *run, const struct arguments *arguments)
{
    if (arguments->len == 0) {
        return usage_error(run->verb, "which account?");
    }
    if (arguments->len == 1) {
        bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        if (terminal && imap_prompt_exists() && !run->json) {
            return 0;
        }
        return usage_error(run->verb, terminal && !run->json
                                          ? "which operation? There is no prompt: this was built "
                                            "without libedit"
                                          : "which operation? `maildird imap help` lists them");
    }
    run->op = imap_op_find(arguments->items[1]);
    run->words = arguments->items + 2;
    run->len = arguments->len - 2;
    return run->op == NULL ? unknown_op(run->verb, arguments->items[1]) : 0;
}

/* ---- the connection ---- */

static int prompt(struct imap_run *run, struct imap_session *session)
{
    struct error err = ERROR_INIT;
    if (file_mkdir_all(run->config->state_dir, 0700, &err) < 0) {
        return command_failed(&err);
    }
    AUTO_FREE char *path = path_join(run->config->state_dir, "imap-history");
    return imap_prompt_run(session, run->wake, run->account->name, path);
}

static int converse(struct imap_run *run, struct error *err)
{
    const struct tap_sink *tap =
        run->trace == NULL ? NULL : trace_sink(run->trace, run->account->name);
    struct dialer *dialer = dialer_new(run->account, &clock_system, tap);
    if (connection_open(dialer, run->wake, &run->connection, err) < 0) {
        dialer_free(&dialer);
        return -(int)err->code;
    }
    struct imap_session session = {.client = connection_client(run->connection),
                                   .clock = &clock_system,
                                   .json = run->json,
                                   .numbers = run->seqs ? CLIENT_SEQS : CLIENT_UIDS};
    int exit_code = run->op == NULL ? prompt(run, &session)
                                    : imap_op_run(&session, run->op, run->words, run->len);
    connection_close(&run->connection);
    dialer_free(&dialer);
    return exit_code;
}

static int connect_and_run(struct imap_run *run)
{
    struct error err = ERROR_INIT;
    int result = stop_on_signals(&run->wake, &err);
    if (result == 0 && run->trace_path != NULL) {
        result = trace_open(run->trace_path, &run->trace, &err);
    }
    if (result == 0) {
        result = converse(run, &err);
    }
    if (result < 0) {
        result = imap_op_refused(run->json, run->op == NULL ? NULL : run->op->name,
                                 exit_code_of(&err), &err);
    }
    struct error trace_err = ERROR_INIT;
    if (trace_close(&run->trace, &trace_err) < 0) {
        result = exit_code_worse(result, command_failed(&trace_err));
    }
    return result;
}

static int run_imap(struct imap_run *run, const struct invocation *invocation,
                    const struct arguments *arguments)
{
    struct error err = ERROR_INIT;
    int exit_code = 0;
    if (arguments->len == 1 && imap_word_is(arguments->items[0], "help")) {
        imap_ops_print();
        return 0;
    }
    exit_code = read_words(run, arguments);
    if (exit_code != 0) {
        return exit_code;
    }
    run->config = command_config(invocation, &exit_code);
    if (run->config == NULL) {
        return exit_code;
    }
    run->account = config_find(run->config, str_from(arguments->items[0]), &err);
    exit_code = run->account == NULL ? command_failed(&err) : connect_and_run(run);
    config_free(&run->config);
    return exit_code;
}

static int run(struct invocation *invocation)
{
    struct imap_run run = {.verb = invocation->verb};
    const struct option options[] = {
        {0, "json", NULL, "one JSON object on standard output", &run.json, NULL, NULL},
        {0, "trace", "FILE", "write what passes to and fro, without secrets", NULL, &run.trace_path,
         NULL},
        {0, "seq", NULL, "numbers of messages are sequence numbers, not UIDs", &run.seqs, NULL,
         NULL},
    };
    struct arguments arguments;
    int exit_code;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    exit_code = run_imap(&run, invocation, &arguments);
    free(arguments.items);
    return exit_code;
}

const struct verb verb_imap = {
    .name = "imap",
    .arguments = "ACCOUNT [OPERATION [WORD…]]",
    .summary = "do one thing on an account's server, or several at a prompt",
    .run = run,
    .plain_after = 2,
};
