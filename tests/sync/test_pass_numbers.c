#include "sync/folder_sides.h"

/* UIDs and UIDVALIDITYs from all over the 32 bits that RFC 9051 gives them: mail goes both ways as
 * it does with small ones. */

static const char *const LADDER[] = {
    NULL,
    "    disable: [QRESYNC]\n",
    "    disable: [QRESYNC, CONDSTORE]\n",
    "    disable: [QRESYNC, CONDSTORE, LIST-STATUS, MOVE, UIDPLUS]\n",
    "    disable: [QRESYNC, CONDSTORE, LIST-STATUS, ESEARCH, UIDPLUS]\n"
    "    sync: {expunge_without_uidplus: careful}\n",
};

static void number(struct engine *e, const char *mailbox, uint32_t uidvalidity, uint32_t uidnext)
{
    struct error err = ERROR_INIT;
    assert_int_equal(
        mem_backend_number(e->env.backend, LOCKSTEP_USER, mailbox, uidvalidity, uidnext, &err), 0);
}

static void fill(struct engine *e, uint32_t uidvalidity, uint32_t uidnext)
{
    server_create(e, "Box");
    number(e, "INBOX", uidvalidity, uidnext);
    number(e, "Box", uidvalidity, uidnext);
    server_fill(e, "INBOX", "m", 6);
    server_fill(e, "Box", "b", 2);
    assert_int_equal(server_uid(e, "INBOX", "m1"), uidnext);
}

static void change_both_sides(struct engine *e)
{
    server_expunge(e, "INBOX", "m1");
    server_flags(e, "INBOX", "m2", "S");
    server_move(e, "INBOX", "Box", "m3");
    (void)server_append(e, "INBOX", "there", "");
    local_add(e, "INBOX", "here", "F");
    local_move(e, "INBOX", "Box", "m4");
    local_flags(e, "INBOX", "m5", "R");
}

static void try_numbers(const char *account, uint32_t uidvalidity, uint32_t uidnext)
{
    struct engine e;
    engine_init(&e, account);
    fill(&e, uidvalidity, uidnext);
    engine_pass_ends(&e, 0);
    engine_assert_settled(&e);
    change_both_sides(&e);
    for (int pass = 0; pass < 3; pass++) {
        engine_pass_ends(&e, 0);
        engine_wait(&e, 61);
    }
    static const char view[] = "Box[b1 b2 m3 m4] INBOX[here/F m2/S m5/R m6 there]";
    assert_local(&e, view);
    bool marks = account != NULL && strstr(account, "MOVE") != NULL;
    assert_server(&e, marks ? "Box[b1 b2 m3 m4] INBOX[here/F m2/S m4/T m5/R m6 there]" : view);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void large_numbers_are_like_small_ones(void **state)
{
    static const struct {
        uint32_t uidvalidity, uidnext;
    } rows[] = {{1, 1},
                {0x7fffffff, 0x7ffffffc}, /* the sign of an int on the way */
                {0x80000000, 0x80000000},
                {0xfffffffe, 0xf0000000},
                {0xffffffff, 0xfffffff0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t rung = 0; rung < sizeof LADDER / sizeof LADDER[0]; rung++) {
            try_numbers(LADDER[rung], rows[i].uidvalidity, rows[i].uidnext);
        }
    }
}

/* As a server does whose UIDVALIDITY is a count or a time that wrapped around. */
static void law6_a_lower_uidvalidity_is_another_one(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    fill(&e, 0xffffffff, 0xfffffff0);
    engine_pass_ends(&e, 0);
    engine_replace_server(&e);
    fill(&e, 1, 1);
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 0);
    assert_both(&e, "Box[b1 b2] INBOX[m1 m2 m3 m4 m5 m6]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* Of an empty mailbox, or one of which nothing was fetched yet, there are no messages to know it
 * by.
 */
static void what_has_only_its_uidvalidity_is_known_by_it(void **state)
{
    for (size_t i = 1; i < sizeof LADDER / sizeof LADDER[0]; i++) {
        struct engine e;
        engine_init(&e, LADDER[i]);
        capabilities_set(&e.env.options.capabilities, CAP_OBJECTID, false);
        server_create(&e, "Box");
        engine_agree(&e);
        server_rename(&e, "Box", "Chest");
        (void)server_append(&e, "Chest", "there", "");
        local_add(&e, "Box", "here", "");
        engine_pass_ends(&e, 0);
        assert_both(&e, "Chest[here there] INBOX[]");
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

static const struct {
    const char *config;
    struct fault fault;
} broken_looks[] = {
    {"    disable: [OBJECTID, CONDSTORE, QRESYNC]\n", {.kind = FAULT_NO, .command = "SELECT"}},
    {"    disable: [OBJECTID, CONDSTORE, QRESYNC]\n", {.kind = FAULT_BYE, .command = "SELECT"}},
    {"    disable: [OBJECTID, CONDSTORE, QRESYNC, LIST-STATUS]\n",
     {.kind = FAULT_BAD, .command = "UID FETCH"}},
    {"    disable: [OBJECTID, CONDSTORE, QRESYNC, LIST-STATUS]\n",
     {.kind = FAULT_BYE, .command = "UID FETCH"}},
};

/* Restored from a backup, the server fails the first pass; then another message takes the UID, and
 * the UIDNEXT, that the records have. */
static void law6_a_uidnext_that_went_back_is_remembered(void **state)
{
    bool failed = true;
    for (unsigned i = 0, at = 1; i < sizeof broken_looks / sizeof broken_looks[0];
         i += !failed, at = failed ? at + 1 : 1) {
        struct engine e;
        engine_begin(&e, broken_looks[i].config, 3, "Other", "o", 1);
        server_append(&e, "INBOX", "m4", "");
        engine_pass_ends(&e, 0);
        engine_pass_ends(&e, 0);
        engine_replace_server(&e);
        server_create(&e, "Other");
        server_fill(&e, "INBOX", "m", 3);
        server_fill(&e, "Other", "o", 1);
        struct fault fault = broken_looks[i].fault;
        fault.at = at;
        lockstep_env_fault(&e.env, fault);
        failed = engine_pass(&e, NULL) == 75;
        lockstep_env_clear_faults(&e.env);
        server_append(&e, "INBOX", "m6", "");
        engine_wait(&e, 61);
        engine_pass_ends(&e, 1);
        assert_server(&e, "INBOX[m1 m2 m3 m6] Other[o1]");
        assert_local(&e, "INBOX[m1 m2 m3 m4 m6] Other[o1]");
        engine_pass_ends(&e, 1);
        engine_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_numbers_are_like_small_ones),
        cmocka_unit_test(what_has_only_its_uidvalidity_is_known_by_it),
        cmocka_unit_test(law6_a_lower_uidvalidity_is_another_one),
        cmocka_unit_test(law6_a_uidnext_that_went_back_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
