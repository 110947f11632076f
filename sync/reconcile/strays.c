#include "reconcile/strays.h"

#include "base/strmap.h"
#include "imap/list.h"
#include "reconcile/flags.h"
#include "reconcile/reconcile.h"

#include <stdlib.h>

static const char WHY_HELD[] = "it is on its way to where the server has its message";

/* A file without a partner. */
struct stray {
    struct mailbox_plan *plan;
    struct operation *op;
    struct stray *next; /* of the same content */
};

struct strays {
    struct plan *plan;
    struct arena *arena;
    struct strmap *by_content;             /* → struct stray *, the first not given away */
    VEC(const struct operation *) sources; /* of messages that the server moved */
};

static struct str content_key(struct arena *arena, const struct identity *id)
{
    char hex[33];
    digest_to_hex(&id->header_digest, hex);
    return str_from(arena_printf(arena, "%s %llu", hex, (unsigned long long)id->wire_size));
}

static bool is_told(const struct identity *id)
{
    return id != NULL && !digest_is_none(&id->header_digest);
}

static bool is_drafts(const struct mailbox_plan *plan)
{
    return (plan->pair->attributes & LIST_DRAFTS) != 0;
}

static void list_strays(struct strays *s, struct mailbox_plan *plan, struct operation_vec *ops)
{
    for (size_t i = ops->len; i-- > 0;) {
        struct operation *op = &ops->items[i];
        if (op->base != NULL || !is_told(op->identity))
            continue;
        struct stray *stray = arena_alloc(s->arena, sizeof *stray);
        struct str key = content_key(s->arena, op->identity);
        *stray = (struct stray){plan, op, strmap_get(s->by_content, key)};
        strmap_put(s->by_content, key, stray);
    }
}

/* The first in another mailbox, taken out of its list. */
static struct stray *take(struct strays *s, const struct mailbox_plan *to,
                          const struct identity *id)
{
    struct str key = content_key(s->arena, id);
    struct stray *before = NULL;
    struct stray *at = strmap_get(s->by_content, key);
    while (at != NULL && at->plan == to) {
        before = at;
        at = at->next;
    }
    if (at != NULL && before != NULL)
        before->next = at->next;
    else if (at != NULL && at->next != NULL)
        strmap_put(s->by_content, key, at->next);
    else if (at != NULL)
        strmap_remove(s->by_content, key);
    return at;
}

bool strays_may_be_in(const struct mailbox_pair *pair)
{
    return pair->pairing != NULL || (pair->record.id != 0 && pair->record.uidnext == 0);
}

/* What an earlier pass paired and left over is held already. */
static void hold(struct mailbox_pair *pair, const struct maildir_file *file)
{
    if (pair->pairing == NULL)
        return;
    for (size_t i = 0; i < pair->pairing->held.len; i++) {
        if (str_eq(pair->pairing->held.items[i].base, file->parsed.base))
            return;
    }
    vec_push(&pair->pairing->held, ((struct index_held){.kind = HELD_UPLOAD,
                                                        .base = file->parsed.base,
                                                        .reason = str_from(WHY_HELD),
                                                        .retry_ms = HELD_UNTIL_TOLD}));
}

/* What both sides had last. Of a side that is a backup the flags are no news. */
static struct index_message *agreed_on(struct strays *s, const struct stray *stray,
                                       const struct mailbox_plan *to,
                                       const struct operation *download)
{
    const struct mailbox_pair *from = stray->plan->pair;
    struct index_message *base = arena_alloc(s->arena, sizeof *base);
    uint8_t file = stray->op->file->parsed.flags;
    bool server_is_older = from->renumbered || to->pair->renumbered;
    *base = (struct index_message){
        .mailbox = from->record.id,
        .base = stray->op->file->parsed.base,
        .flags = download->flags,
        .wire_size = stray->op->identity->wire_size,
        .internal_date_s = download->identity->internal_date_s,
        .header_digest = stray->op->identity->header_digest,
        .body_digest = stray->op->identity->body_digest,
        .email_id = download->identity->email_id,
    };
    if (from->record.doubt == MAILBOX_UNPAIRED_OLDER)
        base->flags.system = file;
    else if (!server_is_older)
        base->flags.system &= file;
    return base;
}

static void join(struct strays *s, const struct stray *stray, struct mailbox_plan *to,
                 struct operation *download)
{
    struct move *move = vec_add(&s->plan->moves);
    uint8_t local = stray->op->file->parsed.flags;
    *move = (struct move){.kind = MOVE_LOCAL,
                          .from = stray->plan,
                          .to = to,
                          .to_uid = download->uid,
                          .base = agreed_on(s, stray, to, download),
                          .file = stray->op->file,
                          .file_keywords = download->flags,
                          .why = "found again by content in another mailbox"};
    struct flags_merge m = flags_merge(&move->base->flags, &download->flags, local,
                                       to->pair->remote.storable, to->pair->policy->flags);
    move->add = m.local & (uint8_t)~local;
    move->remove = local & (uint8_t)~m.local;
    /* What changed here is sent by the next pass, to which it looks new against the record. */
    move->flags = download->flags;
    if (m.remote == download->flags.system)
        move->flags.system = m.agreed.system;
    hold(stray->plan->pair, stray->op->file);
    stray->op->is_out = download->is_out = true;
}

static int by_uid(const void *a, const void *b)
{
    uint32_t x = ((const struct operation *)a)->uid;
    uint32_t y = ((const struct operation *)b)->uid;
    return (x > y) - (x < y);
}

static const struct operation *deletion_of(const struct strays *s, const struct index_message *twin)
{
    VEC_FOREACH (const struct mailbox_plan, m, &s->plan->mailboxes) {
        if (m->pair->record.id != twin->mailbox || m->pair->pairing != NULL)
            continue;
        const struct operation_vec *ops = &m->ops[OP_DELETE_LOCAL];
        const struct operation key = {.uid = twin->uid};
        return ops->len == 0 ? NULL : bsearch(&key, ops->items, ops->len, sizeof key, by_uid);
    }
    return NULL;
}

static bool is_source(const struct strays *s, const struct operation *op)
{
    for (size_t i = 0; i < s->sources.len; i++) {
        if (s->sources.items[i] == op)
            return true;
    }
    return false;
}

/* By its id it is one that is gone from another mailbox, whose file goes there: a stray of the same
 * content is another copy. */
static bool is_moved_there(struct strays *s, const struct identity *id)
{
    for (size_t i = 0; i < id->twins_len && id->email_id.len > 0; i++) {
        const struct operation *op = deletion_of(s, &id->twins[i]);
        if (op == NULL || id->twins[i].email_id.len == 0 || is_source(s, op))
            continue;
        vec_push(&s->sources, op);
        return true;
    }
    return false;
}

static void match_one(struct strays *s, struct mailbox_plan *to, struct operation *download)
{
    struct str key = content_key(s->arena, download->identity);
    if (strmap_get(s->by_content, key) == NULL || is_moved_there(s, download->identity))
        return;
    const struct stray *stray = take(s, to, download->identity);
    if (stray != NULL)
        join(s, stray, to, download);
}

void strays_match(struct plan *plan, struct arena *arena)
{
    struct strays s = {.plan = plan, .arena = arena, .by_content = strmap_new()};
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        if (!strays_may_be_in(m->pair) || m->pair->action != PAIR_SYNC || is_drafts(m))
            continue;
        if (m->pair->pairing != NULL)
            list_strays(&s, m, &m->ops[OP_UPLOAD]);
        list_strays(&s, m, &m->strays);
    }
    VEC_FOREACH (struct mailbox_plan, to, &plan->mailboxes) {
        VEC_FOREACH (struct operation, download, &to->ops[OP_DOWNLOAD]) {
            if (download->base != NULL || !is_told(download->identity) || is_drafts(to) ||
                strmap_len(s.by_content) == 0)
                continue;
            match_one(&s, to, download);
        }
    }
    VEC_FOREACH (struct mailbox_plan, m, &plan->mailboxes) {
        operations_sweep(&m->ops[OP_UPLOAD]);
        operations_sweep(&m->ops[OP_DOWNLOAD]);
        operations_sweep(&m->strays);
    }
    vec_free(&s.sources);
    strmap_free(&s.by_content);
}
