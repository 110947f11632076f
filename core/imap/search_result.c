/* SEARCH as a whole: options, the command's arguments, and results. */
#include "base/alloc.h"
#include "imap/limits.h"
#include "imap/modseq.h"
#include "imap/search.h"
#include "imap/search_numbers.h"
#include <assert.h>

struct return_row {
    enum search_return option;
    const char *name;
};
static const struct return_row return_rows[] = {
    {SEARCH_RETURN_MIN, "MIN"}, {SEARCH_RETURN_MAX, "MAX"},         {SEARCH_RETURN_COUNT, "COUNT"},
    {SEARCH_RETURN_ALL, "ALL"}, {SEARCH_RETURN_PARTIAL, "PARTIAL"}, {SEARCH_RETURN_SAVE, "SAVE"},
};
#define RETURN_ROWS (sizeof return_rows / sizeof return_rows[0])

static unsigned return_lookup(struct str name)
{
    for (size_t i = 0; i < RETURN_ROWS; i++) {
        if (str_eq_nocase(name, str_from(return_rows[i].name))) {
            return return_rows[i].option;
        }
    }
    return 0;
}

/* ---- options ---- */

bool search_options_read(struct reader *r, struct search_options *out)
{
    *out = (struct search_options){0};
    if (!reader_accept_word(r, "RETURN")) {
        return !reader_failed(r);
    }
    out->extended = true;
    if (!reader_expect_sp(r) || !reader_expect(r, '(')) {
        return false;
    }
    for (;;) {
        struct str name;
        (void)reader_accept_sp(r);
        if (reader_accept(r, ')')) {
            return reader_expect_sp(r);
        }
        if (!reader_expect_view(r, CHAR_NAME, &name)) {
            return false;
        }
        unsigned option = return_lookup(name);
        if (option == 0) {
            return reader_fail(r, "the search option \"%.*s\"", STR_ARG(name));
        }
        out->wanted |= option;
        if (option == SEARCH_RETURN_PARTIAL &&
            (!reader_expect_sp(r) || !partial_range_read(r, &out->partial))) {
            return false;
        }
    }
}

void search_options_write(struct writer *w, const struct search_options *options)
{
    const char *before = "RETURN (";
    for (size_t i = 0; i < RETURN_ROWS; i++) {
        if ((options->wanted & return_rows[i].option) == 0) {
            continue;
        }
        writer_cstr(w, before);
        writer_cstr(w, return_rows[i].name);
        before = " ";
        if (return_rows[i].option == SEARCH_RETURN_PARTIAL) {
            writer_sp(w);
            partial_range_write(w, &options->partial);
        }
    }
    if (options->wanted != 0) {
        writer_cstr(w, ") ");
    } else if (options->extended) {
        writer_cstr(w, "RETURN () ");
    }
}

/* ---- requests ---- */

bool search_request_read(struct reader *r, struct arena *arena, struct search_request *out)
{
    *out = (struct search_request){.charset = STR_EMPTY};
    if (!search_options_read(r, &out->options)) {
        return false;
    }
    if (reader_accept_word(r, "CHARSET") &&
        (!reader_expect_sp(r) || !reader_expect_astring(r, &out->charset) ||
         !reader_expect_sp(r))) {
        return false;
    }
    return search_keys_read(r, arena, &out->key);
}

void search_request_write(struct writer *w, const struct search_request *request)
{
    search_options_write(w, &request->options);
    if (request->charset.len > 0) {
        writer_cstr(w, "CHARSET ");
        writer_astring(w, request->charset);
        writer_sp(w);
    }
    search_keys_write(w, request->key);
}

/* ---- results ---- */

void search_result_free(struct search_result *result)
{
    seqset_free(&result->all);
    seqset_free(&result->partial_set);
}

/* Behind the opening parenthesis. */
static bool search_modseq_read(struct reader *r, uint64_t *out)
{
    if (!reader_accept_word(r, "MODSEQ")) {
        return reader_expected(r, "MODSEQ");
    }
    return reader_expect_sp(r) && modseq_read(r, out) && reader_expect(r, ')');
}

/* As seqset_read_number, but some servers tell 0 where they found nothing. */
static bool number_or_zero_read(struct reader *r, uint32_t *out)
{
    return reader_expect_number(r, out) &&
           (*out != SEQ_STAR || reader_fail(r, "a message's number out of range, %u", *out));
}

bool search_numbers_read(struct reader *r, struct search_numbers *out, uint64_t *modseq)
{
    *modseq = 0;
    while (reader_accept_sp(r) && !reader_at_crlf(r)) {
        uint32_t number;
        if (reader_accept(r, '(')) {
            if (!search_modseq_read(r, modseq)) {
                return false;
            }
            continue;
        }
        if (out->len == LIMIT_SEARCH_NUMBERS) {
            return reader_fail(r, "more than %d messages found", LIMIT_SEARCH_NUMBERS);
        }
        if (!number_or_zero_read(r, &number)) {
            return false;
        }
        if (number != 0) {
            vec_push(out, number);
        }
    }
    return !reader_failed(r);
}

bool search_result_read(struct reader *r, struct search_result *out)
{
    struct search_numbers numbers = {0};
    *out = (struct search_result){.tag = STR_EMPTY, .have = SEARCH_RETURN_ALL};
    bool good = search_numbers_read(r, &numbers, &out->modseq);
    if (good) {
        seqset_add_numbers(&out->all, numbers.items, numbers.len);
    }
    vec_free(&numbers);
    return good;
}

/* "(TAG "A1")"; what else stands there is passed over (RFC 7377 names mailboxes). */
static bool esearch_read_correlator(struct reader *r, struct search_result *out)
{
    if (!reader_accept(r, '(')) {
        return true;
    }
    for (;;) {
        (void)reader_accept_sp(r);
        if (reader_accept(r, ')')) {
            (void)reader_accept_sp(r);
            return true;
        }
        bool tag = reader_accept_word(r, "TAG");
        if (!tag && !reader_skip_value(r)) {
            return false;
        }
        if (!reader_expect_sp(r) ||
            (tag ? !reader_expect_astring(r, &out->tag) : !reader_skip_value(r))) {
            return false;
        }
    }
}

static bool esearch_read_set(struct reader *r, bool ordered, struct seqset *out)
{
    seqset_free(out);
    return ordered ? seqset_read_ordered(r, out) : seqset_read_uids(r, out);
}

static bool esearch_read_partial(struct reader *r, bool ordered, struct search_result *out)
{
    if (!reader_expect(r, '(') || !partial_range_read(r, &out->partial) || !reader_expect_sp(r)) {
        return false;
    }
    if (!reader_accept_word(r, "NIL") && !esearch_read_set(r, ordered, &out->partial_set)) {
        return false;
    }
    return reader_expect(r, ')');
}

static bool esearch_read_item(struct reader *r, bool ordered, struct search_result *out)
{
    struct str name;
    if (!reader_expect_view(r, CHAR_NAME, &name)) {
        return false;
    }
    if (str_eq_nocase(name, STR("UID"))) {
        out->uid = true;
        return true;
    }
    unsigned item = return_lookup(name);
    bool modseq = str_eq_nocase(name, STR("MODSEQ"));
    if (!reader_expect_sp(r)) {
        return false;
    }
    out->have |= item;
    switch (item) {
    case SEARCH_RETURN_MIN:
        return number_or_zero_read(r, &out->min);
    case SEARCH_RETURN_MAX:
        return number_or_zero_read(r, &out->max);
    case SEARCH_RETURN_COUNT:
        return reader_expect_number(r, &out->count);
    case SEARCH_RETURN_ALL:
        return esearch_read_set(r, ordered, &out->all);
    case SEARCH_RETURN_PARTIAL:
        return esearch_read_partial(r, ordered, out);
    default:
        out->have &= ~(unsigned)SEARCH_RETURN_SAVE;
        return modseq ? modseq_read(r, &out->modseq) : reader_skip_value(r);
    }
}

bool esearch_result_read(struct reader *r, bool ordered, struct search_result *out)
{
    *out = (struct search_result){.extended = true, .tag = STR_EMPTY};
    (void)reader_accept_sp(r);
    bool good = esearch_read_correlator(r, out);
    while (good && !reader_at_crlf(r)) {
        good = esearch_read_item(r, ordered, out);
        (void)reader_accept_sp(r);
    }
    if (!good || reader_failed(r)) {
        search_result_free(out);
        return false;
    }
    return true;
}

/* Each number by itself, as SEARCH has them. */
static void search_write_numbers(struct writer *w, const struct seqset *set)
{
    assert(!seqset_has_star(set) && !set->saved);
    for (size_t i = 0; i < set->len; i++) {
        for (uint32_t n = set->items[i].first;; n++) {
            writer_sp(w);
            writer_number(w, n);
            if (n == set->items[i].last) {
                break;
            }
        }
    }
}

static void esearch_write_number(struct writer *w, const struct search_result *result,
                                 enum search_return item, uint32_t number)
{
    if ((result->have & item) == 0) {
        return;
    }
    for (size_t i = 0; i < RETURN_ROWS; i++) {
        if (return_rows[i].option == item) {
            writer_format(w, " %s %u", return_rows[i].name, number);
        }
    }
}

static void esearch_write(struct writer *w, const struct search_result *result)
{
    writer_cstr(w, "ESEARCH");
    if (result->tag.len > 0) {
        writer_cstr(w, " (TAG ");
        writer_string(w, result->tag);
        writer_byte(w, ')');
    }
    writer_cstr(w, result->uid ? " UID" : "");
    esearch_write_number(w, result, SEARCH_RETURN_MIN, result->min);
    esearch_write_number(w, result, SEARCH_RETURN_MAX, result->max);
    esearch_write_number(w, result, SEARCH_RETURN_COUNT, result->count);
    if ((result->have & SEARCH_RETURN_ALL) != 0 && !seqset_is_empty(&result->all)) {
        writer_cstr(w, " ALL ");
        seqset_write(w, &result->all);
    }
    if ((result->have & SEARCH_RETURN_PARTIAL) != 0) {
        writer_cstr(w, " PARTIAL (");
        partial_range_write(w, &result->partial);
        writer_sp(w);
        if (seqset_is_empty(&result->partial_set)) {
            writer_cstr(w, "NIL");
        } else {
            seqset_write(w, &result->partial_set);
        }
        writer_byte(w, ')');
    }
    if (result->modseq != 0) {
        writer_cstr(w, " MODSEQ ");
        writer_number(w, result->modseq);
    }
}

void search_result_write(struct writer *w, const struct search_result *result)
{
    if (result->extended) {
        esearch_write(w, result);
        return;
    }
    writer_cstr(w, "SEARCH");
    search_write_numbers(w, &result->all);
    if (result->modseq != 0) {
        writer_cstr(w, " (MODSEQ ");
        writer_number(w, result->modseq);
        writer_byte(w, ')');
    }
}
