/* Another configuration, while everything runs. */
#include "base/log.h"
#include "daemon/accounts.h"

static void add_problem(void *self, const char *file, unsigned line, const char *text)
{
    struct buf *problems = self;
    if (problems->len > 0)
        buf_add_byte(problems, '\n');
    if (line > 0)
        buf_addf(problems, "%s:%u: %s", file, line, text);
    else
        buf_addf(problems, "%s: %s", file, text);
}

static void let_go(struct account *account)
{
    account->paused_before = account->paused;
    account->leaving = true;
    account->paused = true;
    account_tell(account, SEEN_PAUSED);
    account_give_up(account, 75);
}

static bool is_there(const struct supervisor *s, const char *name)
{
    VEC_FOREACH (struct account *, at, &s->accounts)
        if (strcmp((*at)->config->name, name) == 0)
            return true;
    return false;
}

/* Two of one name would fight for the lock: the new one begins when the old one has gone. */
void supervisor_fill(struct supervisor *s)
{
    const struct config *config = s->shared->config;
    for (size_t i = 0; i < config->accounts_len && !s->stopping; i++) {
        struct error err = ERROR_INIT;
        struct account *account = NULL;
        if (is_there(s, config->accounts[i].name))
            continue;
        if (account_new(s, s->shared, &config->accounts[i], &account, &err) < 0)
            log_error(NULL, "%s", err.text);
        else
            vec_push(&s->accounts, account);
    }
}

static void compare(struct supervisor *s, const struct config *fresh, struct reload_result *out)
{
    *out = (struct reload_result){0};
    VEC_FOREACH (struct account *, at, &s->accounts) {
        struct error none = ERROR_INIT;
        if ((*at)->leaving)
            continue;
        const struct config_account *now = config_find(fresh, str_from((*at)->config->name), &none);
        bool same =
            now != NULL && config_account_same((*at)->shared->config, (*at)->config, fresh, now);
        out->removed += now == NULL;
        out->unchanged += same;
        out->changed += now != NULL && !same;
        if (!same)
            let_go(*at);
    }
    out->added = (uint32_t)fresh->accounts_len - out->unchanged - out->changed;
}

int supervisor_reload(struct supervisor *s, struct reload_result *out, struct buf *problems,
                      struct error *err)
{
    struct config *fresh = NULL;
    const struct config_problems sink = {.report = add_problem, .self = problems};
    if (config_load(s->options.config_path, &sink, &fresh, err) < 0) {
        xfree(&s->config_error);
        s->config_error = xstrndup(problems->data == NULL ? "" : problems->data, problems->len);
        log_error(NULL, "the new configuration is wrong, the old one stays in force: %s",
                  problems->len > 0 ? s->config_error : err->text);
        return -(int)err->code;
    }
    xfree(&s->config_error);
    compare(s, fresh, out);
    shared_config_drop(&s->shared);
    s->shared = xcalloc(1, sizeof *s->shared);
    *s->shared = (struct shared_config){.config = fresh, .users = 1};
    log_set_level(fresh->log_level);
    supervisor_fill(s);
    log_info(NULL, "configuration read again: %u changed, %u added, %u removed, %u as before",
             out->changed, out->added, out->removed, out->unchanged);
    return 0;
}
