#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "pass/event_words.h"
#include "pass/report.h"
#include "cmd/account_index.h"
#include "cmd/command.h"
#include <stdio.h>
#include <string.h>

static const char help[] = "Brings back what passes removed here, from the files that are kept for "
                           "keep_deleted, and moves\n"
                           "back what they moved here. Only the Maildir is changed: the next sync "
                           "sends what is back to the\n"
                           "server, and moves there what was moved back. What was removed on the "
                           "server alone is not kept\n"
                           "here and does not come back.\n";

#define SINCE_UNTOLD_S 3600
#define KEPT_MAX 10000

/* A folder that files are moved out of, or back to. */
struct place {
    const char *path;
    struct maildir_snapshot snapshot;
    bool is_read;  /* `snapshot` is there … */
    bool is_stale; /* … but files came since */
    bool gave;
};

struct undoing {
    const struct target *target;
    const char *keep_dir;
    struct maildir *maildir;
    struct index_txn *txn;
    struct arena *arena;
    int64_t since_ms;
    bool dry_run;
    VEC(struct index_event) events; /* the newest first */
    VEC(struct place *) places;
    struct strmap *would; /* of a dry run: "PATH\nBASE" of files that would be there */
    size_t listed;        /* events looked at */
    int64_t oldest_ms;
    size_t done, failed;
};

static bool take(void *self, const struct index_event *event)
{
    struct undoing *u = self;
    u->listed++;
    u->oldest_ms = event->time_ms;
    if (event->time_ms < u->since_ms) {
        return false;
    }
    bool removed = str_eq(event->what, STR(EVENT_DELETED_LOCAL));
    bool moved = str_eq(event->what, STR(EVENT_MOVED_LOCAL)) && event->from.len > 0;
    bool wanted = target_matches(u->target, event->mailbox) ||
                  (moved && target_matches(u->target, event->from));
    if ((removed || moved) && wanted) {
        struct index_event kept = *event;
        kept.mailbox = arena_str(u->arena, event->mailbox);
        kept.base = arena_str(u->arena, event->base);
        kept.from = arena_str(u->arena, event->from);
        kept.from_base = arena_str(u->arena, event->from_base);
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

static struct place *place_of(struct undoing *u, const char *path)
{
    VEC_FOREACH (struct place *, each, &u->places) {
        if (strcmp((*each)->path, path) == 0) {
            return *each;
        }
    }
    struct place *place = arena_alloc(u->arena, sizeof *place);
    *place = (struct place){.path = path};
    vec_push(&u->places, place);
    return place;
}

static int read_place(struct undoing *u, struct place *place, struct error *err)
{
    if (place->is_read) {
        maildir_snapshot_free(&place->snapshot);
    }
    int rc = maildir_scan(u->maildir, place->path, &place->snapshot, err);
    place->is_read = rc == 0;
    place->is_stale = false;
    return rc;
}

/* Each folder is read once, and again where a file may have come back to it since: what moved on
 * and on goes back step by step. */
static int find(struct undoing *u, struct place *place, struct str base,
                const struct maildir_file **out, struct error *err)
{
    *out = NULL;
    int rc = place->is_read ? 0 : read_place(u, place, err);
    if (rc == 0) {
        *out = maildir_snapshot_find(&place->snapshot, base);
    }
    if (rc == 0 && *out == NULL && place->is_stale) {
        rc = read_place(u, place, err);
        *out = rc < 0 ? NULL : maildir_snapshot_find(&place->snapshot, base);
    }
    if (rc == 0 && *out == NULL) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MESSAGE, "the folder %s has no file %.*s",
                         place->path, STR_ARG(base));
    }
    return rc;
}

static struct str would_key(struct undoing *u, const char *path, struct str base)
{
    return str_from(arena_printf(u->arena, "%s\n%.*s", path, STR_ARG(base)));
}

static void would_be(struct undoing *u, const char *path, struct str base)
{
    strmap_put(u->would, would_key(u, path, base), u);
}

/* Under its earlier name, by which the move before this one knows it. */
static int put_back(struct undoing *u, const struct index_event *event, struct place *from,
                    struct place *to, const struct maildir_file *file, struct error *err)
{
    struct maildir_name name = file->parsed;
    if (event->from_base.len > 0) {
        name.base = event->from_base;
    }
    int rc = maildir_create(u->maildir, to->path, err);
    if (rc == 0) {
        rc = maildir_move(u->maildir, from->path, file, to->path, &name, err);
    }
    if (rc < 0 && err->code == ERR_EXISTS) {
        error_clear(err);
        rc = maildir_move(u->maildir, from->path, file, to->path, &file->parsed, err);
    }
    from->gave = from->gave || rc == 0;
    to->is_stale = to->is_stale || rc == 0;
    return rc;
}

static int move_back(struct undoing *u, const struct index_event *event, struct error *err)
{
    const struct maildir_file *file;
    struct place *from = place_of(u, path_of(u, event->mailbox));
    struct place *to = place_of(u, path_of(u, event->from));
    struct str earlier = event->from_base.len > 0 ? event->from_base : event->base;
    if (u->dry_run && strmap_remove(u->would, would_key(u, from->path, event->base)) != NULL) {
        would_be(u, to->path, earlier);
        return 0;
    }
    int rc = find(u, from, event->base, &file, err);
    if (rc == 0 && u->dry_run) {
        would_be(u, to->path, earlier);
    } else if (rc == 0) {
        rc = put_back(u, event, from, to, file, err);
    }
    return rc;
}

static int restore(struct undoing *u, const struct index_event *event, struct error *err)
{
    struct place *place = place_of(u, path_of(u, event->mailbox));
    int rc = u->dry_run ? 0 : maildir_create(u->maildir, place->path, err);
    if (rc == 0) {
        rc = maildir_restore(u->maildir, u->keep_dir, event->base, place->path, event->flags,
                             u->dry_run, err);
    }
    if (rc == 0 && u->dry_run) {
        would_be(u, place->path, event->base);
    }
    place->is_stale = place->is_stale || rc == 0;
    return rc;
}

/* Where the files are now before where they were. */
static int sync_places(struct undoing *u, struct error *err)
{
    int rc = 0;
    for (int gave = 0; gave < 2; gave++) {
        VEC_FOREACH (struct place *, each, &u->places) {
            if (rc == 0 && (gave ? (*each)->gave : (*each)->is_stale || (*each)->is_read)) {
                rc = maildir_sync_folder(u->maildir, (*each)->path, err);
            }
        }
    }
    return rc;
}

static void forget_places(struct undoing *u)
{
    VEC_FOREACH (struct place *, each, &u->places) {
        if ((*each)->is_read) {
            maildir_snapshot_free(&(*each)->snapshot);
        }
    }
    vec_free(&u->places);
    strmap_free(&u->would);
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
    if (rc == 0 && !u->dry_run) {
        rc = sync_places(u, err);
    }
    if (u->listed == KEPT_MAX && u->oldest_ms >= u->since_ms) {
        log_warning(
            &(struct log_scope){.account = u->target->account->name},
            "only the last %d things that passes did are known: what was done before is not "
            "undone",
            KEPT_MAX);
    }
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
        .would = strmap_new(),
    };
    if (rc > 0) {
        rc = undo_account(&u, index, err);
    }
    index_close(&index);
    forget_places(&u);
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
