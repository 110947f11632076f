#pragma once
/* The guard's sliding hour, kept in the index. */
#include "store/index.h"
#include "reconcile/guard.h"

int guard_load(struct index_txn *txn, int64_t now_ms, struct guard_events *out, struct error *err);
/* A mailbox got another number in the index. */
int guard_renumber(struct index_txn *txn, uint32_t from, uint32_t to, int64_t now_ms,
                   struct error *err);
/* Adds one lot of deletions, in the transaction that records them. */
int guard_note(struct index_txn *txn, uint32_t mailbox, uint32_t count, int64_t now_ms,
               struct error *err);
