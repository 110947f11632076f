/* UID FETCH: what is told, where bodies go, and how it can break. */
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Keeps what it gets as "1=hello;" or, while a body is incomplete, "1=hel". */
struct keeper {
    struct buf text;
    unsigned pieces;
    unsigned fail_at; /* the body number that fails, from 1 */
    enum error_scope fail_scope;
    unsigned bodies;
};

static bool keeper_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                         uint64_t size, struct error *err)
{
    struct keeper *k = self;
    assert_int_equal(section->part, SECTION_WHOLE);
    if (++k->bodies == k->fail_at) {
        error_set(err, ERR_WRITE, k->fail_scope, "no room");
        return false;
    }
    buf_addf(&k->text, "%u:%u=", so_far->uid, (unsigned)size);
    return true;
}

static bool keeper_piece(void *self, struct str data, struct error *err)
{
    struct keeper *k = self;
    (void)err;
    k->pieces++;
    if (k->text.len + data.len < 500) {
        buf_add_str(&k->text, data);
    }
    return true;
}

static bool keeper_end(void *self, struct error *err)
{
    struct keeper *k = self;
    (void)err;
    buf_add_byte(&k->text, ';');
    return true;
}

static struct keeper keeper;
static const struct fetch_sink sink = {keeper_begin, keeper_piece, keeper_end, &keeper};

static void select_inbox(struct fixture *f)
{
    struct client_select h;
    buf_free(&keeper.text);
    keeper = (struct keeper){.text = BUF_INIT(1000)};
    assert_ok(f, client_select_begin(f->c, &h, STR("INBOX"), false, NULL, f->arena, &f->err));
    assert_ok(f, client_select_end(f->c, &h, &f->err));
}

static int begin(struct fixture *f, struct client_fetch *h, const char *set, unsigned items)
{
    const struct fetch_request request = {.items = items};
    struct seqset uids = set_of(set);
    int result = client_fetch_begin(f->c, h, &uids, &request, &sink, f->arena, &f->err);
    seqset_free(&uids);
    return result;
}

#define FLAGS (FETCH_UID | FETCH_FLAGS)
#define BODY (FETCH_UID | FETCH_BODY_SECTION)

static int next(struct fixture *f, struct client_fetch *h, struct fetch_data *data)
{
    *data = (struct fetch_data){0};
    return client_fetch_next(f->c, h, data, &f->err);
}

static void end(struct fixture *f, struct client_fetch *h)
{
    assert_ok(f, client_fetch_end(f->c, h, &f->err));
    assert_ok(f, client_fetch_end(f->c, h, &f->err));
}

/* The next is the message with this UID. */
static void must_bring(struct fixture *f, struct client_fetch *h, uint32_t uid,
                       struct fetch_data *data)
{
    assert_int_equal(next(f, h, data), 1);
    assert_int_equal(data->uid, uid);
}

/* No further one, and all went well. */
static void must_end(struct fixture *f, struct client_fetch *h)
{
    struct fetch_data data;
    assert_int_equal(next(f, h, &data), 0);
    end(f, h);
}

static void flags(struct fixture *f)
{
    struct client_fetch h;
    struct fetch_data data;
    struct client_event event;
    select_inbox(f);
    assert_ok(f, begin(f, &h, "1:3,7", FLAGS | FETCH_MODSEQ));
    assert_int_equal(next(f, &h, &data), 1);
    assert_int_equal(data.seq, 1);
    assert_int_equal(data.uid, 1);
    assert_int_equal(data.modseq, 12);
    assert_text(data.flags.keywords[0], "$Forwarded");
    must_bring(f, &h, 3, &data);
    assert_text(data.flags.keywords[1], "qu oted");
    assert_int_equal(next(f, &h, &data), 0);
    must_end(f, &h);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_FETCH);
    assert_int_equal(event.uid, 5);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.uid, 0);
    assert_int_equal(event.number, 4);
}

static void bodies(struct fixture *f)
{
    struct client_fetch h;
    struct fetch_data data;
    select_inbox(f);
    assert_ok(f, begin(f, &h, "1:6", FLAGS | FETCH_INTERNALDATE | FETCH_BODY_SECTION));
    assert_int_equal(next(f, &h, &data), 1);
    assert_int_equal(data.internal_date.zone_s, -7 * 3600);
    assert_int_equal(data.body_size, 5);
    assert_text(buf_str(&keeper.text), "1:5=hello;");
    for (uint32_t uid = 2; uid <= 6; uid++) {
        arena_reset(f->arena);
        must_bring(f, &h, uid, &data);
        assert_int_equal(data.body_is_nil, uid == 5);
    }
    assert_int_equal(data.body_size, 100000);
    assert_int_equal(data.flags.system, FLAG_SEEN);
    must_end(f, &h);
    assert_non_null(strstr(keeper.text.data, "1:5=hello;0:4=a\r\nb;3:6=quoted;4:0=;6:100000="));
    buf_free(&keeper.text);
}

static void unasked_body(struct fixture *f)
{
    struct client_fetch h;
    struct fetch_data data;
    struct client_event event;
    select_inbox(f);
    assert_ok(f, begin(f, &h, "1", BODY));
    must_bring(f, &h, 1, &data);
    must_end(f, &h);
    assert_text(buf_str(&keeper.text), "1:3=one;");
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.uid, 1);
    assert_int_equal(event.flags, FLAG_SEEN);
    buf_free(&keeper.text);
}

static void two_in_flight(struct fixture *f)
{
    struct client_fetch a;
    struct client_fetch b;
    struct fetch_data data;
    select_inbox(f);
    assert_ok(f, begin(f, &a, "1:2", BODY));
    assert_ok(f, begin(f, &b, "3:4", BODY));
    must_bring(f, &a, 1, &data);
    must_bring(f, &a, 2, &data);
    must_end(f, &a);
    must_bring(f, &b, 3, &data);
    must_bring(f, &b, 4, &data);
    must_end(f, &b);
    assert_text(buf_str(&keeper.text), "1:3=one;3:5=three;2:3=two;4:4=four;");
    buf_free(&keeper.text);
}

static void law1_body_of_another_command(struct fixture *f)
{
    struct client_fetch a;
    struct client_fetch b;
    struct fetch_data data;
    select_inbox(f);
    assert_ok(f, begin(f, &a, "1:2", BODY));
    assert_ok(f, begin(f, &b, "3:4", BODY));
    must_bring(f, &a, 1, &data);
    must_end(f, &a);
    must_end(f, &b);
    buf_free(&keeper.text);
}

static void later_end_first(struct fixture *f)
{
    struct client_fetch h;
    struct client_status status;
    struct fetch_data data;
    struct status_data told = {0};
    select_inbox(f);
    assert_ok(f, begin(f, &h, "1:2", FLAGS | FETCH_BODY_SECTION));
    assert_ok(f,
              client_status_begin(f->c, &status, STR("Other"), STATUS_MESSAGES, f->arena, &f->err));
    assert_ok(f, client_status_end(f->c, &status, &told, &f->err));
    assert_int_equal(told.messages, 4);
    assert_text(buf_str(&keeper.text), "1:3=one;2:3=two;");
    must_bring(f, &h, 1, &data);
    assert_text(data.flags.keywords[1], "b");
    must_bring(f, &h, 2, &data);
    must_end(f, &h);
    buf_free(&keeper.text);
}

static void no_after_some(struct fixture *f)
{
    struct client_fetch h;
    struct fetch_data data;
    select_inbox(f);
    assert_ok(f, begin(f, &h, "1:3", FLAGS));
    assert_int_equal(next(f, &h, &data), 1);
    assert_error(f, next(f, &h, &data), ERR_NO, SCOPE_MAILBOX, "Server error");
    assert_error(f, client_fetch_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "Server error");
    assert_error(f, client_fetch_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "UID FETCH");
    assert_ok(f, client_noop(f->c, &f->err));
}

static void bad(struct fixture *f)
{
    struct client_fetch h;
    select_inbox(f);
    assert_ok(f, begin(f, &h, "1:3", FLAGS));
    assert_error(f, client_fetch_end(f->c, &h, &f->err), ERR_BAD, SCOPE_MAILBOX, "what");
}

static void bye(struct fixture *f)
{
    struct client_fetch h;
    struct fetch_data data;
    select_inbox(f);
    assert_ok(f, begin(f, &h, "1:3", FLAGS));
    assert_int_equal(next(f, &h, &data), 1);
    assert_error(f, next(f, &h, &data), ERR_BYE, SCOPE_CONNECTION, "session expired");
    assert_error(f, client_fetch_end(f->c, &h, &f->err), ERR_BYE, SCOPE_CONNECTION, "expired");
}

static void breaks(struct fixture *f, enum error_code code, enum error_scope scope)
{
    struct client_fetch h;
    struct fetch_data data;
    select_inbox(f);
    assert_ok(f, begin(f, &h, "1:3", BODY));
    assert_error(f, next(f, &h, &data), code, scope, "");
    assert_error(f, client_fetch_end(f->c, &h, &f->err), code, scope, "");
    assert_null(strchr(keeper.text.len > 0 ? keeper.text.data : "", ';'));
    buf_free(&keeper.text);
}

static void closed_in_body(struct fixture *f)
{
    breaks(f, ERR_NETWORK, SCOPE_CONNECTION);
}

static void law9_silence_in_body(struct fixture *f)
{
    breaks(f, ERR_TIMEOUT, SCOPE_CONNECTION);
}

static void cancelled_in_body(struct fixture *f)
{
    breaks(f, ERR_CANCELLED, SCOPE_CANCELLED);
}

static void law9_literal_too_long(struct fixture *f)
{
    breaks(f, ERR_PROTOCOL, SCOPE_CONNECTION);
}

static void vanished(struct fixture *f)
{
    static const enum capability caps[] = {CAP_QRESYNC};
    const struct fetch_request request = {.items = FLAGS, .changed_since = 12345, .vanished = true};
    struct seqset uids = set_of("300:500");
    struct client_fetch h;
    struct fetch_data data;
    struct client_event event;
    assert_ok(f, client_enable(f->c, caps, 1, &f->err));
    select_inbox(f);
    assert_ok(f, client_fetch_begin(f->c, &h, &uids, &request, NULL, f->arena, &f->err));
    must_bring(f, &h, 404, &data);
    must_end(f, &h);
    assert_string_equal(set_text(&h.vanished), "300:310,405,411");
    client_fetch_free(&h);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_VANISHED);
    assert_string_equal(set_text(&event.uids), "7");
    seqset_free(&event.uids);
    seqset_free(&uids);
}

static void needs(struct fixture *f)
{
    const struct fetch_request since = {.items = FLAGS, .changed_since = 3};
    const struct fetch_request gone = {.items = FLAGS, .vanished = true};
    struct seqset uids = set_of("1");
    struct client_fetch h;
    select_inbox(f);
    assert_error(f, begin(f, &h, "1", FLAGS | FETCH_EMAILID), ERR_CAPABILITY, SCOPE_MAILBOX,
                 "OBJECTID");
    assert_error(f, begin(f, &h, "", FLAGS), ERR_STATE, SCOPE_MAILBOX, "no message");
    assert_error(f, client_fetch_begin(f->c, &h, &uids, &since, NULL, f->arena, &f->err),
                 ERR_CAPABILITY, SCOPE_MAILBOX, "CONDSTORE");
    assert_error(f, client_fetch_begin(f->c, &h, &uids, &gone, NULL, f->arena, &f->err),
                 ERR_CAPABILITY, SCOPE_MAILBOX, "QRESYNC");
    seqset_free(&uids);
}

static void not_selected(struct fixture *f)
{
    struct client_fetch h;
    assert_error(f, begin(f, &h, "1", FLAGS), ERR_STATE, SCOPE_MAILBOX, "no mailbox selected");
    assert_int_equal(client_counters(f->c).commands, 0);
}

static void law7_sink_fails_for_one(struct fixture *f)
{
    struct client_fetch h;
    struct fetch_data data;
    select_inbox(f);
    keeper.fail_at = 2;
    keeper.fail_scope = SCOPE_MESSAGE;
    assert_ok(f, begin(f, &h, "1:3", BODY));
    for (uint32_t uid = 1; uid <= 3; uid++) {
        must_bring(f, &h, uid, &data);
    }
    end(f, &h);
    assert_text(buf_str(&keeper.text), "1:3=one;3:5=three;");
    buf_free(&keeper.text);
}

static void sink_fails_for_all(struct fixture *f)
{
    struct client_fetch h;
    struct fetch_data data;
    select_inbox(f);
    keeper.fail_at = 2;
    keeper.fail_scope = SCOPE_ACCOUNT;
    assert_ok(f, begin(f, &h, "1:3", BODY));
    assert_int_equal(next(f, &h, &data), 1);
    assert_int_equal(next(f, &h, &data), 1);
    assert_error(f, next(f, &h, &data), ERR_WRITE, SCOPE_ACCOUNT, "no room");
    assert_error(f, client_fetch_end(f->c, &h, &f->err), ERR_WRITE, SCOPE_ACCOUNT, "no room");
    assert_text(buf_str(&keeper.text), "1:3=one;");
    assert_null(client_failure(f->c));
    buf_free(&keeper.text);
}

static const struct fixture_case cases[] = {
    {"flags", flags, 0},
    {"bodies", bodies, 0},
    {"a body nobody asked for", unasked_body, 0},
    {"two fetches in flight", two_in_flight, 0},
    {"a body that was told before its UID, of the second command", law1_body_of_another_command, 0},
    {"the end of a later command is awaited first", later_end_first, 0},
    {"NO after some", no_after_some, 0},
    {"BAD", bad, 0},
    {"BYE in the middle", bye, 0},
    {"closed in the middle of a body", closed_in_body, 0},
    {"silence in the middle of a body", law9_silence_in_body, 0},
    {"cancelled in the middle of a body", cancelled_in_body, 0},
    {"a literal over all bounds", law9_literal_too_long, FIXTURE_WHOLE},
    {"VANISHED", vanished, 0},
    {"what items need", needs, 0},
    {"nothing selected", not_selected, 0},
    {"the sink fails for one message", law7_sink_fails_for_one, 0},
    {"the sink fails for one message", sink_fails_for_all, 0},
};

int main(void)
{
    return fixture_main("fetch.txt", cases, sizeof cases / sizeof cases[0]);
}
