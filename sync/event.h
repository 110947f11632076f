#pragma once
/* What was done, for `log`, `explain` and `undo`: noted in the commit that records it. */
#include "sync/pass.h"

/* The words for what was done. `undo` and scripts read them. */
#define EVENT_DOWNLOADED "downloaded"
#define EVENT_LINKED "linked"
#define EVENT_UPLOADED "uploaded"
#define EVENT_FLAGS_LOCAL "flags changed here"
#define EVENT_FLAGS_REMOTE "flags changed on the server"
#define EVENT_MOVED_LOCAL "moved here"
#define EVENT_MOVED_REMOTE "moved on the server"
#define EVENT_DELETED_LOCAL "deleted here"
#define EVENT_DELETED_REMOTE "deleted on the server"
#define EVENT_PAIRED "paired"

/* `message` tells UID, file and flags; its mailbox is `pair`. */
int event_note(const struct pass *pass, struct index_txn *txn, const struct mailbox_pair *pair,
               const char *what, const struct index_message *message, const char *why,
               struct error *err);
/* Of a move, which came out of `from`. */
int event_note_move(const struct pass *pass, struct index_txn *txn, const struct mailbox_pair *from,
                    const struct mailbox_pair *to, const char *what,
                    const struct index_message *message, const char *why, struct error *err);
/* Of many messages of a mailbox at once. */
int event_note_count(const struct pass *pass, struct index_txn *txn,
                     const struct mailbox_pair *pair, const char *what, size_t count,
                     const char *why, struct error *err);
