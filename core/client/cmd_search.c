/*
 * SEARCH and UID SEARCH.
 *
 * ESEARCH names the command that it answers; SEARCH does not, and goes to the oldest in flight.
 */
#include "client/cmd_search.h"
#include "client/client_private.h"
#include "client/search_private.h"

static const struct {
    enum search_kind kind;
    enum capability needs;
} key_needs[] = {
    {SEARCH_FUZZY, CAP_SEARCH_FUZZY},     {SEARCH_SAVEDBEFORE, CAP_SAVEDATE},
    {SEARCH_SAVEDON, CAP_SAVEDATE},       {SEARCH_SAVEDSINCE, CAP_SAVEDATE},
    {SEARCH_OLDER, CAP_WITHIN},           {SEARCH_SAVEDATESUPPORTED, CAP_SAVEDATE},
    {SEARCH_YOUNGER, CAP_WITHIN},         {SEARCH_MODSEQ, CAP_CONDSTORE},
    {SEARCH_EMAILID, CAP_OBJECTID},       {SEARCH_THREADID, CAP_OBJECTID},
    {SEARCH_UIDBEFORE, CAP_MESSAGELIMIT}, {SEARCH_UIDAFTER, CAP_MESSAGELIMIT},
    {SEARCH_GM_RAW, CAP_X_GM_EXT_1},      {SEARCH_GM_MSGID, CAP_X_GM_EXT_1},
    {SEARCH_GM_THRID, CAP_X_GM_EXT_1},    {SEARCH_GM_LABELS, CAP_X_GM_EXT_1},
};

static bool uses_sequences(const struct search_key *key)
{
    for (; key != NULL; key = key->next) {
        if (key->kind == SEARCH_SEQS && !key->set.saved) {
            return true;
        }
        if (uses_sequences(key->children)) {
            return true;
        }
    }
    return false;
}

static int require_keys(struct client *c, struct client_op *op, const struct search_key *key,
                        struct error *err)
{
    for (; key != NULL; key = key->next) {
        for (size_t i = 0; i < sizeof key_needs / sizeof key_needs[0]; i++) {
            if (key_needs[i].kind == key->kind &&
                pipeline_require(c, op, key_needs[i].needs, err) < 0) {
                return -(int)err->code;
            }
        }
        if (key->set.saved && pipeline_require(c, op, CAP_SEARCHRES, err) < 0) {
            return -(int)err->code;
        }
        if (require_keys(c, op, key->children, err) < 0) {
            return -(int)err->code;
        }
    }
    return 0;
}

static int require_options(struct client *c, struct client_op *op,
                           const struct search_options *options, enum capability extended,
                           struct error *err)
{
    if (!options->extended) {
        return options->wanted == 0 ? 0 : pipeline_refuse(op, err, "options need RETURN");
    }
    if (pipeline_require(c, op, extended, err) < 0) {
        return -(int)err->code;
    }
    if ((options->wanted & SEARCH_RETURN_SAVE) != 0 &&
        pipeline_require(c, op, CAP_SEARCHRES, err) < 0) {
        return -(int)err->code;
    }
    if ((options->wanted & SEARCH_RETURN_PARTIAL) != 0 && !client_has(c, CAP_CONTEXT_SEARCH)) {
        return pipeline_require(c, op, CAP_PARTIAL, err);
    }
    return 0;
}

int search_require(struct client *c, struct client_op *op, const struct search_request *request,
                   enum capability extended, struct error *err)
{
    const char *name = op->row->name;
    bool by_uid = str_starts(str_from(name), STR("UID "));
    if (by_uid && uses_sequences(request->key) && pipeline_use_sequences(c, op, err) < 0) {
        return -(int)err->code;
    }
    if (require_options(c, op, &request->options, extended, err) < 0 ||
        require_keys(c, op, request->key, err) < 0) {
        return error_wrap(err, "%s", name);
    }
    return 0;
}

/* The oldest command in flight with these hooks and this tag (empty: any). */
static struct client_op *search_find(struct client *c, const struct client_op_hooks *hooks,
                                     struct str tag)
{
    struct client_op *op = c->first;
    while (op != NULL && (op->hooks != hooks || (tag.len > 0 && !str_eq(tag, str_from(op->tag))))) {
        op = op->next;
    }
    return op;
}

/* From the server's order to an ordinary set. */
static void search_normalize(struct seqset *set)
{
    struct seqset sorted = {0};
    for (size_t i = 0; i < set->len; i++) {
        seqset_add_range(&sorted, set->items[i].first, set->items[i].last);
    }
    seqset_free(set);
    *set = sorted;
}

static void take_result(struct client_search *h, struct search_result *told)
{
    struct search_result *result = &h->result;
    if (!told->extended && (result->have & SEARCH_RETURN_ALL) != 0) {
        seqset_add_set(&result->all, &told->all);
        result->modseq = told->modseq > result->modseq ? told->modseq : result->modseq;
        return;
    }
    search_result_free(result);
    *result = *told;
    result->tag = str_from(h->op.tag);
    *told = (struct search_result){0};
    search_normalize(&result->all);
    search_normalize(&result->partial_set);
}

bool search_take_extended(struct client *c)
{
    struct search_result told = {0};
    if (!esearch_result_read(c->reader, search_find(c, &sort_hooks, STR_EMPTY) != NULL, &told)) {
        return false;
    }
    bool ok = dispatch_line_end(c);
    struct client_op *op = search_find(c, &search_hooks, told.tag);
    struct client_op *sort = search_find(c, &sort_hooks, told.tag);
    if (ok && op != NULL) {
        take_result((struct client_search *)op, &told);
    } else if (ok && sort != NULL) {
        ok = sort_take_extended(sort, c, &told);
    }
    search_result_free(&told);
    return ok;
}

static bool search_data(struct client_op *op, struct client *c, const struct response_head *head)
{
    if (str_eq(head->name, STR("ESEARCH"))) {
        (void)search_take_extended(c);
        return true;
    }
    if (!str_eq(head->name, STR("SEARCH"))) {
        return false;
    }
    struct search_result told = {0};
    if (search_result_read(c->reader, &told) && dispatch_line_end(c)) {
        take_result((struct client_search *)op, &told);
    }
    search_result_free(&told);
    return true;
}

const struct client_op_hooks search_hooks = {.data = search_data};

/* What is to be sent: UTF-8 where it must be named, nothing where it must not be. */
static struct str search_charset(const struct client *c, const struct search_request *request)
{
    if (client_speaks_utf8(c)) {
        return STR_EMPTY;
    }
    return request->charset.len == 0 && search_is_8bit(request->key) ? STR("UTF-8")
                                                                     : request->charset;
}

int client_search_begin(struct client *c, struct client_search *h, enum client_numbers numbers,
                        const struct search_request *request, struct arena *arena,
                        struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    enum command_id id = numbers == CLIENT_UIDS ? CMD_UID_SEARCH : CMD_SEARCH;
    *h = (struct client_search){.result = {.uid = numbers == CLIENT_UIDS},
                                .extended = request->options.extended};
    if (pipeline_open(c, &h->op, id, &search_hooks, arena, err) < 0 ||
        search_require(c, &h->op, request, CAP_ESEARCH, err) < 0) {
        return -(int)err->code;
    }
    struct search_request sent = *request;
    sent.charset = search_charset(c, request);
    writer_sp(&c->writer);
    search_request_write(&c->writer, &sent);
    return pipeline_send(c, &h->op, err);
}

int client_search_end(struct client *c, struct client_search *h, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = pipeline_end(c, &h->op, err);
    if (result == 0 && !h->extended) {
        h->result.have |= SEARCH_RETURN_ALL; /* some servers say nothing when nothing was found */
    }
    return result;
}

int client_search(struct client *c, struct client_search *h, enum client_numbers numbers,
                  const struct search_request *request, struct arena *arena, struct error *err)
{
    CLIENT_HELD pthread_mutex_t *held = client_enter(c);
    int result = client_search_begin(c, h, numbers, request, arena, err);
    return result < 0 ? result : client_search_end(c, h, err);
}

void client_search_free(struct client_search *h)
{
    search_result_free(&h->result);
}
