#include "daemon/accounts.h"

#include "base/buf.h"
#include "base/log.h"

#include <assert.h>
#include <stdio.h>

struct shared_config *shared_config_take(struct shared_config *shared)
{
    shared->users++;
    return shared;
}

void shared_config_drop(struct shared_config **shared)
{
    struct shared_config *s = *shared;
    *shared = NULL;
    if (s == NULL || --s->users > 0)
        return;
    config_free(&s->config);
    xfree(&s);
}

/* ---- life ---- */

static enum watch_means best_means(enum config_watch_mode mode)
{
    static const enum watch_means means[] = {
        [WATCH_AUTO] = MEANS_NOTIFY, [WATCH_NOTIFY] = MEANS_NOTIFY, [WATCH_IDLE] = MEANS_IDLE,
        [WATCH_POLL] = MEANS_POLL,   [WATCH_OFF] = MEANS_OFF,
    };
    return means[mode];
}

struct schedule_settings account_settings(const struct account *account)
{
    const struct config_account *config = account->config;
    return (struct schedule_settings){
        .best = best_means(config->watch_mode),
        .idle_watchers = (uint32_t)config->watch_mailboxes.len,
        .poll_ms = config->watch_poll_ms,
        .audit_ms = config->watch_audit_ms,
        .connections = config->connections,
    };
}

static int start_worker(struct account *account, struct error *err)
{
    const struct supervisor_options *options = &account->supervisor->options;
    const struct tap_sink *trace = NULL;
    if (options->trace != NULL)
        trace = options->trace(options->trace_self, account->config->name);
    const struct worker_options worker = {
        .owner = account,
        .config = account->shared->config,
        .account = account->config,
        .clock = options->clock,
        .trace = trace,
        .post = account->supervisor->post,
    };
    return worker_new(&worker, &account->worker, err);
}

int account_new(struct supervisor *s, struct shared_config *shared,
                const struct config_account *config, struct account **out, struct error *err)
{
    struct account *account = xcalloc(1, sizeof *account);
    account->supervisor = s;
    account->shared = shared_config_take(shared);
    account->config = config;
    account->told_state = ACCOUNT_STARTING;
    if (start_worker(account, err) < 0) {
        shared_config_drop(&account->shared);
        xfree(&account);
        return -(int)err->code;
    }
    const struct schedule_settings settings = account_settings(account);
    account->number = schedule_add(s->schedule, supervisor_now_ms(s), &settings);
    *out = account;
    account_watch_local(account);
    return 0;
}

static void be_blind(struct account *account, const struct error *err)
{
    const struct log_scope scope = {.account = account->config->name};
    if (!account->local_refused)
        log_warning(&scope, "%s", err->text);
    account->local_refused = true;
}

void account_watch_local(struct account *account)
{
    struct supervisor *s = account->supervisor;
    const struct maildir_options *maildir = &account->config->maildir;
    struct error err = ERROR_INIT;
    if (!account->config->watch_local || s->local == NULL || account->leaving)
        return;
    if (!watch_local_is_incomplete(s->local, account))
        return;
    const char *other = maildir->inbox != NULL && maildir->inbox[0] == '/' ? maildir->inbox : NULL;
    int r = watch_local_add(s->local, account, maildir->root, other, &err);
    account->local_watched = r == 0;
    if (r == 0) /* what happened before that was not told */
        account_tell(account, SEEN_LOCAL_CHANGED);
    if (r < 0 && err.code != ERR_NOT_FOUND)
        be_blind(account, &err);
    schedule_local(s->schedule, supervisor_now_ms(s), account->number, r == 0);
}

void account_free(struct account **account_pointer)
{
    struct account *account = *account_pointer;
    assert(account_is_still(account));
    account_give_up(account, 75);
    if (account->supervisor->local != NULL)
        watch_local_remove(account->supervisor->local, account);
    schedule_remove(account->supervisor->schedule, account->number);
    worker_free(&account->worker);
    vec_free(&account->watchers);
    pushed_free(&account->pushed);
    vec_free(&account->waiting);
    vec_free(&account->served);
    shared_config_drop(&account->shared);
    xfree(account_pointer);
}

struct account *account_find(const struct supervisor *s, const char *name)
{
    struct error none = ERROR_INIT;
    if (config_find(s->shared->config, str_from(name), &none) == NULL)
        return NULL;
    VEC_FOREACH (struct account *, at, &s->accounts)
        if (strcmp((*at)->config->name, name) == 0)
            return *at;
    return NULL;
}

bool account_is_still(const struct account *account)
{
    VEC_FOREACH (const struct watch_slot, slot, &account->watchers)
        if (slot->watcher != NULL)
            return false;
    return !account->passing;
}

bool account_is_paused(const struct account *account)
{
    return account->leaving ? account->paused_before : account->paused;
}

uint32_t account_watching(const struct account *account)
{
    uint32_t count = 0;
    VEC_FOREACH (const struct watch_slot, slot, &account->watchers)
        count += slot->listens;
    return count;
}

enum account_state account_state_of(const struct account *account)
{
    struct schedule_view view = schedule_look(account->supervisor->schedule, account->number);
    if (account_is_paused(account))
        return ACCOUNT_PAUSED;
    if (account->passing)
        return ACCOUNT_SYNCING;
    if (view.fate == FATE_REFUSED && view.failures > 0)
        return ACCOUNT_REFUSED;
    if (view.failures > 0)
        return ACCOUNT_WAITING;
    return account->synced_ms == 0 ? ACCOUNT_STARTING : ACCOUNT_IDLE;
}

/* ---- to and from the schedule ---- */

static void tell_event(struct account *account, const struct schedule_event *event)
{
    struct supervisor *s = account->supervisor;
    schedule_event(s->schedule, supervisor_now_ms(s), account->number, event);
}

void account_tell(struct account *account, enum schedule_event_kind kind)
{
    const struct schedule_event event = {.kind = kind};
    tell_event(account, &event);
}

static void begin_pass(struct account *account, const struct schedule_job *schedule)
{
    struct worker_job job = {
        .local_waits = schedule->local_waits,
        .stale = schedule->stale,
        .connections = schedule->connections,
        .means = schedule_look(account->supervisor->schedule, account->number).means,
    };
    if (account_watching(account) == 0)
        job.means = MEANS_POLL;
    assert(!account->passing);
    requests_begin(account, &job);
    account->partly = job.mailboxes != NULL || job.dry_run;
    job.idle_ms = schedule_look(account->supervisor->schedule, account->number).idle_ms;
    job.pushed = pushed_take(&account->pushed);
    account->passing = true;
    account->causes = schedule->causes;
    account->begun_ms = supervisor_now_ms(account->supervisor);
    const struct log_scope scope = {.account = account->config->name};
    log_debug(&scope, "a pass begins (causes %x%s)", account->causes,
              job.local_waits ? ", local changes wait" : "");
    worker_pass(account->worker, &job);
}

static void start_watcher(struct account *account, size_t at, const struct schedule_job *job)
{
    const struct supervisor_options *options = &account->supervisor->options;
    const struct watcher_options watcher = {
        .owner = account,
        .config = account->shared->config,
        .account = account->config,
        .dialer = worker_dialer(account->worker),
        .clock = options->clock,
        .post = account->supervisor->post,
        .means = job->means,
        .mailbox = job->means == MEANS_IDLE ? account->config->watch_mailboxes.items[at] : NULL,
        .idle_ms = job->idle_ms,
    };
    account->watchers.items[at] = (struct watch_slot){.watcher = watcher_start(&watcher)};
}

static void begin_watching(struct account *account, const struct schedule_job *job)
{
    while (account->watchers.len < job->watchers)
        (void)vec_add(&account->watchers);
    for (size_t i = 0; i < job->watchers; i++)
        if (account->watchers.items[i].watcher == NULL)
            start_watcher(account, i, job);
}

static void end_watching(struct account *account)
{
    VEC_FOREACH (const struct watch_slot, slot, &account->watchers)
        if (slot->watcher != NULL)
            watcher_stop(slot->watcher);
}

static void probe_watchers(struct account *account)
{
    int64_t deadline_ms = supervisor_now_ms(account->supervisor) + SCHEDULE_PROBE_MS;
    VEC_FOREACH (const struct watch_slot, slot, &account->watchers)
        if (slot->listens)
            watcher_probe(slot->watcher, deadline_ms);
}

void account_do(struct account *account, const struct schedule_job *job)
{
    switch (job->kind) {
    case JOB_PASS:
        begin_pass(account, job);
        break;
    case JOB_CANCEL:
        worker_cancel(account->worker);
        break;
    case JOB_WATCH:
        begin_watching(account, job);
        break;
    case JOB_UNWATCH:
        end_watching(account);
        break;
    case JOB_PROBE:
        probe_watchers(account);
        break;
    }
}

/* ---- what the threads tell ---- */

static enum fate fate_of_report(const struct report *report)
{
    if (report->result == REPORT_PARTIAL)
        return FATE_PARTIAL;
    return report->result == REPORT_FAILED ? fate_of(&report->error) : FATE_OK;
}

static void remember(struct account *account, const struct report *report)
{
    int64_t now_ms = clock_wall_ms(account->supervisor->options.clock);
    bool failed = report->result == REPORT_FAILED || report->result == REPORT_PARTIAL;
    account->passes++;
    account->error = (struct error)ERROR_INIT;
    account->error_mailbox[0] = '\0';
    if (failed) {
        account->error = report->error;
        account->failed_ms = now_ms;
        (void)snprintf(account->error_mailbox, sizeof account->error_mailbox, "%s",
                       report->error_mailbox);
    } else {
        account->synced_ms = now_ms;
    }
}

/* What fails is logged where it does. */
static void log_pass(struct account *account, const struct report *report)
{
    const struct log_scope scope = {.account = account->config->name};
    bool counted = report->result == REPORT_OK || report->result == REPORT_HELD;
    bool as_before = !counted || report->messages.held == account->told_held;
    if (counted)
        account->told_held = report->messages.held;
    if (!report_carried(report) && as_before)
        return;
    AUTO_BUF struct buf done = BUF_INIT(4096);
    report_summary(report, &done);
    log_info(&scope, "%s", done.data);
}

static void on_pass_done(struct account *account, const struct note *note)
{
    const struct report *report = &note->result->report;
    enum fate fate = fate_of_report(report);
    int64_t now_ms = supervisor_now_ms(account->supervisor);
    const struct log_scope scope = {.account = account->config->name};
    log_debug(&scope, "a pass ends: %s", fate_name(fate));
    account->passing = false;
    log_pass(account, report);
    if (fate != FATE_STOPPED)
        remember(account, report);
    const struct schedule_event event = {
        .kind = SEEN_PASS_DONE,
        .fate = fate,
        .hint_ms = hint_ms(&report->error),
        .limit = fate_is_limit(&report->error),
        .untold = note->result->untold,
        .reached = note->result->reached,
        .took_ms = now_ms - account->begun_ms,
    };
    if (note->result->idle_ms > 0)
        schedule_patience(account->supervisor->schedule, account->number, note->result->idle_ms);
    tell_event(account, &event);
    bool others = (account->causes & ~(unsigned)CAUSE_REQUEST) != 0;
    if (account->partly && others && fate != FATE_STOPPED) {
        const struct schedule_event left = {.kind = SEEN_LEFT, .at_ms = now_ms};
        tell_event(account, &left);
    }
    account_watch_local(account);
    requests_done(account, report);
    xfree(&(struct pass_result *){note->result});
}

static struct watch_slot *slot_of(struct account *account, const struct watcher *watcher)
{
    VEC_FOREACH (struct watch_slot, slot, &account->watchers)
        if (slot->watcher == watcher)
            return slot;
    assert(!"a watcher of another account");
    return NULL;
}

static void on_watch_listens(struct account *account, const struct watcher *watcher)
{
    const char *mailbox = watcher_mailbox(watcher);
    const struct log_scope scope = {.account = account->config->name, .mailbox = mailbox};
    log_info(&scope, "watched by %s",
             watch_means_name(mailbox == NULL ? MEANS_NOTIFY : MEANS_IDLE));
    slot_of(account, watcher)->listens = true;
    account_tell(account, SEEN_WATCH_LISTENS);
}

static void on_idle_borne(struct account *account)
{
    account_tell(account, SEEN_IDLE_BORNE);
    int64_t idle_ms = schedule_look(account->supervisor->schedule, account->number).idle_ms;
    VEC_FOREACH (const struct watch_slot, slot, &account->watchers)
        if (slot->watcher != NULL)
            watcher_set_idle(slot->watcher, idle_ms);
}

static void log_end(const struct account *account, const struct watcher *watcher,
                    const struct error *err, enum fate fate)
{
    const struct log_scope scope = {.account = account->config->name,
                                    .mailbox = watcher_mailbox(watcher)};
    if (fate == FATE_LACKING)
        log_info(&scope, "not watched so: %s", err->text);
    else if (fate != FATE_STOPPED)
        log_info(&scope, "watching ended: %s", err->text);
}

static void on_watch_ended(struct account *account, const struct note *note)
{
    struct watch_slot *slot = slot_of(account, note->watcher);
    enum fate fate = note->error->code == ERR_CAPABILITY ? FATE_LACKING : fate_of(note->error);
    log_end(account, note->watcher, note->error, fate);
    const struct schedule_event event = {
        .kind = SEEN_WATCH_ENDED,
        .fate = fate,
        .hint_ms = hint_ms(note->error),
        .limit = fate_is_limit(note->error),
        .reached = note->reached,
        .took_ms = note->took_ms,
        .silent_ms = note->silent_ms,
    };
    tell_event(account, &event);
    watcher_join(&slot->watcher);
    slot->listens = false;
    xfree(&(struct error *){note->error});
}

static void on_line(struct account *account, struct plan_line *line)
{
    requests_line(account, line);
    plan_line_free(&line);
}

static void on_event(struct account *account, struct message_event *event)
{
    account_tell_message(account, event);
    message_event_free(&event);
}

void account_note(struct account *account, const struct note *note)
{
    switch (note->kind) {
    case NOTE_PASS_DONE:
        on_pass_done(account, note);
        break;
    case NOTE_PLAN_LINE:
        on_line(account, note->line);
        break;
    case NOTE_EVENT:
        on_event(account, note->event);
        break;
    case NOTE_WATCH_LISTENS:
        on_watch_listens(account, note->watcher);
        break;
    case NOTE_PUSHED:
        pushed_add(&account->pushed, note->mailbox);
        account_tell(account, SEEN_PUSHED);
        break;
    case NOTE_IDLE_BORNE:
        on_idle_borne(account);
        break;
    case NOTE_ALIVE:
        watcher_is_alive(slot_of(account, note->watcher)->watcher);
        break;
    case NOTE_WATCH_ENDED:
        on_watch_ended(account, note);
        break;
    }
}

void account_give_up(struct account *account, int exit_code)
{
    struct request_vec waiting = account->waiting, served = account->served;
    account->waiting = account->served = (struct request_vec){0};
    requests_give_up(&waiting, exit_code);
    requests_give_up(&served, exit_code);
}
