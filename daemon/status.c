/* What the supervisor tells when asked: a snapshot, a line. */
#include "daemon/accounts.h"

#include <stdio.h>

static bool is_watched(const struct account *account, enum watch_means means, const char *mailbox)
{
    if (means == MEANS_NOTIFY)
        return account_watching(account) > 0;
    VEC_FOREACH (const struct watch_slot, slot, &account->watchers)
        if (slot->listens && watcher_mailbox(slot->watcher) != NULL &&
            strcmp(watcher_mailbox(slot->watcher), mailbox) == 0)
            return true;
    return false;
}

static void show_mailboxes(const struct account *account, const struct worker_view *view,
                           struct arena *arena, struct account_status *out)
{
    out->mailboxes = arena_alloc(arena, (view->mailboxes_len + 1) * sizeof *out->mailboxes);
    out->mailboxes_len = view->mailboxes_len;
    for (size_t i = 0; i < view->mailboxes_len; i++) {
        const struct worker_mailbox *mailbox = &view->mailboxes[i];
        out->mailboxes[i] = (struct mailbox_status){
            .name = mailbox->name,
            .watched = is_watched(account, out->means, mailbox->name),
            .last_sync_ms = mailbox->synced_ms,
            .last_error_ms = mailbox->failed_ms,
            .last_error = mailbox->error,
            .held = mailbox->held,
        };
        out->held += mailbox->held;
    }
}

/* From the monotonic clock to the wall's. */
static int64_t wall_ms(const struct supervisor *s, int64_t monotonic_ms)
{
    if (monotonic_ms == DEADLINE_NEVER)
        return 0;
    int64_t ahead_ms = monotonic_ms - supervisor_now_ms(s);
    return clock_wall_ms(s->options.clock) + (ahead_ms > 0 ? ahead_ms : 0);
}

static void show_account(const struct account *account, struct arena *arena,
                         struct account_status *out)
{
    const struct supervisor *s = account->supervisor;
    struct schedule_view schedule = schedule_look(s->schedule, account->number);
    struct worker_view view;
    worker_look(account->worker, arena, &view);
    *out = (struct account_status){
        .name = arena_strdup(arena, account->config->name),
        .state = account_state_of(account),
        .wanted = account_settings(account).best,
        .means = schedule.means,
        .local_watched = account->local_watched,
        .connections = account_watching(account) + account->passing,
        .progress = view.progress,
        .last_sync_ms = account->synced_ms,
        .next_wake_ms = wall_ms(s, schedule.next_ms),
        .last_error_ms = account->failed_ms,
        .last_error = account->error,
        .error_mailbox =
            account->error_mailbox[0] == '\0' ? NULL : arena_strdup(arena, account->error_mailbox),
        .passes = account->passes,
    };
    show_mailboxes(account, &view, arena, out);
}

void supervisor_status(const struct supervisor *s, struct arena *arena,
                       struct supervisor_status *out)
{
    const struct config *config = s->shared->config;
    *out = (struct supervisor_status){
        .config_path = arena_strdup(arena, config->path),
        .started_ms = s->started_ms,
        .config_error = s->config_error == NULL ? NULL : arena_strdup(arena, s->config_error),
        .accounts = arena_alloc(arena, (config->accounts_len + 1) * sizeof *out->accounts),
    };
    for (size_t i = 0; i < config->accounts_len; i++) {
        const struct account *account = account_find(s, config->accounts[i].name);
        if (account != NULL)
            show_account(account, arena, &out->accounts[out->accounts_len++]);
    }
}

const struct config *supervisor_config(const struct supervisor *s)
{
    return s->shared->config;
}

void supervisor_summary(const struct supervisor *s, char *out, size_t size)
{
    unsigned counts[ACCOUNT_STATES] = {0};
    unsigned pushed = 0;
    VEC_FOREACH (struct account *, at, &s->accounts) {
        counts[account_state_of(*at)] += !(*at)->leaving;
        pushed += account_watching(*at) > 0;
    }
    size_t len = (size_t)snprintf(out, size, "%zu account(s)", s->accounts.len);
    for (size_t i = 0; i < ACCOUNT_STATES && len < size; i++)
        if (counts[i] > 0)
            len += (size_t)snprintf(out + len, size - len, ", %u %s", counts[i],
                                    account_state_name((enum account_state)i));
    if (pushed > 0 && len < size)
        (void)snprintf(out + len, size - len, "; push in %u", pushed);
}
