#pragma once
/*
 * The main thread of the daemon: an event loop (sd-event) over signals, timers and what the threads
 * report, and the words to the service manager (sd_notify). It does no IMAP, no TLS and writes no
 * index.
 */
#include "daemon/supervisor.h"

struct sd_event;

/* Something that lives beside the supervisor in the loop, for as long as it runs: the control
 * socket. */
struct loop_guest {
    int (*start)(void *self, struct sd_event *event, struct supervisor *supervisor,
                 struct error *err);
    void (*stop)(void *self);
    void *self;
};

struct loop_options {
    const char *config_path;                                          /* NULL: the usual place */
    const struct tap_sink *(*trace)(void *self, const char *account); /* NULL: none */
    void *trace_self;
    const struct loop_guest *guests;
    size_t guests_len;
};

/* Whether it was built in: without libsystemd daemon_run fails, and says so. */
extern const bool loop_is_built;

/* Runs until SIGTERM or SIGINT. Takes over `config`. */
int loop_run(const struct loop_options *options, struct config *config, struct error *err);
