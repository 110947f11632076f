#include "pass/secrets.h"

#include "base/digest.h"
#include "config/secret.h"

#include <pthread.h>

struct secrets {
    const struct config_account *account;
    pthread_mutex_t lock; /* held while a command runs: it is not to be run for each connection */
    bool known;
    struct secrets_copy known_copy;
    bool refused;
    struct digest refused_digest;
};

struct secrets *secrets_new(const struct config_account *account)
{
    struct secrets *s = xcalloc(1, sizeof *s);
    s->account = account;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void secrets_wipe(struct secrets_copy *copy)
{
    secret_free(&copy->user);
    secret_free(&copy->password);
    secret_free(&copy->token);
}

void secrets_free(struct secrets **secrets)
{
    if (*secrets == NULL)
        return;
    secrets_wipe(&(*secrets)->known_copy);
    pthread_mutex_destroy(&(*secrets)->lock);
    xfree(secrets);
}

static void add_text(struct digester *digester, const char *text)
{
    digester_add(digester, text == NULL ? "" : text, text == NULL ? 1 : strlen(text) + 1);
}

static struct digest digest_of(const struct secrets_copy *copy)
{
    struct digester *digester = digester_new();
    add_text(digester, copy->user);
    add_text(digester, copy->password);
    add_text(digester, copy->token);
    struct digest digest = digester_finish(digester);
    digester_free(&digester);
    return digest;
}

static struct secrets_copy copy_of(const struct secrets_copy *from)
{
    return (struct secrets_copy){
        .user = from->user != NULL ? xstrdup(from->user) : NULL,
        .password = from->password != NULL ? xstrdup(from->password) : NULL,
        .token = from->token != NULL ? xstrdup(from->token) : NULL,
    };
}

static int read_one(const struct secrets *s, const struct config_secret *secret,
                    const struct clock *clock, const struct wake *wake, char **out,
                    struct error *err)
{
    if (!secret_is_set(secret))
        return 0;
    return secret_read(secret, s->account->command_timeout_ms, wake, clock, out, err);
}

static int read_all(const struct secrets *s, const struct clock *clock, const struct wake *wake,
                    struct secrets_copy *out, struct error *err)
{
    const struct config_account *account = s->account;
    unsigned needs = config_account_needs(account);
    int r = read_one(s, &account->user_command, clock, wake, &out->user, err);
    if (r == 0 && account->user != NULL)
        out->user = xstrdup(account->user);
    if (r == 0 && (needs & CONFIG_NEEDS_PASSWORD) != 0)
        r = read_one(s, &account->password, clock, wake, &out->password, err);
    if (r == 0 && (needs & CONFIG_NEEDS_TOKEN) != 0)
        r = read_one(s, &account->token_command, clock, wake, &out->token, err);
    if (r < 0)
        secrets_wipe(out);
    return r;
}

static int get(struct secrets *s, const struct clock *clock, const struct wake *wake,
               struct error *err)
{
    struct secrets_copy fresh = {0};
    if (s->known)
        return 0;
    int r = read_all(s, clock, wake, &fresh, err);
    if (r < 0)
        return r;
    struct digest digest = digest_of(&fresh);
    if (s->refused && digest_eq(&digest, &s->refused_digest)) {
        secrets_wipe(&fresh);
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT,
                         "the server refused this %s before; it is not sent again until it or the "
                         "configuration changes",
                         s->account->token_command.origin != NULL ? "token" : "password");
    }
    s->known_copy = fresh;
    s->known = true;
    return 0;
}

int secrets_get(struct secrets *s, const struct clock *clock, const struct wake *wake,
                struct secrets_copy *out, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    int r = get(s, clock, wake, err);
    if (r == 0)
        *out = copy_of(&s->known_copy);
    pthread_mutex_unlock(&s->lock);
    return r;
}

void secrets_refuse(struct secrets *s, const struct secrets_copy *copy)
{
    struct digest digest = digest_of(copy);
    pthread_mutex_lock(&s->lock);
    s->refused = copy->password != NULL || copy->token != NULL;
    s->refused_digest = digest;
    /* Another connection may have read a newer one meanwhile. */
    struct digest known = digest_of(&s->known_copy);
    if (s->known && digest_eq(&digest, &known)) {
        secrets_wipe(&s->known_copy);
        s->known = false;
    }
    pthread_mutex_unlock(&s->lock);
}
