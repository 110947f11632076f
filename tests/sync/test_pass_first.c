#include "sync/engine.h"

/* Folders that hold mail when they first meet a mailbox (law 6): files and messages are paired by
 * content, none is transferred that both sides have, and what other sync tools left is held. */

static void law6_a_first_sync_onto_mail_pairs_it(void **state)
{
    static const struct {
        const char *file; /* of the message that only this side has */
        const char *server;
        int ends;
    } cases[] = {
        {"1700000000.1234_5.host", "INBOX[m1 m2/FS m3 only] New[n1]", 0},
        {"1700000000.1234_5.host,U=17", "INBOX[m1 m2/FS m3] New[n1]", 1},
        {"1700000000_0.1.host,U=9,FMD5=7e33429f656f1e6e9d79b29c3f82c57e",
         "INBOX[m1 m2/FS m3] New[n1]", 1},
        {"1700000000.M1P2Q3.host,S=10,W=11", "INBOX[m1 m2/FS m3] New[n1]", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct engine e;
        engine_init(&e, NULL);
        (void)server_append(&e, "INBOX", "m1", "");
        (void)server_append(&e, "INBOX", "m2", "S");
        (void)server_append(&e, "INBOX", "m3", "");
        local_create(&e, "INBOX");
        local_create(&e, "New");
        local_add(&e, "INBOX", "m1", "");
        local_add(&e, "INBOX", "m2", "F");
        local_add_as(&e, "INBOX", cases[i].file, "only");
        local_add(&e, "New", "n1", "");
        engine_pass_ends(&e, cases[i].ends);
        assert_server(&e, cases[i].server);
        assert_local(&e, "INBOX[m1 m2/FS m3 only] New[n1]");
        assert_int_equal(e.counts.bodies, 1);
        engine_wait(&e, 120);
        engine_pass_ends(&e, cases[i].ends);
        assert_server(&e, cases[i].server);
        assert_int_equal(e.counts.bodies, 0);
        engine_free(&e);
    }
}

/* Several identical ones are settled by count. */
static void law2_identical_ones_are_settled_by_count(void **state)
{
    for (unsigned here = 0; here <= 4; here++) {
        struct engine e;
        engine_init(&e, NULL);
        for (int i = 0; i < 3; i++)
            (void)server_append(&e, "INBOX", "same", "");
        local_create(&e, "INBOX");
        for (unsigned i = 0; i < here; i++)
            local_add_as(&e, "INBOX", arena_printf(e.arena, "%u.user", i), "same");
        engine_pass_ends(&e, 0);
        assert_int_equal(e.counts.bodies, here < 3 ? 3 - here : 0);
        const char *all = here < 4 ? "INBOX[same same same]" : "INBOX[same same same same]";
        assert_both(&e, all);
        engine_assert_settled(&e);
        engine_free(&e);
    }
}

/* Where too little of a folder is found on the server, it may be the wrong folder. */
static void law6_little_in_common_is_held(void **state)
{
    static const struct {
        unsigned common, only;
        int ends;
    } cases[] = {{8, 2, 0}, {7, 3, 1}, {7, 2, 0}, {0, 9, 0}, {0, 10, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct engine e;
        engine_init(&e, NULL);
        server_fill(&e, "INBOX", "c", cases[i].common);
        local_create(&e, "INBOX");
        local_fill(&e, "INBOX", "c", cases[i].common);
        local_fill(&e, "INBOX", "x", cases[i].only);
        engine_pass_ends(&e, cases[i].ends);
        unsigned sent = cases[i].ends == 0 ? cases[i].only : 0;
        assert_int_equal(server_count(&e, "INBOX"), cases[i].common + sent);
        assert_int_equal(e.report.messages.held, cases[i].only - sent);
        engine_free(&e);
    }
}

/* A folder that appears on both sides of an account in step. */
static void law6_a_folder_that_never_met_is_paired(void **state)
{
    struct engine e;
    engine_begin(&e, NULL, 2, "Other", "o", 1);
    server_create(&e, "New");
    (void)server_append(&e, "New", "n1", "");
    (void)server_append(&e, "New", "n2", "");
    local_create(&e, "New");
    local_add(&e, "New", "n2", "S");
    local_add(&e, "New", "n3", "");
    engine_pass_ends(&e, 0);
    assert_int_equal(e.counts.bodies, 1);
    assert_both(&e, "INBOX[m1 m2] New[n1 n2/S n3] Other[o1]");
    engine_assert_settled(&e);
    engine_free(&e);
}

/* The server does not make the mailbox in the first pass: what waits in the folder is still looked
 * at as what a first pass meets, and once that is done its records hold. */
static void law6_a_first_folder_that_could_not_be_made_is_paired(void **state)
{
    struct engine e;
    engine_init(&e, NULL);
    local_create(&e, "New");
    local_add(&e, "New", "n1", "");
    local_add_as(&e, "New", "1700000000.1234_5.host,U=17", "only");
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO, .command = "CREATE", .at = 1});
    assert_int_not_equal(engine_pass(&e, NULL), 0);
    lockstep_env_clear_faults(&e.env);
    engine_pass_ends(&e, 1);
    assert_server(&e, "INBOX[] New[n1]");
    assert_int_equal(e.report.messages.held, 1);
    local_remove(&e, "New", "n1");
    engine_pass_ends(&e, 1);
    assert_server(&e, "INBOX[] New[]");
    assert_local(&e, "INBOX[] New[only]");
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law6_a_first_sync_onto_mail_pairs_it),
        cmocka_unit_test(law2_identical_ones_are_settled_by_count),
        cmocka_unit_test(law6_little_in_common_is_held),
        cmocka_unit_test(law6_a_folder_that_never_met_is_paired),
        cmocka_unit_test(law6_a_first_folder_that_could_not_be_made_is_paired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
