#include "daemon/worker.h"

#include "base/files.h"
#include "base/log.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "store/index.h"
#include "account/hooks.h"
#include "daemon/confine.h"
#include "daemon/memory.h"
#include "daemon/scheduler.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

/* Connections that no pass has used for so long are closed: middle boxes forget them, and a login
 * costs less than finding out. */
#define REST_S 330

struct mailbox_record {
    char *name;
    int64_t synced_ms, failed_ms;
    char *error;
    uint32_t held;
};

enum worker_task { TASK_NONE, TASK_PASS, TASK_REST, TASK_QUIT };

struct worker {
    struct worker_options options;
    pthread_t thread;
    struct wake wake;
    struct connection_pool *pool;
    int lock_fd; /* of the thread alone; -1: not taken yet */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    enum worker_task task;
    struct worker_job job;
    struct progress progress;
    char progress_mailbox[256];
    int64_t moved_ms;
    struct strmap *mailboxes; /* name → struct mailbox_record * */

    bool untold; /* of the pass under way, of the thread alone, as what follows */
    bool patience_read;
    int64_t patience_ms; /* as the index has it */
};

/* ---- what the pass tells ---- */

static void on_progress(void *self, const struct progress *progress)
{
    struct worker *w = self;
    pthread_mutex_lock(&w->lock);
    w->progress = *progress;
    w->progress.mailbox = NULL;
    if (progress->mailbox != NULL) {
        (void)snprintf(w->progress_mailbox, sizeof w->progress_mailbox, "%s", progress->mailbox);
        w->progress.mailbox = w->progress_mailbox;
    }
    w->moved_ms = clock_monotonic_ms(w->options.clock);
    pthread_mutex_unlock(&w->lock);
}

static char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : xstrdup(text);
}

static char *text_or_null(struct str text)
{
    return text.len == 0 ? NULL : xstrndup(text.ptr, text.len);
}

static void on_line(void *self, const char *account, const char *mailbox, const char *what,
                    const char *subject, const char *why)
{
    struct worker *w = self;
    struct plan_line *line = xcalloc(1, sizeof *line);
    line->mailbox = copy_or_null(mailbox);
    line->what = copy_or_null(what);
    line->subject = copy_or_null(subject);
    line->why = copy_or_null(why);
    const struct note note = {.kind = NOTE_PLAN_LINE, .account = w->options.owner, .line = line};
    post_put(w->options.post, &note);
}

static void on_done(void *self, const struct index_event *event, size_t messages)
{
    struct worker *w = self;
    if (!post_wants_events(w->options.post))
        return;
    struct message_event *copy = xcalloc(1, sizeof *copy);
    *copy = (struct message_event){
        .time_ms = event->time_ms,
        .mailbox = text_or_null(event->mailbox),
        .what = text_or_null(event->what),
        .why = text_or_null(event->why),
        .base = text_or_null(event->base),
        .from = text_or_null(event->from),
        .uid = event->uid,
        .flags = event->flags,
        .messages = messages,
    };
    const struct note note = {.kind = NOTE_EVENT, .account = w->options.owner, .event = copy};
    post_put(w->options.post, &note);
}

static bool is_watched(const struct worker *w, const char *mailbox)
{
    if (w->job.means == MEANS_NOTIFY)
        return true;
    if (w->job.means != MEANS_IDLE)
        return false;
    const struct config_strings *watched = &w->options.account->watch_mailboxes;
    for (size_t i = 0; i < watched->len; i++)
        if (str_eq(str_from(watched->items[i]), str_from(mailbox)))
            return true;
    return false;
}

static struct mailbox_record *record_of(struct worker *w, const char *name)
{
    struct mailbox_record *record = strmap_get(w->mailboxes, str_from(name));
    if (record == NULL) {
        record = xcalloc(1, sizeof *record);
        record->name = xstrdup(name);
        (void)strmap_put(w->mailboxes, str_from(name), record);
    }
    return record;
}

static void on_mailbox(void *self, const struct mailbox_result *result)
{
    struct worker *w = self;
    int64_t now_ms = clock_wall_ms(w->options.clock);
    w->untold = w->untold || (result->remote_changed && is_watched(w, result->mailbox));
    pthread_mutex_lock(&w->lock);
    struct mailbox_record *record = record_of(w, result->mailbox);
    xfree(&record->error);
    if (result->error != NULL) {
        record->error = xstrdup(result->error->text);
        record->failed_ms = now_ms;
    } else {
        record->synced_ms = now_ms;
    }
    pthread_mutex_unlock(&w->lock);
}

/* ---- before a pass ---- */

static void free_names(char ***names)
{
    for (char **p = *names; p != NULL && *p != NULL; p++)
        xfree(p);
    xfree(names);
}

static bool was_reached(const struct report *report)
{
    return report->wire.commands > 0 || report->wire.bytes_in > 0 ||
           report->error.code == ERR_NETWORK || report->error.code == ERR_TIMEOUT ||
           report->error.code == ERR_TLS;
}

/* From the first pass on the account is ours: `maildird sync` asks us then. */
static int take_lock(struct worker *w, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    if (w->lock_fd >= 0)
        return 0;
    return index_lock(config_state_dir(w->options.config, w->options.account, arena), &w->lock_fd,
                      err);
}

/* ---- between the passes ---- */

/* Of all mailboxes, of which some have none any more. Under the lock. */
static void show_held(struct worker *w, const struct held_count_vec *held)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    while (strmap_next(w->mailboxes, &cursor, &key, &value))
        ((struct mailbox_record *)value)->held = 0;
    VEC_FOREACH (const struct held_count, count, held)
        if (count->count > 0)
            record_of(w, count->name)->held = count->count;
}

static void look_at_held(struct worker *w, struct index *index)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct held_count_vec held = {0};
    struct error err = ERROR_INIT;
    int r = memory_held(index, arena, &held, &err);
    const struct log_scope scope = {.account = w->options.account->name};
    if (r < 0)
        log_warning(&scope, "%s", err.text);
    pthread_mutex_lock(&w->lock);
    if (r == 0)
        show_held(w, &held);
    pthread_mutex_unlock(&w->lock);
    vec_free(&held);
}

/* How long an IDLE may last here outlives us. What an earlier run has learned. */
static int64_t remember_patience(struct worker *w, struct index *index)
{
    if (w->patience_read) {
        if (w->patience_ms != w->job.idle_ms)
            memory_set_patience(index, w->job.idle_ms);
        w->patience_ms = w->job.idle_ms;
        return 0;
    }
    int64_t known_ms = memory_patience(index);
    w->patience_ms = known_ms > 0 ? known_ms : IDLE_FIRST_MS;
    w->patience_read = true;
    return known_ms;
}

static void look_at_index(struct worker *w, struct pass_result *out)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *dir = config_state_dir(w->options.config, w->options.account, arena);
    struct error ignored = ERROR_INIT; /* a pass tells what is wrong with it */
    struct index *index = NULL;
    enum index_opened opened;
    if (w->lock_fd < 0 || !index_exists(dir) || index_open(dir, &index, &opened, &ignored) < 0)
        return;
    out->idle_ms = remember_patience(w, index);
    look_at_held(w, index);
    index_close(&index);
}

/* ---- one pass ---- */

static void pass_with_hooks(struct worker *w, struct pass_options *options, struct report *out)
{
    const struct hook_context context = {.config = w->options.config,
                                         .account = w->options.account,
                                         .clock = w->options.clock,
                                         .wake = &w->wake};
    struct hook_news *news = hook_news_new();
    struct error err = ERROR_INIT;
    options->news = hook_news_sink(news);
    if (hooks_before_sync(&context, &err) < 0)
        *out = (struct report){
            .account = w->options.account->name, .result = REPORT_FAILED, .error = err};
    else
        (void)account_pass(w->options.config, w->options.account, options, out);
    hooks_after_sync(&context, news, out);
    hook_news_free(&news);
}

static void pass(struct worker *w, struct pass_options *options, struct report *out)
{
    struct error err = ERROR_INIT;
    if (take_lock(w, &err) < 0) {
        const struct log_scope scope = {.account = w->options.account->name};
        log_error(&scope, "%s", err.text);
        *out = (struct report){.account = scope.account, .result = REPORT_FAILED, .error = err};
    } else if (!w->job.dry_run && !w->job.no_hooks && hooks_are_wanted(w->options.config)) {
        pass_with_hooks(w, options, out);
    } else {
        (void)account_pass(w->options.config, w->options.account, options, out);
    }
}

static void make_pass(struct worker *w)
{
    struct worker_job *job = &w->job;
    const struct progress_sink progress = {on_progress, w};
    const struct plan_sink plan = {on_line, w};
    const struct mailbox_sink mailbox = {on_mailbox, w};
    const struct event_sink events = {on_done, w};
    struct pass_options options = {
        .dry_run = job->dry_run,
        .full = job->full,
        .approve_deletions = job->approve_deletions,
        .connections = job->connections,
        .local_waits = job->local_waits,
        .has_lock = true,
        .mailboxes = (const char *const *)job->mailboxes,
        .told = (const char *const *)job->pushed,
        .clock = w->options.clock,
        .wake = &w->wake,
        .trace = w->options.trace,
        .progress = &progress,
        .plan = job->told ? &plan : NULL,
        .mailbox = &mailbox,
        .events = &events,
        .pool = w->pool,
    };
    struct pass_result *result = xcalloc(1, sizeof *result);
    w->untold = false;
    if (job->stale)
        connection_pool_forget_idle(w->pool);
    pass(w, &options, &result->report);
    result->untold = w->untold;
    result->reached = was_reached(&result->report);
    look_at_index(w, result);
    free_names(&job->mailboxes);
    free_names(&job->pushed);
    alloc_trim();
    const struct note note = {
        .kind = NOTE_PASS_DONE, .account = w->options.owner, .result = result};
    post_put(w->options.post, &note);
}

/* ---- the thread ---- */

static void rest(struct worker *w)
{
    connection_pool_forget_idle(w->pool);
    alloc_trim();
}

/* Under the lock. */
static enum worker_task next_task(struct worker *w)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += REST_S;
    bool rested = false;
    while (w->task == TASK_NONE) {
        if (rested)
            (void)pthread_cond_wait(&w->changed, &w->lock);
        else if (pthread_cond_timedwait(&w->changed, &w->lock, &until) != 0) {
            rested = true;
            pthread_mutex_unlock(&w->lock);
            rest(w);
            pthread_mutex_lock(&w->lock);
        }
    }
    return w->task;
}

static void *run(void *argument)
{
    struct worker *w = argument;
    confine_thread(w->options.config, w->options.account);
    pthread_mutex_lock(&w->lock);
    enum worker_task task;
    while ((task = next_task(w)) != TASK_QUIT) {
        w->task = TASK_NONE;
        pthread_mutex_unlock(&w->lock);
        if (task == TASK_PASS)
            make_pass(w);
        else
            rest(w);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    connection_pool_forget_idle(w->pool);
    return NULL;
}

static void set_task(struct worker *w, enum worker_task task)
{
    if (w->task != TASK_QUIT)
        w->task = task;
    (void)pthread_cond_signal(&w->changed);
}

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void dispose(struct worker **worker)
{
    struct worker *w = *worker;
    connection_pool_free(&w->pool);
    file_close(&w->lock_fd);
    size_t cursor = 0;
    struct str key;
    void *value;
    while (strmap_next(w->mailboxes, &cursor, &key, &value)) {
        struct mailbox_record *record = value;
        xfree(&record->name);
        xfree(&record->error);
        xfree(&record);
    }
    strmap_free(&w->mailboxes);
    free_names(&w->job.mailboxes);
    free_names(&w->job.pushed);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    wake_close(&w->wake);
    xfree(worker);
}

int worker_new(const struct worker_options *options, struct worker **out, struct error *err)
{
    struct worker *w = xcalloc(1, sizeof *w);
    w->options = *options;
    w->lock_fd = -1;
    if (wake_init(&w->wake, err) < 0) {
        xfree(&w);
        return -(int)err->code;
    }
    w->pool = connection_pool_new(options->account, options->clock, &w->wake, options->trace);
    w->mailboxes = strmap_new();
    pthread_mutex_init(&w->lock, NULL);
    init_cond(&w->changed);
    int failed = pthread_create(&w->thread, NULL, run, w);
    if (failed != 0) {
        dispose(&w);
        return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, failed, "%s: cannot begin a thread",
                               options->account->name);
    }
    *out = w;
    return 0;
}

void worker_free(struct worker **worker)
{
    struct worker *w = *worker;
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    set_task(w, TASK_QUIT);
    wake_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    dispose(worker);
}

/* ---- from the main thread ---- */

struct dialer *worker_dialer(struct worker *w)
{
    return connection_pool_dialer(w->pool);
}

void worker_pass(struct worker *w, const struct worker_job *job)
{
    pthread_mutex_lock(&w->lock);
    wake_clear(&w->wake);
    w->job = *job;
    w->moved_ms = clock_monotonic_ms(w->options.clock);
    w->progress = (struct progress){.account = w->options.account->name};
    set_task(w, TASK_PASS);
    pthread_mutex_unlock(&w->lock);
}

void worker_cancel(struct worker *w)
{
    wake_signal(&w->wake);
}

void worker_rest(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    if (w->task == TASK_NONE)
        set_task(w, TASK_REST);
    pthread_mutex_unlock(&w->lock);
}

int64_t worker_moved_ms(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    int64_t moved_ms = w->moved_ms;
    pthread_mutex_unlock(&w->lock);
    return moved_ms;
}

static int by_name(const void *a, const void *b)
{
    const struct worker_mailbox *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void worker_look(struct worker *w, struct arena *arena, struct worker_view *out)
{
    pthread_mutex_lock(&w->lock);
    *out = (struct worker_view){.progress = w->progress, .moved_ms = w->moved_ms};
    if (w->progress.mailbox != NULL)
        out->progress.mailbox = arena_strdup(arena, w->progress.mailbox);
    out->mailboxes_len = strmap_len(w->mailboxes);
    out->mailboxes = arena_alloc(arena, (out->mailboxes_len + 1) * sizeof *out->mailboxes);
    size_t cursor = 0, at = 0;
    struct str key;
    void *value;
    while (strmap_next(w->mailboxes, &cursor, &key, &value)) {
        const struct mailbox_record *record = value;
        out->mailboxes[at++] = (struct worker_mailbox){
            .name = arena_strdup(arena, record->name),
            .synced_ms = record->synced_ms,
            .failed_ms = record->failed_ms,
            .held = record->held,
            .error = record->error == NULL ? NULL : arena_strdup(arena, record->error),
        };
    }
    pthread_mutex_unlock(&w->lock);
    qsort(out->mailboxes, out->mailboxes_len, sizeof *out->mailboxes, by_name);
}
