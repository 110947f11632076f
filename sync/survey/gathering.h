#pragma once
/*
 * What the messages of one mailbox hold, on both sides, and which of them are the same.
 *
 * Three sources tell: a message's record, where the record still holds; the server, by the header;
 * the file, by a read. They are asked in this order, and only for what found no partner yet, so
 * that a Maildir that is merely a little older costs no reading at all.
 */
#include "reconcile/foreign.h"
#include "reconcile/pairing.h"
#include "pass/pass.h"

struct candidate {
    struct maildir_file *file;          /* NULL: a ghost */
    const struct index_message *record; /* NULL: none */
    struct digest body, stored_body;    /* where the file was read */
    bool unreadable, gone;
};

struct gathering {
    struct pass *pass;
    struct mailbox_pair *pair;
    struct arena *arena;           /* the pass's */
    bool same_uids;                /* the records' UIDs are still the server's */
    VEC(struct index_message) old; /* ascending by UID */
    struct strmap *old_by_base;    /* → struct index_message * of `old` */
    bool *old_has_file;            /* per old record */
    VEC(struct index_held) old_held;
    VEC(struct index_intent) old_intents;
    struct foreign_state foreign;

    struct pairing_file *files;
    size_t files_len;
    struct candidate *candidates;     /* what stands behind each of `files` */
    struct pairing_message *messages; /* one for each of remote.fresh */
    size_t messages_len;
    int64_t *dates;                 /* per message; 0: not known */
    VEC(struct index_message) kept; /* of files whose message is gone: they stay as they are */
};

/* Fills everything but what the caller sets: pass, pair, arena, same_uids. */
int gathering_run(struct gathering *g, struct error *err);
void gathering_free(struct gathering *g);
/* Whether a record knows its message's digests. */
bool gathering_has_digest(const struct index_message *record);
