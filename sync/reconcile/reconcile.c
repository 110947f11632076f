#include "reconcile/reconcile.h"

#include "imap/list.h"
#include "reconcile/cases.h"
#include "reconcile/flags.h"
#include "reconcile/limits.h"
#include "reconcile/strays.h"

#include <assert.h>
#include <stdlib.h>

static const char WHY_LEFT[] = "to be left on the server";

/* Walks the sorted deltas of both sides in step with the records. */
struct joiner {
    const struct mailbox_pair *pair;
    size_t changed_remote;
    size_t changed_local;
};

bool carried_to_local(enum direction d)
{
    return d == DIRECTION_BOTH || d == DIRECTION_TO_LOCAL;
}

bool carried_to_remote(enum direction d)
{
    return d == DIRECTION_BOTH || d == DIRECTION_TO_REMOTE;
}

static struct operation *add(struct mailbox_plan *plan, enum operation_kind kind,
                             const struct message_row *row, const char *why)
{
    struct operation *op = vec_add(&plan->ops[kind]);
    op->kind = kind;
    op->uid = row->uid;
    op->base = row->base;
    op->file = row->file;
    op->why = why;
    if (row->base != NULL) {
        op->flags = row->base->flags;
        op->state = row->base->state;
    }
    return op;
}

static void agree_on_state(struct mailbox_plan *plan, const struct message_row *row,
                           enum message_state state, const char *why)
{
    struct operation *op = add(plan, OP_AGREE, row, why);
    op->state = state;
}

/* In \Trash a \Deleted set here is not sent, nor is the server's word on it heard. */
static uint8_t storable_in(const struct mailbox_pair *pair)
{
    uint8_t storable = pair->remote.storable;
    return pair->attributes & LIST_TRASH ? storable & (uint8_t)~MAILDIR_TRASHED : storable;
}

struct merged {
    struct flags_merge flags;
    struct keywords_merge keywords;
    struct index_flags agreed;
    uint8_t remote_now, remote_goal, local_now;
};

static struct merged merge_all(const struct mailbox_plan *plan, const struct message_row *row)
{
    const struct mailbox_pair *pair = plan->pair;
    const struct index_flags *base = &row->base->flags;
    struct index_flags remote = row->remote == SIDE_SAME ? *base : row->remote_flags;
    struct index_flags local = row->file != NULL ? row->local_flags : *base;
    const struct keywords_sides sides = {.base = base,
                                         .remote = &remote,
                                         .local = &local,
                                         .storable = &pair->remote,
                                         .letters = &pair->letters,
                                         .direction = pair->policy->flags};
    uint8_t storable = storable_in(pair);
    struct merged m = {.local_now = local.system};
    m.flags = flags_merge(base, &remote, local.system, storable, pair->policy->flags);
    flags_merge_keywords(&sides, plan->arena, &m.keywords);
    m.agreed = m.keywords.agreed;
    m.agreed.system = m.flags.agreed.system;
    m.agreed = flags_agreed_there(base, &m.agreed, &pair->remote, plan->arena);
    m.remote_now = remote.system & storable;
    m.remote_goal = m.flags.remote & storable;
    return m;
}

static void merge(struct mailbox_plan *plan, const struct message_row *row, const char *why)
{
    const struct merged m = merge_all(plan, row);
    const struct keywords_merge *k = &m.keywords;
    bool changes_remote = m.remote_goal != m.remote_now || k->remote_add.keywords_len > 0 ||
                          k->remote_remove.keywords_len > 0;
    bool changes_local = m.flags.local != m.local_now || k->local_add.keywords_len > 0 ||
                         k->local_remove.keywords_len > 0;
    if (changes_remote) {
        struct operation *op = add(plan, OP_FLAGS_TO_REMOTE, row, why);
        op->add = m.remote_goal & (uint8_t)~m.remote_now;
        op->remove = m.remote_now & (uint8_t)~m.remote_goal;
        op->add_keywords = k->remote_add;
        op->remove_keywords = k->remote_remove;
        op->flags = m.agreed;
        op->state = MESSAGE_SYNCED;
        /* Until the file is renamed too, only what it has already is agreed: were all of it
         * recorded now and the program stopped, the next pass would read the difference as a change
         * made here. */
        if (changes_local) {
            op->flags = flags_before_local(&m.agreed, k, plan->arena);
            op->flags.system = m.local_now;
            op->flags =
                flags_agreed_there(&row->base->flags, &op->flags, &plan->pair->remote, plan->arena);
        }
    }
    if (changes_local) {
        struct operation *op = add(plan, OP_FLAGS_TO_LOCAL, row, why);
        op->flags = m.agreed;
        op->add = m.flags.local & (uint8_t)~m.local_now;
        op->remove = m.local_now & (uint8_t)~m.flags.local;
        op->add_keywords = k->local_add;
        op->remove_keywords = k->local_remove;
        op->state = MESSAGE_SYNCED;
    }
    bool record_differs =
        !flags_equal(&m.agreed, &row->base->flags) || row->base->state != MESSAGE_SYNCED;
    if (!changes_remote && !changes_local && record_differs) {
        struct operation *op = add(plan, OP_AGREE, row, why);
        op->flags = m.agreed;
        op->state = MESSAGE_SYNCED;
    }
}

/* What a file is without that was away is not taken off here: either side keeps what it has beside
 * the other. The mark of its deletion alone goes. */
static void revive(struct mailbox_plan *plan, const struct message_row *row, const char *why)
{
    const struct index_flags *there =
        row->remote == SIDE_SAME ? &row->base->flags : &row->remote_flags;
    uint8_t local = row->file != NULL ? row->local_flags.system : row->base->flags.system;
    struct index_message *base = arena_alloc(plan->arena, sizeof *base);
    struct message_row met = *row;
    *base = *row->base;
    base->flags.system = (there->system & local & (uint8_t)~MAILDIR_TRASHED) |
                         (row->base->flags.system & MAILDIR_TRASHED);
    met.base = base;
    met.remote = SIDE_FLAGS;
    met.remote_flags = *there;
    merge(plan, &met, why);
}

static void delete_local(struct mailbox_plan *plan, const struct message_row *row, const char *why)
{
    if (carried_to_local(plan->pair->policy->deletions))
        add(plan, OP_DELETE_LOCAL, row, why);
    else
        agree_on_state(plan, row, MESSAGE_GONE_THERE, "deletions are not carried here");
}

/* Whether \\Deleted of a message that was removed here is what its deletion left there. Where none
 * is carried it is a flag. */
static bool marks_are_deletions(const struct mailbox_pair *pair)
{
    return carried_to_remote(pair->policy->deletions) &&
           carried_to_remote(pair->policy->messages_new) && !pair->remote.read_only;
}

/* Its \\Deleted was a flag: taken off later, that is no sign that somebody wants it back. */
void reconcile_leave_there(const struct mailbox_pair *pair, struct operation *agree,
                           struct index_flags there, const char *why)
{
    agree->state = MESSAGE_DELETED_HERE;
    agree->flags = there;
    if (marks_are_deletions(pair))
        agree->flags.system &= (uint8_t)~MAILDIR_TRASHED;
    agree->why = why;
}

static struct index_flags flags_there(const struct message_row *row)
{
    return row->remote == SIDE_FLAGS ? row->remote_flags : row->base->flags;
}

/* Where it comes back here, what it is flagged with there has to be known. */
static void note_flags_of_left(struct mailbox_plan *plan, const struct message_row *row)
{
    struct index_flags flags = flags_there(row);
    if (marks_are_deletions(plan->pair))
        flags.system &= (uint8_t)(row->base->flags.system | ~MAILDIR_TRASHED);
    if (!flags_equal(&flags, &row->base->flags))
        add(plan, OP_AGREE, row, "removed here, left on the server")->flags = flags;
}

static void delete_remote(struct mailbox_plan *plan, const struct message_row *row, const char *why)
{
    if (plan->pair->remote.read_only)
        reconcile_leave_there(plan->pair, add(plan, OP_AGREE, row, NULL), flags_there(row),
                              "the mailbox is read-only on the server");
    else if (carried_to_remote(plan->pair->policy->deletions))
        add(plan, OP_DELETE_REMOTE, row, why);
    else
        reconcile_leave_there(plan->pair, add(plan, OP_AGREE, row, NULL), flags_there(row),
                              "deletions are not carried to the server");
}

/* What is not on the server has no UID: its file tells which it is. */
static int compare_held(const void *a, const void *b)
{
    const struct index_held *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->kind == HELD_UPLOAD)
        return str_cmp(x->base, y->base);
    return x->uid < y->uid ? -1 : x->uid > y->uid;
}

void held_sort(struct index_held *items, size_t len)
{
    if (len > 0)
        qsort(items, len, sizeof *items, compare_held);
}

static const struct index_held *find_held(const struct held_list *held, enum held_kind kind,
                                          uint32_t uid, struct str base)
{
    const struct index_held sought = {.kind = kind, .uid = uid, .base = base};
    if (held->len == 0)
        return NULL;
    return bsearch(&sought, held->items, held->len, sizeof *held->items, compare_held);
}

static bool held_and_not_due(const struct held_list *held, enum held_kind kind, uint32_t uid,
                             struct str base, int64_t now_ms)
{
    const struct index_held *h = find_held(held, kind, uid, base);
    if (h == NULL || h->answer == HELD_APPROVED)
        return false;
    return h->answer == HELD_KEPT || h->retry_ms > now_ms;
}

static bool is_kept(const struct held_list *held, enum held_kind kind, uint32_t uid)
{
    const struct index_held *h = find_held(held, kind, uid, STR_EMPTY);
    return h != NULL && h->answer == HELD_KEPT;
}

/* The deletion that was held is not wanted: what is gone on one side comes back from the other. */
static bool bring_back(struct mailbox_plan *plan, const struct message_row *row,
                       const struct held_list *held, enum case_action action)
{
    if (action == CASE_DELETE_REMOTE && is_kept(held, HELD_DELETE_REMOTE, row->uid)) {
        struct operation *op = add(plan, OP_DOWNLOAD, row, "kept: brought back here");
        if (row->remote == SIDE_FLAGS)
            op->flags = row->remote_flags;
    } else if (action == CASE_DELETE_LOCAL && is_kept(held, HELD_DELETE_LOCAL, row->uid)) {
        /* The next pass finds a new file, and sends it. */
        add(plan, OP_FORGET, row, "kept: to be sent again");
        plan->pair->local_blocked = true;
    } else {
        return false;
    }
    return true;
}

static void skip(struct mailbox_plan *plan, const struct message_row *row, const char *why)
{
    struct operation *op = add(plan, OP_AGREE, row, why);
    op->state = MESSAGE_SKIPPED;
    op->flags = row->remote_flags;
    op->extent = row->extent;
}

/* Limits are for what was never here: what comes back comes whole. */
static void download(struct mailbox_plan *plan, const struct message_row *row,
                     const struct held_list *held, const char *why, int64_t now_ms)
{
    const struct config_sync *policy = plan->pair->policy;
    const char *objection = row->base != NULL ? NULL
                                              : limits_objection(policy, &row->extent,
                                                                 &row->remote_flags, now_ms / 1000);
    if (!carried_to_local(policy->messages_new))
        skip(plan, row, "new messages are not carried here");
    else if (objection != NULL)
        skip(plan, row, objection);
    else if (is_kept(held, HELD_DOWNLOAD, row->uid))
        skip(plan, row, WHY_LEFT);
    else {
        struct operation *op = add(plan, OP_DOWNLOAD, row, why);
        op->flags = row->remote_flags;
        op->is_retry = find_held(held, HELD_DOWNLOAD, row->uid, STR_EMPTY) != NULL;
    }
}

/* What the limits left on the server may be within them now: flagged there, or they were changed.
 */
static void judge_skipped(struct mailbox_plan *plan, const struct message_row *row, int64_t now_ms)
{
    const struct config_sync *policy = plan->pair->policy;
    const struct index_flags *flags =
        row->remote == SIDE_FLAGS ? &row->remote_flags : &row->base->flags;
    bool by_limits = row->base->wire_size != 0;
    if (by_limits && carried_to_local(policy->messages_new) &&
        limits_objection(policy, &row->extent, flags, now_ms / 1000) == NULL)
        add(plan, OP_DOWNLOAD, row, "within the limits now")->flags = *flags;
    else if (row->remote == SIDE_FLAGS)
        add(plan, OP_AGREE, row, "left on the server")->flags = *flags;
}

/* `marked: expunge`: \Deleted on either side, where both still have the message. */
static bool is_to_expunge(const struct mailbox_plan *plan, const struct message_row *row)
{
    const struct mailbox_pair *pair = plan->pair;
    bool both = row->base != NULL && row->base->state == MESSAGE_SYNCED &&
                (row->remote == SIDE_SAME || row->remote == SIDE_FLAGS) &&
                (row->local == SIDE_SAME || row->local == SIDE_FLAGS);
    if (!pair->policy->expunge_marked || !both || pair->remote.read_only ||
        pair->policy->deletions != DIRECTION_BOTH)
        return false;
    const struct index_flags *base = &row->base->flags;
    const struct index_flags *remote = row->remote == SIDE_SAME ? base : &row->remote_flags;
    uint8_t local = row->file != NULL ? row->file->parsed.flags : base->system;
    struct flags_merge m =
        flags_merge(base, remote, local, pair->remote.storable, pair->policy->flags);
    return (m.agreed.system & MAILDIR_TRASHED) != 0;
}

static void add_upload(struct mailbox_plan *plan, const struct message_row *row, const char *why)
{
    struct operation *op = add(plan, OP_UPLOAD, row, why);
    op->uid = 0;
    op->flags = row->local_flags;
}

/* It may be what is new in another mailbox. */
static void add_stray(struct mailbox_plan *plan, const struct message_row *row)
{
    vec_push(&plan->strays,
             ((struct operation){
                 .kind = OP_UPLOAD, .file = row->file, .flags = row->local_flags, .why = "held"}));
}

static void judge(struct mailbox_plan *plan, const struct message_row *row,
                  const struct held_list *held, int64_t now_ms)
{
    const struct case_row *c = case_find(case_base_of(row->base), row->remote, row->local);
    if (bring_back(plan, row, held, c->action))
        return;
    if (is_to_expunge(plan, row)) {
        add(plan, OP_DELETE_REMOTE, row, "marked \\Deleted")->is_marked = true;
        return;
    }
    switch (c->action) {
    case CASE_NOTHING:
        if (case_base_of(row->base) == BASE_SKIPPED)
            judge_skipped(plan, row, now_ms);
        else if (case_base_of(row->base) == BASE_DELETED_HERE)
            note_flags_of_left(plan, row);
        break;
    case CASE_MERGE:
        merge(plan, row, c->why);
        break;
    case CASE_REVIVE:
        revive(plan, row, c->why);
        break;
    case CASE_DOWNLOAD:
        download(plan, row, held, c->why, now_ms);
        break;
    case CASE_UPLOAD:
        if (row->base != NULL)
            add(plan, OP_FORGET, row, c->why);
        if (carried_to_remote(plan->pair->policy->messages_new) &&
            !held_and_not_due(held, HELD_UPLOAD, 0, row->file->parsed.base, now_ms)) {
            add_upload(plan, row, c->why);
            break;
        }
        plan->pair->local_blocked = true; /* the next pass must find the file again */
        if (strays_may_be_in(plan->pair))
            add_stray(plan, row);
        break;
    case CASE_DELETE_LOCAL:
        delete_local(plan, row, c->why);
        break;
    case CASE_DELETE_REMOTE:
        delete_remote(plan, row, c->why);
        break;
    case CASE_FORGET:
        add(plan, OP_FORGET, row, c->why);
        break;
    case CASE_RETRY:
        if (is_kept(held, HELD_DOWNLOAD, row->uid))
            agree_on_state(plan, row, MESSAGE_SKIPPED, WHY_LEFT);
        else if (!held_and_not_due(held, HELD_DOWNLOAD, row->uid, STR_EMPTY, now_ms))
            add(plan, OP_DOWNLOAD, row, c->why)->is_retry = true;
        break;
    }
}

/* Deleted here by \Deleted alone, which somebody took off again on the server. */
static bool is_undeleted(const struct mailbox_pair *pair, const struct index_message *record,
                         const struct index_flags *remote)
{
    return marks_are_deletions(pair) && record->state == MESSAGE_DELETED_HERE &&
           (record->flags.system & MAILDIR_TRASHED) && !(remote->system & MAILDIR_TRASHED);
}

/* What the two deltas say of a recorded message. */
static struct message_row join(struct joiner *j, const struct index_message *record)
{
    const struct remote_delta *remote = &j->pair->remote;
    const struct local_delta *local = &j->pair->local;
    bool file_expected = record->state == MESSAGE_SYNCED || record->state == MESSAGE_GONE_THERE;
    struct message_row row = {
        .uid = record->uid,
        .base = record,
        .remote = SIDE_SAME,
        .local = file_expected ? SIDE_SAME : SIDE_ABSENT,
        .extent = {record->wire_size, record->internal_date_s},
    };
    while (j->changed_remote < remote->changed.len &&
           remote->changed.items[j->changed_remote].uid < record->uid)
        j->changed_remote++;
    if (j->changed_remote < remote->changed.len &&
        remote->changed.items[j->changed_remote].uid == record->uid) {
        row.remote_flags = remote->changed.items[j->changed_remote].flags;
        row.remote = is_undeleted(j->pair, record, &row.remote_flags) ? SIDE_NEW : SIDE_FLAGS;
    }
    if (seqset_contains(&remote->gone, record->uid))
        row.remote = SIDE_GONE;

    while (j->changed_local < local->changed.len &&
           local->changed.items[j->changed_local].uid < record->uid)
        j->changed_local++;
    if (j->changed_local < local->changed.len &&
        local->changed.items[j->changed_local].uid == record->uid) {
        row.local = file_expected ? SIDE_FLAGS : SIDE_NEW;
        row.file = &local->changed.items[j->changed_local].file;
        row.local_flags = local->changed.items[j->changed_local].flags;
    }
    if (seqset_contains(&local->gone, record->uid))
        row.local = SIDE_GONE;
    return row;
}

static int by_uid(const void *a, const void *b)
{
    uint32_t x = ((const struct operation *)a)->uid;
    uint32_t y = ((const struct operation *)b)->uid;
    return x < y ? -1 : x > y;
}

/* The flags of the messages that were paired by content; their records come from the pairing. */
static void reconcile_paired(struct mailbox_plan *plan)
{
    const struct pairing *pairing = plan->pair->pairing;
    for (size_t i = 0; i < pairing->messages_len; i++) {
        const struct paired_message *m = &pairing->messages[i];
        const struct message_row row = {.uid = m->record->uid,
                                        .base = m->record,
                                        .remote = SIDE_FLAGS,
                                        .local = SIDE_FLAGS,
                                        .remote_flags = m->remote_flags,
                                        .local_flags = m->local_flags,
                                        .file = &m->file};
        merge(plan, &row, "found again by content");
    }
}

void operations_sort(struct operation_vec *ops)
{
    if (ops->len > 1)
        qsort(ops->items, ops->len, sizeof *ops->items, by_uid);
}

struct operation *operations_find(const struct operation_vec *ops, uint32_t uid)
{
    const struct operation key = {.uid = uid};
    return ops->len == 0 ? NULL : bsearch(&key, ops->items, ops->len, sizeof key, by_uid);
}

void operations_sweep(struct operation_vec *ops)
{
    size_t kept = 0;
    for (size_t i = 0; i < ops->len; i++) {
        if (!ops->items[i].is_out)
            ops->items[kept++] = ops->items[i];
    }
    ops->len = kept;
}

void operations_take_apart(struct mailbox_plan *plan)
{
    const char *why = case_find(BASE_NONE, SIDE_NEW, SIDE_ABSENT)->why;
    struct operation_vec *ops = &plan->ops[OP_DOWNLOAD];
    uint32_t uid = 0;
    while (seqset_next(&plan->fetch, &uid))
        vec_push(ops, ((struct operation){.kind = OP_DOWNLOAD, .uid = uid, .why = why}));
    seqset_free(&plan->fetch);
    operations_sort(ops);
}

/* What may be why a connection broke is fetched by itself. */
static void take_suspects_out(const struct held_list *held, int64_t now_ms,
                              struct mailbox_plan *plan)
{
    for (size_t i = 0; i < held->len; i++) {
        const uint32_t uid = held->items[i].uid;
        const struct message_row row = {.uid = uid, .remote = SIDE_NEW, .local = SIDE_ABSENT};
        if (held->items[i].kind != HELD_DOWNLOAD || !seqset_contains(&plan->fetch, uid))
            continue;
        seqset_remove_range(&plan->fetch, uid, uid);
        judge(plan, &row, held, now_ms);
    }
}

void reconcile(const struct record_list *records, const struct held_list *held, int64_t now_ms,
               struct mailbox_plan *plan)
{
    const struct mailbox_pair *pair = plan->pair;
    struct joiner joiner = {.pair = pair};
    for (size_t i = 0; i < records->len; i++) {
        assert(i == 0 || records->items[i].uid > records->items[i - 1].uid);
        struct message_row row = join(&joiner, &records->items[i]);
        judge(plan, &row, held, now_ms);
    }
    if (pair->pairing != NULL)
        reconcile_paired(plan);
    for (size_t i = 0; i < pair->remote.fresh.len; i++) {
        const struct remote_message *fresh = &pair->remote.fresh.items[i];
        struct message_row row = {.uid = fresh->uid,
                                  .remote = SIDE_NEW,
                                  .local = SIDE_ABSENT,
                                  .remote_flags = fresh->flags};
        if (pair->remote.extents.len > 0)
            row.extent = pair->remote.extents.items[i];
        judge(plan, &row, held, now_ms);
    }
    seqset_add_set(&plan->fetch, &pair->remote.plain);
    take_suspects_out(held, now_ms, plan);
    for (size_t i = 0; i < pair->local.fresh.len; i++) {
        const struct local_file *fresh = &pair->local.fresh.items[i];
        struct message_row row = {.remote = SIDE_ABSENT,
                                  .local = SIDE_NEW,
                                  .file = &fresh->file,
                                  .local_flags = fresh->flags};
        judge(plan, &row, held, now_ms);
    }
    /* What was held is tried again among what is new. */
    operations_sort(&plan->ops[OP_DOWNLOAD]);
    operations_sort(&plan->ops[OP_AGREE]);
}
