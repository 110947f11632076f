#pragma once
/*
 * What a pass knows and decides, as plain data: the deltas that the survey finds, the rows that
 * reconcile judges, the plan that apply executes. Nothing here does I/O.
 */
#include "base/vec.h"
#include "imap/seqset.h"
#include "imap/status.h"
#include "store/index.h"
#include "store/maildir.h"
#include "config/config.h"

/* ---- what the survey found ---- */

/* A mailbox as the server lists it. */
struct remote_mailbox {
    struct str name; /* as sent */
    struct str utf8;
    uint32_t attributes;       /* enum list_attribute */
    struct status_data status; /* have == 0: not told */
};
struct remote_list {
    struct remote_mailbox *items; /* in the pass's arena */
    size_t len;
};

/* A message as the server shows it. */
struct remote_message {
    uint32_t uid;
    struct index_flags flags;
};
VEC_STRUCT(remote_vec, struct remote_message);
/* For qsort. */
int remote_by_uid(const void *a, const void *b);
/* In a sorted one; NULL where it is not. */
const struct remote_message *remote_find(const struct remote_vec *v, uint32_t uid);

/* What `max_size` and `since` look at. */
struct extent {
    uint64_t size;  /* RFC822.SIZE; 0: not known */
    int64_t date_s; /* INTERNALDATE, Unix time; 0: not known */
};
VEC_STRUCT(extent_vec, struct extent);

/* How the server's state of a mailbox became known. */
enum survey_means {
    SURVEY_NONE, /* not opened: STATUS proved it unchanged, or it is not there */
    SURVEY_QRESYNC,
    SURVEY_CONDSTORE,
    SURVEY_LISTING, /* every UID with its flags */
};

struct remote_delta {
    enum survey_means means;
    bool complete; /* nothing that is there can be missing from it */
    uint32_t uidvalidity;
    uint32_t uidnext;       /* the mark to store */
    uint64_t highestmodseq; /* the mark to store; 0: none */
    struct str mailboxid;   /* RFC 8474; empty: not told */
    uint32_t exists;
    bool gone_confirmed; /* the UIDs in `gone` were asked for, or told by VANISHED */
    uint8_t storable;    /* enum maildir_flag bits that the server keeps */
    bool keeps_any_keyword;
    struct index_flags storable_keywords; /* else these … */
    struct index_flags refused_keywords;  /* … but none of those that it once refused */
    bool read_only;
    struct remote_vec fresh;   /* unknown to the index; ascending by UID */
    struct seqset plain;       /* likewise, where all of it is to be fetched, whatever it is: none
                                  of these is in `fresh` */
    struct extent_vec extents; /* of `fresh`, one each, where limits apply; else empty */
    struct remote_vec changed; /* known, with other flags than agreed; ascending by UID */
    struct seqset gone;        /* known UIDs that are no longer there, with evidence (law 1) */
};

/* A file that no record owns, or one whose flags differ from those agreed. In the pass's arena. */
struct local_file {
    uint32_t uid; /* 0: new here */
    struct maildir_file file;
    struct index_flags flags; /* of its letters; keywords by the folder's table */
};
VEC_STRUCT(local_vec, struct local_file);

struct local_delta {
    bool scanned;
    bool settled;               /* the times may be stored: no change can hide behind them */
    bool directory_replaced;    /* another directory stands in the place of the one recorded */
    struct maildir_times times; /* before the scan */
    struct local_vec fresh;
    struct local_vec changed; /* ascending by UID */
    struct seqset gone;       /* UIDs whose recorded file is absent from a complete scan */
};

void remote_delta_clear(struct remote_delta *delta);
void local_delta_clear(struct local_delta *delta);
/* How many messages are new on the server. */
uint64_t remote_fresh_count(const struct remote_delta *delta);

/*
 * What the index will say of a mailbox whose messages were paired by content (law 6): all of it
 * takes the place of what it says now, in one commit. What found no partner stands in the deltas as
 * new, on the side that has it.
 */
struct pairing {
    struct index_message *records; /* ascending by UID; in the pass's arena */
    size_t records_len;
    struct paired_message {
        const struct index_message *record; /* its flags: those that both sides had last */
        struct index_flags remote_flags;
        struct maildir_file file;
        struct index_flags local_flags;
    } * messages; /* those with a file */
    size_t messages_len;
    VEC(struct index_held) held;
    VEC(struct index_intent) intents; /* uploads under way, for the new mailbox */
};

/* What the letters a to z say in a folder. */
struct keyword_letters {
    bool known;        /* the folder's table was read */
    uint32_t ids[26];  /* the keyword of each letter; 0: none */
    uint32_t taken;    /* letters that stand for something, or that a file carries: a bit each */
    uint32_t seen;     /* letters with a keyword when the folder was scanned */
    uint32_t given;    /* letters given in this pass, for keywords that no file had yet */
    bool put_off;      /* some could not be given in this pass, and files were written without */
    uint32_t complete; /* letters of which the absence says something, too: each file whose keyword
                          was agreed carries it */
};

/* What becomes of a mailbox in this pass. */
enum pair_action {
    PAIR_SYNC,          /* on both sides */
    PAIR_CREATE_LOCAL,  /* new on the server */
    PAIR_CREATE_REMOTE, /* new here */
    PAIR_LEAVE,         /* left as it is: `why` says so */
    PAIR_REFUSE,        /* `error` says why; nothing in it changes */
};

/* What is to go of a mailbox that one side lacks for good: first its messages, as any deletion,
 * then the mailbox, if nothing is left in it. Its action is PAIR_SYNC meanwhile. */
enum pair_removal {
    REMOVE_NOTHING,
    REMOVE_LOCAL,  /* gone on the server: the folder */
    REMOVE_REMOTE, /* gone here: the mailbox on the server */
    REMOVE_RECORD, /* gone on both sides: what the index knows of it; the action is PAIR_LEAVE */
};

/* One mailbox on both sides. */
struct mailbox_pair {
    /* id 0: not in the index yet; name, utf8 and path always set, as the sides have them now (the
     * index may still have others: `record_differs`). */
    struct index_mailbox record;
    bool record_differs;
    enum pair_action action;
    const char *why;
    /* PAIR_LEAVE, PAIR_REFUSE: a later pass, which knows more, may remove it, or take it up. */
    bool left_for_now;
    /* A rename to be carried out before anything else; the action is PAIR_SYNC. */
    const char *to_path; /* of the folder; NULL: none */
    struct str to_name;  /* on the server, as sent; empty: none */
    struct str to_utf8;  /* behind to_name */
    enum pair_removal removal;
    struct error folder_error; /* a rename or removal that failed: the messages are synced all the
                                  same */
    bool remote_exists;
    bool local_exists;
    bool in_target;      /* this pass was asked to sync it */
    uint32_t attributes; /* enum list_attribute */
    uint32_t status_messages, status_uidnext, status_uidvalidity;
    uint64_t status_modseq;
    bool has_status;
    bool directory_gone;     /* a recorded folder is no longer here */
    bool renumbered;         /* the server's UIDs are not those of the records */
    bool went_back;          /* seen by the server's UIDNEXT, under the records' UIDVALIDITY */
    struct pairing *pairing; /* NULL: the records hold */
    const struct config_sync *policy;
    struct seqset unfetched; /* by the index: what an interrupted first download has still to bring,
                                and what this one is about to */
    bool unfetched_stored;   /* the index says something of it */
    struct seqset leaving;   /* what an interrupted run was about to expunge: what was deleted here,
                                and originals of moves in steps, whose copies are known */
    struct remote_delta remote;
    struct local_delta local;
    struct keyword_letters letters;
    struct error error;  /* first thing that failed in this mailbox */
    bool remote_blocked; /* something of the server's was left undone: its marks stay */
    bool changed_here;   /* files of it were added, removed or renamed by this pass */
    bool local_blocked;  /* something of the folder's was left undone: its times stay */
};
VEC_STRUCT(pair_vec, struct mailbox_pair);

/* Whether the message is one of `leaving`, and was expunged: its record says no more than where the
 * file was. */
bool mailbox_has_ended(const struct mailbox_pair *pair, uint32_t uid);

/* By the mailbox's id in the index; NULL: it is none of these. */
struct mailbox_pair *pairs_find(const struct pair_vec *pairs, uint32_t mailbox);

/* ---- what reconcile decides ---- */

enum side_state {
    SIDE_ABSENT, /* never there, as far as anybody knows */
    SIDE_SAME,   /* as the index has it */
    SIDE_FLAGS,  /* other flags */
    SIDE_GONE,
    SIDE_NEW,
};

/* One message that is not, on at least one side, as the index has it. */
struct message_row {
    uint32_t uid;                     /* 0 for a file without a record */
    const struct index_message *base; /* NULL: no record */
    enum side_state remote;
    enum side_state local;
    struct index_flags remote_flags; /* where remote is FLAGS or NEW */
    struct extent extent;            /* of a message without a file here */
    struct index_flags local_flags;  /* where local is FLAGS or NEW */
    const struct maildir_file *file; /* where local is FLAGS or NEW */
};

enum operation_kind {
    OP_AGREE,  /* the index only: flags or state */
    OP_FORGET, /* the index only: both sides lost it */
    OP_FLAGS_TO_REMOTE,
    OP_UPLOAD,
    OP_DOWNLOAD,
    OP_FLAGS_TO_LOCAL,
    OP_DELETE_LOCAL,
    OP_DELETE_REMOTE,
    OP_KINDS,
};

/* What a message is known by in another mailbox (identify.h). */
struct identity {
    struct str email_id; /* EMAILID or X-GM-MSGID; empty: not told */
    struct digest header_digest;
    struct digest body_digest; /* of files, and of messages that only their body tells apart */
    uint64_t wire_size;
    int64_t internal_date_s; /* of messages on the server alone */
    bool has_message_id;     /* of messages on the server alone */
    /* Records of the index that are the same message: by its id where that was told, by all of its
     * content for a file, else by header, size and date. */
    const struct index_message *twins;
    size_t twins_len;
};

struct operation {
    enum operation_kind kind;
    uint32_t uid;                     /* 0: UPLOAD */
    const struct index_message *base; /* NULL: UPLOAD, DOWNLOAD of a fresh message */
    const struct maildir_file *file;  /* as seen in this pass; NULL: found by its base name */
    struct index_flags flags;         /* for the index */
    uint8_t add, remove;              /* FLAGS_TO_…: the delta, enum maildir_flag bits, … */
    struct index_flags add_keywords, remove_keywords; /* … and keywords (`system` is 0) */
    enum message_state state;                         /* AGREE: the new state */
    const struct identity *identity;                  /* NULL: not asked for */
    bool is_out;          /* a move stands for it, or it waits: see operations_sweep */
    bool has_copy;        /* deletions: a synced copy stays in another mailbox */
    bool is_retry;        /* DOWNLOAD: it failed in an earlier pass */
    bool is_marked;       /* DELETE_REMOTE: the file is there, marked, and goes first */
    bool to_trash;        /* DELETE_REMOTE: moved to \Trash instead */
    struct extent extent; /* AGREE without a record: of the message, where known */
    const char *why;      /* static */
};
VEC_STRUCT(operation_vec, struct operation);

struct mailbox_plan {
    struct mailbox_pair *pair;
    struct arena *arena; /* of lists of keywords */
    struct operation_vec ops[OP_KINDS];
    struct seqset fetch;         /* further downloads, of which nothing but the UID is known */
    struct operation_vec held;   /* deletions that the guard keeps back */
    struct operation_vec strays; /* uploads held, where strays_may_be_in the mailbox */
    struct seqset flags_failed;  /* UIDs whose flags could not be stored on the server */
};
VEC_STRUCT(plan_vec, struct mailbox_plan);

enum move_kind {
    MOVE_COPY,   /* the server copies the message; the file in `to` is a copy already */
    MOVE_REMOTE, /* the server moves it; the file stands in `to` already */
    MOVE_REBASE, /* the index only: the file has another name in the same folder */
    MOVE_MEET,   /* the index only: message and file were both moved to `to` */
    MOVE_LOCAL,  /* the file moves; the message stands in `to` already */
    MOVE_LINK,   /* the file gets a hard link: the message stands in several mailboxes */
    MOVE_KINDS,
};

/* One message that is in another place than the index has it, but is the same. */
struct move {
    enum move_kind kind;
    struct mailbox_plan *from, *to;
    struct mailbox_plan *known_in; /* LOCAL: whose record it is, where neither; else NULL */
    uint32_t from_uid; /* 0: LOCAL of a file without a record; MEET: the record of before stays */
    uint32_t to_uid;   /* of MEET, LOCAL, LINK */
    const struct index_message
        *base; /* what is agreed of it; NULL: LINK to what comes in this pass */
    const struct maildir_file *file; /* in `to`; of LOCAL in `from`; NULL: found by its base name */
    struct index_flags flags;        /* for the index */
    uint8_t add, remove; /* LOCAL, LINK: the change to the file, enum maildir_flag bits */
    struct index_flags file_keywords; /* LOCAL: what the file's letters shall say; `system` is 0 */
    const char *why;                  /* static */
};
VEC_STRUCT(move_vec, struct move);

struct plan {
    struct plan_vec mailboxes;
    struct move_vec moves; /* by kind */
    /* Of the account's mailboxes that the plan leaves out: what was deleted there within the
     * guard's hour, and how many messages they had when it began. */
    uint64_t elsewhere_deleted, elsewhere_size;
};

/* The operations that are for what is new on the server: it is fetched, or left there by a limit.
 */
#define NEW_KINDS_LEN 2
extern const enum operation_kind NEW_KINDS[NEW_KINDS_LEN];

/* Whether the mailbox is one of the plan's: it is left alone otherwise. */
bool plan_has(const struct plan *plan, const struct mailbox_pair *pair);
/* Whether there is such an operation in any mailbox. */
bool plan_has_any(const struct plan *plan, enum operation_kind kind);
