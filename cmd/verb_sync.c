#include "base/alloc.h"
#include "pass/report_json.h"
#include "account/hooks.h"
#include "cmd/command.h"
#include "cmd/daemon_pass.h"
#include "cmd/json_print.h"
#include "cmd/plan_list.h"
#include "cmd/progress.h"
#include "cmd/stop.h"
#include "cmd/sync_report.h"
#include "cmd/trace.h"
#include <pthread.h>
#include <stdio.h>

static const char help[] =
    "One pass over the accounts, each in a thread of its own: both sides are looked at, what\n"
    "changed is carried to the other side, and the index keeps what both have. Only the\n"
    "mailboxes of a TARGET are changed, if any is given.\n"
    "\n"
    "Deletions of many messages at once are held and listed (see `maildird held`);\n"
    "--approve-deletions carries out those that an earlier run held, and no others.\n"
    "Ctrl-C stops cleanly; a second one at once, which loses nothing either.\n";

struct sync_flags {
    bool dry_run, json, quiet, verbose, full, approve_deletions, no_hooks;
    const char *trace;
};

/* One run of the verb. */
struct sync_run {
    struct sync_flags flags;
    const struct config *config;
    struct targets targets;
    const struct wake *wake;
    struct trace *trace; /* NULL: none */
    struct progress_board *board;
    struct job *jobs; /* beside the targets */
};

struct job {
    struct sync_run *run;
    struct arena *arena; /* of the report, where the daemon told it */
    size_t index;
    pthread_t thread;
    bool started;
    struct report report;
    enum daemon_pass by_daemon;
    struct plan_list *plan;  /* of a dry run */
    struct plan_sink spoken; /* of -v */
    const struct tap_sink *tap;
};

/* -v: each thing done, as it is done. */
static void speak(void *self, const char *account, const char *mailbox, const char *what,
                  const char *subject, const char *why)
{
    struct job *job = self;
    FILE *out = job->run->flags.json ? stderr : stdout;
    progress_board_pause(job->run->board);
    fprintf(out, "%s%s%s: %s%s%s%s%s\n", account, mailbox == NULL ? "" : ":",
            mailbox == NULL ? "" : mailbox, what, subject == NULL ? "" : " ",
            subject == NULL ? "" : subject, why == NULL ? "" : ": ", why == NULL ? "" : why);
    (void)fflush(out);
    progress_board_resume(job->run->board);
}

static void show_result(struct job *job)
{
    const struct sync_flags *flags = &job->run->flags;
    bool went_well = job->report.result == REPORT_OK;
    bool is_to_come = job->by_daemon == DAEMON_WAS_ASKED && went_well;
    if (flags->json || is_to_come || (flags->quiet && went_well)) {
        return;
    }
    progress_board_pause(job->run->board);
    if (flags->dry_run && job->report.result != REPORT_FAILED) {
        plan_list_print(job->plan, job->report.account, "would do");
    } else {
        sync_report_print(&job->report);
    }
    (void)fflush(stdout);
    progress_board_resume(job->run->board);
}

/* The pass, with the user's commands around it. */
static void run_with_hooks(struct job *job, const struct config_account *account,
                           struct pass_options *options)
{
    const struct sync_run *run = job->run;
    const struct hook_context context = {run->config, account, options->clock, options->wake};
    struct hook_news *news = hook_news_new();
    struct error err = ERROR_INIT;
    options->news = hook_news_sink(news);
    if (hooks_before_sync(&context, &err) < 0) {
        const struct log_scope scope = {account->name, NULL};
        log_warning(&scope, "%s", err.text);
        job->report = (struct report){.result = REPORT_FAILED, .error = err};
    } else {
        (void)account_pass(run->config, account, options, &job->report);
    }
    hooks_after_sync(&context, news, &job->report);
    hook_news_free(&news);
}

/* A daemon that has the account makes the pass for us, with its hooks. */
static void make_pass(struct job *job, struct pass_options *options)
{
    const struct sync_flags *flags = &job->run->flags;
    const struct config *config = job->run->config;
    const struct target *target = &job->run->targets.items[job->index];
    if (account_is_locked(config, target->account)) {
        job->by_daemon =
            daemon_pass(config, target, options, flags->no_hooks, job->arena, &job->report);
    }
    if (job->by_daemon != DAEMON_IS_NOT_THERE) {
        return;
    }
    if (!flags->dry_run && !flags->no_hooks && hooks_are_wanted(config)) {
        run_with_hooks(job, target->account, options);
    } else {
        (void)account_pass(config, target->account, options, &job->report);
    }
}

static void *run_job(void *argument)
{
    struct job *job = argument;
    struct sync_run *run = job->run;
    const struct target *target = &run->targets.items[job->index];
    const struct plan_sink *plan = run->flags.verbose ? &job->spoken : NULL;
    struct pass_options options = {
        .dry_run = run->flags.dry_run,
        .full = run->flags.full,
        .approve_deletions = run->flags.approve_deletions,
        .mailboxes = target->mailboxes.items,
        .clock = &clock_system,
        .wake = run->wake,
        .trace = job->tap,
        .progress = progress_board_sink(run->board, job->index),
        .plan = run->flags.dry_run ? plan_list_sink(job->plan) : plan,
    };
    make_pass(job, &options);
    job->report.account = target->account->name;
    progress_board_done(run->board, job->index);
    show_result(job);
    return NULL;
}

static void start_jobs(struct sync_run *run)
{
    run->jobs = xcalloc(run->targets.len, sizeof *run->jobs);
    for (size_t i = 0; i < run->targets.len; i++) {
        struct job *job = &run->jobs[i];
        const char *account = run->targets.items[i].account->name;
        *job = (struct job){.run = run, .arena = arena_new(), .index = i};
        job->spoken = (struct plan_sink){speak, job};
        job->plan = plan_list_new();
        job->tap = run->trace == NULL ? NULL : trace_sink(run->trace, account);
        job->report.account = account;
    }
    for (size_t i = 0; i < run->targets.len; i++) {
        struct job *job = &run->jobs[i];
        job->started = pthread_create(&job->thread, NULL, run_job, job) == 0;
        if (!job->started) {
            (void)run_job(job);
        }
    }
}

/* A dry run holds nothing back: that something would be held is part of the plan. */
static int job_exit_code(const struct job *job)
{
    bool told = job->run->flags.dry_run && job->report.result == REPORT_HELD;
    return told ? 0 : report_exit_code(&job->report);
}

static int finish_jobs(struct sync_run *run)
{
    int exit_code = 0;
    for (size_t i = 0; i < run->targets.len; i++) {
        if (run->jobs[i].started) {
            (void)pthread_join(run->jobs[i].thread, NULL);
        }
        exit_code = exit_code_worse(exit_code, job_exit_code(&run->jobs[i]));
    }
    return exit_code;
}

static void print_json(const struct sync_run *run)
{
    json_t *accounts = json_array();
    for (size_t i = 0; i < run->targets.len; i++) {
        json_t *account = report_to_json(&run->jobs[i].report);
        if (run->flags.dry_run) {
            json_object_set_new(account, "plan", plan_list_json(run->jobs[i].plan));
        }
        json_array_append_new(accounts, account);
    }
    json_t *document = json_pack("{s:o}", "accounts", accounts);
    json_print(&document);
}

static int run_passes(struct sync_run *run)
{
    struct error err = ERROR_INIT;
    if (run->flags.trace != NULL && trace_open(run->flags.trace, &run->trace, &err) < 0) {
        return command_failed(&err);
    }
    run->board = progress_board_new(run->targets.len, !run->flags.quiet);
    start_jobs(run);
    int exit_code = finish_jobs(run);
    progress_board_free(&run->board);
    if (run->flags.json) {
        print_json(run);
    }
    for (size_t i = 0; i < run->targets.len; i++) {
        plan_list_free(&run->jobs[i].plan);
        arena_free(&run->jobs[i].arena);
    }
    free(run->jobs);
    if (trace_close(&run->trace, &err) < 0) {
        exit_code = exit_code_worse(exit_code, command_failed(&err));
    }
    return exit_code;
}

static int run_with_selection(struct sync_run *run, const struct selection *selection)
{
    struct error err = ERROR_INIT;
    run->config = selection->config;
    run->targets = selection->targets;
    if (run->flags.quiet && run->config->log_level > LOG_LEVEL_WARNING) {
        log_set_level(LOG_LEVEL_WARNING);
    }
    if (stop_on_signals(&run->wake, &err) < 0) {
        return command_failed(&err);
    }
    return run_passes(run);
}

static int sync_main(struct invocation *invocation)
{
    struct sync_run run = {0};
    struct sync_flags *f = &run.flags;
    const struct option options[] = {
        {'n', "dry-run", NULL, "only tell what would be done, and why", &f->dry_run, NULL, NULL},
        {0, "json", NULL, "one JSON document on standard output", &f->json, NULL, NULL},
        {'q', "quiet", NULL, "only tell what went wrong", &f->quiet, NULL, NULL},
        {'v', "verbose", NULL, "tell each thing that is done", &f->verbose, NULL, NULL},
        {0, "full", NULL, "believe no mark: list and scan everything", &f->full, NULL, NULL},
        {0, "approve-deletions", NULL, "do the deletions that an earlier run held",
         &f->approve_deletions, NULL, NULL},
        {0, "no-hooks", NULL, "run no hooks", &f->no_hooks, NULL, NULL},
        {0, "trace", "FILE", "write what passes to and fro, without secrets", NULL, &f->trace,
         NULL},
    };
    struct arguments arguments;
    struct selection selection;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    if (f->quiet && f->verbose) {
        exit_code = usage_error(invocation->verb, "-q and -v exclude each other");
    } else if (selection_open(invocation, &arguments, &selection, &exit_code)) {
        exit_code = run_with_selection(&run, &selection);
        selection_close(&selection);
    }
    free(arguments.items);
    return exit_code;
}

const struct verb verb_sync = {
    .name = "sync",
    .arguments = "[TARGET…]",
    .summary = "one pass: carry what changed on each side to the other",
    .run = sync_main,
};
