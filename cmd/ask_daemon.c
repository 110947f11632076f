#include "cmd/ask_daemon.h"
#include "base/arena.h"
#include "pass/report.h"
#include "daemon/control_path.h"
#include "cmd/json_print.h"
#include "cmd/stop.h"
#include <stdlib.h>
#include <string.h>

static const char *path_of(const struct config *config, struct arena *arena)
{
    const char *path = control_path(arena);
    return path != NULL ? path : arena_printf(arena, "%s/control", config->state_dir);
}

/* Where the daemon listens; the configuration is read only where it has a say in that. NULL: told,
 * *exit_out is the exit code. */
static const char *find_path(const struct invocation *invocation, struct arena *arena,
                             int *exit_out)
{
    const char *path = control_path(arena);
    if (path != NULL) {
        return path;
    }
    struct config *config = command_config(invocation, exit_out);
    if (config == NULL) {
        return NULL;
    }
    path = path_of(config, arena);
    config_free(&config);
    return path;
}

static struct control_client *connect_to(const char *path, struct error *err)
{
    struct control_client *client = NULL;
    const struct wake *wake;
    bool done = stop_on_signals(&wake, err) == 0 &&
                control_connect(path, wake, &clock_system, &client, err) == 0;
    return done ? client : NULL;
}

struct control_client *daemon_connect(const struct invocation *invocation, int *exit_out)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct error err = ERROR_INIT;
    const char *path = find_path(invocation, arena, exit_out);
    if (path == NULL) {
        return NULL;
    }
    struct control_client *client = connect_to(path, &err);
    if (client == NULL) {
        *exit_out = daemon_failed(&err);
    }
    return client;
}

struct control_client *daemon_find(const struct config *config)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct error ignored = ERROR_INIT;
    return connect_to(path_of(config, arena), &ignored);
}

bool is_in_hook(void)
{
    return getenv("MAILDIRD_HOOK") != NULL;
}

int daemon_trigger(struct control_client *client, json_t *targets,
                   const struct trigger_wishes *wishes, struct error *err)
{
    const char *hook = getenv("MAILDIRD_HOOK");
    bool before_pass = hook != NULL && strcmp(hook, "before_sync") == 0;
    json_t *reply;
    json_t *parameters = json_pack(
        "{s:o, s:b, s:b, s:b}", "targets", targets, "full", (int)wishes->full, "approve_deletions",
        (int)wishes->approve_deletions, "no_hooks", (int)(wishes->no_hooks || before_pass));
    int result = control_ask(client, "Trigger", parameters, &reply, err);
    if (result == 0) {
        json_decref(reply);
    }
    return result;
}

int daemon_failed(const struct error *err)
{
    int exit_code = command_failed(err);
    bool gone = err->code == ERR_NOT_FOUND || err->code == ERR_NETWORK;
    return gone ? EXIT_NO_DAEMON : exit_code;
}

json_t *words_json(const struct arguments *words)
{
    json_t *array = json_array();
    for (size_t i = 0; i < words->len; i++) {
        json_array_append_new(array, json_text(words->items[i]));
    }
    return array;
}
