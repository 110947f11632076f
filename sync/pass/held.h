#pragma once
/*
 * Messages that are held: what is wrong with them, and when they are tried again, stands in the
 * index. One entry a message: of `what`, kind, reason, and UID or (HELD_UPLOAD) base name count.
 */
#include "pass/pass.h"

/* Holds a message of `pair`. It is tried again after a delay that grows; with `at_once` the first
 * time without one (the connection broke, which may be the message's fault). */
int held_add(struct pass *pass, struct mailbox_pair *pair, const struct index_held *what,
             bool at_once, struct error *err);
/* What cannot be fetched: the index knows it from now on by its UID. */
int held_add_download(struct pass *pass, struct mailbox_pair *pair, uint32_t uid, bool at_once,
                      const char *reason, struct error *err);

/* Drops the entry if there is one: of this mailbox, kind, and UID or base name. */
int held_drop(struct index_txn *txn, const struct index_held *what, struct error *err);
/* The same of an upload. */
int held_drop_upload(struct index_txn *txn, uint32_t mailbox, struct str base, struct error *err);

/* Whether the connection broke, rather than being given up by us: then what was under way is
 * suspect. */
bool held_is_suspect(const struct error *err);
