#pragma once
/* Commands of the user, run to their end: with a deadline, cancellable, in a process group of their
 * own so that all of it can be stopped. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/wake.h"

struct process_options {
    const char *shell;              /* for sh -c; NULL: argv */
    const char *const *argv;        /* NULL-terminated */
    const char *const *environment; /* NAME=VALUE on top of this program's; NULL: none */
    struct str input;               /* on its standard input */
    /* What it prints, up to the maximum of each; the rest is read and dropped. NULL: goes to this
     * program's standard error. */
    struct buf *output, *words;
    int64_t timeout_ms;
    int64_t grace_ms; /* between SIGTERM and SIGKILL when it must be stopped; 0: SIGKILL at once */
    const struct clock *clock;
    const struct wake *wake; /* may be NULL */
};

/* The status as waitpid has it. ERR_TIMEOUT and ERR_CANCELLED once its group was stopped, ERR_READ
 * where it cannot be run; all SCOPE_ACCOUNT but for ERR_CANCELLED. What it left running in the
 * background is not waited for. */
int process_run(const struct process_options *options, int *status_out, struct error *err);
/* "exit status 3", "ended by signal 9". */
void process_describe(int status, struct buf *out);
