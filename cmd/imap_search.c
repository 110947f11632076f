/* SEARCH, SORT and THREAD. */
#include "client/cmd_search.h"
#include "client/cmd_sort.h"
#include "cmd/imap_op.h"
#include "cmd/json_imap.h"

/* "return count,min,partial=1:10" at the place; *at goes behind it. */
static int read_return(const struct imap_call *call, size_t *at, struct search_options *out,
                       struct error *err)
{
    *out = (struct search_options){0};
    if (*at + 1 >= call->len || !imap_word_is(call->words[*at], "return")) {
        return 0;
    }
    char *text = arena_printf(call->arena, "RETURN (%s) ALL", call->words[*at + 1]);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == ',' || *c == '=' ? ' ' : *c;
    }
    struct reader *r = imap_reader(call, str_from(text));
    bool well = search_options_read(r, out) && reader_accept_word(r, "ALL");
    *at += 2;
    return imap_reader_end(&r, well, "return", err);
}

/* The criteria from `at` on; none are ALL. */
static int read_criteria(const struct imap_call *call, size_t at, const struct search_key **out,
                         struct error *err)
{
    struct str words = at < call->len ? imap_rest(call, at) : STR("all");
    return search_parse(call->arena, words, clock_wall_ms(call->session->clock) / 1000, out, err);
}

static int run_search(struct imap_call *call, struct error *err)
{
    struct search_request request = {.charset = STR_EMPTY};
    struct client_search h;
    size_t at = 1;
    if (read_return(call, &at, &request.options, err) < 0 ||
        read_criteria(call, at, &request.key, err) < 0) {
        return -(int)err->code;
    }
    /* What is saved is forgotten when the mailbox is opened again, for what changes it. */
    bool saves = (request.options.wanted & SEARCH_RETURN_SAVE) != 0;
    if (imap_open(call, call->words[0], saves, err) < 0) {
        return -(int)err->code;
    }
    int r =
        client_search_begin(call->client, &h, call->session->numbers, &request, call->arena, err);
    if (r < 0) {
        return r;
    }
    r = client_search_end(call->client, &h, err);
    if (r == 0) {
        call->result = json_search_result(&h.result);
    }
    client_search_free(&h);
    return r;
}

static int run_sort(struct imap_call *call, struct error *err)
{
    struct sort_request request = {.criteria_len = 0};
    struct client_sort h;
    size_t at = 2;
    if (sort_parse(str_from(call->words[1]), &request, err) < 0) {
        return -(int)err->code;
    }
    request.search = (struct search_request){.charset = STR_EMPTY};
    if (read_return(call, &at, &request.search.options, err) < 0 ||
        read_criteria(call, at, &request.search.key, err) < 0 ||
        imap_open(call, call->words[0], false, err) < 0) {
        return -(int)err->code;
    }
    int r = client_sort(call->client, &h, call->session->numbers, &request, call->arena, err);
    if (r == 0) {
        call->result = json_sort_result(&h.result);
        if (request.search.options.extended) {
            json_t *extended = json_search_result(&h.extended);
            json_object_del(extended, "all");
            json_object_update_missing(call->result, extended);
            json_decref(extended);
        }
    }
    return r;
}

static int run_thread(struct imap_call *call, struct error *err)
{
    struct thread_request request = {.algorithm = str_from(call->words[1])};
    struct client_thread h;
    if (read_criteria(call, 2, &request.key, err) < 0 ||
        imap_open(call, call->words[0], false, err) < 0) {
        return -(int)err->code;
    }
    int r = client_thread(call->client, &h, call->session->numbers, &request, call->arena, err);
    if (r == 0) {
        call->result = json_threads(h.threads);
    }
    return r;
}

const struct imap_op imap_search_ops[] = {
    {"search", "MAILBOX [return OPTION,…] CRITERIA…",
     "find messages, e.g. 'from alice since 2026-01-01'; OPTION: min max count all save "
     "partial=1:100",
     2, IMAP_WORDS_ANY, run_search},
    {"sort", "MAILBOX KEYS [return OPTION,…] [CRITERIA…]",
     "the same in order, e.g. 'reverse date, subject'", 2, IMAP_WORDS_ANY, run_sort},
    {"thread", "MAILBOX ALGORITHM [CRITERIA…]",
     "conversations, by references, refs or orderedsubject", 2, IMAP_WORDS_ANY, run_thread},
    {0},
};
