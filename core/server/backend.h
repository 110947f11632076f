#pragma once
/*
 * What an IMAP server session needs of a mail store: a vtable of about twenty operations, and small
 * tables beside it for what a store may lack: secrets, rights, quotas, annotations. Without a table
 * the session does not offer the extension. A session makes all its calls between lock and unlock,
 * so that what it borrows stays while it answers. Names are in UTF-8 with the backend's delimiter.
 * Errors: ERR_NOT_FOUND, ERR_EXISTS, ERR_REFUSED (with the words for the client) become NO;
 * anything else NO [SERVERBUG]; where response_code is set it is the code.
 */
#include "base/arena.h"
#include "base/vec.h"
#include "imap/acl.h"
#include "imap/fetch.h"
#include "imap/list.h"
#include "imap/metadata.h"
#include "imap/quota.h"
#include "imap/status.h"

struct backend_user;    /* one logged-in user's view; the backend's own */
struct backend_mailbox; /* an open mailbox; the backend's own */

struct backend_list_entry {
    struct str name;
    uint32_t attributes; /* enum list_attribute */
};

/* One message as FETCH, SEARCH and STORE see it. Borrowed until the mailbox is changed or closed.
 */
struct backend_message {
    uint32_t uid;
    struct imap_flags flags;
    uint64_t modseq;
    int64_t internal_date_s;
    uint64_t size;
    struct str email_id;
    struct str thread_id; /* empty: not known */
    int64_t save_date_s;  /* BACKEND_DATE_NONE: not known */
};

struct backend_mailbox_info {
    uint32_t uidvalidity;
    uint32_t uidnext;
    uint64_t highestmodseq;
    struct str mailboxid;
    uint32_t messages;
    const struct str *keywords; /* known in this mailbox; borrowed until it is changed */
    size_t keywords_len;
};

struct backend_expunged {
    uint32_t uid;
    uint64_t modseq;
};
VEC_STRUCT(backend_expunges, struct backend_expunged);

/* ERR_REFUSED where no mailbox can have this name: empty parts, control characters, too long. */
int backend_check_name(struct str name, char delimiter, struct error *err);
/* For backends that keep all of them, ascending by modseq: those above `since`, in `arena`. */
void backend_expunges_since(const struct backend_expunges *all, uint64_t since, struct arena *arena,
                            struct backend_expunged **out, size_t *len_out);

/* For append: the backend's clock tells the date. */
#define BACKEND_DATE_NOW INT64_MIN
#define BACKEND_DATE_NONE INT64_MAX

struct backend_ops {
    char delimiter;
    /* One session at a time, for the length of a step. */
    void (*lock)(void *self);
    void (*unlock)(void *self);
    /* A user on good credentials: ERR_AUTH otherwise. password.ptr NULL: the caller vouches for the
     * user (PREAUTH). */
    int (*login)(void *self, struct str user, struct str password, struct backend_user **out,
                 struct error *err);
    void (*logout)(void *self, struct backend_user *user);
    /* All mailboxes, in order of name, and with LIST_NONEXISTENT the names that are subscribed
     * without a mailbox. */
    int (*list)(struct backend_user *user, struct arena *arena, struct backend_list_entry **out,
                size_t *len_out, struct error *err);
    int (*create)(struct backend_user *user, struct str name, uint32_t special_use,
                  struct error *err);
    int (*remove)(struct backend_user *user, struct str name, struct error *err);
    int (*rename)(struct backend_user *user, struct str from, struct str to, struct error *err);
    int (*subscribe)(struct backend_user *user, struct str name, bool on, struct error *err);
    int (*open)(struct backend_user *user, struct str name, struct backend_mailbox **out,
                struct error *err);
    void (*close)(struct backend_mailbox *mailbox);
    /* ERR_NOT_FOUND when the mailbox was deleted or rebuilt since it was opened; every other call
     * on it then finds nothing. */
    int (*info)(struct backend_mailbox *mailbox, struct backend_mailbox_info *out,
                struct error *err);
    /* The messages, ascending by UID: the `index`th from 0, or false beyond the end. */
    bool (*message)(struct backend_mailbox *mailbox, uint32_t index, struct backend_message *out);
    /* The lowest UID of the messages that no session was told of as \Recent (RFC 3501 section
     * 2.3.2); with `take` the caller is, and they are no one else's. NULL: nothing is \Recent. */
    uint32_t (*recent)(struct backend_mailbox *mailbox, bool take);
    /* By UID, in less than linear time; false if there is none. */
    bool (*find)(struct backend_mailbox *mailbox, uint32_t uid, struct backend_message *out);
    /* UIDs of the messages with a modseq above `since`, ascending, in `arena`. */
    int (*changed)(struct backend_mailbox *mailbox, uint64_t since, struct arena *arena,
                   uint32_t **out, size_t *len_out, struct error *err);
    /* A message's bytes, borrowed until the mailbox is changed. */
    int (*body)(struct backend_mailbox *mailbox, uint32_t uid, struct str *out, struct error *err);
    /* Adds a message; sets *uid_out. */
    int (*append)(struct backend_mailbox *mailbox, struct str message,
                  const struct imap_flags *flags, int64_t internal_date_s, uint32_t *uid_out,
                  struct error *err);
    /* Replaces the flags of one message; a new modseq. */
    int (*set_flags)(struct backend_mailbox *mailbox, uint32_t uid, const struct imap_flags *flags,
                     struct error *err);
    /* With `moving` its original is expunged next, so that no quota stands in the way. */
    int (*copy)(struct backend_mailbox *from, uint32_t uid, struct backend_mailbox *to, bool moving,
                uint32_t *uid_out, struct error *err);
    /* Removes `len` messages; `uids` ascending, those not there are passed over. */
    int (*expunge)(struct backend_mailbox *mailbox, const uint32_t *uids, size_t len,
                   struct error *err);
    /* What was expunged with a modseq above `since`, in `arena`, ascending by modseq;
     * *complete_out false when the memory does not reach so far back. */
    int (*expunged)(struct backend_mailbox *mailbox, uint64_t since, struct arena *arena,
                    struct backend_expunged **out, size_t *len_out, bool *complete_out,
                    struct error *err);
    /* Goes up with every change of any mailbox: a session looks for news only when it moved. */
    uint64_t (*revision)(void *self);
    /* The present, in seconds since 1970. */
    int64_t (*now_s)(void *self);
};

/* What SASL needs. */
struct backend_auth_ops {
    /* The password in `out`; false if there is no such user. */
    bool (*password)(void *self, struct str user, struct buf *out);
    /* Whether the OAuth token is good for this user. */
    bool (*token)(void *self, struct str user, struct str token);
};

/* Rights (RFC 4314). Mailboxes that do not exist: ERR_NOT_FOUND. */
struct backend_acl_ops {
    /* All but out->mailbox, in `arena`. */
    int (*get)(struct backend_user *user, struct str mailbox, struct arena *arena, struct acl *out,
               struct error *err);
    /* Replaces the identifier's rights; none at all removes it. */
    int (*set)(struct backend_user *user, struct str mailbox, struct str identifier,
               struct acl_rights rights, struct error *err);
    /* The user's own. */
    int (*mine)(struct backend_user *user, struct str mailbox, struct acl_rights *out,
                struct error *err);
    /* What the identifier cannot be denied. */
    int (*required)(struct backend_user *user, struct str mailbox, struct str identifier,
                    struct acl_rights *out, struct error *err);
};

/* Quotas (RFC 9208). The backend itself keeps to them: response_code OVERQUOTA. */
struct backend_quota_ops {
    /* Those a mailbox belongs to, which need not exist yet. */
    int (*roots)(struct backend_user *user, struct str mailbox, struct arena *arena,
                 struct str_list *out, struct error *err);
    /* Resources with a limit alone. ERR_NOT_FOUND: there is no such root. */
    int (*get)(struct backend_user *user, struct str root, struct arena *arena, struct quota *out,
               struct error *err);
    /* Replaces all limits. ERR_REFUSED: a resource is not known. */
    int (*set)(struct backend_user *user, const struct quota *limits, struct error *err);
};

/* Annotations (RFC 5464). The mailbox "" is the server. */
struct backend_metadata_ops {
    /* All entries, in order of name; names in lower case. In `arena`. */
    int (*get)(struct backend_user *user, struct str mailbox, struct arena *arena,
               struct metadata *out, struct error *err);
    /* Sets one, or removes it. ERR_REFUSED: there are too many. */
    int (*set)(struct backend_user *user, struct str mailbox, const struct metadata_entry *entry,
               struct error *err);
};

struct backend {
    const struct backend_ops *ops;
    void *self;
    /* NULL: not there. */
    const struct backend_auth_ops *auth;
    const struct backend_acl_ops *acl;
    const struct backend_quota_ops *quota;
    const struct backend_metadata_ops *metadata;
};
