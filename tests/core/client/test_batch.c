/* Batches, and the rules of sequence numbers. */
#include "client/cmd_acl.h"
#include "client/cmd_search.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct fetch_request flags_of = {.items = FETCH_UID | FETCH_FLAGS};

static void select_inbox(struct fixture *f)
{
    struct client_select h;
    assert_ok(f, client_select_begin(f->c, &h, STR("INBOX"), false, NULL, f->arena, &f->err));
    assert_ok(f, client_select_end(f->c, &h, &f->err));
}

static void any_kind(struct fixture *f)
{
    struct client *c = f->c;
    struct seqset uids = set_of("1:2");
    struct client_op noop;
    struct client_op create;
    struct client_status status;
    struct client_select select;
    struct client_fetch fetch;
    struct client_acl rights;
    struct status_data data;
    struct fetch_data message;
    struct str patterns[] = {STR_INIT("%"), STR_INIT("Work/%")};
    struct client_list lists[2];
    client_batch_begin(c);
    assert_ok(f, client_command_begin(c, &noop, CMD_NOOP, &f->err));
    assert_ok(f, client_status_begin(c, &status, STR("One"), STATUS_MESSAGES, f->arena, &f->err));
    assert_ok(f, client_mailbox_begin(c, &create, CMD_CREATE, STR("New"), &f->err));
    assert_ok(f, client_select_begin(c, &select, STR("INBOX"), false, NULL, f->arena, &f->err));
    assert_ok(f, client_fetch_begin(c, &fetch, &uids, &flags_of, NULL, f->arena, &f->err));
    assert_ok(f, client_myrights_begin(c, &rights, STR("INBOX"), f->arena, &f->err));
    for (size_t i = 0; i < 2; i++) {
        const struct list_request request = {.patterns = {&patterns[i], 1, 1}};
        assert_ok(f, client_list_begin(c, &lists[i], &request, f->arena, &f->err));
    }
    assert_ok(f, client_batch_end(c, &f->err));
    assert_int_equal(client_counters(c).round_trips, 1);
    assert_ok(f, client_op_end(c, &noop, &f->err));
    assert_ok(f, client_status_end(c, &status, &data, &f->err));
    assert_int_equal(data.messages, 3);
    assert_error(f, client_op_end(c, &create, &f->err), ERR_NO, SCOPE_MAILBOX, "there");
    assert_ok(f, client_select_end(c, &select, &f->err));
    assert_int_equal(select.data.exists, 2);
    assert_int_equal(client_fetch_next(c, &fetch, &message, &f->err), 1);
    assert_int_equal(client_fetch_next(c, &fetch, &message, &f->err), 1);
    assert_int_equal(message.uid, 2);
    assert_ok(f, client_fetch_end(c, &fetch, &f->err));
    assert_ok(f, client_op_end(c, &rights.op, &f->err));
    assert_true(rights.told);
    for (size_t i = 0; i < 2; i++) {
        struct client_mailboxes listed;
        assert_ok(f, client_list_end(c, &lists[i], &listed, &f->err));
        assert_int_equal(listed.len, 2 - i);
        assert_text(listed.items[listed.len - 1].entry.name, i == 0 ? "Work" : "Work/A");
    }
    client_select_free(&select);
    client_fetch_free(&fetch);
    seqset_free(&uids);
}

static void not_in_one(struct fixture *f)
{
    struct seqset uids = set_of("1");
    struct client_op noop;
    struct client_select select;
    struct client_expunge expunge;
    enum client_wait why;
    select_inbox(f);
    client_batch_begin(f->c);
    assert_error(f, client_unselect(f->c, &f->err), ERR_STATE, SCOPE_MAILBOX, "part of a batch");
    assert_error(f, client_idle(f->c, 0, &why, &f->err), ERR_STATE, SCOPE_MAILBOX,
                 "part of a batch");
    assert_ok(f, client_command_begin(f->c, &noop, CMD_NOOP, &f->err));
    assert_error(f, client_close_mailbox(f->c, &f->err), ERR_STATE, SCOPE_MAILBOX, "in flight");
    assert_ok(f, client_select_begin(f->c, &select, STR("Other"), false, NULL, f->arena, &f->err));
    assert_error(f, client_uid_expunge_begin(f->c, &expunge, &uids, f->arena, &f->err), ERR_STATE,
                 SCOPE_MAILBOX, "end of its SELECT");
    assert_ok(f, client_batch_end(f->c, &f->err));
    assert_ok(f, client_op_end(f->c, &noop, &f->err));
    assert_ok(f, client_select_end(f->c, &select, &f->err));
    client_select_free(&select);
    seqset_free(&uids);
}

static void sequences(struct fixture *f)
{
    struct seqset one = set_of("1");
    const struct fetch_request flags = {.items = FETCH_FLAGS};
    const struct store_params seen = {.mode = STORE_ADD, .flags = {.system = FLAG_SEEN}};
    const struct search_request all = {.key = search_all(f->arena)};
    struct client_fetch fetch;
    struct client_store store;
    struct client_search search;
    struct client_copy copy;
    struct fetch_data message;
    select_inbox(f);
    client_batch_begin(f->c);
    assert_ok(f, client_seq_fetch_begin(f->c, &fetch, &one, &flags, NULL, f->arena, &f->err));
    assert_ok(
        f, client_store_request_begin(f->c, &store, CLIENT_SEQS, &one, &seen, f->arena, &f->err));
    assert_ok(f, client_search_begin(f->c, &search, CLIENT_UIDS, &all, f->arena, &f->err));
    assert_error(f, client_seq_copy_begin(f->c, &copy, &one, STR("x"), f->arena, &f->err),
                 ERR_STATE, SCOPE_MAILBOX, "cannot follow UID SEARCH in a batch");
    assert_ok(f, client_batch_end(f->c, &f->err));
    assert_int_equal(client_fetch_next(f->c, &fetch, &message, &f->err), 1);
    assert_int_equal(message.flags.system, 0);
    assert_ok(f, client_fetch_end(f->c, &fetch, &f->err));
    assert_ok(f, client_store_end(f->c, &store, &f->err));
    assert_int_equal(store.changed_len, 1);
    assert_int_equal(store.changed[0].flags.system, FLAG_SEEN);
    assert_ok(f, client_search_end(f->c, &search, &f->err));
    assert_string_equal(set_text(&search.result.all), "7");
    client_search_free(&search);
    client_store_free(&store);
    seqset_free(&one);
}

static void breaks(struct fixture *f)
{
    struct client_op first;
    struct client_op second;
    client_batch_begin(f->c);
    assert_ok(f, client_command_begin(f->c, &first, CMD_NOOP, &f->err));
    assert_ok(f, client_command_begin(f->c, &second, CMD_NOOP, &f->err));
    assert_error(f, client_batch_end(f->c, &f->err), ERR_NETWORK, SCOPE_CONNECTION, "closed");
    assert_ok(f, client_op_end(f->c, &first, &f->err));
    assert_error(f, client_op_end(f->c, &second, &f->err), ERR_NETWORK, SCOPE_CONNECTION, "closed");
}

struct keeper {
    uint32_t uid;
    char text[10];
};

static bool keeper_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                         uint64_t size, struct error *err)
{
    (void)section;
    (void)size;
    (void)err;
    ((struct keeper *)self)->uid = so_far->uid;
    return true;
}

static bool keeper_piece(void *self, struct str data, struct error *err)
{
    struct keeper *k = self;
    (void)err;
    size_t len = strlen(k->text);
    assert_true(len + data.len < sizeof k->text);
    memcpy(k->text + len, data.ptr, data.len);
    return true;
}

static bool keeper_end(void *self, struct error *err)
{
    (void)self;
    (void)err;
    return true;
}

static void uidonly(struct fixture *f)
{
    static const enum capability cap = CAP_UIDONLY;
    const struct fetch_request request = {.items = FETCH_UID | FETCH_FLAGS | FETCH_BODY_SECTION};
    struct keeper keeper = {0};
    const struct fetch_sink sink = {keeper_begin, keeper_piece, keeper_end, &keeper};
    struct seqset uids = set_of("25:26");
    const struct search_request by_seq = {.key = search_set(f->arena, &uids, false)};
    struct client_fetch h;
    struct client_search search;
    struct fetch_data data;
    struct client_event event;
    assert_ok(f, client_enable(f->c, &cap, 1, &f->err));
    select_inbox(f);
    assert_error(f, client_seq_fetch_begin(f->c, &h, &uids, &flags_of, NULL, f->arena, &f->err),
                 ERR_STATE, SCOPE_MAILBOX, "UIDONLY");
    assert_error(f, client_search(f->c, &search, CLIENT_UIDS, &by_seq, f->arena, &f->err),
                 ERR_STATE, SCOPE_MAILBOX, "UIDONLY");
    assert_ok(f, client_fetch_begin(f->c, &h, &uids, &request, &sink, f->arena, &f->err));
    assert_int_equal(client_fetch_next(f->c, &h, &data, &f->err), 1);
    assert_int_equal(data.uid, 25);
    assert_int_equal(data.seq, 0);
    assert_int_equal(keeper.uid, 25);
    assert_string_equal(keeper.text, "hi");
    assert_int_equal(client_fetch_next(f->c, &h, &data, &f->err), 0);
    assert_ok(f, client_fetch_end(f->c, &h, &f->err));
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.uid, 77);
    assert_int_equal(event.number, 0);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_VANISHED);
    seqset_free(&event.uids);
    seqset_free(&uids);
}

static const struct fixture_case cases[] = {
    {"of any kind", any_kind, 0},
    {"what does not belong into one", not_in_one, 0},
    {"sequence numbers", sequences, 0},
    {"the connection breaks in it", breaks, 0},
    {"UIDONLY", uidonly, 0},
};

int main(void)
{
    return fixture_main("batch.txt", cases, sizeof cases / sizeof cases[0]);
}
