#pragma once
/*
 * The operations of `maildird imap`: rows {name, arguments, summary, function}, in a table for each
 * family. An operation takes its words as a person writes them, calls the client, and leaves its
 * typed result as JSON, which is printed as it is or as text.
 */
#include "client/client.h"
#include <jansson.h>

/* A connection that may outlive an operation. */
struct imap_session {
    struct client *client;
    const struct clock *clock;
    bool json;
    enum client_numbers numbers; /* what numbers of messages are */
    bool writable;               /* the selected mailbox was SELECTed, not EXAMINEd */
};

struct imap_op;
struct imap_call {
    struct imap_session *session;
    struct client *client; /* the session's */
    const struct imap_op *op;
    struct arena *arena;
    const char *const *words; /* what follows the operation's name */
    size_t len;
    json_t *result; /* NULL: none */
    bool printed;   /* the result was shown as text already */
};

struct imap_op {
    const char *name;
    const char *arguments;
    const char *summary;
    size_t least, most; /* how many words */
    int (*run)(struct imap_call *call, struct error *err);
};
#define IMAP_WORDS_ANY SIZE_MAX

/* Each ends with a row without a name. */
extern const struct imap_op imap_session_ops[], imap_mailbox_ops[], imap_rights_ops[],
    imap_message_ops[], imap_fetch_ops[], imap_search_ops[];
extern const struct imap_op *const imap_families[]; /* ends in NULL */
/* NULL: there is none. */
const struct imap_op *imap_op_find(const char *name);
/* "fetch MAILBOX SET ITEM…    what is asked of messages", a line for each. */
void imap_ops_print(void);
/* Runs it and prints what came; the exit code. */
int imap_op_run(struct imap_session *session, const struct imap_op *op, const char *const *words,
                size_t len);
/* Prints what an operation ended with that could not begin; the exit code. `op` may be NULL. */
int imap_op_refused(bool json, const char *op, int exit_code, const struct error *err);

/* ---- for the operations (imap_words.c) ---- */

/* The words from `from` on, with spaces between. */
struct str imap_rest(const struct imap_call *call, size_t from);
/* A mailbox's name as it goes over the wire, and back. In the call's arena. */
struct str imap_mailbox(const struct imap_call *call, const char *word);
struct str imap_name(const struct imap_call *call, struct str name);
/* Over the text, results in the call's arena; the caller frees it. */
struct reader *imap_reader(const struct imap_call *call, struct str text);
/* 0 when `r` read `what` to its end, else ERR_USAGE with what was wrong. Frees the reader. */
int imap_reader_end(struct reader **r, bool well, const char *what, struct error *err);
/* "1:3,7,*" or "$"; the caller frees it. */
int imap_set(const struct imap_call *call, const char *word, struct seqset *out, struct error *err);
int imap_number(const char *word, uint64_t *out, struct error *err);
/* `seen`, `\Seen` or a keyword. */
void imap_add_flag(const struct imap_call *call, struct imap_flags *flags, struct str word);
/* Case-insensitive. */
bool imap_word_is(const char *word, const char *wanted);

/* Has the mailbox selected: EXAMINEd, or SELECTed for what changes it. */
int imap_open(struct imap_call *call, const char *word, bool writes, struct error *err);
/* What the event tells; the caller's. Frees what the event owns. */
json_t *imap_event_json(const struct imap_call *call, struct client_event *event);
