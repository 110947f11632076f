#include "account/hooks.h"

#include "base/files.h"
#include "base/process.h"
#include "account/hooks_private.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a hook that must be stopped has for it. */
#define GRACE_MS 2000
/* Between two looks whether another hook has ended. */
#define LOOK_MS 50
/* One string of an environment may be 128 KiB; what does not fit is in the JSON document. */
#define MAILBOXES_BYTES_MAX (64 * 1024)
#define WORDS_BYTES_MAX 512

struct hook {
    const char *name;
    const char *command; /* NULL: none */
    const struct hook_news *news;
    const struct name_vec *mailboxes;
    const struct error *failure;
};

bool hooks_are_wanted(const struct config *config)
{
    const struct config_hooks *h = &config->hooks;
    bool any =
        h->before_sync != NULL || h->new_mail != NULL || h->changed != NULL || h->failed != NULL;
    return any && getenv("MAILDIRD_HOOK") == NULL;
}

/* ---- one at a time ---- */

static int wait_a_little(const struct hook_context *c, struct error *err)
{
    struct pollfd wake = {.fd = c->wake == NULL ? -1 : c->wake->fd, .events = POLLIN};
    if (poll(&wake, 1, LOOK_MS) > 0)
        return error_set(err, ERR_CANCELLED, SCOPE_CANCELLED, "interrupted");
    return 0;
}

/* Waits while another hook runs, of whichever account and process. */
static int enter(const struct hook_context *c, int *lock_out, struct error *err)
{
    AUTO_FREE char *path = path_join(c->config->state_dir, "hooks.lock");
    int64_t patience_ms = c->config->hooks.timeout_ms * (int64_t)(c->config->accounts_len + 1);
    int64_t deadline_ms = clock_deadline(c->clock, patience_ms);
    int r = file_mkdir_all(c->config->state_dir, 0700, err);
    if (r == 0)
        r = file_open(AT_FDCWD, path, O_RDWR | O_CREAT, 0600, lock_out, err);
    while (r == 0 && flock(*lock_out, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            r = error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, errno, "%s: cannot lock it", path);
        else if (clock_monotonic_ms(c->clock) >= deadline_ms)
            r = error_set(err, ERR_TIMEOUT, SCOPE_ACCOUNT, "other hooks do not come to an end");
        else
            r = wait_a_little(c, err);
    }
    return r;
}

/* ---- running ---- */

static void join_names(const struct name_vec *names, struct buf *out)
{
    for (size_t i = 0; names != NULL && i < names->len; i++) {
        if (out->len + strlen(names->items[i]) + 1 > out->max)
            return;
        buf_addf(out, "%s%s", i == 0 ? "" : "\n", names->items[i]);
    }
}

static int execute(const struct hook_context *c, const struct hook *hook, int *status_out,
                   struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    AUTO_BUF struct buf names = BUF_INIT(MAILBOXES_BYTES_MAX);
    join_names(hook->mailboxes, &names);
    const char *environment[] = {
        arena_printf(arena, "MAILDIRD_HOOK=%s", hook->name),
        arena_printf(arena, "MAILDIRD_ACCOUNT=%s", c->account->name),
        arena_printf(arena, "MAILDIRD_MAILBOXES=%s", names.data == NULL ? "" : names.data),
        arena_printf(arena, "MAILDIRD_NEW=%llu",
                     (unsigned long long)(hook->news == NULL ? 0 : hook->news->new_count)),
        arena_printf(arena, "MAILDIRD_ERROR=%s", hook->failure == NULL ? "" : hook->failure->text),
        NULL,
    };
    char *document =
        hook_news_json(hook->name, c->account->name, hook->news, hook->mailboxes, hook->failure);
    const struct process_options options = {
        .shell = hook->command,
        .environment = environment,
        .input = str_from(document),
        .timeout_ms = c->config->hooks.timeout_ms,
        .grace_ms = GRACE_MS,
        .clock = c->clock,
        .wake = c->wake,
    };
    int r = process_run(&options, status_out, err);
    free(document);
    return r;
}

/* ERR_SKIPPED when it fails, whatever the reason. */
static int run_hook(const struct hook_context *c, const struct hook *hook, struct error *err)
{
    AUTO_FD int lock = -1;
    int status = 0;
    if (hook->command == NULL)
        return 0;
    int r = enter(c, &lock, err);
    if (r == 0)
        r = execute(c, hook, &status, err);
    if (r < 0) {
        if (err->code != ERR_CANCELLED)
            err->code = ERR_SKIPPED;
        return error_wrap(err, "the hook %s", hook->name);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    AUTO_BUF struct buf how = BUF_INIT(WORDS_BYTES_MAX);
    process_describe(status, &how);
    return error_set(err, ERR_SKIPPED, SCOPE_ACCOUNT, "the hook %s failed: %s", hook->name,
                     how.data);
}

int hooks_before_sync(const struct hook_context *context, struct error *err)
{
    const struct hook hook = {.name = "before_sync", .command = context->config->hooks.before_sync};
    return run_hook(context, &hook, err);
}

/* ---- after a pass ---- */

static void run_and_log(const struct hook_context *c, const struct hook *hook)
{
    const struct log_scope scope = {c->account->name, NULL};
    struct error err = ERROR_INIT;
    if (run_hook(c, hook, &err) < 0)
        log_warning(&scope, "%s", err.text);
}

/*
 * A file in the account's state directory says that failing was told of, also to the runs to come.
 * True where it is to be told now.
 */
static bool begins_to_fail(const struct hook_context *c, const struct report *report)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *dir = config_state_dir(c->config, c->account, arena);
    const char *mark = arena_printf(arena, "%s/failing", dir);
    struct error err = ERROR_INIT;
    bool stopped = report->error.code == ERR_CANCELLED || report->error.code == ERR_SKIPPED;
    if (stopped)
        return false;
    if (report->result != REPORT_FAILED && report->result != REPORT_PARTIAL) {
        (void)file_unlink(AT_FDCWD, mark, &err);
        return false;
    }
    if (access(mark, F_OK) == 0)
        return false;
    if (file_mkdir_all(dir, 0700, &err) < 0 ||
        file_replace(mark, str_from(report->error.text), 0600, &err) < 0) {
        const struct log_scope scope = {c->account->name, NULL};
        log_warning(&scope, "the hook failed is not run: %s", err.text);
        return false;
    }
    return true;
}

static bool is_stopped(const struct hook_context *c)
{
    return c->wake != NULL && wake_is_signalled(c->wake);
}

static void run_after(const struct hook_context *context, const struct hook_news *news,
                      const struct report *report)
{
    const struct config_hooks *commands = &context->config->hooks;
    if (news->changed_in.len > 0)
        run_and_log(context, &(struct hook){.name = "changed",
                                            .command = commands->changed,
                                            .news = news,
                                            .mailboxes = &news->changed_in});
    if (news->new_count > 0)
        run_and_log(context, &(struct hook){.name = "new_mail",
                                            .command = commands->new_mail,
                                            .news = news,
                                            .mailboxes = &news->new_in});
    if (commands->failed != NULL && begins_to_fail(context, report))
        run_and_log(context, &(struct hook){.name = "failed",
                                            .command = commands->failed,
                                            .news = news,
                                            .failure = &report->error});
}

void hooks_after_sync(const struct hook_context *context, struct hook_news *news,
                      const struct report *report)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *dir = config_state_dir(context->config, context->account, arena);
    const char *kept = arena_printf(arena, "%s/news", dir);
    struct error none = ERROR_INIT;
    hook_news_recall(news, kept);
    if (!is_stopped(context))
        run_after(context, news, report);
    if (is_stopped(context)) /* perhaps in the middle of a hook, which is told again */
        hook_news_keep(news, kept);
    else
        (void)file_unlink(AT_FDCWD, kept, &none);
}
