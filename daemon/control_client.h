#pragma once
/* The other end of the control socket: how the verbs speak with a daemon that runs. */
#include "base/clock.h"
#include "base/wake.h"
#include "daemon/varlink.h"

struct control_client;

/* `wake` may be NULL; it and `clock` are borrowed. ERR_NOT_FOUND where no daemon listens. */
int control_connect(const char *path, const struct wake *wake, const struct clock *clock,
                    struct control_client **out, struct error *err);
/* NULL is ignored. */
void control_close(struct control_client **client);

/* Sends a call of "org.maildird.METHOD", or of METHOD as it stands when it has a dot; takes over
 * `parameters` (may be NULL). With `more` the replies go on until one does not continue. */
int control_call(struct control_client *client, const char *method, json_t *parameters, bool more,
                 struct error *err);
/*
 * The next reply: 1 if more are to come, 0 if it was the last. *parameters_out is the caller's to
 * release. An error that the daemon answered is told in its own words, with the code that gives the
 * same exit code. Waits as long as the daemon takes; ERR_CANCELLED by the wake, ERR_NETWORK when
 * the daemon ended.
 */
int control_reply(struct control_client *client, json_t **parameters_out, struct error *err);
/* A call with one reply. */
int control_ask(struct control_client *client, const char *method, json_t *parameters,
                json_t **parameters_out, struct error *err);
