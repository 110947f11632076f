/* Passes that were asked for, and those who wait for them. */
#include "daemon/accounts.h"

#include <assert.h>

static char **copy_patterns(const char *const *patterns)
{
    size_t len = 0;
    while (patterns[len] != NULL)
        len++;
    char **copy = xcalloc(len + 1, sizeof *copy);
    for (size_t i = 0; i < len; i++)
        copy[i] = xstrdup(patterns[i]);
    return copy;
}

static void request_free(struct request *request)
{
    for (char **p = request->mailboxes; p != NULL && *p != NULL; p++)
        xfree(p);
    xfree(&request->mailboxes);
}

static void trigger_drop(struct trigger **trigger, int exit_code)
{
    struct trigger *t = *trigger;
    *trigger = NULL;
    t->exit_code = exit_code_worse(t->exit_code, exit_code);
    assert(t->open > 0);
    if (--t->open > 0)
        return;
    if (!t->forgotten && t->waiter.done != NULL)
        t->waiter.done(t->waiter.self, t->exit_code);
    xfree(&t);
}

void requests_give_up(struct request_vec *requests, int exit_code)
{
    VEC_FOREACH (struct request, request, requests) {
        trigger_drop(&request->trigger, exit_code);
        request_free(request);
    }
    vec_free(requests);
}

static void add_request(struct account *account, const struct trigger_target *target,
                        const struct trigger_options *options, struct trigger *trigger)
{
    struct request request = {.options = *options, .trigger = trigger};
    if (target != NULL && target->mailboxes != NULL && target->mailboxes[0] != NULL)
        request.mailboxes = copy_patterns(target->mailboxes);
    trigger->open++;
    vec_push(&account->waiting, request);
    if (!account->leaving)
        account_tell(account, SEEN_REQUESTED);
}

void requests_hand_over(struct account *account, struct request_vec *waiting)
{
    VEC_FOREACH (struct request, request, waiting) {
        vec_push(&account->waiting, *request);
        account_tell(account, SEEN_REQUESTED);
    }
    vec_free(waiting);
}

static int check_target(const struct supervisor *s, const struct trigger_target *target,
                        struct error *err)
{
    const struct account *account = account_find(s, target->account);
    if (account == NULL) {
        (void)config_find(s->shared->config, str_from(target->account), err);
        return error_is_set(err)
                   ? -(int)err->code
                   : error_set(err, ERR_USAGE, SCOPE_ACCOUNT, "no account %s", target->account);
    }
    if (account_is_paused(account))
        return error_set(err, ERR_LOCKED, SCOPE_ACCOUNT, "%s is paused; `maildird resume %s`",
                         target->account, target->account);
    return 0;
}

int supervisor_trigger(struct supervisor *s, const struct trigger_target *targets, size_t len,
                       const struct trigger_options *options, const struct trigger_waiter *waiter,
                       struct error *err)
{
    if (s->stopping)
        return error_set(err, ERR_LOCKED, SCOPE_ACCOUNT, "the daemon is stopping");
    for (size_t i = 0; i < len; i++)
        if (check_target(s, &targets[i], err) < 0)
            return -(int)err->code;
    struct trigger *trigger = xcalloc(1, sizeof *trigger);
    trigger->open = 1;
    if (waiter != NULL)
        trigger->waiter = *waiter;
    for (size_t i = 0; i < len; i++)
        add_request(account_find(s, targets[i].account), &targets[i], options, trigger);
    VEC_FOREACH (struct account *, at, &s->accounts)
        if (len == 0 && account_find(s, (*at)->config->name) == *at && !account_is_paused(*at))
            add_request(*at, NULL, options, trigger);
    trigger_drop(&trigger, 0);
    return 0;
}

static void forget_in(struct request_vec *requests, const void *self)
{
    VEC_FOREACH (struct request, request, requests)
        if (request->trigger->waiter.self == self)
            request->trigger->forgotten = true;
}

void supervisor_forget(struct supervisor *s, const void *self)
{
    VEC_FOREACH (struct account *, at, &s->accounts) {
        forget_in(&(*at)->waiting, self);
        forget_in(&(*at)->served, self);
    }
}

/* ---- one pass ---- */

static bool same_options(const struct trigger_options *a, const struct trigger_options *b)
{
    return a->full == b->full && a->approve_deletions == b->approve_deletions &&
           a->dry_run == b->dry_run && a->no_hooks == b->no_hooks;
}

/* One that asks for a part has a pass of its own. */
static bool can_share(const struct request *first, const struct request *other)
{
    return first->mailboxes == NULL && other->mailboxes == NULL &&
           same_options(&first->options, &other->options);
}

void requests_begin(struct account *account, struct worker_job *job)
{
    struct request_vec waiting = account->waiting;
    account->waiting = (struct request_vec){0};
    assert(account->served.len == 0);
    for (size_t i = 0; i < waiting.len; i++) {
        struct request *request = &waiting.items[i];
        if (i == 0 || can_share(&waiting.items[0], request))
            vec_push(&account->served, *request);
        else
            vec_push(&account->waiting, *request);
    }
    vec_free(&waiting);
    VEC_FOREACH (struct request, request, &account->served) {
        job->full = request->options.full;
        job->approve_deletions = request->options.approve_deletions;
        job->dry_run = request->options.dry_run;
        job->no_hooks = request->options.no_hooks;
        job->told = job->told || request->trigger->waiter.plan != NULL;
        job->mailboxes = request->mailboxes;
        request->mailboxes = NULL;
    }
}

void requests_done(struct account *account, const struct report *report)
{
    struct request_vec served = account->served;
    account->served = (struct request_vec){0};
    VEC_FOREACH (struct request, request, &served) {
        const struct trigger *trigger = request->trigger;
        if (!trigger->forgotten && trigger->waiter.report != NULL)
            trigger->waiter.report(trigger->waiter.self, report);
        trigger_drop(&request->trigger, report_exit_code(report));
        request_free(request);
    }
    vec_free(&served);
    if (account->waiting.len > 0)
        account_tell(account, SEEN_REQUESTED);
}

void requests_progress(struct account *account)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct worker_view view = {0};
    VEC_FOREACH (struct request, request, &account->served) {
        const struct trigger *trigger = request->trigger;
        if (trigger->forgotten || trigger->waiter.progress == NULL)
            continue;
        if (view.mailboxes == NULL)
            worker_look(account->worker, arena, &view);
        trigger->waiter.progress(trigger->waiter.self, &view.progress);
    }
}

void requests_line(struct account *account, const struct plan_line *line)
{
    VEC_FOREACH (struct request, request, &account->served) {
        const struct trigger *trigger = request->trigger;
        if (!trigger->forgotten && trigger->waiter.plan != NULL)
            trigger->waiter.plan(trigger->waiter.self, account->config->name, line->mailbox,
                                 line->what, line->subject, line->why);
    }
}
