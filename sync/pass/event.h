#pragma once
/* What was done, for `log`, `explain` and `undo`: noted in the commit that records it, and told to
 * whoever listens. */
#include "pass/event_words.h"
#include "pass/pass.h"

/* `message` tells UID, file and flags; its mailbox is `pair`. */
int event_note(const struct pass *pass, struct index_txn *txn, const struct mailbox_pair *pair,
               const char *what, const struct index_message *message, const char *why,
               struct error *err);
/* Where a message went; `from` NULL: it was nowhere before. */
struct event_way {
    const struct mailbox_pair *from, *to;
    struct str from_base; /* of the file there, where it got another name; else empty */
};
int event_note_move(const struct pass *pass, struct index_txn *txn, const struct event_way *way,
                    const char *what, const struct index_message *message, const char *why,
                    struct error *err);
/* Of a mailbox itself; `from`: what it was called before, or empty. Counted in the report, too. */
int event_note_mailbox(const struct pass *pass, struct index_txn *txn,
                       const struct mailbox_pair *pair, const char *what, struct str from,
                       const char *why, struct error *err);
/* Of many messages of a mailbox at once. */
int event_note_count(const struct pass *pass, struct index_txn *txn,
                     const struct mailbox_pair *pair, const char *what, size_t count,
                     const char *why, struct error *err);
