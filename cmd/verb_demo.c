#include "base/alloc.h"
#include "base/files.h"
#include "net/tls.h"
#include "imap/flags.h"
#include "server/listener.h"
#include "account/account.h"
#include "cmd/columns.h"
#include "cmd/command.h"
#include "cmd/demo_compare.h"
#include "cmd/demo_mail.h"
#include "cmd/stop.h"
#include "cmd/sync_report.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define HOST "127.0.0.1"

static const char help[] =
    "Starts a mail server with some mail on this computer, makes an account for it in a temporary\n"
    "folder, syncs, changes things on both sides, syncs again and compares. Each step is told.\n"
    "Nothing leaves this computer; what was made stays to be looked at.\n";

struct demo {
    char *root, *config_path, *mail_path;
    struct mem_backend *backend;
    struct tls_context *tls;
    struct listener *listener;
    struct config *config;
    struct maildir *md;
    const struct wake *wake;
    unsigned step;
};

__attribute__((format(printf, 2, 3))) static void heading(struct demo *d, const char *format, ...)
{
    bool bold = columns_colour(STDOUT_FILENO);
    va_list args;
    printf("\n%s%u. ", bold ? "\033[1m" : "", ++d->step);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("%s\n", bold ? "\033[0m" : "");
}

static int64_t now_s(void)
{
    return clock_wall_ms(&clock_system) / 1000;
}

/* ---- the server ---- */

static int write_file(const char *folder, const char *name, const struct buf *text,
                      struct error *err)
{
    AUTO_FREE char *path = path_join(folder, name);
    return file_replace(path, buf_str(text), 0600, err);
}

static int start_listener(struct demo *d, struct error *err)
{
    struct backend vtable = mem_backend_vtable(d->backend);
    struct listener_options options = {
        .host = HOST, .implicit_tls = true, .tls = d->tls, .max_connections = 16};
    session_default_capabilities(&options.session.capabilities);
    options.session.tls_active = true;
    return listener_start(&vtable, &options, &d->listener, err);
}

static int start_server(struct demo *d, struct error *err)
{
    struct buf certificate = BUF_INIT(64 * 1024);
    size_t count = 0;
    d->backend = mem_backend_new(&clock_system);
    int result = demo_mail_fill(d->backend, now_s(), &count, err);
    if (result == 0) {
        result = tls_self_signed_context(HOST, &certificate, &d->tls, err);
    }
    if (result == 0) {
        result = write_file(d->root, "server.pem", &certificate, err);
    }
    if (result == 0) {
        result = start_listener(d, err);
    }
    buf_free(&certificate);
    if (result == 0) {
        heading(d, "A mail server");
        printf("It runs on this computer, at %s port %u, speaks IMAP over TLS, and has %zu\n"
               "messages in these mailboxes:\n\n",
               HOST, listener_port(d->listener), count);
        for (const char *const *name = demo_mailboxes; *name != NULL; name++) {
            printf("    %s\n", *name);
        }
    }
    return result;
}

/* ---- the configuration ---- */

static void tell_problem(void *self, const char *file, unsigned line, const char *text)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

static int write_config(struct demo *d, struct error *err)
{
    static const struct config_problems problems = {.report = tell_problem};
    struct buf text = BUF_INIT(64 * 1024);
    buf_addf(&text,
             "state_dir: state\n"
             "accounts:\n"
             "  demo:\n"
             "    host: " HOST "\n"
             "    port: %u\n"
             "    tls_ca_file: server.pem\n"
             "    user: " DEMO_USER "\n"
             "    password: " DEMO_PASSWORD "\n"
             "    maildir: Mail\n",
             listener_port(d->listener));
    int result = write_file(d->root, "config.yaml", &text, err);
    if (result == 0) {
        heading(d, "A configuration");
        printf("%s says which server, and where the mail is to be kept:\n\n", d->config_path);
        struct str rest = buf_str(&text), line;
        while (str_split(&rest, '\n', &line)) {
            printf("    %.*s\n", STR_ARG(line));
        }
        result = config_load(d->config_path, &problems, &d->config, err);
    }
    buf_free(&text);
    return result;
}

/* ---- syncs ---- */

/* 0, or an exit code. */
static int sync_once(struct demo *d)
{
    struct report report = {.result = REPORT_FAILED};
    struct pass_options options = {.clock = &clock_system, .wake = d->wake};
    printf("    $ maildird -c %s sync\n    ", d->config_path);
    (void)fflush(stdout);
    int exit_code = account_pass(d->config, &d->config->accounts[0], &options, &report);
    report.account = d->config->accounts[0].name;
    sync_report_print(&report);
    return exit_code;
}

static void print_counts(const char *mailbox, const struct demo_comparison *c)
{
    struct buf line = BUF_INIT(4096);
    columns_pad(&line, mailbox, 18);
    printf("    %s %6zu %6zu   %s\n", line.data, c->server, c->here, c->equal ? "same" : "DIFFER");
    buf_free(&line);
}

/* 0, EXIT_DEFECT where the sides differ, or the exit code of *err. */
static int compare_sides(struct demo *d, struct error *err)
{
    int exit_code = 0;
    printf("\n    MAILBOX            SERVER   HERE   MESSAGES AND FLAGS\n");
    for (const char *const *name = demo_mailboxes; *name != NULL; name++) {
        struct demo_comparison c;
        if (demo_compare(d->backend, d->md, *name, &c, err) < 0) {
            return command_failed(err);
        }
        print_counts(*name, &c);
        exit_code = c.equal ? exit_code : EXIT_DEFECT;
    }
    return exit_code;
}

static int first_sync(struct demo *d, struct error *err)
{
    heading(d, "The first sync");
    printf("All mailboxes are made here, and the messages fetched:\n\n");
    int exit_code = sync_once(d);
    return exit_code != 0 ? exit_code : compare_sides(d, err);
}

/* ---- changes on the server ---- */

struct pick {
    const char *subject;
    uint32_t uid; /* 0: not found */
};

static bool has_subject(struct str message, const char *subject)
{
    AUTO_FREE char *line = xasprintf("\nSubject: %s", subject);
    return memmem(message.ptr, message.len, line, strlen(line)) != NULL;
}

static bool pick_message(void *self, const struct backend_message *message, struct str body)
{
    struct pick *pick = self;
    if (has_subject(body, pick->subject)) {
        pick->uid = message->uid;
    }
    return pick->uid == 0;
}

static int change_server(struct demo *d, struct error *err)
{
    struct pick pick = {.subject = "Lunch on Friday?"};
    struct buf message = BUF_INIT(64 * 1024);
    uint32_t uid;
    printf("On the server, as another mail program or a sender would do it:\n"
           "    - \"%s\" in INBOX is marked as read and as important,\n"
           "    - a new message arrives in INBOX.\n",
           pick.subject);
    int result = mem_backend_each(d->backend, DEMO_USER, "INBOX", pick_message, &pick, err);
    if (result == 0) {
        result = mem_backend_set_flags(d->backend, DEMO_USER, "INBOX", pick.uid,
                                       FLAG_SEEN | FLAG_FLAGGED, err);
    }
    demo_mail_compose(&message, "Grace <grace@example.org>", "Friday it is", "See you there.",
                      now_s());
    if (result == 0) {
        result = mem_backend_append(d->backend, DEMO_USER, "INBOX", buf_str(&message), 0, now_s(),
                                    &uid, err);
    }
    buf_free(&message);
    return result;
}

/* ---- changes here ---- */

typedef int file_change(const struct maildir *md, const char *path, const struct maildir_file *file,
                        struct error *err);

static int file_has_subject(const char *folder, const struct maildir_file *file,
                            const char *subject, struct error *err)
{
    struct buf text = BUF_INIT(64 * 1024);
    AUTO_FREE char *name =
        xasprintf("%s/%s/%.*s", folder, file->in_new ? "new" : "cur", STR_ARG(file->name));
    int result = file_read(AT_FDCWD, name, &text, err);
    if (result == 0) {
        result = has_subject(buf_str(&text), subject) ? 1 : 0;
    }
    buf_free(&text);
    return result;
}

/* Runs `change` on the message with this subject. */
static int change_file(const struct demo *d, const char *mailbox, const char *subject,
                       file_change *change, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *path = maildir_path(d->md, arena, str_from(mailbox));
    const char *folder = arena_printf(arena, "%s/%s", d->mail_path, path);
    struct maildir_snapshot snapshot;
    int found = maildir_scan(d->md, path, &snapshot, err);
    if (found < 0) {
        return found;
    }
    int result = 0;
    for (size_t i = 0; found == 0 && i < snapshot.files.len; i++) {
        found = file_has_subject(folder, &snapshot.files.items[i], subject, err);
        if (found > 0) {
            result = change(d->md, path, &snapshot.files.items[i], err);
        }
    }
    maildir_snapshot_free(&snapshot);
    if (found == 0) {
        return error_set(err, ERR_NOT_FOUND, SCOPE_MAILBOX, "\"%s\" is not in %s", subject, folder);
    }
    return found < 0 ? found : result;
}

static int mark_read(const struct maildir *md, const char *path, const struct maildir_file *file,
                     struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *name;
    return maildir_set_flags(md, path, file, file->parsed.flags | MAILDIR_SEEN,
                             file->parsed.letters, arena, &name, err);
}

static int remove_file(const struct maildir *md, const char *path, const struct maildir_file *file,
                       struct error *err)
{
    return maildir_remove(md, path, file, NULL, err);
}

/* A file in new/, with the LF of local files. */
static int write_draft(const struct demo *d, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct buf message = BUF_INIT(64 * 1024), file = BUF_INIT(64 * 1024);
    const char *folder = maildir_path(d->md, arena, STR(DEMO_DRAFTS));
    demo_mail_compose(&message, "Me <demo@example.org>", "Written here", "Shall be there too.",
                      now_s());
    struct str rest = buf_str(&message), part;
    while (str_split(&rest, '\r', &part)) {
        buf_add_str(&file, part);
    }
    const char *path =
        arena_printf(arena, "%s/%s/new/%lld.demo", d->mail_path, folder, (long long)now_s());
    int result = file_replace(path, buf_str(&file), 0600, err);
    buf_free(&message);
    buf_free(&file);
    return result;
}

static int change_here(const struct demo *d, struct error *err)
{
    static const char read_subject[] = "Build 1024 passed", removed_subject[] = "Your order";
    printf("Here, as a mail program would do it to the files in %s:\n"
           "    - \"%s\" in INBOX is marked as read,\n"
           "    - a new message is put into " DEMO_DRAFTS ",\n"
           "    - \"%s\" in " DEMO_ARCHIVE " is removed.\n",
           d->mail_path, read_subject, removed_subject);
    if (change_file(d, "INBOX", read_subject, mark_read, err) < 0 || write_draft(d, err) < 0) {
        return -(int)err->code;
    }
    return change_file(d, DEMO_ARCHIVE, removed_subject, remove_file, err);
}

/* ---- the whole ---- */

static void print_end(struct demo *d)
{
    heading(d, "Where to look");
    printf("    ls -R %s\n"
           "    mutt -f %s/INBOX\n"
           "    cat %s\n"
           "\n"
           "The server ends with this program; remove the rest with\n"
           "    rm -r %s\n"
           "\n"
           "To do the same with an account of your own:\n"
           "    maildird init              # asks, finds the server, writes the configuration\n"
           "    maildird sync --dry-run    # tells what would be done\n"
           "    maildird sync\n",
           d->mail_path, d->mail_path, d->config_path, d->root);
}

/* With nothing to do, nothing may be done. */
static int third_sync(struct demo *d)
{
    heading(d, "A third sync");
    printf("Nothing has changed since:\n\n");
    struct session_counters before = listener_counters(d->listener);
    int exit_code = sync_once(d);
    struct session_counters after = listener_counters(d->listener);
    printf("\nIt took %llu commands, login and logout included, and none that changes anything.\n",
           (unsigned long long)(after.commands - before.commands));
    return exit_code == 0 && after.changing_commands != before.changing_commands ? EXIT_DEFECT
                                                                                 : exit_code;
}

static int second_half(struct demo *d, struct error *err)
{
    heading(d, "Changes on both sides");
    if (change_server(d, err) < 0 || change_here(d, err) < 0) {
        return command_failed(err);
    }
    heading(d, "The second sync");
    printf("Each side gets what changed on the other, and no message is carried twice:\n\n");
    int exit_code = sync_once(d);
    if (exit_code == 0) {
        exit_code = compare_sides(d, err);
    }
    if (exit_code == 0) {
        printf("\nBoth sides hold the same.\n");
        exit_code = third_sync(d);
    }
    if (exit_code == 0) {
        print_end(d);
    }
    return exit_code;
}

static int make_root(struct demo *d, struct error *err)
{
    d->root = path_join(path_temporary(), "maildird-demo-XXXXXX");
    if (mkdtemp(d->root) == NULL) {
        return error_set_errno(err, ERR_WRITE, SCOPE_ACCOUNT, errno, "cannot make %s", d->root);
    }
    d->config_path = path_join(d->root, "config.yaml");
    d->mail_path = path_join(d->root, "Mail");
    return 0;
}

static int run_demo(struct demo *d)
{
    struct error err = ERROR_INIT;
    printf("maildird keeps the mail on a server and a Maildir, a folder with a file for each\n"
           "message, in step. This shows it with a server of its own; nothing leaves this\n"
           "computer.\n");
    if (stop_on_signals(&d->wake, &err) < 0 || make_root(d, &err) < 0 ||
        start_server(d, &err) < 0 || write_config(d, &err) < 0) {
        return command_failed(&err);
    }
    d->md = maildir_new(&d->config->accounts[0].maildir);
    int exit_code = first_sync(d, &err);
    if (exit_code == 0) {
        exit_code = second_half(d, &err);
    }
    if (exit_code != 0) {
        (void)fflush(stdout);
        fprintf(stderr, "maildird: the demo failed; what it made is in %s\n", d->root);
    }
    return exit_code;
}

static int demo_main(struct invocation *invocation)
{
    struct arguments arguments;
    int exit_code;
    if (!options_read(invocation, NULL, 0, help, &arguments, &exit_code)) {
        return exit_code;
    }
    size_t len = arguments.len;
    free(arguments.items);
    if (len > 0) {
        return usage_error(invocation->verb, "demo takes no arguments");
    }
    struct demo demo = {0};
    exit_code = run_demo(&demo);
    maildir_free(&demo.md);
    config_free(&demo.config);
    listener_stop(&demo.listener);
    tls_context_free(&demo.tls);
    mem_backend_free(&demo.backend);
    free(demo.root);
    free(demo.config_path);
    free(demo.mail_path);
    return exit_code;
}

const struct verb verb_demo = {
    .name = "demo",
    .arguments = "",
    .summary = "see it at work, with a mail server of its own",
    .run = demo_main,
};
