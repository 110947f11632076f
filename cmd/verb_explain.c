#include "base/alloc.h"
#include "base/vec.h"
#include "store/maildir.h"
#include "pass/report.h"
#include "account/account.h"
#include "cmd/account_index.h"
#include "cmd/command.h"
#include "cmd/json_print.h"
#include "cmd/stop.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

static const char help[] =
    "What is known of one message, and what the next pass would do with it, and why. The message "
    "is\n"
    "named by its file, or as ACCOUNT:MAILBOX/UID. A dry run asks the server what is there now.\n";

#define LOG_SHOWN 10

/* The message asked about, and what was found. */
struct question {
    const struct config_account *account;
    struct arena *arena;
    struct str mailbox; /* UTF-8 name */
    uint32_t uid;       /* 0: a file without a record */
    struct str base;    /* empty: no file */
    bool has_mailbox, has_record, has_held;
    struct index_mailbox place;
    struct index_message record;
    struct index_held held;
    VEC(struct str) keywords; /* of the record */
    const char *file;         /* its path now; NULL: not here */
    VEC(struct index_event) events;
    VEC(const char *) plan; /* what, why in turn */
};

static const char *const states[] = {
    [MESSAGE_SYNCED] = "synced",
    [MESSAGE_DELETED_HERE] = "deleted here",
    [MESSAGE_GONE_THERE] = "gone there",
    [MESSAGE_SKIPPED] = "skipped",
    [MESSAGE_HELD] = "held",
};

/* ---- which message ---- */

/* The part of `path` below the Maildir's root; NULL: not in it. */
static const char *below_root(const struct config_account *account, const char *path)
{
    char root[PATH_MAX];
    if (realpath(account->maildir.root, root) == NULL) {
        return NULL;
    }
    size_t len = strlen(root);
    return strncmp(path, root, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

/* FOLDER/cur/NAME */
static bool read_file_name(const struct config *config, const char *word, struct question *q,
                           struct error *err)
{
    char path[PATH_MAX];
    if (realpath(word, path) == NULL) {
        (void)error_set(err, ERR_USAGE, SCOPE_ACCOUNT,
                        "%s is no file, and not of the form ACCOUNT:MAILBOX/UID", word);
        return false;
    }
    for (size_t i = 0; i < config->accounts_len; i++) {
        const char *rest = below_root(&config->accounts[i], path);
        struct str folder = rest == NULL ? STR_EMPTY : str_from(rest);
        ptrdiff_t name_at = str_rfind(folder, '/');
        ptrdiff_t sub_at = name_at < 0 ? -1 : str_rfind(str_sub(folder, 0, (size_t)name_at), '/');
        if (sub_at < 0) {
            continue;
        }
        struct maildir *maildir = maildir_new(&config->accounts[i].maildir);
        struct maildir_name name;
        struct str file = arena_str(q->arena, str_from_offset(folder, (size_t)name_at + 1));
        maildir_name_parse(maildir, q->arena, file, &name);
        q->account = &config->accounts[i];
        q->base = arena_str(q->arena, name.base);
        q->place.path = arena_str(q->arena, str_sub(folder, 0, (size_t)sub_at));
        (void)maildir_mailbox(maildir, q->arena, q->place.path, &q->mailbox);
        maildir_free(&maildir);
        return true;
    }
    (void)error_set(err, ERR_USAGE, SCOPE_ACCOUNT, "%s is in no account's Maildir", path);
    return false;
}

/* ACCOUNT:MAILBOX/UID; false where it is not of this form. */
static bool read_uid(const struct config *config, const char *word, struct question *q)
{
    struct error ignored = ERROR_INIT;
    struct str rest = str_from(word);
    struct str account;
    ptrdiff_t slash = str_rfind(rest, '/');
    if (slash < 0 || !str_to_u32(str_from_offset(rest, (size_t)slash + 1), &q->uid)) {
        return false;
    }
    rest = str_sub(rest, 0, (size_t)slash);
    if (!str_split(&rest, ':', &account) || rest.len == 0) {
        return false;
    }
    q->account = config_find(config, account, &ignored);
    q->mailbox = arena_str(q->arena, rest);
    return q->account != NULL;
}

/* ---- what is known ---- */

static int find_mailbox(struct question *q, struct index_txn *txn, struct error *err)
{
    struct index_mailbox mailbox;
    uint32_t cursor = 0;
    int rc;
    while ((rc = index_mailbox_next(txn, q->arena, &cursor, &mailbox, err)) > 0) {
        bool found = q->place.path.len > 0 ? str_eq(mailbox.path, q->place.path)
                                           : str_eq(mailbox.utf8, q->mailbox);
        if (found) {
            q->place = mailbox;
            q->mailbox = mailbox.utf8;
            q->has_mailbox = true;
            return 0;
        }
    }
    return rc;
}

static int find_record(struct question *q, struct index_txn *txn, struct error *err)
{
    int rc = q->uid != 0
                 ? index_message_get(txn, q->arena, q->place.id, q->uid, &q->record, err)
                 : index_message_by_file(txn, q->arena, q->place.id, q->base, &q->record, err);
    if (rc < 0 && err->code != ERR_NOT_FOUND) {
        return rc;
    }
    error_clear(err);
    q->has_record = rc == 0;
    if (q->has_record) {
        q->uid = q->record.uid;
        q->base = q->record.base;
    }
    return 0;
}

static int name_keywords(struct question *q, struct index_txn *txn, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; q->has_record && i < q->record.flags.keywords_len && rc == 0; i++) {
        struct str name;
        rc = index_keyword_name(txn, q->arena, q->record.flags.keywords[i], &name, err);
        if (rc == 0) {
            vec_push(&q->keywords, name);
        }
    }
    return rc;
}

static int find_held(struct question *q, struct index_txn *txn, struct error *err)
{
    struct index_held held;
    uint64_t cursor = 0;
    int rc;
    while ((rc = index_held_next(txn, q->arena, &cursor, &held, err)) > 0) {
        bool same = held.uid != 0 ? held.uid == q->uid : str_eq(held.base, q->base);
        if (held.mailbox == q->place.id && same) {
            q->held = held;
            q->has_held = true;
        }
    }
    return rc;
}

static bool take_event(void *self, const struct index_event *event)
{
    struct question *q = self;
    bool same = (event->uid != 0 && event->uid == q->uid && str_eq(event->mailbox, q->mailbox)) ||
                (event->base.len > 0 && str_eq(event->base, q->base));
    if (same) {
        struct index_event kept = *event;
        kept.mailbox = arena_str(q->arena, event->mailbox);
        kept.what = arena_str(q->arena, event->what);
        kept.why = arena_str(q->arena, event->why);
        vec_push(&q->events, kept);
    }
    return q->events.len < LOG_SHOWN;
}

static int look_at_index(const struct config *config, struct question *q, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    struct index *index;
    int rc = account_index_open(config, q->account, &index, err);
    if (rc <= 0) {
        return rc;
    }
    rc = index_begin_read(index, &txn, err);
    rc = rc < 0 ? rc : find_mailbox(q, txn, err);
    if (rc == 0 && q->has_mailbox) {
        rc = find_record(q, txn, err);
        rc = rc < 0 ? rc : name_keywords(q, txn, err);
        rc = rc < 0 ? rc : find_held(q, txn, err);
    }
    rc = rc < 0 ? rc : index_event_list(txn, INT_MAX, take_event, q, err);
    index_abort(&txn);
    index_close(&index);
    return rc;
}

static void look_at_maildir(struct question *q)
{
    struct maildir *maildir = maildir_new(&q->account->maildir);
    struct error ignored = ERROR_INIT;
    struct maildir_file file;
    if (q->base.len > 0 && q->place.path.len > 0 &&
        maildir_find(maildir, q->place.path.ptr, q->base, q->arena, &file, &ignored) == 0) {
        q->file = arena_printf(q->arena, "%s/%s/%s/%.*s", maildir_root(maildir), q->place.path.ptr,
                               file.in_new ? "new" : "cur", STR_ARG(file.name));
    }
    maildir_free(&maildir);
}

/* ---- what would be done ---- */

static void take_line(void *self, const char *account, const char *mailbox, const char *what,
                      const char *subject, const char *why)
{
    struct question *q = self;
    const char *uid = arena_printf(q->arena, "UID %u", q->uid);
    bool same_uid = q->uid != 0 && subject != NULL && strcmp(subject, uid) == 0;
    bool same_file = q->base.len > 0 && subject != NULL && str_starts(str_from(subject), q->base);
    if (mailbox != NULL && str_eq(str_from(mailbox), q->mailbox) && (same_uid || same_file)) {
        vec_push(&q->plan, arena_strdup(q->arena, what));
        vec_push(&q->plan, arena_strdup(q->arena, why == NULL ? "" : why));
    }
}

static int look_ahead(const struct config *config, struct question *q, const struct wake *wake)
{
    const char *const mailboxes[] = {arena_str(q->arena, q->mailbox).ptr, NULL};
    const struct plan_sink sink = {take_line, q};
    const struct pass_options options = {
        .dry_run = true,
        .mailboxes = q->mailbox.len > 0 ? mailboxes : NULL,
        .clock = &clock_system,
        .wake = wake,
        .plan = &sink,
        .each_message = true,
    };
    struct report report;
    int exit_code = account_pass(config, q->account, &options, &report);
    if (exit_code > 1) {
        fprintf(stderr, "maildird: %s: %s\n", q->account->name, report.error.text);
    }
    return exit_code > 1 ? exit_code : 0;
}

/* ---- telling ---- */

static void print_answer(const struct question *q, bool looked)
{
    printf("%s:%.*s", q->account->name, STR_ARG(q->mailbox));
    printf(q->uid != 0 ? " UID %u\n" : "\n", q->uid);
    printf("  file: %s\n", q->file != NULL ? q->file : "none here");
    if (q->has_record) {
        printf("  index: %s, flags \"%s\", ", states[q->record.state],
               maildir_flags_text(q->arena, q->record.flags.system));
        for (size_t i = 0; i < q->keywords.len; i++) {
            bool last = i + 1 == q->keywords.len;
            printf("%s%.*s%s", i == 0 ? "keywords " : " ", STR_ARG(q->keywords.items[i]),
                   last ? ", " : "");
        }
        printf("%" PRIu64 " bytes on the server, received ", q->record.wire_size);
        print_time(q->record.internal_date_s * 1000, true);
        printf("\n");
    } else {
        printf("  index: knows nothing of it\n");
    }
    if (q->has_held) {
        printf("  held: #%" PRIu64 ": %.*s\n", q->held.id, STR_ARG(q->held.reason));
    }
    for (size_t i = 0; i < q->events.len; i++) {
        const struct index_event *e = &q->events.items[i];
        printf("  ");
        print_time(e->time_ms, true);
        printf(": %.*s (%.*s)\n", STR_ARG(e->what), STR_ARG(e->why));
    }
    for (size_t i = 0; i + 1 < q->plan.len; i += 2) {
        printf("  the next pass: %s: %s\n", q->plan.items[i], q->plan.items[i + 1]);
    }
    if (looked && q->plan.len == 0) {
        printf("  the next pass: nothing\n");
    }
}

static json_t *record_json(const struct question *q)
{
    char header[33], body[33];
    digest_to_hex(&q->record.header_digest, header);
    digest_to_hex(&q->record.body_digest, body);
    json_t *keywords = json_array();
    for (size_t i = 0; i < q->keywords.len; i++) {
        json_array_append_new(keywords, json_text_str(q->keywords.items[i]));
    }
    return json_pack("{s:s, s:s, s:o, s:I, s:o, s:b, s:s, s:s}", "state", states[q->record.state],
                     "flags", maildir_flags_text(q->arena, q->record.flags.system), "keywords",
                     keywords, "size", (json_int_t)q->record.wire_size, "received",
                     json_time(q->record.internal_date_s * 1000), "raw", (int)q->record.raw,
                     "header_digest", header, "body_digest", body);
}

static void print_json(const struct question *q, bool looked)
{
    json_t *events = json_array();
    json_t *plan = json_array();
    for (size_t i = 0; i < q->events.len; i++) {
        const struct index_event *e = &q->events.items[i];
        json_array_append_new(events,
                              json_pack("{s:o, s:o, s:o}", "time", json_time(e->time_ms), "what",
                                        json_text_str(e->what), "why", json_text_str(e->why)));
    }
    for (size_t i = 0; i + 1 < q->plan.len; i += 2) {
        json_array_append_new(plan, json_pack("{s:s, s:s}", "operation", q->plan.items[i], "why",
                                              q->plan.items[i + 1]));
    }
    json_t *document = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "account",
                                 q->account->name, "mailbox", json_text_str(q->mailbox), "uid",
                                 q->uid == 0 ? json_null() : json_integer(q->uid), "file",
                                 q->file == NULL ? json_null() : json_text_str(str_from(q->file)),
                                 "index", q->has_record ? record_json(q) : json_null(), "held",
                                 q->has_held ? json_text_str(q->held.reason) : json_null(),
                                 "events", events, "next", looked ? plan : json_null());
    if (!looked) {
        json_decref(plan);
    }
    json_print(&document);
}

static int explain(const struct config *config, const char *word, bool json)
{
    struct error err = ERROR_INIT;
    const struct wake *wake;
    AUTO_ARENA struct arena *arena = arena_new();
    struct question q = {.arena = arena};
    if (!read_uid(config, word, &q)) {
        q.uid = 0;
        q.mailbox = STR_EMPTY;
        if (!read_file_name(config, word, &q, &err)) {
            return command_failed(&err);
        }
    }
    int exit_code = 0;
    if (stop_on_signals(&wake, &err) < 0 || look_at_index(config, &q, &err) < 0) {
        exit_code = command_failed(&err);
    } else {
        look_at_maildir(&q);
        exit_code = look_ahead(config, &q, wake);
        if (json) {
            print_json(&q, exit_code == 0);
        } else {
            print_answer(&q, exit_code == 0);
        }
    }
    vec_free(&q.events);
    vec_free(&q.keywords);
    vec_free(&q.plan);
    return exit_code;
}

static int explain_main(struct invocation *invocation)
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
    if (arguments.len != 1) {
        exit_code = usage_error(invocation->verb, "name one message: FILE or ACCOUNT:MAILBOX/UID");
    } else {
        struct config *config = command_config(invocation, &exit_code);
        if (config != NULL) {
            exit_code = explain(config, arguments.items[0], json);
            config_free(&config);
        }
    }
    free(arguments.items);
    return exit_code;
}

const struct verb verb_explain = {
    .name = "explain",
    .arguments = "FILE|ACCOUNT:MAILBOX/UID",
    .summary = "what is known of one message, and what the next pass would do",
    .run = explain_main,
};
