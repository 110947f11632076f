#include "cmd/command.h"
#include "sync/report.h"
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

int command_failed(const struct error *err)
{
    fprintf(stderr, "maildird: %s\n", err->text);
    return exit_code_of(err);
}

int command_flush(int exit_code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return exit_code;
    }
    perror("maildird: cannot write to standard output");
    return exit_code_worse(exit_code, 73);
}
