#pragma once
/* Messages from one mailbox of the server to another, by the server. */
#include "apply/apply.h"

enum relocation_outcome {
    RELOCATION_DUE,     /* not answered */
    RELOCATED,          /* the server says so */
    RELOCATION_REFUSED, /* NO or BAD: it is where it was */
};

struct relocated {
    uint32_t uid; /* in `from` */
    /* INTENT_MOVE or INTENT_COPY; its message is the record to be, without UID; without a base name
     * (to \Trash) there is none, and the next survey finds the message. */
    struct index_intent intent;
    enum relocation_outcome outcome;
    uint32_t to_uid;  /* 0: not known */
    bool expunged;    /* was seen to go from `from` */
    bool file_marked; /* the file in `to` is marked as deleted itself */
    bool has_mark;    /* out: of a copy: its original was marked, which went along */
};

struct relocation {
    struct mailbox_pair *from, *to; /* `to` may be one that is not synced: without a record */
    bool moves;                     /* else copies */
    struct relocated *items;        /* each UID once */
    size_t len;
    size_t done; /* out: how many are there, and known */
};

/* Records, asks the server and settles. What it refuses is an error of the mailbox. */
int apply_relocate(struct pass *pass, struct relocation *relocation, struct error *err);
