#include "base/files.h"
#include "net/tls.h"
#include "server/listener.h"
#include "pass/connect.h"
#include "pass/pool.h"
#include "sync/engine.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Logging in: which secret is read, how often, and what is sent when the server refuses it. */

static void tell_problem(void *self, const char *file, unsigned line, const char *text)
{
    fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

/* The engine's account, with another way to log in. */
static void configure_over(struct engine *e, const char *tls, const char *login)
{
    const struct config_problems problems = {tell_problem, NULL};
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(e->dir, "config.yaml");
    AUTO_FREE char *text =
        xasprintf("state_dir: %s/state\naccounts:\n  test:\n    host: 127.0.0.1\n    tls: %s\n"
                  "    user: " LOCKSTEP_USER "\n    maildir: %s\n%s",
                  e->dir, tls, e->root, login);
    config_free(&e->config);
    assert_int_equal(file_replace(path, str_from(text), 0600, &err), 0);
    if (config_load(path, &problems, &e->config, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void configure(struct engine *e, const char *login)
{
    configure_over(e, "off", login);
}

static void put(const struct engine *e, const char *name, const char *text)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *path = path_join(e->dir, name);
    assert_int_equal(file_replace(path, str_from(text), 0600, &err), 0);
}

/* How often the command of the configuration has run: it adds a letter each time. */
static size_t runs(const struct engine *e)
{
    struct stat found;
    AUTO_FREE char *path = path_join(e->dir, "runs");
    return stat(path, &found) == 0 ? (size_t)found.st_size : 0;
}

/* Gives what `secret` holds from the second run on, "old" at the first. */
static const char *changing(struct engine *e, const char *key)
{
    return arena_printf(
        e->arena, "    %s: 'cd %s; test -f runs && cat secret || echo old; printf x >> runs'\n",
        key, e->dir);
}

/* Gives what `secret` holds. */
static const char *steady(struct engine *e, const char *key)
{
    return arena_printf(e->arena, "    %s: 'cd %s; cat secret; printf x >> runs'\n", key, e->dir);
}

/* The secret was sent so often in the last pass. */
static size_t sent(const struct engine *e)
{
    size_t count = 0;
    for (const char *at = e->transcript.data; at != NULL; count++) {
        at = strstr(at + 1, " AUTHENTICATE");
        if (at == NULL) {
            break;
        }
    }
    return count;
}

struct login_case {
    const char *name;
    bool token;
    bool changes; /* a second reading gives another one */
    bool good;    /* what is read last is right */
    int exit_code;
    size_t runs, sent;
};

static const struct login_case login_cases[] = {
    {"the right password", false, false, true, 0, 1, 1},
    {"a wrong password is sent once", false, false, false, 77, 2, 1},
    {"a password that was changed is read again", false, true, true, 0, 2, 2},
    {"another wrong one is the last", false, true, false, 77, 2, 2},
    {"a token", true, false, true, 0, 1, 1},
    {"a wrong token is sent once", true, false, false, 77, 2, 1},
    {"an expired token is asked for again", true, true, true, 0, 2, 2},
    {"two wrong tokens", true, true, false, 77, 2, 2},
};

static void check_login(const struct login_case *c)
{
    struct engine e;
    const char *key = c->token ? "token_command" : "password_command";
    engine_init(&e, NULL);
    mem_backend_set_token(e.env.backend, LOCKSTEP_USER, "good-token");
    put(&e, "secret", !c->good ? "wrong\n" : c->token ? "good-token\n" : LOCKSTEP_PASSWORD "\n");
    configure(&e, c->changes ? changing(&e, key) : steady(&e, key));
    int exit_code = engine_pass(&e, NULL);
    if (exit_code != c->exit_code || runs(&e) != c->runs || sent(&e) != c->sent) {
        engine_tell(&e);
        fail_msg("%s: ended with %d, %zu runs, sent %zu times", c->name, exit_code, runs(&e),
                 sent(&e));
    }
    if (c->exit_code == 77) {
        assert_error(&e, ERR_AUTH, "");
        assert_null(strstr(e.report.error.text, "wrong"));
    }
    engine_free(&e);
}

static void a_refused_secret_is_read_again_and_never_sent_twice(void **state)
{
    for (size_t i = 0; i < sizeof login_cases / sizeof login_cases[0]; i++) {
        check_login(&login_cases[i]);
    }
}

static void named_token_mechanisms_are_used(void **state)
{
    static const char *const names[] = {"xoauth2", "oauthbearer"};
    for (size_t i = 0; i < 2; i++) {
        struct engine e;
        engine_init(&e, NULL);
        mem_backend_set_token(e.env.backend, LOCKSTEP_USER, "good-token");
        configure(&e, arena_printf(e.arena,
                                   "    auth: [%s]\n    token_command: echo good-token\n"
                                   "    password_command: 'printf x >> %s/runs; echo never'\n",
                                   names[i], e.dir));
        engine_pass_ends(&e, 0);
        assert_int_equal(runs(&e), 0); /* a password is not asked for where none is of use */
        engine_free(&e);
    }
}

static int open_one(struct engine *e, struct dialer *dialer, struct connection **out)
{
    struct error err = ERROR_INIT;
    return connection_open(dialer, NULL, out, &err);
}

static void connections_of_an_account_share_one_reading(void **state)
{
    struct engine e;
    struct connection *connections[3] = {0};
    engine_init(&e, NULL);
    put(&e, "secret", LOCKSTEP_PASSWORD "\n");
    configure(&e, steady(&e, "password_command"));
    struct dialer *dialer = dialer_new(&e.config->accounts[0], &e.env.clock, NULL);
    engine_answers(&e);
    size_t before = runs(&e);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(open_one(&e, dialer, &connections[i]), 0);
    }
    assert_int_equal(runs(&e) - before, 1);
    for (size_t i = 0; i < 3; i++) {
        connection_close(&connections[i]);
    }
    dialer_free(&dialer);
    engine_free(&e);
}

static void what_was_refused_is_not_sent_again_later(void **state)
{
    struct engine e;
    struct connection *connection = NULL;
    engine_init(&e, NULL);
    put(&e, "secret", "wrong\n");
    configure(&e, steady(&e, "password_command"));
    struct dialer *dialer = dialer_new(&e.config->accounts[0], &e.env.clock, NULL);
    engine_answers(&e);
    assert_int_equal(open_one(&e, dialer, &connection), -ERR_AUTH);
    uint64_t commands = lockstep_env_counters(&e.env).commands;
    assert_int_equal(open_one(&e, dialer, &connection), -ERR_AUTH);
    /* The connection was made, and nothing that shows a secret was said on it. */
    assert_true(lockstep_env_counters(&e.env).commands - commands <= 1);
    put(&e, "secret", LOCKSTEP_PASSWORD "\n");
    assert_int_equal(open_one(&e, dialer, &connection), 0);
    connection_close(&connection);
    dialer_free(&dialer);
    engine_free(&e);
}

static void a_temporary_refusal_says_nothing_about_the_secret(void **state)
{
    struct engine e;
    struct connection *connection = NULL;
    engine_init(&e, NULL);
    put(&e, "secret", LOCKSTEP_PASSWORD "\n");
    configure(&e, steady(&e, "password_command"));
    struct dialer *dialer = dialer_new(&e.config->accounts[0], &e.env.clock, NULL);
    engine_answers(&e);
    lockstep_env_fault(&e.env, (struct fault){.kind = FAULT_NO,
                                              .command = "AUTHENTICATE",
                                              .at = 1,
                                              .text = "[UNAVAILABLE] try later"});
    assert_int_equal(open_one(&e, dialer, &connection), -ERR_NO);
    lockstep_env_clear_faults(&e.env);
    assert_int_equal(open_one(&e, dialer, &connection), 0);
    connection_close(&connection);
    dialer_free(&dialer);
    engine_free(&e);
}

/* A TLS server; the engine's account trusts the file ca.pem, which has its certificate. */
static struct listener *begin_tls(struct engine *e, struct tls_context **tls)
{
    struct listener *listener = NULL;
    struct error err = ERROR_INIT;
    AUTO_BUF struct buf pem = BUF_INIT(64 * 1024);
    engine_init(e, NULL);
    assert_int_equal(tls_self_signed_context("127.0.0.1", &pem, tls, &err), 0);
    put(e, "ca.pem", pem.data);
    struct backend backend = mem_backend_vtable(e->env.backend);
    const struct listener_options options = {
        .host = "127.0.0.1", .implicit_tls = true, .tls = *tls, .session = e->env.options};
    assert_int_equal(listener_start(&backend, &options, &listener, &err), 0);
    e->port = listener_port(listener);
    configure_over(e, "implicit", "    tls_ca_file: ca.pem\n    password: " LOCKSTEP_PASSWORD "\n");
    engine_answers(e);
    return listener;
}

static void connections_of_an_account_share_trust_and_sessions(void **state)
{
    struct engine e;
    struct tls_context *tls;
    struct error err = ERROR_INIT;
    struct connection *taken[3], *watching;
    uint64_t bytes_in[4];
    bool reused;
    struct listener *listener = begin_tls(&e, &tls);
    AUTO_FREE char *ca = path_join(e.dir, "ca.pem");
    struct connection_pool *pool =
        connection_pool_new(&e.config->accounts[0], &clock_system, NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        if (connection_pool_take(pool, &taken[i], &reused, &err) < 0)
            fail_msg("%s", err.text);
        assert_false(reused);
        (void)unlink(ca); /* it is not read again */
        bytes_in[i] = client_counters(connection_client(taken[i])).bytes_in;
    }
    assert_int_equal(connection_open(connection_pool_dialer(pool), NULL, &watching, &err), 0);
    bytes_in[3] = client_counters(connection_client(watching)).bytes_in;
    /* A resumed session needs no certificate. */
    for (size_t i = 1; i < 4; i++)
        assert_true(bytes_in[i] + 200 < bytes_in[0]);
    connection_close(&watching);
    for (size_t i = 0; i < 3; i++)
        connection_pool_give(pool, &taken[i]);
    connection_pool_free(&pool);
    listener_stop(&listener);
    tls_context_free(&tls);
    engine_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_secret_is_read_again_and_never_sent_twice),
        cmocka_unit_test(named_token_mechanisms_are_used),
        cmocka_unit_test(connections_of_an_account_share_one_reading),
        cmocka_unit_test(what_was_refused_is_not_sent_again_later),
        cmocka_unit_test(a_temporary_refusal_says_nothing_about_the_secret),
        cmocka_unit_test(connections_of_an_account_share_trust_and_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
