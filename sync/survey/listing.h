#pragma once
/*
 * The plain listing of a mailbox: every UID with its flags. A large one is asked for in ranges of
 * UIDs with explicit ends, two in flight, each compared with the index when it is complete: what is
 * held at a time does not grow with the mailbox, but for what is new or changed in it.
 */
#include "pass/pass.h"

/* UIDs beyond the last known UIDNEXT that are asked for too: what arrives meanwhile. */
#define LISTING_ROOM 1000

/* How many messages are asked for at a time. */
uint32_t listing_slice(const struct pass *pass);

/* Appends to `out` what a response tells of a message; nothing where UID or flags are missing. */
int listing_take(struct pass *pass, const struct fetch_data *data, struct remote_vec *out,
                 struct error *err);

/* Everything that a FETCH of UID and FLAGS tells, appended to `out`; ends and frees the fetch. Its
 * arena is emptied after each message. */
int listing_read(struct pass *pass, struct client_fetch *fetch, struct remote_vec *out,
                 struct error *err);

/* Ascending, each UID once: of several answers for one UID the last told counts. */
void listing_sort(struct remote_vec *v);

/* Whether what is new is fetched whatever it is: there is neither a limit to judge it by, nor a
 * file here that it may be. Of a million such messages only a range of UIDs is kept. */
bool listing_is_fetched_anyhow(const struct mailbox_pair *pair);
/* The index does not know the message: it goes to `plain` or `fresh` of the pair's delta. */
void listing_note_fresh(struct mailbox_pair *pair, const struct remote_message *message);

/* `seen`, sorted, is every message with a UID in `range`: what the index has there beyond it is
 * added to `gone` of the pair's delta, other flags to `changed`, what it does not know to `fresh`
 * or `plain`. */
int listing_compare(struct pass *pass, struct mailbox_pair *pair, const struct remote_vec *seen,
                    struct seq_range range, struct error *err);

/* Lists the selected mailbox in slices and compares each. Of UIDs that were given out since the
 * SELECT nothing is asked. *listed_out: how many messages there were. */
int listing_in_slices(struct pass *pass, struct mailbox_pair *pair, const struct select_data *data,
                      uint64_t *listed_out, struct error *err);
