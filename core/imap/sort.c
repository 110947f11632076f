#include "imap/sort.h"
#include "imap/search_numbers.h"
#include <assert.h>

static const char *const key_names[SORT_KEYS] = {
    [SORT_ARRIVAL] = "ARRIVAL",
    [SORT_CC] = "CC",
    [SORT_DATE] = "DATE",
    [SORT_FROM] = "FROM",
    [SORT_SIZE] = "SIZE",
    [SORT_SUBJECT] = "SUBJECT",
    [SORT_TO] = "TO",
    [SORT_DISPLAYFROM] = "DISPLAYFROM",
    [SORT_DISPLAYTO] = "DISPLAYTO",
};

const char *sort_key_name(enum sort_key key)
{
    assert(key < SORT_KEYS);
    return key_names[key];
}

static enum sort_key sort_key_parse(struct str name)
{
    unsigned key = 0;
    while (key < SORT_KEYS && !str_eq_nocase(name, str_from(key_names[key]))) {
        key++;
    }
    return (enum sort_key)key;
}

/* ---- asking ---- */

/* Takes "REVERSE" and a key, a word at a time. False for a word that does not fit. */
static bool sort_take_word(struct sort_request *out, struct str word, bool *reverse)
{
    if (str_eq_nocase(word, STR("REVERSE")) && !*reverse) {
        *reverse = true;
        return true;
    }
    enum sort_key key = sort_key_parse(word);
    if (key == SORT_KEYS || out->criteria_len == LIMIT_SORT_CRITERIA) {
        return false;
    }
    out->criteria[out->criteria_len++] = (struct sort_criterion){key, *reverse};
    *reverse = false;
    return true;
}

int sort_parse(struct str words, struct sort_request *out, struct error *err)
{
    struct str part;
    struct str word;
    bool reverse = false;
    out->criteria_len = 0;
    while (str_split(&words, ' ', &part)) {
        while (str_split(&part, ',', &word)) {
            if (word.len > 0 && !sort_take_word(out, word, &reverse)) {
                return error_set(err, ERR_USAGE, SCOPE_MESSAGE,
                                 "\"%.*s\" is nothing to sort by: arrival, cc, date, from, size, "
                                 "subject, to, displayfrom, displayto, each after reverse or not",
                                 STR_ARG(word));
            }
        }
    }
    if (out->criteria_len == 0 || reverse) {
        return error_set(err, ERR_USAGE, SCOPE_MESSAGE, "it is not said what to sort by");
    }
    return 0;
}

bool sort_request_read(struct reader *r, struct arena *arena, struct sort_request *out)
{
    bool reverse = false;
    *out = (struct sort_request){0};
    if (!search_options_read(r, &out->search.options) || !reader_expect(r, '(')) {
        return false;
    }
    do {
        struct str word;
        (void)reader_accept_sp(r);
        if (!reader_expect_view(r, CHAR_NAME, &word)) {
            return false;
        }
        if (!sort_take_word(out, word, &reverse)) {
            return reader_fail(r, "the sort criterion \"%.*s\"", STR_ARG(word));
        }
        (void)reader_accept_sp(r);
    } while (!reader_accept(r, ')'));
    if (reverse) {
        return reader_expected(r, "a sort criterion after REVERSE");
    }
    return reader_expect_sp(r) && reader_expect_astring(r, &out->search.charset) &&
           reader_expect_sp(r) && search_keys_read(r, arena, &out->search.key);
}

void sort_request_write(struct writer *w, const struct sort_request *request)
{
    assert(request->criteria_len >= 1 && request->criteria_len <= LIMIT_SORT_CRITERIA);
    struct str charset = request->search.charset;
    search_options_write(w, &request->search.options);
    for (size_t i = 0; i < request->criteria_len; i++) {
        writer_cstr(w, i == 0 ? "(" : " ");
        writer_cstr(w, request->criteria[i].reverse ? "REVERSE " : "");
        writer_cstr(w, sort_key_name(request->criteria[i].key));
    }
    writer_cstr(w, ") ");
    writer_astring(w, charset.len > 0 ? charset : STR("UTF-8"));
    writer_sp(w);
    search_keys_write(w, request->search.key);
}

/* ---- telling ---- */

bool sort_result_read(struct reader *r, struct arena *arena, struct sort_result *out)
{
    struct search_numbers numbers = {0};
    *out = (struct sort_result){0};
    bool good = search_numbers_read(r, &numbers, &out->modseq);
    if (good && numbers.len > 0) {
        out->numbers = arena_array(arena, numbers.len, sizeof *out->numbers);
        memcpy(out->numbers, numbers.items, numbers.len * sizeof *out->numbers);
        out->len = numbers.len;
    }
    vec_free(&numbers);
    return good;
}

void sort_result_write(struct writer *w, const struct sort_result *result)
{
    writer_cstr(w, "SORT");
    for (size_t i = 0; i < result->len; i++) {
        writer_sp(w);
        writer_number(w, result->numbers[i]);
    }
    if (result->modseq != 0) {
        writer_cstr(w, " (MODSEQ ");
        writer_number(w, result->modseq);
        writer_byte(w, ')');
    }
}
