#include "config/suggest.h"
#include "cmd/command.h"
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

const struct verb *const verbs[] = {
    &verb_sync,   &verb_daemon, &verb_status, &verb_trigger, &verb_pause,  &verb_resume,
    &verb_reload, &verb_watch,  &verb_call,   &verb_check,   &verb_init,   &verb_mailboxes,
    &verb_held,   &verb_log,    &verb_adopt,  &verb_undo,    &verb_verify, &verb_explain,
    &verb_demo,   &verb_imap,   &verb_wire,   &verb_imapd,   &verb_help,   NULL,
};

/* As the verbs' options_read takes them; here only those before the verb. */
static const char common_help[] =
    "options, before or after the verb:\n"
    "  -c, --config FILE        the configuration; else $XDG_CONFIG_HOME/maildird/config.yaml\n"
    "  -h, --help               of the program, or of the verb it follows\n"
    "      --version\n"
    "\n"
    "TARGET is ACCOUNT or ACCOUNT:MAILBOX, with / between the parts of a mailbox's name; * and %\n"
    "stand for anything, % for anything up to the next /.\n"
    "\n"
    "exit codes (with several accounts the worst, in the order 70 78 77 76 69 73 74 75 1):\n"
    "   0  in step\n"
    "   1  in step but for what is held (see `maildird held`); or verify found a difference\n"
    "  64  wrong usage\n"
    "  69  the server cannot be reached, refuses, or fails the TLS checks; or no daemon runs\n"
    "  70  a defect of maildird\n"
    "  73  cannot write, for example a full disk\n"
    "  74  cannot read local files, or refused for their sake\n"
    "  75  interrupted, or a mailbox failed\n"
    "  76  the server broke the protocol\n"
    "  77  the server refused the user or the password, or the password cannot be had\n"
    "  78  the configuration is wrong or cannot be read\n";

void main_help(void)
{
    printf("usage: maildird [-c FILE] VERB [OPTION…] [ARGUMENT…]\n"
           "\n"
           "Keeps a Maildir and IMAP mailboxes in step.\n"
           "\n"
           "verbs (`maildird VERB --help` tells more):\n");
    for (const struct verb *const *v = verbs; *v != NULL; v++) {
        printf("  %-10s %s\n", (*v)->name, (*v)->summary);
    }
    printf("\n%s", common_help);
}

const struct verb *verb_find(const char *name)
{
    struct suggest near;
    suggest_begin(&near, name);
    for (const struct verb *const *v = verbs; *v != NULL; v++) {
        if (strcmp((*v)->name, name) == 0) {
            return *v;
        }
        suggest_offer(&near, (*v)->name);
    }
    if (near.best != NULL) {
        (void)usage_error(NULL, "there is no verb '%s'; did you mean '%s'?", name, near.best);
    } else {
        (void)usage_error(NULL, "there is no verb '%s'", name);
    }
    return NULL;
}

/* Passwords pass through this memory; a core dump would keep them. */
static void forbid_core_dumps(void)
{
#ifndef __SANITIZE_ADDRESS__ /* whose leak check attaches to the process, which this forbids */
    (void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* -c FILE before the verb. The index of the verb, or of what else is there. */
static int read_leading(int argc, char **argv, const char **config_path)
{
    int at = 1;
    while (at < argc) {
        if ((strcmp(argv[at], "-c") == 0 || strcmp(argv[at], "--config") == 0) && at + 1 < argc) {
            *config_path = argv[at + 1];
            at += 2;
        } else if (strncmp(argv[at], "--config=", 9) == 0) {
            *config_path = argv[at] + 9;
            at++;
        } else {
            break;
        }
    }
    return at;
}

static int run_verb(struct invocation *invocation, const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        main_help();
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        printf("maildird %s\n", MAILDIRD_VERSION);
        return 0;
    }
    if (name[0] == '-') {
        return usage_error(NULL, "unknown option %s before the verb", name);
    }
    invocation->verb = verb_find(name);
    return invocation->verb == NULL ? EXIT_USAGE : invocation->verb->run(invocation);
}

int main(int argc, char **argv)
{
    struct invocation invocation = {0};
    forbid_core_dumps();
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    int at = read_leading(argc, argv, &invocation.config_path);
    if (at >= argc) {
        main_help();
        return EXIT_USAGE;
    }
    invocation.argc = argc - at - 1;
    invocation.argv = argv + at + 1;
    return command_flush(run_verb(&invocation, argv[at]));
}
