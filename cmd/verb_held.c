#include "base/alloc.h"
#include "base/clock.h"
#include "store/index.h"
#include "sync/report.h"
#include "cmd/command.h"
#include "cmd/json_text.h"
#include "cmd/targets.h"
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

/* Where the held things of all accounts go. */
struct output {
    json_t *items; /* NULL: for people */
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

static void print_held(const char *account, struct str mailbox, const struct index_held *held)
{
    printf("%s:%.*s", account, STR_ARG(mailbox));
    if (held->uid != 0) {
        printf("/%u", held->uid);
    }
    printf("  #%" PRIu64 "  %s", held->id, kinds[held->kind].words);
    if (held->base.len > 0) {
        printf(" (%.*s)", STR_ARG(held->base));
    }
    printf(": %.*s; since ", STR_ARG(held->reason));
    print_time(held->since_ms);
    printf("%s\n", held->approved ? ", approved" : "");
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
            print_held(target->account->name, mailbox.utf8, &held);
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
    if (targets_find(config, words, arena, &targets, &err) < 0) {
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
        {0, "json", NULL, "one JSON document on standard output", &json, NULL},
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
