#pragma once
/*
 * What really happened to each message: who made it, who removed it, which flags were changed. From
 * this follows what may be found on the two sides, whatever the engine went through.
 *
 * A message is known by its subject; several may be copies of one text, and are settled by count.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "sim/carries.h"
#include "sim/markings.h"
#include "sim/script.h"

/* Where the policy `delete: trash` moves what is removed. */
#define TRUTH_TRASH "Trash"

struct message {
    unsigned number;
    struct str text;   /* as it crosses the wire */
    struct str stored; /* as it is kept in a Maildir */
    /* The same, once it was sent from a file that nobody remembered: bare LF is CRLF then. */
    struct str sent, sent_stored;
    int64_t date_s;   /* its INTERNALDATE, where it is delivered on the server */
    unsigned made;    /* by users: delivered, copied, brought back */
    unsigned removed; /* by users */
    bool from_here;   /* delivered here */
    bool born_here;   /* and first of all here */
    bool sent_again;  /* perhaps, and rightly */
    bool trashed;     /* taken away here, where that is a move to Trash */
    bool moved_here, moved_there;
    bool copied_here, copied_there; /* or delivered again */
    bool both_copied_first;         /* before the first sync had come to its end */
    /* Moved on one side while it stood twice there: a pass had seen half of its move on the other,
     * which looks as a copy does. */
    bool moved_as_copy;
    /* A pass that was to carry its move failed: the move is looked for by content, and a copy that
     * others made at that place passes for it. */
    bool move_sought;
    bool revived; /* a removal of it may have come to nothing, and rightly */
    /* By users: removed, moved or copied on that side. */
    bool touched_here, touched_there;
    bool removed_here, removed_there;
    bool taken_meanwhile; /* removed or moved here in this pass */
    bool resettled;       /* its mailbox went through what only content sees through */
    /* While a move of it in steps was broken off, and its original still to go: what that one was
     * given goes with it. */
    bool flagged_on_its_way;
    /* What it was sent with, and others took off there in the pass that sent it: a server that
     * loses flags at APPEND looks no different, and what it loses is stored again. */
    uint8_t unflagged_as_sent;
    uint8_t flags;                  /* with which it was made */
    uint8_t changed[MARKINGS];      /* how often */
    uint8_t changed_here[MARKINGS]; /* of these */
    /* Counted by a look at both sides; `apart` in mailboxes that one side alone has. */
    unsigned apart;
    unsigned here, there;
    unsigned marked_here, marked_there; /* of those, \\Deleted */
    unsigned left;                      /* of those there: too large or too old to be fetched */
    bool came; /* was on both sides after some pass: ageing does not take it away again */
};
VEC_STRUCT(messages, struct message *);

struct truth {
    const struct script_policy *policy;
    struct carries carries;
    struct arena *arena;
    struct messages messages;
    bool failed;
    struct buf violation;
    int64_t latest_s; /* that the wall clock has shown at the end of a pass */
    /* A crash may have left a file in place of which no record tells that it came: what is removed
     * now is rightly fetched again. */
    bool unsure;
    /* A message that was sent may not be known to have arrived: if others take it away before it is
     * looked for, it is rightly sent again. */
    bool lost_answers;
    /* What belongs together had to be found by content: what finds no partner is held. */
    bool recovers;
    /* No pass came to its end yet: a first sync finds by content, too, what it has of both sides.
     */
    bool begins;
    /* The server is older than what is known of it: nothing may be put there before that is seen.
     */
    bool older_there;
    /* A restored server whose marks are those of the last survey is not known for one: its flags
     * may be older. */
    bool older_flags;
    /* A folder that was renamed and emptied is not known again, and a mailbox whose folder is gone
     * stays where it is, by policy or for what is in it: then one side may have mailboxes that the
     * other has not. */
    bool renamed;
    /* The configuration left mailboxes out for a time: what crosses its border is gone from one
     * place, and new in another. */
    bool views;
    /* A crash left the table of a folder's keywords locked, and files written until the lock is old
     * have no letters; or a keyword was taken off here, in a folder where that may say nothing. */
    bool letters_missing;
    bool
        keeps_marked; /* the server cannot expunge by UID: what was deleted stays there, \Deleted */
};
extern struct truth truth;

void truth_reset(const struct script_policy *policy, struct carries carries);
/* Larger than what the policy fetches. */
bool truth_is_large(const struct message *m);
/* Older than what the policy fetches, by any time that the clock has shown. */
bool truth_is_old(int64_t date_s);
/* A new text, unlike all others. `here`: of a kind that a mail program writes into a Maildir. */
struct message *truth_make(uint64_t *random, bool here);
struct message *truth_make_raw(void);
/* NULL: none, or not as it was. */
struct message *truth_know(struct str bytes, bool stored);
void truth_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Others change that flag on the server. */
void truth_note_flagged_there(struct message *m, unsigned bit);
/* Whether the server has it in Trash. */
bool truth_is_in_trash(const struct message *m);
/* What is left where it was of a message that was copied to Trash: on a server that cannot expunge
 * by UID it stays, \\Deleted, and a copy of which no answer came has it still to go. Without it
 * the message is there still. */
bool truth_is_remains(const struct message *m, uint8_t flags);
/* A user made another of it, or is about to move one; `here`: on this side. */
void truth_note_copied(struct message *m, bool here);
void truth_note_moved(struct message *m, bool here);
/* How many of each message both sides have, as of now: in `here` and `there`. */
void truth_count(void);
/* After an older state was put in the place of a side: what is gone with it, and on no other side,
 * was removed; what is back was made. Since truth_count(). */
void truth_note_restored(void);
/* Nothing that nobody removed is gone from both sides. At any time. */
void truth_check_now(void);
/* Both sides are alike, nothing is lost and nothing doubled, and the index agrees. Where something
 * is held, the sides may differ. */
void truth_check_settled(bool held);
/* After the power went, since truth_count(). */
void truth_note_power(void);
/* After a pass: a crash may have kept a removal here from being known. */
void truth_note_taken(bool crashed, bool failed);
/* After a crash: which tables of keywords it left locked. */
void truth_note_locks(void);
/* A folder stands for a mailbox of another name: the name it should get is taken. */
bool truth_names_differ(void);
/* A mailbox of the server has a UIDNEXT below the one that the index knows. */
bool truth_server_went_back(void);
/* All there is on both sides and in the index, as one text. */
void truth_tell(struct buf *out);
