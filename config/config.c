#include "config/config.h"
#include "base/alloc.h"
#include "imap/mailbox_name.h"
#include "config/config_private.h"
#include "config/secret.h"
#include "config/suggest.h"

int config_load(const char *path, const struct config_problems *problems, struct config **out,
                struct error *err)
{
    struct arena *arena = arena_new();
    struct config *config = arena_alloc(arena, sizeof *config);
    AUTO_FREE char *found = path == NULL ? config_default_path() : xstrdup(path);
    config->arena = arena;
    config->path = arena_strdup(arena, found);
    struct config_context ctx = {.arena = arena, .problems = problems};
    config_read(&ctx, config);
    if (ctx.problems_count > 0) {
        int result = error_set(err, ERR_CONFIG, SCOPE_ACCOUNT, "%s: %zu problem%s", config->path,
                               ctx.problems_count, ctx.problems_count == 1 ? "" : "s");
        config_free(&config);
        return result;
    }
    *out = config;
    return 0;
}

static void wipe(const char *secret)
{
    if (secret != NULL) {
        explicit_bzero((char *)(uintptr_t)secret, strlen(secret));
    }
}

void config_free(struct config **config)
{
    if (*config == NULL) {
        return;
    }
    for (size_t i = 0; i < (*config)->accounts_len; i++) {
        wipe((*config)->accounts[i].password.text);
        wipe((*config)->accounts[i].proxy);
    }
    struct arena *arena = (*config)->arena;
    *config = NULL;
    arena_free(&arena);
}

const struct config_account *config_find(const struct config *config, struct str name,
                                         struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    const char *list = "";
    const char *word = arena_str(arena, name).ptr;
    struct suggest near;
    suggest_begin(&near, word);
    for (size_t i = 0; i < config->accounts_len; i++) {
        const struct config_account *account = &config->accounts[i];
        if (str_eq(str_from(account->name), name)) {
            return account;
        }
        suggest_offer(&near, account->name);
        list = arena_printf(arena, "%s%s%s", list, i == 0 ? "" : ", ", account->name);
    }
    if (near.best != NULL) {
        (void)error_set(err, ERR_USAGE, SCOPE_ACCOUNT,
                        "there is no account '%s' in %s; did you mean '%s'?", word, config->path,
                        near.best);
    } else {
        (void)error_set(err, ERR_USAGE, SCOPE_ACCOUNT,
                        "there is no account '%s' in %s; there are: %s", word, config->path, list);
    }
    return NULL;
}

const struct config_sync *config_sync_for(const struct config_account *account, struct str mailbox)
{
    for (size_t i = account->overrides.len; i > 0; i--) {
        const struct config_override *override = &account->overrides.items[i - 1];
        if (mailbox_name_matches(mailbox, str_from(override->match), '/')) {
            return &override->sync;
        }
    }
    return &account->sync;
}

unsigned config_account_needs(const struct config_account *account)
{
    unsigned given = (secret_is_set(&account->password) ? CONFIG_NEEDS_PASSWORD : 0u) |
                     (secret_is_set(&account->token_command) ? CONFIG_NEEDS_TOKEN : 0u);
    unsigned wanted = 0;
    if (account->auth.len == 0) { /* a token goes before a password */
        return (given & CONFIG_NEEDS_TOKEN) != 0 ? CONFIG_NEEDS_TOKEN : given;
    }
    for (size_t i = 0; i < account->auth.len; i++) {
        wanted |= config_auth_needs(account->auth.items[i]);
    }
    return wanted & given;
}

const char *config_state_dir(const struct config *config, const struct config_account *account,
                             struct arena *arena)
{
    return arena_printf(arena, "%s/%s", config->state_dir, account->name);
}
