#pragma once
/*
 * An IMAP client connection and one function per command.
 *
 * Blocking and straight-line: a function returns when its tagged answer is there. Each wait ends at
 * the connection's timeout (restarted whenever bytes move) or when the wake is signalled. Several
 * commands can be in flight: `client_x_begin` queues one, `client_x_end` waits for its own answer;
 * they must be ended in the order in which they were begun. Handles are the caller's memory and
 * must live until ended. Results are in the arena given.
 *
 * Threads: each function holds the connection's recursive lock while it runs, so that several
 * threads may use one client and each gets the answers to its own commands. A wait holds it too:
 * an IDLE is to be ended by its deadline or the wake before another thread has its turn. Steps that
 * belong together (SELECT and what counts on it, the taking of events) go between client_lock and
 * client_unlock. What a function returns a pointer to is looked at under the lock. Opening and
 * closing are for one thread alone.
 *
 * Errors: ERR_NO and ERR_BAD carry the server's words and response code, SCOPE_MAILBOX, and leave
 * the connection usable. ERR_STATE and ERR_CAPABILITY are refusals before a byte is sent.
 * Everything of SCOPE_CONNECTION or wider ends the connection: further calls fail with the same
 * error.
 */
#include "base/arena.h"
#include "base/vec.h"
#include "net/stream.h"
#include "net/tls.h"
#include "imap/acl.h"
#include "imap/append.h"
#include "imap/capability.h"
#include "imap/command.h"
#include "imap/copyuid.h"
#include "imap/fetch.h"
#include "imap/id.h"
#include "imap/list.h"
#include "imap/metadata.h"
#include "imap/namespace.h"
#include "imap/response.h"
#include "imap/select.h"
#include "imap/status.h"
#include "imap/store.h"

struct client;
struct client_op_hooks;
struct strmap;

enum client_security { SECURITY_IMPLICIT_TLS, SECURITY_STARTTLS, SECURITY_NONE };

/* How to log in; strings are borrowed for the client's life and never logged. */
struct client_credentials {
    const char *user;
    const char *authzid; /* NULL: none */
    const char *password;
    const char *token;             /* of XOAUTH2 and OAUTHBEARER; NULL: none */
    const char *const *mechanisms; /* NULL-terminated, in order of preference: "plain", "login"
                                      (the command, or where it is disabled the mechanism),
                                      "cram-md5", "scram-sha-1", "scram-sha-256",
                                      "scram-sha-256-plus", "external", "gssapi", "xoauth2",
                                      "oauthbearer". NULL: auto, the strongest that is offered and
                                      suits password or token */
};

struct client_options {
    const char *host; /* for the certificate check and error texts */
    unsigned port;    /* told by OAUTHBEARER; 0: not */
    enum client_security security;
    struct tls_context *tls; /* borrowed; NULL with SECURITY_NONE */
    bool plaintext_ok;       /* loopback, a tunnel, or allow_plaintext */
    int64_t timeout_ms;      /* without any byte moving */
    const struct clock *clock;
    const struct wake *wake;      /* may be NULL */
    const struct tap_sink *trace; /* NULL: none; borrowed */
    const char *const *disable;   /* capabilities not to use, NULL-terminated; NULL: none */
    const struct id_fields *id;   /* sent when the server has ID; NULL: none */
    bool compress;
    bool qresync; /* ENABLE QRESYNC (else CONDSTORE) where offered */
};

/* Takes over `stream` (also on failure). Reads the greeting, upgrades to TLS, and stops before
 * login. ERR_BYE, ERR_TLS, ERR_PROTOCOL, ERR_CAPABILITY (STARTTLS not offered; PREAUTH though it
 * was required). */
int client_open(struct stream *stream, const struct client_options *options, struct client **out,
                struct error *err);
/* Authenticates (unless PREAUTH) and does, pipelined where the standards allow: CAPABILITY, ID,
 * ENABLE, NAMESPACE, COMPRESS. ERR_AUTH with the server's words when it refuses, SCOPE_ACCOUNT;
 * after ERR_AUTH no second mechanism is tried with the same password. A refusal that says it is
 * temporary (UNAVAILABLE, INUSE, LIMIT, SERVERBUG) is ERR_NO, a BAD is ERR_BAD, both
 * SCOPE_CONNECTION. */
int client_login(struct client *c, const struct client_credentials *credentials, struct error *err);
/* Closes without a word. Frees. */
void client_close(struct client **c);

struct client_counters {
    uint64_t bytes_in, bytes_out; /* on the wire */
    uint64_t commands;
    uint64_t round_trips; /* how often nothing was in flight when a command was sent */
};
/* LOGOUT and close; a peer that just closes is tolerated. Without waiting when the connection has
 * failed. The counts, LOGOUT included, go to `counters_out` unless that is NULL. Frees. */
void client_logout(struct client **c, struct client_counters *counters_out);
struct client_counters client_counters(const struct client *c);
const struct capabilities *client_capabilities(const struct client *c);
bool client_has(const struct client *c, enum capability cap);
/* From here on as if the server did not have it, nor what builds on it (QRESYNC on CONDSTORE): for
 * extensions that turn out to be broken. */
void client_drop(struct client *c, enum capability cap);
/* What ENABLE answered, but for what was dropped. */
bool client_enabled(const struct client *c, enum capability cap);
/* Of the first personal namespace; prefix "" and delimiter 0 when the server has no NAMESPACE. */
const struct namespaces *client_namespaces(const struct client *c);
bool client_is_compressed(const struct client *c);
enum conn_state client_state(const struct client *c);
/* The error that ended the connection, or NULL. */
const struct error *client_failure(const struct client *c);
/* Until as many client_unlock; see above. */
void client_lock(struct client *c);
void client_unlock(struct client *c);

/* The tagged answer that came last, OK too. */
struct client_answer {
    enum imap_status status; /* STATUS_NONE: there was none */
    enum response_code code;
    char code_name[ERROR_RESPONSE_CODE_MAX];
    char text[ERROR_TEXT_MAX];
    uint64_t number; /* of MESSAGELIMIT: how many were processed at most */
    uint32_t uid;    /* of MESSAGELIMIT: the last that was */
};
struct client_answer client_last_answer(const struct client *c);

/* ---- handles ---- */

/* A command in flight; embedded first in each typed handle. Fields are the client's own. A begin
 * that fails leaves a handle that need not be ended. */
struct client_op {
    const struct command_row *row;
    char tag[16];
    struct client_op *next;
    const struct client_op_hooks *hooks;
    struct arena *arena;     /* results */
    size_t bytes;            /* of the command, as the window counts them */
    bool orphan;             /* its SELECT failed: what is told about messages is not for it */
    enum imap_status result; /* the tagged answer; STATUS_NONE until then */
    struct error *refusal;   /* of NO and BAD, until ended */
    uint64_t limit;     /* MESSAGELIMIT in the answer: not all messages were processed; 0 else */
    uint32_t limit_uid; /* the last that was */
};

/* Waits for the answer of a command whose handle has no end function of its own. */
int client_op_end(struct client *c, struct client_op *op, struct error *err);

/*
 * A batch: the commands begun between the two go out in one write (16 KiB of it; literals that must
 * wait for the server break it too) and all are answered when client_batch_end returns; each is
 * then ended as ever, for its own result. Refused in a batch, with ERR_STATE: what changes the
 * state of the connection, but for SELECT and EXAMINE; what writes behind one of these; sequence
 * numbers behind a command that may move them. The lock is held from one to the other.
 */
void client_batch_begin(struct client *c);
int client_batch_end(struct client *c, struct error *err);

/* ---- session (cmd_session.c) ---- */

int client_noop(struct client *c, struct error *err);
/* Asks again, whatever is known. */
int client_capability(struct client *c, struct error *err);
int client_id(struct client *c, const struct id_fields *fields, struct arena *arena,
              struct id_fields *out, struct error *err);
/* Before any mailbox is selected. What the server enabled is told by client_enabled. */
int client_enable(struct client *c, const enum capability *caps, size_t len, struct error *err);
int client_namespace(struct client *c, struct error *err);
int client_compress(struct client *c, struct error *err);
/* Refused with ERR_CAPABILITY on a connection that speaks IMAP4rev2 alone, which has none. */
int client_check(struct client *c, struct error *err);
/* Back to before login (RFC 8437): nothing is enabled, selected or compressed any more, and the
 * capabilities are asked for again. client_login may follow. */
int client_unauthenticate(struct client *c, struct error *err);
/* NOOP, CHECK, CAPABILITY or NAMESPACE, to be ended with client_op_end. */
int client_command_begin(struct client *c, struct client_op *op, enum command_id id,
                         struct error *err);

/* ---- unsolicited data (events.c, cmd_idle.c) ---- */

enum client_event_kind {
    EVENT_EXISTS,
    EVENT_EXPUNGE,
    EVENT_VANISHED,
    EVENT_FETCH,
    EVENT_STATUS, /* also one that answered a command, where NOTIFY may have sent it */
    EVENT_ALERT,
    EVENT_OVERFLOW,        /* events were lost here */
    EVENT_NOTIFY_OVERFLOW, /* the server lost track: NOTIFY is off (RFC 5465 section 5.8) */
    EVENT_LIST,            /* a mailbox came, went, or was renamed or subscribed */
    EVENT_METADATA,
    EVENT_PROGRESS,
    EVENT_BYE,
    EVENT_KINDS
};
/* What it points to, but for `uids`, belongs to the event queue until the next call. */
struct client_event {
    enum client_event_kind kind;
    uint32_t number;    /* EXISTS, EXPUNGE; FETCH: the sequence number */
    struct seqset uids; /* VANISHED; the taker frees */
    uint32_t uid;       /* FETCH: flags only; 0 if the server did not tell it */
    unsigned flags;     /* FETCH: system flags */
    uint64_t modseq;
    struct str text;                /* ALERT, BYE, PROGRESS; STATUS, LIST, METADATA: mailbox */
    const struct fetch_data *fetch; /* FETCH: NULL where the above is all */
    const struct status_data *status;
    const struct list_entry *list;
    const struct metadata *metadata;
    struct imap_progress progress;
};
/* The oldest queued event. False if there is none. Does not read. When a SELECT ends, what was
 * queued about the messages of the mailbox before it is dropped. */
bool client_next_event(struct client *c, struct client_event *out);
/* As client_next_event, but reads and waits until `deadline_ms` (monotonic): 1; 0 when that came
 * first; negative on an error. ERR_CANCELLED by the wake leaves the connection usable. Servers tell
 * little outside a command but under NOTIFY. */
int client_wait_event(struct client *c, int64_t deadline_ms, struct client_event *out,
                      struct error *err);

enum client_wait { CLIENT_WAIT_EVENT, CLIENT_WAIT_DEADLINE, CLIENT_WAIT_WAKE };
/* IDLE (RFC 2177) until an event is there (one that waited already counts), `deadline_ms`, or the
 * wake, which stays signalled; DONE and the tagged OK are behind it then. Keep-alives and
 * capabilities are no events. */
int client_idle(struct client *c, int64_t deadline_ms, enum client_wait *out, struct error *err);

/* Is asked about events of `kinds` (a set of 1u << enum client_event_kind) before they are queued,
 * in whichever thread reads, with the lock held; may not call the client. True: it has dealt with
 * it, and it is not queued. `uids` are lent. */
struct client_handler {
    unsigned kinds;
    bool (*take)(void *self, const struct client_event *event);
    void *self;
};
void client_add_handler(struct client *c, const struct client_handler *handler);
/* All with this `self`. */
void client_remove_handler(struct client *c, const void *self);

/* ---- mailboxes ---- */

/* Names are as on the wire in all functions. These go to and from UTF-8: modified UTF-7, or the
 * name itself after ENABLE UTF8=ACCEPT or IMAP4rev2. A name that is malformed stays as it is, and
 * false is returned; it can be used all the same. */
bool client_names_are_utf8(const struct client *c);
bool client_name_encode(const struct client *c, struct arena *arena, struct str utf8,
                        struct str *out);
bool client_name_decode(const struct client *c, struct arena *arena, struct str name,
                        struct str *out);

struct client_mailbox {
    struct list_entry entry;
    struct status_data status; /* status.have == 0 where the server told none */
    bool has_rights;
    struct acl_rights rights; /* of LIST RETURN (MYRIGHTS) */
    struct metadata metadata; /* of LIST RETURN (METADATA); len 0: none told */
};
struct client_mailboxes {
    struct client_mailbox *items; /* in the arena */
    size_t len;
};
/* LIST "" pattern. */
int client_list(struct client *c, struct str pattern, struct arena *arena,
                struct client_mailboxes *out, struct error *err);
/* LIST "" pattern RETURN (SPECIAL-USE STATUS (items)): needs LIST-STATUS. Names whose STATUS is
 * missing have have == 0. */
int client_list_status(struct client *c, struct str pattern, unsigned items, struct arena *arena,
                       struct client_mailboxes *out, struct error *err);
struct client_list {
    struct client_op op;
    const char *command; /* "LIST", "LSUB", "XLIST" */
    unsigned returns;    /* enum list_return, asked for */
    VEC(struct client_mailbox) found;
    VEC(struct status_data) statuses; /* told, in any order and number */
    VEC(struct acl_my_rights) rights;
    VEC(struct metadata) metadata;
    struct strmap *by_name; /* index in `found` plus one */
};
/* LIST in any form. ERR_CAPABILITY names what an option needs. Always end a begin that succeeded:
 * that frees what the handle holds. Of several in flight the answers come in their order. */
int client_list_begin(struct client *c, struct client_list *h, const struct list_request *request,
                      struct arena *arena, struct error *err);
int client_list_end(struct client *c, struct client_list *h, struct client_mailboxes *out,
                    struct error *err);
int client_list_request(struct client *c, const struct list_request *request, struct arena *arena,
                        struct client_mailboxes *out, struct error *err);
/* LSUB; where IMAP4rev2 alone is spoken, which has none, LIST (SUBSCRIBED). */
int client_lsub(struct client *c, struct str reference, struct str pattern, struct arena *arena,
                struct client_mailboxes *out, struct error *err);
/* LIST with what marks special uses: RETURN (SPECIAL-USE), else XLIST, else as LIST tells them. */
int client_list_special(struct client *c, struct str pattern, struct arena *arena,
                        struct client_mailboxes *out, struct error *err);

struct client_status {
    struct client_op op;
    struct str mailbox;
    struct status_data data;
    bool maybe_notify; /* NOTIFY is in force and may have sent it */
};
int client_status_begin(struct client *c, struct client_status *h, struct str mailbox,
                        unsigned items, struct arena *arena, struct error *err);
int client_status_end(struct client *c, struct client_status *h, struct status_data *out,
                      struct error *err);
int client_status(struct client *c, struct str mailbox, unsigned items, struct arena *arena,
                  struct status_data *out, struct error *err);

/* INBOX (in any case) is there always: ERR_STATE for its creation and deletion, and for renaming
 * something to it. Renaming INBOX moves its messages and leaves it empty. */
int client_create(struct client *c, struct str mailbox, struct error *err);
/* `uses`: of LIST_SPECIAL_USE, needs CREATE-SPECIAL-USE; 0: none. *id_out: the MAILBOXID, empty
 * where the server tells none; in `arena`. */
int client_create_special(struct client *c, struct str mailbox, uint32_t uses, struct arena *arena,
                          struct str *id_out, struct error *err);
int client_delete(struct client *c, struct str mailbox, struct error *err);
int client_rename(struct client *c, struct str from, struct str to, struct error *err);
int client_subscribe(struct client *c, struct str mailbox, struct error *err);
int client_unsubscribe(struct client *c, struct str mailbox, struct error *err);
/* CREATE, DELETE, SUBSCRIBE or UNSUBSCRIBE, to be ended with client_op_end. */
int client_mailbox_begin(struct client *c, struct client_op *op, enum command_id id,
                         struct str mailbox, struct error *err);

/* SELECT or EXAMINE with what it tells beyond select_data. */
struct client_select_changes {
    struct seqset vanished;     /* VANISHED (EARLIER) */
    struct fetch_data *changed; /* in the arena */
    size_t changed_len;
};
struct client_select {
    struct client_op op;
    struct select_data data;
    struct client_select_changes changes;
    size_t changed_cap;
    struct str mailbox;
};
/* Several may be in flight, each followed by UID FETCH commands of its own; whatever writes waits
 * for the end of its SELECT. */
int client_select_begin(struct client *c, struct client_select *h, struct str mailbox, bool examine,
                        const struct select_params *params, struct arena *arena, struct error *err);
/* The handle owns `changes.vanished`: free with client_select_free. After an error nothing is
 * selected. */
int client_select_end(struct client *c, struct client_select *h, struct error *err);
void client_select_free(struct client_select *h);
/* The name of the selected mailbox; empty if none. */
struct str client_selected(const struct client *c);
/* The UIDVALIDITY that its SELECT told: what has the name may be another mailbox by then. 0 where
 * none is selected, or it was not told. */
uint32_t client_selected_uidvalidity(const struct client *c);
/* CLOSE: expunges what is \Deleted, unless it was EXAMINEd. */
int client_close_mailbox(struct client *c, struct error *err);
/* UNSELECT, or where it is missing EXAMINE of a mailbox that cannot be. Expunges nothing. */
int client_unselect(struct client *c, struct error *err);

/* ---- messages ---- */

/* What a set of messages is made of. A set may be `$` (needs SEARCHRES). */
enum client_numbers { CLIENT_UIDS, CLIENT_SEQS };

struct client_fetch {
    struct client_op op;
    unsigned items;    /* enum fetch_item, asked for */
    struct seqset set; /* asked for: what lies outside is dropped */
    const struct fetch_sink *sink;
    struct error *sink_error; /* the first wider than a message */
    struct seqset vanished;   /* VANISHED (EARLIER) inside the asked set */
    bool wants_vanished;
    bool discard;                 /* being ended: data is no longer kept */
    VEC(struct fetch_data) queue; /* not yet taken, from queue_head on */
    size_t queue_head;
    struct arena *queue_arena; /* its strings */
};
/* UID FETCH of `uids` (copied). The set must fit a command line: see seqset_take. ERR_CAPABILITY
 * where an item or modifier needs what the server lacks.
 *
 * The sink is called from whatever call reads the answer. A sink that fails with SCOPE_MESSAGE
 * loses that body alone; with a wider scope no later body is given to it, and fetch_next and
 * fetch_end return its error, the connection staying usable. A body whose message turns out not to
 * be asked for is followed by the next begin with no message told between. */
int client_fetch_begin(struct client *c, struct client_fetch *h, const struct seqset *uids,
                       const struct fetch_request *request, const struct fetch_sink *sink,
                       struct arena *arena, struct error *err);
/* FETCH of sequence numbers. */
int client_seq_fetch_begin(struct client *c, struct client_fetch *h, const struct seqset *seqs,
                           const struct fetch_request *request, const struct fetch_sink *sink,
                           struct arena *arena, struct error *err);
/* The next message: 1; 0 when the command has ended well; negative on NO, BAD or a broken
 * connection. Bodies have gone to the sink by then. Strings live until the next call when the arena
 * is reset by the caller between calls, else as long as the arena. Of UID FETCH, responses without
 * a UID are dropped. */
int client_fetch_next(struct client *c, struct client_fetch *h, struct fetch_data *out,
                      struct error *err);
/* Reads what is left of the answer: bodies still go to the sink, the rest is dropped. Idempotent;
 * always call after a begin that succeeded. `vanished` stays: free with client_fetch_free. */
int client_fetch_end(struct client *c, struct client_fetch *h, struct error *err);
void client_fetch_free(struct client_fetch *h);
/* Both, once client_fetch_next() has returned 0, or what came of it failed: `r` is the one or the
 * other, and comes back unless it is 0 and the end fails. */
int client_fetch_close(struct client *c, struct client_fetch *h, int r, struct error *err);

struct client_store {
    struct client_op op;
    struct seqset modified;     /* of UNCHANGEDSINCE: not stored */
    struct seqset set;          /* in the arena; empty: what is told becomes events */
    struct fetch_data *changed; /* in the arena: what is told of messages of the set */
    size_t changed_len, changed_cap;
};
/* UID STORE uids (UNCHANGEDSINCE n) ±FLAGS.SILENT (flags). What is told becomes events. */
int client_store_begin(struct client *c, struct client_store *h, const struct seqset *uids,
                       enum store_mode mode, const struct imap_flags *flags,
                       uint64_t unchanged_since, struct arena *arena, struct error *err);
/* STORE or UID STORE in any form; what is told of the messages goes to `changed`. An empty list of
 * flags is for STORE_SET alone. */
int client_store_request_begin(struct client *c, struct client_store *h,
                               enum client_numbers numbers, const struct seqset *set,
                               const struct store_params *params, struct arena *arena,
                               struct error *err);
int client_store_end(struct client *c, struct client_store *h, struct error *err);
void client_store_free(struct client_store *h);

/* The message's bytes, asked for in pieces: 1..size bytes, never 0 before `size` was given. */
struct append_source {
    ssize_t (*read)(void *self, void *out, size_t size, struct error *err);
    void *self;
};
/* A source that reads from a descriptor, which is borrowed and not moved, from `offset` on. */
struct append_file {
    int fd;
    uint64_t offset;
};
struct append_source append_source_of_file(struct append_file *file);

struct client_append {
    struct client_op op;
    uint32_t uidvalidity; /* of APPENDUID; 0 without */
    uint32_t uid;
    struct seqset uids; /* of several messages: theirs in order, in the arena; empty: not told */
    size_t messages;
    bool sent_whole; /* the literal's last byte left us: the message may be there whatever comes */
};
/* With LITERAL+ (or LITERAL- and a small message) several can be in flight; else the continuation
 * is awaited, answers to earlier commands being taken meanwhile. A source that fails midway ends
 * the connection (the literal cannot be completed); check it before. ERR_NO for TRYCREATE, TOOBIG,
 * OVERQUOTA by response_code. APPENDLIMIT is checked first. */
int client_append_begin(struct client *c, struct client_append *h, struct str mailbox,
                        const struct append_params *params, uint64_t size,
                        const struct append_source *source, struct arena *arena, struct error *err);
int client_append_end(struct client *c, struct client_append *h, struct error *err);

struct append_message {
    struct append_params params;
    uint64_t size;
    struct append_source source;
    bool binary; /* a literal8, which may hold NUL: needs BINARY */
};
/* One message, or several at once, of which all or none arrive (RFC 3502: needs MULTIAPPEND). */
int client_append_messages_begin(struct client *c, struct client_append *h, struct str mailbox,
                                 const struct append_message *messages, size_t len,
                                 struct arena *arena, struct error *err);
/* REPLACE or UID REPLACE of the message `number` (RFC 8508: needs REPLACE). */
int client_replace_begin(struct client *c, struct client_append *h, enum client_numbers numbers,
                         uint32_t number, struct str mailbox, const struct append_message *message,
                         struct arena *arena, struct error *err);

/* What a command expunged, which is told as events too: sequence numbers, each as it was when it
 * went, or after ENABLE QRESYNC or UIDONLY the UIDs. In the arena. */
struct client_gone {
    struct arena *arena; /* NULL: not noted */
    uint32_t *seqs;
    size_t seqs_len, seqs_cap;
    struct seqset uids;
};

struct client_copy {
    struct client_op op;
    struct copyuid copyuid;  /* uidvalidity 0: not told, or told in a way that cannot be used */
    struct client_gone gone; /* of MOVE */
    bool copied;             /* client_uid_move without MOVE: the copies are made */
};
/* UID COPY and UID MOVE. A MOVE's COPYUID in an untagged OK counts too, also when the tagged answer
 * is NO. */
int client_copy_begin(struct client *c, struct client_copy *h, const struct seqset *uids,
                      struct str mailbox, struct arena *arena, struct error *err);
int client_move_begin(struct client *c, struct client_copy *h, const struct seqset *uids,
                      struct str mailbox, struct arena *arena, struct error *err);
/* COPY and MOVE of sequence numbers. */
int client_seq_copy_begin(struct client *c, struct client_copy *h, const struct seqset *seqs,
                          struct str mailbox, struct arena *arena, struct error *err);
int client_seq_move_begin(struct client *c, struct client_copy *h, const struct seqset *seqs,
                          struct str mailbox, struct arena *arena, struct error *err);
int client_copy_end(struct client *c, struct client_copy *h, struct error *err);
/* UID MOVE, begun and ended; without MOVE it is UID COPY, UID STORE \Deleted and UID EXPUNGE
 * (needs UIDPLUS), each only when the one before was answered OK. */
int client_uid_move(struct client *c, struct client_copy *h, const struct seqset *uids,
                    struct str mailbox, struct arena *arena, struct error *err);
void client_copy_free(struct client_copy *h);

struct client_expunge {
    struct client_op op;
    struct client_gone gone;
};
/* UID EXPUNGE (needs UIDPLUS). */
int client_uid_expunge_begin(struct client *c, struct client_expunge *h, const struct seqset *uids,
                             struct arena *arena, struct error *err);
/* EXPUNGE of everything marked \Deleted in the selected mailbox. */
int client_expunge_begin(struct client *c, struct client_expunge *h, struct arena *arena,
                         struct error *err);
int client_expunge_end(struct client *c, struct client_expunge *h, struct error *err);
/* What UID EXPUNGE does, without UIDPLUS: takes \Deleted from the other messages, EXPUNGEs, and
 * puts it back. Messages marked by somebody else between the steps go too; after a failure some may
 * lack their mark, and the error says so. */
int client_uid_expunge_in_steps(struct client *c, struct client_expunge *h,
                                const struct seqset *uids, struct arena *arena, struct error *err);
