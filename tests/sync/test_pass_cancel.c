#include "server/listener.h"
#include "pass/pool.h"
#include "sync/cancel.h"
#include "sync/day.h"
#include "sync/folder_sides.h"
#include <stdlib.h>

/* A pass told to stop at every place where it looks for that, in turn: nothing is lost or doubled,
 * and the next ones go on to where an undisturbed one would have come. */

struct server {
    const char *name;
    enum capability lacks[16]; /* ends at the first CAP_IMAP4REV1 */
    bool no_uidplus_codes;
};

static const struct server SERVERS[] = {
    {.name = "a full server"},
    {.name = "a server that tells no new UIDs", .no_uidplus_codes = true},
    {.name = "a bare server",
     .lacks = {CAP_QRESYNC, CAP_CONDSTORE, CAP_LIST_STATUS, CAP_LIST_EXTENDED, CAP_LITERAL_PLUS,
               CAP_ENABLE, CAP_OBJECTID, CAP_NAMESPACE, CAP_MOVE}},
};

/* How the connections are: the pass's own, or kept for the next one, as the daemon does. */
enum keeping { OWN_CONNECTIONS, KEPT_CONNECTIONS };

struct fixture {
    struct engine e;
    struct wake wake;
    struct connection_pool *pool; /* NULL: none is kept */
    struct listener *listener;    /* NULL: lockstep */
};

static void restore_server(struct fixture *f, const struct server *server)
{
    lockstep_env_clear_faults(&f->e.env);
    if (server->no_uidplus_codes)
        lockstep_env_fault(&f->e.env, (struct fault){.kind = FAULT_NO_UIDPLUS_CODES});
}

static int pass(struct fixture *f)
{
    const struct pass_options options = {.wake = &f->wake, .pool = f->pool};
    return engine_pass(&f->e, &options);
}

static void begin(struct fixture *f, const struct server *server, enum keeping keeping)
{
    struct error err = ERROR_INIT;
    *f = (struct fixture){0};
    engine_init(&f->e, DAY_ACCOUNT);
    f->e.hesitates = true;
    server_lacks(&f->e, server->lacks);
    restore_server(f, server);
    day_begin(&f->e);
    assert_int_equal(wake_init(&f->wake, &err), 0);
    if (keeping == KEPT_CONNECTIONS)
        f->pool = connection_pool_new(&f->e.config->accounts[0], &f->e.env.clock, &f->wake, NULL);
}

static void end(struct fixture *f)
{
    connection_pool_free(&f->pool);
    if (f->listener != NULL)
        listener_stop(&f->listener);
    wake_close(&f->wake);
    engine_free(&f->e);
}

static void assert_side(struct fixture *f, const char *side, const char *view, const char *server,
                        uint64_t at)
{
    if (strcmp(view, DAY_END) != 0) {
        engine_tell(&f->e);
        fail_msg("%s, stopped at %llu: %s holds\n%s\nnot\n%s", server, (unsigned long long)at, side,
                 view, DAY_END);
    }
}

/* Of what was sent and not answered it is known after a minute what became of it. */
static void assert_converges(struct fixture *f, const struct server *server, uint64_t at)
{
    for (int i = 0; i < 2; i++) {
        engine_wait(&f->e, 61);
        int ended = pass(f);
        if (ended != 0) {
            engine_tell(&f->e);
            fail_msg("%s, stopped at %llu: pass %d behind it ended with %d: %s", server->name,
                     (unsigned long long)at, i + 1, ended, f->e.report.error.text);
        }
    }
    assert_side(f, "the server", server_view(&f->e), server->name, at);
    assert_side(f, "the Maildir", local_view(&f->e), server->name, at);
    engine_wait(&f->e, 61);
    engine_assert_settled(&f->e);
}

/* Whether the pass was stopped, and not only its farewell. */
static bool pass_stopped_at(struct fixture *f, uint64_t at)
{
    cancel_at(&f->wake, at);
    int ended = pass(f);
    bool came = cancel_looks() >= at;
    cancel_at(NULL, 0);
    wake_clear(&f->wake);
    if (ended == 75)
        assert_int_equal(f->e.report.error.code, ERR_CANCELLED);
    else
        assert_int_equal(ended, 0);
    assert_true(came || ended == 0);
    return came;
}

/* `again`: the pass behind it is stopped as early. */
static void stop_everywhere(const struct server *server, enum keeping keeping, unsigned again,
                            uint64_t step)
{
    bool came = true;
    for (uint64_t at = 1; came; at += step) {
        struct fixture f;
        begin(&f, server, keeping);
        came = pass_stopped_at(&f, at);
        for (unsigned i = 0; i < again; i++)
            (void)pass_stopped_at(&f, at);
        assert_converges(&f, server, at);
        end(&f);
    }
}

static void law2_stopped_at_every_wait(void **state)
{
    for (size_t i = 0; i < sizeof SERVERS / sizeof *SERVERS; i++)
        stop_everywhere(&SERVERS[i], OWN_CONNECTIONS, 0, 1);
}

static void law2_stopped_at_every_wait_with_connections_kept(void **state)
{
    for (size_t i = 0; i < sizeof SERVERS / sizeof *SERVERS; i++)
        stop_everywhere(&SERVERS[i], KEPT_CONNECTIONS, 0, 1);
}

static void law2_stopped_again_and_again(void **state)
{
    for (size_t i = 0; i < sizeof SERVERS / sizeof *SERVERS; i++)
        stop_everywhere(&SERVERS[i], KEPT_CONNECTIONS, 2, 3);
}

/* ---- over sockets, with several connections at work ---- */

#define BOXES 2
#define THERE 600 /* in each; enough for a connection of its own */
#define HERE 12

static void listen(struct fixture *f)
{
    struct error err = ERROR_INIT;
    struct backend backend = mem_backend_vtable(f->e.env.backend);
    const struct listener_options options = {.host = "127.0.0.1", .session = f->e.env.options};
    assert_int_equal(listener_start(&backend, &options, &f->listener, &err), 0);
    f->e.port = listener_port(f->listener);
    engine_configure(&f->e, DAY_ACCOUNT);
    f->pool = connection_pool_new(&f->e.config->accounts[0], &f->e.env.clock, &f->wake, NULL);
}

static void begin_many(struct fixture *f)
{
    struct error err = ERROR_INIT;
    *f = (struct fixture){0};
    engine_init(&f->e, DAY_ACCOUNT);
    assert_int_equal(wake_init(&f->wake, &err), 0);
    server_create(&f->e, "Box");
    engine_pass_ends(&f->e, 0);
    server_fill(&f->e, "INBOX", "i", THERE);
    server_fill(&f->e, "Box", "b", THERE);
    local_fill(&f->e, "INBOX", "li", HERE);
    local_fill(&f->e, "Box", "lb", HERE);
    listen(f);
}

/* Which thread comes to which wait first is not the same each time. */
static void law2_stopped_at_waits_of_several_connections(void **state)
{
    bool came = true;
    for (uint64_t at = 1; came; at += 1 + at / 8) {
        struct fixture f;
        begin_many(&f);
        came = pass_stopped_at(&f, at);
        engine_wait(&f.e, 61);
        assert_int_equal(pass(&f), 0);
        engine_wait(&f.e, 61);
        assert_int_equal(pass(&f), 0);
        assert_int_equal(server_count(&f.e, "INBOX"), THERE + HERE);
        assert_int_equal(server_count(&f.e, "Box"), THERE + HERE);
        assert_local(&f.e, server_view(&f.e));
        engine_assert_settled(&f.e);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law2_stopped_at_every_wait),
        cmocka_unit_test(law2_stopped_at_every_wait_with_connections_kept),
        cmocka_unit_test(law2_stopped_again_and_again),
        cmocka_unit_test(law2_stopped_at_waits_of_several_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
