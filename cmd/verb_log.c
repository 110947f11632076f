#include "base/alloc.h"
#include "pass/report.h"
#include "cmd/account_index.h"
#include "cmd/command.h"
#include "cmd/json_print.h"
#include <stdio.h>

static const char help[] =
    "What passes changed on either side, where, and why, the oldest first. An account keeps its\n"
    "last 10,000 entries; a first download is one entry for many messages.\n";

#define SHOWN_UNTOLD 50
#define KEPT_MAX 10000

/* The events of one account that are meant, the newest first. */
struct listing {
    const struct target *target;
    struct arena *arena;
    size_t wanted;
    VEC(struct index_event) events;
};

static bool take(void *self, const struct index_event *event)
{
    struct listing *l = self;
    if (!target_matches(l->target, event->mailbox)) {
        return true;
    }
    struct index_event kept = *event;
    kept.mailbox = arena_str(l->arena, event->mailbox);
    kept.what = arena_str(l->arena, event->what);
    kept.why = arena_str(l->arena, event->why);
    kept.base = arena_str(l->arena, event->base);
    kept.from = arena_str(l->arena, event->from);
    vec_push(&l->events, kept);
    return l->events.len < l->wanted;
}

static void print_event(const char *account, const struct index_event *event)
{
    print_time(event->time_ms, true);
    printf(" %s:%.*s: %.*s", account, STR_ARG(event->mailbox), STR_ARG(event->what));
    if (event->from.len > 0) {
        printf(" from %.*s", STR_ARG(event->from));
    }
    if (event->uid != 0) {
        printf(" UID %u", event->uid);
    }
    if (event->base.len > 0) {
        printf(" %.*s", STR_ARG(event->base));
    }
    printf(" (%.*s)\n", STR_ARG(event->why));
}

static json_t *event_json(const char *account, const struct index_event *event)
{
    json_t *uid = event->uid == 0 ? json_null() : json_integer(event->uid);
    json_t *file = event->base.len == 0 ? json_null() : json_text_str(event->base);
    json_t *from = event->from.len == 0 ? json_null() : json_text_str(event->from);
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "account", account, "id",
                     (json_int_t)event->id, "time", json_time(event->time_ms), "mailbox",
                     json_text_str(event->mailbox), "uid", uid, "file", file, "what",
                     json_text_str(event->what), "from", from, "why", json_text_str(event->why));
}

static void tell(const struct listing *l, json_t *items)
{
    const char *account = l->target->account->name;
    for (size_t i = l->events.len; i > 0; i--) {
        if (items == NULL) {
            print_event(account, &l->events.items[i - 1]);
        } else {
            json_array_append_new(items, event_json(account, &l->events.items[i - 1]));
        }
    }
}

static int log_account(const struct config *config, struct listing *l, json_t *items,
                       struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index *index;
    int rc = account_index_open(config, l->target->account, &index, err);
    if (rc <= 0) {
        return rc;
    }
    rc = index_begin_read(index, &txn, err);
    if (rc == 0) {
        rc = index_event_list(txn, KEPT_MAX, take, l, err);
    }
    index_abort(&txn);
    index_close(&index);
    if (rc == 0) {
        tell(l, items);
    }
    return rc;
}

static int log_all(const struct selection *selection, size_t wanted, json_t *items)
{
    int exit_code = 0;
    for (size_t i = 0; i < selection->targets.len; i++) {
        AUTO_ARENA struct arena *arena = arena_new();
        struct error err = ERROR_INIT;
        const struct target *target = &selection->targets.items[i];
        struct listing listing = {.target = target, .arena = arena, .wanted = wanted};
        if (log_account(selection->config, &listing, items, &err) < 0) {
            exit_code = command_account_failed(target->account, &err, exit_code);
        }
        vec_free(&listing.events);
    }
    return exit_code;
}

static int log_words(const struct invocation *invocation, const struct arguments *words,
                     size_t wanted, bool json)
{
    int exit_code = 0;
    struct selection selection;
    if (!selection_open(invocation, words, &selection, &exit_code)) {
        return exit_code;
    }
    json_t *items = json ? json_array() : NULL;
    exit_code = log_all(&selection, wanted, items);
    if (json) {
        json_t *document = json_pack("{s:o}", "events", items);
        json_print(&document);
    }
    selection_close(&selection);
    return exit_code;
}

static int log_main(struct invocation *invocation)
{
    bool json = false;
    const char *count = NULL;
    uint32_t wanted = SHOWN_UNTOLD;
    const struct option options[] = {
        {0, "json", NULL, "one JSON document on standard output", &json, NULL, NULL},
        {'n', "lines", "N", "how many of each account at most (50)", NULL, &count, NULL},
    };
    struct arguments arguments;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    if (count != NULL && (!str_to_u32(str_from(count), &wanted) || wanted == 0)) {
        exit_code = usage_error(invocation->verb, "-n takes a number from 1 on, not '%s'", count);
    } else {
        exit_code = log_words(invocation, &arguments, wanted, json);
    }
    free(arguments.items);
    return exit_code;
}

const struct verb verb_log = {
    .name = "log",
    .arguments = "[TARGET…]",
    .summary = "what was changed, where, and why",
    .run = log_main,
};
