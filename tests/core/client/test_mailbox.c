/* NOOP, ID, ENABLE, LIST, STATUS, CREATE, SUBSCRIBE. */
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void noop(struct fixture *f)
{
    assert_ok(f, client_noop(f->c, &f->err));
    assert_error(f, client_noop(f->c, &f->err), ERR_BAD, SCOPE_MAILBOX,
                 "mail.example answers BAD to NOOP: [CLIENTBUG] no");
    assert_string_equal(f->err.response_code, "CLIENTBUG");
    assert_error(f, client_noop(f->c, &f->err), ERR_NO, SCOPE_MAILBOX, "later");
    assert_string_equal(f->err.response_code, "");
    assert_null(client_failure(f->c));
}

static void id(struct fixture *f)
{
    struct id_fields told = {0};
    assert_ok(f, client_id(f->c, NULL, f->arena, &told, &f->err));
    assert_int_equal(told.len, 3);
    assert_text(told.items[1].value, "a\"b");
    assert_null(told.items[2].value.ptr);
}

static void id_missing(struct fixture *f)
{
    struct id_fields told = {0};
    assert_error(f, client_id(f->c, NULL, f->arena, &told, &f->err), ERR_CAPABILITY, SCOPE_MAILBOX,
                 "does not have ID");
}

static void enable(struct fixture *f)
{
    static const enum capability caps[] = {CAP_CONDSTORE, CAP_QRESYNC};
    assert_ok(f, client_enable(f->c, caps, 2, &f->err));
    assert_true(client_enabled(f->c, CAP_CONDSTORE));
    assert_false(client_enabled(f->c, CAP_QRESYNC));
}

static void list(struct fixture *f)
{
    struct client_mailboxes all = {0};
    assert_ok(f, client_list(f->c, STR("*"), f->arena, &all, &f->err));
    assert_int_equal(all.len, 5);
    assert_text(all.items[0].entry.name, "INBOX");
    assert_int_equal(all.items[0].entry.attributes, LIST_HASNOCHILDREN | LIST_MARKED);
    assert_text(all.items[1].entry.name, "with space");
    assert_text(all.items[2].entry.name, "a\"b\\c(");
    assert_int_equal(all.items[2].entry.attributes, LIST_SENT);
    assert_int_equal(all.items[3].entry.delimiter, 0);
    assert_text(all.items[4].entry.name, "Ext");
    assert_int_equal(all.items[4].status.have, 0);
}

static void list_refused(struct fixture *f)
{
    struct client_mailboxes all = {0};
    assert_error(f, client_list(f->c, STR("one name"), f->arena, &all, &f->err), ERR_NO,
                 SCOPE_MAILBOX, "disk on fire");
    assert_int_equal(all.len, 0);
}

static void law7_list_wrong(struct fixture *f)
{
    struct client_mailboxes all = {0};
    assert_error(f, client_list(f->c, STR("*"), f->arena, &all, &f->err), ERR_PROTOCOL,
                 SCOPE_CONNECTION, "");
}

static const struct client_mailbox *named(const struct client_mailboxes *all, const char *name)
{
    for (size_t i = 0; i < all->len; i++) {
        if (str_eq(all->items[i].entry.name, str_from(name))) {
            return &all->items[i];
        }
    }
    return NULL;
}

static void list_status(struct fixture *f)
{
    struct client_mailboxes all = {0};
    unsigned items = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY | STATUS_HIGHESTMODSEQ;
    assert_ok(f, client_list_status(f->c, STR("*"), items, f->arena, &all, &f->err));
    assert_int_equal(all.len, 4);
    assert_int_equal(named(&all, "INBOX")->status.have, items);
    assert_int_equal(named(&all, "INBOX")->status.highestmodseq, 40);
    assert_int_equal(named(&all, "Early")->status.uidnext, 2);
    assert_int_equal(named(&all, "Silent")->status.have, 0);
    assert_int_equal(named(&all, "Container")->status.have, 0);
    assert_int_equal(client_counters(f->c).round_trips, 1);
}

static void list_status_plain(struct fixture *f)
{
    struct client_mailboxes all = {0};
    assert_ok(f, client_list_status(f->c, STR("%"), STATUS_MESSAGES, f->arena, &all, &f->err));
    assert_int_equal(all.len, 1);
    assert_int_equal(all.items[0].status.have, 0);
}

static void list_status_needs(struct fixture *f)
{
    struct client_mailboxes all = {0};
    struct status_data data = {0};
    assert_error(f, client_list_status(f->c, STR("*"), STATUS_MESSAGES, f->arena, &all, &f->err),
                 ERR_CAPABILITY, SCOPE_MAILBOX, "LIST-STATUS");
    assert_error(f, client_status(f->c, STR("a"), STATUS_HIGHESTMODSEQ, f->arena, &data, &f->err),
                 ERR_CAPABILITY, SCOPE_MAILBOX, "CONDSTORE");
    assert_int_equal(client_counters(f->c).commands, 0);
}

static void status(struct fixture *f)
{
    struct status_data data = {0};
    unsigned items = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY | STATUS_UNSEEN |
                     STATUS_SIZE | STATUS_MAILBOXID;
    assert_ok(f, client_status(f->c, STR("a b"), items, f->arena, &data, &f->err));
    assert_int_equal(data.have, items);
    assert_int_equal(data.size, 5000000000);
    assert_text(data.mailboxid, "F1");
    assert_error(f, client_status(f->c, STR("NoSuch"), STATUS_MESSAGES, f->arena, &data, &f->err),
                 ERR_NO, SCOPE_MAILBOX, "no such mailbox");
    assert_string_equal(f->err.response_code, "NONEXISTENT");
}

static void budget_status_pipelined_is_one_turn(struct fixture *f)
{
    static const char *const names[] = {"One", "Two", "INBOX"};
    static const uint32_t messages[] = {1, 2, 9};
    struct client_status handles[3];
    struct client_event event;
    for (size_t i = 0; i < 3; i++) {
        assert_ok(f, client_status_begin(f->c, &handles[i], str_from(names[i]), STATUS_MESSAGES,
                                         f->arena, &f->err));
    }
    for (size_t i = 0; i < 3; i++) {
        struct status_data data = {0};
        assert_ok(f, client_status_end(f->c, &handles[i], &data, &f->err));
        assert_int_equal(data.messages, messages[i]);
    }
    assert_int_equal(client_counters(f->c).round_trips, 1);
    assert_true(client_next_event(f->c, &event));
    assert_int_equal(event.kind, EVENT_STATUS);
    assert_text(event.text, "Three");
}

static void create(struct fixture *f)
{
    assert_ok(f, client_create(f->c, STR("Lists/a b"), &f->err));
    assert_ok(f, client_subscribe(f->c, STR("Lists/a b"), &f->err));
    assert_error(f, client_create(f->c, STR("Lists/&AOQ-"), &f->err), ERR_NO, SCOPE_MAILBOX,
                 "it is there");
    assert_string_equal(f->err.response_code, "ALREADYEXISTS");
}

static const struct fixture_case cases[] = {
    {"NOOP, and BAD to it", noop, 0},
    {"ID", id, 0},
    {"ID without it", id_missing, 0},
    {"ENABLE", enable, 0},
    {"LIST", list, 0},
    {"LIST of one name, refused", list_refused, 0},
    {"LIST with a wrong answer", law7_list_wrong, FIXTURE_WHOLE},
    {"LIST-STATUS", list_status, 0},
    {"LIST-STATUS without SPECIAL-USE", list_status_plain, 0},
    {"what LIST-STATUS needs", list_status_needs, 0},
    {"STATUS", status, 0},
    {"STATUS pipelined, answered in any order", budget_status_pipelined_is_one_turn, 0},
    {"CREATE and SUBSCRIBE", create, 0},
};

int main(void)
{
    return fixture_main("mailbox.txt", cases, sizeof cases / sizeof cases[0]);
}
