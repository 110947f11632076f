#pragma once
/*
 * One mailbox being opened: SELECT, with the FETCH that its means asks for sent along, and the
 * delta that the answers make. How often, and with which others, is for remote_open.c to say.
 */
#include "pass/pass.h"

struct opening {
    struct mailbox_pair *pair;
    enum survey_means means;
    struct client_select select;
    bool apart; /* its listing goes by slices, after the SELECT */
    struct client_fetch fetch;
    struct arena *arena;    /* of the fetch; NULL: none under way */
    uint32_t asked_to;      /* the last UID that the fetch asks for */
    bool heard;             /* the answers were taken: what follows is set */
    bool selected;          /* the SELECT was answered OK */
    struct remote_vec seen; /* what the answers tell of messages */
    struct error failed;    /* what of them failed first */
};

/* ---- asking (opening.c) ---- */

/* The cheapest means by which the server tells what changed since the marks. */
enum survey_means opening_means(const struct pass *pass, const struct mailbox_pair *pair);
/* The UIDNEXT that is known before the mailbox is opened; 0: none. */
uint32_t opening_uidnext(const struct mailbox_pair *pair);
/* Sends what `pair`, `means` and `apart` of it ask for; where it is to be listed apart, the SELECT
 * alone. */
int opening_begin(struct pass *pass, struct opening *o, struct error *err);
/* Takes the answers to SELECT, and to the FETCH sent with it; what failed is in `failed`. */
void opening_hear(struct pass *pass, struct opening *o);
/* What was begun is ended also on the way out: the client still knows the handles. */
void opening_abandon(struct pass *pass, struct opening *o);
void opening_free(struct opening *o);

/* ---- what the answers say (opening_judge.c) ---- */

/* Holds what was heard against what is known of the mailbox, and fills the pair's delta. An error
 * is that of the answers, or says that the mailbox cannot be synced. */
int opening_judge(struct pass *pass, struct opening *o, struct error *err);
