/* SORT and UID SORT (RFC 5256, RFC 5957, RFC 5267) */
#include "server/sort_keys.h"
#include <stdlib.h>

static int compare(const void *left, const void *right, void *context)
{
    const struct sort_keys *a = left;
    const struct sort_keys *b = right;
    const struct sort_request *request = context;
    for (size_t i = 0; i < request->criteria_len; i++) {
        int order = sort_keys_compare(a, b, request->criteria[i].key);
        if (order != 0) {
            return request->criteria[i].reverse ? -order : order;
        }
    }
    return (a->index > b->index) - (a->index < b->index);
}

/* The hits in the order asked for; those that are gone by now go. */
static void sort_hits(struct session *s, struct command *c, struct sort_request *request,
                      struct search_hits *hits)
{
    struct arena *scratch AUTO_ARENA = arena_new();
    struct arena *arena AUTO_ARENA = arena_new();
    struct sort_keys *keys = arena_array(arena, hits->len, sizeof *keys);
    unsigned wanted = 0;
    size_t len = 0;
    for (size_t i = 0; i < request->criteria_len; i++) {
        wanted |= 1u << request->criteria[i].key;
    }
    for (size_t i = 0; i < hits->len; i++) {
        len += sort_keys_load(s, hits->items[i], wanted, false, arena, scratch, &keys[len]);
        select_progress(s, c, i + 1, hits->len);
    }
    if (len > 1) {
        qsort_r(keys, len, sizeof *keys, compare, request);
    }
    for (size_t i = 0; i < len; i++) {
        hits->items[i] = keys[i].index;
    }
    hits->len = len;
}

static void tell_plain(struct session *s, struct command *c, const struct search_hits *hits,
                       bool modseq)
{
    struct sort_result told = {.len = hits->len};
    struct backend_message message;
    told.numbers = arena_array(c->arena, hits->len, sizeof *told.numbers);
    for (size_t i = 0; i < hits->len; i++) {
        told.numbers[i] = search_hit_number(s, c->uid, hits->items[i]);
        if (modseq && tracker_message(&s->tracker, s->backend.ops, hits->items[i], &message) &&
            message.modseq > told.modseq) {
            told.modseq = message.modseq;
        }
    }
    writer_cstr(&s->out, "* ");
    sort_result_write(&s->out, &told);
    writer_crlf(&s->out);
}

static bool is_offered(const struct session *s, const struct sort_request *request)
{
    for (size_t i = 0; i < request->criteria_len; i++) {
        enum sort_key key = request->criteria[i].key;
        if ((key == SORT_DISPLAYFROM || key == SORT_DISPLAYTO) &&
            !session_offers(s, CAP_SORT_DISPLAY)) {
            return false;
        }
    }
    return true;
}

void handle_sort(struct session *s, struct command *c)
{
    struct sort_request request;
    struct search_hits hits = {0};
    if (!reader_expect_sp(c->reader) || !sort_request_read(c->reader, c->arena, &request) ||
        !reader_expect_crlf(c->reader)) {
        return;
    }
    if (!is_offered(s, &request)) {
        reply_bad(c, "This way of sorting is not on offer");
        return;
    }
    if (!search_prepare(s, c, &request.search, CAP_ESORT)) {
        return;
    }
    bool modseq = search_uses_modseq(request.search.key);
    search_run(s, c, request.search.key, &hits);
    sort_hits(s, c, &request, &hits);
    if (request.search.options.extended) {
        search_tell_extended(s, c, &request.search.options, &hits, modseq);
    } else {
        tell_plain(s, c, &hits, modseq);
    }
    vec_free(&hits);
    reply_ok(c, "SORT done");
    reply_add_limit(s, c);
}
