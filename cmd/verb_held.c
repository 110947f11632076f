#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/vec.h"
#include "store/index.h"
#include "pass/report.h"
#include "cmd/account_index.h"
#include "cmd/command.h"
#include "cmd/json_print.h"
#include <inttypes.h>
#include <stdio.h>

static const char help[] =
    "What was not done and why: messages that cannot be fetched or sent, files that were synced\n"
    "once and that the server has no more, and deletions that wait for a person because there are\n"
    "many at once. Looks at the index only, not at the server.\n"
    "\n"
    "held approve ID…|TARGET… lets the next pass do what is held: delete, send, try again.\n"
    "held keep ID…|TARGET… has it left: what was to be deleted is brought back to the side that\n"
    "lacks it, what was to be sent stays here alone, what cannot be fetched stays on the server.\n"
    "An ID is the number that is listed; of several accounts that have it, name the account too.\n";

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
    static const char *const answers[] = {
        [HELD_UNANSWERED] = "\n",
        [HELD_APPROVED] = " (approved)\n",
        [HELD_KEPT] = " (to be kept)\n",
    };
    buf_add_cstr(&g->shown, answers[held->answer]);
}

static void print_groups(struct output *output)
{
    VEC_FOREACH (struct group, g, &output->groups) {
        printf("%s\n  %zu message%s since ", g->title, g->count, g->count == 1 ? "" : "s");
        print_time(g->since_ms, false);
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
    json_t *retry = held->retry_ms == HELD_UNTIL_TOLD ? json_null() : json_time(held->retry_ms);
    return json_pack(
        "{s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b, s:b}", "account", account, "id",
        (json_int_t)held->id, "kind", kinds[held->kind].name, "mailbox", json_text_str(mailbox),
        "uid", uid, "file", file, "reason", json_text_str(held->reason), "since",
        json_time(held->since_ms), "retry", retry, "tries", (json_int_t)held->tries, "approved",
        (int)(held->answer == HELD_APPROVED), "kept", (int)(held->answer == HELD_KEPT));
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
    struct index *index;
    struct index_txn *txn;
    int rc = account_index_open(config, target->account, &index, err);
    if (rc <= 0) {
        return rc;
    }
    rc = index_begin_read(index, &txn, err);
    if (rc == 0) {
        rc = list_transaction(txn, target, output, err);
        index_abort(&txn);
    }
    index_close(&index);
    return rc;
}

static int list_all(const struct selection *selection, struct output *output)
{
    int exit_code = 0;
    for (size_t i = 0; i < selection->targets.len; i++) {
        struct error err = ERROR_INIT;
        const struct target *target = &selection->targets.items[i];
        if (list_account(selection->config, target, output, &err) < 0) {
            exit_code = command_account_failed(target->account, &err, exit_code);
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
    struct output output = {0};
    struct selection selection;
    if (!selection_open(invocation, words, &selection, &exit_code)) {
        return exit_code;
    }
    output.items = json ? json_array() : NULL;
    exit_code = list_all(&selection, &output);
    if (json) {
        json_t *document = json_pack("{s:o}", "held", output.items);
        json_print(&document);
    }
    selection_close(&selection);
    return exit_code;
}

/* ---- answers ---- */

/* What is answered: all of the targets, or these IDs in them. */
struct answer {
    enum held_answer answer;
    const uint64_t *ids;
    size_t ids_len; /* 0: all */
    size_t count;
};

static bool is_meant(const struct answer *a, uint64_t id)
{
    for (size_t i = 0; i < a->ids_len; i++) {
        if (a->ids[i] == id) {
            return true;
        }
    }
    return a->ids_len == 0;
}

static int answer_transaction(struct index_txn *txn, const struct target *target, struct answer *a,
                              struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    uint64_t cursor = 0;
    struct index_held held;
    int found;
    while ((found = index_held_next(txn, arena, &cursor, &held, err)) > 0) {
        struct index_mailbox mailbox;
        int rc = index_mailbox_get(txn, arena, held.mailbox, &mailbox, err);
        if (rc < 0) {
            return rc;
        }
        if (!is_meant(a, held.id) || !target_matches(target, mailbox.utf8)) {
            continue;
        }
        held.answer = a->answer;
        if ((rc = index_held_put(txn, &held, err)) < 0) {
            return rc;
        }
        a->count++;
    }
    return found;
}

static int answer_account(const struct config *config, const struct target *target,
                          struct answer *a, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index *index;
    int rc = account_index_open(config, target->account, &index, err);
    if (rc <= 0) {
        return rc;
    }
    rc = index_begin_write(index, &txn, err);
    if (rc == 0) {
        rc = answer_transaction(txn, target, a, err);
    }
    if (rc == 0) {
        rc = index_commit(&txn, err);
    }
    index_abort(&txn);
    index_close(&index);
    return rc;
}

static int answer_all(const struct selection *selection, struct answer *a)
{
    const struct targets *targets = &selection->targets;
    if (a->ids_len > 0 && targets->len > 1) {
        fprintf(stderr, "maildird: there are several accounts: name the one whose numbers these "
                        "are, as in `maildird held keep ACCOUNT 12`\n");
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < targets->len; i++) {
        struct error err = ERROR_INIT;
        if (answer_account(selection->config, &targets->items[i], a, &err) < 0) {
            return command_account_failed(targets->items[i].account, &err, 0);
        }
    }
    printf("%zu held message%s to be %s by the next sync\n", a->count, a->count == 1 ? "" : "s",
           a->answer == HELD_APPROVED ? "done" : "kept");
    return a->count > 0 ? 0 : EXIT_USAGE;
}

static int answer_words(const struct invocation *invocation, const struct arguments *words)
{
    int exit_code = 0;
    AUTO_ARENA struct arena *arena = arena_new();
    struct selection selection;
    struct answer a = {.answer = strcmp(words->items[0], "keep") == 0 ? HELD_KEPT : HELD_APPROVED};
    struct arguments names = {arena_array(arena, words->len, sizeof *names.items), 0};
    uint64_t *ids = arena_array(arena, words->len, sizeof *ids);
    for (size_t i = 1; i < words->len; i++) {
        if (str_to_u64(str_from(words->items[i]), &ids[a.ids_len])) {
            a.ids_len++;
        } else {
            names.items[names.len++] = words->items[i];
        }
    }
    a.ids = ids;
    if (words->len == 1) {
        return usage_error(invocation->verb,
                           "%s what? Name numbers that `maildird held` lists, "
                           "or a TARGET",
                           words->items[0]);
    }
    if (selection_open(invocation, &names, &selection, &exit_code)) {
        exit_code = answer_all(&selection, &a);
        selection_close(&selection);
    }
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
    bool is_answer = arguments.len > 0 && (strcmp(arguments.items[0], "approve") == 0 ||
                                           strcmp(arguments.items[0], "keep") == 0);
    exit_code =
        is_answer ? answer_words(invocation, &arguments) : list_words(invocation, &arguments, json);
    free(arguments.items);
    return exit_code;
}

const struct verb verb_held = {
    .name = "held",
    .arguments = "[TARGET…] | approve|keep ID…|TARGET…",
    .summary = "what was not done, and why; and what becomes of it",
    .run = held_main,
};
