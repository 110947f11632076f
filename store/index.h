#pragma once
/*
 * The index: what both sides agreed on last, in one LMDB environment per account.
 *
 * All reads and writes go through a transaction. There is one writer at a time; transactions are
 * short and none is open while the program waits for a peer. A commit is durable on return. The
 * layout of keys and values is known to index_schema.h and index_codec.c only.
 *
 * Records read out of the index live in the arena given, so that they outlive the transaction.
 */
#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"

struct index;
struct index_txn;

enum index_opened {
    INDEX_OPENED,
    INDEX_CREATED, /* there was none */
};

/* Opens or creates DIR/index.mdb (mode 0600; DIR is made, 0700). A damaged file and one of an
 * earlier schema are ERR_DAMAGED, one of a later schema ERR_REFUSED, all untouched. */
int index_open(const char *dir, struct index **out, enum index_opened *opened, struct error *err);
void index_close(struct index **index);
/* Whether DIR holds an index, without opening it. */
bool index_exists(const char *dir);

/* An index that is ERR_DAMAGED becomes DIR/index.mdb.aside-SECONDS, so that the next opening makes
 * a new one. It must be closed, and the lock held. *out is its path now, the caller's to free. */
int index_set_aside(const char *dir, int64_t now_s, char **out, struct error *err);

/* DIR/lock, taken for the life of the process or until unlocked; ERR_LOCKED names the holder's pid.
 */
int index_lock(const char *dir, int *fd_out, struct error *err);
/* Whether somebody holds it now; makes nothing. */
bool index_is_locked(const char *dir);

int index_begin_read(struct index *index, struct index_txn **out, struct error *err);
/* Grows the map when it is nearly full. */
int index_begin_write(struct index *index, struct index_txn **out, struct error *err);
/* Durable on return for a write transaction. Ends and nulls *txn, also on failure. */
int index_commit(struct index_txn **txn, struct error *err);
/* Ends without writing; usable as cleanup; NULL is ignored. */
void index_abort(struct index_txn **txn);
#define AUTO_TXN __attribute__((cleanup(index_abort)))

/* ---- meta and small state (index_misc.c) ---- */

struct index_meta {
    char account[256];
    char identity[33];   /* shared with the root marker */
    uint64_t generation; /* of the root marker */
};
/* ERR_NOT_FOUND in a fresh index. */
int index_meta_get(struct index_txn *txn, struct index_meta *out, struct error *err);
int index_meta_put(struct index_txn *txn, const struct index_meta *meta, struct error *err);

/* Facts learned of the server and small state (the guard's window), by key. What is not there reads
 * as empty. */
int index_fact_get(struct index_txn *txn, struct arena *arena, const char *key, struct str *out,
                   struct error *err);
int index_fact_put(struct index_txn *txn, const char *key, struct str value, struct error *err);

/* Keyword names (case-insensitive) to small numbers; a new name is given one (in a read
 * transaction: ERR_NOT_FOUND). */
int index_keyword_id(struct index_txn *txn, struct str name, uint32_t *id_out, struct error *err);
int index_keyword_name(struct index_txn *txn, struct arena *arena, uint32_t id, struct str *out,
                       struct error *err);

/* ---- mailboxes (index_mailbox.c) ---- */

enum mailbox_state {
    MAILBOX_SYNCED,          /* both sides have it */
    MAILBOX_CREATING_REMOTE, /* local one found; CREATE is under way or to be finished */
    MAILBOX_CREATING_LOCAL,  /* remote one found; the folder is being made */
    MAILBOX_RENAMING_LOCAL,  /* the folder is to get the path that the name gives it */
    MAILBOX_RENAMING_REMOTE, /* the mailbox is to get the name that the path gives it */
};

/* Whether the records of a mailbox may be believed. */
enum mailbox_doubt {
    MAILBOX_HOLDS,
    MAILBOX_UNPAIRED, /* a side, or the index, is not what it was: the messages are to be paired
                         again by content */
    MAILBOX_UNPAIRED_OLDER, /* the same; and the folder is from a backup: the flags of its files are
                               older than the records */
    MAILBOX_UNPAIRED_THERE, /* the same; and the server is from a backup: the records' UIDs are not
                               the server's any more, whatever its UIDNEXT says by now */
};

struct index_mailbox {
    uint32_t id; /* 0 for a new one: index_mailbox_put assigns it */
    enum mailbox_state state;
    struct str name; /* as the server spells it: raw bytes, its delimiter */
    struct str utf8; /* for people and patterns: UTF-8, `/` as delimiter, namespace left out */
    struct str path; /* relative to the Maildir root */
    enum mailbox_doubt doubt;
    bool own_path;          /* not the one that its name gives it: a rename that is not carried */
    uint32_t uidvalidity;   /* 0: not known yet */
    uint32_t uidnext;       /* mark; 0: none */
    uint64_t highestmodseq; /* mark; 0: none */
    struct str mailboxid;   /* RFC 8474; may be empty */
    uint32_t special_use;   /* enum list_attribute bits of imap/list.h */
    int64_t new_mtime_ns, cur_mtime_ns; /* times of the last complete settled scan; 0: scan */
    uint64_t new_inode, cur_inode;
    uint32_t records; /* messages known to exist on the server; kept by index_message_put and
                         index_message_delete, ignored by index_mailbox_put */
    uint32_t files;   /* of these, with a file here; kept likewise */
};
/* ERR_EXISTS if the name belongs to another id, ERR_NOT_FOUND for an id that is not there. */
int index_mailbox_put(struct index_txn *txn, struct index_mailbox *mailbox, struct error *err);
/* ERR_NOT_FOUND. */
int index_mailbox_get(struct index_txn *txn, struct arena *arena, uint32_t id,
                      struct index_mailbox *out, struct error *err);
/* All, by id: start with *cursor = 0. 1 found, 0 at the end, negative on error. */
int index_mailbox_next(struct index_txn *txn, struct arena *arena, uint32_t *cursor,
                       struct index_mailbox *out, struct error *err);
/* With all its messages, files, intents and held. 0 also if there is none. */
int index_mailbox_delete(struct index_txn *txn, uint32_t id, struct error *err);

/* ---- messages (index_message.c) ---- */

enum message_state {
    MESSAGE_SYNCED,       /* on both sides */
    MESSAGE_DELETED_HERE, /* the file was removed here, the message stays on the server (policy, or
                             \Deleted without UIDPLUS); not fetched again */
    MESSAGE_GONE_THERE,   /* expunged on the server, the file stays here; not sent again */
    MESSAGE_SKIPPED,      /* left on the server by policy */
    MESSAGE_HELD,         /* cannot be fetched for now; see held */
};

/* The six flags that both sides have, as enum maildir_flag bits, and keyword ids, ascending. */
struct index_flags {
    uint8_t system;
    uint8_t keywords_len;
    const uint32_t *keywords;
};

struct index_message {
    uint32_t mailbox;
    uint32_t uid;
    enum message_state state;
    bool raw;                 /* stored byte for byte: law 5 */
    struct str base;          /* file base name; empty without a file */
    struct index_flags flags; /* agreed last */
    uint64_t modseq;
    uint64_t wire_size;
    int64_t internal_date_s; /* seconds since 1970 UTC */
    struct digest header_digest;
    struct digest body_digest;
    struct str email_id; /* EMAILID or X-GM-MSGID; may be empty */
};

/* Inserts or replaces; keeps `file`, `content`, `email-id` and the mailbox's counters in step. An
 * all-zero header digest is none and not found by content. ERR_EXISTS if the file belongs to
 * another UID. The mailbox must be there. Cheapest, also on disk, in ascending order of UID. */
int index_message_put(struct index_txn *txn, const struct index_message *message,
                      struct error *err);
int index_message_get(struct index_txn *txn, struct arena *arena, uint32_t mailbox, uint32_t uid,
                      struct index_message *out, struct error *err);
/* 0 also if there is none. */
int index_message_delete(struct index_txn *txn, uint32_t mailbox, uint32_t uid, struct error *err);
/* The record that owns a file. ERR_NOT_FOUND. */
int index_message_by_file(struct index_txn *txn, struct arena *arena, uint32_t mailbox,
                          struct str base, struct index_message *out, struct error *err);

/* In UID order, from `first_uid`. The record is a view: strings point into the transaction and are
 * valid until the next call and the next write. Close the cursor before the transaction ends;
 * writes in between are allowed. */
struct index_cursor;
int index_cursor_open(struct index_txn *txn, uint32_t mailbox, uint32_t first_uid,
                      struct index_cursor **out, struct error *err);
/* 1 found, 0 at the end, negative on error. */
int index_cursor_next(struct index_cursor *cursor, struct index_message *out, struct error *err);
void index_cursor_close(struct index_cursor **cursor);
#define AUTO_CURSOR __attribute__((cleanup(index_cursor_close)))

/* Messages with this header digest, in any mailbox: called for each until it returns false. */
int index_message_by_content(struct index_txn *txn, const struct digest *header_digest,
                             bool (*found)(void *self, uint32_t mailbox, uint32_t uid), void *self,
                             struct error *err);
/* The same for an EMAILID or X-GM-MSGID. */
int index_message_by_email_id(struct index_txn *txn, struct str email_id,
                              bool (*found)(void *self, uint32_t mailbox, uint32_t uid), void *self,
                              struct error *err);

/* ---- intents (index_intent.c) ---- */

enum intent_kind {
    INTENT_DELIVER,    /* a file is about to leave tmp/: `message` is the record it will get */
    INTENT_RENAME,     /* a file is about to get the flags in `message.flags` */
    INTENT_APPEND,     /* a file is about to be sent */
    INTENT_COPY,       /* the server is about to copy a message: `message` is the copy's record */
    INTENT_MOVE,       /* the server is about to move a message: likewise */
    INTENT_MOVE_LOCAL, /* a file is about to move here: `message` is the record it will get */
    INTENT_EXPUNGE,    /* the server is about to expunge what was deleted here: `from_…` */
};

struct index_intent {
    uint64_t id; /* assigned by index_intent_put when 0 */
    enum intent_kind kind;
    uint32_t uidvalidity; /* under which it was begun */
    uint32_t uidnext;     /* APPEND, COPY, MOVE: the server's UIDNEXT before; UIDs from here on are
                             looked at */
    int64_t begun_ms;     /* wall clock */
    int64_t looked_ms;    /* APPEND, COPY: when a complete look first found nothing; 0: not yet */
    struct index_message message; /* mailbox, base, sizes, digests, flags; uid where it is known */
    uint32_t from_mailbox,
        from_uid; /* COPY, EXPUNGE and the MOVEs: the original's; uid 0: it has no record */
};
int index_intent_put(struct index_txn *txn, struct index_intent *intent, struct error *err);
/* Whether the original is about to be expunged: it was deleted here, or is that of a move in steps
 * whose copy is known; `message` has the copy's UID then, and no base name any more. */
bool index_intent_expunges(const struct index_intent *intent);
int index_intent_delete(struct index_txn *txn, uint64_t id, struct error *err);
/* All in order: start with *cursor = 0. 1 found, 0 at the end, negative on error. */
int index_intent_next(struct index_txn *txn, struct arena *arena, uint64_t *cursor,
                      struct index_intent *out, struct error *err);

/* ---- held (index_misc.c) ---- */

enum held_kind {
    HELD_DOWNLOAD,      /* cannot be fetched or stored */
    HELD_UPLOAD,        /* cannot be sent */
    HELD_DELETE_LOCAL,  /* gone on the server; the guard keeps the file */
    HELD_DELETE_REMOTE, /* gone here; the guard keeps the message on the server */
};

/* What a person said to it. */
enum held_answer {
    HELD_UNANSWERED,
    HELD_APPROVED, /* the next pass does it */
    HELD_KEPT,     /* not to be done: the next pass brings back what is gone on one side */
};

/* As retry_ms: not before a person says so. */
#define HELD_UNTIL_TOLD INT64_MAX

struct index_held {
    uint64_t id;
    enum held_kind kind;
    uint32_t mailbox;
    uint32_t uid; /* 0 for HELD_UPLOAD */
    struct str base;
    struct str reason; /* one line for a person */
    int64_t since_ms;  /* wall clock */
    int64_t retry_ms;  /* not before; 0: at once */
    uint32_t tries;
    enum held_answer answer;
};
int index_held_put(struct index_txn *txn, struct index_held *held, struct error *err);
int index_held_delete(struct index_txn *txn, uint64_t id, struct error *err);
int index_held_next(struct index_txn *txn, struct arena *arena, uint64_t *cursor,
                    struct index_held *out, struct error *err);

/* ---- events: what was done, bounded to the last 10,000 (index_misc.c) ---- */

struct index_event {
    uint64_t id;
    int64_t time_ms;
    struct str mailbox; /* UTF-8 name */
    uint32_t uid;       /* 0 if none */
    struct str what;    /* "downloaded", "uploaded", "flags to local", … */
    struct str why;
    struct str base;
    struct str from;      /* UTF-8 name of the mailbox that a move came out of; else empty */
    struct str from_base; /* of the file there, where the move gave it another name; else empty */
    uint8_t flags;        /* of the file, enum maildir_flag bits */
};
int index_event_add(struct index_txn *txn, const struct index_event *event, struct error *err);
/* Newest first, up to `max`; called for each until it returns false. */
int index_event_list(struct index_txn *txn, size_t max,
                     bool (*found)(void *self, const struct index_event *event), void *self,
                     struct error *err);
