#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/vec.h"
#include "store/index.h"
#include "config/targets.h"
#include "sync/report.h"
#include "cmd/command.h"
#include "cmd/json_print.h"
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const char help[] =
    "What was not done and why: messages that cannot be fetched or sent, and deletions that wait\n"
    "for a person because there are many at once. Looks at the index only, not at the server.\n"
    "\n"
    "`maildird sync --approve-deletions TARGET` carries out the deletions that are listed here.\n";

/* What each kind is called in JSON, and for people. */
static const struct {
    const char *name;
    const char *words;
} kinds[] = {
    [HELD_DOWNLOAD] = {"download", "not fetched"},
    [HELD_UPLOAD] = {"upload", "not sent"},
    [HELD_DELETE_LOCAL] = {"delete_local", "not deleted here"},
    [HELD_DELETE_REMOTE] = {"delete_remote", "not deleted on the server"},
};

/* For people, what was held for one reason in one mailbox stands together; JSON has it all. */
#define SHOWN_OF_A_GROUP 10

struct group {
    char *key; /* mailbox, kind, reason */
    char *title;
    struct buf shown; /* a line each */
    size_t count;
    int64_t since_ms; /* of the first */
};

/* Where the held things of all accounts go. */
struct output {
    json_t *items;            /* NULL: for people */
    VEC(struct group) groups; /* of the account being listed */
    size_t count;
};

static void print_time(int64_t unix_ms)
{
    char text[32] = "?";
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;
    if (localtime_r(&seconds, &parts) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
    }
    printf("%s", text);
}

static struct group *group_of(struct output *output, const char *account, struct str mailbox,
                              const struct index_held *held)
{
    AUTO_FREE char *key =
        xasprintf("%d %.*s %.*s", held->kind, STR_ARG(mailbox), STR_ARG(held->reason));
    VEC_FOREACH (struct group, g, &output->groups) {
        if (strcmp(g->key, key) == 0) {
            return g;
        }
    }
    struct group *g = vec_add(&output->groups);
    g->key = xstrdup(key);
    g->title = xasprintf("%s:%.*s: %s: %.*s", account, STR_ARG(mailbox), kinds[held->kind].words,
                         STR_ARG(held->reason));
    buf_init(&g->shown, SIZE_MAX / 2);
    g->since_ms = held->since_ms;
    return g;
}

static void add_to_group(struct group *g, const struct index_held *held)
{
    if (++g->count > SHOWN_OF_A_GROUP) {
        return;
    }
    buf_addf(&g->shown, "    #%" PRIu64, held->id);
    if (held->uid != 0) {
        buf_addf(&g->shown, " UID %u", held->uid);
    }
    if (held->base.len > 0) {
        buf_addf(&g->shown, " %.*s", STR_ARG(held->base));
    }
    buf_add_cstr(&g->shown, held->approved ? " (approved)\n" : "\n");
}

static void print_groups(struct output *output)
{
    VEC_FOREACH (struct group, g, &output->groups) {
        printf("%s\n  %zu message%s since ", g->title, g->count, g->count == 1 ? "" : "s");
        print_time(g->since_ms);
        printf(":\n%s", g->shown.data);
        if (g->count > SHOWN_OF_A_GROUP) {
            printf("    and %zu more (--json lists them)\n", g->count - SHOWN_OF_A_GROUP);
        }
        free(g->key);
        free(g->title);
        buf_free(&g->shown);
    }
    vec_free(&output->groups);
}

static json_t *held_json(const char *account, struct str mailbox, const struct index_held *held)
{
    json_t *uid = held->uid == 0 ? json_null() : json_integer(held->uid);
    json_t *file = held->base.len == 0 ? json_null() : json_text_str(held->base);
    return json_pack("{s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b}", "account", account,
                     "id", (json_int_t)held->id, "kind", kinds[held->kind].name, "mailbox",
                     json_text_str(mailbox), "uid", uid, "file", file, "reason",
                     json_text_str(held->reason), "since", json_time(held->since_ms), "retry",
                     json_time(held->retry_ms), "tries", (json_int_t)held->tries, "approved",
                     (int)held->approved);
}

static int list_transaction(struct index_txn *txn, const struct target *target,
                            struct output *output, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    uint64_t cursor = 0;
    struct index_held held;
    int found;
    while ((found = index_held_next(txn, arena, &cursor, &held, err)) > 0) {
        struct index_mailbox mailbox = {.utf8 = STR_EMPTY};
        struct error unknown = ERROR_INIT;
        (void)index_mailbox_get(txn, arena, held.mailbox, &mailbox, &unknown);
        if (!target_matches(target, mailbox.utf8)) {
            continue;
        }
        output->count++;
        if (output->items == NULL) {
            add_to_group(group_of(output, target->account->name, mailbox.utf8, &held), &held);
        } else {
            json_array_append_new(output->items,
                                  held_json(target->account->name, mailbox.utf8, &held));
        }
    }
    return found;
}

static int list_account(const struct config *config, const struct target *target,
                        struct output *output, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *dir = config_state_dir(config, target->account, arena);
    struct index *index;
    struct index_txn *txn;
    enum index_opened opened;
    if (!index_exists(dir)) {
        return 0; /* not synced yet */
    }
    if (index_open(dir, &index, &opened, err) < 0) {
        return -(int)err->code;
    }
    int result = index_begin_read(index, &txn, err);
    if (result == 0) {
        result = list_transaction(txn, target, output, err);
        index_abort(&txn);
    }
    index_close(&index);
    return result;
}

static int list_all(const struct config *config, const struct targets *targets,
                    struct output *output)
{
    int exit_code = 0;
    for (size_t i = 0; i < targets->len; i++) {
        struct error err = ERROR_INIT;
        if (list_account(config, &targets->items[i], output, &err) < 0) {
            (void)error_wrap(&err, "%s", targets->items[i].account->name);
            exit_code = exit_code_worse(exit_code, command_failed(&err));
        }
        print_groups(output);
    }
    if (output->items == NULL && output->count == 0 && exit_code == 0) {
        printf("nothing is held\n");
    }
    return exit_code;
}

static int list_words(const struct invocation *invocation, const struct arguments *words, bool json)
{
    int exit_code = 0;
    struct error err = ERROR_INIT;
    AUTO_ARENA struct arena *arena = arena_new();
    struct targets targets;
    struct output output = {0};
    struct config *config = command_config(invocation, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    if (targets_find(config, words->items, words->len, arena, &targets, &err) < 0) {
        config_free(&config);
        return command_failed(&err);
    }
    output.items = json ? json_array() : NULL;
    exit_code = list_all(config, &targets, &output);
    if (json) {
        json_t *document = json_pack("{s:o}", "held", output.items);
        json_print(&document);
    }
    config_free(&config);
    return exit_code;
}

static int held_main(struct invocation *invocation)
{
    bool json = false;
    const struct option options[] = {
        {0, "json", NULL, "one JSON document on standard output", &json, NULL, NULL},
    };
    struct arguments arguments;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    exit_code = list_words(invocation, &arguments, json);
    free(arguments.items);
    return exit_code;
}

const struct verb verb_held = {
    .name = "held",
    .arguments = "[TARGET…]",
    .summary = "what was not done, and why",
    .run = held_main,
};
