#pragma once
/* Flags that a message was sent with and lost: some servers keep none, or not all, of those that
 * APPEND brings, but do keep what STORE sets. */
#include "pass/pass.h"

/* An upload, as its record has it. */
struct appended {
    uint32_t uid;
    struct index_flags flags;
};
VEC_STRUCT(appended_vec, struct appended);

/*
 * Asks for the flags of those of `list`, all of `pair`, that have a kind of flag (each system flag
 * is one, all keywords are one) that this server was not yet seen to keep; what was seen is
 * remembered. What a message lacks goes from its record: for the next pass it is a change made
 * here, and stored. 0 also if the server does not tell.
 */
int appended_check(struct pass *pass, struct mailbox_pair *pair, const struct appended_vec *list,
                   struct error *err);
