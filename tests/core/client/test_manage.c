/* Mailboxes made, removed and left; the connection set back. */
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void select_named(struct fixture *f, const char *name)
{
    struct client_select h;
    assert_ok(f, client_select_begin(f->c, &h, str_from(name), false, NULL, f->arena, &f->err));
    assert_ok(f, client_select_end(f->c, &h, &f->err));
    assert_int_equal(client_state(f->c), STATE_SELECTED);
}

static int create(struct fixture *f, const char *name, uint32_t uses, struct str *id)
{
    return client_create_special(f->c, str_from(name), uses, f->arena, id, &f->err);
}

static void create_with_use(struct fixture *f)
{
    struct str id;
    assert_ok(f, create(f, "Old mail", LIST_ARCHIVE, &id));
    assert_text(id, "F2212ea87");
    assert_error(f, create(f, "Both", LIST_DRAFTS | LIST_SENT, &id), ERR_NO, SCOPE_MAILBOX,
                 "one is enough");
    assert_string_equal(f->err.response_code, "USEATTR");
    assert_ok(f, create(f, "Plain", 0, &id));
    assert_int_equal(id.len, 0);
}

static void create_without_uses(struct fixture *f)
{
    struct str id;
    assert_error(f, create(f, "A", LIST_ARCHIVE, &id), ERR_CAPABILITY, SCOPE_MAILBOX,
                 "CREATE-SPECIAL-USE");
    assert_error(f, create(f, "A", LIST_NOSELECT, &id), ERR_STATE, SCOPE_MAILBOX, "no special use");
    assert_int_equal(client_counters(f->c).commands, 0);
}

static void delete_rename(struct fixture *f)
{
    assert_ok(f, client_delete(f->c, STR("a b"), &f->err));
    assert_error(f, client_delete(f->c, STR("NoSuch"), &f->err), ERR_NO, SCOPE_MAILBOX, "no such");
    assert_ok(f, client_rename(f->c, STR("Old"), STR("N\xe4w"), &f->err));
    assert_ok(f, client_rename(f->c, STR("inbox"), STR("Old"), &f->err));
    assert_ok(f, client_unsubscribe(f->c, STR("inbox"), &f->err));
    assert_int_equal(client_last_answer(f->c).status, STATUS_OK);
    assert_string_equal(client_last_answer(f->c).text, "done");
}

static void inbox_stays(struct fixture *f)
{
    assert_error(f, client_delete(f->c, STR("inBOX"), &f->err), ERR_STATE, SCOPE_MAILBOX,
                 "cannot be deleted");
    assert_error(f, client_create(f->c, STR("INBOX"), &f->err), ERR_STATE, SCOPE_MAILBOX,
                 "there always");
    assert_error(f, client_rename(f->c, STR("A"), STR("Inbox"), &f->err), ERR_STATE, SCOPE_MAILBOX,
                 "there always");
    assert_error(f, client_rename(f->c, STR("A"), STR(""), &f->err), ERR_STATE, SCOPE_MAILBOX,
                 "no name");
    assert_error(f, client_delete(f->c, STR(""), &f->err), ERR_STATE, SCOPE_MAILBOX, "a name");
    assert_int_equal(client_counters(f->c).commands, 0);
}

static void closes(struct fixture *f)
{
    assert_error(f, client_close_mailbox(f->c, &f->err), ERR_STATE, SCOPE_MAILBOX,
                 "no mailbox selected");
    select_named(f, "INBOX");
    assert_ok(f, client_close_mailbox(f->c, &f->err));
    assert_int_equal(client_state(f->c), STATE_AUTHENTICATED);
    assert_int_equal(client_selected(f->c).len, 0);
}

static void unselects(struct fixture *f)
{
    select_named(f, "INBOX");
    assert_ok(f, client_unselect(f->c, &f->err));
    assert_int_equal(client_state(f->c), STATE_AUTHENTICATED);
    assert_error(f, client_unselect(f->c, &f->err), ERR_STATE, SCOPE_MAILBOX,
                 "no mailbox selected");
}

static void checks(struct fixture *f)
{
    assert_error(f, client_check(f->c, &f->err), ERR_STATE, SCOPE_MAILBOX, "no mailbox selected");
    select_named(f, "INBOX");
    assert_ok(f, client_check(f->c, &f->err));
}

static void checks_not(struct fixture *f)
{
    select_named(f, "INBOX");
    assert_error(f, client_check(f->c, &f->err), ERR_CAPABILITY, SCOPE_MAILBOX, "IMAP4rev1");
}

static void enables_rev2(struct fixture *f)
{
    static const enum capability rev2 = CAP_IMAP4REV2;
    struct client_mailboxes found;
    struct client_event event;
    struct str name;
    assert_true(client_name_encode(f->c, f->arena, STR("\xc3\xa4"), &name));
    assert_text(name, "&AOQ-");
    assert_true(client_name_decode(f->c, f->arena, name, &name));
    assert_text(name, "\xc3\xa4");
    assert_ok(f, client_enable(f->c, &rev2, 1, &f->err));
    assert_true(client_enabled(f->c, CAP_IMAP4REV2));
    assert_true(client_name_encode(f->c, f->arena, STR("\xc3\xa4"), &name));
    assert_text(name, "\xc3\xa4");
    assert_false(client_name_decode(f->c, f->arena, STR("\xe4"), &name));
    assert_text(name, "\xe4");
    assert_ok(f, client_create(f->c, STR("\xc3\xa4"), &f->err));
    assert_ok(f, client_lsub(f->c, STR(""), STR("*"), f->arena, &found, &f->err));
    assert_int_equal(found.len, 1);
    assert_int_equal(found.items[0].entry.attributes, LIST_SUBSCRIBED);
    select_named(f, "\xc3\xa4");
    assert_false(client_next_event(f->c, &event));
    assert_error(f, client_enable(f->c, &rev2, 1, &f->err), ERR_STATE, SCOPE_MAILBOX, "ENABLE");
}

static void unauthenticates(struct fixture *f)
{
    static const enum capability condstore = CAP_CONDSTORE;
    const struct client_credentials bob = {.user = "bob", .password = "secret"};
    assert_ok(f, client_enable(f->c, &condstore, 1, &f->err));
    select_named(f, "INBOX");
    assert_ok(f, client_unauthenticate(f->c, &f->err));
    assert_int_equal(client_state(f->c), STATE_NOT_AUTHENTICATED);
    assert_false(client_enabled(f->c, CAP_CONDSTORE));
    assert_false(client_has(f->c, CAP_UNAUTHENTICATE));
    assert_int_equal(client_selected(f->c).len, 0);
    assert_ok(f, client_login(f->c, &bob, &f->err));
    assert_error(f, client_unauthenticate(f->c, &f->err), ERR_CAPABILITY, SCOPE_MAILBOX,
                 "UNAUTHENTICATE");
}

static void message_limit(struct fixture *f)
{
    const struct imap_flags seen = {.system = FLAG_SEEN};
    struct seqset uids = set_of("1:9000");
    struct client_store h;
    select_named(f, "INBOX");
    assert_ok(f, client_store_begin(f->c, &h, &uids, STORE_ADD, &seen, 0, f->arena, &f->err));
    assert_ok(f, client_store_end(f->c, &h, &f->err));
    assert_int_equal(h.op.limit, 1000);
    assert_int_equal(h.op.limit_uid, 8000);
    assert_int_equal(client_last_answer(f->c).code, CODE_MESSAGELIMIT);
    assert_string_equal(client_last_answer(f->c).code_name, "MESSAGELIMIT");
    seqset_free(&uids);
}

static const struct fixture_case cases[] = {
    {"CREATE with a use", create_with_use, 0},
    {"CREATE with a use that the server cannot mark", create_without_uses, 0},
    {"DELETE, RENAME, UNSUBSCRIBE", delete_rename, 0},
    {"what INBOX does not bear", inbox_stays, 0},
    {"CLOSE", closes, 0},
    {"UNSELECT", unselects, 0},
    {"UNSELECT without it", unselects, 0},
    {"UNSELECT without it, and the mailbox is there", unselects, 0},
    {"CHECK", checks, 0},
    {"CHECK of IMAP4rev2", checks_not, 0},
    {"ENABLE of IMAP4rev2", enables_rev2, 0},
    {"UNAUTHENTICATE", unauthenticates, 0},
    {"MESSAGELIMIT in an answer", message_limit, 0},
};

int main(void)
{
    return fixture_main("manage.txt", cases, sizeof cases / sizeof cases[0]);
}
