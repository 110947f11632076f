#pragma once
/* What the files of this folder share about a session. */
#include "wire/reader.h"
#include "wire/writer.h"
#include "imap/command.h"
#include "imap/fetch.h"
#include "imap/limits.h"
#include "imap/mailbox_name.h"
#include "imap/notify.h"
#include "imap/partial.h"
#include "imap/response.h"
#include "imap/search.h"
#include "server/session.h"
#include "server/tracker.h"

/* Above this much output the owner is asked to send before more is made. */
#define SESSION_OUTPUT_HIGH_WATER ((size_t)256 * 1024)

/* A long command tells how far it is after so many messages. */
#define SESSION_PROGRESS_MESSAGES 1000

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
struct auth_exchange;
struct notify;

/* Octets of tls-exporter (RFC 9266). */
#define SESSION_CHANNEL_BINDING_MAX 32

/* The command under way. All in the session's arena, which is reset when the next one begins. */
struct command {
    struct str tag;
    const struct command_row *row;
    struct reader *reader; /* over its arguments; NULL once the handler has returned */
    struct arena *arena;
    bool uid; /* the UID form */
    struct imap_response_status reply;
    uint32_t limit_uid;        /* MESSAGELIMIT: the last that was done; 0: all were */
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
    bool rev2; /* IMAP4rev2, UTF8=ACCEPT and UIDONLY enabled */
    bool utf8;
    bool uidonly;
    bool identified; /* ID came */
    struct backend_user *user;
    struct tracker tracker;   /* of the selected mailbox */
    struct seqset saved;      /* `$`: UIDs of the last SEARCH that asked for it */
    uint64_t revision;        /* of the backend, when last looked at */
    struct notify *notify;    /* NULL: NOTIFY was never used */
    uint64_t notify_revision; /* as `revision`, of all mailboxes */
    unsigned failed_logins;
    unsigned bad_commands; /* in a row */
    struct buf in;
    struct frame frame;
    struct writer out;
    struct arena *arena;
    struct command command;
    struct fetch_job *fetch;    /* MODE_FETCH */
    struct auth_exchange *auth; /* MODE_SASL */
    char channel_binding[SESSION_CHANNEL_BINDING_MAX];
    size_t channel_binding_len; /* 0: none */
    struct session_counters counters;
    int64_t delay_ms;  /* to be kept before the output goes out (a fault) */
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
/* The reverse (RFC 8437). */
void session_log_out(struct session *s);
/* Deselects, without a word. */
void session_deselect(struct session *s);

/* ---- conn.c ---- */

/* Takes commands from session.in while there are whole ones and the output is below the mark. */
void conn_process(struct session *s);
/* News for a client that idles, or is told at any time (NOTIFY). */
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
/* `true_value`, off by what a fault of that kind says. */
uint64_t fault_lie(const struct session *s, enum fault_kind kind, uint64_t true_value);
/* Whether a fault leaves this message out. */
bool fault_hides(const struct session *s, uint32_t uid);
/* "* n EXISTS" of SELECT. */
void fault_tell_exists(struct session *s, size_t exists);
void untagged_number(struct session *s, enum response_code code, uint64_t number, const char *text);

/* ---- rights (access.c) ----
 * Without ACL everything is allowed. */

/* The user's rights on a mailbox; all of them where it does not exist. */
struct acl_rights access_rights(const struct session *s, struct str name);
/* All the rights named; false with NO in the reply. */
bool access_check(const struct session *s, struct command *c, struct str name, const char *needed);
/* The right to make a mailbox of that name. */
bool access_check_parent(const struct session *s, struct command *c, struct str name);
bool access_has_any(const struct acl_rights *rights, const char *any);
/* The system flags that may be changed; FLAG_WILDCARD stands for keywords. */
unsigned access_flags(const struct acl_rights *rights);
/* Takes off the flags that a new message must not carry. */
void access_strip_flags(const struct acl_rights *rights, struct imap_flags *flags);

/* ---- the selected mailbox (selected.c) ---- */

/* The messages that a set of UIDs or numbers, or `$`, names; false with BAD in the reply. */
bool select_resolve(struct session *s, struct command *c, const struct seqset *asked, bool uid,
                    struct tracker_ranges *out);
/* Not EXAMINEd, and the rights are there; false with NO in the reply. */
bool select_check_writable(struct session *s, struct command *c, const char *needed);
/* Leaves those in the window. */
void select_partial(const struct partial_range *window, struct arena *arena,
                    struct tracker_ranges *ranges);
uint64_t select_count(const struct tracker_ranges *ranges);
/* Leaves the last ones where MESSAGELIMIT allows no more (RFC 9738); reply_add_limit then says so
 * in the reply. */
void select_limit(struct session *s, struct command *c, struct tracker_ranges *ranges);
void reply_add_limit(struct session *s, struct command *c);
/* For what is done whole or not at all: false with NO in the reply. */
bool select_check_limit(struct session *s, struct command *c, const struct tracker_ranges *ranges);
/* "* OK [INPROGRESS …]" at times (RFC 9585). */
void select_progress(struct session *s, const struct command *c, uint64_t done, uint64_t goal);

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
    handle_enable, handle_namespace, handle_compress, handle_idle, handle_unauthenticate,
    handle_notify;
command_handler handle_login, handle_authenticate;
command_handler handle_create, handle_delete, handle_rename, handle_subscribe;
command_handler handle_list, handle_status;
command_handler handle_select, handle_close, handle_unselect;
command_handler handle_getacl, handle_setacl, handle_deleteacl, handle_listrights, handle_myrights;
command_handler handle_getquota, handle_getquotaroot, handle_setquota;
command_handler handle_getmetadata, handle_setmetadata;
command_handler handle_append, handle_replace, handle_fetch, handle_store, handle_expunge,
    handle_copy, handle_search, handle_sort, handle_thread;

/* Takes off what no mechanism can do on this connection. */
void auth_capabilities(const struct session *s, struct capabilities *caps);
void auth_exchange_free(struct auth_exchange **exchange);
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
/* "* LIST …", or what `command` says. */
void list_tell_entry(struct session *s, const char *command, const struct list_entry *entry);
/* "* STATUS …" of one mailbox. */
int status_tell(struct session *s, struct arena *arena, struct str name, unsigned items,
                struct error *err);
/* "* MYRIGHTS …" of one mailbox. */
int acl_tell_mine(struct session *s, struct arena *arena, struct str name, struct error *err);
/* "* METADATA …" of one mailbox with what `get` asks for, if anything; the empty name is the
 * server. *longest_left_out: of what is over MAXSIZE. */
int metadata_tell(struct session *s, struct command *c, struct str name,
                  const struct metadata_get *get, size_t *longest_left_out, struct error *err);
/* Whether all of the items are on offer. */
bool status_items_offered(const struct session *s, unsigned items);
/* ---- NOTIFY (cmd_notify.c) ---- */

/* Which events the client wants to hear of the selected mailbox, enum notify_event. */
unsigned notify_message_events(const struct session *s);
/* Expunges are told in answers only, and not at any time. */
bool notify_delays_expunges(const struct session *s);
/* What is to be told of new messages of the view. */
void notify_tell_arrivals(struct session *s, uint32_t begin, uint32_t end);
bool notify_is_watching(const struct session *s);
/* Looks whether something happened to mailboxes, and tells it unless the client did it itself. */
void notify_news(struct session *s, bool tell);

/* ---- searching (search_match.c, cmd_search.c) ---- */

/* Indices in the view. */
VEC_STRUCT(search_hits, uint32_t);

/* Every key is on offer and names messages that are there; false with BAD in the reply. */
bool search_check(struct session *s, struct command *c, const struct search_key *key);
/* The messages that match, ascending; of MESSAGELIMIT's last ones only. */
void search_run(struct session *s, struct command *c, const struct search_key *key,
                struct search_hits *out);
/* Everything that may be wrong with a request, whose RETURN needs `extended`; false with the reply.
 */
bool search_prepare(struct session *s, struct command *c, const struct search_request *request,
                    enum capability extended);
/* The UID or number of the message at an index. */
uint32_t search_hit_number(const struct session *s, bool uid, uint32_t index);
/* "* ESEARCH …" with what RETURN asks for, the hits in their order; SAVE is done. */
void search_tell_extended(struct session *s, struct command *c,
                          const struct search_options *options, const struct search_hits *hits,
                          bool modseq);

/* ---- FETCH of one message (fetch_message.c) ---- */

/* "* n FETCH (…)"; false when a part asked for by BINARY could not be decoded. What it needs is in
 * `arena`. */
bool fetch_tell_message(struct session *s, struct arena *arena, const struct fetch_request *request,
                        uint32_t index);
/* Why the items are not on offer, or NULL. */
const char *fetch_refusal(const struct session *s, const struct fetch_request *request);
/* X-GM-MSGID and X-GM-THRID of an object's identity; X-GM-LABELS: the other mailboxes that hold the
 * message. */
uint64_t fetch_gm_number(struct str id);
void fetch_gm_labels(struct session *s, struct arena *arena, struct str email_id,
                     struct str_list *out);
/* "* n FETCH (…)" with the flags and what has been enabled beside them. */
void fetch_tell_flags(struct session *s, uint32_t seq, const struct backend_message *message,
                      bool with_uid, bool with_flags);
