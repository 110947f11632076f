#pragma once
/*
 * The whole engine in one process: account_pass() on a configuration of its own, in lockstep with a
 * server in memory. A message is named by its subject, which is all that tells one from another
 * (one that begins with "anon" has no Message-ID); what a side holds is told as "INBOX[m1 m2/FS]
 * Lists/C[]", mailboxes and messages in order, flags as Maildir has them.
 */
#include "base/buf.h"
#include "account/account.h"
#include "support/lockstep_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What the client sent in a pass, but for login and what comes with it: CAPABILITY, ID, ENABLE,
 * NAMESPACE, COMPRESS, LOGOUT. */
struct engine_counts {
    unsigned commands;
    unsigned round_trips; /* how often it had nothing in flight and waited */
    unsigned bodies;      /* messages that came whole */
    unsigned all;         /* commands, every one of them */
};

struct engine {
    struct lockstep_env env;
    char *dir;   /* holds everything */
    char *root;  /* the Maildir */
    char *state; /* the account's state directory */
    char *config_path;
    struct arena *arena;
    struct config *config;
    struct maildir *maildir;
    struct report report;        /* of the last pass */
    struct engine_counts counts; /* of the last pass */
    struct buf transcript;       /* of the last pass */
    struct buf plan;             /* of the last pass: "INBOX: download 3 messages (why)" a line */
    /* Done once in the next pass, when its plan is made and nothing of it carried out. NULL: none.
     */
    void (*meanwhile)(struct engine *e);
    const char *steps; /* of steps_do_meanwhile() */
    /* Is called once, and forgotten, at this line of the conversation (1: the greeting). */
    void (*at_line)(struct engine *e);
    unsigned line, lines;
    unsigned in_flight;
    bool header_only; /* what comes of the message is its header */
    long ages;        /* touches of folders that were set back */
    /* A lying server: what the client gets instead of a line, an empty one for nothing. NULL: the
     * truth. */
    struct str (*twist)(struct engine *e, struct str line);
    uint32_t twist_uid;
    unsigned twisted; /* lines so far */
    bool unreachable;
    /* Called before each connection is made. NULL: nothing is to be done. */
    void (*dials)(struct engine *e, const struct wake *wake);
    bool
        hesitates; /* the peer takes little at a time and answers after a wait, as over a network */
    uint16_t port; /* not 0: a listener on loopback, for passes with several connections; they leave
                      no transcript and no counts */
};

/* `account` is YAML of further keys of the account, each line indented by four; NULL: none. The
 * server has INBOX. */
void engine_init(struct engine *e, const char *account);
/* The same with "m1", "m2", … in INBOX and messages of `prefix` in another mailbox, in step. */
void engine_begin(struct engine *e, const char *account, unsigned inbox_count, const char *mailbox,
                  const char *prefix, unsigned count);
void engine_free(struct engine *e);
/* Reads another configuration of the account. */
void engine_configure(struct engine *e, const char *account);
/* From here on the server is another one, empty but for INBOX, under the same UIDVALIDITYs when its
 * mailboxes are made in the same order. */
void engine_replace_server(struct engine *e);

/* Connections are made to this engine's server, also without a pass, until another engine's pass.
 */
void engine_answers(struct engine *e);
/* A pass; its exit code. `options` NULL: plain. */
int engine_pass(struct engine *e, const struct pass_options *options);
/* A pass, whatever its end, in which `act` is done at this line of its conversation, counted from
 * where the conversation is. False: it has no such line. */
bool engine_pass_at_line(struct engine *e, unsigned line, void (*act)(struct engine *e));
/* How many lines with these words the client sent in the last pass. */
unsigned engine_sent(const struct engine *e, const char *words);
/* Whether what every body has in its one line came or went; headers may. */
bool engine_body_crossed(const struct engine *e);
/* Whether the line has these words: for twists. */
bool line_has(struct str line, const char *words);
/* The transcript and the plan of the last pass to standard error. */
void engine_tell(const struct engine *e);
/* Fails the test, with the transcript, unless a plain pass ends with this code. */
void engine_pass_ends(struct engine *e, int exit_code);
/* A plain pass that ends with 0 and changes nothing on either side. */
void engine_assert_settled(struct engine *e);
/* Some time goes by. */
void engine_wait(struct engine *e, int64_t seconds);
/* Both sides come to agree, in two plain passes that end with 0, and it is some time ago. */
void engine_agree(struct engine *e);
/* "m1", "m2", … in INBOX, nothing in Archive and Lists; both sides agree on it. */
void engine_fill_three(struct engine *e, unsigned messages);

/* ---- the server's side ---- */

void server_create(struct engine *e, const char *mailbox);
uint32_t server_append(struct engine *e, const char *mailbox, const char *subject,
                       const char *flags);
/* `count` messages "PREFIX1", "PREFIX2", … */
void server_fill(struct engine *e, const char *mailbox, const char *prefix, unsigned count);
void server_flags(struct engine *e, const char *mailbox, const char *subject, const char *flags);
void server_expunge(struct engine *e, const char *mailbox, const char *subject);
void server_copy(struct engine *e, const char *from, const char *to, const char *subject);
void server_move(struct engine *e, const char *from, const char *to, const char *subject);
void server_move_all(struct engine *e, const char *from, const char *to);
uint32_t server_uid(struct engine *e, const char *mailbox, const char *subject);
/* The mailbox gets another UIDVALIDITY, and its messages other UIDs. */
void server_renumber(struct engine *e, const char *mailbox);
/* In the engine's arena. */
const char *server_view(struct engine *e);
size_t server_count(struct engine *e, const char *mailbox);

/* ---- this side; folders by their path ---- */

void local_create(struct engine *e, const char *folder);
void local_add(struct engine *e, const char *folder, const char *subject, const char *flags);
/* In a file of another name. */
void local_add_as(struct engine *e, const char *folder, const char *file, const char *subject);
void local_fill(struct engine *e, const char *folder, const char *prefix, unsigned count);
void local_flags(struct engine *e, const char *folder, const char *subject, const char *flags);
/* Of all that the folder holds. */
void local_flags_all(struct engine *e, const char *folder, const char *flags);
void local_remove(struct engine *e, const char *folder, const char *subject);
/* To another name, the flags with it: as mail programs move within a file system. */
void local_move(struct engine *e, const char *from, const char *to, const char *subject);
/* The first so many of the folder, or all. */
void local_remove_some(struct engine *e, const char *folder, unsigned count);
void local_remove_folder(struct engine *e, const char *folder);
const char *local_view(struct engine *e);
size_t folder_count(struct engine *e, const char *folder);

/* ---- the disk (disk_sides.c) ---- */

/* Everything below the fixture's directory but lock files and times, as one text. */
const char *disk_view(struct engine *e);
/* A copy of a directory below the fixture's, as a backup makes it. */
void disk_copy(struct engine *e, const char *from, const char *to);
/* The directory `to` gives way to the copy, which is none any more. */
void disk_put_back(struct engine *e, const char *copy, const char *to);

/* ---- both ---- */

/* Fails unless both sides show this. */
void assert_both(struct engine *e, const char *view);
void assert_server(struct engine *e, const char *view);
void assert_local(struct engine *e, const char *view);
void assert_error(const struct engine *e, enum error_code code, const char *words);
