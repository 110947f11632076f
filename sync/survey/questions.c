#include "survey/questions.h"

#include "imap/limits.h"
#include "store/message_digest.h"
#include "reconcile/reconcile.h"
#include "pass/held.h"
#include "pass/keywords.h"
#include "survey/contents.h"
#include "survey/identify.h"
#include "survey/remote.h"

#include <stdio.h>

/* Commands in flight. */
#define ASKING_MAX 32

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

static int take_answer(struct asking *a, const struct fetch_data *data, struct error *err)
{
    struct operation *op = new_of(a->plan, data->uid);
    if (op == NULL || !seqset_contains(&a->uids, data->uid))
        return 0;
    struct identity *id = identity_of(a->pass, op);
    struct str email_id = contents_email_id(a->pass->arena, data);
    if (email_id.len > 0)
        id->email_id = email_id;
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

static int end_select(struct questions *q, struct asking *a, struct error *err)
{
    bool lost = !a->selecting && q->lost == a->plan;
    int r = 0;
    if (a->selecting) {
        uint32_t known = a->plan->pair->remote.uidvalidity;
        r = client_select_end(q->pass->client, &a->select, err);
        lost = r == 0 && known != 0 && a->select.data.uidvalidity != known;
        client_select_free(&a->select);
        q->lost = r < 0 || lost ? a->plan : NULL;
    }
    a->selecting = false;
    return !lost ? r
                 : error_set(err, ERR_CHANGED, SCOPE_MAILBOX,
                             "the mailbox was replaced on the server during this run");
}

/* What a mailbox does not tell is not known, and its messages are fetched. */
static int end_asking(struct questions *q, struct asking *a, struct error *err)
{
    AUTO_ARENA struct arena *arena = arena_new();
    struct fetch_data data;
    int r = end_select(q, a, err);
    a->unselected = r < 0;
    while (r == 0 && (r = client_fetch_next(q->pass->client, &a->fetch, &data, err)) > 0)
        r = take_answer(a, &data, err);
    return client_fetch_close(q->pass->client, &a->fetch, r, err);
}

static int begin_asking(struct questions *q, struct asking *a, unsigned items, struct error *err)
{
    static const struct section header = {.part = SECTION_HEADER};
    struct client *client = q->pass->client;
    struct mailbox_pair *pair = a->plan->pair;
    struct fetch_request request = {.items = FETCH_UID | items,
                                    .section = a->whole ? NULL : &header};
    bool selected =
        q->selected == a->plan ||
        (q->selected == NULL && remote_is_selected(client, pair, pair->remote.uidvalidity));
    if (!selected) {
        struct select_params params = {.condstore = client_has(client, CAP_CONDSTORE)};
        int r = client_select_begin(client, &a->select, pair->record.name, false, &params,
                                    q->pass->arena, err);
        if (r < 0)
            return r;
        a->selecting = true;
    }
    q->selected = a->plan;
    a->pass = q->pass;
    a->digester = message_digester_new();
    a->sink = (struct fetch_sink){header_begin, header_piece, header_end, a};
    int r = client_fetch_begin(client, &a->fetch, &a->uids, &request,
                               items & FETCH_BODY_SECTION ? &a->sink : NULL, q->pass->arena, err);
    if (r < 0 && a->selecting) {
        struct error ignored = ERROR_INIT;
        end_select(q, a, &ignored);
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
static void forget_asks(struct questions *q)
{
    VEC_FOREACH (struct asking, a, &q->asks) {
        q->pass->moving_there = q->pass->moving_there || a->unselected;
        asking_free(a);
    }
    vec_free(&q->asks);
}

/* What is left was refused by the server, and may be asked again. */
static void drop_answered(struct questions *q)
{
    size_t kept = 0;
    VEC_FOREACH (struct asking, a, &q->asks) {
        struct asking again = {
            .plan = a->plan, .uids = a->uids, .whole = a->whole, .unselected = a->unselected};
        bool refused = a->refused;
        if (refused)
            a->uids = (struct seqset){0};
        asking_free(a);
        if (refused)
            q->asks.items[kept++] = again;
    }
    q->asks.len = kept;
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
static int ask_all(struct questions *q, unsigned items, struct error *err)
{
    size_t begun = 0, ended = 0;
    int r = 0;
    q->selected = q->lost = NULL;
    while (ended < q->asks.len && (r == 0 || ended < begun)) {
        if (r == 0 && begun < q->asks.len && begun - ended < ASKING_MAX) {
            r = begin_asking(q, &q->asks.items[begun], items, err);
            begun += r == 0;
            continue;
        }
        struct error ask_error = ERROR_INIT;
        struct asking *a = &q->asks.items[ended++];
        int e = end_asking(q, a, &ask_error);
        a->refused = e < 0;
        if (held_is_suspect(&ask_error))
            suspect_retries(q->pass, a, &ask_error);
        if (e < 0 && r == 0 && ask_error.scope > SCOPE_MAILBOX) {
            *err = ask_error;
            r = e;
        }
    }
    drop_answered(q);
    return r;
}

int questions_ask(struct questions *q, unsigned items, unsigned again, struct error *err)
{
    int r = ask_all(q, items, err);
    if (r == 0 && again != 0 && q->asks.len > 0)
        r = ask_all(q, again, err);
    forget_asks(q);
    return r;
}

void questions_add(struct questions *q, struct mailbox_plan *plan, bool whole,
                   struct seqset *wanted)
{
    while (!seqset_is_empty(wanted)) {
        struct asking *a = vec_add(&q->asks);
        a->plan = plan;
        a->whole = whole;
        seqset_take(wanted, LIMIT_COMMAND_LINE_BYTES - 200, &a->uids);
    }
}
