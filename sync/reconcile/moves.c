#include "reconcile/moves.h"

#include "base/strmap.h"
#include "imap/list.h"
#include "reconcile/moves_flags.h"
#include "reconcile/reconcile.h"

#include <stdlib.h>

struct entry {
    uint32_t id;
    struct mailbox_plan *plan;
};

struct matcher {
    struct plan *plan;
    struct arena *arena;
    struct entry *by_id; /* the plan's mailboxes that the index knows, by id */
    size_t by_id_len;
    struct strmap *seen;   /* how many downloads share size, date and header; as pointers */
    struct strmap *places; /* EMAILID → the move or download that brings the message here */
};

/* ---- finding ---- */

static int by_mailbox_id(const void *a, const void *b)
{
    uint32_t x = ((const struct entry *)a)->id;
    uint32_t y = ((const struct entry *)b)->id;
    return x < y ? -1 : x > y;
}

static struct mailbox_plan *plan_of(const struct matcher *mt, uint32_t mailbox)
{
    struct entry key = {.id = mailbox};
    const struct entry *found = mt->by_id_len == 0 ? NULL
                                                   : bsearch(&key, mt->by_id, mt->by_id_len,
                                                             sizeof *mt->by_id, by_mailbox_id);
    return found != NULL ? found->plan : NULL;
}

static int by_op_uid(const void *a, const void *b)
{
    uint32_t x = ((const struct operation *)a)->uid;
    uint32_t y = ((const struct operation *)b)->uid;
    return x < y ? -1 : x > y;
}

/* What the plan has for a record; these lists are ascending by UID. NULL: none, or part of a move
 * already. */
static struct operation *op_of(struct mailbox_plan *plan, enum operation_kind kind, uint32_t uid)
{
    const struct operation key = {.uid = uid};
    struct operation_vec *ops = &plan->ops[kind];
    struct operation *op =
        ops->len == 0 ? NULL : bsearch(&key, ops->items, ops->len, sizeof key, by_op_uid);
    return op != NULL && !op->is_out ? op : NULL;
}

static bool is_drafts(const struct mailbox_plan *plan)
{
    return (plan->pair->attributes & LIST_DRAFTS) != 0;
}

static int by_paired_uid(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = ((const struct paired_message *)b)->record->uid;
    return x < y ? -1 : x > y;
}

/* The deltas say nothing of the records of before the pairing. */
static bool is_paired(const struct pairing *pairing, uint32_t uid)
{
    return pairing->messages_len > 0 && bsearch(&uid, pairing->messages, pairing->messages_len,
                                                sizeof *pairing->messages, by_paired_uid) != NULL;
}

static bool is_on_server(const struct mailbox_plan *plan, uint32_t uid)
{
    const struct mailbox_pair *pair = plan->pair;
    if (pair->pairing == NULL)
        return !seqset_contains(&pair->remote.gone, uid);
    return is_paired(pair->pairing, uid) || remote_find(&pair->remote.fresh, uid) != NULL;
}

/* Whether the record's message stands on both sides, as far as this pass has seen, and stays. */
static bool stays(struct mailbox_plan *plan, uint32_t uid)
{
    const struct mailbox_pair *pair = plan->pair;
    if (pair->action != PAIR_SYNC)
        return false;
    return pair->pairing != NULL
               ? is_paired(pair->pairing, uid)
               : is_on_server(plan, uid) && !seqset_contains(&pair->local.gone, uid);
}

/* What the plan has for a record that is gone from the server. */
static struct operation *gone_there(struct mailbox_plan *plan, uint32_t uid)
{
    struct operation *op = op_of(plan, OP_DELETE_LOCAL, uid);
    if (op == NULL)
        op = op_of(plan, OP_FORGET, uid);
    return op;
}

/* ---- files that are new here ---- */

static struct move *add_move(struct matcher *mt, enum move_kind kind, struct mailbox_plan *from,
                             struct mailbox_plan *to, const struct index_message *base,
                             const char *why)
{
    struct move *move = vec_add(&mt->plan->moves);
    move->kind = kind;
    move->from = from;
    move->to = to;
    move->from_uid = base != NULL ? base->uid : 0;
    move->base = base;
    move->why = why;
    return move;
}

/* Whose file it was: of several copies the one that is \Deleted there if the file is, else not. */
static struct operation *departed(struct matcher *mt, const struct operation *upload,
                                  struct mailbox_plan **from_out)
{
    const struct identity *id = upload->identity;
    struct operation *found = NULL;
    bool alike = false;
    for (size_t i = 0; i < id->twins_len && !alike; i++) {
        struct mailbox_plan *from = plan_of(mt, id->twins[i].mailbox);
        struct operation *gone =
            from != NULL ? op_of(from, OP_DELETE_REMOTE, id->twins[i].uid) : NULL;
        /* The file of one that is marked is still there. */
        if (gone == NULL || gone->is_marked)
            continue;
        uint8_t differing = moves_flags_there(from, gone->base).system ^ upload->file->parsed.flags;
        alike = (differing & MAILDIR_TRASHED) == 0;
        if (found == NULL || alike) {
            *from_out = from;
            found = gone;
        }
    }
    return found;
}

/* What is agreed of a message whose file is gone, when another file is taken for it. Under `marked:
 * expunge` the file may have gone for the mark that the message has there, and the other one be a
 * copy that nobody marked: the mark counts as agreed, so that a file without it takes it off. */
static const struct index_message *agreed_of(struct matcher *mt, const struct mailbox_plan *where,
                                             const struct index_message *record,
                                             const struct index_flags *there)
{
    uint8_t mark = there->system & (uint8_t)~record->flags.system & MAILDIR_TRASHED;
    if (mark == 0 || !where->pair->policy->expunge_marked)
        return record;
    struct index_message *marked = arena_alloc(mt->arena, sizeof *marked);
    *marked = *record;
    marked->flags.system |= mark;
    return marked;
}

static bool move_remote(struct matcher *mt, struct mailbox_plan *to, struct operation *upload)
{
    struct mailbox_plan *from;
    struct operation *gone = departed(mt, upload, &from);
    bool same = gone != NULL && from == to;
    /* Two records would share the name. */
    if (gone == NULL || (same && upload->base != NULL))
        return false;
    const struct index_flags there = moves_flags_there(from, gone->base);
    const struct index_message *base = agreed_of(mt, from, gone->base, &there);
    struct move *move = add_move(mt, same ? MOVE_REBASE : MOVE_REMOTE, from, to, base,
                                 same ? "its file was renamed here" : "moved here");
    move->file = upload->file;
    /* `marked: expunge` looks at it again, under its new name. */
    if (same && from->pair->policy->expunge_marked)
        from->pair->local_blocked = true;
    upload->is_out = gone->is_out = true;
    moves_send_flags_ahead(mt->arena, from, gone, move);
    return true;
}

static bool copy_remote(struct matcher *mt, struct mailbox_plan *to, struct operation *upload)
{
    const struct identity *id = upload->identity;
    for (size_t i = 0; i < id->twins_len; i++) {
        const struct index_message *twin = &id->twins[i];
        struct mailbox_plan *from = plan_of(mt, twin->mailbox);
        if (from == NULL || from == to || from->pair->action != PAIR_SYNC ||
            !is_on_server(from, twin->uid))
            continue;
        struct move *move = add_move(mt, MOVE_COPY, from, to, twin, "copied here");
        move->file = upload->file;
        /* The copy comes with the flags that the original has there: what the file has beside them
         * is a change, to be sent by the next pass. */
        move->flags = moves_flags_there(from, twin);
        if (upload->file->parsed.flags != move->flags.system)
            to->pair->local_blocked = true;
        upload->is_out = true;
        return true;
    }
    return false;
}

static void match_uploads(struct matcher *mt, bool (*match)(struct matcher *, struct mailbox_plan *,
                                                            struct operation *))
{
    VEC_FOREACH (struct mailbox_plan, to, &mt->plan->mailboxes) {
        VEC_FOREACH (struct operation, upload, &to->ops[OP_UPLOAD]) {
            /* A file that is back where its message is gone lets go of that record. One that is to
             * be sent again, since it was kept, is its record's. */
            bool is_free = upload->base == NULL || upload->base->state == MESSAGE_DELETED_HERE;
            if (upload->identity != NULL && !upload->is_out && is_free)
                match(mt, to, upload);
        }
    }
}

/* ---- messages that are new on the server ---- */

struct str moves_likeness(struct arena *arena, const struct identity *id)
{
    char hex[33];
    digest_to_hex(&id->header_digest, hex);
    return str_from(arena_printf(arena, "%s %llu %lld", hex, (unsigned long long)id->wire_size,
                                 (long long)id->internal_date_s));
}

static void count_likeness(struct matcher *mt, const struct operation *op)
{
    if (op->identity == NULL || op->identity->twins_len == 0)
        return;
    struct str key = moves_likeness(mt->arena, op->identity);
    uintptr_t count = (uintptr_t)strmap_get(mt->seen, key);
    strmap_put(mt->seen, key, (void *)(count + 1));
}

static void count_likenesses(struct matcher *mt)
{
    VEC_FOREACH (struct mailbox_plan, plan, &mt->plan->mailboxes) {
        VEC_FOREACH (struct operation, op, &plan->ops[OP_DOWNLOAD]) {
            count_likeness(mt, op);
        }
        VEC_FOREACH (struct operation, op, &plan->ops[OP_AGREE]) {
            count_likeness(mt, op);
        }
    }
}

static bool is_by_id(const struct identity *id)
{
    return id->email_id.len > 0 && id->twins_len > 0 && id->twins[0].email_id.len > 0;
}

/* Told by header, size and date, only one message may be meant on either side, and all that the
 * index has like it must be of one content. */
static bool is_certain(struct matcher *mt, struct mailbox_plan *to, const struct identity *id)
{
    size_t gone = 0;
    if (is_by_id(id))
        return true;
    for (size_t i = 0; i < id->twins_len; i++) {
        struct mailbox_plan *from = plan_of(mt, id->twins[i].mailbox);
        if (!digest_eq(&id->twins[i].body_digest, &id->twins[0].body_digest))
            return false;
        if (from != NULL && is_drafts(from))
            return false;
        gone += from != NULL && gone_there(from, id->twins[i].uid) != NULL;
    }
    if (moves_is_by_body(id))
        return gone > 0 && !is_drafts(to);
    return gone == 1 && !is_drafts(to) && id->has_message_id &&
           (uintptr_t)strmap_get(mt->seen, moves_likeness(mt->arena, id)) == 1;
}

bool moves_is_by_body(const struct identity *id)
{
    return !digest_is_none(&id->body_digest);
}

bool moves_is_twin(const struct identity *id, const struct index_message *record)
{
    for (size_t i = 0; id != NULL && i < id->twins_len; i++) {
        if (id->twins[i].mailbox == record->mailbox && id->twins[i].uid == record->uid)
            return true;
    }
    return false;
}

/* The file of a message that both sides moved: an upload somewhere that has the same record for a
 * twin. */
static struct operation *file_of(struct matcher *mt, const struct index_message *record,
                                 struct mailbox_plan **where_out)
{
    VEC_FOREACH (struct mailbox_plan, plan, &mt->plan->mailboxes) {
        VEC_FOREACH (struct operation, upload, &plan->ops[OP_UPLOAD]) {
            if (!upload->is_out && moves_is_twin(upload->identity, record)) {
                *where_out = plan;
                return upload;
            }
        }
    }
    return NULL;
}

bool moves_are_carried_here(const struct mailbox_plan *to)
{
    const struct config_sync *policy = to->pair->policy;
    return carried_to_local(policy->messages_new) || carried_to_local(policy->deletions);
}

static bool meet(struct matcher *mt, struct mailbox_plan *from, struct operation *forget,
                 struct mailbox_plan *to, struct operation *download)
{
    struct mailbox_plan *here = NULL;
    struct operation *upload = file_of(mt, forget->base, &here);
    if (upload == NULL || (here != to && !moves_are_carried_here(to)))
        return false;
    const struct index_message *base = agreed_of(mt, to, forget->base, &download->flags);
    struct move *move;
    if (here == to) {
        move = add_move(mt, MOVE_MEET, from, to, base, "moved alike on both sides");
        moves_keep_flags(to, &download->flags, upload->file, move);
    } else {
        move = add_move(mt, MOVE_LOCAL, here, to, base,
                        "moved on both sides: to where the server has it");
        move->from_uid = 0;
        move->known_in = from;
        moves_take_flags_along(to, &download->flags, upload->file->parsed.flags, move);
    }
    move->file = upload->file;
    move->to_uid = download->uid;
    upload->is_out = forget->is_out = download->is_out = true;
    return true;
}

static uint8_t local_flags_of(const struct operation *op)
{
    return op->file != NULL ? op->file->parsed.flags : op->base->flags.system;
}

static void bring_along(struct matcher *mt, const struct mailbox_plan *from,
                        struct mailbox_plan *to, const struct operation *download,
                        const struct operation *gone, struct move *move)
{
    moves_take_flags_along(to, &download->flags, local_flags_of(gone), move);
    moves_take_keywords_along(mt->arena, from, to, &download->flags, gone->file, move);
}

static bool move_local(struct matcher *mt, struct mailbox_plan *to, struct operation *download)
{
    const struct identity *id = download->identity;
    for (size_t i = 0; i < id->twins_len; i++) {
        struct mailbox_plan *from = plan_of(mt, id->twins[i].mailbox);
        struct operation *gone = from != NULL ? gone_there(from, id->twins[i].uid) : NULL;
        if (gone == NULL)
            continue;
        if (gone->kind == OP_FORGET) {
            if (meet(mt, from, gone, to, download))
                return true;
            continue;
        }
        bool same = from == to;
        struct move *move =
            add_move(mt, same ? MOVE_MEET : MOVE_LOCAL, from, to, gone->base,
                     same ? "has another UID on the server" : "moved on the server");
        move->file = gone->file;
        move->to_uid = download->uid;
        if (same)
            moves_keep_flags(to, &download->flags, gone->file, move);
        else
            bring_along(mt, from, to, download, gone, move);
        download->is_out = gone->is_out = true;
        return true;
    }
    return false;
}

/* ---- one message in several mailboxes ---- */

/* Where a message with this id is, or comes to be, in this pass. */
struct place {
    struct mailbox_plan *plan;
    uint32_t uid;
    const struct index_message *base; /* NULL: it comes */
};

static void note_place(struct matcher *mt, struct mailbox_plan *plan, uint32_t uid,
                       struct str email_id)
{
    if (email_id.len == 0 || strmap_get(mt->places, email_id) != NULL)
        return;
    struct place *place = arena_alloc(mt->arena, sizeof *place);
    *place = (struct place){.plan = plan, .uid = uid};
    strmap_put(mt->places, email_id, place);
}

static bool find_place(struct matcher *mt, const struct identity *id, struct place *out)
{
    for (size_t i = 0; i < id->twins_len && is_by_id(id); i++) {
        const struct index_message *twin = &id->twins[i];
        struct mailbox_plan *plan = plan_of(mt, twin->mailbox);
        if (plan == NULL || !stays(plan, twin->uid))
            continue;
        *out = (struct place){.plan = plan, .uid = twin->uid, .base = twin};
        return true;
    }
    const struct place *place = strmap_get(mt->places, id->email_id);
    if (place != NULL)
        *out = *place;
    return place != NULL;
}

static bool link_here(struct matcher *mt, struct mailbox_plan *to, struct operation *download)
{
    struct place place;
    const struct identity *id = download->identity;
    if (id->email_id.len == 0 || !find_place(mt, id, &place))
        return false;
    struct move *move = add_move(mt, MOVE_LINK, place.plan, to, place.base,
                                 "the same message is in another mailbox here");
    move->from_uid = place.uid;
    move->to_uid = download->uid;
    move->flags = download->flags;
    download->is_out = true;
    return true;
}

static bool is_left_out(const struct operation *op)
{
    return op->kind == OP_AGREE && op->state == MESSAGE_SKIPPED && op->base == NULL;
}

/* What the limits leave on the server is not new if it only moved. */
static void match_moved(struct matcher *mt, struct mailbox_plan *to, struct operation *op)
{
    const struct identity *id = op->identity;
    bool is_new = id != NULL && ((op->base == NULL && op->kind == OP_DOWNLOAD) || is_left_out(op));
    if (is_new && is_certain(mt, to, id) && move_local(mt, to, op))
        note_place(mt, to, op->uid, id->email_id);
}

static void match_downloads(struct matcher *mt)
{
    VEC_FOREACH (struct mailbox_plan, to, &mt->plan->mailboxes) {
        VEC_FOREACH (struct operation, op, &to->ops[OP_DOWNLOAD]) {
            match_moved(mt, to, op);
        }
        VEC_FOREACH (struct operation, op, &to->ops[OP_AGREE]) {
            match_moved(mt, to, op);
        }
    }
    VEC_FOREACH (struct mailbox_plan, to, &mt->plan->mailboxes) {
        VEC_FOREACH (struct operation, download, &to->ops[OP_DOWNLOAD]) {
            const struct identity *id = download->identity;
            if (download->base != NULL || id == NULL || download->is_out)
                continue;
            /* What is tried again comes too late to be linked to, if it comes. */
            if (!link_here(mt, to, download) && !download->is_retry)
                note_place(mt, to, download->uid, id->email_id);
        }
    }
}

/* ---- what seems to have moved ---- */

static void note_departures(struct matcher *mt, struct strmap *out)
{
    VEC_FOREACH (struct mailbox_plan, from, &mt->plan->mailboxes) {
        VEC_FOREACH (const struct operation, op, &from->ops[OP_DELETE_LOCAL]) {
            const struct identity id = {.header_digest = op->base->header_digest,
                                        .wire_size = op->base->wire_size,
                                        .internal_date_s = op->base->internal_date_s};
            if (!op->is_out)
                strmap_put(out, moves_likeness(mt->arena, &id), from);
        }
    }
}

/* The limits are for what was never here. What is like a message that is gone, but not for certain
 * the same, would be here no more if they applied to it: it is fetched. */
static void fetch_left_out(struct matcher *mt, struct mailbox_plan *to,
                           const struct strmap *departed)
{
    VEC_FOREACH (struct operation, op, &to->ops[OP_AGREE]) {
        if (op->is_out || op->identity == NULL || !is_left_out(op) ||
            strmap_get(departed, moves_likeness(mt->arena, op->identity)) == NULL)
            continue;
        struct operation download = *op;
        download.kind = OP_DOWNLOAD;
        download.why = "may be what is gone from another mailbox";
        vec_push(&to->ops[OP_DOWNLOAD], download);
        op->is_out = true;
    }
    operations_sort(&to->ops[OP_DOWNLOAD]);
}

static void fetch_all_left_out(struct matcher *mt)
{
    struct strmap *departed = strmap_new();
    note_departures(mt, departed);
    VEC_FOREACH (struct mailbox_plan, to, &mt->plan->mailboxes) {
        if (strmap_len(departed) > 0 && carried_to_local(to->pair->policy->messages_new))
            fetch_left_out(mt, to, departed);
    }
    strmap_free(&departed);
}

/* ---- deletions that are left ---- */

static bool has_copy(struct matcher *mt, struct mailbox_plan *plan, const struct operation *op)
{
    const struct identity *id = op->identity;
    for (size_t i = 0; id != NULL && i < id->twins_len; i++) {
        struct mailbox_plan *other = plan_of(mt, id->twins[i].mailbox);
        if (other != NULL && other != plan && stays(other, id->twins[i].uid))
            return true;
    }
    return false;
}

static void judge_deletions(struct matcher *mt, struct mailbox_plan *plan)
{
    const unsigned ends_here = LIST_TRASH | LIST_DRAFTS;
    VEC_FOREACH (struct operation, op, &plan->ops[OP_DELETE_LOCAL]) {
        op->has_copy = has_copy(mt, plan, op);
    }
    VEC_FOREACH (struct operation, op, &plan->ops[OP_DELETE_REMOTE]) {
        op->has_copy = op->has_copy || has_copy(mt, plan, op);
        op->to_trash = plan->pair->policy->delete_to_trash && !op->has_copy &&
                       !(plan->pair->attributes & ends_here);
    }
}

/* ---- the whole ---- */

static int by_kind(const void *a, const void *b)
{
    const struct move *x = a;
    const struct move *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    if (x->from_uid != y->from_uid)
        return x->from_uid < y->from_uid ? -1 : 1;
    return x->to_uid < y->to_uid ? -1 : x->to_uid > y->to_uid;
}

static void enter_mailboxes(struct matcher *mt)
{
    mt->by_id = arena_array(mt->arena, mt->plan->mailboxes.len + 1, sizeof *mt->by_id);
    VEC_FOREACH (struct mailbox_plan, plan, &mt->plan->mailboxes) {
        if (plan->pair->record.id != 0)
            mt->by_id[mt->by_id_len++] = (struct entry){plan->pair->record.id, plan};
    }
    qsort(mt->by_id, mt->by_id_len, sizeof *mt->by_id, by_mailbox_id);
}

void moves_find(struct plan *plan, struct arena *arena)
{
    struct matcher mt = {
        .plan = plan, .arena = arena, .seen = strmap_new(), .places = strmap_new()};
    enter_mailboxes(&mt);
    match_uploads(&mt, move_remote);
    match_uploads(&mt, copy_remote);
    count_likenesses(&mt);
    match_downloads(&mt);
    fetch_all_left_out(&mt);
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        for (size_t k = 0; k < OP_KINDS; k++)
            operations_sweep(&m->ops[k]);
    }
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        judge_deletions(&mt, m);
    }
    if (plan->moves.len > 1)
        qsort(plan->moves.items, plan->moves.len, sizeof *plan->moves.items, by_kind);
    strmap_free(&mt.seen);
    strmap_free(&mt.places);
}
