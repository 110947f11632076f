#pragma once
/*
 * Uploads to one mailbox, as apply_upload.c batches them: what one message is on its way, and what
 * becomes of it.
 *
 * What the server refuses is held with its words. Where keywords may be the reason, the message is
 * sent once more without them; the next pass finds the file's keywords new and stores them apart.
 * Before anything refused is sent again it is looked for, too: some servers say NO to what they
 * did.
 */
#include "survey/locate.h"
#include "apply/appended.h"
#include "apply/apply.h"

enum upload_outcome {
    UPLOAD_UNKNOWN,  /* the answer did not come, or told no UID: to be looked for */
    UPLOAD_STORED,   /* uid is known */
    UPLOAD_REFUSED,  /* the server's NO or BAD: held */
    UPLOAD_NOT_SENT, /* did not happen */
};

struct upload {
    const struct operation *op;
    struct maildir_message *message;
    struct append_source source;
    struct index_intent intent;
    struct client_append handle;
    bool begun;
    bool with_keywords;
    enum upload_outcome outcome;
    struct error refusal;
};

VEC_STRUCT(upload_vec, struct upload *);

/* What becomes of an upload that is not found by looking. */
struct unfound {
    bool refused;                     /* it did not happen; else its intent stays, for recovery */
    const struct operation *keywords; /* refused, maybe for its keywords: to be sent without */
};

struct uploader {
    struct pass *pass;
    struct mailbox_pair *pair;
    struct upload_vec filling; /* opened, not yet sent */
    uint64_t filling_bytes;
    struct upload_vec flying;            /* sent; the oldest first */
    VEC(struct lost_append) unknown;     /* to be looked for: refused, or the server told no UID */
    VEC(struct unfound) unfound;         /* of each of them */
    VEC(const struct operation *) again; /* refused, maybe for their keywords */
    bool bare;                           /* sending without keywords */
    uint64_t limit;                      /* APPENDLIMIT of the mailbox; 0: none told */
    struct appended_vec stored;          /* in this mailbox, with flags */
    struct seqset told;                  /* UIDs that answers told in this mailbox */
    struct error vanished;               /* the mailbox is no longer there */
    uint64_t done, total;
};

/* ---- one message (upload.c) ---- */

/* Opens the file of an operation, and appends it to `filling`. What cannot be sent is held; what
 * changed since the survey waits for the next pass. */
int upload_add(struct uploader *u, const struct operation *op, struct error *err);
void upload_free(struct upload *up);
/* Sends its APPEND; the file is closed afterwards. An error concerns the connection: a refusal is
 * an outcome. */
int upload_send(struct uploader *u, struct upload *up, struct error *err);
/* The answer is here, or none will come: upload_end does not wait. */
bool upload_is_answered(const struct upload *up);
/* Takes its answer, and sets its outcome. An error concerns the connection. */
int upload_end(struct uploader *u, struct upload *up, struct error *err);
/* Its file is left alone, for this reason, as held_add() has it. */
int upload_hold(struct uploader *u, const struct operation *op, bool at_once, const char *reason,
                struct error *err);

/* ---- what becomes of them (upload_settle.c) ---- */

/* Commits what became of the oldest `len` in flight, and lets go of them: into `stored`, `unknown`
 * or `again`, held, or left for the next pass. */
int upload_settle(struct uploader *u, size_t len, struct error *err);
/* Looks for those in `unknown`, and empties it: stored though no UID was told, or though they were
 * refused. */
int upload_locate(struct uploader *u, struct error *err);
