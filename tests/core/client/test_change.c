/* UID STORE, UID COPY, UID MOVE, UID EXPUNGE, EXPUNGE. */
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

static int store(struct fixture *f, struct client_store *h, const char *set, enum store_mode mode,
                 const struct imap_flags *flags, uint64_t since)
{
    struct seqset uids = set_of(set);
    int result = client_store_begin(f->c, h, &uids, mode, flags, since, f->arena, &f->err);
    seqset_free(&uids);
    return result;
}

static void stores(struct fixture *f)
{
    struct str work[] = {STR_INIT("work")};
    const struct imap_flags three = {FLAG_SEEN | FLAG_ANSWERED | FLAG_RECENT, work, 1};
    const struct imap_flags seen = {.system = FLAG_SEEN};
    const struct imap_flags deleted = {.system = FLAG_DELETED};
    struct client_store a;
    struct client_store b;
    struct client_store c;
    struct client_event event;
    select_inbox(f);
    assert_ok(f, store(f, &a, "1:2,5", STORE_ADD, &three, 0));
    assert_ok(f, store(f, &b, "3", STORE_REMOVE, &seen, 0));
    assert_ok(f, store(f, &c, "7:9", STORE_ADD, &deleted, 320162338));
    assert_ok(f, client_store_end(f->c, &a, &f->err));
    assert_error(f, client_store_end(f->c, &b, &f->err), ERR_NO, SCOPE_MAILBOX, "not that flag");
    assert_ok(f, client_store_end(f->c, &c, &f->err));
    assert_string_equal(set_text(&c.modified), "7,9");
    client_store_free(&c);
    assert_int_equal(client_counters(f->c).round_trips, 2);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.uid, 2);
    assert_false(client_next_event(f->c, &event));
}

static void modified_in_no(struct fixture *f)
{
    const struct imap_flags deleted = {.system = FLAG_DELETED};
    struct client_store h;
    select_inbox(f);
    assert_ok(f, store(f, &h, "7:9", STORE_ADD, &deleted, 5));
    assert_error(f, client_store_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "gone");
    assert_string_equal(set_text(&h.modified), "7:8");
    client_store_free(&h);
}

static void store_of_nothing(struct fixture *f)
{
    const struct imap_flags none = {0};
    const struct imap_flags seen = {.system = FLAG_SEEN};
    struct client_store h;
    select_inbox(f);
    assert_error(f, store(f, &h, "1", STORE_ADD, &none, 0), ERR_STATE, SCOPE_MAILBOX, "nothing");
    assert_error(f, store(f, &h, "", STORE_ADD, &seen, 0), ERR_STATE, SCOPE_MAILBOX, "no message");
    assert_error(f, store(f, &h, "1", STORE_ADD, &seen, 5), ERR_CAPABILITY, SCOPE_MAILBOX,
                 "CONDSTORE");
}

static void begin(struct fixture *f, struct client_copy *h, bool move, const char *set,
                  const char *to)
{
    struct seqset uids = set_of(set);
    struct str mailbox = str_from(to);
    select_inbox(f);
    if (move) {
        assert_ok(f, client_move_begin(f->c, h, &uids, mailbox, f->arena, &f->err));
    } else {
        assert_ok(f, client_copy_begin(f->c, h, &uids, mailbox, f->arena, &f->err));
    }
    seqset_free(&uids);
}

static void copies(struct fixture *f)
{
    struct client_copy h;
    begin(f, &h, false, "2:4", "Archive");
    assert_ok(f, client_copy_end(f->c, &h, &f->err));
    assert_int_equal(h.copyuid.uidvalidity, 38505);
    assert_int_equal(copyuid_map(&h.copyuid, 3), 3957);
    client_copy_free(&h);
}

static void copy_refused(struct fixture *f)
{
    struct client_copy h;
    begin(f, &h, false, "2:4", "NoSuch");
    assert_error(f, client_copy_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "no such mailbox");
    assert_string_equal(f->err.response_code, "TRYCREATE");
    assert_int_equal(h.copyuid.uidvalidity, 0);
}

static void moves(struct fixture *f)
{
    struct client_copy h;
    struct client_event event;
    begin(f, &h, true, "42:69", "foo bar");
    assert_ok(f, client_copy_end(f->c, &h, &f->err));
    assert_int_equal(copyuid_map(&h.copyuid, 42), 1202);
    assert_int_equal(copyuid_map(&h.copyuid, 69), 1229);
    client_copy_free(&h);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_EXPUNGE);
    assert_int_equal(event.number, 22);
}

static void moved_in_part(struct fixture *f)
{
    struct client_copy h;
    struct client_event event;
    begin(f, &h, true, "1:2", "foo");
    assert_error(f, client_copy_end(f->c, &h, &f->err), ERR_NO, SCOPE_MAILBOX, "one was gone");
    assert_int_equal(copyuid_map(&h.copyuid, 1), 10);
    assert_int_equal(copyuid_map(&h.copyuid, 2), 0);
    client_copy_free(&h);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_VANISHED);
    seqset_free(&event.uids);
}

static void move_tagged(struct fixture *f)
{
    struct client_copy h;
    begin(f, &h, true, "1", "foo");
    assert_ok(f, client_copy_end(f->c, &h, &f->err));
    assert_int_equal(copyuid_map(&h.copyuid, 1), 10);
    client_copy_free(&h);
}

static void move_missing(struct fixture *f)
{
    struct client_copy h;
    struct seqset uids = set_of("1");
    select_inbox(f);
    assert_error(f, client_move_begin(f->c, &h, &uids, STR("foo"), f->arena, &f->err),
                 ERR_CAPABILITY, SCOPE_MAILBOX, "does not have MOVE");
    seqset_free(&uids);
}

static void expunges(struct fixture *f)
{
    struct client_expunge a;
    struct client_expunge b;
    struct client_event event;
    struct seqset uids = set_of("3:5");
    select_inbox(f);
    assert_ok(f, client_uid_expunge_begin(f->c, &a, &uids, f->arena, &f->err));
    assert_ok(f, client_expunge_begin(f->c, &b, f->arena, &f->err));
    assert_ok(f, client_expunge_end(f->c, &a, &f->err));
    assert_error(f, client_expunge_end(f->c, &b, &f->err), ERR_NO, SCOPE_MAILBOX, "read-only");
    assert_true(client_next_event(f->c, &event));
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_EXPUNGE);
    assert_int_equal(event.number, 3);
    seqset_free(&uids);
}

static void uid_expunge_missing(struct fixture *f)
{
    struct client_expunge h;
    struct seqset uids = set_of("3:5");
    select_inbox(f);
    assert_error(f, client_uid_expunge_begin(f->c, &h, &uids, f->arena, &f->err), ERR_CAPABILITY,
                 SCOPE_MAILBOX, "UIDPLUS");
    seqset_free(&uids);
}

static const struct fixture_case cases[] = {
    {"STORE", stores, 0},
    {"STORE with MODIFIED in a NO", modified_in_no, 0},
    {"STORE of nothing", store_of_nothing, 0},
    {"COPY", copies, 0},
    {"COPY refused", copy_refused, 0},
    {"MOVE", moves, 0},
    {"MOVE done in part", moved_in_part, 0},
    {"MOVE with COPYUID in the tagged answer", move_tagged, 0},
    {"MOVE without it", move_missing, 0},
    {"EXPUNGE", expunges, 0},
    {"UID EXPUNGE without UIDPLUS", uid_expunge_missing, 0},
};

int main(void)
{
    return fixture_main("change.txt", cases, sizeof cases / sizeof cases[0]);
}
