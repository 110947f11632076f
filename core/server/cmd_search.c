/* SEARCH and UID SEARCH with their RETURN options (RFC 9051 section 6.4.4, RFC 4731, RFC 5182,
 * RFC 9394) */
#include "server/session_private.h"

static bool search_charset_known(struct session *s, struct command *c, struct str charset)
{
    if (charset.len == 0 || str_eq_nocase(charset, STR("UTF-8")) ||
        (str_eq_nocase(charset, STR("US-ASCII")) && !s->utf8)) {
        return true;
    }
    /* RFC 9755 section 3: then there is nothing to choose. */
    if (s->utf8) {
        reply_bad(c, "All is UTF-8");
        return false;
    }
    reply_no(c, CODE_BADCHARSET, "US-ASCII and UTF-8 are known");
    str_list_add(c->arena, &c->reply.charsets, STR("US-ASCII"));
    str_list_add(c->arena, &c->reply.charsets, STR("UTF-8"));
    return false;
}

static bool options_offered(const struct session *s, const struct search_options *options,
                            enum capability extended)
{
    return (!options->extended || session_offers(s, extended)) &&
           ((options->wanted & SEARCH_RETURN_SAVE) == 0 || session_offers(s, CAP_SEARCHRES)) &&
           ((options->wanted & SEARCH_RETURN_PARTIAL) == 0 || session_offers(s, CAP_PARTIAL));
}

uint32_t search_hit_number(const struct session *s, bool uid, uint32_t index)
{
    return uid ? s->tracker.uids.items[index] : index + 1;
}

/* Numbers in the order of the hits: a run that goes up by one is a range. */
static void fill_ordered(const struct session *s, bool uid, const uint32_t *indices, size_t len,
                         struct seqset *out)
{
    VEC(struct seq_range) ranges = {0};
    for (size_t i = 0; i < len; i++) {
        uint32_t number = search_hit_number(s, uid, indices[i]);
        if (ranges.len > 0 && ranges.items[ranges.len - 1].last + 1 == number) {
            ranges.items[ranges.len - 1].last = number;
        } else {
            struct seq_range range = {number, number};
            vec_push(&ranges, range);
        }
    }
    *out = (struct seqset){.items = ranges.items, .len = ranges.len, .cap = ranges.cap};
}

/* RFC 7162 section 3.1.5: the highest of those that are told. */
static uint64_t highest_modseq(const struct session *s, const struct search_hits *hits,
                               unsigned wanted)
{
    uint64_t highest = 0;
    struct backend_message message;
    bool ends_only =
        (wanted & ~(unsigned)(SEARCH_RETURN_MIN | SEARCH_RETURN_MAX | SEARCH_RETURN_SAVE)) == 0;
    for (size_t i = 0; i < hits->len; i++) {
        bool is_min = i == 0 && (wanted & SEARCH_RETURN_MIN) != 0;
        bool is_max = i + 1 == hits->len && (wanted & SEARCH_RETURN_MAX) != 0;
        if ((!ends_only || is_min || is_max) &&
            tracker_message(&s->tracker, s->backend.ops, hits->items[i], &message) &&
            message.modseq > highest) {
            highest = message.modseq;
        }
    }
    return highest;
}

/* RFC 5182 section 2.1: what SAVE saves is what the other options ask for. */
static void save(struct session *s, const struct search_hits *hits, unsigned wanted, size_t begin,
                 size_t end)
{
    bool ends_only =
        (wanted & (SEARCH_RETURN_MIN | SEARCH_RETURN_MAX)) != 0 &&
        (wanted & (SEARCH_RETURN_ALL | SEARCH_RETURN_COUNT | SEARCH_RETURN_PARTIAL)) == 0;
    bool window = (wanted & SEARCH_RETURN_PARTIAL) != 0 &&
                  (wanted & (SEARCH_RETURN_ALL | SEARCH_RETURN_COUNT)) == 0;
    VEC(uint32_t) uids = {0};
    for (size_t i = 0; i < hits->len; i++) {
        bool is_end = (i == 0 && (wanted & SEARCH_RETURN_MIN) != 0) ||
                      (i + 1 == hits->len && (wanted & SEARCH_RETURN_MAX) != 0);
        if ((ends_only && !is_end) || (window && !is_end && (i < begin || i >= end))) {
            continue;
        }
        vec_push(&uids, s->tracker.uids.items[hits->items[i]]);
    }
    seqset_free(&s->saved);
    seqset_add_numbers(&s->saved, uids.items, uids.len);
    vec_free(&uids);
}

/* MIN and MAX are of the numbers, whatever order they are told in. */
static void fill_ends(const struct session *s, bool uid, const struct search_hits *hits,
                      struct search_result *out)
{
    for (size_t i = 0; i < hits->len; i++) {
        uint32_t number = search_hit_number(s, uid, hits->items[i]);
        out->min = out->min == 0 || number < out->min ? number : out->min;
        out->max = number > out->max ? number : out->max;
    }
}

void search_tell_extended(struct session *s, struct command *c,
                          const struct search_options *options, const struct search_hits *hits,
                          bool modseq)
{
    unsigned wanted = options->wanted != 0 ? options->wanted : (unsigned)SEARCH_RETURN_ALL;
    size_t begin = 0;
    size_t end = 0;
    struct search_result told = {.extended = true,
                                 .tag = c->tag,
                                 .uid = c->uid,
                                 .have = wanted & ~(unsigned)SEARCH_RETURN_SAVE,
                                 .count = (uint32_t)hits->len,
                                 .partial = options->partial};
    if ((wanted & SEARCH_RETURN_PARTIAL) != 0) {
        partial_range_apply(&options->partial, hits->len, &begin, &end);
        fill_ordered(s, c->uid, hits->items + begin, end - begin, &told.partial_set);
    }
    if ((wanted & SEARCH_RETURN_SAVE) != 0) {
        save(s, hits, wanted, begin, end);
    }
    fill_ends(s, c->uid, hits, &told);
    if (hits->len == 0) {
        told.have &= ~(unsigned)(SEARCH_RETURN_MIN | SEARCH_RETURN_MAX | SEARCH_RETURN_ALL);
    } else if ((wanted & SEARCH_RETURN_ALL) != 0) {
        fill_ordered(s, c->uid, hits->items, hits->len, &told.all);
    }
    told.modseq = modseq ? highest_modseq(s, hits, wanted) : 0;
    if (wanted != SEARCH_RETURN_SAVE) {
        writer_cstr(&s->out, "* ");
        search_result_write(&s->out, &told);
        writer_crlf(&s->out);
    }
    search_result_free(&told);
}

static void tell_plain(struct session *s, struct command *c, const struct search_hits *hits,
                       bool modseq)
{
    struct search_result told = {.have = SEARCH_RETURN_ALL};
    fill_ordered(s, c->uid, hits->items, hits->len, &told.all);
    told.modseq = modseq ? highest_modseq(s, hits, SEARCH_RETURN_ALL) : 0;
    writer_cstr(&s->out, "* ");
    search_result_write(&s->out, &told);
    writer_crlf(&s->out);
    search_result_free(&told);
}

bool search_prepare(struct session *s, struct command *c, const struct search_request *request,
                    enum capability extended)
{
    bool save = (request->options.wanted & SEARCH_RETURN_SAVE) != 0;
    if (!options_offered(s, &request->options, extended)) {
        reply_bad(c, "These RETURN options are not on offer");
        return false;
    }
    if (!search_charset_known(s, c, request->charset)) {
        if (save) {
            seqset_free(&s->saved); /* RFC 5182 section 2.1: a NO empties it */
        }
        return false;
    }
    if (!search_check(s, c, request->key)) {
        return false;
    }
    s->condstore = s->condstore || search_uses_modseq(request->key);
    return true;
}

void handle_search(struct session *s, struct command *c)
{
    struct search_request request;
    struct search_hits hits = {0};
    if (!reader_expect_sp(c->reader) || !search_request_read(c->reader, c->arena, &request) ||
        !reader_expect_crlf(c->reader) || !search_prepare(s, c, &request, CAP_ESEARCH)) {
        return;
    }
    bool modseq = search_uses_modseq(request.key);
    search_run(s, c, request.key, &hits);
    if (request.options.extended || s->rev2) {
        search_tell_extended(s, c, &request.options, &hits, modseq);
    } else {
        tell_plain(s, c, &hits, modseq);
    }
    vec_free(&hits);
    reply_ok(c, "SEARCH done");
    reply_add_limit(s, c);
}
