/* SORT and THREAD. */
#include "client/cmd_sort.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void select_inbox(struct fixture *f)
{
    struct client_select h;
    assert_ok(f, client_select_begin(f->c, &h, STR("INBOX"), false, NULL, f->arena, &f->err));
    assert_ok(f, client_select_end(f->c, &h, &f->err));
}

static struct sort_request request_of(struct fixture *f, const char *by, const char *words)
{
    struct sort_request request = {0};
    assert_ok(f, sort_parse(str_from(by), &request, &f->err));
    assert_ok(f, search_parse(f->arena, str_from(words), 0, &request.search.key, &f->err));
    return request;
}

static void assert_numbers(const struct sort_result *result, const uint32_t *expected, size_t len)
{
    assert_int_equal(result->len, len);
    if (len > 0) {
        assert_memory_equal(result->numbers, expected, len * sizeof *expected);
    }
}

static void sorts(struct fixture *f)
{
    static const uint32_t first[] = {2, 84, 882};
    static const uint32_t second[] = {5, 3, 4, 1, 2};
    struct client_sort h;
    select_inbox(f);
    struct sort_request request = request_of(f, "subject", "since 1-Feb-1994");
    assert_ok(f, client_sort(f->c, &h, CLIENT_SEQS, &request, f->arena, &f->err));
    assert_numbers(&h.result, first, 3);
    request = request_of(f, "reverse date, displayfrom", "all");
    assert_ok(f, client_sort(f->c, &h, CLIENT_UIDS, &request, f->arena, &f->err));
    assert_numbers(&h.result, second, 5);
    request = request_of(f, "subject", "text nothing");
    assert_ok(f, client_sort(f->c, &h, CLIENT_SEQS, &request, f->arena, &f->err));
    assert_numbers(&h.result, NULL, 0);
}

static void extended(struct fixture *f)
{
    static const uint32_t all[] = {23765, 23763, 23764, 23761, 23769, 23770, 1};
    static const uint32_t window[] = {9, 2, 3};
    struct client_sort h;
    select_inbox(f);
    struct sort_request request = request_of(f, "reverse date", "undeleted");
    request.search.options = (struct search_options){
        .extended = true, .wanted = SEARCH_RETURN_MIN | SEARCH_RETURN_COUNT | SEARCH_RETURN_ALL};
    assert_ok(f, client_sort(f->c, &h, CLIENT_UIDS, &request, f->arena, &f->err));
    assert_numbers(&h.result, all, 7);
    assert_int_equal(h.extended.count, 7);
    assert_int_equal(h.extended.min, 23765);
    request.search.options = (struct search_options){
        .extended = true, .wanted = SEARCH_RETURN_PARTIAL, .partial = {false, 1, 3}};
    assert_ok(f, client_sort(f->c, &h, CLIENT_UIDS, &request, f->arena, &f->err));
    assert_numbers(&h.result, window, 3);
}

static void needs(struct fixture *f)
{
    struct client_sort h;
    struct client_thread t;
    const struct thread_request threads = {.algorithm = STR("REFERENCES"),
                                           .key = search_all(f->arena)};
    const struct thread_request odd = {.algorithm = STR("ODD"), .key = search_all(f->arena)};
    bool has_sort = client_has(f->c, CAP_SORT);
    select_inbox(f);
    struct sort_request request = request_of(f, "displayto", "all");
    assert_error(f, client_sort(f->c, &h, CLIENT_SEQS, &request, f->arena, &f->err), ERR_CAPABILITY,
                 SCOPE_MAILBOX, has_sort ? "SORT=DISPLAY" : "SORT");
    request = request_of(f, "date", "all");
    request.search.options.extended = true;
    assert_error(f, client_sort(f->c, &h, CLIENT_SEQS, &request, f->arena, &f->err), ERR_CAPABILITY,
                 SCOPE_MAILBOX, has_sort ? "ESORT" : "SORT");
    assert_error(f, client_thread(f->c, &t, CLIENT_SEQS, &threads, f->arena, &f->err),
                 ERR_CAPABILITY, SCOPE_MAILBOX, "THREAD=REFERENCES");
    assert_error(f, client_thread(f->c, &t, CLIENT_SEQS, &odd, f->arena, &f->err), ERR_CAPABILITY,
                 SCOPE_MAILBOX, "THREAD=ODD");
    assert_int_equal(client_counters(f->c).commands, 1);
}

static void threads(struct fixture *f)
{
    struct seqset set = set_of("5:17");
    struct thread_request request = {.algorithm = STR("REFERENCES"),
                                     .key = search_set(f->arena, &set, false)};
    struct client_thread h;
    select_inbox(f);
    assert_ok(f, client_thread(f->c, &h, CLIENT_SEQS, &request, f->arena, &f->err));
    assert_int_equal(h.threads->number, 2);
    const struct thread_node *three = h.threads->next;
    assert_int_equal(three->number, 3);
    assert_int_equal(three->children->children->number, 4);
    assert_int_equal(three->children->children->next->children->children->number, 96);
    request =
        (struct thread_request){.algorithm = STR("ORDEREDSUBJECT"), .key = search_all(f->arena)};
    assert_ok(f, client_thread(f->c, &h, CLIENT_UIDS, &request, f->arena, &f->err));
    assert_int_equal(h.threads->number, 0);
    request = (struct thread_request){.algorithm = STR("REFERENCES"),
                                      .key = search_text(f->arena, SEARCH_TEXT, STR("nothing"))};
    assert_ok(f, client_thread(f->c, &h, CLIENT_SEQS, &request, f->arena, &f->err));
    assert_null(h.threads);
    seqset_free(&set);
}

static const struct fixture_case cases[] = {
    {"SORT", sorts, 0},         {"ESORT", extended, 0}, {"what they need", needs, 0},
    {"without SORT", needs, 0}, {"THREAD", threads, 0},
};

int main(void)
{
    return fixture_main("sort.txt", cases, sizeof cases / sizeof cases[0]);
}
