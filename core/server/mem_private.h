#pragma once
/* What the files of the memory backend share. */
#include "base/vec.h"
#include "server/mem_backend.h"
#include <pthread.h>

/* A message's bytes, shared by its copies. */
struct mem_body {
    unsigned references;
    char email_id[34];  /* its content's digest */
    char thread_id[34]; /* the digest of the Message-ID that its thread began with */
    size_t len;
    char data[];
};

struct mem_message {
    uint32_t uid;
    uint64_t modseq;
    int64_t internal_date_s;
    int64_t save_date_s;
    struct imap_flags flags; /* keywords: an array of its own, of the mailbox's strings */
    struct mem_body *body;
};

struct mem_change {
    uint64_t modseq;
    uint32_t uid;
};

/* "-bob" takes rights away. */
struct mem_right {
    char *identifier;
    struct acl_rights rights;
};

struct mem_annotation {
    char *name; /* in lower case */
    char *value;
    size_t value_len;
};
VEC_STRUCT(mem_annotations, struct mem_annotation);

/* Lives until the last who has it open closes it, which may be after its removal. */
struct mem_mailbox {
    char *name;
    unsigned references;
    bool removed;
    bool noselect; /* only its children are there */
    uint32_t special_use;
    char id[24];
    uint32_t uidvalidity;
    uint32_t uidnext;
    uint32_t recent; /* the lowest UID that no session was told of as \Recent */
    uint64_t highestmodseq;
    VEC(struct mem_message *) messages; /* ascending by UID */
    VEC(struct mem_change) changes;   /* ascending by modseq; outdated ones are dropped at times */
    struct backend_expunges expunged; /* ascending by modseq */
    uint64_t forgotten;               /* expunges up to this modseq are not in there */
    VEC(struct str) keywords;
    struct arena *keyword_texts;
    VEC(struct mem_right) rights; /* besides the owner's own, unless he is named */
    struct mem_annotations annotations;
};

struct mem_mailbox *mem_mailbox_new(const char *name, uint32_t uidvalidity, uint64_t id);
/* With all that is in it, but for rights and annotations. */
struct mem_mailbox *mem_mailbox_copy(const struct mem_mailbox *m);
void mem_mailbox_retain(struct mem_mailbox *m);
void mem_mailbox_release(struct mem_mailbox **m);

/* NULL if there is none. */
struct mem_message *mem_mailbox_find(const struct mem_mailbox *m, uint32_t uid);
/* Takes over a reference to `body`. ERR_REFUSED when there are too many keywords. */
int mem_mailbox_add(struct mem_mailbox *m, struct mem_body *body, const struct imap_flags *flags,
                    int64_t internal_date_s, int64_t save_date_s, uint32_t *uid_out,
                    struct error *err);
int mem_mailbox_set_flags(struct mem_mailbox *m, struct mem_message *message,
                          const struct imap_flags *flags, struct error *err);
/* `uids` ascending. */
void mem_mailbox_expunge(struct mem_mailbox *m, const uint32_t *uids, size_t len);
void mem_mailbox_changed(const struct mem_mailbox *m, uint64_t since, struct arena *arena,
                         uint32_t **out, size_t *len_out);
/* Moves all messages to `to` under new UIDs; both keep their modseqs going up. */
int mem_mailbox_move_all(struct mem_mailbox *from, struct mem_mailbox *to, struct error *err);
void mem_mailbox_fill(const struct mem_message *message, struct backend_message *out);

struct mem_body *mem_body_new(struct str bytes);

/* ---- a user's mailboxes (mem_user.c) ---- */

/* The resources that a quota may limit. */
enum mem_resource { MEM_STORAGE, MEM_MESSAGE, MEM_MAILBOX, MEM_ANNOTATION_STORAGE, MEM_RESOURCES };

struct mem_user {
    char *name;
    char *password;
    char *token;                         /* NULL: none */
    VEC(struct mem_mailbox *) mailboxes; /* in order of name */
    VEC(char *) subscriptions;
    uint32_t *last_uidvalidity; /* the backend's */
    uint64_t *last_id;
    bool limited[MEM_RESOURCES];
    uint64_t limits[MEM_RESOURCES];
    struct mem_annotations annotations; /* of the server, private to the user */
};

struct mem_backend {
    const struct clock *clock;
    pthread_mutex_t mutex;
    VEC(struct mem_user *) users;
    uint32_t last_uidvalidity;
    uint64_t last_id;
    uint64_t revision;
    struct mem_annotations annotations; /* of the server, shared by all */
};

struct backend_user {
    struct mem_backend *backend;
    struct mem_user *user;
};

struct backend_mailbox {
    struct mem_backend *backend;
    struct mem_user *user;
    struct mem_mailbox *mailbox;
};

#define MEM_DELIMITER '/'

struct mem_user *mem_user_new(const char *name, const char *password, uint32_t *last_uidvalidity,
                              uint64_t *last_id);
void mem_user_free(struct mem_user **user);
/* NULL if there is none; also gives those that cannot be selected. */
struct mem_mailbox *mem_user_find(const struct mem_user *user, struct str name);
/* ERR_NOT_FOUND, also for those that cannot be selected. */
int mem_user_open(const struct mem_user *user, struct str name, struct mem_mailbox **out,
                  struct error *err);
/* What stands above it is made too. */
int mem_user_create(struct mem_user *user, struct str name, uint32_t special_use,
                    struct error *err);
int mem_user_remove(struct mem_user *user, struct str name, struct error *err);
int mem_user_rename(struct mem_user *user, struct str from, struct str to, struct error *err);
void mem_user_subscribe(struct mem_user *user, struct str name, bool on);
/* Replaces the mailbox by one of the same name and messages, under a new UIDVALIDITY. */
int mem_user_renumber(struct mem_user *user, struct str name, struct error *err);
void mem_user_list(const struct mem_user *user, struct arena *arena,
                   struct backend_list_entry **out, size_t *len_out);

/* ---- the tables beside (mem_acl.c, mem_quota.c, mem_metadata.c) ---- */

extern const struct backend_acl_ops mem_acl_ops;
extern const struct backend_quota_ops mem_quota_ops;
extern const struct backend_metadata_ops mem_metadata_ops;

void mem_rights_free(struct mem_mailbox *m);
/* As a new mailbox begins: with those of what it stands below. */
void mem_rights_inherit(struct mem_mailbox *m, const struct mem_mailbox *parent);
void mem_annotations_free(struct mem_annotations *annotations);
/* Octets of names and values. */
uint64_t mem_annotations_size(const struct mem_annotations *annotations);
/* Whether so much more may come; else ERR_REFUSED with OVERQUOTA. */
int mem_quota_check(const struct mem_user *user, enum mem_resource resource, uint64_t more,
                    struct error *err);
/* The same of a message: its octets, and one. */
int mem_quota_check_message(const struct mem_user *user, uint64_t octets, struct error *err);
