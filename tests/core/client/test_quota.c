#include "client/cmd_quota.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void all_three(struct fixture *f)
{
    struct quota_resource storage = {.name = STR("STORAGE"), .limit = 510};
    const struct quota wanted = {.root = STR("#user/alice"), .items = &storage, .len = 1};
    const struct quota none = {.root = STR("")};
    struct client_quotas quotas;
    struct quota quota;
    assert_ok(f, client_getquota(f->c, STR("!partition/sda4"), f->arena, &quota, &f->err));
    assert_int_equal(quota.items[0].limit, 10923847);
    assert_ok(f, client_getquotaroot(f->c, STR("INBOX"), f->arena, &quotas, &f->err));
    assert_int_equal(quotas.root.roots.len, 2);
    assert_int_equal(quotas.len, 2);
    assert_text(quotas.items[0].items[0].name, "MESSAGE");
    assert_int_equal(quotas.items[0].items[0].usage, 42);
    assert_ok(f, client_setquota(f->c, &wanted, f->arena, &quota, &f->err));
    assert_int_equal(quota.items[0].limit, 512);
    assert_ok(f, client_setquota(f->c, &none, f->arena, &quota, &f->err));
    assert_int_equal(quota.len, 0);
}

static void none(struct fixture *f)
{
    struct client_quotas quotas;
    struct quota quota;
    assert_ok(f, client_getquotaroot(f->c, STR("comp.mail.mime"), f->arena, &quotas, &f->err));
    assert_int_equal(quotas.len, 0);
    assert_int_equal(quotas.root.roots.len, 0);
    assert_error(f, client_getquota(f->c, STR("nix"), f->arena, &quota, &f->err), ERR_NO,
                 SCOPE_MAILBOX, "no such root");
}

static void missing(struct fixture *f)
{
    struct client_quotas quotas;
    assert_error(f, client_getquotaroot(f->c, STR("INBOX"), f->arena, &quotas, &f->err),
                 ERR_CAPABILITY, SCOPE_MAILBOX, "QUOTA");
    assert_int_equal(client_counters(f->c).commands, 0);
}

static const struct fixture_case cases[] = {
    {"all three", all_three, 0},
    {"no quota for a mailbox", none, 0},
    {"without QUOTA", missing, 0},
};

int main(void)
{
    return fixture_main("quota.txt", cases, sizeof cases / sizeof cases[0]);
}
