/* The configuration: what is wrong is told with its line, what is right becomes these values. */
#include "base/alloc.h"
#include "base/files.h"
#include "config/config.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

/* What every account needs, indented for a block of accounts. */
#define BASE                                                                                       \
    "    host: imap.example.org\n"                                                                 \
    "    user: alice\n"                                                                            \
    "    password_file: p\n"
#define ACCOUNT "accounts:\n  work:\n" BASE "    maildir: m\n"

struct folder {
    char *path;
    struct buf problems; /* "FILE:LINE: text", a line each, FILE without its folder */
};

static int setup(void **state)
{
    struct folder *f = xcalloc(1, sizeof *f);
    const char *temporary = getenv("TMPDIR");
    f->path = path_join(temporary == NULL ? "/tmp" : temporary, "maildird-config-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    buf_init(&f->problems, 1024 * 1024);
    assert_int_equal(setenv("HOME", "/home/alice", 1), 0);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"config.yaml", "more.yaml", "open.yaml"};
    struct folder *f = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        AUTO_FREE char *path = path_join(f->path, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(f->path);
    buf_free(&f->problems);
    free(f->path);
    free(f);
    return 0;
}

static void write_file(const struct folder *f, const char *name, const char *text, mode_t mode)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(f->path, name);
    assert_int_equal(file_replace(path, str_from(text), mode, &err), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void collect(void *self, const char *file, unsigned line, const char *text)
{
    struct folder *f = self;
    const char *slash = strrchr(file, '/');
    AUTO_FREE char *place = line == 0 ? xstrdup("") : xasprintf("%u: ", line);
    buf_addf(&f->problems, "%s:%s%s\n", slash == NULL ? file : slash + 1, line == 0 ? " " : place,
             text);
}

/* NULL when it was refused; the problems are in the folder. */
static struct config *load(struct folder *f, const char *name)
{
    struct config_problems problems = {.report = collect, .self = f};
    struct error err = ERROR_INIT;
    struct config *config = NULL;
    AUTO_FREE char *path = path_join(f->path, name);
    buf_clear(&f->problems);
    int result = config_load(path, &problems, &config, &err);
    if (result < 0) {
        assert_int_equal(result, -ERR_CONFIG);
        assert_true(f->problems.len > 0);
        assert_null(config);
        return NULL;
    }
    assert_int_equal(f->problems.len, 0);
    return config;
}

static struct config *load_text(struct folder *f, const char *text)
{
    write_file(f, "config.yaml", text, 0600);
    return load(f, "config.yaml");
}

static struct config *load_good(struct folder *f, const char *text)
{
    struct config *config = load_text(f, text);
    if (config == NULL) {
        fail_msg("refused:\n%s\n%s", text, f->problems.data);
    }
    return config;
}

static const struct {
    const char *text;
    const char *problems;
} bad_cases[] = {
    /* YAML itself */
    {"accounts: [", "config.yaml:2: not YAML: did not find expected node content, while parsing "
                    "a flow node\n"},
    {"accounts:\n\twork:\n", "config.yaml:2: not YAML: found character that cannot start any "
                             "token, while scanning for the next token (is there a tab? YAML is "
                             "indented with spaces)\n"},
    {"", "config.yaml: there is no account in it\n"},
    {"accounts: {}\n", "config.yaml: there is no account in it\n"},
    {"- a\n", "config.yaml:1: keys are needed here, such as 'accounts:'\n"},
    {ACCOUNT "---\n{}\n", "config.yaml:7: a second document (---) in the file\n"},
    {ACCOUNT "    timeout: 5s\n    timeout: 6s\n",
     "config.yaml:8: 'timeout' is here twice, first in line 7\n"},
    {ACCOUNT "    authzid: !x y\n",
     "config.yaml:7: tags (!…) are not used here; quote a text that begins with !\n"},
    {ACCOUNT "    authzid: &x y\n",
     "config.yaml:7: anchors (&…) are not used here; put what accounts share under 'defaults', and "
     "quote a text that begins with &\n"},
    {ACCOUNT "    authzid: *x\n",
     "config.yaml:7: aliases (*…) are not used here; quote a text that begins with *\n"},
    {"accounts:\n  a:\n    host: h\n    user: u\n    maildir: /m\n    password: *p\n",
     "config.yaml:6: aliases (*…) are not used here; quote a text that begins with *\n"},
    {ACCOUNT "    authzid: \"a\\0b\"\n", "config.yaml:7: a NUL character in a text\n"},
    {ACCOUNT "    ? [a]\n    : b\n",
     "config.yaml:7: a list or a map cannot be a key (is a text with { or [ not quoted?)\n"},

    /* keys */
    {ACCOUNT "    prot: 1\n",
     "config.yaml:7: accounts.work: unknown key 'prot'; did you mean 'port'?\n"},
    {ACCOUNT "    username: 1\n",
     "config.yaml:7: accounts.work: unknown key 'username'; did you mean 'user'?\n"},
    {ACCOUNT "    xyzzy: 1\n", "config.yaml:7: accounts.work: unknown key 'xyzzy'\n"},
    {ACCOUNT "    guard: off\n",
     "config.yaml:7: accounts.work: unknown key 'guard'; it belongs in an account's 'sync'\n"},
    {ACCOUNT "    sync: {gaurd: off}\n",
     "config.yaml:7: accounts.work.sync: unknown key 'gaurd'; did you mean 'guard'?\n"},
    {ACCOUNT "acounts: 1\n", "config.yaml:7: unknown key 'acounts'; did you mean 'accounts'?\n"},
    {ACCOUNT "hooks: {time: 1}\n",
     "config.yaml:7: hooks: unknown key 'time'; did you mean 'timeout'?\n"},
    {"accounts:\n  a b:\n" BASE "    maildir: m\n",
     "config.yaml:2: accounts: 'a b' is no name for an account: letters, digits, . _ - only\n"},
    {"accounts:\n  ..:\n" BASE "    maildir: m\n",
     "config.yaml:2: accounts: '..' is no name for an account: letters, digits, . _ - only\n"},
    {"accounts:\n  work: 1\n", "config.yaml:2: accounts.work: keys are needed below it\n"},
    {"accounts: 1\n", "config.yaml:1: accounts: keys are needed below it\n"},
    {ACCOUNT "defaults: 1\n", "config.yaml:7: defaults: keys are needed below it\n"},
    {ACCOUNT "    sync: 1\n", "config.yaml:7: accounts.work.sync: keys are needed below it\n"},

    /* values */
    {ACCOUNT "    tls:\n",
     "config.yaml:7: accounts.work.tls: a value is missing; leave the line out for the default\n"},
    {ACCOUNT "    tls: [off]\n",
     "config.yaml:7: accounts.work.tls: a single value is needed here, not a list\n"},
    {ACCOUNT "    tls: startls\n",
     "config.yaml:7: accounts.work.tls: 'startls' is none of implicit, starttls, off; did you mean "
     "'starttls'?\n"},
    {ACCOUNT "    tls: yes\n",
     "config.yaml:7: accounts.work.tls: 'yes' is none of implicit, starttls, off\n"},
    {ACCOUNT "    port: 0\n",
     "config.yaml:7: accounts.work.port: '0' is not a number from 1 to 65535\n"},
    {ACCOUNT "    port: 65536\n",
     "config.yaml:7: accounts.work.port: '65536' is not a number from 1 to 65535\n"},
    {ACCOUNT "    connections: 17\n",
     "config.yaml:7: accounts.work.connections: '17' is not a number from 1 to 16\n"},
    {ACCOUNT "    tls_system_ca: yes\n",
     "config.yaml:7: accounts.work.tls_system_ca: 'yes' is neither true nor false\n"},
    {"accounts:\n  a: {host: h:993, user: u, password_file: p, maildir: m}\n",
     "config.yaml:2: accounts.a.host: 'h:993' is not a host name or an address, without scheme, "
     "user, port or path\n"},
    {ACCOUNT "    tls_min_version: 1.1\n",
     "config.yaml:7: accounts.work.tls_min_version: '1.1' is none of 1.2, 1.3; did you mean "
     "'1.2'?\n"},
    {ACCOUNT "    timeout: 60\n",
     "config.yaml:7: accounts.work.timeout: '60' has no unit; write 60s, or with m, h, d or y\n"},
    {ACCOUNT "    timeout: soon\n",
     "config.yaml:7: accounts.work.timeout: 'soon' is not a time; write 90s, 5m, 2h, 7d or 2y\n"},
    {ACCOUNT "    timeout: 2h\n",
     "config.yaml:7: accounts.work.timeout: '2h' is out of bounds: from 1s to 1h\n"},
    {ACCOUNT "    tls_fingerprint: key-sha256:00\n",
     "config.yaml:7: accounts.work.tls_fingerprint: 'key-sha256:00' is not cert-sha256: or "
     "key-sha256: and 64 hexadecimal digits (colons may stand between them)\n"},
    {ACCOUNT "    separator: ab\n", "config.yaml:7: accounts.work.separator: 'ab' is not one "
                                    "character other than / and %\n"},
    {ACCOUNT "    info_separator: a\n",
     "config.yaml:7: accounts.work.info_separator: 'a' is not one of : ; ! ^ + @ # ~\n"},
    {ACCOUNT "    inbox: a/../b\n", "config.yaml:7: accounts.work.inbox: 'a/../b' is neither a "
                                    "folder's name nor a path\n"},
    {ACCOUNT "    authzid: \"a\\nb\"\n", "config.yaml:7: accounts.work.authzid: a line break or "
                                         "another control character in the text\n"},
    {ACCOUNT "    tls_ca_file: ~bob/ca\n",
     "config.yaml:7: accounts.work.tls_ca_file: '~bob/ca': only ~ and ~/… are understood, not "
     "another user's home; write the path in full\n"},
    {ACCOUNT "    disable: [QRESINC]\n",
     "config.yaml:7: accounts.work.disable: 'QRESINC' is no extension that is known here; did you "
     "mean 'QRESYNC'?\n"},
    {ACCOUNT "    disable: QRESYNC\n",
     "config.yaml:7: accounts.work.disable: a list is needed here: [QRESYNC]\n"},
    {ACCOUNT "    disable: [{a: b}]\n",
     "config.yaml:7: accounts.work.disable: the list takes texts only\n"},
    {ACCOUNT "    auth: []\n",
     "config.yaml:7: accounts.work.auth: the list is empty; write auto, or the words\n"},
    {ACCOUNT "    sync:\n      guard: 5\n",
     "config.yaml:8: accounts.work.sync.guard: a map of messages, percent and all is needed, or "
     "off\n"},
    {ACCOUNT "    sync:\n      guard:\n        percent: 101\n",
     "config.yaml:9: accounts.work.sync.guard.percent: '101' is not a number from 0 to 100\n"},
    {ACCOUNT "    sync: {since: 2015-02-29}\n",
     "config.yaml:7: accounts.work.sync.since: '2015-02-29' is neither an age (2y) nor a date "
     "(2015-04-01)\n"},
    {ACCOUNT "    sync: {max_size: 10X}\n",
     "config.yaml:7: accounts.work.sync.max_size: '10X' is not a size; write 10K, 50M or 2G\n"},
    {ACCOUNT "    mailboxes: {special: {trash: T, bin: B}}\n",
     "config.yaml:7: accounts.work.mailboxes.special: 'bin' is not a special use: all, archive, "
     "drafts, flagged, important, junk, sent or trash\n"},
    {ACCOUNT "    mailboxes: {special: {\"\\\\Trash\": T}}\n",
     "config.yaml:7: accounts.work.mailboxes.special: '\\Trash' is not a special use: all, "
     "archive, drafts, flagged, important, junk, sent or trash\n"},
    {ACCOUNT "    mailboxes: {patterns: [\"*\", \"!\\\\Junc\"]}\n",
     "config.yaml:7: accounts.work.mailboxes.patterns: '!\\Junc' is not a special use: with a "
     "backslash before it, all, archive, drafts, flagged, important, junk, sent or trash\n"},
    {ACCOUNT "    mailboxes: {rename: {\"\\\\Noselect\": N}}\n",
     "config.yaml:7: accounts.work.mailboxes.rename: '\\Noselect' is not a special use: with a "
     "backslash before it, all, archive, drafts, flagged, important, junk, sent or trash\n"},

    /* what does not fit together */
    {"accounts:\n  work: {}\n",
     "config.yaml:2: accounts.work: 'host' is missing: the name of the IMAP server (or "
     "'provider')\n"
     "config.yaml:2: accounts.work: 'user' is missing (or 'user_command')\n"
     "config.yaml:2: accounts.work: the password is missing: password_command, password_file, "
     "password, password_credential, or token_command\n"
     "config.yaml:2: accounts.work: 'maildir' is missing: the folder to keep the mail in\n"},
    {ACCOUNT "    password_command: x\n",
     "config.yaml:7: accounts.work.password_command: password_file is given in line 5 already; "
     "only one of them\n"},
    {ACCOUNT "    user_command: x\n",
     "config.yaml:7: accounts.work.user_command: user is given in line 4 already; only one of "
     "them\n"},
    {ACCOUNT "    tls: off\n",
     "config.yaml:2: accounts.work: tls: off would send the password to imap.example.org for all "
     "to read; use implicit or starttls, or say allow_plaintext: true\n"},
    {ACCOUNT "    tunnel: x\n",
     "config.yaml:2: accounts.work: 'host' and 'tunnel' are both given; only one of them\n"},
    {"accounts:\n  work:\n    tunnel: x\n    tls: implicit\n    maildir: m\n",
     "config.yaml:2: accounts.work: TLS through a tunnel needs 'host': the name in the server's "
     "certificate\n"},
    {ACCOUNT "    tls_system_ca: false\n",
     "config.yaml:2: accounts.work: nothing is trusted: tls_system_ca is false, and there is "
     "neither tls_ca_file nor tls_fingerprint\n"},
    {ACCOUNT "    tls_client_key: k\n",
     "config.yaml:2: accounts.work: 'tls_client_key' without 'tls_client_cert'\n"},
    {"accounts:\n  a:\n" BASE "    maildir: /m\n  b:\n" BASE "    maildir: /./m/\n",
     "config.yaml:7: accounts.b: the Maildir /m is that of 'a' too; each account needs its own\n"},
    {"accounts:\n  a:\n" BASE "    maildir: /m\n  b:\n" BASE "    maildir: /m/b\n",
     "config.yaml:7: accounts.b: the Maildir /m/b lies in that of 'a', /m, and would be taken for "
     "its mailboxes\n"},

    /* providers */
    {ACCOUNT "    provider: gmial\n",
     "config.yaml:7: accounts.work.provider: 'gmial' is not known; did you mean 'gmail'?\n"},
    {"accounts:\n  a:\n    provider: outlook\n    user: u\n    password: p\n    maildir: m\n",
     "config.yaml:2: accounts.a: 'token_command' is missing: 'auth' names what takes a token, not "
     "a "
     "password\n"},

    /* ways to log in */
    {ACCOUNT "    proxy: http://127.0.0.1\n",
     "config.yaml:7: accounts.work.proxy: the proxy must be written "
     "socks5://[USER:PASSWORD@]HOST[:PORT]\n"},
    {ACCOUNT "    auth: [xoauth2]\n",
     "config.yaml:2: accounts.work: 'token_command' is missing: 'auth' names what takes a token, "
     "not a password\n"},
    {"accounts:\n  a:\n    host: h\n    user: u\n    maildir: /m\n    auth: [xoauth2, plain]\n",
     "config.yaml:2: accounts.a: the password is missing: password_command, password_file, "
     "password or password_credential; or token_command\n"},
    {"accounts:\n  a:\n    host: h\n    maildir: /m\n    auth: [external, plain]\n",
     "config.yaml:2: accounts.a: 'user' is missing (or 'user_command')\n"},

    /* within a list */
    {ACCOUNT "    overrides: [{sync: {flag: both}}]\n",
     "config.yaml:7: accounts.work.overrides.sync: unknown key 'flag'; did you mean 'flags'?\n"
     "config.yaml:7: accounts.work.overrides: 'match' is missing: a pattern of mailbox names\n"},
    {ACCOUNT "    overrides: [{match: \"\\\\Junk\", sync: {flags: none}}]\n",
     "config.yaml:7: accounts.work.overrides.match: '\\Junk' is not a pattern of mailbox names: "
     "name the mailbox\n"},

    /* all of them, each once */
    {"log_level: loud\ndefaults:\n  prot: 1\n  tls: x\naccounts:\n  a:\n" BASE "    maildir: a\n"
     "  b:\n" BASE "    maildir: b\n    port: x\n",
     "config.yaml:1: log_level: 'loud' is none of error, warning, info, debug\n"
     "config.yaml:3: defaults: unknown key 'prot'; did you mean 'port'?\n"
     "config.yaml:4: defaults.tls: 'x' is none of implicit, starttls, off\n"
     "config.yaml:16: accounts.b.port: 'x' is not a number from 1 to 65535\n"},
};

static void wrong_files_are_told_with_line_and_suggestion(void **state)
{
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        struct config *config = load_text(*state, bad_cases[i].text);
        if (config != NULL) {
            fail_msg("accepted:\n%s", bad_cases[i].text);
        }
        struct folder *f = *state;
        if (strcmp(f->problems.data, bad_cases[i].problems) != 0) {
            fail_msg("%s\ntold:\n%sinstead of:\n%s", bad_cases[i].text, f->problems.data,
                     bad_cases[i].problems);
        }
    }
}

/* ---- what is right ---- */

static void defaults_are_those_of_the_manual(void **state)
{
    struct folder *f = *state;
    struct config *config = load_good(f, ACCOUNT);
    const struct config_account *a = &config->accounts[0];
    AUTO_FREE char *maildir = path_join(f->path, "m");
    AUTO_FREE char *password = path_join(f->path, "p");
    assert_int_equal(config->accounts_len, 1);
    assert_string_equal(config->state_dir, "/home/alice/.local/state/maildird");
    assert_int_equal(config->log_level, LOG_LEVEL_INFO);
    assert_int_equal(config->hooks.timeout_ms, 300000);
    assert_string_equal(a->name, "work");
    assert_int_equal(a->port, 993);
    assert_int_equal(a->tls, CONFIG_TLS_IMPLICIT);
    assert_true(a->tls_system_ca);
    assert_false(a->allow_plaintext);
    assert_string_equal(a->tls_min_version, "1.2");
    assert_int_equal(a->auth.len, 0);
    assert_string_equal(a->password.file, password);
    assert_int_equal(a->command_timeout_ms, 60000);
    assert_int_equal(a->timeout_ms, 60000);
    assert_int_equal(a->connections, 4);
    assert_int_equal(a->compress, SWITCH_AUTO);
    assert_null(a->namespace_prefix);
    assert_string_equal(a->maildir.root, maildir);
    assert_int_equal(a->maildir.layout, MAILDIR_NESTED);
    assert_string_equal(a->maildir.separator, ".");
    assert_int_equal(a->maildir.info_separator, ':');
    assert_string_equal(a->maildir.inbox, "INBOX");
    assert_int_equal(a->patterns.len, 1);
    assert_string_equal(a->patterns.items[0], "*");
    assert_null(a->patterns.items[1]);
    assert_int_equal(a->sync.messages_new, DIRECTION_BOTH);
    assert_int_equal(a->sync.remove, DIRECTION_NONE);
    assert_int_equal(a->sync.keep_deleted_s, 7 * 86400);
    assert_true(a->sync.guard.on);
    assert_int_equal(a->sync.guard.messages, 50);
    assert_int_equal(a->sync.guard.percent, 25);
    assert_int_equal(a->sync.guard.all, 10);
    assert_int_equal(a->watch_poll_ms, 300000);
    assert_true(a->watch_local);
    config_free(&config);
    assert_null(config);
}

static void ports_follow_tls_and_tunnels_need_none(void **state)
{
    struct config *config = load_good(
        *state, "accounts:\n"
                "  a: {host: h, user: u, password_file: p, maildir: a, tls: starttls}\n"
                "  b: {host: localhost, user: u, password_file: p, maildir: b, tls: off}\n"
                "  c: {tunnel: ssh x imap, maildir: c}\n"
                "  d: {host: h, user: u, password_file: p, maildir: d, port: 1993}\n");
    assert_int_equal(config->accounts[0].port, 143);
    assert_int_equal(config->accounts[1].port, 143);
    assert_int_equal(config->accounts[2].tls, CONFIG_TLS_OFF);
    assert_int_equal(config->accounts[3].port, 1993);
    config_free(&config);
}

static void defaults_lie_under_accounts(void **state)
{
    struct config *config = load_good(
        *state, "defaults:\n"
                "  host: shared.example.org\n"
                "  user: bob\n"
                "  password_command: [pass, mail]\n"
                "  timeout: 30s\n"
                "  sync: {flags: to_local, guard: off}\n"
                "accounts:\n"
                "  a: {maildir: a}\n"
                "  b: {maildir: b, user_command: whoami, password_file: /p, timeout: 5s,\n"
                "      sync: {direction: push, deletions: none, guard: {percent: 50}}}\n");
    const struct config_account *a = &config->accounts[0], *b = &config->accounts[1];
    assert_string_equal(a->host, "shared.example.org");
    assert_string_equal(a->password.argv.items[1], "mail");
    assert_int_equal(a->timeout_ms, 30000);
    assert_int_equal(a->sync.flags, DIRECTION_TO_LOCAL);
    assert_false(a->sync.guard.on);
    assert_null(b->user); /* one of user and user_command takes the place of the other */
    assert_string_equal(b->user_command.shell, "whoami");
    assert_int_equal(b->password.argv.len, 0);
    assert_string_equal(b->password.file, "/p");
    assert_int_equal(b->timeout_ms, 5000);
    assert_int_equal(b->sync.messages_new, DIRECTION_TO_REMOTE);
    assert_int_equal(b->sync.flags, DIRECTION_TO_REMOTE);
    assert_int_equal(b->sync.deletions, DIRECTION_NONE); /* whichever stands first */
    assert_true(b->sync.guard.on);
    assert_int_equal(b->sync.guard.percent, 50);
    assert_int_equal(b->sync.guard.messages, 50);
    config_free(&config);
}

static void paths_are_relative_to_the_file_and_home(void **state)
{
    struct folder *f = *state;
    struct config *config = load_good(
        f,
        "state_dir: ~/state//x/.\naccounts:\n  a:\n" BASE "    maildir: ./mail\n    inbox: ~/in\n"
        "  b:\n" BASE "    maildir: ../up\n    inbox: Post/Ein\n    tls_ca_file: /etc/ca\n");
    AUTO_FREE char *mail = path_join(f->path, "mail");
    AUTO_FREE char *up = path_join(f->path, "../up");
    assert_string_equal(config->state_dir, "/home/alice/state/x");
    assert_string_equal(config->accounts[0].maildir.root, mail);
    assert_string_equal(config->accounts[0].maildir.inbox, "/home/alice/in");
    assert_string_equal(config->accounts[1].maildir.root, up);
    assert_string_equal(config->accounts[1].maildir.inbox, "Post/Ein");
    assert_string_equal(config->accounts[1].tls_ca_file, "/etc/ca");
    config_free(&config);
}

static void included_files_add_accounts(void **state)
{
    struct folder *f = *state;
    write_file(f, "more.yaml", "accounts:\n  home:\n" BASE "    maildir: h\n", 0600);
    struct config *config = load_good(f, "include: [more.yaml]\n" ACCOUNT);
    assert_int_equal(config->accounts_len, 2);
    assert_string_equal(config->accounts[0].name, "work");
    assert_string_equal(config->accounts[1].name, "home");
    config_free(&config);

    write_file(f, "more.yaml", "log_level: debug\ninclude: [config.yaml]\n" ACCOUNT, 0600);
    assert_null(load_text(f, "include: [more.yaml, none.yaml]\nlog_level: info\n" ACCOUNT));
    AUTO_FREE char *place = xasprintf("%s/config.yaml:4", f->path);
    AUTO_FREE char *expected =
        xasprintf("more.yaml:1: 'log_level' is given in %s/config.yaml:2 already\n"
                  "config.yaml: this file is included twice\n"
                  "none.yaml: there is no such file\n"
                  "more.yaml:4: accounts: 'work' is given in %s already\n",
                  f->path, place);
    assert_string_equal(f->problems.data, expected);
}

static void law10_a_secret_in_a_file_that_others_may_read_is_refused(void **state)
{
    static const char text[] = "accounts:\n  a:\n    host: h\n    user: u\n    password: hunter2\n"
                               "    maildir: m\n";
    struct folder *f = *state;
    static const mode_t modes[] = {0644, 0640, 0604};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        write_file(f, "open.yaml", text, modes[i]);
        assert_null(load(f, "open.yaml"));
        AUTO_FREE char *expected =
            xasprintf("open.yaml:5: accounts.a.password: others may read this file and the secret "
                      "in it; run: chmod 600 %s/open.yaml\n",
                      f->path);
        assert_string_equal(f->problems.data, expected);
    }
    write_file(f, "open.yaml", text, 0600);
    struct config *config = load(f, "open.yaml");
    assert_non_null(config);
    assert_string_equal(config->accounts[0].password.text, "hunter2");
    struct buf shown = BUF_INIT(1024 * 1024);
    config_show(config, &shown);
    assert_null(strstr(shown.data, "hunter2"));
    assert_non_null(strstr(shown.data, "password: \"…\""));
    buf_free(&shown);
    config_free(&config);
}

static void a_file_that_is_not_there_is_told(void **state)
{
    struct folder *f = *state;
    assert_null(load(f, "nothing.yaml"));
    assert_string_equal(f->problems.data, "nothing.yaml: there is no such file\n");
}

static const char *const good_texts[] = {
    ACCOUNT,
    ACCOUNT "    tls_fingerprint: cert-sha256:"
            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
            "    tls_client_cert: c.pem\n    tls_client_key: k.pem\n    tls_min_version: 1.3\n"
            "    auth: [login, plain]\n    compress: off\n    disable: [QRESYNC, literal+]\n"
            "    namespace: \"INBOX.\"\n    layout: flat\n    separator: \"_\"\n"
            "    info_separator: \"!\"\n    inbox: \"a \\\"quoted\\\" \\\\ name\"\n"
            "    mailboxes: {patterns: [\"*\", \"!\\\\Junk\", \"Списки/%\"]}\n"
            "    sync: {new: to_local, flags: none, create: to_remote, guard: off,\n"
            "      keep_deleted: 90s}\n",
    "state_dir: /s\nlog_level: debug\nhooks: {timeout: 61s}\ndefaults: {connections: 1}\n"
    "accounts:\n  a.b_c-1:\n    tunnel: \"ssh h 'x y'; true\"\n    maildir: /m\n"
    "    user_command: [a, \"b c\"]\n    password_credential: imap\n    address_family: ipv6\n"
    "    sync: {direction: pull}\n",
    "accounts:\n  a:\n    host: h\n    user: u\n    password_command: |\n      first\n"
    "      second\n    maildir: ~/m\n    tls: off\n    allow_plaintext: true\n    watch:\n"
    "    sync:\n    mailboxes:\n  2:\n" BASE "    maildir: n\n",
};

static void what_is_shown_reads_the_same_again(void **state)
{
    for (size_t i = 0; i < sizeof good_texts / sizeof *good_texts; i++) {
        struct buf first = BUF_INIT(1024 * 1024), second = BUF_INIT(1024 * 1024);
        struct config *config = load_good(*state, good_texts[i]);
        config_show(config, &first);
        config_free(&config);
        config = load_good(*state, first.data);
        config_show(config, &second);
        config_free(&config);
        assert_string_equal(first.data, second.data);
        buf_free(&first);
        buf_free(&second);
    }
}

static void accounts_are_found_by_name_or_suggested(void **state)
{
    struct folder *f = *state;
    struct error err = ERROR_INIT;
    struct config *config = load_good(f, ACCOUNT "  home:\n" BASE "    maildir: h\n");
    assert_ptr_equal(config_find(config, STR("home"), &err), &config->accounts[1]);
    assert_null(config_find(config, STR("hoem"), &err));
    assert_int_equal(err.code, ERR_USAGE);
    AUTO_FREE char *expected =
        xasprintf("there is no account 'hoem' in %s/config.yaml; did you mean 'home'?", f->path);
    assert_string_equal(err.text, expected);
    assert_null(config_find(config, STR("x"), &err));
    assert_non_null(strstr(err.text, "there are: work, home"));
    AUTO_ARENA struct arena *arena = arena_new();
    assert_string_equal(config_state_dir(config, &config->accounts[0], arena),
                        "/home/alice/.local/state/maildird/work");
    config_free(&config);
}

static void the_last_override_that_matches_wins(void **state)
{
    struct config_override overrides[] = {{.match = "Lists/*"}, {.match = "*"}, {.match = "A/%"}};
    struct config_account account = {.overrides = {overrides, 2}};
    assert_ptr_equal(config_sync_for(&account, STR("Lists/C")), &overrides[1].sync);
    account.overrides.len = 1;
    assert_ptr_equal(config_sync_for(&account, STR("Lists/C")), &overrides[0].sync);
    assert_ptr_equal(config_sync_for(&account, STR("INBOX")), &account.sync);
    account.overrides.items = &overrides[2];
    assert_ptr_equal(config_sync_for(&account, STR("A/B/C")), &account.sync);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wrong_files_are_told_with_line_and_suggestion, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(defaults_are_those_of_the_manual, setup, teardown),
        cmocka_unit_test_setup_teardown(ports_follow_tls_and_tunnels_need_none, setup, teardown),
        cmocka_unit_test_setup_teardown(defaults_lie_under_accounts, setup, teardown),
        cmocka_unit_test_setup_teardown(paths_are_relative_to_the_file_and_home, setup, teardown),
        cmocka_unit_test_setup_teardown(included_files_add_accounts, setup, teardown),
        cmocka_unit_test_setup_teardown(law10_a_secret_in_a_file_that_others_may_read_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_shown_reads_the_same_again, setup, teardown),
        cmocka_unit_test_setup_teardown(accounts_are_found_by_name_or_suggested, setup, teardown),
        cmocka_unit_test(the_last_override_that_matches_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
