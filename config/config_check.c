/* What concerns several keys at once, and what follows from other keys. */
#include "config/config_private.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

struct check {
    struct config_context *ctx;
    struct config_account *account;
    const struct config_place *place;
    uint64_t given;
};

/* "accounts.NAME: …" at the account's line. */
__attribute__((format(printf, 2, 3))) static void wrong(const struct check *c, const char *format,
                                                        ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config_problem(c->ctx, c->place->file, c->place->line, "accounts.%s: %s", c->account->name,
                   text);
}

static bool is_given(const struct check *c, const char *name)
{
    const struct config_key *key = config_key_find(&config_account_keys, name);
    assert(key != NULL);
    return (c->given >> (key - config_account_keys.keys) & 1) != 0;
}

static void check_connection(const struct check *c)
{
    struct config_account *a = c->account;
    if (a->tunnel != NULL && !is_given(c, "tls")) {
        a->tls = CONFIG_TLS_OFF;
    }
    if (a->port == 0) {
        a->port = a->tls == CONFIG_TLS_IMPLICIT ? 993 : 143;
    }
    if (!is_given(c, "host") && !is_given(c, "tunnel") && !is_given(c, "provider")) {
        wrong(c, "'host' is missing: the name of the IMAP server (or 'provider')");
    }
    if (a->tunnel != NULL && a->tls == CONFIG_TLS_OFF && a->host != NULL) {
        wrong(c, "'host' and 'tunnel' are both given; only one of them");
    }
    if (a->tunnel != NULL && a->proxy != NULL) {
        wrong(c, "'proxy' and 'tunnel' are both given; only one of them");
    }
    if (a->tunnel != NULL && a->tls != CONFIG_TLS_OFF && !is_given(c, "host")) {
        wrong(c, "TLS through a tunnel needs 'host': the name in the server's certificate");
    }
}

static void check_tls(const struct check *c)
{
    const struct config_account *a = c->account;
    bool safe =
        a->tunnel != NULL || a->host == NULL || (a->proxy == NULL && host_is_loopback(a->host));
    if (a->tls == CONFIG_TLS_OFF && !safe && !a->allow_plaintext) {
        wrong(c,
              "tls: off would send the password to %s for all to read; use implicit or starttls, "
              "or say allow_plaintext: true",
              a->host);
    }
    if (a->tls != CONFIG_TLS_OFF && !a->tls_system_ca && a->tls_ca_file == NULL &&
        a->tls_fingerprint == NULL) {
        wrong(c, "nothing is trusted: tls_system_ca is false, and there is neither tls_ca_file nor "
                 "tls_fingerprint");
    }
    if (a->tls_client_key != NULL && a->tls_client_cert == NULL) {
        wrong(c, "'tls_client_key' without 'tls_client_cert'");
    }
}

/* What is given, be it right or wrong: enum config_needs bits. */
static unsigned given_secrets(const struct check *c)
{
    bool password = is_given(c, "password_command") || is_given(c, "password_file") ||
                    is_given(c, "password") || is_given(c, "password_credential");
    return (password ? CONFIG_NEEDS_PASSWORD : 0u) |
           (is_given(c, "token_command") ? CONFIG_NEEDS_TOKEN : 0u);
}

/* A certificate or a ticket tells the server who it is. */
static bool is_known_otherwise(const struct config_account *account)
{
    unsigned needs = account->auth.len == 0;
    for (size_t i = 0; i < account->auth.len; i++) {
        needs |= config_auth_needs(account->auth.items[i]);
    }
    return needs == 0;
}

/* The list names ways to log in; one of them at least must have what it takes. */
static void check_auth_list(const struct check *c)
{
    const struct config_strings *auth = &c->account->auth;
    unsigned needs = 0;
    for (size_t i = 0; i < auth->len; i++) {
        unsigned more = config_auth_needs(auth->items[i]);
        if (more == 0) {
            return;
        }
        needs |= more;
    }
    if ((given_secrets(c) & needs) != 0) {
        return;
    }
    if ((needs & CONFIG_NEEDS_PASSWORD) == 0) {
        wrong(c, "'token_command' is missing: 'auth' names what takes a token%s",
              given_secrets(c) != 0 ? ", not a password" : "");
    } else {
        wrong(c,
              "the password is missing: password_command, password_file, password or "
              "password_credential%s",
              (needs & CONFIG_NEEDS_TOKEN) != 0 ? "; or token_command" : "");
    }
}

/* Through a tunnel the server may know the user already (PREAUTH). */
static void check_login(const struct check *c)
{
    if (c->account->tunnel != NULL) {
        return;
    }
    if (!is_given(c, "user") && !is_given(c, "user_command") && !is_known_otherwise(c->account)) {
        wrong(c, "'user' is missing (or 'user_command')");
    }
    if (c->account->auth.len > 0) {
        check_auth_list(c);
    } else if (given_secrets(c) == 0) {
        wrong(c, "the password is missing: password_command, password_file, password, "
                 "password_credential, or token_command");
    }
}

void config_check_account(struct config_context *ctx, struct config_account *account,
                          const struct config_place *place, uint64_t given)
{
    struct check c = {ctx, account, place, given};
    check_connection(&c);
    check_tls(&c);
    check_login(&c);
    if (!is_given(&c, "maildir")) {
        wrong(&c, "'maildir' is missing: the folder to keep the mail in");
    }
}

/* ---- Maildirs ---- */

static bool same_place(const char *a, const char *b)
{
    struct stat a_found, b_found;
    if (strcmp(a, b) == 0) {
        return true;
    }
    return stat(a, &a_found) == 0 && stat(b, &b_found) == 0 && a_found.st_dev == b_found.st_dev &&
           a_found.st_ino == b_found.st_ino;
}

static bool is_below(const char *inner, const char *outer)
{
    size_t len = strlen(outer);
    return strncmp(inner, outer, len) == 0 && inner[len] == '/';
}

/* `b` comes after `a` in the file. */
static void check_pair(const struct check *c, const struct config_account *a,
                       const struct config_account *b)
{
    const char *a_root = a->maildir.root, *b_root = b->maildir.root;
    if (a_root == NULL || b_root == NULL) {
        return;
    }
    if (same_place(a_root, b_root)) {
        wrong(c, "the Maildir %s is that of '%s' too; each account needs its own", b_root, a->name);
    } else if (a->maildir.layout == MAILDIR_NESTED && is_below(b_root, a_root)) {
        wrong(c, "the Maildir %s lies in that of '%s', %s, and would be taken for its mailboxes",
              b_root, a->name, a_root);
    } else if (b->maildir.layout == MAILDIR_NESTED && is_below(a_root, b_root)) {
        wrong(c, "in the Maildir %s lies that of '%s', %s, which would be taken for mailboxes",
              b_root, a->name, a_root);
    } else if (a->maildir.inbox[0] == '/' && strcmp(a->maildir.inbox, b->maildir.inbox) == 0) {
        wrong(c, "the inbox %s is that of '%s' too; each account needs its own", b->maildir.inbox,
              a->name);
    }
}

void config_check_maildirs(struct config_context *ctx, const struct config *config,
                           const struct config_place *places)
{
    for (size_t b = 0; b < config->accounts_len; b++) {
        struct check c = {ctx, &config->accounts[b], &places[b], 0};
        for (size_t a = 0; a < b; a++) {
            check_pair(&c, &config->accounts[a], &config->accounts[b]);
        }
    }
}
