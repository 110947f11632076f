#include "base/alloc.h"
#include "pass/report.h"
#include "account/verify.h"
#include "cmd/command.h"
#include "cmd/json_print.h"
#include "cmd/plan_list.h"
#include "cmd/stop.h"
#include <inttypes.h>
#include <stdio.h>

static const char help[] = "Compares the Maildir, the index and the server: everything is listed "
                           "and scanned as if no mark\n"
                           "could be believed, and every file is read and compared with what was "
                           "synced. Each difference is\n"
                           "told; 1 is the exit code then. Nothing is changed.\n"
                           "\n"
                           "--repair then makes one full pass, which carries over what is certain, "
                           "with the guard against\n"
                           "large deletions in force, and compares again. A file that is not what "
                           "was synced is left alone:\n"
                           "which side is right nobody knows.\n";

struct verification {
    const struct config *config;
    const struct wake *wake;
    bool repair;
    json_t *accounts; /* NULL: for people */
};

/* One account: what differs at first, and in the end. */
struct comparison {
    const struct verification *v;
    const struct target *target;
    struct plan_list *found, *left;
    struct plan_list *into; /* where files that differ are listed */
    uint64_t checked;
};

static void add_file(void *self, struct str mailbox, uint32_t uid, struct str base,
                     const char *what)
{
    const struct comparison *c = self;
    AUTO_ARENA struct arena *arena = arena_new();
    const struct plan_sink *sink = plan_list_sink(c->into);
    sink->line(sink->self, c->target->account->name, arena_str(arena, mailbox).ptr, "differs",
               arena_printf(arena, "UID %u %.*s", uid, STR_ARG(base)), what);
}

static int make_pass(const struct comparison *c, bool dry_run, struct plan_list *list,
                     struct report *report)
{
    const struct pass_options options = {
        .dry_run = dry_run,
        .full = true,
        .mailboxes = c->target->mailboxes.items,
        .clock = &clock_system,
        .wake = c->v->wake,
        .plan = list == NULL ? NULL : plan_list_sink(list),
    };
    return account_pass(c->v->config, c->target->account, &options, report);
}

/* What a full pass would do is what differs; then the files themselves. */
static int compare(struct comparison *c, struct plan_list *list)
{
    struct report report;
    struct error err = ERROR_INIT;
    const struct verify_sink sink = {add_file, c};
    int exit_code = make_pass(c, true, list, &report);
    if (exit_code > 1) {
        return exit_code;
    }
    c->into = list;
    if (verify_files(c->v->config, c->target, &sink, &c->checked, &err) < 0) {
        return command_account_failed(c->target->account, &err, 0);
    }
    return 0;
}

static void tell(const struct comparison *c, int exit_code)
{
    const char *account = c->target->account->name;
    const struct plan_list *last = c->v->repair ? c->left : c->found;
    size_t found = plan_list_len(c->found);
    size_t left = plan_list_len(last);
    if (c->v->accounts != NULL) {
        json_t *row =
            json_pack("{s:s, s:b, s:I, s:o, s:o}", "name", account, "complete",
                      (int)(exit_code == 0), "files", (json_int_t)c->checked, "differences",
                      plan_list_json(c->found), "left", plan_list_json(last));
        json_array_append_new(c->v->accounts, row);
        return;
    }
    if (found > 0) {
        plan_list_print(c->found, account, "differences");
    }
    if (exit_code != 0) {
        return;
    }
    if (c->v->repair && left > 0) {
        plan_list_print(c->left, account, "left");
    }
    printf("%s: %" PRIu64 " file%s read, %zu difference%s", account, c->checked,
           c->checked == 1 ? "" : "s", found, found == 1 ? "" : "s");
    if (c->v->repair) {
        printf(", %zu left", left);
    }
    printf("\n");
}

static int verify_account(const struct verification *v, const struct target *target)
{
    struct report report;
    struct comparison c = {
        .v = v, .target = target, .found = plan_list_new(), .left = plan_list_new()};
    int exit_code = compare(&c, c.found);
    if (exit_code == 0 && v->repair) {
        int repaired = make_pass(&c, false, NULL, &report);
        exit_code = repaired > 1 ? repaired : compare(&c, c.left);
    }
    tell(&c, exit_code);
    size_t left = plan_list_len(v->repair ? c.left : c.found);
    plan_list_free(&c.found);
    plan_list_free(&c.left);
    return exit_code == 0 && left > 0 ? 1 : exit_code;
}

static int verify_all(struct verification *v, const struct targets *targets)
{
    struct error err = ERROR_INIT;
    int exit_code = 0;
    if (stop_on_signals(&v->wake, &err) < 0) {
        return command_failed(&err);
    }
    for (size_t i = 0; i < targets->len; i++) {
        exit_code = exit_code_worse(exit_code, verify_account(v, &targets->items[i]));
    }
    return exit_code;
}

static int verify_main(struct invocation *invocation)
{
    bool json = false;
    struct verification v = {0};
    const struct option options[] = {
        {0, "json", NULL, "one JSON document on standard output", &json, NULL, NULL},
        {0, "repair", NULL, "carry over what is certain, and compare again", &v.repair, NULL, NULL},
    };
    struct arguments arguments;
    struct selection selection;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    if (selection_open(invocation, &arguments, &selection, &exit_code)) {
        v.config = selection.config;
        v.accounts = json ? json_array() : NULL;
        exit_code = verify_all(&v, &selection.targets);
        if (json) {
            json_t *document = json_pack("{s:o}", "accounts", v.accounts);
            json_print(&document);
        }
        selection_close(&selection);
    }
    free(arguments.items);
    return exit_code;
}

const struct verb verb_verify = {
    .name = "verify",
    .arguments = "[TARGET…]",
    .summary = "compare Maildir, index and server",
    .run = verify_main,
};
