/* SELECT and EXAMINE, QRESYNC, and several in flight. */
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct client_select select_now(struct fixture *f, const char *name, bool examine,
                                       const struct select_params *params)
{
    struct client_select h;
    assert_ok(f, client_select_begin(f->c, &h, str_from(name), examine, params, f->arena, &f->err));
    assert_ok(f, client_select_end(f->c, &h, &f->err));
    return h;
}

static void enable_qresync(struct fixture *f)
{
    static const enum capability caps[] = {CAP_QRESYNC};
    assert_ok(f, client_enable(f->c, caps, 1, &f->err));
}

static void selects(struct fixture *f)
{
    struct client_select h = select_now(f, "INBOX", false, NULL);
    assert_int_equal(h.data.exists, 172);
    assert_int_equal(h.data.uidvalidity, 3857529045);
    assert_int_equal(h.data.uidnext, 4392);
    assert_int_equal(h.data.highestmodseq, 715194045007);
    assert_text(h.data.mailboxid, "F2212ea87");
    assert_false(h.data.read_only);
    assert_true(h.data.has_permanent_flags);
    assert_int_equal(h.data.permanent_flags.system, FLAG_DELETED | FLAG_SEEN | FLAG_WILDCARD);
    assert_text(h.data.permanent_flags.keywords[0], "$Forwarded");
    assert_int_equal(h.data.flags.keywords_len, 1);
    assert_text(client_selected(f->c), "INBOX");
    assert_int_equal(client_state(f->c), STATE_SELECTED);
}

static void examines(struct fixture *f)
{
    const struct select_params params = {.condstore = true};
    struct client_select h = select_now(f, "a b", true, &params);
    assert_true(h.data.read_only);
    assert_true(h.data.uid_not_sticky);
    assert_true(h.data.has_permanent_flags);
    assert_int_equal(h.data.highestmodseq, 0);
}

static void read_only(struct fixture *f)
{
    assert_true(select_now(f, "Shared", false, NULL).data.read_only);
}

static void refused(struct fixture *f)
{
    struct client_select h = select_now(f, "One", false, NULL);
    assert_ok(f, client_select_begin(f->c, &h, STR("Two"), false, NULL, f->arena, &f->err));
    assert_error(f, client_select_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "no such");
    assert_text(client_selected(f->c), "");
    assert_int_equal(client_state(f->c), STATE_AUTHENTICATED);
}

static void qresync(struct fixture *f)
{
    enable_qresync(f);
    struct select_params params = {.qresync = true,
                                   .uidvalidity = 67890007,
                                   .modseq = 90060115194045000,
                                   .known_uids = set_of("41:211,214:541")};
    struct client_select h = select_now(f, "INBOX", false, &params);
    assert_string_equal(set_text(&h.changes.vanished), "41,43:116,118,120:211,214:540");
    assert_int_equal(h.changes.changed_len, 3);
    assert_int_equal(h.changes.changed[0].uid, 117);
    assert_int_equal(h.changes.changed[0].flags.system, FLAG_SEEN | FLAG_ANSWERED);
    assert_int_equal(h.changes.changed[1].uid, 119);
    assert_text(h.changes.changed[2].flags.keywords[0], "work");
    assert_int_equal(h.data.exists, 314);
    seqset_free(&params.known_uids);
    client_select_free(&h);
}

static void closed(struct fixture *f)
{
    enable_qresync(f);
    struct client_select one = select_now(f, "One", false, NULL);
    const struct select_params params = {.qresync = true, .uidvalidity = 7, .modseq = 8};
    struct client_select two = select_now(f, "Two", false, &params);
    assert_int_equal(two.data.exists, 3);
    assert_true(seqset_is_empty(&two.changes.vanished));
    assert_int_equal(two.changes.changed_len, 1);
    assert_int_equal(two.changes.changed[0].uid, 20);
    client_select_free(&one);
    client_select_free(&two);
}

static void qresync_not_enabled(struct fixture *f)
{
    const struct select_params params = {.qresync = true, .uidvalidity = 7, .modseq = 8};
    struct client_select h;
    assert_error(f, client_select_begin(f->c, &h, STR("One"), false, &params, f->arena, &f->err),
                 ERR_CAPABILITY, SCOPE_MAILBOX, "QRESYNC is not enabled");
}

static void events_dropped(struct fixture *f)
{
    struct client_event event;
    (void)select_now(f, "One", false, NULL);
    assert_ok(f, client_noop(f->c, &f->err));
    (void)select_now(f, "Two", false, NULL);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_ALERT);
    assert_false(client_next_event(f->c, &event));
}

struct pair {
    struct client_select select;
    struct client_fetch fetch;
};

static void begin_pair(struct fixture *f, struct pair *pair, const char *name)
{
    const struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS};
    struct seqset uids = set_of("1:3");
    assert_ok(
        f, client_select_begin(f->c, &pair->select, str_from(name), true, NULL, f->arena, &f->err));
    assert_ok(f, client_fetch_begin(f->c, &pair->fetch, &uids, &request, NULL, f->arena, &f->err));
    seqset_free(&uids);
}

static void end_fetch(struct fixture *f, struct pair *pair)
{
    assert_ok(f, client_fetch_end(f->c, &pair->fetch, &f->err));
    client_fetch_free(&pair->fetch);
}

static void pipelined(struct fixture *f)
{
    struct pair one;
    struct pair two;
    struct fetch_data data = {0};
    struct client_event event;
    begin_pair(f, &one, "One");
    begin_pair(f, &two, "Two");
    assert_ok(f, client_select_end(f->c, &one.select, &f->err));
    assert_int_equal(one.select.data.uidvalidity, 11);
    assert_text(client_selected(f->c), "One");
    assert_int_equal(client_fetch_next(f->c, &one.fetch, &data, &f->err), 1);
    assert_int_equal(data.flags.system, FLAG_SEEN);
    assert_int_equal(client_fetch_next(f->c, &one.fetch, &data, &f->err), 1);
    assert_int_equal(data.uid, 2);
    assert_int_equal(client_fetch_next(f->c, &one.fetch, &data, &f->err), 0);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.number, 3);
    end_fetch(f, &one);
    assert_ok(f, client_select_end(f->c, &two.select, &f->err));
    assert_int_equal(two.select.data.exists, 9);
    assert_int_equal(client_fetch_next(f->c, &two.fetch, &data, &f->err), 1);
    assert_int_equal(data.flags.system, FLAG_DELETED);
    assert_int_equal(client_fetch_next(f->c, &two.fetch, &data, &f->err), 0);
    end_fetch(f, &two);
    assert_int_equal(client_counters(f->c).round_trips, 1);
}

static void law1_no_answer_from_another_mailbox(struct fixture *f)
{
    struct pair one;
    struct pair two;
    struct fetch_data data = {0};
    begin_pair(f, &one, "One");
    begin_pair(f, &two, "Two");
    assert_error(f, client_select_end(f->c, &one.select, &f->err), ERR_NO, SCOPE_MAILBOX, "gone");
    assert_error(f, client_fetch_next(f->c, &one.fetch, &data, &f->err), ERR_NO, SCOPE_MAILBOX,
                 "could not be selected");
    assert_error(f, client_fetch_end(f->c, &one.fetch, &f->err), ERR_NO, SCOPE_MAILBOX,
                 "could not be selected");
    assert_ok(f, client_select_end(f->c, &two.select, &f->err));
    assert_int_equal(client_fetch_next(f->c, &two.fetch, &data, &f->err), 1);
    assert_int_equal(data.flags.system, FLAG_DELETED);
    end_fetch(f, &two);
}

static void writing_waits(struct fixture *f)
{
    const struct imap_flags seen = {.system = FLAG_SEEN};
    struct client_select h;
    struct client_store store;
    struct client_expunge expunge;
    struct seqset uids = set_of("1");
    assert_ok(f, client_select_begin(f->c, &h, STR("One"), false, NULL, f->arena, &f->err));
    assert_error(f, client_store_begin(f->c, &store, &uids, STORE_ADD, &seen, 0, f->arena, &f->err),
                 ERR_STATE, SCOPE_MAILBOX, "UID STORE must wait for the end of its SELECT");
    assert_error(f, client_uid_expunge_begin(f->c, &expunge, &uids, f->arena, &f->err), ERR_STATE,
                 SCOPE_MAILBOX, "must wait");
    assert_error(f, client_expunge_end(f->c, &expunge, &f->err), ERR_STATE, SCOPE_MAILBOX,
                 "never sent");
    assert_ok(f, client_select_end(f->c, &h, &f->err));
    assert_ok(f, client_store_begin(f->c, &store, &uids, STORE_ADD, &seen, 0, f->arena, &f->err));
    assert_ok(f, client_store_end(f->c, &store, &f->err));
    seqset_free(&uids);
}

static const struct fixture_case cases[] = {
    {"SELECT", selects, 0},
    {"EXAMINE", examines, 0},
    {"SELECT of a mailbox one may only read", read_only, 0},
    {"SELECT refused, nothing is selected", refused, 0},
    {"QRESYNC", qresync, 0},
    {"CLOSED parts the old mailbox from the new", closed, 0},
    {"QRESYNC not enabled", qresync_not_enabled, 0},
    {"events of the mailbox before are dropped", events_dropped, 0},
    {"pipelined, each with a FETCH of its own", pipelined, 0},
    {"pipelined, the first refused", law1_no_answer_from_another_mailbox, 0},
    {"pipelined, no writing before the end of the SELECT", writing_waits, 0},
};

int main(void)
{
    return fixture_main("select.txt", cases, sizeof cases / sizeof cases[0]);
}
