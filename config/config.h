#pragma once
/*
 * The configuration: one YAML file (and its includes) read into typed settings with every default
 * filled in. Reading it looks at no secret and no network. What is wrong is told as
 * "FILE:LINE: what, where; did you mean …", all of it, not only the first.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "net/dial.h"
#include "store/maildir.h"

enum config_tls { CONFIG_TLS_IMPLICIT, CONFIG_TLS_STARTTLS, CONFIG_TLS_OFF };
enum config_needs { CONFIG_NEEDS_PASSWORD = 1, CONFIG_NEEDS_TOKEN = 2 };
enum config_switch { SWITCH_AUTO, SWITCH_ON, SWITCH_OFF };
enum config_watch_mode { WATCH_AUTO, WATCH_NOTIFY, WATCH_IDLE, WATCH_POLL, WATCH_OFF };

/* Which way something is carried. */
enum direction { DIRECTION_BOTH, DIRECTION_TO_LOCAL, DIRECTION_TO_REMOTE, DIRECTION_NONE };

struct config_guard {
    bool on;
    uint32_t messages; /* more than this many … */
    uint32_t percent;  /* … and more than this share are held */
    uint32_t all;      /* all of a mailbox of at least this many are held */
};

/* `since: 2y` or `since: 2015-04-01`; both 0: no limit. */
struct config_since {
    int64_t age_s;
    int64_t date_s; /* Unix time of that day's beginning, UTC */
};

/* The `sync:` block, of an account or of an override. */
struct config_sync {
    enum direction messages_new;
    enum direction flags;
    enum direction deletions;
    enum direction create;
    enum direction rename;
    enum direction remove;
    bool expunge_marked;  /* marked: expunge */
    bool delete_to_trash; /* delete: trash */
    bool expunge_careful; /* expunge_without_uidplus: careful */
    int64_t keep_deleted_s;
    uint64_t max_size; /* 0: no limit */
    struct config_since since;
    struct config_guard guard;
};

struct config_strings {
    const char **items; /* NULL-terminated */
    size_t len;
};

struct config_pair {
    const char *key;
    const char *value;
};
struct config_pairs {
    struct config_pair *items;
    size_t len;
};

/* A secret is a command, a file, a credential name or the text itself; read when it is needed. */
struct config_secret {
    const char *shell;          /* run by sh -c */
    struct config_strings argv; /* run as it is */
    const char *file;
    const char *text;       /* inline */
    const char *credential; /* systemd LoadCredential */
    const char *origin;     /* "FILE:LINE", for error texts */
};

struct config_override {
    const char *match;       /* pattern over mailbox names */
    struct config_sync sync; /* complete: the account's with the override's keys on top */
};
struct config_overrides {
    struct config_override *items;
    size_t len;
};

struct config_account {
    const char *name;
    const char *origin;   /* "FILE:LINE" */
    const char *provider; /* NULL */
    const char *host;
    uint16_t port;
    enum address_family address_family;
    enum config_tls tls;
    bool allow_plaintext;
    bool tls_system_ca;
    const char *tls_ca_file, *tls_fingerprint, *tls_client_cert, *tls_client_key;
    const char *tls_min_version, *tls_ciphers;
    const char *tunnel, *proxy;
    const char *user;
    struct config_secret user_command;
    const char *authzid;
    struct config_strings auth; /* len 0: auto */
    struct config_secret password;
    struct config_secret token_command;
    int64_t command_timeout_ms;
    uint32_t connections;
    int64_t timeout_ms;
    enum config_switch compress;
    struct config_strings disable;
    const char *namespace_prefix; /* NULL: auto */
    struct maildir_options maildir;
    struct config_strings patterns;
    struct config_pairs rename;
    bool subscribed_only;
    struct config_pairs special; /* {"trash", "Trash"} */
    struct config_sync sync;
    struct config_overrides overrides;
    enum config_watch_mode watch_mode;
    struct config_strings watch_mailboxes;
    int64_t watch_poll_ms;
    bool watch_local;
    int64_t watch_audit_ms;
};

struct config_hooks {
    const char *before_sync, *new_mail, *changed, *failed;
    int64_t timeout_ms;
};

struct config {
    struct arena *arena; /* owns every string */
    const char *path;
    const char *state_dir;
    enum log_level log_level;
    struct config_hooks hooks;
    struct config_account *accounts; /* in the order of the file */
    size_t accounts_len;
};

/* Collects what is wrong; at least one call when config_load fails. */
struct config_problems {
    void (*report)(void *self, const char *file, unsigned line, const char *text);
    void *self;
};

/* `path` NULL: $XDG_CONFIG_HOME/maildird/config.yaml. ERR_CONFIG: the problems were reported. */
int config_load(const char *path, const struct config_problems *problems, struct config **out,
                struct error *err);
void config_free(struct config **config);
/* NULL and ERR_USAGE naming the accounts there are. */
const struct config_account *config_find(const struct config *config, struct str name,
                                         struct error *err);
/* The sync settings of a mailbox (UTF-8, `/`): the last override that matches, else the account's.
 */
const struct config_sync *config_sync_for(const struct config_account *account, struct str mailbox);
/* What the account's ways to log in take, of what it gives: enum config_needs bits. */
unsigned config_account_needs(const struct config_account *account);
/* Whether an account is to be treated alike under both: its keys, secrets included, and what
 * applies to all accounts, but for the log level. */
bool config_account_same(const struct config *a, const struct config_account *in_a,
                         const struct config *b, const struct config_account *in_b);
/* "90s", "5m", "2h", "7d", "2y" or "0". */
bool config_duration_parse(const char *text, int64_t *seconds_out);
/* The path that config_load(NULL, …) reads. The caller owns it. */
char *config_default_path(void);
/* The state directory of an account: state_dir/NAME. In `arena`. */
const char *config_state_dir(const struct config *config, const struct config_account *account,
                             struct arena *arena);
/* The configuration in full, defaults included, secrets as "…", as YAML. */
void config_show(const struct config *config, struct buf *out);
/* A JSON schema of the file. */
void config_schema(struct buf *out);
