#include "base/alloc.h"
#include "base/clock.h"
#include "base/vec.h"
#include "sync/event_words.h"
#include "sync/report.h"
#include "cmd/account_index.h"
#include "cmd/command.h"
#include <stdio.h>

static const char help[] = "Brings back what passes removed here, from the files that are kept for "
                           "keep_deleted, and moves\n"
                           "back what they moved here. Only the Maildir is changed: the next sync "
                           "sends what is back to the\n"
                           "server, and moves there what was moved back. What was removed on the "
                           "server alone is not kept\n"
                           "here and does not come back.\n";

#define SINCE_UNTOLD_S 3600
#define KEPT_MAX 10000

struct undoing {
    const struct target *target;
    const char *keep_dir;
    struct maildir *maildir;
    struct index_txn *txn;
    struct arena *arena;
    int64_t since_ms;
    bool dry_run;
    VEC(struct index_event) events; /* the newest first */
    size_t done, failed;
};

static bool take(void *self, const struct index_event *event)
{
    struct undoing *u = self;
    if (event->time_ms < u->since_ms) {
        return false;
    }
    bool removed = str_eq(event->what, STR(EVENT_DELETED_LOCAL));
    bool moved = str_eq(event->what, STR(EVENT_MOVED_LOCAL)) && event->from.len > 0;
    if ((removed || moved) && target_matches(u->target, event->mailbox)) {
        struct index_event kept = *event;
        kept.mailbox = arena_str(u->arena, event->mailbox);
        kept.base = arena_str(u->arena, event->base);
        kept.from = arena_str(u->arena, event->from);
        kept.what = STR_EMPTY;
        kept.why = STR_EMPTY;
        vec_push(&u->events, kept);
    }
    return true;
}

/* Where the mailbox is kept; one that the index has no more, where its name puts it. */
static const char *path_of(struct undoing *u, struct str utf8)
{
    struct index_mailbox mailbox;
    struct error ignored = ERROR_INIT;
    uint32_t cursor = 0;
    while (index_mailbox_next(u->txn, u->arena, &cursor, &mailbox, &ignored) > 0) {
        if (str_eq(mailbox.utf8, utf8)) {
            return mailbox.path.ptr;
        }
    }
    return maildir_path(u->maildir, u->arena, utf8);
}

static int move_back(struct undoing *u, const struct index_event *event, struct error *err)
{
    struct maildir_file file;
    const char *from = path_of(u, event->mailbox);
    const char *to = path_of(u, event->from);
    int rc = maildir_find(u->maildir, from, event->base, u->arena, &file, err);
    if (rc < 0 || u->dry_run) {
        return rc;
    }
    rc = maildir_create(u->maildir, to, err);
    rc = rc < 0 ? rc : maildir_move(u->maildir, from, &file, to, &file.parsed, err);
    rc = rc < 0 ? rc : maildir_sync_folder(u->maildir, to, err);
    return rc < 0 ? rc : maildir_sync_folder(u->maildir, from, err);
}

static int restore(struct undoing *u, const struct index_event *event, struct error *err)
{
    const char *path = path_of(u, event->mailbox);
    int rc = u->dry_run ? 0 : maildir_create(u->maildir, path, err);
    return rc < 0 ? rc
                  : maildir_restore(u->maildir, u->keep_dir, event->base, path, event->flags,
                                    u->dry_run, err);
}

static void undo_event(struct undoing *u, const struct index_event *event)
{
    struct error err = ERROR_INIT;
    const char *account = u->target->account->name;
    bool moved = event->from.len > 0;
    int rc = moved ? move_back(u, event, &err) : restore(u, event, &err);
    if (rc == 0) {
        u->done++;
        printf("%s:%.*s: %s%s %.*s\n", account, STR_ARG(event->mailbox), u->dry_run ? "would " : "",
               moved ? "move back" : "bring back", STR_ARG(event->base));
    } else if (err.code != ERR_NOT_FOUND && err.code != ERR_EXISTS) {
        u->failed++;
        (void)error_wrap(&err, "%s:%.*s", account, STR_ARG(event->mailbox));
        (void)command_failed(&err);
    }
}

static int undo_account(struct undoing *u, struct index *index, struct error *err)
{
    int rc = index_begin_read(index, &u->txn, err);
    if (rc == 0) {
        rc = index_event_list(u->txn, KEPT_MAX, take, u, err);
    }
    for (size_t i = 0; i < u->events.len && rc == 0; i++) {
        undo_event(u, &u->events.items[i]);
    }
    index_abort(&u->txn);
    return rc;
}

static int undo_target(const struct config *config, const struct target *target, int64_t since_ms,
                       bool dry_run, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct index *index;
    int rc = account_index_open(config, target->account, &index, err);
    if (rc < 0) {
        return rc;
    }
    struct undoing u = {
        .target = target,
        .keep_dir =
            arena_printf(arena, "%s/deleted", config_state_dir(config, target->account, arena)),
        .maildir = maildir_new(&target->account->maildir),
        .arena = arena,
        .since_ms = since_ms,
        .dry_run = dry_run,
    };
    if (rc > 0) {
        rc = undo_account(&u, index, err);
    }
    index_close(&index);
    maildir_free(&u.maildir);
    vec_free(&u.events);
    if (rc == 0) {
        printf("%s: %zu message%s %s\n", target->account->name, u.done, u.done == 1 ? "" : "s",
               dry_run ? "would be back" : "back");
    }
    return rc < 0 || u.failed == 0
               ? rc
               : error_set(err, ERR_WRITE, SCOPE_ACCOUNT,
                           "%zu message(s) could not be brought back", u.failed);
}

static int undo_words(const struct invocation *invocation, const struct arguments *words,
                      int64_t since_s, bool dry_run)
{
    int exit_code = 0;
    struct selection selection;
    int64_t since_ms = clock_wall_ms(&clock_system) - since_s * 1000;
    if (!selection_open(invocation, words, &selection, &exit_code)) {
        return exit_code;
    }
    for (size_t i = 0; i < selection.targets.len; i++) {
        struct error err = ERROR_INIT;
        const struct target *target = &selection.targets.items[i];
        if (undo_target(selection.config, target, since_ms, dry_run, &err) < 0) {
            exit_code = command_account_failed(target->account, &err, exit_code);
        }
    }
    selection_close(&selection);
    return exit_code;
}

static int undo_main(struct invocation *invocation)
{
    bool dry_run = false;
    const char *since = NULL;
    int64_t since_s = SINCE_UNTOLD_S;
    const struct option options[] = {
        {'n', "dry-run", NULL, "only tell what would come back", &dry_run, NULL, NULL},
        {0, "since", "TIME", "what was done in the last 90s, 5m, 2h, 7d (1h)", NULL, &since, NULL},
    };
    struct arguments arguments;
    int exit_code = 0;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    if (since != NULL && !config_duration_parse(since, &since_s)) {
        exit_code = usage_error(invocation->verb,
                                "--since takes a time as 90s, 5m, 2h or 7d, "
                                "not '%s'",
                                since);
    } else {
        exit_code = undo_words(invocation, &arguments, since_s, dry_run);
    }
    free(arguments.items);
    return exit_code;
}

const struct verb verb_undo = {
    .name = "undo",
    .arguments = "[TARGET…]",
    .summary = "bring back what passes removed here, or moved",
    .run = undo_main,
};
