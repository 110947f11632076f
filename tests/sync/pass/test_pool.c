#include "pass/pool.h"
#include "sync/engine.h"

/* A connection that outlives its pass. */

static struct connection_pool *new_pool(struct engine *e)
{
    return connection_pool_new(&e->config->accounts[0], &e->env.clock, NULL, NULL);
}

static void begin(struct engine *e)
{
    engine_init(e, NULL);
    server_fill(e, "INBOX", "m", 3);
    engine_pass_ends(e, 0);
    engine_pass_ends(e, 0);
}

static int pass_with(struct engine *e, struct connection_pool *pool)
{
    const struct pass_options options = {.pool = pool};
    return engine_pass(e, &options);
}

static void a_kept_connection_needs_no_login(void **state)
{
    struct engine e;
    begin(&e);
    struct connection_pool *pool = new_pool(&e);
    assert_int_equal(pass_with(&e, pool), 0);
    assert_int_equal(e.report.wire.connections, 1);
    assert_int_equal(pass_with(&e, pool), 0);
    assert_int_equal(e.report.wire.connections, 0);
    assert_int_equal(e.report.wire.commands, 1); /* LIST */
    (void)server_append(&e, "INBOX", "new", "");
    assert_int_equal(pass_with(&e, pool), 0);
    assert_int_equal(e.report.messages.downloaded, 1);
    assert_int_equal(e.report.wire.connections, 0);
    connection_pool_free(&pool);
    engine_assert_settled(&e);
    engine_free(&e);
}

static void a_connection_that_died_meanwhile_is_no_failure(void **state)
{
    struct engine e;
    begin(&e);
    struct connection_pool *pool = new_pool(&e);
    assert_int_equal(pass_with(&e, pool), 0);
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_BYE, .command = "LIST", .at = 1});
    (void)server_append(&e, "INBOX", "new", "");
    assert_int_equal(pass_with(&e, pool), 0);
    assert_int_equal(e.report.wire.connections, 1);
    assert_int_equal(e.report.messages.downloaded, 1);
    connection_pool_free(&pool);
    engine_free(&e);
}

static void a_new_connection_that_breaks_is_one(void **state)
{
    struct engine e;
    begin(&e);
    struct connection_pool *pool = new_pool(&e);
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_BYE, .command = "LIST", .at = 1});
    assert_int_equal(pass_with(&e, pool), 69);
    assert_int_equal(e.report.wire.connections, 1);
    assert_int_equal(pass_with(&e, pool), 0);
    assert_int_equal(e.report.wire.connections, 1);
    connection_pool_free(&pool);
    engine_free(&e);
}

static void what_is_idle_can_be_dropped(void **state)
{
    struct engine e;
    begin(&e);
    struct connection_pool *pool = new_pool(&e);
    assert_int_equal(pass_with(&e, pool), 0);
    connection_pool_drop_idle(pool);
    assert_int_equal(pass_with(&e, pool), 0);
    assert_int_equal(e.report.wire.connections, 1);
    assert_int_equal(connection_pool_counts(pool).opened, 2);
    connection_pool_free(&pool);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_connection_needs_no_login),
        cmocka_unit_test(a_connection_that_died_meanwhile_is_no_failure),
        cmocka_unit_test(a_new_connection_that_breaks_is_one),
        cmocka_unit_test(what_is_idle_can_be_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
