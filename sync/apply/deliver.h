#pragma once
/*
 * Durable batches of deliveries.
 *
 * A message goes through: written to tmp/ → its data on stable storage → an intent in the index →
 * renamed into place → the directory on stable storage → its record in the index. Each arrow must
 * not be overtaken by the next (laws 2 and 3), and each disk flush costs milliseconds, so the steps
 * of two neighbouring batches share them: one flush makes the data of batch n and the renames of
 * batch n-1 durable, one commit writes the records of n-1 and the intents of n. Two flushes a
 * batch, whatever its size. Batches are in the order of UIDs, as far as what came allows.
 */
#include "pass/pass.h"

struct deliverer;

struct deliverer *deliverer_new(struct pass *pass);
/* Takes over `delivery`, which is finished; `record` (copied) is what the index will say; its base
 * name is made here. A full batch is turned over. */
int deliverer_add(struct deliverer *d, struct mailbox_pair *pair, struct maildir_delivery *delivery,
                  const struct maildir_delivered *delivered, const struct index_message *record,
                  struct error *err);
/* Everything added is in place and recorded. Called also on the way out after an error, so that
 * what was received is kept. */
int deliverer_finish(struct deliverer *d, struct error *err);
/* Drops what was not published. */
void deliverer_free(struct deliverer **d);
