/* `maildird imapd`: the embedded server as a program, over mail in memory or Maildirs. */
#include "base/alloc.h"
#include "base/vec.h"
#include "net/dial.h"
#include "net/wait.h"
#include "server/listener.h"
#include "server/mem_backend.h"
#include "store/serve_backend.h"
#include "cmd/command.h"
#include "cmd/stop.h"
#include <stdio.h>

#define DEFAULT_HOST "127.0.0.1"

static const char help[] =
    "Serves IMAP4rev1 and IMAP4rev2, for tests and for trying out mail programs. The mail is in\n"
    "memory: each user begins with an empty INBOX, and everything is gone when it ends. When it "
    "is\n"
    "ready it prints `listening ADDRESS:PORT`. SIGTERM and SIGINT end it, with exit code 0.\n"
    "\n"
    "With a certificate the connections are TLS from the start, or with --starttls once the "
    "client\n"
    "asks for it. Passwords in clear text are taken on loopback alone. Others on this computer "
    "can\n"
    "see the passwords on the command line: use none that is good elsewhere.\n";

struct imapd {
    const char *host, *port_text, *cert, *key, *disable, *maildir;
    struct arguments users; /* NAME:PASSWORD */
    bool starttls;
    uint16_t port;
    struct capabilities capabilities;
    struct mem_backend *memory;    /* one of these two */
    struct serve_backend *folders; /* with --maildir */
    struct tls_context *tls;
    struct listener *listener;
};

/* ---- the command line: 0 or an exit code ---- */

static int check_options(const struct verb *verb, struct imapd *d)
{
    uint32_t port = 0;
    if (d->port_text != NULL && (!str_to_u32(str_from(d->port_text), &port) || port > UINT16_MAX)) {
        return usage_error(verb, "'%s' is no port", d->port_text);
    }
    d->port = (uint16_t)port;
    if (d->users.len == 0) {
        return usage_error(verb, "nobody could log in: give --user NAME:PASSWORD");
    }
    if ((d->cert == NULL) != (d->key == NULL)) {
        return usage_error(verb, "--tls-cert and --tls-key go together");
    }
    if (d->starttls && d->cert == NULL) {
        return usage_error(verb, "--starttls needs --tls-cert and --tls-key");
    }
    return 0;
}

static int read_disable(const struct verb *verb, struct imapd *d)
{
    struct str rest = str_from(d->disable == NULL ? "" : d->disable), name;
    session_default_capabilities(&d->capabilities);
    while (str_split(&rest, ',', &name)) {
        enum capability cap;
        if (!capability_parse(str_trim(name), &cap)) {
            return usage_error(verb, "there is no capability '%.*s'", STR_ARG(name));
        }
        capabilities_set(&d->capabilities, cap, false);
    }
    return 0;
}

static int check_users(const struct verb *verb, const struct imapd *d)
{
    for (size_t i = 0; i < d->users.len; i++) {
        const char *colon = strchr(d->users.items[i], ':');
        if (colon == NULL || colon == d->users.items[i]) {
            return usage_error(verb, "--user takes NAME:PASSWORD");
        }
    }
    return 0;
}

/* ---- the server ---- */

static int add_user(struct imapd *d, const char *word, struct error *err)
{
    const char *colon = strchr(word, ':');
    AUTO_FREE char *name = xstrndup(word, (size_t)(colon - word));
    if (d->folders != NULL) {
        return serve_backend_add_user(d->folders, name, colon + 1, err);
    }
    mem_backend_add_user(d->memory, name, colon + 1);
    return 0;
}

static int make_backend(struct imapd *d, struct error *err)
{
    int r = 0;
    if (d->maildir != NULL) {
        r = serve_backend_new(d->maildir, &clock_system, &d->folders, err);
    } else {
        d->memory = mem_backend_new(&clock_system);
    }
    for (size_t i = 0; r == 0 && i < d->users.len; i++) {
        r = add_user(d, d->users.items[i], err);
    }
    return r;
}

static int start(struct imapd *d, struct error *err)
{
    int r = make_backend(d, err);
    if (r == 0 && d->cert != NULL) {
        r = tls_server_context(d->cert, d->key, &d->tls, err);
    }
    if (r < 0) {
        return r;
    }
    struct backend vtable =
        d->folders != NULL ? serve_backend_vtable(d->folders) : mem_backend_vtable(d->memory);
    const struct listener_options options = {
        .host = d->host,
        .port = d->port,
        .tls = d->tls,
        .implicit_tls = d->tls != NULL && !d->starttls,
        .session = {.capabilities = d->capabilities,
                    .allow_plaintext = host_is_loopback(d->host),
                    .recent = true},
    };
    return listener_start(&vtable, &options, &d->listener, err);
}

static int serve(struct imapd *d)
{
    struct error err = ERROR_INIT;
    const struct wake *wake;
    if (stop_on_signals(&wake, &err) < 0 || start(d, &err) < 0) {
        return command_failed(&err);
    }
    bool is_ipv6 = strchr(d->host, ':') != NULL;
    printf("listening %s%s%s:%u\n", is_ipv6 ? "[" : "", d->host, is_ipv6 ? "]" : "",
           listener_port(d->listener));
    int exit_code = command_flush(0);
    struct pollfd none = {.fd = -1};
    if (exit_code == 0 && wait_ready(&none, 1, DEADLINE_NEVER, wake, &clock_system, &err) < 0 &&
        err.code != ERR_CANCELLED) {
        exit_code = command_failed(&err);
    }
    return exit_code;
}

static int run(struct invocation *invocation)
{
    struct imapd d = {.host = DEFAULT_HOST};
    struct arguments arguments;
    int exit_code;
    const struct option options[] = {
        {'p', "port", "PORT", "where to listen; 0, the default, picks one", NULL, &d.port_text,
         NULL},
        {'l', "listen", "ADDRESS", "instead of " DEFAULT_HOST, NULL, &d.host, NULL},
        {'u', "user", "NAME:PASSWORD", "who may log in; several times for several", NULL, NULL,
         &d.users},
        {0, "tls-cert", "FILE", "the certificate, PEM", NULL, &d.cert, NULL},
        {0, "tls-key", "FILE", "and its key", NULL, &d.key, NULL},
        {0, "starttls", NULL, "TLS when asked for, not from the start", &d.starttls, NULL, NULL},
        {0, "maildir", "DIR", "serve the Maildirs DIR/NAME, one for each user", NULL, &d.maildir,
         NULL},
        {0, "disable", "A,B", "capabilities that are not offered", NULL, &d.disable, NULL},
    };
    d.users.items = xcalloc((size_t)invocation->argc + 1, sizeof *d.users.items);
    if (options_read(invocation, options, sizeof options / sizeof *options, help, &arguments,
                     &exit_code)) {
        size_t len = arguments.len;
        free(arguments.items);
        exit_code = len > 0 ? usage_error(invocation->verb, "imapd takes no arguments") : 0;
        exit_code = exit_code != 0 ? exit_code : check_options(invocation->verb, &d);
        exit_code = exit_code != 0 ? exit_code : read_disable(invocation->verb, &d);
        exit_code = exit_code != 0 ? exit_code : check_users(invocation->verb, &d);
        exit_code = exit_code != 0 ? exit_code : serve(&d);
    }
    listener_stop(&d.listener);
    tls_context_free(&d.tls);
    mem_backend_free(&d.memory);
    serve_backend_free(&d.folders);
    free(d.users.items);
    return exit_code;
}

const struct verb verb_imapd = {
    .name = "imapd",
    .arguments = "",
    .summary = "a mail server, for tests and for trying out mail programs",
    .run = run,
};
