#pragma once
/* What the verbs that speak with the daemon share. */
#include "daemon/control_client.h"
#include "cmd/command.h"

/* EX_UNAVAILABLE: no daemon where one is needed. */
enum { EXIT_NO_DAEMON = 69 };

/* A connection to the daemon. NULL: what went wrong was told, and *exit_out is the exit code. */
struct control_client *daemon_connect(const struct invocation *invocation, int *exit_out);
/* The same for a daemon that need not be there: NULL, and nothing told, where none listens. */
struct control_client *daemon_find(const struct config *config);

/* Tells the error of a call, and gives its exit code. */
int daemon_failed(const struct error *err);
/* The words as a JSON array; the caller owns it. */
json_t *words_json(const struct arguments *words);
