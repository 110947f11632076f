/* `maildird call` and `maildird watch`: the control socket for scripts. */
#include "cmd/ask_daemon.h"
#include "cmd/json_print.h"
#include <stdio.h>
#include <stdlib.h>

/* Prints a reply a line, flushed, until the last. */
static int print_replies(struct control_client *client, const char *key)
{
    struct error err = ERROR_INIT;
    int more = 1;
    while (more > 0) {
        json_t *reply;
        more = control_reply(client, &reply, &err);
        if (more < 0) {
            return err.code == ERR_CANCELLED ? 0 : daemon_failed(&err);
        }
        json_t *shown = key == NULL ? json_incref(reply) : json_incref(json_object_get(reply, key));
        json_print(&shown);
        json_decref(reply);
        if (command_flush(0) != 0) {
            return 73;
        }
    }
    return 0;
}

static const char call_help[] =
    "Calls a METHOD of the running daemon's control socket with a JSON object of parameters, and\n"
    "prints each reply as a line of JSON. `maildird call GetInterface` prints the description of\n"
    "all methods; a METHOD without a dot is one of org.maildird.\n";

static int call_method(struct control_client *client, const char *method, json_t *parameters,
                       bool more)
{
    struct error err = ERROR_INIT;
    if (control_call(client, method, parameters, more, &err) < 0) {
        return daemon_failed(&err);
    }
    return print_replies(client, NULL);
}

static int print_interface(struct control_client *client)
{
    struct error err = ERROR_INIT;
    json_t *reply;
    if (control_ask(client, "org.varlink.service.GetInterfaceDescription",
                    json_pack("{s:s}", "interface", "org.maildird"), &reply, &err) < 0) {
        return daemon_failed(&err);
    }
    printf("%s", json_string_value(json_object_get(reply, "description")));
    json_decref(reply);
    return 0;
}

static int call_words(struct invocation *invocation, const struct arguments *words, bool more)
{
    int exit_code = 0;
    json_error_t problem;
    json_t *parameters = words->len < 2 ? json_object() : json_loads(words->items[1], 0, &problem);
    if (words->len == 0 || words->len > 2) {
        json_decref(parameters);
        return usage_error(invocation->verb, "needs a METHOD, and at most one JSON object");
    }
    if (!json_is_object(parameters)) {
        json_decref(parameters);
        return usage_error(invocation->verb, "the parameters are no JSON object: %s",
                           words->items[1]);
    }
    struct control_client *client = daemon_connect(invocation, &exit_code);
    if (client == NULL) {
        json_decref(parameters);
    } else if (strcmp(words->items[0], "GetInterface") == 0) {
        json_decref(parameters);
        exit_code = print_interface(client);
    } else {
        exit_code = call_method(client, words->items[0], parameters, more);
    }
    control_close(&client);
    return exit_code;
}

static int call_main(struct invocation *invocation)
{
    bool more = false;
    const struct option options[] = {
        {'m', "more", NULL, "take several replies, until the last", &more, NULL, NULL},
    };
    struct arguments words;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, call_help, &words,
                      &exit_code)) {
        return exit_code;
    }
    exit_code = call_words(invocation, &words, more);
    free(words.items);
    return exit_code;
}

const struct verb verb_call = {
    .name = "call",
    .arguments = "METHOD [JSON]",
    .summary = "call a method of the running daemon",
    .run = call_main,
};

static const char watch_help[] =
    "Prints what the running daemon did to messages, once it is done, and what becomes of the\n"
    "accounts, one JSON object a line: kind (new, flags, moved, deleted, state), time, account,\n"
    "mailbox, to, messages, uid, file, flags, what, why, state, means, error; null where a kind "
    "has\n"
    "none. First come the states of the accounts. Ends with the daemon, or on Ctrl-C.\n";

static int watch_main(struct invocation *invocation)
{
    struct error err = ERROR_INIT;
    bool json = false;
    const struct option options[] = {
        {0, "json", NULL, "one JSON object a line, which it is without --json, too", &json, NULL,
         NULL},
    };
    struct arguments words;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, watch_help, &words,
                      &exit_code)) {
        return exit_code;
    }
    free(words.items);
    struct control_client *client = daemon_connect(invocation, &exit_code);
    if (client == NULL) {
        return exit_code;
    }
    if (control_call(client, "Watch", NULL, true, &err) < 0) {
        exit_code = daemon_failed(&err);
    } else {
        exit_code = print_replies(client, "event");
    }
    control_close(&client);
    return exit_code;
}

const struct verb verb_watch = {
    .name = "watch",
    .arguments = "--json",
    .summary = "what happens, one event a line",
    .run = watch_main,
};
