#pragma once
/* What the files of this folder share about a session. */
#include "wire/reader.h"
#include "wire/writer.h"
#include "imap/command.h"
#include "imap/fetch.h"
#include "imap/limits.h"
#include "imap/mailbox_name.h"
#include "imap/response.h"
#include "server/session.h"
#include "server/tracker.h"

/* Above this much output the owner is asked to send before more is made. */
#define SESSION_OUTPUT_HIGH_WATER ((size_t)256 * 1024)

/* Who takes the next line, or goes on without one. */
enum session_mode {
    MODE_GREETING, /* nothing was said yet */
    MODE_COMMAND,
    MODE_SASL,    /* an answer to AUTHENTICATE's challenge */
    MODE_IDLE,    /* DONE */
    MODE_FETCH,   /* a FETCH that has more to tell */
    MODE_STOPPED, /* for STARTTLS or COMPRESS, until the owner comes back */
    MODE_ENDED,
};

struct fetch_job;

/* The command under way. All in the session's arena, which is reset when the next one begins. */
struct command {
    struct str tag;
    const struct command_row *row;
    struct reader *reader; /* over its arguments; NULL once the handler has returned */
    struct arena *arena;
    bool uid; /* the UID form */
    struct imap_response_status reply;
    bool deferred;             /* the tagged reply comes with a later step */
    const struct fault *fault; /* to be played on it */
    size_t output_start;       /* in the session's writer: where its output begins */
};

/* The bytes of the command that is coming in; offsets into session.in. */
struct frame {
    size_t start;           /* of the command */
    size_t line_start;      /* of the line under way, behind the last literal */
    size_t scan;            /* looked at for the line end so far; beyond in.len inside a literal */
    size_t line_bytes;      /* of lines, and of */
    uint64_t literal_bytes; /* literals, before line_start */
    bool refused;           /* the whole is dropped and answered with: */
    struct imap_response_status refusal;
};

struct session {
    struct backend backend;
    struct session_options options;
    enum conn_state state;  /* by session_set_state */
    enum session_mode mode; /* by session_set_mode */
    enum session_next next;
    bool tls;
    bool compressed;
    bool condstore; /* CONDSTORE-enabling command seen (RFC 7162 section 3.1) */
    bool qresync;
    struct backend_user *user;
    struct tracker tracker; /* of the selected mailbox */
    uint64_t revision;      /* of the backend, when last looked at */
    unsigned failed_logins;
    unsigned bad_commands; /* in a row */
    struct buf in;
    struct frame frame;
    struct writer out;
    struct arena *arena;
    struct command command;
    struct fetch_job *fetch; /* MODE_FETCH */
    struct session_counters counters;
    bool client_spoke; /* since the last round trip was counted */
};

void session_set_state(struct session *s, enum conn_state state);
void session_set_mode(struct session *s, enum session_mode mode);
/* Untagged BYE, then the end. */
void session_bye(struct session *s, const char *text);
/* What is offered now: the options less what the state forbids. */
void session_capabilities(const struct session *s, struct capabilities *out);
bool session_offers(const struct session *s, enum capability cap);
bool session_has_condstore(const struct session *s);
/* LOGIN and PLAIN are allowed: TLS is there or not needed. */
bool session_may_login(const struct session *s);
/* Enters the authenticated state with `user`, which it takes over. */
void session_logged_in(struct session *s, struct backend_user *user);
/* Deselects, without a word. */
void session_deselect(struct session *s);

/* ---- conn.c ---- */

/* Takes commands from session.in while there are whole ones and the output is below the mark. */
void conn_process(struct session *s);
/* News for an idling client. */
void conn_idle_news(struct session *s);
/* Writes the command's tagged reply with the mailbox's news before it, and what the fault says. */
void conn_finish(struct session *s, struct command *c);
/* The bytes of the frame up to `end` as a reader's input; the handle is the caller's. */
struct memory_source {
    struct str rest;
};
struct reader *conn_reader(struct memory_source *source, struct arena *arena);

/* ---- literals.c ---- */

enum frame_result {
    FRAME_INCOMPLETE,
    FRAME_COMPLETE, /* *end_out is behind its line end */
    FRAME_BROKEN,   /* over a limit: the connection cannot go on */
};
/* Finds the end of the command that begins at frame.start, answering and judging its literals. */
enum frame_result frame_scan(struct session *s, size_t *end_out);
/* Begins a new one at `start`. */
void frame_reset(struct session *s, size_t start);

/* ---- replies (reply.c) ---- */

void reply_set(struct command *c, enum imap_status status, enum response_code code,
               const char *text);
void reply_ok(struct command *c, const char *text);
void reply_no(struct command *c, enum response_code code, const char *text);
void reply_bad(struct command *c, const char *text);
/* NO with the words of a backend's error. */
void reply_error(struct command *c, const struct error *err);
/* "* OK [code number] text". */
void untagged_number(struct session *s, enum response_code code, uint64_t number, const char *text);

/* ---- names (names.c) ---- */

char names_delimiter(const struct session *s);
/* The backend's name of a mailbox as the client spells it; NO in the reply and false if it cannot
 * be one. */
bool names_from_wire(const struct session *s, struct command *c, struct str wire, struct str *out);
/* As the client sees it. */
struct str names_to_wire(const struct session *s, struct arena *arena, struct str name);
/* Reads SP astring. False with the reader failed, or with NO in the reply: then the rest of the
 * command has been passed over. */
bool names_expect(const struct session *s, struct command *c, struct str *out);
/* Opens for a command that wants it there: TRYCREATE or NONEXISTENT in the reply. */
bool names_open(struct session *s, struct command *c, struct str name,
                enum response_code missing_code, struct backend_mailbox **out);

/* ---- handlers ----
 * Parse all arguments with the line end, then act, then set the reply. When the reader has failed,
 * or no reply was set, the answer is BAD. */

typedef void command_handler(struct session *s, struct command *c);

command_handler handle_capability, handle_noop, handle_logout, handle_id, handle_starttls,
    handle_enable, handle_namespace, handle_compress, handle_idle;
command_handler handle_login, handle_authenticate;
command_handler handle_create, handle_delete, handle_rename, handle_subscribe;
command_handler handle_list, handle_lsub, handle_status;
command_handler handle_select, handle_close, handle_unselect;
command_handler handle_append, handle_fetch, handle_store, handle_expunge, handle_copy,
    handle_search;

/* The line that answers AUTHENTICATE's challenge, without its line end. */
void auth_continue(struct session *s, struct str line);
/* Tells more of the FETCH under way; finishes the command at its end. */
void fetch_continue(struct session *s);
/* Drops the FETCH under way. */
void fetch_job_free(struct fetch_job **job);
/* What has vanished from the selected mailbox since the modseq, out of `known` (empty: all). */
int select_vanished(struct session *s, struct arena *arena, uint64_t since,
                    const struct seqset *known, struct seqset *out, struct error *err);
/* Expunges what is marked \Deleted among these messages. */
int expunge_marked(struct session *s, const struct tracker_ranges *ranges, size_t *count_out,
                   struct error *err);
/* Fails the reader where a keyword could not be told again. */
bool store_expect_keywords(struct reader *r, const struct imap_flags *flags);
/* HIGHESTMODSEQ as the reply's code, where QRESYNC is enabled. */
void reply_add_highestmodseq(struct session *s, struct command *c);
/* "* STATUS …" of one mailbox. */
int status_tell(struct session *s, struct arena *arena, struct str name, unsigned items,
                struct error *err);
/* Whether all of the items are on offer. */
bool status_items_offered(const struct session *s, unsigned items);
/* "* n FETCH (…)" with the flags and what has been enabled beside them. */
void fetch_tell_flags(struct session *s, uint32_t seq, const struct backend_message *message,
                      bool with_uid, bool with_flags);
