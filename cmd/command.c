#include "cmd/command.h"
#include "pass/report.h"
#include <stdio.h>

static void tell_problem(void *self, const char *file, unsigned line, const char *text)
{
    if (line == 0) {
        fprintf(stderr, "%s: %s\n", file, text);
    } else {
        fprintf(stderr, "%s:%u: %s\n", file, line, text);
    }
}

struct config *command_config(const struct invocation *invocation, int *exit_out)
{
    static const struct config_problems problems = {.report = tell_problem};
    struct error err = ERROR_INIT;
    struct config *config;
    if (config_load(invocation->config_path, &problems, &config, &err) < 0) {
        *exit_out = exit_code_of(&err);
        return NULL;
    }
    log_set_level(config->log_level);
    return config;
}

bool selection_open(const struct invocation *invocation, const struct arguments *words,
                    struct selection *out, int *exit_out)
{
    struct error err = ERROR_INIT;
    *out = (struct selection){.config = command_config(invocation, exit_out)};
    if (out->config == NULL) {
        return false;
    }
    out->arena = arena_new();
    if (targets_find(out->config, words->items, words->len, out->arena, &out->targets, &err) < 0) {
        *exit_out = command_failed(&err);
        selection_close(out);
        return false;
    }
    return true;
}

void selection_close(struct selection *selection)
{
    config_free(&selection->config);
    arena_free(&selection->arena);
}

int command_failed(const struct error *err)
{
    fprintf(stderr, "maildird: %s\n", err->text);
    return exit_code_of(err);
}

int command_account_failed(const struct config_account *account, struct error *err, int exit_code)
{
    (void)error_wrap(err, "%s", account->name);
    return exit_code_worse(exit_code, command_failed(err));
}

int command_flush(int exit_code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return exit_code;
    }
    perror("maildird: cannot write to standard output");
    return exit_code_worse(exit_code, 73);
}
