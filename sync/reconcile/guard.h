#pragma once
/* The guard against large deletions (law 11): pure. */
#include "base/buf.h"
#include "reconcile/model.h"
#include "reconcile/reconcile.h"

/* One earlier lot of deletions, for the sliding hour. */
struct guard_event {
    int64_t time_ms; /* wall clock */
    uint32_t mailbox;
    uint32_t count;
};
VEC_STRUCT(guard_events, struct guard_event);

#define GUARD_WINDOW_MS (60 * 60 * 1000)

/* Drops events that left the window. Those in the future of a clock that was set back count as of
 * now: setting it back must not open a gap. */
void guard_forget_old(struct guard_events *events, int64_t now_ms);

/*
 * Moves deletions that must wait for a person from each mailbox's operations to its `held` list.
 * `earlier` is what earlier runs held and listed: with `approve` exactly these pass.
 */
void guard_apply(struct plan *plan, const struct config_guard *guard,
                 const struct guard_events *events, const struct held_list *earlier, bool approve,
                 int64_t now_ms);

/* Fills in what the plan's mailboxes are not all of: for the part of the account that is deleted.
 * The plan's mailboxes come in the order of the pairs. */
void guard_count_elsewhere(const struct pair_vec *pairs, const struct guard_events *events,
                           struct plan *plan);

/* The text form in which the index keeps the window. */
void guard_events_write(const struct guard_events *events, struct buf *out);
bool guard_events_read(struct str text, struct guard_events *out);
