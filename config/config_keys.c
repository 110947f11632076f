/*
 * The one place that says which keys there are, what each takes, its default and what it is for.
 * Reading, `check --show`, `check --schema` and the manual's list of keys follow from it.
 */
#include "imap/list.h"
#include "config/config_private.h"
#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#define ACCOUNT(field) offsetof(struct config_account, field)
#define TOP(field) offsetof(struct config, field)

enum { SECOND = 1, MINUTE = 60, HOUR = 3600, DAY = 86400 };

/* ---- words ---- */

static const struct config_word level_words[] = {{"error", LOG_LEVEL_ERROR},
                                                 {"warning", LOG_LEVEL_WARNING},
                                                 {"info", LOG_LEVEL_INFO},
                                                 {"debug", LOG_LEVEL_DEBUG},
                                                 {0}};
static const struct config_word family_words[] = {
    {"any", ADDRESS_ANY}, {"ipv4", ADDRESS_IPV4}, {"ipv6", ADDRESS_IPV6}, {0}};
static const struct config_word tls_words[] = {{"implicit", CONFIG_TLS_IMPLICIT},
                                               {"starttls", CONFIG_TLS_STARTTLS},
                                               {"off", CONFIG_TLS_OFF},
                                               {0}};
static const struct config_word tls_version_words[] = {{"1.2", 0}, {"1.3", 0}, {0}};
/* With what each shows who it is. */
static const struct config_word auth_words[] = {{"plain", CONFIG_NEEDS_PASSWORD},
                                                {"login", CONFIG_NEEDS_PASSWORD},
                                                {"cram-md5", CONFIG_NEEDS_PASSWORD},
                                                {"scram-sha-1", CONFIG_NEEDS_PASSWORD},
                                                {"scram-sha-256", CONFIG_NEEDS_PASSWORD},
                                                {"scram-sha-256-plus", CONFIG_NEEDS_PASSWORD},
                                                {"external", 0},
                                                {"gssapi", 0},
                                                {"xoauth2", CONFIG_NEEDS_TOKEN},
                                                {"oauthbearer", CONFIG_NEEDS_TOKEN},
                                                {0}};
static const struct config_word switch_words[] = {
    {"auto", SWITCH_AUTO}, {"on", SWITCH_ON}, {"off", SWITCH_OFF}, {0}};
static const struct config_word layout_words[] = {
    {"nested", MAILDIR_NESTED}, {"maildir++", MAILDIR_PLUSPLUS}, {"flat", MAILDIR_FLAT}, {0}};
static const struct config_word watch_words[] = {{"auto", WATCH_AUTO}, {"notify", WATCH_NOTIFY},
                                                 {"idle", WATCH_IDLE}, {"poll", WATCH_POLL},
                                                 {"off", WATCH_OFF},   {0}};

/* ---- what a text must be ---- */

static const char *check_host(const char *text)
{
    const char *colon = strchr(text, ':'); /* an IPv6 address has at least two */
    bool has_port = colon != NULL && strchr(colon + 1, ':') == NULL;
    bool plain = text[0] != '\0' && strpbrk(text, " \t/@[]") == NULL && !has_port;
    return plain ? NULL : "a host name or an address, without scheme, user, port or path";
}

static const char *check_fingerprint(const char *text)
{
    static const char expected[] =
        "cert-sha256: or key-sha256: and 64 hexadecimal digits (colons may stand between them)";
    struct str s = str_from(text);
    if (!str_starts(s, STR("cert-sha256:")) && !str_starts(s, STR("key-sha256:"))) {
        return expected;
    }
    size_t digits = 0;
    for (const char *c = strchr(text, ':'); *c != '\0'; c++) {
        if (strchr("0123456789abcdefABCDEF", *c) != NULL) {
            digits++;
        } else if (*c != ':') {
            return expected;
        }
    }
    return digits == 64 ? NULL : expected;
}

static const char *check_separator(const char *text)
{
    bool one = strlen(text) == 1 && strchr("/%", text[0]) == NULL;
    return one ? NULL : "one character other than / and %";
}

static const char *check_info_separator(const char *text)
{
    bool one = strlen(text) == 1 && strchr(":;!^+@#~", text[0]) != NULL;
    return one ? NULL : "one of : ; ! ^ + @ # ~";
}

static const char *check_credential(const char *text)
{
    bool plain = text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL;
    return plain ? NULL : "the name of a credential, not a path";
}

#define SPECIAL_USES "all, archive, drafts, flagged, important, junk, sent or trash"

static bool is_special_use(const char *word)
{
    uint32_t use;
    return list_attribute_parse(str_from(word), &use) && (use & LIST_SPECIAL_USE) != 0;
}

/* Of the key's own, without the backslash. */
static const char *check_special(const char *text)
{
    char word[32];
    int len = snprintf(word, sizeof word, "\\%s", text);
    bool known = len > 0 && (size_t)len < sizeof word && is_special_use(word);
    return known ? NULL : "a special use: " SPECIAL_USES;
}

/* A name or pattern, which may begin with `!`, or a special use. */
static const char *check_pattern(const char *text)
{
    const char *name = text[0] == '!' ? text + 1 : text;
    return name[0] != '\\' || is_special_use(name)
               ? NULL
               : "a special use: with a backslash before it, " SPECIAL_USES;
}

/* ---- accounts ---- */

static const struct config_key mailboxes_keys[] = {
    {.name = "patterns",
     .type = TYPE_STRINGS,
     .offset = ACCOUNT(patterns),
     .fallback = "[\"*\"]",
     .check = check_pattern,
     .help = "the last that matches wins; ! leaves out; only * and % are special (% stops at a "
             "delimiter); \\Junk names a special use"},
    {.name = "rename",
     .type = TYPE_PAIRS,
     .offset = ACCOUNT(rename),
     .fallback = "{}",
     .check = check_pattern,
     .help = "other names here: remote: local; a name, a pattern with one *, or a special use as "
             "\\Sent; "
             "the last that matches counts"},
    {.name = "subscribed",
     .type = TYPE_BOOL,
     .offset = ACCOUNT(subscribed_only),
     .fallback = "false",
     .help = "only subscribed mailboxes, and INBOX"},
    {.name = "special",
     .type = TYPE_PAIRS,
     .offset = ACCOUNT(special),
     .fallback = "{}",
     .check = check_special,
     .help = "special uses where the server marks none, e.g. {trash: Trash}"},
};
static const struct config_table mailboxes_table = CONFIG_TABLE(mailboxes_keys);

static const struct config_key watch_keys[] = {
    {.name = "mode",
     .type = TYPE_WORD,
     .offset = ACCOUNT(watch_mode),
     .fallback = "auto",
     .words = watch_words,
     .help = "how the daemon learns of changes there"},
    {.name = "mailboxes",
     .type = TYPE_STRINGS,
     .offset = ACCOUNT(watch_mailboxes),
     .fallback = "[INBOX]",
     .help = "what mode idle watches"},
    {.name = "poll",
     .type = TYPE_MILLISECONDS,
     .offset = ACCOUNT(watch_poll_ms),
     .fallback = "5m",
     .min = 10 * SECOND,
     .max = DAY,
     .help = "how often mode poll looks"},
    {.name = "local",
     .type = TYPE_BOOL,
     .offset = ACCOUNT(watch_local),
     .fallback = "true",
     .help = "watch the Maildir"},
    {.name = "audit",
     .type = TYPE_MILLISECONDS,
     .offset = ACCOUNT(watch_audit_ms),
     .fallback = "15m",
     .min = MINUTE,
     .max = 7 * DAY,
     .help = "how often everything is compared, whatever was told"},
};
static const struct config_table watch_table = CONFIG_TABLE(watch_keys);

static const struct config_key account_keys[] = {
    {.name = "provider",
     .type = TYPE_PROVIDER,
     .offset = ACCOUNT(provider),
     .example = "fastmail",
     .help = "fills in host, port and what else is special of a known provider; what is given here "
             "and under defaults comes before it"},
    {.name = "host",
     .type = TYPE_TEXT,
     .offset = ACCOUNT(host),
     .example = "imap.example.org",
     .check = check_host,
     .help = "the server; its certificate must be for this name"},
    {.name = "port",
     .type = TYPE_PORT,
     .offset = ACCOUNT(port),
     .fallback_words = "993; 143 with starttls and off",
     .example = "993",
     .help = "its port"},
    {.name = "address_family",
     .type = TYPE_WORD,
     .offset = ACCOUNT(address_family),
     .fallback = "any",
     .words = family_words,
     .help = "which addresses of the host to use"},
    {.name = "tls",
     .type = TYPE_WORD,
     .offset = ACCOUNT(tls),
     .fallback = "implicit",
     .fallback_words = "implicit; off with a tunnel",
     .words = tls_words,
     .help = "encryption from the first byte, begun with STARTTLS, or none"},
    {.name = "allow_plaintext",
     .type = TYPE_BOOL,
     .offset = ACCOUNT(allow_plaintext),
     .fallback = "false",
     .help = "tls: off is refused but to loopback and through tunnels, unless this is true"},
    {.name = "tls_system_ca",
     .type = TYPE_BOOL,
     .offset = ACCOUNT(tls_system_ca),
     .fallback = "true",
     .help = "trust the system's certificate authorities"},
    {.name = "tls_ca_file",
     .type = TYPE_PATH,
     .offset = ACCOUNT(tls_ca_file),
     .example = "ca.pem",
     .help = "trust these too (PEM); the server's own certificate is accepted here"},
    {.name = "tls_fingerprint",
     .type = TYPE_TEXT,
     .offset = ACCOUNT(tls_fingerprint),
     .example = "key-sha256:3c9a…",
     .check = check_fingerprint,
     .help = "trust just this certificate (cert-sha256:) or key (key-sha256:), whoever signed it"},
    {.name = "tls_client_cert",
     .type = TYPE_PATH,
     .offset = ACCOUNT(tls_client_cert),
     .example = "client.pem",
     .help = "a certificate to show to the server (PEM)"},
    {.name = "tls_client_key",
     .type = TYPE_PATH,
     .offset = ACCOUNT(tls_client_key),
     .example = "client-key.pem",
     .help = "its key, where that is a file of its own"},
    {.name = "tls_min_version",
     .type = TYPE_TEXT,
     .offset = ACCOUNT(tls_min_version),
     .fallback = "\"1.2\"",
     .words = tls_version_words,
     .help = "the oldest TLS to accept"},
    {.name = "tls_ciphers",
     .type = TYPE_TEXT,
     .offset = ACCOUNT(tls_ciphers),
     .example = "HIGH:!aNULL",
     .fallback_words = "OpenSSL's choice",
     .help = "cipher suites, in OpenSSL's words"},
    {.name = "tunnel",
     .type = TYPE_SHELL,
     .offset = ACCOUNT(tunnel),
     .example = "ssh host /usr/lib/dovecot/imap",
     .help = "a command for sh instead of host; its standard input and output are the connection"},
    {.name = "proxy",
     .type = TYPE_PROXY,
     .offset = ACCOUNT(proxy),
     .example = "socks5://127.0.0.1:9050",
     .help = "go through this SOCKS5 proxy, which looks up the host: "
             "socks5://[USER:PASSWORD@]HOST[:PORT]"},
    {.name = "user",
     .type = TYPE_TEXT,
     .offset = ACCOUNT(user),
     .example = "alice@example.org",
     .group = 'u',
     .help = "the user name"},
    {.name = "user_command",
     .type = TYPE_COMMAND,
     .offset = ACCOUNT(user_command),
     .example = "pass show imap/work-user",
     .group = 'u',
     .help = "a command that prints it"},
    {.name = "authzid",
     .type = TYPE_TEXT,
     .offset = ACCOUNT(authzid),
     .example = "shared",
     .help = "act as this user, where the mechanism can say so"},
    {.name = "auth",
     .type = TYPE_WORDS,
     .offset = ACCOUNT(auth),
     .fallback = "auto",
     .words = auth_words,
     .help = "how to log in: auto, or a list of mechanisms"},
    {.name = "password_command",
     .type = TYPE_COMMAND,
     .offset = ACCOUNT(password),
     .example = "[secret-tool, lookup, imap, work]",
     .group = 'p',
     .help = "a command that prints the password: a list, or a text for sh"},
    {.name = "password_file",
     .type = TYPE_SECRET_FILE,
     .offset = ACCOUNT(password),
     .example = "work.password",
     .group = 'p',
     .help = "a file that holds it"},
    {.name = "password",
     .type = TYPE_SECRET_TEXT,
     .offset = ACCOUNT(password),
     .example = "secret",
     .group = 'p',
     .help = "the password itself; the configuration must be readable to nobody else"},
    {.name = "password_credential",
     .type = TYPE_SECRET_CREDENTIAL,
     .offset = ACCOUNT(password),
     .example = "imap-work",
     .check = check_credential,
     .group = 'p',
     .help = "the name of a systemd credential (LoadCredential=)"},
    {.name = "token_command",
     .type = TYPE_COMMAND,
     .offset = ACCOUNT(token_command),
     .example = "oama access alice@example.org",
     .help = "a command that prints an access token, for xoauth2 and oauthbearer"},
    {.name = "command_timeout",
     .type = TYPE_MILLISECONDS,
     .offset = ACCOUNT(command_timeout_ms),
     .fallback = "60s",
     .min = SECOND,
     .max = HOUR,
     .help = "how long these commands may take"},
    {.name = "connections",
     .type = TYPE_NUMBER,
     .offset = ACCOUNT(connections),
     .fallback = "4",
     .min = 1,
     .max = 16,
     .help = "how many connections may be open at once"},
    {.name = "timeout",
     .type = TYPE_MILLISECONDS,
     .offset = ACCOUNT(timeout_ms),
     .fallback = "60s",
     .min = SECOND,
     .max = HOUR,
     .help = "how long the server may stay silent when it should answer"},
    {.name = "compress",
     .type = TYPE_WORD,
     .offset = ACCOUNT(compress),
     .fallback = "auto",
     .words = switch_words,
     .help = "compress what is sent; auto: where connecting took more than 2 ms"},
    {.name = "disable",
     .type = TYPE_EXTENSIONS,
     .offset = ACCOUNT(disable),
     .fallback = "[]",
     .help = "extensions not to use with this server, e.g. [QRESYNC]"},
    {.name = "namespace",
     .type = TYPE_PREFIX,
     .offset = ACCOUNT(namespace_prefix),
     .fallback = "auto",
     .help = "the personal prefix, left out of names: auto asks the server"},
    {.name = "maildir",
     .type = TYPE_PATH,
     .offset = ACCOUNT(maildir.root),
     .example = "~/Mail/work",
     .help = "where the mail is kept"},
    {.name = "layout",
     .type = TYPE_WORD,
     .offset = ACCOUNT(maildir.layout),
     .fallback = "nested",
     .words = layout_words,
     .help = "folders in folders, .A.B as Maildir++, or A.B"},
    {.name = "separator",
     .type = TYPE_TEXT,
     .offset = ACCOUNT(maildir.separator),
     .fallback = "\".\"",
     .check = check_separator,
     .help = "between the parts of a flat name"},
    {.name = "info_separator",
     .type = TYPE_CHAR,
     .offset = ACCOUNT(maildir.info_separator),
     .fallback = "\":\"",
     .check = check_info_separator,
     .help = "between a file's name and its flags"},
    {.name = "inbox",
     .type = TYPE_INBOX,
     .offset = ACCOUNT(maildir.inbox),
     .fallback = "INBOX",
     .help = "the folder of INBOX: a name, or a path (which begins with / ~ or ./)"},
    {.name = "mailboxes",
     .type = TYPE_BLOCK,
     .block = &mailboxes_table,
     .help = "which mailboxes, under which names"},
    {.name = "sync",
     .type = TYPE_BLOCK,
     .offset = ACCOUNT(sync),
     .block = &config_sync_keys,
     .help = "what is carried: both | to_local | to_remote | none; what is not carried stays as "
             "it is on its side"},
    {.name = "overrides",
     .type = TYPE_OVERRIDES,
     .offset = ACCOUNT(overrides),
     .fallback = "[]",
     .block = &config_override_keys,
     .help = "other sync settings for some mailboxes; the last that matches wins"},
    {.name = "watch", .type = TYPE_BLOCK, .block = &watch_table, .help = "for the daemon"},
};
const struct config_table config_account_keys = CONFIG_TABLE(account_keys);

/* ---- the file ---- */

static const struct config_key hooks_keys[] = {
    {.name = "before_sync",
     .type = TYPE_SHELL,
     .offset = TOP(hooks.before_sync),
     .example = "systemctl --user is-active vpn",
     .help = "before a pass; a failure skips it"},
    {.name = "new_mail",
     .type = TYPE_SHELL,
     .offset = TOP(hooks.new_mail),
     .example = "notmuch new",
     .help = "when unseen mail has arrived; not on the first download of a mailbox"},
    {.name = "changed",
     .type = TYPE_SHELL,
     .offset = TOP(hooks.changed),
     .example = "mu index",
     .help = "when files changed here"},
    {.name = "failed",
     .type = TYPE_SHELL,
     .offset = TOP(hooks.failed),
     .example = "notify-send maildird",
     .help = "once, when failing begins"},
    {.name = "timeout",
     .type = TYPE_MILLISECONDS,
     .offset = TOP(hooks.timeout_ms),
     .fallback = "5m",
     .min = SECOND,
     .max = DAY,
     .help = "how long a hook may take"},
};
static const struct config_table hooks_table = CONFIG_TABLE(hooks_keys);

static const struct config_key top_keys[] = {
    {.name = "include", .type = TYPE_INCLUDE, .fallback = "[]", .help = "further files"},
    {.name = "state_dir",
     .type = TYPE_PATH,
     .offset = TOP(state_dir),
     .fallback_words = "$XDG_STATE_HOME/maildird",
     .example = "~/.local/state/maildird",
     .help = "where the index of each account is kept"},
    {.name = "log_level",
     .type = TYPE_WORD,
     .offset = TOP(log_level),
     .fallback = "info",
     .words = level_words,
     .help = "how much is told on standard error"},
    {.name = "hooks", .type = TYPE_BLOCK, .block = &hooks_table, .help = "commands for sh"},
    {.name = "defaults",
     .type = TYPE_DEFAULTS,
     .fallback = "{}",
     .block = &config_account_keys,
     .help = "any key of an account; accounts override it"},
    {.name = "accounts",
     .type = TYPE_ACCOUNTS,
     .block = &config_account_keys,
     .help = "by name: letters, digits, . _ -"},
};
const struct config_table config_top_keys = CONFIG_TABLE(top_keys);

/* ---- looking up ---- */

const struct config_key *config_key_find(const struct config_table *table, const char *name)
{
    for (size_t i = 0; i < table->len; i++) {
        if (strcmp(table->keys[i].name, name) == 0) {
            return &table->keys[i];
        }
    }
    return NULL;
}

unsigned config_auth_needs(const char *mechanism)
{
    const struct config_word *word = auth_words;
    while (strcmp(word->word, mechanism) != 0) {
        word++;
        assert(word->word != NULL);
    }
    return (unsigned)word->value;
}

const char *config_key_home(const char *name)
{
    static const struct {
        const struct config_table *table;
        const char *home;
    } homes[] = {
        {&config_top_keys, "the top level of the file"},
        {&config_account_keys, "an account"},
        {&mailboxes_table, "an account's 'mailboxes'"},
        {&config_sync_keys, "an account's 'sync'"},
        {&watch_table, "an account's 'watch'"},
        {&config_guard_keys, "'guard'"},
        {&hooks_table, "'hooks'"},
    };
    for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
        if (config_key_find(homes[i].table, name) != NULL) {
            return homes[i].home;
        }
    }
    return NULL;
}
