#include "survey/twins.h"

#include "survey/contents.h"
#include "survey/identify.h"

/* Records that are the same message: more of them make no difference. */
#define TWINS_MAX 16

struct twin_search {
    const struct pass *pass;
    struct index_txn *txn;
    struct arena *arena;
    struct identity *id;
    bool by_body; /* else by size and date */
    struct index_message found[TWINS_MAX];
    struct error *err;
    int result;
};

static bool is_twin(const struct twin_search *s, const struct index_message *m)
{
    const struct identity *id = s->id;
    if (m->state != MESSAGE_SYNCED)
        return false;
    if (id->email_id.len > 0 && m->email_id.len > 0)
        return str_eq(m->email_id, id->email_id);
    if (!digest_eq(&m->header_digest, &id->header_digest) || m->wire_size != id->wire_size)
        return false;
    return s->by_body ? digest_eq(&m->body_digest, &id->body_digest)
                      : m->internal_date_s == id->internal_date_s;
}

/* What the index knows by UID of a mailbox that was renumbered are other messages by now. */
static bool is_renumbered(const struct pass *pass, uint32_t mailbox)
{
    const struct mailbox_pair *pair = pairs_find(&pass->pairs, mailbox);
    return pair != NULL && pair->renumbered;
}

static bool has_ended(const struct pass *pass, uint32_t mailbox, uint32_t uid)
{
    const struct mailbox_pair *pair = pairs_find(&pass->pairs, mailbox);
    return pair != NULL && mailbox_has_ended(pair, uid);
}

static bool take_twin(void *self, uint32_t mailbox, uint32_t uid)
{
    struct twin_search *s = self;
    if (is_renumbered(s->pass, mailbox) || has_ended(s->pass, mailbox, uid))
        return true;
    struct index_message *m = &s->found[s->id->twins_len];
    s->result = index_message_get(s->txn, s->arena, mailbox, uid, m, s->err);
    if (s->result < 0)
        return false;
    s->id->twins_len += is_twin(s, m);
    return s->id->twins_len < TWINS_MAX;
}

static int find_twins(struct pass *pass, struct index_txn *txn, struct identity *id, bool by_body,
                      struct error *err)
{
    struct twin_search s = {
        .pass = pass, .txn = txn, .arena = pass->arena, .id = id, .by_body = by_body, .err = err};
    int r = 0;
    if (id->email_id.len > 0)
        r = index_message_by_email_id(txn, id->email_id, take_twin, &s, err);
    if (r == 0 && id->twins_len == 0 && !digest_is_none(&id->header_digest))
        r = index_message_by_content(txn, &id->header_digest, take_twin, &s, err);
    if (r == 0)
        r = s.result;
    if (r == 0 && id->twins_len > 0) {
        struct index_message *twins = arena_array(pass->arena, id->twins_len, sizeof *twins);
        memcpy(twins, s.found, id->twins_len * sizeof *twins);
        id->twins = twins;
    }
    return r;
}

/* The file may hold its message byte for byte, as the index says of the other (law 5). */
static int find_as_stored(struct file_finder *finder, struct index_txn *txn, struct operation *op,
                          struct error *err)
{
    struct pass *pass = finder->pass;
    struct local_content content;
    struct error ignored = ERROR_INIT;
    struct identity *id = identity_of(pass, op);
    if (contents_read_renamed(finder, op->file, true, &content, &ignored) < 0)
        return 0;
    struct identity stored = {.header_digest = content.header,
                              .body_digest = content.body,
                              .wire_size = content.wire_size};
    int r = find_twins(pass, txn, &stored, true, err);
    if (r == 0 && stored.twins_len > 0)
        *id = stored;
    return r;
}

/* A deletion's own record is its identity. */
static int find_copies(struct pass *pass, struct index_txn *txn, struct operation *op,
                       struct error *err)
{
    struct identity *id = identity_of(pass, op);
    id->header_digest = op->base->header_digest;
    id->body_digest = op->base->body_digest;
    id->wire_size = op->base->wire_size;
    return find_twins(pass, txn, id, true, err);
}

static int find_in_mailbox(struct pass *pass, struct index_txn *txn, struct mailbox_plan *plan,
                           struct error *err)
{
    static const enum operation_kind kinds[] = {OP_UPLOAD, OP_DOWNLOAD, OP_AGREE, OP_DELETE_LOCAL,
                                                OP_DELETE_REMOTE};
    struct file_finder finder = {.pass = pass, .pair = plan->pair};
    int r = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct operation_vec *ops = &plan->ops[kinds[k]];
        for (size_t i = 0; i < ops->len && r == 0; i++) {
            struct operation *op = &ops->items[i];
            if (kinds[k] == OP_DELETE_LOCAL || kinds[k] == OP_DELETE_REMOTE)
                r = find_copies(pass, txn, op, err);
            else if (op->identity != NULL)
                r = find_twins(pass, txn, identity_of(pass, op),
                               !digest_is_none(&op->identity->body_digest), err);
            bool unknown =
                kinds[k] == OP_UPLOAD && op->identity != NULL && op->identity->twins_len == 0;
            if (r == 0 && unknown)
                r = find_as_stored(&finder, txn, op, err);
        }
    }
    file_finder_free(&finder);
    return r;
}

int twins_find(struct pass *pass, struct plan *plan, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    int r = index_begin_read(pass->index, &txn, err);
    for (size_t i = 0; i < plan->mailboxes.len && r == 0; i++)
        r = find_in_mailbox(pass, txn, &plan->mailboxes.items[i], err);
    return r;
}
