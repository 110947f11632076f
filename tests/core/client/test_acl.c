#include "client/cmd_acl.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void assert_rights(const struct acl_rights *rights, const char *expected)
{
    char text[37];
    acl_rights_format(rights, text);
    assert_string_equal(text, expected);
}

static int set(struct fixture *f, const char *who, const char *change)
{
    struct acl_set set = {.mailbox = STR("INBOX/Drafts"), .identifier = str_from(who)};
    assert_true(acl_change_parse(str_from(change), &set));
    return client_setacl(f->c, &set, &f->err);
}

static void all_five(struct fixture *f)
{
    struct acl acl;
    struct acl_list_rights list;
    struct acl_my_rights mine;
    assert_ok(f, set(f, "Byron", "+lr"));
    assert_ok(f, set(f, "Byron", "-x"));
    assert_ok(f, set(f, "some one", "lrs"));
    assert_ok(f, client_deleteacl(f->c, STR("INBOX/Drafts"), STR("Byron"), &f->err));
    assert_ok(f, client_getacl(f->c, STR("INBOX/Drafts"), f->arena, &acl, &f->err));
    assert_int_equal(acl.len, 3);
    assert_text(acl.items[2].identifier, "-Joe");
    assert_rights(&acl.items[1].rights, "ilrsw");
    assert_ok(f,
              client_listrights(f->c, STR("~/Mail/saved"), STR("smith"), f->arena, &list, &f->err));
    assert_rights(&list.required, "al");
    assert_int_equal(list.optional_len, 2);
    assert_ok(f, client_myrights(f->c, STR("INBOX"), f->arena, &mine, &f->err));
    assert_rights(&mine.rights, "adeilprstwx");
}

static void pipelined(struct fixture *f)
{
    struct client_acl h[3];
    assert_ok(f, client_myrights_begin(f->c, &h[0], STR("One"), f->arena, &f->err));
    assert_ok(f, client_myrights_begin(f->c, &h[1], STR("Two"), f->arena, &f->err));
    assert_ok(f, client_getacl_begin(f->c, &h[2], STR("Three"), f->arena, &f->err));
    for (size_t i = 0; i < 3; i++) {
        assert_ok(f, client_op_end(f->c, &h[i].op, &f->err));
        assert_true(h[i].told);
    }
    assert_text(h[0].my_rights.mailbox, "One");
    assert_rights(&h[1].my_rights.rights, "lrs");
    assert_int_equal(h[2].acl.len, 0);
    assert_int_equal(client_counters(f->c).round_trips, 1);
}

static void refused(struct fixture *f)
{
    struct acl acl;
    struct acl_my_rights mine;
    assert_error(f, client_getacl(f->c, STR("Other"), f->arena, &acl, &f->err), ERR_NO,
                 SCOPE_MAILBOX, "not yours");
    assert_error(f, client_myrights(f->c, STR("Other"), f->arena, &mine, &f->err), ERR_PROTOCOL,
                 SCOPE_MAILBOX, "tells nothing");
    assert_null(client_failure(f->c));
}

static void missing(struct fixture *f)
{
    struct acl_my_rights mine;
    assert_error(f, set(f, "x", "+l"), ERR_CAPABILITY, SCOPE_MAILBOX, "ACL");
    assert_error(f, client_deleteacl(f->c, STR("a"), STR("b"), &f->err), ERR_CAPABILITY,
                 SCOPE_MAILBOX, "ACL");
    assert_error(f, client_myrights(f->c, STR("a"), f->arena, &mine, &f->err), ERR_CAPABILITY,
                 SCOPE_MAILBOX, "ACL");
    assert_int_equal(client_counters(f->c).commands, 0);
}

static const struct fixture_case cases[] = {
    {"all five", all_five, 0},
    {"pipelined", pipelined, 0},
    {"refused, and nothing told", refused, 0},
    {"without ACL", missing, 0},
};

int main(void)
{
    return fixture_main("acl.txt", cases, sizeof cases / sizeof cases[0]);
}
