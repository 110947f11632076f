#pragma once
/*
 * What the first download of a large mailbox has still to bring.
 *
 * Before it begins, its UIDs are recorded together with the marks up to which the server has told
 * of everything: what a mark covers is held, or is recorded as to be fetched (law 4). A run that is
 * cut off is so followed by one that asks for what changed since, and not for a listing of all.
 */
#include "pass/pass.h"

/* Fills `unfetched` of the pairs that are surveyed next. Where it cannot be used, the mark that was
 * stored with it is forgotten for this pass, so that everything is listed. */
int unfetched_load(struct pass *pass, struct error *err);
/* What was new before the mark is still to be fetched, but for what vanished since: into the pair's
 * delta. */
void unfetched_take(struct mailbox_pair *pair, const struct seqset *vanished);
/* Records what is about to be fetched, and moves the marks, where it is worth it. */
int unfetched_store(struct pass *pass, const struct plan *plan, struct error *err);
/* The marks of the pair move: nothing is left to fetch. */
int unfetched_drop(struct pass *pass, struct index_txn *txn, const struct mailbox_pair *pair,
                   struct error *err);
