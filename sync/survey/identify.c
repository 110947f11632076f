#include "survey/identify.h"

#include "imap/list.h"
#include "reconcile/reconcile.h"
#include "survey/contents.h"
#include "survey/gone.h"
#include "survey/identify_files.h"
#include "survey/local.h"
#include "survey/questions.h"
#include "survey/remote.h"
#include "survey/twins.h"

#include <stdio.h>

/* From so many new messages on a question for their ids is worth its round trip, where all that it
 * can save is bodies that stand here under another name. */
#define WORTH_LINKING 32

struct identifier {
    struct pass *pass;
    struct plan *plan;
    unsigned id_item; /* FETCH_EMAILID, FETCH_GM_MSGID; 0: the server has neither */
    struct questions questions;
};

struct identity *identity_of(struct pass *pass, struct operation *op)
{
    if (op->identity == NULL)
        op->identity = arena_alloc(pass->arena, sizeof *op->identity);
    return (struct identity *)(uintptr_t)op->identity;
}

/* ---- which are worth a question ---- */

static bool is_gone(const struct operation *op)
{
    return op->kind == OP_DELETE_LOCAL ||
           (op->kind == OP_FORGET && op->base->state == MESSAGE_SYNCED);
}

static size_t count_gone(const struct mailbox_plan *plan)
{
    size_t count = plan->ops[OP_DELETE_LOCAL].len;
    for (size_t i = 0; i < plan->ops[OP_FORGET].len; i++)
        count += is_gone(&plan->ops[OP_FORGET].items[i]);
    return count;
}

static bool is_new(const struct operation *op)
{
    return op->base == NULL &&
           (op->kind == OP_DOWNLOAD || (op->kind == OP_AGREE && op->state == MESSAGE_SKIPPED));
}

static size_t count_downloads(const struct mailbox_plan *plan)
{
    return plan->ops[OP_DOWNLOAD].len + (size_t)seqset_count(&plan->fetch);
}

static size_t count_left_out(const struct mailbox_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->ops[OP_AGREE].len; i++)
        count += is_new(&plan->ops[OP_AGREE].items[i]);
    return count;
}

/* What there is to find. */
struct prospects {
    size_t gone;          /* records gone from the server */
    size_t downloads;     /* messages new there */
    size_t sources;       /* mailboxes that hold something, or will */
    bool lost_elsewhere;  /* a mailbox that the plan leaves out lost messages */
    bool passed_through;  /* messages came to some mailbox and went again since the last pass */
    bool came_elsewhere;  /* records are gone on both sides, and files are new here */
    struct strmap *sizes; /* of what is gone and has no id of the server's: "SIZE DATE" */
};

static const char *size_key(char out[64], uint64_t size, int64_t date_s)
{
    snprintf(out, 64, "%llu %lld", (unsigned long long)size, (long long)date_s);
    return out;
}

static void note_sizes(struct prospects *p, const struct operation_vec *ops, bool by_id)
{
    char key[64];
    for (size_t i = 0; i < ops->len; i++) {
        const struct operation *op = &ops->items[i];
        if (is_gone(op) && (!by_id || op->base->email_id.len == 0))
            strmap_put(p->sizes,
                       str_from(size_key(key, op->base->wire_size, op->base->internal_date_s)), p);
    }
}

/* Files that found no partner by content may be what is new in another mailbox. A backup may have
 * changed their dates. */
static void note_strays(struct prospects *p, const struct mailbox_plan *plan)
{
    const struct operation_vec *const lists[] = {&plan->strays, &plan->ops[OP_UPLOAD]};
    char key[64];
    for (size_t k = 0; k < (plan->pair->pairing != NULL ? 2 : 1); k++) {
        p->gone += lists[k]->len;
        for (size_t i = 0; i < lists[k]->len; i++) {
            const struct identity *id = lists[k]->items[i].identity;
            if (id != NULL)
                strmap_put(p->sizes, str_from(size_key(key, id->wire_size, 0)), p);
        }
    }
}

/* More UIDs were given out since than messages are new. */
static bool has_gap(const struct mailbox_pair *pair)
{
    bool opened = pair->remote.means != SURVEY_NONE;
    uint32_t next = opened ? pair->remote.uidnext : pair->has_status ? pair->status_uidnext : 0;
    return pair->record.id != 0 && pair->record.uidnext != 0 && next > pair->record.uidnext &&
           next - pair->record.uidnext > remote_fresh_count(&pair->remote);
}

/* One side removed it; it stays on the other as it is, and no survey looks into it. */
static bool is_one_sided(const struct mailbox_pair *pair)
{
    return pair->action == PAIR_LEAVE && pair->local_exists != pair->remote_exists &&
           pair->record.records > 0;
}

bool identify_has_lost(const struct mailbox_pair *pair)
{
    if (pair->record.id == 0 || pair->record.records == 0)
        return false;
    if (!pair->has_status)
        return error_is_set(&pair->error) || pair->removal == REMOVE_RECORD ||
               pair->removal == REMOVE_LOCAL || pair->left_for_now ||
               (is_one_sided(pair) && pair->remote_exists);
    uint64_t arrived = pair->status_uidnext > pair->record.uidnext
                           ? pair->status_uidnext - pair->record.uidnext
                           : 0;
    return pair->status_messages < pair->record.records + arrived;
}

static bool is_any_gone_on_both(const struct plan *plan)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        if (count_gone(m) > m->ops[OP_DELETE_LOCAL].len)
            return true;
    }
    return false;
}

static void look_for_prospects(const struct identifier *id, bool by_id, struct prospects *p)
{
    const struct plan *plan = id->plan;
    p->sizes = strmap_new();
    bool sends = plan_has_any(plan, OP_UPLOAD);
    /* What went and came again there may be what was moved here: it would be doubled. */
    p->came_elsewhere = sends && is_any_gone_on_both(plan);
    VEC_FOREACH (const struct mailbox_pair, pair, &id->pass->pairs) {
        bool lost = identify_has_lost(pair) || (sends && is_one_sided(pair) && pair->local_exists);
        p->passed_through = p->passed_through || has_gap(pair);
        p->lost_elsewhere = p->lost_elsewhere || (lost && !plan_has(plan, pair));
    }
    for (size_t i = 0; i < plan->mailboxes.len; i++) {
        const struct mailbox_plan *m = &plan->mailboxes.items[i];
        p->gone += count_gone(m);
        p->downloads += count_downloads(m) + count_left_out(m);
        p->sources += m->pair->record.files > 0 || count_downloads(m) > 0;
        note_strays(p, m);
        note_sizes(p, &m->ops[OP_DELETE_LOCAL], by_id);
        note_sizes(p, &m->ops[OP_FORGET], by_id);
    }
}

static bool is_worth_asking(const struct identifier *id, const struct prospects *p,
                            const struct mailbox_plan *plan)
{
    bool leaves_out = count_left_out(plan) > 0;
    bool has_new = count_downloads(plan) > 0 || leaves_out;
    /* What went and came again to the same mailbox was in another one meanwhile. It may have come
     * there and gone in an earlier pass: then it is fetched, unless it would be left out. */
    bool came_back = p->gone > 0 && (p->passed_through || leaves_out);
    if (has_new &&
        (p->gone > count_gone(plan) || came_back || p->came_elsewhere || p->lost_elsewhere))
        return id->id_item != 0 || !(plan->pair->attributes & LIST_DRAFTS);
    bool many = p->downloads >= WORTH_LINKING || id->id_item == FETCH_GM_MSGID;
    return count_downloads(plan) > 0 && id->id_item != 0 && p->sources > 1 && many;
}

/* What an earlier pass could not fetch is asked for apart: it may spoil the answer. */
static void all_new(const struct mailbox_plan *plan, bool retries, struct seqset *out)
{
    for (size_t k = 0; k < NEW_KINDS_LEN; k++) {
        const struct operation_vec *ops = &plan->ops[NEW_KINDS[k]];
        for (size_t i = 0; i < ops->len; i++) {
            if (is_new(&ops->items[i]) && ops->items[i].is_retry == retries)
                seqset_add(out, ops->items[i].uid);
        }
    }
}

static bool is_likely(const struct prospects *p, const struct operation *op)
{
    char key[64];
    const struct identity *id = op->identity;
    if (!is_new(op) || id == NULL)
        return false;
    size_key(key, id->wire_size, id->internal_date_s);
    return strmap_get(p->sizes, str_from(key)) != NULL ||
           strmap_get(p->sizes, str_from(size_key(key, id->wire_size, 0))) != NULL;
}

/* Those whose size and date are those of something gone. */
static void likely_new(const struct prospects *p, const struct mailbox_plan *plan,
                       struct seqset *out)
{
    for (size_t k = 0; k < NEW_KINDS_LEN; k++) {
        const struct operation_vec *ops = &plan->ops[NEW_KINDS[k]];
        for (size_t i = 0; i < ops->len; i++) {
            if (is_likely(p, &ops->items[i]))
                seqset_add(out, ops->items[i].uid);
        }
    }
}

/* Those that were not found by an id of the server's, and may be something gone all the same. */
static int ask_for_headers(struct identifier *id, const struct prospects *p, struct error *err)
{
    VEC_FOREACH (struct mailbox_plan, m, &id->plan->mailboxes) {
        AUTO_SEQSET struct seqset wanted = {0};
        likely_new(p, m, &wanted);
        questions_add(&id->questions, m, false, &wanted);
    }
    return questions_ask(&id->questions, FETCH_BODY_SECTION, FETCH_BODY_SECTION, err);
}

static int identify_messages(struct identifier *id, struct error *err)
{
    struct prospects p = {0};
    look_for_prospects(id, id->id_item != 0, &p);
    /* Where most of what is new was probably moved, the headers are asked for at once. */
    bool by_size = strmap_len(p.sizes) > 0 || p.lost_elsewhere;
    bool many = p.downloads > 2 * p.gone + WORTH_LINKING;
    bool narrow = !p.lost_elsewhere && (id->id_item != 0 || many);
    unsigned items = id->id_item;
    VEC_FOREACH (struct mailbox_plan, m, &id->plan->mailboxes) {
        AUTO_SEQSET struct seqset wanted = {0};
        if (!is_worth_asking(id, &p, m))
            continue;
        if (!seqset_is_empty(&m->fetch))
            items |= FETCH_FLAGS;
        operations_take_apart(m);
        all_new(m, false, &wanted);
        questions_add(&id->questions, m, false, &wanted);
        all_new(m, true, &wanted);
        if (!seqset_is_empty(&wanted))
            items |= FETCH_FLAGS;
        questions_add(&id->questions, m, false, &wanted);
    }
    if (by_size)
        items |= FETCH_SIZE | FETCH_INTERNALDATE | (narrow ? 0 : FETCH_BODY_SECTION);
    unsigned by_header = FETCH_SIZE | FETCH_INTERNALDATE | FETCH_BODY_SECTION;
    int r = questions_ask(&id->questions, items, many ? 0 : by_header | (items & FETCH_FLAGS), err);
    if (r == 0 && by_size && narrow)
        r = ask_for_headers(id, &p, err);
    strmap_free(&p.sizes);
    return r;
}

/* ---- what headers alone cannot tell ---- */

static struct str likeness(struct identifier *id, const struct digest *header, uint64_t size)
{
    char hex[33];
    digest_to_hex(header, hex);
    return str_from(arena_printf(id->pass->arena, "%s %llu", hex, (unsigned long long)size));
}

/* The files that are new here, and those that go because their message is gone there. */
static struct strmap *note_files(struct identifier *id)
{
    struct strmap *files = strmap_new();
    VEC_FOREACH (const struct mailbox_plan, m, &id->plan->mailboxes) {
        VEC_FOREACH (const struct operation, op, &m->ops[OP_UPLOAD]) {
            const struct identity *file = op->identity;
            if (file != NULL)
                strmap_put(files, likeness(id, &file->header_digest, file->wire_size), id);
        }
        VEC_FOREACH (const struct operation, op, &m->ops[OP_DELETE_LOCAL]) {
            strmap_put(files, likeness(id, &op->base->header_digest, op->base->wire_size), id);
        }
    }
    return files;
}

static bool may_be_one_of(struct identifier *id, const struct identity *told,
                          const struct strmap *files)
{
    return told != NULL && !told->has_message_id && !digest_is_none(&told->header_digest) &&
           strmap_get(files, likeness(id, &told->header_digest, told->wire_size)) != NULL;
}

/* What may have been moved there, where no Message-ID says that it is the same: the body tells.
 * Else the file would be sent beside what is fetched where both sides moved it, be it that here it
 * is moved only now. Headers were asked only of what may have been moved. */
static int ask_for_bodies(struct identifier *id, struct error *err)
{
    struct strmap *files = note_files(id);
    VEC_FOREACH (struct mailbox_plan, m, &id->plan->mailboxes) {
        AUTO_SEQSET struct seqset wanted = {0};
        for (size_t k = 0; k < NEW_KINDS_LEN; k++) {
            VEC_FOREACH (const struct operation, op, &m->ops[NEW_KINDS[k]]) {
                if (is_new(op) && may_be_one_of(id, op->identity, files))
                    seqset_add(&wanted, op->uid);
            }
        }
        questions_add(&id->questions, m, true, &wanted);
    }
    strmap_free(&files);
    return questions_ask(&id->questions, FETCH_BODY_SECTION, FETCH_BODY_SECTION, err);
}

/* ---- what went from a mailbox that one side removed ---- */

/* Its messages that operations of this kind may be of. */
static void note_twins(const struct plan *plan, enum operation_kind kind, uint32_t mailbox,
                       struct seqset *out)
{
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        VEC_FOREACH (const struct operation, op, &m->ops[kind]) {
            for (size_t i = 0; op->identity != NULL && i < op->identity->twins_len; i++) {
                if (op->identity->twins[i].mailbox == mailbox)
                    seqset_add(out, op->identity->twins[i].uid);
            }
        }
    }
}

static int ask_the_server(struct pass *pass, struct mailbox_pair *pair, const struct seqset *uids,
                          struct error *err)
{
    AUTO_SEQSET struct seqset present = {0};
    uint32_t uid = 0;
    int r = remote_select(pass, pair, pair->record.uidvalidity, err);
    if (r == 0)
        r = remote_which_exist(pass, uids, &present, err);
    while (r == 0 && seqset_next(uids, &uid)) {
        if (!seqset_contains(&present, uid))
            seqset_add(&pair->remote.gone, uid);
    }
    return r;
}

/* One of which the server does not tell just now whether it had another name. */
static bool is_any_untold(const struct pass *pass)
{
    VEC_FOREACH (const struct mailbox_pair, pair, &pass->pairs) {
        if (pair->action == PAIR_REFUSE && pair->left_for_now)
            return true;
    }
    return false;
}

/* All that the mailbox held is gone with it, where it is not merely out of view, or renamed. */
static int look_into_the_folder(struct pass *pass, struct mailbox_pair *pair,
                                const struct seqset *uids, struct error *err)
{
    bool gone = false;
    int r = local_survey(pass, pair, err);
    if (r == 0 && pair->record.name.len > 0 && !is_any_untold(pass))
        r = gone_for_good(pass, pair->record.name, &gone, err);
    if (r == 0 && gone)
        seqset_add_set(&pair->remote.gone, uids);
    return r;
}

/* Where one of its messages is new on both sides elsewhere, it was moved by both if it is gone from
 * the side that still has the mailbox (met.h). */
static int ask_the_one_sided(struct pass *pass, const struct plan *plan, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < pass->pairs.len && r == 0; i++) {
        AUTO_SEQSET struct seqset sent = {0}, wanted = {0};
        struct mailbox_pair *pair = &pass->pairs.items[i];
        uint32_t uid = 0;
        if (!is_one_sided(pair) || (pair->remote_exists && !identify_has_lost(pair)))
            continue;
        note_twins(plan, OP_UPLOAD, pair->record.id, &sent);
        note_twins(plan, OP_DOWNLOAD, pair->record.id, &wanted);
        while (seqset_next(&wanted, &uid)) {
            if (!seqset_contains(&sent, uid))
                seqset_remove_range(&wanted, uid, uid);
        }
        if (seqset_is_empty(&wanted))
            continue;
        r = pair->remote_exists ? ask_the_server(pass, pair, &wanted, err)
                                : look_into_the_folder(pass, pair, &wanted, err);
        if (r < 0 && err->scope <= SCOPE_MAILBOX) {
            error_clear(err);
            r = 0;
        }
    }
    return r;
}

/* ---- the whole ---- */

int identify(struct pass *pass, struct plan *plan, struct error *err)
{
    struct identifier id = {.pass = pass,
                            .plan = plan,
                            .id_item = contents_email_id_item(pass->client),
                            .questions = {.pass = pass}};
    int r = identify_files(pass, plan, err);
    if (r == 0)
        r = identify_messages(&id, err);
    if (r == 0)
        r = ask_for_bodies(&id, err);
    if (r == 0)
        r = twins_find(pass, plan, err);
    return r < 0 ? r : ask_the_one_sided(pass, plan, err);
}
