#pragma once
/*
 * What an IMAP server session needs of a mail store: a vtable of about twenty operations. All calls
 * are made from one thread at a time per backend (the backend locks where several sessions run).
 * Names are in UTF-8 with the backend's delimiter. Errors: ERR_NOT_FOUND, ERR_EXISTS, ERR_REFUSED
 * (with the words for the client) become NO; anything else NO [SERVERBUG].
 */
#include "base/arena.h"
#include "imap/fetch.h"
#include "imap/list.h"
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
};

struct backend_mailbox_info {
    uint32_t uidvalidity;
    uint32_t uidnext;
    uint64_t highestmodseq;
    struct str mailboxid;
    uint32_t messages;
};

struct backend_expunged {
    uint32_t uid;
    uint64_t modseq;
};

struct backend_ops {
    char delimiter;
    /* A user on good credentials: ERR_AUTH otherwise. */
    int (*login)(void *self, struct str user, struct str password, struct backend_user **out,
                 struct error *err);
    void (*logout)(void *self, struct backend_user *user);
    /* All mailboxes, in order of name. */
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
    int (*info)(struct backend_mailbox *mailbox, struct backend_mailbox_info *out,
                struct error *err);
    /* The messages, ascending by UID: the `index`th, or false beyond the end. */
    bool (*message)(struct backend_mailbox *mailbox, uint32_t index, struct backend_message *out);
    /* A message's bytes, borrowed until the mailbox is changed. */
    int (*body)(struct backend_mailbox *mailbox, uint32_t uid, struct str *out, struct error *err);
    /* Adds a message; sets *uid_out. */
    int (*append)(struct backend_mailbox *mailbox, struct str message,
                  const struct imap_flags *flags, int64_t internal_date_s, uint32_t *uid_out,
                  struct error *err);
    /* Replaces the flags of one message; a new modseq. */
    int (*set_flags)(struct backend_mailbox *mailbox, uint32_t uid, const struct imap_flags *flags,
                     struct error *err);
    int (*copy)(struct backend_mailbox *from, uint32_t uid, struct backend_mailbox *to,
                uint32_t *uid_out, struct error *err);
    int (*expunge)(struct backend_mailbox *mailbox, uint32_t uid, struct error *err);
    /* UIDs expunged with a modseq above `since`, in `arena`; *complete_out false when the memory
     * does not reach so far back. */
    int (*expunged)(struct backend_mailbox *mailbox, uint64_t since, struct arena *arena,
                    struct backend_expunged **out, size_t *len_out, bool *complete_out,
                    struct error *err);
    /* Goes up with every change of any mailbox: a session looks for news only when it moved. */
    uint64_t (*revision)(void *self);
};

struct backend {
    const struct backend_ops *ops;
    void *self;
};
