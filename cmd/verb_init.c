#include "base/alloc.h"
#include "base/files.h"
#include "base/process.h"
#include "config/secret.h"
#include "pass/report.h"
#include "cmd/command.h"
#include "cmd/init.h"
#include "cmd/init_ask.h"
#include "cmd/stop.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_MS 60000
#define YAML_BYTES_MAX (64 * 1024)

static const char help[] =
    "Asks for an address and a password, or a command that prints it, finds the server (by what "
    "is\n"
    "known of providers, by what the domain says in DNS, by the usual names), tries it, shows what "
    "is\n"
    "there, and writes a commented configuration that nobody else may read. Nothing is "
    "overwritten.\n"
    "\n"
    "With --yes, or without a terminal, nothing is asked: the address is needed, and one of\n"
    "--password-command, --password-file and --token-command.\n";

struct init {
    const struct invocation *invocation;
    const char *address, *name, *user, *host, *port_text, *tls_text, *ca_file, *maildir;
    const char *password_command, *password_file, *token_command, *dns;
    bool yes, enable;
    bool asks;
    bool failed; /* the server has refused once: what was given is asked, too */
    const struct wake *wake;
    struct arena *arena;
    const char *path;   /* of the configuration */
    const char *folder; /* that it is in */
    struct setup setup;
    struct server_guesses guesses;
    char *password;            /* as it was typed; NULL: none */
    const char *password_kept; /* the file that was made for it; NULL: none */
};

/* ---- asking ---- */

static int ask(struct init *i, const char *question, const char *fallback, const char **out,
               struct error *err)
{
    AUTO_FREE char *answer = NULL;
    if (!i->asks) {
        *out = fallback;
        return 0;
    }
    int r = ask_text(question, fallback, i->wake, &answer, err);
    if (r == 0) {
        *out = arena_strdup(i->arena, answer);
    }
    return r;
}

/* What was given on the command line is not asked. */
static int ask_unless(struct init *i, const char *given, const char *question, const char *fallback,
                      const char **out, struct error *err)
{
    if (given == NULL) {
        return ask(i, question, fallback, out, err);
    }
    *out = given;
    return 0;
}

static const char *domain_of(const char *address)
{
    const char *at = strrchr(address, '@');
    return at == NULL || at == address || strchr(at, '.') == NULL ? NULL : at + 1;
}

static int get_address(struct init *i, struct error *err)
{
    struct setup *s = &i->setup;
    int r = 0;
    s->address = i->address;
    while (r == 0 && (s->address == NULL || domain_of(s->address) == NULL)) {
        if (!i->asks) {
            return error_set(err, ERR_USAGE, SCOPE_ACCOUNT, "%s is no mail address: give --address",
                             s->address == NULL ? "nothing" : s->address);
        }
        if (s->address != NULL) {
            printf("'%s' is no mail address: NAME@DOMAIN is.\n", s->address);
        }
        r = ask(i, "Your mail address", NULL, &s->address, err);
    }
    return r;
}

/* "gmail" of alice@gmail.com; only what an account may be called. */
static const char *name_of(struct init *i)
{
    const char *domain = domain_of(i->setup.address);
    AUTO_BUF struct buf name = BUF_INIT(64);
    for (const char *c = domain; *c != '\0' && *c != '.'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-';
        buf_add_byte(&name, plain ? *c : '-');
    }
    return name.len == 0 ? "mail" : arena_str(i->arena, buf_str(&name)).ptr;
}

/* ---- the server ---- */

static int read_tls(struct init *i, struct error *err)
{
    static const char *const words[] = {[CONFIG_TLS_IMPLICIT] = "implicit",
                                        [CONFIG_TLS_STARTTLS] = "starttls",
                                        [CONFIG_TLS_OFF] = "off"};
    for (size_t w = 0; i->tls_text != NULL && w < sizeof words / sizeof *words; w++) {
        if (strcmp(i->tls_text, words[w]) == 0) {
            i->setup.tls = (enum config_tls)w;
            return 0;
        }
    }
    if (i->tls_text == NULL) {
        return 0;
    }
    return error_set(err, ERR_USAGE, SCOPE_ACCOUNT, "'%s' is none of implicit, starttls, off",
                     i->tls_text);
}

static int take_given(struct init *i, struct error *err)
{
    struct setup *s = &i->setup;
    uint32_t port = 0;
    if (i->port_text != NULL &&
        (!str_to_u32(str_from(i->port_text), &port) || port == 0 || port > UINT16_MAX)) {
        return error_set(err, ERR_USAGE, SCOPE_ACCOUNT, "'%s' is no port", i->port_text);
    }
    s->host = i->host;
    s->port = (uint16_t)port;
    s->ca_file = i->ca_file;
    return read_tls(i, err);
}

static void use_guess(struct init *i, const struct server_guess *guess)
{
    i->setup.host = guess->host;
    i->setup.tls = guess->tls;
    bool usual = guess->port == (guess->tls == CONFIG_TLS_IMPLICIT ? 993 : 143);
    i->setup.port = usual ? 0 : guess->port;
}

static int guess_server(struct init *i, struct error *err)
{
    const char *domain = domain_of(i->setup.address);
    printf("Looking for the server of %s …\n", domain);
    (void)fflush(stdout);
    int r = server_guess(domain, i->dns, i->wake, i->arena, &i->guesses, err);
    if (r < 0) {
        return r;
    }
    const struct server_guess *best = &i->guesses.items[0];
    if (best->foreign) {
        printf("DNS names %s, which belongs to another domain: is it your provider's?\n",
               best->host);
        if (!i->asks) {
            return error_set(err, ERR_USAGE, SCOPE_ACCOUNT,
                             "%s is not asked without a person's word: give --host %s", best->host,
                             best->host);
        }
    }
    use_guess(i, best);
    return 0;
}

/* An answer other than what was found is a host, and nothing else is guessed. */
static int confirm_server(struct init *i, struct error *err)
{
    const char *answer;
    int r = ask(i, "IMAP server", i->setup.host, &answer, err);
    if (r == 0 && strcmp(answer, i->setup.host) != 0) {
        i->guesses.len = 0;
        i->setup.host = answer;
        i->setup.port = 0;
        i->setup.tls = CONFIG_TLS_IMPLICIT;
    }
    return r;
}

static int get_server(struct init *i, struct error *err)
{
    struct setup *s = &i->setup;
    i->guesses.len = 0;
    int r = take_given(i, err);
    if (r < 0 || s->host != NULL) {
        return r;
    }
    s->provider = provider_of_domain(str_from(domain_of(s->address)));
    if (s->provider != NULL) {
        printf("This is %s%s%s.\n", s->provider->title, s->provider->advice == NULL ? "" : ": ",
               s->provider->advice == NULL ? "" : s->provider->advice);
        return 0;
    }
    r = guess_server(i, err);
    return r < 0 ? r : confirm_server(i, err);
}

/* ---- the secret ---- */

static int keep_in_file(struct init *i, struct error *err)
{
    AUTO_FD int fd = -1;
    const char *name = arena_printf(i->arena, "%s.password", i->setup.name);
    const char *path = arena_printf(i->arena, "%s/%s", i->folder, name);
    int r = file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, err);
    if (r < 0) {
        return r;
    }
    i->password_kept = path;
    if ((r = file_write(fd, i->password, strlen(i->password), path, err)) == 0 &&
        (r = file_write(fd, "\n", 1, path, err)) == 0) {
        r = file_sync(fd, path, err);
    }
    i->setup.password_file = name;
    return r;
}

static void forget_password(struct init *i)
{
    secret_free(&i->password);
    if (i->password_kept != NULL) {
        (void)unlink(i->password_kept);
    }
    i->password_kept = NULL;
    i->setup.password_file = i->setup.password_command = i->setup.token_command = NULL;
}

static int ask_for_secret(struct init *i, struct error *err)
{
    struct setup *s = &i->setup;
    bool token = s->provider != NULL && strstr(s->provider->keys, "xoauth2") != NULL;
    if (token) {
        return ask(i, "Command that prints an access token", NULL, &s->token_command, err);
    }
    int r = ask_secret("Password (not shown; empty to name a command that prints it)", i->wake,
                       &i->password, err);
    if (r < 0) {
        return r;
    }
    if (i->password[0] != '\0') {
        return keep_in_file(i, err);
    }
    secret_free(&i->password);
    return ask(i, "Command that prints the password", NULL, &s->password_command, err);
}

static int get_secret(struct init *i, struct error *err)
{
    struct setup *s = &i->setup;
    s->password_command = i->password_command;
    s->token_command = i->token_command;
    s->password_file = i->password_file;
    if (s->password_command != NULL || s->token_command != NULL || s->password_file != NULL) {
        return 0;
    }
    if (!i->asks) {
        return error_set(err, ERR_USAGE, SCOPE_ACCOUNT,
                         "give --password-command, --password-file or --token-command");
    }
    return ask_for_secret(i, err);
}

/* ---- trying ---- */

static bool leaves_hope(const struct error *err)
{
    return err->code == ERR_NETWORK || err->code == ERR_TIMEOUT || err->code == ERR_TLS ||
           err->code == ERR_CAPABILITY;
}

static int try_all(struct init *i, struct error *err)
{
    int r = setup_try(&i->setup, i->path, i->wake, true, err);
    for (size_t g = 1; r < 0 && g < i->guesses.len && leaves_hope(err); g++) {
        printf("%s\n", err->text);
        error_clear(err);
        use_guess(i, &i->guesses.items[g]);
        r = setup_try(&i->setup, i->path, i->wake, true, err);
    }
    return r;
}

static int get_connection(struct init *i, struct error *err)
{
    struct setup *s = &i->setup;
    int r = get_server(i, err);
    if (r == 0 && i->failed) {
        r = ask(i, "User name", s->user, &s->user, err);
    } else if (r == 0) {
        r = ask_unless(i, i->user, "User name", s->address, &s->user, err);
    }
    if (r == 0) {
        r = get_secret(i, err);
    }
    return r < 0 ? r : try_all(i, err);
}

/* Until it works or the person gives up. */
static int get_working(struct init *i, struct error *err)
{
    for (;;) {
        bool again = false;
        struct error ignored = ERROR_INIT;
        int r = get_connection(i, err);
        if (r == 0) {
            return 0;
        }
        forget_password(i);
        bool final = err->code == ERR_CANCELLED || err->code == ERR_USAGE ||
                     err->code == ERR_EXISTS || err->code == ERR_WRITE;
        if (!i->asks || final) {
            return r;
        }
        i->failed = true;
        fprintf(stderr, "maildird: %s\n", err->text);
        if (ask_yes("Once more, with other answers?", true, i->wake, &again, &ignored) < 0 ||
            !again) {
            return r;
        }
        error_clear(err);
    }
}

/* ---- where the password stays ---- */

static bool is_installed(const char *program)
{
    AUTO_BUF struct buf path = BUF_INIT(4096);
    struct str rest = str_from(getenv("PATH") == NULL ? "/usr/bin:/bin" : getenv("PATH")), one;
    while (str_split(&rest, ':', &one)) {
        buf_clear(&path);
        buf_addf(&path, "%.*s/%s", STR_ARG(one), program);
        if (path.data != NULL && access(path.data, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

static bool run_program(struct init *i, const char *const *argv, const char *input)
{
    int status = 0;
    struct error err = ERROR_INIT;
    const struct process_options options = {.argv = argv,
                                            .input = str_from(input),
                                            .timeout_ms = COMMAND_MS,
                                            .clock = &clock_system,
                                            .wake = i->wake};
    if (process_run(&options, &status, &err) < 0) {
        fprintf(stderr, "maildird: %s: %s\n", argv[0], err.text);
        return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A store for passwords, with what puts one in and what gets it out again. */
static bool put_away(struct init *i, const char *store)
{
    const char *name = i->setup.name;
    const char *label = arena_printf(i->arena, "maildird %s", name);
    const char *entry = arena_printf(i->arena, "maildird/%s", name);
    bool pass = strcmp(store, "pass") == 0;
    const char *const put_secret[] = {"secret-tool", "store",   "--label", label, "service",
                                      "maildird",    "account", name,      NULL};
    const char *const get_it[] = {"secret-tool", "lookup", "service", "maildird",
                                  "account",     name,     NULL};
    const char *const put_pass[] = {"pass", "insert", "-m", entry, NULL};
    const char *const get_pass[] = {"pass", "show", entry, NULL};
    struct setup trial = i->setup;
    struct error err = ERROR_INIT;
    trial.password_file = NULL;
    trial.password_command = shell_words(i->arena, pass ? get_pass : get_it);
    if (!run_program(i, pass ? put_pass : put_secret, i->password) ||
        setup_try(&trial, i->path, i->wake, false, &err) < 0) {
        printf("%s did not work; the password stays in %s.\n", store, i->password_kept);
        return false;
    }
    i->setup = trial;
    return true;
}

static int choose_store(struct init *i, struct error *err)
{
    const char *answer = "file";
    bool secret_tool = is_installed("secret-tool"), pass = is_installed("pass");
    if (i->password_kept == NULL || (!secret_tool && !pass)) {
        return 0;
    }
    const char *question = arena_printf(i->arena, "Keep the password in: file%s%s",
                                        secret_tool ? ", secret-tool" : "", pass ? ", pass" : "");
    int r = ask(i, question, secret_tool ? "secret-tool" : "pass", &answer, err);
    bool stored = r == 0 &&
                  ((secret_tool && strcmp(answer, "secret-tool") == 0) ||
                   (pass && strcmp(answer, "pass") == 0)) &&
                  put_away(i, answer);
    if (stored) {
        (void)unlink(i->password_kept);
        i->password_kept = NULL;
    }
    return r;
}

/* ---- the end ---- */

static int write_file(struct init *i, struct error *err)
{
    AUTO_BUF struct buf yaml = BUF_INIT(YAML_BYTES_MAX);
    AUTO_FD int fd = -1;
    setup_yaml(&i->setup, &yaml);
    int r = file_open(AT_FDCWD, i->path, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, err);
    if (r == 0 && (r = file_write(fd, yaml.data, yaml.len, i->path, err)) == 0 &&
        (r = file_sync(fd, i->path, err)) == 0) {
        r = file_sync_dir(AT_FDCWD, i->folder, err);
    }
    if (r == 0) {
        printf("Written: %s%s%s\n", i->path, i->password_kept == NULL ? "" : "; the password: ",
               i->password_kept == NULL ? "" : i->password_kept);
    }
    return r;
}

static int offer_unit(struct init *i, struct error *err)
{
    static const char *const enable[] = {"systemctl", "--user",   "enable",
                                         "--now",     "maildird", NULL};
    bool wanted = i->enable;
    int r = 0;
    if (!wanted && i->asks && is_installed("systemctl")) {
        r = ask_yes(
            "Start maildird now and at each login (systemctl --user enable --now maildird)?", false,
            i->wake, &wanted, err);
    }
    if (r == 0 && wanted && !run_program(i, enable, "")) {
        printf("That did not work: is the unit maildird.service installed?\n");
    }
    return r;
}

static int run_init(struct init *i, struct error *err)
{
    struct setup *s = &i->setup;
    if (access(i->path, F_OK) == 0) {
        return error_set(err, ERR_EXISTS, SCOPE_ACCOUNT,
                         "%s is there already, and is not overwritten: add the account by hand, or "
                         "name another file with -c",
                         i->path);
    }
    int r = file_mkdir_all(i->folder, 0700, err);
    if (r == 0 && (r = get_address(i, err)) == 0) {
        r = ask_unless(i, i->name, "Name of the account", name_of(i), &s->name, err);
    }
    if (r == 0 && (r = get_working(i, err)) == 0) {
        const char *usual = arena_printf(i->arena, "~/Mail/%s", s->name);
        r = ask_unless(i, i->maildir, "Maildir", usual, &s->maildir, err);
    }
    if (r == 0 && (r = choose_store(i, err)) == 0) {
        r = write_file(i, err);
    }
    if (r < 0) {
        forget_password(i);
        return r;
    }
    secret_free(&i->password);
    r = offer_unit(i, err);
    printf("Next: maildird sync --dry-run, then maildird sync.\n");
    return r;
}

static int prepare(struct init *i, struct error *err)
{
    AUTO_FREE char *usual = config_default_path();
    const char *path = i->invocation->config_path;
    i->path = arena_strdup(i->arena, path != NULL ? path : usual);
    const char *slash = strrchr(i->path, '/');
    i->folder = slash == NULL ? "."
                : slash == i->path
                    ? "/"
                    : arena_printf(i->arena, "%.*s", (int)(slash - i->path), i->path);
    i->asks = !i->yes && isatty(STDIN_FILENO);
    i->setup = (struct setup){.arena = i->arena, .maildir = "~/Mail"};
    log_set_level(LOG_LEVEL_WARNING);
    return stop_on_signals(&i->wake, err);
}

static int run(struct invocation *invocation)
{
    struct init i = {.invocation = invocation};
    const struct option options[] = {
        {0, "address", "ADDRESS", "the mail address", NULL, &i.address, NULL},
        {0, "account", "NAME", "what to call the account", NULL, &i.name, NULL},
        {0, "user", "NAME", "the user name; else the address", NULL, &i.user, NULL},
        {0, "host", "HOST", "the server; nothing is guessed", NULL, &i.host, NULL},
        {0, "port", "PORT", "its port", NULL, &i.port_text, NULL},
        {0, "tls", "HOW", "implicit, starttls or off", NULL, &i.tls_text, NULL},
        {0, "tls-ca-file", "FILE", "trust these certificates too", NULL, &i.ca_file, NULL},
        {0, "password-command", "COMMAND", "prints the password; for sh", NULL, &i.password_command,
         NULL},
        {0, "password-file", "FILE", "holds the password", NULL, &i.password_file, NULL},
        {0, "token-command", "COMMAND", "prints an OAuth token; for sh", NULL, &i.token_command,
         NULL},
        {0, "maildir", "FOLDER", "where to keep the mail", NULL, &i.maildir, NULL},
        {0, "dns", "ADDRESS", "ask this name server (ADDRESS:PORT)", NULL, &i.dns, NULL},
        {0, "enable", NULL, "start the daemon, now and at each login", &i.enable, NULL, NULL},
        {'y', "yes", NULL, "ask nothing", &i.yes, NULL, NULL},
    };
    struct arguments arguments;
    struct error err = ERROR_INIT;
    int exit_code;
    if (!options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                      &exit_code)) {
        return exit_code;
    }
    size_t len = arguments.len;
    free(arguments.items);
    if (len > 0) {
        return usage_error(invocation->verb, "it takes options only");
    }
    i.arena = arena_new();
    int r = prepare(&i, &err);
    if (r == 0) {
        r = run_init(&i, &err);
    }
    arena_free(&i.arena);
    return r < 0 ? command_failed(&err) : 0;
}

const struct verb verb_init = {
    .name = "init",
    .arguments = "",
    .summary = "ask for address and password, find the server, write the configuration",
    .run = run,
};
