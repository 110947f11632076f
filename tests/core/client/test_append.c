/* APPEND. */
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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

/* Of one reason in one word, whatever stands behind it: and no more is cut off than the seconds. */
static void refused_after_seconds(struct fixture *f)
{
    static const char *const reasons[] = {
        "APPEND: [OVERQUOTA] full",
        "APPEND: [OVERQUOTA] full",
        "APPEND: full (of 3 secs).",
        "APPEND: (0.001 + 0.000 secs).",
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct client_append h;
        assert_ok(f, begin(f, &h, "Sent", 5, NULL));
        assert_error(f, client_append_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, reasons[i]);
        const char *told = strstr(f->err.text, "APPEND: ");
        assert_non_null(told);
        assert_string_equal(told, reasons[i]);
        error_clear(&f->err);
    }
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

/* Two messages of "hello". */
static int begin_two(struct fixture *f, struct client_append *h)
{
    struct text_source texts[] = {{.left = 5, .text = "hello"}, {.left = 5, .text = "hello"}};
    const struct append_message messages[] = {
        {.params = {.flags = {.system = FLAG_SEEN}}, .size = 5, .source = {text_read, &texts[0]}},
        {.size = 5, .source = {text_read, &texts[1]}},
    };
    return client_append_messages_begin(f->c, h, STR("Sent"), messages, 2, f->arena, &f->err);
}

static void multiappend(struct fixture *f)
{
    struct client_append h;
    assert_ok(f, begin_two(f, &h));
    assert_true(h.sent_whole);
    assert_ok(f, client_append_end(f->c, &h, &f->err));
    assert_int_equal(h.uid, 3955);
    assert_int_equal(seqset_count(&h.uids), 2);
}

static void multiappend_refused(struct fixture *f)
{
    struct client_append h;
    assert_ok(f, begin_two(f, &h));
    assert_false(h.sent_whole);
    assert_error(f, client_append_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "full");
    assert_ok(f, client_noop(f->c, &f->err));
}

static void multiappend_missing(struct fixture *f)
{
    struct client_append h;
    assert_error(f, begin_two(f, &h), ERR_CAPABILITY, SCOPE_MAILBOX, "MULTIAPPEND");
    assert_error(f, client_append_messages_begin(f->c, &h, STR("Sent"), NULL, 0, f->arena, &f->err),
                 ERR_STATE, SCOPE_MAILBOX, "no message");
}

static struct append_message hello_of(struct text_source *text)
{
    *text = (struct text_source){.left = 5, .text = "hello"};
    return (struct append_message){.size = 5, .source = {text_read, text}};
}

static void binary(struct fixture *f)
{
    struct text_source text;
    struct append_message message = hello_of(&text);
    struct client_append h;
    message.binary = true;
    bool has_it = client_has(f->c, CAP_BINARY);
    int result =
        client_append_messages_begin(f->c, &h, STR("Sent"), &message, 1, f->arena, &f->err);
    if (!has_it) {
        assert_error(f, result, ERR_CAPABILITY, SCOPE_MAILBOX, "BINARY");
        return;
    }
    assert_ok(f, result);
    assert_ok(f, client_append_end(f->c, &h, &f->err));
}

static void replace(struct fixture *f)
{
    struct text_source text;
    struct append_message message = hello_of(&text);
    struct client_select select;
    struct client_append h;
    struct client_event event;
    assert_ok(f, client_select_begin(f->c, &select, STR("Drafts"), false, NULL, f->arena, &f->err));
    assert_ok(f, client_select_end(f->c, &select, &f->err));
    assert_ok(f, client_replace_begin(f->c, &h, CLIENT_SEQS, 4, STR("Drafts"), &message, f->arena,
                                      &f->err));
    assert_ok(f, client_append_end(f->c, &h, &f->err));
    assert_int_equal(h.uid, 2000);
    assert_true(client_next_event(f->c, &event));
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_EXPUNGE);
    message = hello_of(&text);
    assert_ok(f, client_replace_begin(f->c, &h, CLIENT_UIDS, 2000, STR("Drafts"), &message,
                                      f->arena, &f->err));
    assert_error(f, client_append_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "gone");
}

static void from_a_file(struct fixture *f)
{
    char letters[1000];
    FILE *stream = tmpfile();
    memset(letters, 'A', sizeof letters);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(fwrite(letters, 1, sizeof letters, stream), sizeof letters);
    }
    assert_int_equal(fflush(stream), 0);
    struct append_file file = {.fd = fileno(stream)};
    const struct append_source source = append_source_of_file(&file);
    struct client_append h;
    assert_ok(f,
              client_append_begin(f->c, &h, STR("Sent"), NULL, 100000, &source, f->arena, &f->err));
    assert_ok(f, client_append_end(f->c, &h, &f->err));
    assert_int_equal(file.offset, 100000);
    (void)fclose(stream);
}

static const struct fixture_case cases[] = {
    {"with LITERAL+", literal_plus, 0},
    {"without LITERAL+", literal_sync, 0},
    {"with LITERAL-, a large one", literal_minus, 0},
    {"refused instead of a continuation", refused, 0},
    {"refused while the literal is on its way", refused_underway, 0},
    {"refused, with the seconds it took", refused_after_seconds, 0},
    {"several in flight", budget_uploads_are_one_turn, 0},
    {"over APPENDLIMIT", over_limit, 0},
    {"the source fails", source_fails, 0},
    {"APPENDUID where none belongs", appenduid_not_taken, 0},
    {"APPENDUID of several", appenduid_not_taken, 0},
    {"the answer is lost", law2_answer_lost, 0},
    {"lost before the literal", law2_lost_before_the_literal, 0},
    {"a mailbox name as a literal", literal_name, 0},
    {"MULTIAPPEND", multiappend, 0},
    {"MULTIAPPEND with waiting", multiappend, 0},
    {"MULTIAPPEND, the second refused", multiappend_refused, 0},
    {"MULTIAPPEND without it", multiappend_missing, 0},
    {"a binary message", binary, 0},
    {"a binary message without BINARY", binary, 0},
    {"REPLACE", replace, 0},
    {"from a file", from_a_file, 0},
    {"behind a FETCH with a long answer", law9_no_deadlock_behind_a_fetch, 0},
};

int main(void)
{
    return fixture_main("append.txt", cases, sizeof cases / sizeof cases[0]);
}
