#include "pass/report.h"
#include "daemon/loop.h"
#include "cmd/command.h"
#include "cmd/trace.h"

static const char help[] =
    "Stays, and keeps every account in step: what changes on the server is told by push (NOTIFY\n"
    "or IDLE, else by looking now and then), what changes in the Maildir by inotify. Made for\n"
    "systemd (maildird.service); runs as well in a terminal until Ctrl-C.\n"
    "\n"
    "SIGHUP, or `maildird reload`, reads the configuration again: only accounts that changed are\n"
    "touched, and a wrong one changes nothing. SIGTERM ends it cleanly.\n";

static const struct tap_sink *trace_of(void *self, const char *account)
{
    return trace_sink(self, account);
}

static int run_traced(struct invocation *invocation, const char *file, struct config *config)
{
    struct error err = ERROR_INIT;
    struct trace *trace = NULL;
    if (file != NULL && trace_open(file, &trace, &err) < 0) {
        config_free(&config);
        return command_failed(&err);
    }
    const struct loop_options options = {
        .config_path = invocation->config_path,
        .trace = trace == NULL ? NULL : trace_of,
        .trace_self = trace,
    };
    int exit_code = loop_run(&options, config, &err) < 0 ? command_failed(&err) : 0;
    error_clear(&err);
    if (trace_close(&trace, &err) < 0) {
        exit_code = exit_code_worse(exit_code, command_failed(&err));
    }
    return exit_code;
}

static int daemon_main(struct invocation *invocation)
{
    const char *trace = NULL;
    const struct option options[] = {
        {0, "trace", "FILE", "write what passes to and fro, without secrets", NULL, &trace, NULL},
    };
    struct arguments arguments;
    struct error err = ERROR_INIT;
    int exit_code = 0;
    if (loop_hold_signals(&err) < 0) {
        return command_failed(&err);
    }
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    if (arguments.len > 0) {
        exit_code = usage_error(invocation->verb, "it takes no arguments");
    } else {
        struct config *config = command_config(invocation, &exit_code);
        if (config != NULL) {
            exit_code = run_traced(invocation, trace, config);
        }
    }
    free(arguments.items);
    return exit_code;
}

const struct verb verb_daemon = {
    .name = "daemon",
    .arguments = "",
    .summary = "stay, and keep all accounts in step",
    .run = daemon_main,
};
