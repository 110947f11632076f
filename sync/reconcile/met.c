#include "reconcile/met.h"

#include "base/strmap.h"
#include "imap/list.h"
#include "imap/seqset.h"
#include "reconcile/flags.h"
#include "reconcile/moves.h"
#include "reconcile/moves_flags.h"
#include "reconcile/reconcile.h"

struct meeting {
    struct plan *plan;
    struct arena *arena;
    struct strmap *files;  /* uploads, by the mailbox and a record of theirs that is left alone */
    struct strmap *gone;   /* some of these, by a record alone that is gone on both sides */
    struct strmap *counts; /* downloads, by what tells them apart without a look at the body */
};

/* By its place in the plan: mailboxes that the index does not know yet have no id. */
static struct str key_of(struct meeting *mt, const struct mailbox_plan *to,
                         const struct index_message *twin)
{
    return str_from(arena_printf(mt->arena, "%zu %u %u", to - mt->plan->mailboxes.items,
                                 twin->mailbox, twin->uid));
}

/* Of several the first. */
static void enter_upload(struct meeting *mt, const struct seqset *left,
                         const struct mailbox_plan *to, struct operation *upload)
{
    const struct identity *id = upload->identity;
    for (size_t i = 0; id != NULL && upload->base == NULL && i < id->twins_len; i++) {
        if (!seqset_contains(left, id->twins[i].mailbox))
            continue;
        struct str key = key_of(mt, to, &id->twins[i]);
        if (strmap_get(mt->files, key) == NULL)
            strmap_put(mt->files, key, upload);
    }
}

/* What is in these stays where it is, whatever was taken out of them. One that only this pass does
 * not look at, or leaves alone, tells the next whether a file, or a message, was moved or copied:
 * taken for one, a copy and a move would go together when that one message goes (law 1). */
static bool is_left(const struct mailbox_pair *pair)
{
    return pair->record.id != 0 && pair->action == PAIR_LEAVE && !pair->left_for_now;
}

static void find_left(const struct pair_vec *pairs, struct seqset *out)
{
    VEC_FOREACH (const struct mailbox_pair, pair, pairs) {
        if (is_left(pair))
            seqset_add(out, pair->record.id);
    }
}

struct departed {
    struct mailbox_plan *from;
    struct operation *upload;
};

static struct str gone_key_of(struct meeting *mt, const struct index_message *twin)
{
    return str_from(arena_printf(mt->arena, "%u %u", twin->mailbox, twin->uid));
}

/* A mailbox that every pass leaves alone because a side lacks it, by its id. NULL: another one. */
static const struct mailbox_pair *find_removed(const struct pair_vec *pairs, uint32_t mailbox)
{
    const struct mailbox_pair *pair = pairs_find(pairs, mailbox);
    bool is_removed = pair != NULL && is_left(pair) && !(pair->local_exists && pair->remote_exists);
    return is_removed ? pair : NULL;
}

/* The message, on both sides. That the server does not list the mailbox is not enough: of one to be
 * forgotten it said that there is none. */
static bool is_gone(const struct mailbox_pair *pair, uint32_t uid)
{
    bool none_there = pair->remote_exists ? pair->has_status && pair->status_messages == 0
                                          : pair->removal == REMOVE_RECORD;
    bool gone_here = !pair->local_exists || seqset_contains(&pair->local.gone, uid);
    return gone_here && (none_there || seqset_contains(&pair->remote.gone, uid));
}

/* Each file stands for one record. */
static void enter_departed(struct meeting *mt, const struct pair_vec *pairs,
                           struct mailbox_plan *from, struct operation *upload)
{
    const struct identity *id = upload->identity;
    for (size_t i = 0; id != NULL && upload->base == NULL && i < id->twins_len; i++) {
        const struct mailbox_pair *pair = find_removed(pairs, id->twins[i].mailbox);
        if (id->twins[i].state != MESSAGE_SYNCED || pair == NULL ||
            !is_gone(pair, id->twins[i].uid))
            continue;
        struct str key = gone_key_of(mt, &id->twins[i]);
        if (strmap_get(mt->gone, key) != NULL)
            continue;
        struct departed *departed = arena_alloc(mt->arena, sizeof *departed);
        *departed = (struct departed){from, upload};
        strmap_put(mt->gone, key, departed);
        return;
    }
}

static void enter_uploads(struct meeting *mt, const struct pair_vec *pairs)
{
    AUTO_SEQSET struct seqset left = {0};
    find_left(pairs, &left);
    VEC_FOREACH (struct mailbox_plan, to, &mt->plan->mailboxes) {
        VEC_FOREACH (struct operation, upload, &to->ops[OP_UPLOAD]) {
            enter_upload(mt, &left, to, upload);
            enter_departed(mt, pairs, to, upload);
        }
    }
}

static void count_downloads(struct meeting *mt)
{
    VEC_FOREACH (const struct mailbox_plan, m, &mt->plan->mailboxes) {
        VEC_FOREACH (const struct operation, op, &m->ops[OP_DOWNLOAD]) {
            if (op->base != NULL || op->identity == NULL)
                continue;
            struct str key = moves_likeness(mt->arena, op->identity);
            uintptr_t count = (uintptr_t)strmap_get(mt->counts, key);
            strmap_put(mt->counts, key, (void *)(count + 1));
        }
    }
}

/* Told by header, size and date, no other message may be meant. */
static bool is_certain(struct meeting *mt, const struct mailbox_plan *to, const struct identity *id)
{
    if (id->email_id.len > 0 && id->twins[0].email_id.len > 0)
        return true;
    if (moves_is_by_body(id))
        return (to->pair->attributes & LIST_DRAFTS) == 0;
    for (size_t i = 1; i < id->twins_len; i++) {
        if (!digest_eq(&id->twins[i].body_digest, &id->twins[0].body_digest))
            return false;
    }
    return id->has_message_id && (to->pair->attributes & LIST_DRAFTS) == 0 &&
           (uintptr_t)strmap_get(mt->counts, moves_likeness(mt->arena, id)) == 1;
}

/* What differs from what was agreed is looked at by the next pass. */
static void join(struct plan *plan, struct mailbox_plan *to, const struct index_message *twin,
                 struct operation *download, struct operation *upload)
{
    const struct maildir_name *file = &upload->file->parsed;
    struct move *move = vec_add(&plan->moves);
    *move = (struct move){.kind = MOVE_MEET,
                          .from = to,
                          .to = to,
                          .to_uid = download->uid,
                          .base = twin,
                          .file = upload->file,
                          .flags = {.system = twin->flags.system},
                          .why = "came alike on both sides"};
    if (!flags_equal(&download->flags, &move->flags))
        to->pair->remote_blocked = true;
    if (file->flags != move->flags.system || file->letters.len > 0)
        to->pair->local_blocked = true;
    upload->is_out = download->is_out = true;
}

static void find_partner(struct meeting *mt, struct mailbox_plan *to, struct operation *download)
{
    const struct identity *id = download->identity;
    for (size_t i = 0; i < id->twins_len; i++) {
        const struct index_message *twin = &id->twins[i];
        struct operation *upload = strmap_get(mt->files, key_of(mt, to, twin));
        if (upload == NULL || upload->is_out)
            continue;
        join(mt->plan, to, twin, download, upload);
        return;
    }
}

/* As where the mailbox is looked at: see moves_find(). */
static void find_departed(struct meeting *mt, struct mailbox_plan *to, struct operation *download)
{
    const struct identity *id = download->identity;
    for (size_t i = 0; i < id->twins_len; i++) {
        const struct index_message *twin = &id->twins[i];
        const struct departed *departed = strmap_get(mt->gone, gone_key_of(mt, twin));
        if (departed == NULL || departed->upload->is_out || departed->from == to ||
            !moves_are_carried_here(to))
            continue;
        struct operation *upload = departed->upload;
        struct move *move = vec_add(&mt->plan->moves);
        *move = (struct move){.kind = MOVE_LOCAL,
                              .from = departed->from,
                              .to = to,
                              .to_uid = download->uid,
                              .base = twin,
                              .file = upload->file,
                              .why = "moved on both sides: to where the server has it"};
        moves_take_flags_along(to, &download->flags, upload->file->parsed.flags, move);
        upload->is_out = download->is_out = true;
        return;
    }
}

static void find_each(struct meeting *mt,
                      void (*find)(struct meeting *, struct mailbox_plan *, struct operation *))
{
    VEC_FOREACH (struct mailbox_plan, to, &mt->plan->mailboxes) {
        VEC_FOREACH (struct operation, download, &to->ops[OP_DOWNLOAD]) {
            const struct identity *id = download->identity;
            if (download->base == NULL && !download->is_out && id != NULL && id->twins_len > 0 &&
                is_certain(mt, to, id))
                find(mt, to, download);
        }
    }
}

static void find_partners(struct meeting *mt)
{
    count_downloads(mt);
    find_each(mt, find_partner);
    find_each(mt, find_departed);
    VEC_FOREACH (struct mailbox_plan, m, &mt->plan->mailboxes) {
        operations_sweep(&m->ops[OP_DOWNLOAD]);
        operations_sweep(&m->ops[OP_UPLOAD]);
    }
}

void met_find(struct plan *plan, const struct pair_vec *pairs, struct arena *arena)
{
    struct meeting mt = {.plan = plan,
                         .arena = arena,
                         .files = strmap_new(),
                         .gone = strmap_new(),
                         .counts = strmap_new()};
    enter_uploads(&mt, pairs);
    if (strmap_len(mt.files) > 0)
        find_partners(&mt);
    strmap_free(&mt.files);
    strmap_free(&mt.gone);
    strmap_free(&mt.counts);
}
