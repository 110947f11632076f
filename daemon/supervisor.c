#include "daemon/supervisor.h"

#include "base/log.h"
#include "net/wait.h"
#include "daemon/accounts.h"

#include <assert.h>
#include <stdio.h>

/* A pass that tells of no step for so long does not get on: every wait in it has a deadline, the
 * longest is one large message over a slow line. */
#define STUCK_MS (30 * 60000)
/* How often those who wait for a pass see how far it is. */
#define PROGRESS_MS 200

int64_t supervisor_now_ms(const struct supervisor *s)
{
    return clock_monotonic_ms(s->options.clock);
}

/* ---- life ---- */

static void on_local(void *self, void *tree, unsigned changes)
{
    struct account *account = tree;
    if (changes & LOCAL_DELETED)
        account_tell(account, SEEN_LOCAL_DELETED);
    if (changes & LOCAL_CHANGED)
        account_tell(account, SEEN_LOCAL_CHANGED);
}

static void watch_maildirs(struct supervisor *s)
{
    const struct local_sink sink = {.changed = on_local, .self = s};
    struct error err = ERROR_INIT;
    if (watch_local_new(&sink, &s->local, &err) < 0)
        log_warning(NULL, "%s", err.text);
}

int supervisor_new(const struct supervisor_options *options, struct config *config,
                   struct supervisor **out, struct error *err)
{
    struct supervisor *s = xcalloc(1, sizeof *s);
    s->options = *options;
    s->started_ms = clock_wall_ms(options->clock);
    s->shared = xcalloc(1, sizeof *s->shared);
    *s->shared = (struct shared_config){.config = config, .users = 1};
    s->schedule = schedule_new(options->seed);
    if (post_new(&s->post, err) < 0) {
        supervisor_free(&s);
        return -(int)err->code;
    }
    watch_maildirs(s);
    supervisor_fill(s);
    *out = s;
    return 0;
}

static void drain_post(struct supervisor *s)
{
    struct note note;
    while (post_take(s->post, &note))
        account_note(note.account, &note);
}

/* Threads end on their own time, each after a note of it. */
static void wait_until_still(struct supervisor *s)
{
    while (!supervisor_stopped(s)) {
        struct error ignored = ERROR_INIT;
        struct pollfd fd = {.fd = post_fd(s->post), .events = POLLIN};
        (void)wait_ready(&fd, 1, DEADLINE_NEVER, NULL, s->options.clock, &ignored);
        supervisor_work(s);
    }
}

void supervisor_free(struct supervisor **supervisor)
{
    struct supervisor *s = *supervisor;
    if (s == NULL)
        return;
    supervisor_stop(s);
    if (s->post != NULL)
        wait_until_still(s);
    VEC_FOREACH (struct account *, at, &s->accounts)
        account_free(at);
    vec_free(&s->accounts);
    vec_free(&s->listeners);
    watch_local_free(&s->local);
    schedule_free(&s->schedule);
    post_free(&s->post);
    shared_config_drop(&s->shared);
    xfree(&s->config_error);
    xfree(supervisor);
}

/* ---- work ---- */

static struct account *by_number(const struct supervisor *s, uint32_t number)
{
    VEC_FOREACH (struct account *, at, &s->accounts)
        if ((*at)->number == number)
            return *at;
    assert(!"a job for no account");
    return NULL;
}

static void do_jobs(struct supervisor *s)
{
    struct schedule_job job;
    while (schedule_next(s->schedule, supervisor_now_ms(s), &job))
        account_do(by_number(s, job.account), &job);
}

/* Its place may be taken by one with other settings, paused as it was. */
static void replace(struct supervisor *s, struct account *account)
{
    AUTO_FREE char *name = xstrdup(account->config->name);
    bool paused = account->paused_before;
    struct request_vec waiting = account->waiting;
    account->waiting = (struct request_vec){0};
    account_free(&account);
    supervisor_fill(s);
    account = account_find(s, name);
    if (account != NULL)
        requests_hand_over(account, &waiting);
    else
        requests_give_up(&waiting, 75);
    if (account != NULL && paused)
        account_hold(account);
}

static void reap(struct supervisor *s)
{
    for (size_t i = 0; i < s->accounts.len;) {
        struct account *account = s->accounts.items[i];
        if (!account->leaving || !account_is_still(account)) {
            i++;
            continue;
        }
        memmove(&s->accounts.items[i], &s->accounts.items[i + 1],
                (--s->accounts.len - i) * sizeof account);
        replace(s, account);
    }
}

static void check_watchers(struct supervisor *s)
{
    int64_t now_ms = supervisor_now_ms(s);
    VEC_FOREACH (struct account *, at, &s->accounts)
        VEC_FOREACH (const struct watch_slot, slot, &(*at)->watchers)
            if (slot->watcher != NULL)
                watcher_check(slot->watcher, now_ms);
}

static void tell_state(struct account *account)
{
    struct supervisor *s = account->supervisor;
    enum account_state state = account_state_of(account);
    enum watch_means means = schedule_look(s->schedule, account->number).means;
    if (state == account->told_state && means == account->told_means)
        return;
    account->told_state = state;
    account->told_means = means;
    const struct daemon_event event = {
        .kind = DAEMON_STATE,
        .time_ms = clock_wall_ms(s->options.clock),
        .account = account->config->name,
        .state = state,
        .means = means,
        .error = error_is_set(&account->error) ? &account->error : NULL,
    };
    supervisor_tell(s, &event);
}

void supervisor_work(struct supervisor *s)
{
    drain_post(s);
    if (s->local != NULL)
        watch_local_work(s->local);
    check_watchers(s);
    do_jobs(s);
    VEC_FOREACH (struct account *, at, &s->accounts) {
        requests_progress(*at);
        tell_state(*at);
    }
    reap(s);
}

static bool is_followed(const struct account *account)
{
    VEC_FOREACH (const struct request, request, &account->served)
        if (request->trigger->waiter.progress != NULL && !request->trigger->forgotten)
            return true;
    return false;
}

int64_t supervisor_wake_ms(const struct supervisor *s)
{
    int64_t now_ms = supervisor_now_ms(s);
    int64_t wake_ms = schedule_wake_ms(s->schedule, now_ms);
    VEC_FOREACH (struct account *, at, &s->accounts) {
        if (is_followed(*at) && now_ms + PROGRESS_MS < wake_ms)
            wake_ms = now_ms + PROGRESS_MS;
        VEC_FOREACH (const struct watch_slot, slot, &(*at)->watchers)
            if (slot->watcher != NULL && watcher_deadline_ms(slot->watcher) < wake_ms)
                wake_ms = watcher_deadline_ms(slot->watcher);
    }
    return wake_ms;
}

int supervisor_fd(const struct supervisor *s)
{
    return post_fd(s->post);
}

/* ---- stopping, pausing ---- */

void account_hold(struct account *account)
{
    account->paused = true;
    account_tell(account, SEEN_PAUSED);
    account_give_up(account, 75);
    worker_rest(account->worker);
}

void supervisor_stop(struct supervisor *s)
{
    s->stopping = true;
    VEC_FOREACH (struct account *, at, &s->accounts)
        account_hold(*at);
    do_jobs(s);
}

bool supervisor_stopped(const struct supervisor *s)
{
    VEC_FOREACH (struct account *, at, &s->accounts)
        if (!account_is_still(*at))
            return false;
    return s->stopping;
}

static int check_names(const struct supervisor *s, const char *const *accounts, size_t len,
                       struct error *err)
{
    for (size_t i = 0; i < len; i++)
        if (config_find(s->shared->config, str_from(accounts[i]), err) == NULL)
            return -(int)err->code;
    return 0;
}

static bool is_named(const struct account *account, const char *const *accounts, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strcmp(accounts[i], account->config->name) == 0)
            return true;
    return len == 0;
}

static void leave_paused(struct account *account)
{
    account->paused_before = true;
    account_give_up(account, 75);
}

int supervisor_pause(struct supervisor *s, const char *const *accounts, size_t len,
                     struct error *err)
{
    if (check_names(s, accounts, len, err) < 0)
        return -(int)err->code;
    VEC_FOREACH (struct account *, at, &s->accounts) {
        if (!is_named(*at, accounts, len) || account_is_paused(*at))
            continue;
        if ((*at)->leaving)
            leave_paused(*at);
        else
            account_hold(*at);
    }
    return 0;
}

int supervisor_resume(struct supervisor *s, const char *const *accounts, size_t len,
                      struct error *err)
{
    if (check_names(s, accounts, len, err) < 0)
        return -(int)err->code;
    VEC_FOREACH (struct account *, at, &s->accounts) {
        if (!is_named(*at, accounts, len) || !account_is_paused(*at))
            continue;
        (*at)->paused_before = false;
        if ((*at)->leaving)
            continue;
        (*at)->paused = false;
        account_tell(*at, SEEN_CONTINUED);
    }
    return 0;
}

static void tell_all(struct supervisor *s, enum schedule_event_kind kind)
{
    VEC_FOREACH (struct account *, at, &s->accounts)
        account_tell(*at, kind);
}

void supervisor_resumed(struct supervisor *s)
{
    tell_all(s, SEEN_WOKEN);
}

void supervisor_network_changed(struct supervisor *s)
{
    tell_all(s, SEEN_NETWORK);
}

bool supervisor_makes_progress(const struct supervisor *s)
{
    int64_t now_ms = supervisor_now_ms(s);
    VEC_FOREACH (struct account *, at, &s->accounts)
        if ((*at)->passing && now_ms - worker_moved_ms((*at)->worker) > STUCK_MS)
            return false;
    return true;
}

int supervisor_local_fd(const struct supervisor *s)
{
    return s->local == NULL ? -1 : watch_local_fd(s->local);
}
