#pragma once
/*
 * The inside of a connection; for the files of this folder alone.
 *
 * A command is opened (checked, its line begun in c->writer), sent (put into the queue of commands
 * in flight and written) and finished (its tagged answer awaited). Whoever waits reads one response
 * after the other and hands each to the command it belongs to, so it does not matter whose answer
 * comes first.
 */
#include "client/client.h"
#include <pthread.h>

/* Bytes of commands that may be unanswered while an answer of any length may be under way: what
 * the sockets of both ends hold between them at least. */
#define WINDOW_BYTES (32 * 1024)

/* Text of a set in one line of a command that has little else. */
#define SET_TEXT_BYTES 7000

/* What a command does with responses that are not its tagged end; a constant for each family. */
struct client_op_hooks {
    /* An untagged data response ("* LIST …"), the reader behind its name. True if it is this
     * command's; then its line has been read, or the reader has failed. May be NULL. */
    bool (*data)(struct client_op *op, struct client *c, const struct response_head *head);
    /* A status response with its code: the command's own tagged one, or an untagged one while it is
     * in flight. Strings are gone afterwards. True if an untagged one was meant for it. May be
     * NULL. */
    bool (*status)(struct client_op *op, struct client *c, struct imap_response_status *status,
                   bool tagged);
};
extern const struct client_op_hooks no_hooks;

/* Waiting for "+": at most one command does at a time. */
struct client_continuation {
    bool awaited;
    bool come;
    struct buf text;
};

/* What a raw command keeps of the input. */
struct client_capture {
    struct client_raw *raw; /* NULL: none is under way */
    struct buf bytes;       /* all that came from the stream since `begin` */
    uint64_t begin;         /* reader_offset of its first byte */
};

struct client {
    struct client_options options;
    pthread_mutex_t *lock; /* recursive */
    char *host;
    struct stream *stream;
    struct tap *tap;
    struct reader *reader;
    struct writer writer;         /* the command being written */
    size_t arguments_at;          /* where its name ends */
    struct arena *scratch;        /* of the response being read */
    struct arena *session_arena;  /* of namespaces */
    enum conn_state state;        /* set by client_set_state alone */
    struct capabilities disabled; /* by options.disable */
    struct capabilities caps;     /* without those */
    bool caps_told;               /* since the last step that may have changed them */
    struct capabilities enabled;
    struct namespaces namespaces;
    bool compressed;
    char *selected; /* NULL: none */
    size_t selected_len;
    uint32_t selected_uidvalidity;  /* 0: not told, or none selected */
    struct client_op *first, *last; /* in flight, in the order sent */
    uint32_t tags;
    uint64_t round_trips;
    bool unflushed; /* something was written that may still be in the stream's buffer */
    bool turn_open; /* something was sent into silence and not yet waited for */
    struct client_continuation continuation;
    VEC(struct client_event) events; /* from events_head on */
    size_t events_head;
    struct arena *events_arena; /* what they point to; emptied when all were taken */
    VEC(struct client_handler) handlers;
    bool batch;    /* begun and not yet sent */
    bool notifies; /* NOTIFY SET is in force */
    bool bye_expected;
    struct client_answer answer; /* the tagged one that came last */
    struct client_capture capture;
    struct error failure; /* ended the connection; code ERR_NONE before */
};

/* ---- client.c ---- */

void client_set_state(struct client *c, enum conn_state state);
/* Keeps the first error that ended the connection and forgets what was in flight. Returns -code. */
int client_fail(struct client *c, struct error *err);
/* What the server told, less what is switched off. */
void client_set_capabilities(struct client *c, const struct capabilities *told);
/* `name` NULL: none. */
void client_set_selected(struct client *c, const struct str *name);
/* A fresh reader: what came before a new layer is forgotten. */
void client_renew_reader(struct client *c);
/* Every public function holds the connection while it runs:
 *     CLIENT_HELD pthread_mutex_t *held = client_enter(c); */
pthread_mutex_t *client_enter(const struct client *c);
void client_leave(pthread_mutex_t **lock);
#define CLIENT_HELD __attribute__((cleanup(client_leave), unused))
/* Mailbox names are UTF-8 on the wire, and so may be strings. */
bool client_speaks_utf8(const struct client *c);
/* IMAP4rev2 is all the server has, or it was ENABLEd. */
bool client_is_rev2(const struct client *c);

/* ---- pipeline.c ---- */

/* Checks the row of `id` (connection state, capability) and begins its line: "A7 UID FETCH". */
int pipeline_open(struct client *c, struct client_op *op, enum command_id id,
                  const struct client_op_hooks *hooks, struct arena *arena, struct error *err);
/* The same for a row that is not in the table. */
int pipeline_open_row(struct client *c, struct client_op *op, const struct command_row *row,
                      const struct client_op_hooks *hooks, struct arena *arena, struct error *err);
/* ERR_CAPABILITY before anything is sent, for what the row cannot say. */
int pipeline_require(struct client *c, struct client_op *op, enum capability cap,
                     struct error *err);
/* The command names messages by sequence number: it waits for those in flight that may move the
 * numbers, and is refused in a batch, where it cannot wait, and after ENABLE UIDONLY. Done by
 * pipeline_open for commands that have no UID form. */
int pipeline_use_sequences(struct client *c, struct client_op *op, struct error *err);
/* The command is not to be sent: ERR_STATE, SCOPE_MAILBOX. */
int pipeline_refuse(struct client_op *op, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As pipeline_require for a message set: `$` needs SEARCHRES. ERR_STATE for the empty set. */
int pipeline_require_set(struct client *c, struct client_op *op, const struct seqset *set,
                         struct error *err);
/* Ends the line and sends it. When the server refuses a literal in the middle, the command has its
 * result already. */
int pipeline_send(struct client *c, struct client_op *op, struct error *err);
/* As pipeline_send without the end of the line: the caller goes on with pipeline_write, unless
 * op->result is set. */
int pipeline_send_open(struct client *c, struct client_op *op, struct error *err);
/* More of the command whose line was left open: what c->writer holds now. */
int pipeline_send_more(struct client *c, struct client_op *op, struct error *err);
/* More bytes of the command sent last; answers that are there are taken first. */
int pipeline_write(struct client *c, struct client_op *op, struct str bytes, struct error *err);
/* Until "+" has come, or the command has its result. */
int pipeline_await_continuation(struct client *c, struct client_op *op, struct error *err);
/* Waits for the tagged answer: 0, or ERR_NO or ERR_BAD with the server's words. */
int pipeline_end(struct client *c, struct client_op *op, struct error *err);
/* After an OK: ERR_PROTOCOL, SCOPE_MAILBOX, where the data that it is about did not come. */
int pipeline_check_told(const struct client *c, const struct client_op *op, bool told,
                        struct error *err);
/* pipeline_send and pipeline_end. */
int pipeline_run(struct client *c, struct client_op *op, struct error *err);
void pipeline_complete(struct client *c, struct client_op *op,
                       const struct imap_response_status *status);
/* The first SELECT or EXAMINE from `op` on, or NULL. */
struct client_op *pipeline_find_select(struct client_op *op);
/* The connection may wait anew for its whole timeout. */
void client_restart_deadline(struct client *c);

/* ---- dispatch.c ---- */

/* Reads one response and hands it on. */
int dispatch_response(struct client *c, struct error *err);
/* What is left of a line and its end. */
bool dispatch_line_end(struct client *c);

/* ---- events.c ---- */

/* Before a response is read: the memory of the events taken is used again. */
void events_settle(struct client *c);
/* Where the data of an event goes before events_add. */
struct arena *events_arena(struct client *c);
/* `text` is copied; what else it points to lives in events_arena. */
void events_add(struct client *c, const struct client_event *event, struct str text);
/* Takes over `uids`. */
void events_add_vanished(struct client *c, struct seqset *uids);
void events_add_status(struct client *c, const struct status_data *data);
void events_add_fetch(struct client *c, const struct fetch_data *data);
void events_add_metadata(struct client *c, const struct metadata *metadata);
bool events_are_waiting(const struct client *c);
/* Until a response begins to come: 1; 0 at `deadline_ms`; negative on an error, of which
 * ERR_CANCELLED leaves the connection usable. */
int client_await_input(struct client *c, int64_t deadline_ms, struct error *err);
/* Forgets what is about messages of the selected mailbox. */
void events_drop_view(struct client *c);
void events_free(struct client *c);

/* ---- families ---- */

int client_authenticate(struct client *c, const struct client_credentials *credentials,
                        struct error *err);

/* "* n FETCH", "* uid UIDFETCH" and VANISHED belong to a command by what is in them. */
bool fetch_dispatch(struct client *c, const struct response_head *head);
bool vanished_dispatch(struct client *c);
bool select_take_fetch(struct client_op *op, struct client *c, const struct response_head *head);
/* The STORE in flight that told data may answer, which keeps them then. */
bool store_take_fetch(struct client *c, const struct fetch_data *data);
/* The EXPUNGE or MOVE in flight notes what goes. */
void expunge_take_seq(struct client *c, uint32_t seq);
void expunge_take_uids(struct client *c, const struct seqset *uids);
/* A response was read while a raw command is under way. */
void raw_take(struct client *c);
/* Sorts and merges what was noted. */
void gone_settle(struct client_gone *gone);
/* Whether a STATUS answers one of the STATUS commands in flight that were sent before `until`
 * (NULL: any). */
bool status_take(struct client *c, const struct client_op *until, const struct status_data *told);

/* ---- fetch_copy.c ---- */

struct imap_flags flags_copy(struct arena *arena, const struct imap_flags *flags);
/* All that `data` points to is copied. */
struct fetch_data fetch_data_copy(struct arena *arena, const struct fetch_data *data);

/* The begin and end halves that login pipelines. */
struct client_id_op {
    struct client_op op;
    struct id_fields told;
};
int id_begin(struct client *c, struct client_id_op *h, const struct id_fields *fields,
             struct arena *arena, struct error *err);
int enable_begin(struct client *c, struct client_op *op, const enum capability *caps, size_t len,
                 struct error *err);

/* The capability that a STATUS item needs: refuses items the server does not have. */
int status_require(struct client *c, struct client_op *op, unsigned items, struct error *err);
