#pragma once
/*
 * A session's view of its selected mailbox: which message has which number, and what the client has
 * been told. The mailbox may change at any time through other sessions; the view changes only in
 * tracker_sync, which tells the client about it (RFC 9051 section 7.5).
 */
#include "base/vec.h"
#include "imap/acl.h"
#include "imap/seqset.h"
#include "server/backend.h"

struct session;

struct tracker {
    struct backend_mailbox *mailbox; /* NULL: none selected */
    char *name;                      /* the backend's */
    struct acl_rights rights;
    bool read_only;
    VEC(uint32_t) uids;   /* by sequence number - 1 */
    struct seqset recent; /* UIDs that this session is the first to be told of */
    uint64_t modseq;      /* the view holds everything up to it */
    VEC(uint32_t) gone;   /* expunged but not told yet; ascending once sorted */
    VEC(uint32_t) told;   /* flags told or silenced by the command under way; ascending */
};

/* A run of messages in the view: indices begin <= i < end. */
struct tracker_range {
    uint32_t begin, end;
};
struct tracker_ranges {
    struct tracker_range *items; /* in the arena */
    size_t len;
};

/* Takes over `mailbox` and loads the view; `name` is copied. */
void tracker_open(struct tracker *t, const struct backend_ops *ops, struct backend_mailbox *mailbox,
                  const struct backend_mailbox_info *info, struct str name, bool read_only);
void tracker_close(struct tracker *t, const struct backend_ops *ops);
/* The message at an index of the view; false if another session has expunged it. */
bool tracker_message(const struct tracker *t, const struct backend_ops *ops, uint32_t index,
                     struct backend_message *out);
/* Its index; false when the view does not have it. */
bool tracker_index(const struct tracker *t, uint32_t uid, uint32_t *out);
/* The messages that `set` names, each once, ascending; `*` is the last. False for sequence numbers
 * beyond the view. */
bool tracker_resolve(const struct tracker *t, const struct seqset *set, bool uid,
                     struct arena *arena, struct tracker_ranges *out);
/* Messages up to the view's last that no session was told of are \Recent in this one. */
void tracker_take_recent(struct tracker *t, const struct backend_ops *ops);
/* Of the view. */
uint32_t tracker_count_recent(const struct tracker *t);
/* The client knows this message's flags, or does not want to. */
void tracker_told(struct tracker *t, uint32_t uid);
/* Tells what has changed, of `events` (enum notify_event): EXPUNGE or VANISHED (unless withheld),
 * EXISTS, FETCH. Without MessageNew the view stays as it is. Negative when the mailbox is gone. */
int tracker_sync(struct session *s, unsigned events, bool may_expunge, bool with_uid,
                 struct error *err);
