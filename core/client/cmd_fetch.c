/*
 * FETCH and UID FETCH, streamed: one response is parsed at a time and bodies go to the sink as they
 * arrive.
 *
 * A FETCH response does not say which command it answers, and may answer none. It goes to the
 * oldest command in flight that asked for such items of that message; a body's destination must be
 * known before all items are, so it goes by the UID where that was told first, else to the oldest
 * command that asked for bodies.
 */
#include "base/alloc.h"
#include "imap/limits.h"
#include "imap/vanished.h"
#include "client/client_private.h"

/* Told by servers without being asked. */
#define OFTEN_UNASKED (FETCH_UID | FETCH_FLAGS | FETCH_MODSEQ)

static bool wants_body(const struct client_fetch *h)
{
    return (h->items & FETCH_BODY_SECTION) != 0;
}

/* Whether a response with the items `have` may be an answer to `h`: a change of flags told
 * meanwhile is none where more than flags was asked for. */
static bool asked_for(const struct client_fetch *h, unsigned have)
{
    unsigned wanted = h->items & ~(unsigned)OFTEN_UNASKED;
    if (wanted != 0) {
        return (have & wanted) != 0;
    }
    return (have & h->items) != 0;
}

/* The fetches in flight before the first SELECT that is: those behind it are about its mailbox. */
static struct client_fetch *next_fetch(struct client_op *op)
{
    while (op != NULL && op->row->id != CMD_SELECT && op->row->id != CMD_EXAMINE) {
        bool is_fetch = op->row->id == CMD_UID_FETCH || op->row->id == CMD_FETCH;
        if (is_fetch && !op->orphan) {
            return (struct client_fetch *)op;
        }
        op = op->next;
    }
    return NULL;
}

/* `*` alone stands for a message that only the server knows, as `$` does. */
static bool covers(const struct seqset *set, uint32_t number)
{
    return set->saved || seqset_contains(set, number) ||
           (set->len > 0 && set->items[set->len - 1].first == SEQ_STAR);
}

static bool is_about(const struct client_fetch *h, const struct fetch_data *data)
{
    return covers(&h->set, h->op.row->id == CMD_FETCH ? data->seq : data->uid);
}

static struct client_fetch *find(struct client *c, const struct fetch_data *data, unsigned have)
{
    struct client_fetch *h = next_fetch(c->first);
    while (h != NULL && !(asked_for(h, have) && is_about(h, data) &&
                          (h->op.row->id == CMD_FETCH || data->uid != 0))) {
        h = next_fetch(h->op.next);
    }
    return h;
}

static struct client_fetch *find_for_body(struct client *c, const struct fetch_data *so_far)
{
    struct client_fetch *h = next_fetch(c->first);
    if (so_far->uid != 0) {
        return find(c, so_far, FETCH_BODY_SECTION);
    }
    while (h != NULL &&
           !(wants_body(h) && (h->op.row->id == CMD_UID_FETCH || is_about(h, so_far)))) {
        h = next_fetch(h->op.next);
    }
    return h;
}

/* Between the parser and the sink of whoever asked. */
struct body_route {
    struct client *c;
    uint32_t uid; /* of UIDFETCH, which tells it before all items */
    bool began;
    struct client_fetch *to;       /* chosen when the body began; NULL: dropped */
    const struct fetch_sink *sink; /* NULL: dropped */
};

static bool route_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                        uint64_t size, struct error *err)
{
    struct body_route *route = self;
    struct fetch_data known = *so_far;
    known.uid = route->uid != 0 ? route->uid : so_far->uid;
    route->began = true;
    route->to = find_for_body(route->c, &known);
    route->sink = route->to != NULL && route->to->sink_error == NULL ? route->to->sink : NULL;
    return route->sink == NULL || route->sink->begin(route->sink->self, &known, section, size, err);
}

static bool route_piece(void *self, struct str data, struct error *err)
{
    struct body_route *route = self;
    return route->sink == NULL || route->sink->piece(route->sink->self, data, err);
}

static bool route_end(void *self, struct error *err)
{
    struct body_route *route = self;
    return route->sink == NULL || route->sink->end(route->sink->self, err);
}

static void keep_sink_error(struct client_fetch *h, const struct error *err)
{
    if (h != NULL && h->sink_error == NULL && error_is_set(err) && err->scope > SCOPE_MESSAGE) {
        h->sink_error = xmemdup(err, sizeof *err);
    }
}

static bool queue_add(struct client_fetch *h, struct client *c, const struct fetch_data *data)
{
    if (h->discard) {
        return true;
    }
    if (h->queue.len - h->queue_head >= LIMIT_FETCH_QUEUE) {
        return reader_fail(c->reader, "more than %d messages told", LIMIT_FETCH_QUEUE);
    }
    vec_push(&h->queue, fetch_data_copy(h->queue_arena, data));
    return true;
}

/* Under NOTIFY new messages come with the items that were asked for there. */
static void add_event(struct client *c, const struct fetch_data *data)
{
    if ((data->have & FETCH_FLAGS) != 0 || c->notifies) {
        events_add_fetch(c, data);
    }
}

static bool read_fetch(struct client *c, const struct response_head *head, struct body_route *route,
                       struct fetch_data *data)
{
    const struct fetch_sink sink = {
        .begin = route_begin, .piece = route_piece, .end = route_end, .self = route};
    struct error sink_error = ERROR_INIT;
    bool by_uid = str_eq(head->name, STR("UIDFETCH"));
    data->seq = by_uid ? 0 : head->number;
    route->uid = by_uid ? head->number : 0;
    bool ok = reader_expect_sp(c->reader) &&
              fetch_data_read(c->reader, c->scratch, &sink, data, &sink_error) &&
              dispatch_line_end(c);
    keep_sink_error(route->to, &sink_error);
    if (by_uid) {
        data->uid = head->number;
        data->have |= FETCH_UID;
    }
    return ok;
}

bool fetch_dispatch(struct client *c, const struct response_head *head)
{
    if (c->first != NULL && pipeline_find_select(c->first) == c->first) {
        return select_take_fetch(c->first, c, head);
    }
    struct body_route route = {.c = c};
    struct fetch_data data = {0};
    if (!read_fetch(c, head, &route, &data)) {
        return false;
    }
    struct client_fetch *to = find(c, &data, data.have);
    if (to != NULL && route.began && route.to != to) {
        /* The UID came behind the body, which went to another command: as good as not told. */
        return true;
    }
    if (to != NULL) {
        return queue_add(to, c, &data);
    }
    if (!store_take_fetch(c, &data)) {
        add_event(c, &data);
    }
    return true;
}

/* What of `told` lies in `asked`. */
static void add_common(struct seqset *out, const struct seqset *told, const struct seqset *asked)
{
    size_t i = 0;
    size_t j = 0;
    while (i < told->len && j < asked->len) {
        struct seq_range a = told->items[i];
        struct seq_range b = asked->items[j];
        uint32_t first = a.first > b.first ? a.first : b.first;
        uint32_t last = a.last < b.last ? a.last : b.last;
        if (first <= last) {
            seqset_add_range(out, first, last);
        }
        if (a.last < b.last) {
            i++;
        } else {
            j++;
        }
    }
}

/* Of times before now: the answer to a SELECT or a UID FETCH, or nobody's. */
static void hand_out_earlier(struct client *c, const struct seqset *told)
{
    struct client_op *first = c->first;
    if (first != NULL && pipeline_find_select(first) == first) {
        seqset_add_set(&((struct client_select *)first)->changes.vanished, told);
        return;
    }
    struct client_fetch *h = next_fetch(first);
    while (h != NULL && !h->wants_vanished) {
        h = next_fetch(h->op.next);
    }
    if (h != NULL) {
        add_common(&h->vanished, told, &h->set);
    }
}

bool vanished_dispatch(struct client *c)
{
    struct seqset told = {0};
    bool earlier = false;
    bool ok = vanished_read(c->reader, &earlier, &told) && dispatch_line_end(c);
    if (ok && earlier) {
        hand_out_earlier(c, &told);
    } else if (ok && !seqset_is_empty(&told)) {
        expunge_take_uids(c, &told);
        events_add_vanished(c, &told);
    }
    seqset_free(&told);
    return ok;
}

static const struct {
    enum fetch_item item;
    enum capability needs;
} item_needs[] = {
    {FETCH_MODSEQ, CAP_CONDSTORE},    {FETCH_EMAILID, CAP_OBJECTID},
    {FETCH_THREADID, CAP_OBJECTID},   {FETCH_GM_MSGID, CAP_X_GM_EXT_1},
    {FETCH_GM_THRID, CAP_X_GM_EXT_1}, {FETCH_SAVEDATE, CAP_SAVEDATE},
    {FETCH_PREVIEW, CAP_PREVIEW},     {FETCH_GM_LABELS, CAP_X_GM_EXT_1},
};

/* BINARY is for those who have it, IMAP4rev2 included. */
static int check_sections(struct client *c, struct client_op *op,
                          const struct fetch_request *request, struct error *err)
{
    size_t len = request->section == NULL     ? 0
                 : request->sections_len == 0 ? 1
                                              : request->sections_len;
    if ((request->items & FETCH_BODY_SECTION) == 0 || client_has(c, CAP_IMAP4REV2)) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        enum section_item item = request->section[i].item;
        if ((item == SECTION_BINARY || item == SECTION_BINARY_SIZE) &&
            pipeline_require(c, op, CAP_BINARY, err) < 0) {
            return error_wrap(err, "FETCH of BINARY");
        }
    }
    return 0;
}

static int check_modifiers(struct client *c, struct client_op *op,
                           const struct fetch_request *request, struct error *err)
{
    if (request->changed_since != 0 && pipeline_require(c, op, CAP_CONDSTORE, err) < 0) {
        return error_wrap(err, "CHANGEDSINCE");
    }
    if (request->partial.first != 0) {
        if (op->row->id == CMD_FETCH) {
            return pipeline_refuse(op, err, "PARTIAL is for UID FETCH");
        }
        if (pipeline_require(c, op, CAP_PARTIAL, err) < 0) {
            return -(int)err->code;
        }
    }
    if (request->vanished && !client_enabled(c, CAP_QRESYNC)) {
        op->row = NULL;
        return error_set(err, ERR_CAPABILITY, SCOPE_MAILBOX, "QRESYNC is not enabled on %s",
                         c->host);
    }
    return 0;
}

static int check_request(struct client *c, struct client_op *op, const struct seqset *set,
                         const struct fetch_request *request, struct error *err)
{
    if (pipeline_require_set(c, op, set, err) < 0) {
        return -(int)err->code;
    }
    for (size_t i = 0; i < sizeof item_needs / sizeof item_needs[0]; i++) {
        if ((request->items & item_needs[i].item) != 0 &&
            pipeline_require(c, op, item_needs[i].needs, err) < 0) {
            return error_wrap(err, "FETCH");
        }
    }
    int result = check_sections(c, op, request, err);
    return result < 0 ? result : check_modifiers(c, op, request, err);
}

static void release(struct client_fetch *h)
{
    seqset_free(&h->set);
    vec_free(&h->queue);
    h->queue_head = 0;
    arena_free(&h->queue_arena);
    xfree(&h->sink_error);
}

static int begin(struct client *c, struct client_fetch *h, enum command_id id,
                 const struct seqset *set, const struct fetch_request *request, struct arena *arena,
                 struct error *err)
{
    *h = (struct client_fetch){0};
    if (pipeline_open(c, &h->op, id, &no_hooks, arena, err) < 0 ||
        check_request(c, &h->op, set, request, err) < 0) {
        return -(int)err->code;
    }
    h->items = request->items;
    h->wants_vanished = request->vanished;
    h->queue_arena = arena_new();
    seqset_add_set(&h->set, set);
    h->set.saved = set->saved;
    writer_sp(&c->writer);
    seqset_write(&c->writer, set);
    writer_sp(&c->writer);
    fetch_request_write(&c->writer, request);
    return 0;
}

static int send(struct client *c, struct client_fetch *h, const struct fetch_sink *sink,
                struct error *err)
{
    h->sink = sink;
    int result = pipeline_send(c, &h->op, err);
    if (result < 0) {
        release(h);
    }
    return result;
}

int client_fetch_begin(struct client *c, struct client_fetch *h, const struct seqset *uids,
                       const struct fetch_request *request, const struct fetch_sink *sink,
                       struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = begin(c, h, CMD_UID_FETCH, uids, request, arena, err);
    return result < 0 ? result : send(c, h, sink, err);
}

int client_seq_fetch_begin(struct client *c, struct client_fetch *h, const struct seqset *seqs,
                           const struct fetch_request *request, const struct fetch_sink *sink,
                           struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = begin(c, h, CMD_FETCH, seqs, request, arena, err);
    return result < 0 ? result : send(c, h, sink, err);
}

static int sink_failure(const struct client_fetch *h, struct error *err)
{
    *err = *h->sink_error;
    return -(int)err->code;
}

static bool take_queued(struct client_fetch *h, struct fetch_data *out)
{
    if (h->queue_head == h->queue.len) {
        return false;
    }
    *out = fetch_data_copy(h->op.arena, &h->queue.items[h->queue_head++]);
    if (h->queue_head == h->queue.len) {
        h->queue_head = 0;
        vec_clear(&h->queue);
        arena_reset(h->queue_arena);
    }
    return true;
}

int client_fetch_next(struct client *c, struct client_fetch *h, struct fetch_data *out,
                      struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    client_restart_deadline(c);
    for (;;) {
        if (h->queue_arena != NULL && take_queued(h, out)) {
            return 1;
        }
        if (h->sink_error != NULL) {
            return sink_failure(h, err);
        }
        if (h->op.row == NULL || h->op.result != STATUS_NONE || error_is_set(&c->failure)) {
            break;
        }
        if (dispatch_response(c, err) < 0) {
            return -(int)err->code;
        }
    }
    if (h->op.refusal != NULL) {
        *err = *h->op.refusal;
        return -(int)err->code;
    }
    return pipeline_end(c, &h->op, err);
}

int client_fetch_end(struct client *c, struct client_fetch *h, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    h->discard = true;
    int result = pipeline_end(c, &h->op, err);
    if (result == 0 && h->sink_error != NULL) {
        result = sink_failure(h, err);
    }
    release(h);
    return result;
}

void client_fetch_free(struct client_fetch *h)
{
    seqset_free(&h->vanished);
}

int client_fetch_close(struct client *c, struct client_fetch *h, int r, struct error *err)
{
    struct error end_error = ERROR_INIT;
    int end = client_fetch_end(c, h, &end_error);
    client_fetch_free(h);
    if (r == 0 && end < 0)
        *err = end_error;
    return r < 0 ? r : end;
}
