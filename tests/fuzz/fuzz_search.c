/* SEARCH, SORT and THREAD: what is asked, also in a person's words, and what is told. */
#include "base/alloc.h"
#include "imap/search.h"
#include "imap/sort.h"
#include "imap/thread.h"
#include "fuzz/fuzz.h"

static bool search_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct search_request value;
    if (!search_request_read(r, arena, &value)) {
        return false;
    }
    search_request_write(w, &value);
    return true;
}

static bool sort_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct sort_request value;
    if (!sort_request_read(r, arena, &value)) {
        return false;
    }
    sort_request_write(w, &value);
    return true;
}

static bool thread_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct thread_request value;
    if (!thread_request_read(r, arena, &value)) {
        return false;
    }
    thread_request_write(w, &value);
    return true;
}

static bool result_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct search_result value = {0};
    (void)arena;
    bool plain = reader_accept_word(r, "SEARCH");
    bool good = plain ? search_result_read(r, &value)
                      : reader_accept_word(r, "ESEARCH") && esearch_result_read(r, false, &value);
    if (good) {
        search_result_write(w, &value);
    }
    search_result_free(&value);
    return good || reader_expected(r, "SEARCH");
}

static bool ordered_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct search_result value = {0};
    (void)arena;
    bool good = reader_accept_word(r, "ESEARCH") && esearch_result_read(r, true, &value);
    if (good) {
        search_result_write(w, &value);
    }
    search_result_free(&value);
    return good || reader_expected(r, "ESEARCH");
}

static bool sort_result_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct sort_result value;
    if (!(reader_accept_word(r, "SORT") && sort_result_read(r, arena, &value))) {
        return reader_expected(r, "SORT");
    }
    sort_result_write(w, &value);
    return true;
}

static bool thread_result_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct thread_node *value;
    if (!(reader_accept_word(r, "THREAD") && thread_result_read(r, arena, &value))) {
        return reader_expected(r, "THREAD");
    }
    thread_result_write(w, value);
    return true;
}

/* What a person asks can be sent and is understood by the other end. */
static void try_words(struct str words)
{
    struct error err = ERROR_INIT;
    AUTO_ARENA struct arena *arena = arena_new();
    const struct search_key *key;
    if (search_parse(arena, words, INT64_C(1750000000), &key, &err) < 0) {
        FUZZ_REQUIRE(err.code == ERR_USAGE && err.text[0] != '\0', words);
        return;
    }
    struct writer w;
    writer_init(&w, WRITER_LITERAL_SERVER, false, 1000000);
    search_keys_write(&w, key);
    if (writer_finish(&w, &err) == 0) {
        struct reader *r = fuzz_reader_memory(buf_str(&w.buf));
        reader_begin(r, arena);
        FUZZ_REQUIRE(search_keys_read(r, arena, &key) && reader_at_end(r), buf_str(&w.buf));
        reader_free(&r);
    }
    writer_free(&w);
}

static void try_sort_words(struct str words)
{
    struct error err = ERROR_INIT;
    struct sort_request request = {0};
    if (sort_parse(words, &request, &err) == 0) {
        FUZZ_REQUIRE(request.criteria_len > 0 && request.criteria_len <= LIMIT_SORT_CRITERIA,
                     words);
    }
}

static void try_subject(struct str subject)
{
    AUTO_ARENA struct arena *arena = arena_new();
    bool reply;
    struct str base = sort_base_subject(arena, subject, &reply);
    FUZZ_REQUIRE(base.len <= subject.len, subject);
    struct str again = sort_base_subject(arena, base, &reply);
    FUZZ_REQUIRE(str_eq(base, again), subject);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_codec_row rows[] = {
        {'c', search_codec},        {'s', sort_codec},    {'t', thread_codec},
        {'R', result_codec},        {'O', ordered_codec}, {'S', sort_result_codec},
        {'T', thread_result_codec},
    };
    struct str input = fuzz_copy(data, size);
    struct str rest = str_from_offset(input, 1);
    fuzz_codecs_run(rows, sizeof rows / sizeof rows[0], input);
    if (str_starts(input, STR("w"))) {
        try_words(rest);
    } else if (str_starts(input, STR("o"))) {
        try_sort_words(rest);
    } else if (str_starts(input, STR("b"))) {
        try_subject(rest);
    }
    xfree(&input.ptr);
    return 0;
}
