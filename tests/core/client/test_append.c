/* APPEND. */
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A message of one letter, or five bytes "hello"; fails at its end where told to. */
struct text_source {
    uint64_t left;
    const char *text; /* NULL: all "x" */
    bool fails;
};

static ssize_t text_read(void *self, void *out, size_t size, struct error *err)
{
    struct text_source *s = self;
    size_t got = s->left < size ? (size_t)s->left : size;
    if (s->fails) {
        return error_set(err, ERR_READ, SCOPE_MESSAGE, "the file is gone");
    }
    if (s->text != NULL) {
        memcpy(out, s->text, got);
        s->text += got;
    } else {
        memset(out, 'x', got);
    }
    s->left -= got;
    return (ssize_t)got;
}

static int begin(struct fixture *f, struct client_append *h, const char *mailbox, uint64_t size,
                 const struct append_params *params)
{
    struct text_source text = {.left = size, .text = size == 5 ? "hello" : NULL};
    const struct append_source source = {text_read, &text};
    return client_append_begin(f->c, h, str_from(mailbox), params, size, &source, f->arena,
                               &f->err);
}

static void literal_plus(struct fixture *f)
{
    struct str work[] = {STR_INIT("work")};
    const struct append_params params = {.flags = {FLAG_SEEN | FLAG_RECENT, work, 1},
                                         .has_date = true,
                                         .date = {837596665, -7 * 3600}};
    struct client_append h;
    assert_ok(f, begin(f, &h, "Sent", 5, &params));
    assert_true(h.sent_whole);
    assert_ok(f, client_append_end(f->c, &h, &f->err));
    assert_int_equal(h.uidvalidity, 38505);
    assert_int_equal(h.uid, 3955);
    assert_int_equal(client_counters(f->c).round_trips, 1);
}

static void literal_sync(struct fixture *f)
{
    struct client_append h;
    assert_ok(f, begin(f, &h, "a b", 5, NULL));
    assert_ok(f, client_append_end(f->c, &h, &f->err));
    assert_int_equal(h.uid, 0);
    assert_int_equal(client_counters(f->c).round_trips, 2);
}

static void literal_minus(struct fixture *f)
{
    struct client_append small;
    struct client_append large;
    assert_ok(f, begin(f, &small, "Sent", 4096, NULL));
    assert_ok(f, begin(f, &large, "Sent", 5000, NULL));
    assert_ok(f, client_append_end(f->c, &small, &f->err));
    assert_ok(f, client_append_end(f->c, &large, &f->err));
}

static void refused(struct fixture *f)
{
    struct client_append h;
    assert_ok(f, begin(f, &h, "NoSuch", 5, NULL));
    assert_false(h.sent_whole);
    assert_error(f, client_append_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "no such");
    assert_string_equal(f->err.response_code, "TRYCREATE");
    assert_ok(f, client_noop(f->c, &f->err));
}

static void refused_underway(struct fixture *f)
{
    struct client_append h;
    assert_ok(f, begin(f, &h, "Sent", 40000, NULL));
    assert_error(f, client_append_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "full");
    assert_string_equal(f->err.response_code, "OVERQUOTA");
    assert_ok(f, client_noop(f->c, &f->err));
}

static void budget_uploads_are_one_turn(struct fixture *f)
{
    static const uint64_t sizes[] = {5, 0, 5};
    struct client_append handles[3];
    for (size_t i = 0; i < 3; i++) {
        assert_ok(f, begin(f, &handles[i], "Sent", sizes[i], NULL));
    }
    assert_ok(f, client_append_end(f->c, &handles[0], &f->err));
    assert_error(f, client_append_end(f->c, &handles[1], &f->err), ERR_BAD, SCOPE_MAILBOX,
                 "[TOOBIG]");
    assert_ok(f, client_append_end(f->c, &handles[2], &f->err));
    assert_int_equal(handles[2].uid, 2);
    assert_int_equal(client_counters(f->c).round_trips, 1);
}

static void over_limit(struct fixture *f)
{
    struct client_append h;
    assert_error(f, begin(f, &h, "Sent", 11, NULL), ERR_NO, SCOPE_MESSAGE, "11 bytes");
    assert_string_equal(f->err.response_code, "TOOBIG");
}

static void source_fails(struct fixture *f)
{
    struct text_source text = {.left = 5, .fails = true};
    const struct append_source source = {text_read, &text};
    struct client_append h;
    assert_error(f, client_append_begin(f->c, &h, STR("Sent"), NULL, 5, &source, f->arena, &f->err),
                 ERR_READ, SCOPE_CONNECTION, "the file is gone");
    assert_false(h.sent_whole);
    assert_non_null(client_failure(f->c));
}

static void appenduid_not_taken(struct fixture *f)
{
    struct client_append h;
    assert_ok(f, begin(f, &h, "Sent", 5, NULL));
    assert_ok(f, client_append_end(f->c, &h, &f->err));
    assert_int_equal(h.uid, 0);
    assert_int_equal(h.uidvalidity, 0);
}

static void law2_answer_lost(struct fixture *f)
{
    struct client_append h;
    assert_ok(f, begin(f, &h, "Sent", 5, NULL));
    assert_error(f, client_append_end(f->c, &h, &f->err), ERR_NETWORK, SCOPE_CONNECTION, "closed");
    assert_true(h.sent_whole);
}

static void law2_lost_before_the_literal(struct fixture *f)
{
    struct client_append h;
    assert_error(f, begin(f, &h, "Sent", 5, NULL), ERR_NETWORK, SCOPE_CONNECTION, "closed");
    assert_false(h.sent_whole);
}

static void literal_name(struct fixture *f)
{
    struct client_append h;
    assert_ok(f, begin(f, &h, "\xc3\xa4x", 5, NULL));
    assert_ok(f, client_append_end(f->c, &h, &f->err));
    assert_int_equal(client_counters(f->c).round_trips, 3);
}

static void law9_no_deadlock_behind_a_fetch(struct fixture *f)
{
    const struct fetch_request request = {.items = FETCH_UID | FETCH_BODY_SECTION};
    struct seqset uids = set_of("1");
    struct client_select select;
    struct client_fetch fetch;
    struct client_append h;
    assert_ok(f, client_select_begin(f->c, &select, STR("INBOX"), false, NULL, f->arena, &f->err));
    assert_ok(f, client_select_end(f->c, &select, &f->err));
    assert_ok(f, client_fetch_begin(f->c, &fetch, &uids, &request, NULL, f->arena, &f->err));
    assert_ok(f, begin(f, &h, "Sent", 100000, NULL));
    assert_ok(f, client_fetch_end(f->c, &fetch, &f->err));
    assert_ok(f, client_append_end(f->c, &h, &f->err));
    seqset_free(&uids);
}

static const struct fixture_case cases[] = {
    {"with LITERAL+", literal_plus, 0},
    {"without LITERAL+", literal_sync, 0},
    {"with LITERAL-, a large one", literal_minus, 0},
    {"refused instead of a continuation", refused, 0},
    {"refused while the literal is on its way", refused_underway, 0},
    {"several in flight", budget_uploads_are_one_turn, 0},
    {"over APPENDLIMIT", over_limit, 0},
    {"the source fails", source_fails, 0},
    {"APPENDUID where none belongs", appenduid_not_taken, 0},
    {"APPENDUID of several", appenduid_not_taken, 0},
    {"the answer is lost", law2_answer_lost, 0},
    {"lost before the literal", law2_lost_before_the_literal, 0},
    {"a mailbox name as a literal", literal_name, 0},
    {"behind a FETCH with a long answer", law9_no_deadlock_behind_a_fetch, 0},
};

int main(void)
{
    return fixture_main("append.txt", cases, sizeof cases / sizeof cases[0]);
}
