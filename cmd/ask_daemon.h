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

/*
 * Whether a hook has started us. A pass of the daemon may be waiting for that hook, or for its turn
 * to run one, so that no pass of the daemon is waited for then: it is asked for.
 */
bool is_in_hook(void);
#define PASS_IS_TO_COME "the daemon makes this pass when the hook has ended"

struct trigger_wishes {
    bool full, approve_deletions, no_hooks;
};
/* Asks for passes over the targets, whose reference is taken over, and does not wait for them. For
 * the hook before_sync they run no hooks, which would ask for further ones without end. */
int daemon_trigger(struct control_client *client, json_t *targets,
                   const struct trigger_wishes *wishes, struct error *err);

/* Tells the error of a call, and gives its exit code. */
int daemon_failed(const struct error *err);
/* The words as a JSON array; the caller owns it. */
json_t *words_json(const struct arguments *words);
