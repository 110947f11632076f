#pragma once
/* What the files of the Maildir backend share. */
#include "base/vec.h"
#include "store/maildir.h"
#include "store/serve_backend.h"
#include <pthread.h>

#define SERVE_DELIMITER '/'

/* A message of a mailbox: a file, and what the log knows of it. */
struct serve_message {
    uint32_t uid;
    uint64_t modseq;
    uint64_t size; /* on the wire */
    int64_t date_s;
    int64_t saved_s;
    char email_id[34];
    char *base;
    char *file_name;
    bool in_new;
    uint8_t flags;          /* enum maildir_flag */
    char *letters;          /* that are no flags */
    char *keywords;         /* separated by spaces */
    struct imap_flags told; /* of all that; its array is the message's, the strings are not */
    bool present;           /* seen by the scan under way */
};

/* Lives until the last who has it open closes it, which may be after its removal. */
struct serve_mailbox {
    const struct maildir *md;
    const struct clock *clock;
    uint64_t *revision; /* the backend's */
    char *path;         /* below the user's root */
    unsigned references;
    bool removed;
    int log_fd;           /* locked */
    bool unsynced;        /* lines of the log */
    bool folder_unsynced; /* names in cur/ */
    uint32_t uidvalidity;
    uint32_t uidnext;
    uint64_t highestmodseq;
    VEC(struct serve_message *) messages; /* ascending by UID */
    struct backend_expunges expunged;     /* ascending by modseq */
    uint64_t forgotten;                   /* expunges up to this modseq are not in there */
    VEC(struct str) keywords;             /* all ever seen; strings in keyword_texts */
    struct arena *keyword_texts;
    char id[34];
    struct maildir_times times; /* of the last scan */
    bool settled;
    bool scanned;
    int64_t scanned_ms;
    struct buf body; /* of message body_uid; 0: none */
    uint32_t body_uid;
};

/* ---- the log (serve_log.c) ---- */

/*
 * `maildird-uids`, version 1: lines of words separated by one space; in words, bytes up to and with
 * the space, DEL and `%` are %XX, and a word that would be empty is `-`. Lines are added at the
 * end, and the later counts: a file that is seen again replaces what was said of its UID. A last
 * line without its line end was never finished, and does not count. Numbers are decimal.
 *
 *     maildird uids 1 UIDVALIDITY
 *     next UIDNEXT MODSEQ                 before a UID is given out or a modseq used
 *     message UID MODSEQ SIZE DATE SAVED EMAILID FLAGS BASE [KEYWORD…]
 *     expunged UID MODSEQ
 *     forgotten MODSEQ                    expunges up to it are told no more
 *
 * Each step's lines are on stable storage before the client hears of them. The file is written
 * anew, beside itself, when more than half of it is outdated.
 */

/* Opens, locks and reads, or begins with a UIDVALIDITY above `last_uidvalidity`. ERR_LOCKED:
 * another server has it. */
int serve_log_open(struct serve_mailbox *m, uint32_t *last_uidvalidity, struct error *err);
int serve_log_message(struct serve_mailbox *m, const struct serve_message *message,
                      struct error *err);
int serve_log_expunged(struct serve_mailbox *m, const struct backend_expunged *expunged,
                       struct error *err);
/* Makes durable what was renamed, removed and written. */
int serve_log_sync(struct serve_mailbox *m, struct error *err);

/* ---- a mailbox (serve_mailbox.c) ---- */

/* The folder must be there. */
int serve_mailbox_open(const struct maildir *md, const char *path, const struct clock *clock,
                       uint64_t *revision, uint32_t *last_uidvalidity, struct serve_mailbox **out,
                       struct error *err);
void serve_mailbox_release(struct serve_mailbox **m);
/* Looks at the folder, unless that was a moment ago; `now` looks anyway. */
int serve_mailbox_refresh(struct serve_mailbox *m, bool now, struct error *err);
/* NULL if there is none. */
struct serve_message *serve_mailbox_find(const struct serve_mailbox *m, uint32_t uid);
void serve_message_free(struct serve_message *message);
/* A message without anything but its UID, in its place; the same again if it is there. */
struct serve_message *serve_mailbox_add(struct serve_mailbox *m, uint32_t uid);
/* Forgets a message, which is not freed. */
struct serve_message *serve_mailbox_take(struct serve_mailbox *m, uint32_t uid);

int serve_mailbox_append(struct serve_mailbox *m, struct str bytes, const struct imap_flags *flags,
                         int64_t date_s, uint32_t *uid_out, struct error *err);
int serve_mailbox_set_flags(struct serve_mailbox *m, uint32_t uid, const struct imap_flags *flags,
                            struct error *err);
int serve_mailbox_expunge(struct serve_mailbox *m, uint32_t uid, uint64_t modseq,
                          struct error *err);
/* Borrowed until the next. */
int serve_mailbox_body(struct serve_mailbox *m, uint32_t uid, struct str *out, struct error *err);

/* ---- a user (serve_user.c) ---- */

struct serve_use {
    char *mailbox;
    uint32_t attributes; /* of LIST_SPECIAL_USE */
};

struct serve_user {
    char *name;
    char *password;
    struct maildir *md;
    const struct clock *clock;
    uint64_t *revision;
    uint32_t *last_uidvalidity;
    VEC(struct serve_mailbox *) open; /* by anybody; a mailbox that is removed leaves it */
    VEC(char *) subscriptions;
    VEC(struct serve_use) uses;
};

/* Makes what is not there of ROOT, and reads `maildird-mailboxes` in it, version 1: after the line
 * "maildird mailboxes 1" one each of "subscribed NAME" and "use ATTRIBUTE NAME". */
int serve_user_new(const char *root, const char *name, const char *password,
                   const struct clock *clock, uint64_t *revision, uint32_t *last_uidvalidity,
                   struct serve_user **out, struct error *err);
void serve_user_free(struct serve_user **user);
int serve_user_list(struct serve_user *user, struct arena *arena, struct backend_list_entry **out,
                    size_t *len_out, struct error *err);
int serve_user_create(struct serve_user *user, struct str name, uint32_t special_use,
                      struct error *err);
/* Its files go to ROOT/.maildird-removed, where nobody looks for mail. */
int serve_user_remove(struct serve_user *user, struct str name, struct error *err);
int serve_user_rename(struct serve_user *user, struct str from, struct str to, struct error *err);
int serve_user_subscribe(struct serve_user *user, struct str name, bool on, struct error *err);
/* Another reference to a mailbox that is open, or the first one. */
int serve_user_open(struct serve_user *user, struct str name, struct serve_mailbox **out,
                    struct error *err);
void serve_user_close(struct serve_user *user, struct serve_mailbox **mailbox);
