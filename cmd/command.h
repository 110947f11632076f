#pragma once
/*
 * What the verbs share: their row in the table, their options, the configuration.
 *
 * A verb prints for people on standard output, and on standard error what went wrong; it returns
 * its exit code.
 */
#include "config/targets.h"

struct invocation {
    const struct verb *verb;
    const char *config_path; /* -c; NULL: the usual place */
    int argc;                /* what follows the verb */
    char **argv;
};

struct verb {
    const char *name;
    const char *arguments; /* for the usage line, e.g. "[TARGET…]" */
    const char *summary;   /* one line */
    int (*run)(struct invocation *invocation);
    /* Behind this many words, one that begins with a single - is a word too; 0: never. */
    size_t plain_after;
};

extern const struct verb verb_init, verb_sync, verb_daemon, verb_check, verb_mailboxes, verb_held,
    verb_demo, verb_imap, verb_wire, verb_imapd, verb_help, verb_status, verb_trigger, verb_pause,
    verb_resume, verb_reload, verb_watch, verb_call, verb_log, verb_adopt, verb_undo, verb_verify,
    verb_explain;
extern const struct verb *const verbs[]; /* ends in NULL */

/* Words of the command line, in order. */
struct arguments {
    const char **items;
    size_t len;
};

struct option {
    char letter; /* 0: none */
    const char *name;
    const char *value; /* what it takes, e.g. "FILE"; NULL: nothing */
    const char *help;
    bool *flag;             /* becomes true; of an option that takes nothing */
    const char **text;      /* becomes the value */
    struct arguments *list; /* instead of `text`: gets each value; room for argc of them */
};

enum { EXIT_USAGE = 64, EXIT_DEFECT = 70, EXIT_INTERRUPTED = 75 };

/* Reads the verb's options and the common ones (-c, --help, --version), wherever they stand before
 * `--`. True to go on; false when help was shown or the line is wrong, and *exit_out is the exit
 * code. `items` of `out` are the caller's to free. `help` is shown below the options. */
bool options_read(struct invocation *invocation, const struct option *options, size_t len,
                  const char *help, struct arguments *out, int *exit_out);
/* "maildird: WORDS", and where to read on; EXIT_USAGE. */
int usage_error(const struct verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The verbs, common options and exit codes. */
void main_help(void);
/* The verb of this name; NULL, and a suggestion told, if there is none. */
const struct verb *verb_find(const char *name);

/* Reads the configuration and sets the log level; what is wrong is told. NULL: *exit_out is the
 * exit code. */
struct config *command_config(const struct invocation *invocation, int *exit_out);
/* The configuration, and the accounts and mailboxes in it that a verb's words mean. */
struct selection {
    struct config *config;
    struct targets targets;
    struct arena *arena; /* of the targets */
};

/* Reads both; what is wrong is told. False: *exit_out is the exit code, nothing is to be closed. */
bool selection_open(const struct invocation *invocation, const struct arguments *words,
                    struct selection *out, int *exit_out);
void selection_close(struct selection *selection);
/* Tells an error, as "maildird: …", and gives its exit code. */
int command_failed(const struct error *err);
/* Tells an error of one of several accounts, with its name; the worse of its exit code and this. */
int command_account_failed(const struct config_account *account, struct error *err, int exit_code);
/* Writes what is buffered for standard output; 73 when it cannot be written, else `exit_code`. */
int command_flush(int exit_code);
