#include "server/listener.h"
#include "apply/download.h"
#include "sync/engine.h"

/* Downloads over several connections at once, over sockets. */

#define MAILBOXES 3
#define MESSAGES 900

struct fixture {
    struct engine e;
    struct listener *listener;
};

static void begin(struct fixture *f, unsigned max_connections)
{
    struct error err = ERROR_INIT;
    engine_init(&f->e, NULL);
    struct backend backend = mem_backend_vtable(f->e.env.backend);
    const struct listener_options options = {
        .host = "127.0.0.1", .session = f->e.env.options, .max_connections = max_connections};
    assert_int_equal(listener_start(&backend, &options, &f->listener, &err), 0);
    f->e.port = listener_port(f->listener);
    engine_configure(&f->e, NULL);
    for (unsigned i = 1; i < MAILBOXES; i++)
        server_create(&f->e, arena_printf(f->e.arena, "box%u", i));
    server_fill(&f->e, "INBOX", "i", MESSAGES);
    server_fill(&f->e, "box1", "b", MESSAGES);
}

static void end(struct fixture *f)
{
    listener_stop(&f->listener);
    engine_free(&f->e);
}

static void assert_complete(struct fixture *f)
{
    assert_local(&f->e, server_view(&f->e));
}

static void mailboxes_are_spread_and_split(void **state)
{
    struct fixture f;
    begin(&f, 0);
    engine_pass_ends(&f.e, 0);
    assert_int_equal(f.e.report.messages.downloaded, 2 * MESSAGES);
    assert_int_equal(f.e.report.wire.connections, 1 + 2 * MESSAGES / 512);
    assert_complete(&f);
    engine_assert_settled(&f.e);
    assert_int_equal(f.e.report.wire.connections, 1);
    end(&f);
}

/* What is much may be told otherwise. */
static void a_portion_is_worth_a_connection(void **state)
{
    struct fixture f;
    const struct pass_options options = {.download_portion = 700};
    begin(&f, 0);
    assert_int_equal(engine_pass(&f.e, &options), 0);
    assert_int_equal(f.e.report.messages.downloaded, 2 * MESSAGES);
    assert_int_equal(f.e.report.wire.connections, 1 + 2 * MESSAGES / 700);
    assert_complete(&f);
    engine_assert_settled(&f.e);
    end(&f);
}

static void a_server_that_takes_fewer_connections_does(void **state)
{
    struct fixture f;
    begin(&f, 2);
    engine_pass_ends(&f.e, 0);
    assert_int_equal(f.e.report.messages.downloaded, 2 * MESSAGES);
    assert_int_equal(f.e.report.wire.connections, 2);
    assert_complete(&f);
    end(&f);
}

/* Whichever connection it is that breaks: at most one message is suspected, nothing is lost or
 * doubled, and the next run completes. */
static void law7_a_connection_that_breaks_costs_nothing_else(void **state)
{
    for (uint64_t at = 20 * 1000; at < 400 * 1000; at += 60 * 1000) {
        struct fixture f;
        begin(&f, 0);
        lockstep_env_fault(&f.e.env, (struct fault){.kind = FAULT_CUT_OUT, .at = at});
        (void)engine_pass(&f.e, NULL);
        lockstep_env_clear_faults(&f.e.env);
        engine_pass_ends(&f.e, 0);
        assert_complete(&f);
        engine_assert_settled(&f.e);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mailboxes_are_spread_and_split),
        cmocka_unit_test(a_portion_is_worth_a_connection),
        cmocka_unit_test(a_server_that_takes_fewer_connections_does),
        cmocka_unit_test(law7_a_connection_that_breaks_costs_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
