#include "client/cmd_search.h"
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

/* Of what a person would write; `set` is what is found. */
static void finds(struct fixture *f, enum client_numbers numbers, const char *words,
                  const char *set)
{
    struct search_request request = {0};
    struct client_search h;
    assert_ok(f, search_parse(f->arena, str_from(words), 0, &request.key, &f->err));
    assert_ok(f, client_search(f->c, &h, numbers, &request, f->arena, &f->err));
    assert_string_equal(set_text(&h.result.all), set);
    client_search_free(&h);
}

static int search(struct fixture *f, struct client_search *h, enum client_numbers numbers,
                  const struct search_key *key, unsigned wanted)
{
    const struct search_request request = {.options = {.extended = true, .wanted = wanted},
                                           .key = key};
    return client_search(f->c, h, numbers, &request, f->arena, &f->err);
}

static void plain(struct fixture *f)
{
    struct arena *a = f->arena;
    const struct search_request request = {
        .key = search_or(a, search_header(a, STR("Subject"), STR("\xc3\xa4x")),
                         search_number(a, SEARCH_LARGER, 1000)),
    };
    const struct search_request all = {.key = search_all(a)};
    struct client_search h;
    select_inbox(f);
    finds(f, CLIENT_SEQS, "flagged since 1-Feb-1994 not from Smith", "2,84,882");
    assert_ok(f, client_search(f->c, &h, CLIENT_UIDS, &request, a, &f->err));
    assert_true(seqset_is_empty(&h.result.all));
    client_search_free(&h);
    assert_ok(f, client_search(f->c, &h, CLIENT_UIDS, &all, a, &f->err));
    assert_string_equal(set_text(&h.result.all), "3:5,9");
    assert_int_equal(h.result.modseq, 917162500);
    client_search_free(&h);
    finds(f, CLIENT_SEQS, "seen", "");
}

static void charset(struct fixture *f)
{
    const struct search_request request = {
        .key = search_text(f->arena, SEARCH_TEXT, STR("\xc3\xa4x"))};
    struct client_search h;
    select_inbox(f);
    assert_error(f, client_search(f->c, &h, CLIENT_UIDS, &request, f->arena, &f->err), ERR_NO,
                 SCOPE_MAILBOX, "BADCHARSET");
    client_search_free(&h);
}

static void no_charset(struct fixture *f)
{
    static const enum capability utf8 = CAP_UTF8_ACCEPT;
    assert_ok(f, client_enable(f->c, &utf8, 1, &f->err));
    select_inbox(f);
    finds(f, CLIENT_UIDS, "text \xc3\xa4x", "1");
}

static void extended(struct fixture *f)
{
    struct arena *a = f->arena;
    const struct seqset saved = {.saved = true};
    struct search_request partial = {
        .options = {.extended = true,
                    .wanted = SEARCH_RETURN_PARTIAL,
                    .partial = {.from_end = true, .first = 1, .last = 100}},
        .key = search_flag(a, FLAG_DELETED, false),
    };
    struct client_search h;
    select_inbox(f);
    assert_ok(f, search(f, &h, CLIENT_SEQS, search_flag(a, FLAG_DELETED, true),
                        SEARCH_RETURN_MIN | SEARCH_RETURN_MAX | SEARCH_RETURN_COUNT));
    assert_int_equal(h.result.have, SEARCH_RETURN_MIN | SEARCH_RETURN_MAX | SEARCH_RETURN_COUNT);
    assert_int_equal(h.result.max, 47);
    assert_int_equal(h.result.count, 25);
    client_search_free(&h);
    assert_ok(f, search(f, &h, CLIENT_UIDS, search_all(a), 0));
    assert_string_equal(set_text(&h.result.all), "17,900:901");
    assert_true(h.result.uid);
    client_search_free(&h);
    assert_ok(f, search(f, &h, CLIENT_UIDS, search_flag(a, FLAG_SEEN, false), SEARCH_RETURN_SAVE));
    client_search_free(&h);
    assert_ok(f, search(f, &h, CLIENT_UIDS, search_set(a, &saved, false), SEARCH_RETURN_COUNT));
    assert_int_equal(h.result.count, 0);
    client_search_free(&h);
    assert_ok(f, client_search(f->c, &h, CLIENT_UIDS, &partial, a, &f->err));
    assert_string_equal(set_text(&h.result.partial_set), "200:250,252:300");
    client_search_free(&h);
}

static void in_flight(struct fixture *f)
{
    struct search_request request = {.options = {.extended = true, .wanted = SEARCH_RETURN_ALL}};
    struct client_search h[2];
    select_inbox(f);
    for (size_t i = 0; i < 2; i++) {
        request.key = search_flag(f->arena, FLAG_SEEN, i == 0);
        assert_ok(f, client_search_begin(f->c, &h[i], CLIENT_SEQS, &request, f->arena, &f->err));
    }
    assert_ok(f, client_search_end(f->c, &h[0], &f->err));
    assert_ok(f, client_search_end(f->c, &h[1], &f->err));
    assert_string_equal(set_text(&h[0].result.all), "1:2");
    assert_string_equal(set_text(&h[1].result.all), "3");
    assert_int_equal(client_counters(f->c).round_trips, 2);
    client_search_free(&h[0]);
    client_search_free(&h[1]);
}

static void needs(struct fixture *f)
{
    struct arena *a = f->arena;
    const struct seqset saved = {.saved = true};
    const struct {
        const struct search_key *key;
        const char *capability;
    } rows[] = {
        {search_fuzzy(a, search_all(a)), "SEARCH=FUZZY"},
        {search_not(a, search_number(a, SEARCH_OLDER, 5)), "WITHIN"},
        {search_number(a, SEARCH_YOUNGER, 5), "WITHIN"},
        {search_day(a, SEARCH_SAVEDSINCE, 2026, 1, 1), "SAVEDATE"},
        {search_or(a, search_all(a), search_number(a, SEARCH_MODSEQ, 1)), "CONDSTORE"},
        {search_text(a, SEARCH_EMAILID, STR("M1")), "OBJECTID"},
        {search_text(a, SEARCH_GM_RAW, STR("in:x")), "X-GM-EXT-1"},
        {search_set(a, &saved, false), "SEARCHRES"},
    };
    struct client_search h;
    select_inbox(f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct search_request request = {.key = rows[i].key};
        assert_error(f, client_search(f->c, &h, CLIENT_UIDS, &request, a, &f->err), ERR_CAPABILITY,
                     SCOPE_MAILBOX, rows[i].capability);
    }
    assert_error(f, search(f, &h, CLIENT_SEQS, search_all(a), SEARCH_RETURN_COUNT), ERR_CAPABILITY,
                 SCOPE_MAILBOX, "ESEARCH");
    assert_int_equal(client_counters(f->c).commands, 1);
}

static void modseq(struct fixture *f)
{
    struct arena *a = f->arena;
    const struct search_request request = {
        .key = search_and(a, search_number(a, SEARCH_MODSEQ, 620162338),
                          search_number(a, SEARCH_OLDER, 259200))};
    struct client_search h;
    select_inbox(f);
    assert_ok(f, client_search(f->c, &h, CLIENT_SEQS, &request, a, &f->err));
    assert_int_equal(h.result.modseq, 917162500);
    client_search_free(&h);
}

static void sequences_wait(struct fixture *f)
{
    struct seqset seqs = set_of("1:3");
    const struct search_request by_uid = {.key = search_flag(f->arena, FLAG_SEEN, true)};
    const struct search_request by_seq = {.key = search_set(f->arena, &seqs, false)};
    struct client_search a;
    struct client_search b;
    select_inbox(f);
    assert_ok(f, client_search_begin(f->c, &a, CLIENT_UIDS, &by_uid, f->arena, &f->err));
    assert_ok(f, client_search_begin(f->c, &b, CLIENT_UIDS, &by_seq, f->arena, &f->err));
    assert_ok(f, client_search_end(f->c, &a, &f->err));
    assert_ok(f, client_search_end(f->c, &b, &f->err));
    assert_string_equal(set_text(&a.result.all), "7");
    assert_string_equal(set_text(&b.result.all), "5");
    client_search_free(&a);
    client_search_free(&b);
    seqset_free(&seqs);
}

static const struct fixture_case cases[] = {
    {"plain", plain, 0},
    {"the charset is named where it must be", charset, 0},
    {"and is not after UTF8=ACCEPT", no_charset, 0},
    {"ESEARCH", extended, 0},
    {"several in flight, answered in another order", in_flight, 0},
    {"what keys and options need", needs, 0},
    {"MODSEQ", modseq, 0},
    {"sequence numbers wait for what may move them", sequences_wait, 0},
};

int main(void)
{
    return fixture_main("search.txt", cases, sizeof cases / sizeof cases[0]);
}
