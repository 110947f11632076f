#include "base/alloc.h"
#include "pass/report.h"
#include "cmd/command.h"
#include "cmd/plan_list.h"
#include "cmd/progress.h"
#include "cmd/stop.h"
#include <inttypes.h>
#include <stdio.h>

static const char help[] =
    "Pairs the files of a Maildir that is here already with the messages on the server, by what\n"
    "they hold, and does nothing else: no message is fetched, sent or changed. For Maildirs of\n"
    "mbsync, of OfflineIMAP, or of no sync tool at all. `maildird sync` does the same by itself "
    "when\n"
    "it meets such a Maildir, and goes on to carry over what only one side has.\n"
    "\n"
    "For an account that was synced before, the messages of TARGET are paired anew. This is also\n"
    "how a Maildir whose marker is missing is accepted, or one that belongs to another index.\n"
    "\n"
    "Files that a sync tool knew and that the server has no more are held: see `maildird held`.\n";

struct adoption {
    const struct config *config;
    const struct wake *wake;
    struct progress_board *board;
    bool dry_run;
};

static void print_report(const struct report *report)
{
    printf("%s: %" PRIu64 " message%s paired", report->account, report->messages.paired,
           report->messages.paired == 1 ? "" : "s");
    if (report->messages.held > 0) {
        printf(", %" PRIu64 " held (see `maildird held`)", report->messages.held);
    }
    printf("\n");
}

static int adopt_one(const struct adoption *adoption, const struct target *target, size_t place)
{
    struct report report;
    struct plan_list *plan = plan_list_new();
    const struct pass_options options = {
        .dry_run = adoption->dry_run,
        .adopt = true,
        .mailboxes = target->mailboxes.items,
        .clock = &clock_system,
        .wake = adoption->wake,
        .progress = progress_board_sink(adoption->board, place),
        .plan = plan_list_sink(plan),
    };
    int exit_code = account_pass(adoption->config, target->account, &options, &report);
    progress_board_done(adoption->board, place);
    progress_board_pause(adoption->board);
    if (adoption->dry_run && report.result != REPORT_FAILED) {
        plan_list_print(plan, report.account, "would do");
    } else if (report.result != REPORT_FAILED) {
        print_report(&report);
    }
    (void)fflush(stdout);
    progress_board_resume(adoption->board);
    plan_list_free(&plan);
    return exit_code;
}

static int adopt_all(struct adoption *adoption, const struct targets *targets)
{
    struct error err = ERROR_INIT;
    int exit_code = 0;
    if (stop_on_signals(&adoption->wake, &err) < 0) {
        return command_failed(&err);
    }
    adoption->board = progress_board_new(targets->len, true);
    for (size_t i = 0; i < targets->len; i++) {
        exit_code = exit_code_worse(exit_code, adopt_one(adoption, &targets->items[i], i));
    }
    progress_board_free(&adoption->board);
    return exit_code;
}

static int adopt_main(struct invocation *invocation)
{
    struct adoption adoption = {0};
    const struct option options[] = {
        {'n', "dry-run", NULL, "only tell what would be paired and held", &adoption.dry_run, NULL,
         NULL},
    };
    struct arguments arguments;
    struct selection selection;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    if (arguments.len == 0) {
        exit_code = usage_error(invocation->verb, "name the account or the mailboxes to adopt");
    } else if (selection_open(invocation, &arguments, &selection, &exit_code)) {
        adoption.config = selection.config;
        exit_code = adopt_all(&adoption, &selection.targets);
        selection_close(&selection);
    }
    free(arguments.items);
    return exit_code;
}

const struct verb verb_adopt = {
    .name = "adopt",
    .arguments = "TARGET…",
    .summary = "pair an existing Maildir with the server, without downloading",
    .run = adopt_main,
};
