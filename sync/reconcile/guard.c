#include "reconcile/guard.h"

#include "imap/list.h"

#include <assert.h>

static const struct {
    enum operation_kind operation;
    enum held_kind held;
} DELETIONS[] = {{OP_DELETE_LOCAL, HELD_DELETE_LOCAL}, {OP_DELETE_REMOTE, HELD_DELETE_REMOTE}};

/* Deletions planned and done within the window, against the size when it began. */
struct tally {
    uint64_t deletions;
    uint64_t size;
};

void guard_forget_old(struct guard_events *events, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < events->len; i++) {
        struct guard_event event = events->items[i];
        if (event.time_ms > now_ms)
            event.time_ms = now_ms;
        if (now_ms - event.time_ms < GUARD_WINDOW_MS)
            events->items[kept++] = event;
    }
    events->len = kept;
}

static bool is_free(const struct mailbox_pair *pair)
{
    return (pair->attributes & (LIST_TRASH | LIST_JUNK)) != 0;
}

/* The loss of a message whose synced copy stays in another mailbox is none. */
static uint64_t planned(const struct mailbox_plan *plan)
{
    uint64_t count = 0;
    for (size_t k = 0; k < sizeof DELETIONS / sizeof DELETIONS[0]; k++) {
        const struct operation_vec *ops = &plan->ops[DELETIONS[k].operation];
        for (size_t i = 0; i < ops->len; i++)
            count += !ops->items[i].has_copy;
    }
    return count;
}

static struct tally tally_hour(const struct mailbox_pair *pair, const struct guard_events *events)
{
    struct tally t = {.size = pair->record.files};
    for (size_t i = 0; i < events->len; i++) {
        if (events->items[i].mailbox == pair->record.id) {
            t.deletions += events->items[i].count;
            t.size += events->items[i].count;
        }
    }
    return t;
}

static struct tally tally_mailbox(const struct mailbox_plan *plan,
                                  const struct guard_events *events)
{
    struct tally t = tally_hour(plan->pair, events);
    t.deletions += planned(plan);
    return t;
}

void guard_count_elsewhere(const struct pair_vec *pairs, const struct guard_events *events,
                           struct plan *plan)
{
    size_t at = 0;
    for (size_t i = 0; i < pairs->len; i++) {
        const struct mailbox_pair *pair = &pairs->items[i];
        if (at < plan->mailboxes.len && plan->mailboxes.items[at].pair == pair) {
            at++;
        } else if (pair->record.id != 0 && !is_free(pair)) {
            struct tally t = tally_hour(pair, events);
            plan->elsewhere_deleted += t.deletions;
            plan->elsewhere_size += t.size;
        }
    }
}

static bool too_many(const struct config_guard *guard, struct tally t)
{
    return t.deletions > guard->messages && t.deletions * 100 > t.size * guard->percent;
}

static bool trips(const struct config_guard *guard, const struct mailbox_plan *plan, struct tally t)
{
    if (planned(plan) == 0)
        return false;
    if (too_many(guard, t) || (t.size >= guard->all && t.deletions >= t.size))
        return true;
    return plan->pair->directory_gone ||
           (plan->pair->local.directory_replaced && t.deletions >= t.size);
}

/* `approve`: all that was held passes, else what a person answered so. */
static void find_approved(const struct held_list *earlier, uint32_t mailbox, enum held_kind kind,
                          bool approve, struct seqset *out)
{
    for (size_t i = 0; i < earlier->len; i++) {
        const struct index_held *h = &earlier->items[i];
        if (h->kind == kind && h->mailbox == mailbox && (approve || h->answer == HELD_APPROVED))
            seqset_add(out, h->uid);
    }
}

static void hold(struct mailbox_plan *plan, const struct held_list *earlier, bool approve,
                 const char *why)
{
    for (size_t k = 0; k < sizeof DELETIONS / sizeof DELETIONS[0]; k++) {
        struct operation_vec *ops = &plan->ops[DELETIONS[k].operation];
        AUTO_SEQSET struct seqset approved = {0};
        size_t kept = 0;
        find_approved(earlier, plan->pair->record.id, DELETIONS[k].held, approve, &approved);
        for (size_t i = 0; i < ops->len; i++) {
            struct operation op = ops->items[i];
            if (op.has_copy || seqset_contains(&approved, op.uid)) {
                ops->items[kept++] = op;
                continue;
            }
            op.why = why;
            vec_push(&plan->held, op);
        }
        ops->len = kept;
    }
}

static struct tally tally_account(const struct plan *plan, const struct guard_events *events)
{
    struct tally sum = {plan->elsewhere_deleted, plan->elsewhere_size};
    for (size_t i = 0; i < plan->mailboxes.len; i++) {
        const struct mailbox_plan *m = &plan->mailboxes.items[i];
        if (is_free(m->pair))
            continue;
        struct tally t = tally_mailbox(m, events);
        sum.deletions += t.deletions;
        sum.size += t.size;
    }
    return sum;
}

void guard_apply(struct plan *plan, const struct config_guard *guard,
                 const struct guard_events *events, const struct held_list *earlier, bool approve,
                 int64_t now_ms)
{
    if (!guard->on)
        return;
    for (size_t i = 0; i < events->len; i++)
        assert(now_ms - events->items[i].time_ms < GUARD_WINDOW_MS);
    bool account_trips = too_many(guard, tally_account(plan, events));
    for (size_t i = 0; i < plan->mailboxes.len; i++) {
        struct mailbox_plan *m = &plan->mailboxes.items[i];
        const struct config_sync *policy = m->pair->policy;
        const struct config_guard *own = policy != NULL ? &policy->guard : guard;
        if (is_free(m->pair) || !own->on)
            continue;
        if (trips(own, m, tally_mailbox(m, events)))
            hold(m, earlier, approve, "a large part of the mailbox would be deleted");
        else if (account_trips)
            hold(m, earlier, approve, "a large part of the account would be deleted");
    }
}

void guard_events_write(const struct guard_events *events, struct buf *out)
{
    for (size_t i = 0; i < events->len; i++) {
        const struct guard_event *e = &events->items[i];
        buf_addf(out, "%lld %u %u\n", (long long)e->time_ms, e->mailbox, e->count);
    }
}

bool guard_events_read(struct str text, struct guard_events *out)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        struct str time, mailbox;
        uint64_t time_ms;
        struct guard_event e;
        if (line.len == 0)
            continue;
        if (!str_split(&line, ' ', &time) || !str_split(&line, ' ', &mailbox) ||
            !str_to_u64(time, &time_ms) || !str_to_u32(mailbox, &e.mailbox) ||
            !str_to_u32(line, &e.count))
            return false;
        e.time_ms = (int64_t)time_ms;
        vec_push(out, e);
    }
    return true;
}
