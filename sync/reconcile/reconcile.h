#pragma once
/* What becomes of each message of a mailbox: pure, driven by the table in cases.h. */
#include "reconcile/model.h"

/* The index's records of the UIDs that either side reports, ascending by UID. */
struct record_list {
    const struct index_message *items;
    size_t len;
};

/* What cannot be tried now: the index holds it until a later time. Of one mailbox; held_sort puts
 * it in order. */
struct held_list {
    const struct index_held *items;
    size_t len;
};
void held_sort(struct index_held *items, size_t len);

/*
 * Fills `plan` (whose pair is set) from the pair's deltas and the records. Everything it points to
 * is borrowed from them; each list of records is ascending by UID. `now_ms` decides which held
 * messages are due again.
 */
void reconcile(const struct record_list *records, const struct held_list *held, int64_t now_ms,
               struct mailbox_plan *plan);

/* What the policy says of a change on the server, and of one here. */
bool carried_to_local(enum direction direction);
bool carried_to_remote(enum direction direction);

/* Makes it the record of a message that was removed here and stays on the server; its flags there.
 */
void reconcile_leave_there(const struct mailbox_pair *pair, struct operation *agree,
                           struct index_flags there, const char *why);

void operations_sort(struct operation_vec *ops);
/* Of a list ascending by UID; NULL: it has none with this one. */
struct operation *operations_find(const struct operation_vec *ops, uint32_t uid);
/* Takes those out that are marked so (`is_out`); the others keep their order. */
void operations_sweep(struct operation_vec *ops);
/* What the plan knows no more of than the UID becomes downloads as any other: it may turn out to be
 * something else than that. */
void operations_take_apart(struct mailbox_plan *plan);
