#pragma once
/*
 * Messages that are here get a name in another folder: what the server moved by a rename, what
 * stands in several mailboxes by a link. For PLACE_BATCH of them at a time an intent each, the
 * files, a flush, the records. A name in its new folder is a new one, so that nothing there can be
 * in its way, and so that an intent tells without doubt whether it was given.
 */
#include "survey/file_finder.h"
#include "apply/apply.h"

#define PLACE_BATCH 512

struct placing {
    const struct move *move;
    const struct maildir_file *file; /* as it is in `from` */
    struct index_intent intent;      /* its message is the record to be */
    struct str letters;              /* of the new name */
    bool done;
};

struct placer {
    struct pass *pass;
    struct mailbox_plan *from, *to;
    struct file_finder finder; /* in `from` */
    struct placing batch[PLACE_BATCH];
    size_t len;
};

struct place_ops {
    enum move_kind kind;
    /* Finds the file, and says by place_describe() what is to become of it. 1; 0 where it is
     * nothing for us, and that was noted. */
    int (*add)(struct placer *p, const struct move *move, struct placing *out, struct error *err);
    /* Gives the batch its names, sets `done`, and flushes. */
    int (*place)(struct placer *p, struct error *err);
    /* Records one that is done. */
    int (*record)(struct placer *p, struct index_txn *txn, const struct placing *done,
                  struct error *err);
};

/* The record of a message to be in `to`, made of `source`, that of its file, which is set already.
 * `letters` and `keywords`: what the file's name tells, and what it does not. */
int place_describe(struct placer *p, struct placing *b, const struct index_message *source,
                   struct str letters, const struct index_flags *keywords, struct error *err);

/* All moves of the kind that wait for a file of this pass (`late`), or those that do not. What
 * fails in a mailbox is noted there. */
int apply_place(struct pass *pass, struct plan *plan, const struct place_ops *ops, bool late,
                struct error *err);
