#include "apply/apply.h"

#include "imap/limits.h"
#include "reconcile/flags.h"
#include "pass/event.h"
#include "pass/keywords.h"

/* STORE commands in flight. */
#define STORE_BATCH 32
/* Of the command line, for all but the UIDs. */
#define FLAGS_ROOM 1000
/* Up to here nothing is to be saved. */
#define GROUPS_FEW 2

/*
 * Flags to the server: one STORE for all messages with the same change.
 *
 * What is sent is the change of each flag, never a whole set: whoever changed other flags meanwhile
 * keeps them, and who changed the same one changed it alike, since a flag has but two states. So
 * nothing is won by UNCHANGEDSINCE: the merge made anew after a MODIFIED would send the same again.
 */

struct change {
    uint8_t system; /* enum maildir_flag bits */
    struct index_flags keywords;
    struct seqset uids;
};
VEC_STRUCT(change_vec, struct change);

struct store {
    struct client_store handle;
    const struct change *change;
    struct seqset uids;
};

/*
 * The STOREs of one mailbox. Their answers are waited for as late as can be: behind the SELECT of
 * the next mailbox, or the first APPENDs.
 */
struct storer {
    struct pass *pass;
    struct mailbox_plan *plan;
    struct change_vec add, remove;
    struct store stores[STORE_BATCH];
    size_t len;
};

/* Whether a NO may be about the keywords themselves. */
static bool is_about_keywords(const struct store *store, const struct error *err)
{
    static const char *const others[] = {"UNAVAILABLE", "INUSE",           "SERVERBUG", "NOPERM",
                                         "EXPIRED",     "PRIVACYREQUIRED", "READ-ONLY"};
    if (store->change->keywords.keywords_len == 0 || err->scope > SCOPE_MAILBOX ||
        (err->code != ERR_NO && err->code != ERR_BAD))
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(err->response_code, others[i]) == 0)
            return false;
    }
    return true;
}

/* The next pass sends what is left of the change. */
static int note_failure(struct storer *s, const struct store *store, struct error *failure,
                        struct error *err)
{
    struct mailbox_pair *pair = s->plan->pair;
    int r;
    seqset_add_set(&s->plan->flags_failed, &store->uids);
    if (is_about_keywords(store, failure)) {
        pair->remote_blocked = pair->local_blocked = true;
        r = keywords_note_refused(s->pass, pair, &store->change->keywords, err);
        return r < 0 ? error_widen(err, SCOPE_ACCOUNT) : 0;
    }
    error_wrap(failure, "cannot store flags");
    r = pass_absorb(s->pass, pair, failure);
    if (r < 0)
        *err = *failure;
    return r;
}

static int end_stores(struct storer *s, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < s->len; i++) {
        struct error store_error = ERROR_INIT;
        struct store *store = &s->stores[i];
        if (client_store_end(s->pass->client, &store->handle, &store_error) < 0) {
            if (r == 0)
                r = note_failure(s, store, &store_error, err);
            else
                seqset_add_set(&s->plan->flags_failed, &store->uids);
        }
        client_store_free(&store->handle);
        seqset_free(&store->uids);
    }
    s->len = 0;
    return r;
}

static int begin_store(struct storer *s, struct change *change, enum store_mode mode,
                       struct error *err)
{
    struct imap_flags flags;
    const struct index_flags wanted = {.system = change->system,
                                       .keywords = change->keywords.keywords,
                                       .keywords_len = change->keywords.keywords_len};
    keywords_imap_flags(s->pass, s->plan->pair, &wanted, s->pass->arena, &flags);
    int r = 0;
    while (r == 0 && !seqset_is_empty(&change->uids)) {
        struct store *store = &s->stores[s->len];
        *store = (struct store){.change = change};
        seqset_take(&change->uids, LIMIT_COMMAND_LINE_BYTES - FLAGS_ROOM, &store->uids);
        r = client_store_begin(s->pass->client, &store->handle, &store->uids, mode, &flags, 0,
                               s->pass->arena, err);
        if (r < 0)
            seqset_free(&store->uids);
        s->len += r == 0;
        if (s->len == STORE_BATCH)
            r = end_stores(s, err);
    }
    return r;
}

static void add_change(struct change_vec *changes, uint8_t system,
                       const struct index_flags *keywords, uint32_t uid)
{
    if (system == 0 && keywords->keywords_len == 0)
        return;
    VEC_FOREACH (struct change, c, changes) {
        if (c->system == system && flags_equal(&c->keywords, keywords)) {
            seqset_add(&c->uids, uid);
            return;
        }
    }
    struct change *c = vec_add(changes);
    c->system = system;
    c->keywords = *keywords;
    seqset_add(&c->uids, uid);
}

/* A change of several flags as so many of one. */
static void add_singly(struct change_vec *changes, uint8_t system,
                       const struct index_flags *keywords, uint32_t uid)
{
    const struct index_flags none = {0};
    for (unsigned bit = 1; bit < 64; bit <<= 1)
        add_change(changes, system & bit, &none, uid);
    for (size_t i = 0; i < keywords->keywords_len; i++) {
        const struct index_flags one = {.keywords = &keywords->keywords[i], .keywords_len = 1};
        add_change(changes, 0, &one, uid);
    }
}

static void collect(const struct operation_vec *ops, enum store_mode mode,
                    void (*add)(struct change_vec *changes, uint8_t system,
                                const struct index_flags *keywords, uint32_t uid),
                    struct change_vec *out)
{
    for (size_t i = 0; i < ops->len; i++) {
        const struct operation *op = &ops->items[i];
        if (mode == STORE_ADD)
            add(out, op->add, &op->add_keywords, op->uid);
        else
            add(out, op->remove, &op->remove_keywords, op->uid);
    }
}

static void free_changes(struct change_vec *changes)
{
    VEC_FOREACH (struct change, c, changes) {
        seqset_free(&c->uids);
    }
    vec_free(changes);
}

/* By equal changes, or flag by flag where these are fewer. */
static void group(const struct operation_vec *ops, enum store_mode mode, struct change_vec *out)
{
    struct change_vec single = {0};
    collect(ops, mode, add_change, out);
    if (out->len <= GROUPS_FEW)
        return;
    collect(ops, mode, add_singly, &single);
    if (single.len < out->len) {
        struct change_vec kept = *out;
        *out = single;
        single = kept;
    }
    free_changes(&single);
}

static int begin_stores(struct storer *s, enum store_mode mode, struct change_vec *changes,
                        struct error *err)
{
    group(&s->plan->ops[OP_FLAGS_TO_REMOTE], mode, changes);
    int r = 0;
    for (size_t i = 0; i < changes->len && r == 0; i++)
        r = begin_store(s, &changes->items[i], mode, err);
    return r;
}

static int record_stored(struct pass *pass, const struct mailbox_plan *plan, struct error *err)
{
    AUTO_TXN struct index_txn *txn = NULL;
    const struct operation_vec *ops = &plan->ops[OP_FLAGS_TO_REMOTE];
    int r = index_begin_write(pass->index, &txn, err);
    for (size_t i = 0; i < ops->len && r == 0; i++) {
        const struct operation *op = &ops->items[i];
        if (seqset_contains(&plan->flags_failed, op->uid))
            continue;
        struct index_message m = *op->base;
        m.flags = op->flags;
        m.state = op->state;
        r = index_message_put(txn, &m, err);
        if (r == 0)
            r = event_note(pass, txn, plan->pair, EVENT_FLAGS_REMOTE, &m, op->why, err);
        pass->report->messages.flags_to_remote++;
    }
    return r < 0 ? r : index_commit(&txn, err);
}

/* A file is not given the merged flags while the server lacks its share of them. */
static void note_all_failed(struct mailbox_plan *plan)
{
    for (size_t i = 0; i < plan->ops[OP_FLAGS_TO_REMOTE].len; i++)
        seqset_add(&plan->flags_failed, plan->ops[OP_FLAGS_TO_REMOTE].items[i].uid);
}

/* `begun`: what came of beginning them. */
static int end_storer(struct storer *s, int begun, struct error *err)
{
    struct error ignored = ERROR_INIT;
    int ended = end_stores(s, begun == 0 ? err : &ignored);
    int r = begun < 0 ? begun : ended;
    if (r < 0)
        note_all_failed(s->plan);
    else if (record_stored(s->pass, s->plan, err) < 0)
        r = error_widen(err, SCOPE_ACCOUNT);
    free_changes(&s->add);
    free_changes(&s->remove);
    xfree(&s);
    return r;
}

int apply_flags_settle(struct pass *pass, struct error *err)
{
    struct storer *s = pass->storer;
    pass->storer = NULL;
    return s != NULL ? end_storer(s, 0, err) : 0;
}

static int store_mailbox(struct pass *pass, struct mailbox_plan *plan, struct error *err)
{
    struct error former_error = ERROR_INIT;
    pass_progress(pass, PROGRESS_FLAGS, plan->pair, 0, plan->ops[OP_FLAGS_TO_REMOTE].len);
    int r = apply_select(pass, plan->pair, err);
    if (apply_flags_settle(pass, &former_error) < 0) {
        *err = former_error;
        r = -(int)err->code;
    }
    if (r < 0) {
        note_all_failed(plan);
        return r;
    }
    struct storer *s = xcalloc(1, sizeof *s);
    s->pass = pass;
    s->plan = plan;
    r = begin_stores(s, STORE_ADD, &s->add, err);
    if (r == 0)
        r = begin_stores(s, STORE_REMOVE, &s->remove, err);
    if (r < 0)
        return end_storer(s, r, err);
    pass->storer = s;
    return 0;
}

int apply_flags_remote(struct pass *pass, struct plan *plan, struct error *err)
{
    return apply_each(pass, plan, OP_FLAGS_TO_REMOTE, store_mailbox, err);
}
