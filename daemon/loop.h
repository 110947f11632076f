#pragma once
/*
 * The main thread of the daemon: an event loop (sd-event) over signals, timers and what the threads
 * report, and the words to the service manager (sd_notify). It does no IMAP, no TLS and writes no
 * index.
 */
#include "daemon/supervisor.h"

struct loop_options {
    const char *config_path;                                          /* NULL: the usual place */
    const struct tap_sink *(*trace)(void *self, const char *account); /* NULL: none */
    void *trace_self;
};

/* Whether it was built in: without libsystemd daemon_run fails, and says so. */
extern const bool loop_is_built;

/* SIGTERM, SIGINT and SIGHUP wait for loop_run from now on, so that one that comes while all is
 * still being set up ends nothing by itself. Before any thread is made: all inherit the mask. */
int loop_hold_signals(struct error *err);
/* After loop_hold_signals. Runs until SIGTERM or SIGINT. Takes over `config`. */
int loop_run(const struct loop_options *options, struct config *config, struct error *err);
