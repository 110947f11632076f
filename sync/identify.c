#include "sync/identify.h"

#include "imap/limits.h"
#include "imap/list.h"
#include "store/message_digest.h"
#include "sync/contents.h"
#include "sync/held.h"
#include "sync/identify_files.h"
#include "sync/keywords.h"
#include "sync/reconcile.h"
#include "sync/remote.h"
#include "sync/twins.h"

#include <stdio.h>

/* Commands in flight. */
#define ASKING_MAX 32
/* From so many new messages on a question for their ids is worth its round trip, where all that it
 * can save is bodies that stand here under another name. */
#define WORTH_LINKING 32

/* ---- what a server tells of its new messages ---- */

/* A header, or all of a message, that came before the rest of its answer was read out of the
 * connection. */
struct heard {
    uint32_t seq; /* of its FETCH response */
    struct digest header_digest;
    struct digest body_digest; /* where all of it came */
    bool has_message_id;
};

/* One UID FETCH. */
struct asking {
    struct pass *pass;
    struct mailbox_plan *plan;
    struct seqset uids;
    bool whole; /* of a message its body too, not its header alone */
    bool selecting;
    struct client_select select;
    struct client_fetch fetch;
    struct fetch_sink sink;
    struct message_digester *digester;
    size_t matched; /* of "Message-ID:" at the beginning of this line */
    bool line_may_match;
    VEC(struct heard) heard;
    bool refused;
    bool unselected; /* not even its mailbox could be selected */
};
VEC_STRUCT(asking_vec, struct asking);

struct identifier {
    struct pass *pass;
    struct plan *plan;
    unsigned id_item; /* FETCH_EMAILID, FETCH_GM_MSGID; 0: the server has neither */
    struct asking_vec asks;
    struct mailbox_plan *selected; /* by the last SELECT begun */
    struct mailbox_plan *lost;     /* the last SELECT ended found it not to be what it was: what was
                                      sent behind that is not answered by it either */
};

static bool header_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                         uint64_t size, struct error *err)
{
    struct asking *a = self;
    struct heard *h = vec_add(&a->heard);
    h->seq = so_far->seq;
    message_digester_reset(a->digester);
    a->matched = 0;
    a->line_may_match = true;
    return true;
}

static void look_for_message_id(struct asking *a, struct heard *h, struct str data)
{
    static const char name[] = "message-id:";
    for (size_t i = 0; i < data.len && !h->has_message_id; i++) {
        char c = data.ptr[i];
        if (c == '\n') {
            a->matched = 0;
            a->line_may_match = true;
            continue;
        }
        char lower = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        a->line_may_match = a->line_may_match && lower == name[a->matched];
        a->matched += a->line_may_match;
        h->has_message_id = a->line_may_match && a->matched == sizeof name - 1;
    }
}

static bool header_piece(void *self, struct str data, struct error *err)
{
    struct asking *a = self;
    message_digester_add(a->digester, data.ptr, data.len);
    if (!a->whole)
        look_for_message_id(a, &a->heard.items[a->heard.len - 1], data);
    return true;
}

static bool header_end(void *self, struct error *err)
{
    struct asking *a = self;
    struct heard *h = &a->heard.items[a->heard.len - 1];
    message_digester_finish(a->digester, &h->header_digest, &h->body_digest);
    return true;
}

/* The message that is new on the server, or would be were it not for the limits. */
static struct operation *new_of(struct mailbox_plan *plan, uint32_t uid)
{
    struct operation *op = operations_find(&plan->ops[OP_DOWNLOAD], uid);
    return op != NULL ? op : operations_find(&plan->ops[OP_AGREE], uid);
}

struct identity *identity_of(struct pass *pass, struct operation *op)
{
    if (op->identity == NULL)
        op->identity = arena_alloc(pass->arena, sizeof *op->identity);
    return (struct identity *)(uintptr_t)op->identity;
}

static int take_answer(struct asking *a, const struct fetch_data *data, struct error *err)
{
    struct operation *op = new_of(a->plan, data->uid);
    if (op == NULL || !seqset_contains(&a->uids, data->uid))
        return 0;
    struct arena *arena = a->pass->arena;
    struct identity *id = identity_of(a->pass, op);
    if (data->have & FETCH_EMAILID)
        id->email_id = arena_str(arena, data->email_id);
    if (data->have & FETCH_GM_MSGID)
        id->email_id = str_from(arena_printf(arena, "%llu", (unsigned long long)data->gm_msgid));
    if (data->have & FETCH_SIZE)
        id->wire_size = data->size;
    if (data->have & FETCH_INTERNALDATE)
        id->internal_date_s = data->internal_date.unix_s;
    VEC_FOREACH (const struct heard, h, &a->heard) {
        if (!(data->have & FETCH_BODY_SECTION) || h->seq != data->seq)
            continue;
        id->header_digest = h->header_digest;
        id->has_message_id = id->has_message_id || h->has_message_id;
        if (a->whole)
            id->body_digest = h->body_digest;
    }
    return data->have & FETCH_FLAGS ? keywords_index_flags(a->pass, &data->flags, &op->flags, err)
                                    : 0;
}

static int end_select(struct identifier *id, struct asking *a, struct error *err)
{
    bool lost = !a->selecting && id->lost == a->plan;
    int r = 0;
    if (a->selecting) {
        uint32_t known = a->plan->pair->remote.uidvalidity;
        r = client_select_end(id->pass->client, &a->select, err);
        lost = r == 0 && known != 0 && a->select.data.uidvalidity != known;
        client_select_free(&a->select);
        id->lost = r < 0 || lost ? a->plan : NULL;
    }
    a->selecting = false;
    return !lost ? r
                 : error_set(err, ERR_CHANGED, SCOPE_MAILBOX,
                             "the mailbox was replaced on the server during this run");
}

/* What a mailbox does not tell is not known, and its messages are fetched. */
static int end_asking(struct identifier *id, struct asking *a, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct fetch_data data;
    struct error end_error = ERROR_INIT;
    int r = end_select(id, a, err);
    a->unselected = r < 0;
    while (r == 0 && (r = client_fetch_next(id->pass->client, &a->fetch, &data, err)) > 0)
        r = take_answer(a, &data, err);
    int end = client_fetch_end(id->pass->client, &a->fetch, &end_error);
    client_fetch_free(&a->fetch);
    if (r == 0 && end < 0) {
        *err = end_error;
        r = end;
    }
    return r;
}

static int begin_asking(struct identifier *id, struct asking *a, unsigned items, struct error *err)
{
    static const struct section header = {.part = SECTION_HEADER};
    struct client *client = id->pass->client;
    struct mailbox_pair *pair = a->plan->pair;
    struct fetch_request request = {.items = FETCH_UID | items,
                                    .section = a->whole ? NULL : &header};
    bool selected =
        id->selected == a->plan ||
        (id->selected == NULL && remote_is_selected(client, pair, pair->remote.uidvalidity));
    if (!selected) {
        struct select_params params = {.condstore = client_has(client, CAP_CONDSTORE)};
        int r = client_select_begin(client, &a->select, pair->record.name, false, &params,
                                    id->pass->arena, err);
        if (r < 0)
            return r;
        a->selecting = true;
    }
    id->selected = a->plan;
    a->pass = id->pass;
    a->digester = message_digester_new();
    a->sink = (struct fetch_sink){header_begin, header_piece, header_end, a};
    int r = client_fetch_begin(client, &a->fetch, &a->uids, &request,
                               items & FETCH_BODY_SECTION ? &a->sink : NULL, id->pass->arena, err);
    if (r < 0 && a->selecting) {
        struct error ignored = ERROR_INIT;
        end_select(id, a, &ignored);
    }
    return r;
}

static void asking_free(struct asking *a)
{
    seqset_free(&a->uids);
    vec_free(&a->heard);
    message_digester_free(&a->digester);
}

/* Makes room for others. What could be opened in the survey and cannot be selected went since, or
 * became another: the next pass sees what came there. */
static void forget_asks(struct identifier *id)
{
    VEC_FOREACH (struct asking, a, &id->asks) {
        id->pass->moving_there = id->pass->moving_there || a->unselected;
        asking_free(a);
    }
    vec_free(&id->asks);
}

/* What is left was refused by the server, and may be asked again. */
static void drop_answered(struct identifier *id)
{
    size_t kept = 0;
    VEC_FOREACH (struct asking, a, &id->asks) {
        struct asking again = {
            .plan = a->plan, .uids = a->uids, .whole = a->whole, .unselected = a->unselected};
        bool refused = a->refused;
        if (refused)
            a->uids = (struct seqset){0};
        asking_free(a);
        if (refused)
            id->asks.items[kept++] = again;
    }
    id->asks.len = kept;
}

/* What an earlier pass could not fetch may be why the connection broke: the next one goes by it
 * (law 7). */
static void suspect_retries(struct pass *pass, const struct asking *a, const struct error *broken)
{
    char reason[ERROR_TEXT_MAX + 64];
    struct error ignored = ERROR_INIT;
    snprintf(reason, sizeof reason, "the connection broke while it was asked for: %s",
             broken->text);
    VEC_FOREACH (const struct operation, op, &a->plan->ops[OP_DOWNLOAD]) {
        if (op->is_retry && seqset_contains(&a->uids, op->uid) && !pass->options->dry_run)
            (void)held_add_download(pass, a->plan->pair, op->uid, false, reason, &ignored);
    }
}

/* Sends what was added, several in flight, and takes the answers. */
static int ask_all(struct identifier *id, unsigned items, struct error *err)
{
    size_t begun = 0, ended = 0;
    int r = 0;
    id->selected = id->lost = NULL;
    while (ended < id->asks.len && (r == 0 || ended < begun)) {
        if (r == 0 && begun < id->asks.len && begun - ended < ASKING_MAX) {
            r = begin_asking(id, &id->asks.items[begun], items, err);
            begun += r == 0;
            continue;
        }
        struct error ask_error = ERROR_INIT;
        struct asking *a = &id->asks.items[ended++];
        int e = end_asking(id, a, &ask_error);
        a->refused = e < 0;
        if (held_is_suspect(&ask_error))
            suspect_retries(id->pass, a, &ask_error);
        if (e < 0 && r == 0 && ask_error.scope > SCOPE_MAILBOX) {
            *err = ask_error;
            r = e;
        }
    }
    drop_answered(id);
    return r;
}

/* What a server refuses to tell by its id, or just now, it may tell `again`: what both sides moved
 * would be doubled were it fetched. 0: nothing is asked again. */
static int ask(struct identifier *id, unsigned items, unsigned again, struct error *err)
{
    int r = ask_all(id, items, err);
    if (r == 0 && again != 0 && id->asks.len > 0)
        r = ask_all(id, again, err);
    forget_asks(id);
    return r;
}

/* `wanted` is emptied. */
static void add_asks(struct identifier *id, struct mailbox_plan *plan, struct seqset *wanted)
{
    while (!seqset_is_empty(wanted)) {
        struct asking *a = vec_add(&id->asks);
        a->plan = plan;
        seqset_take(wanted, LIMIT_COMMAND_LINE_BYTES - 200, &a->uids);
    }
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

bool identify_has_lost(const struct mailbox_pair *pair)
{
    if (pair->record.id == 0 || pair->record.records == 0)
        return false;
    if (!pair->has_status)
        return error_is_set(&pair->error) || pair->removal == REMOVE_RECORD;
    uint64_t arrived = pair->status_uidnext > pair->record.uidnext
                           ? pair->status_uidnext - pair->record.uidnext
                           : 0;
    return pair->status_messages < pair->record.records + arrived;
}

/* What went and came again there may be what was moved here: it would be doubled. */
static bool may_have_come_elsewhere(const struct plan *plan)
{
    bool gone = false, new = false;
    VEC_FOREACH (const struct mailbox_plan, m, &plan->mailboxes) {
        gone = gone || count_gone(m) > m->ops[OP_DELETE_LOCAL].len;
        new = new || m->ops[OP_UPLOAD].len > 0;
    }
    return gone && new;
}

static void look_for_prospects(const struct identifier *id, bool by_id, struct prospects *p)
{
    const struct plan *plan = id->plan;
    p->sizes = strmap_new();
    p->came_elsewhere = may_have_come_elsewhere(plan);
    VEC_FOREACH (const struct mailbox_pair, pair, &id->pass->pairs) {
        p->passed_through = p->passed_through || has_gap(pair);
        p->lost_elsewhere = p->lost_elsewhere || (!plan_has(plan, pair) && identify_has_lost(pair));
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
    bool has_new = count_downloads(plan) > 0 || count_left_out(plan) > 0;
    /* What went and came again to the same mailbox was in another one meanwhile. */
    if (has_new && (p->gone > count_gone(plan) || (p->gone > 0 && p->passed_through) ||
                    p->came_elsewhere || p->lost_elsewhere))
        return id->id_item != 0 || !(plan->pair->attributes & LIST_DRAFTS);
    bool many = p->downloads >= WORTH_LINKING || id->id_item == FETCH_GM_MSGID;
    return count_downloads(plan) > 0 && id->id_item != 0 && p->sources > 1 && many;
}

static const enum operation_kind NEW_KINDS[] = {OP_DOWNLOAD, OP_AGREE};

/* What an earlier pass could not fetch is asked for apart: it may spoil the answer. */
static void all_new(const struct mailbox_plan *plan, bool retries, struct seqset *out)
{
    for (size_t k = 0; k < sizeof NEW_KINDS / sizeof NEW_KINDS[0]; k++) {
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
    for (size_t k = 0; k < sizeof NEW_KINDS / sizeof NEW_KINDS[0]; k++) {
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
        add_asks(id, m, &wanted);
    }
    return ask(id, FETCH_BODY_SECTION, FETCH_BODY_SECTION, err);
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
        add_asks(id, m, &wanted);
        all_new(m, true, &wanted);
        if (!seqset_is_empty(&wanted))
            items |= FETCH_FLAGS;
        add_asks(id, m, &wanted);
    }
    if (by_size)
        items |= FETCH_SIZE | FETCH_INTERNALDATE | (narrow ? 0 : FETCH_BODY_SECTION);
    unsigned by_header = FETCH_SIZE | FETCH_INTERNALDATE | FETCH_BODY_SECTION;
    int r = ask(id, items, many ? 0 : by_header | (items & FETCH_FLAGS), err);
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

/* What may have been moved there, where no Message-ID says that it is the same: the body tells.
 * Else the file would be sent beside what is fetched where both sides moved it, be it that here it
 * is moved only now. Headers were asked only of what may have been moved. */
static int ask_for_bodies(struct identifier *id, struct error *err)
{
    struct strmap *files = note_files(id);
    VEC_FOREACH (struct mailbox_plan, m, &id->plan->mailboxes) {
        AUTO_SEQSET struct seqset wanted = {0};
        for (size_t i = 0; i < m->ops[OP_DOWNLOAD].len; i++) {
            const struct operation *op = &m->ops[OP_DOWNLOAD].items[i];
            const struct identity *told = op->identity;
            if (is_new(op) && told != NULL && !told->has_message_id &&
                !digest_is_none(&told->header_digest) &&
                strmap_get(files, likeness(id, &told->header_digest, told->wire_size)) != NULL)
                seqset_add(&wanted, op->uid);
        }
        size_t first = id->asks.len;
        add_asks(id, m, &wanted);
        for (size_t i = first; i < id->asks.len; i++)
            id->asks.items[i].whole = true;
    }
    strmap_free(&files);
    return ask(id, FETCH_BODY_SECTION, FETCH_BODY_SECTION, err);
}

/* ---- the whole ---- */

int identify(struct pass *pass, struct plan *plan, struct error *err)
{
    struct identifier id = {.pass = pass, .plan = plan};
    if (client_has(pass->client, CAP_OBJECTID))
        id.id_item = FETCH_EMAILID;
    else if (client_has(pass->client, CAP_X_GM_EXT_1))
        id.id_item = FETCH_GM_MSGID;
    int r = identify_files(pass, plan, err);
    if (r == 0)
        r = identify_messages(&id, err);
    if (r == 0)
        r = ask_for_bodies(&id, err);
    return r < 0 ? r : twins_find(pass, plan, err);
}
