#include "sync/engine.h"

/* A server that tells nonsense as MAILBOXID, as Cyrus 3.6 does (law 7). */

static const char *nonsense; /* what stands in the parentheses */

static struct str twist_mailboxid(struct engine *e, struct str line)
{
    static const char head[] = "MAILBOXID (";
    AUTO_FREE char *text = xstrndup(line.ptr, line.len);
    const char *at = str_starts(line, STR("* STATUS box")) ? strstr(text, head) : NULL;
    if (at == NULL)
        return line;
    const char *id = at + sizeof head - 1;
    const char *end = strchr(id, ')');
    assert_non_null(end);
    return str_from(arena_printf(e->arena, "%.*s%s%s", (int)(id - text), text, nonsense, end));
}

static struct str twist_box1(struct engine *e, struct str line)
{
    return str_starts(line, STR("* STATUS box1")) ? twist_mailboxid(e, line) : line;
}

static void begin(struct engine *e, const char *account)
{
    engine_init(e, account);
    server_create(e, "box1");
    server_create(e, "box2");
    server_fill(e, "box1", "a", 2);
    server_fill(e, "box2", "b", 2);
    server_fill(e, "INBOX", "m", 2);
}

static bool asks_for(const struct engine *e, const char *what)
{
    AUTO_FREE char *text = xstrndup(e->transcript.data, e->transcript.len);
    const char *asked = strstr(text, what);
    return asked != NULL;
}

static void law7_nonsense_as_mailboxid_is_done_without(void **state)
{
    static const char *const cases[] = {"\x5c\x8a[\xf3U", "", "a b", "ab)(V", "\r\nU", "same"};
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof cases[0]); i++) {
        struct engine e;
        begin(&e, i % 2 == 0 ? NULL : "    disable: [LIST-STATUS]\n");
        nonsense = cases[i / 2];
        e.twist = twist_mailboxid;
        engine_pass_ends(&e, 0);
        assert_both(&e, "INBOX[m1 m2] box1[a1 a2] box2[b1 b2]");
        assert_true(e.twisted > 0);
        (void)server_append(&e, "box1", "new", "");
        engine_pass_ends(&e, 0);
        assert_false(asks_for(&e, " UIDVALIDITY HIGHESTMODSEQ MAILBOXID)"));
        assert_true(asks_for(&e, " EMAILID")); /* that is not broken by it */
        assert_both(&e, "INBOX[m1 m2] box1[a1 a2 new] box2[b1 b2]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* That alone is no other mailbox: nothing is fetched again, nothing is renamed. */
static void law7_another_mailboxid_alone_is_no_other_mailbox(void **state)
{
    struct engine e;
    begin(&e, NULL);
    engine_pass_ends(&e, 0);
    engine_pass_ends(&e, 0);
    nonsense = "Fresh-1";
    e.twist = twist_box1;
    (void)server_append(&e, "box1", "new", "");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.report.messages.downloaded, 1);
    assert_both(&e, "INBOX[m1 m2] box1[a1 a2 new] box2[b1 b2]");
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law7_nonsense_as_mailboxid_is_done_without),
        cmocka_unit_test(law7_another_mailboxid_alone_is_no_other_mailbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
