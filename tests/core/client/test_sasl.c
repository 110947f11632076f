/* AUTHENTICATE: in transcripts where the exchange is always the same, else with a peer that holds
 * the server's side of it. */
#include "base/base64.h"
#include "net/tls.h"
#include "imap/sasl.h"
#include "core/client/fixture.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static void login(struct fixture *f, const char *user, const char *password)
{
    const struct client_credentials credentials = {.user = user, .password = password};
    assert_ok(f, client_login(f->c, &credentials, &f->err));
    assert_int_equal(client_state(f->c), STATE_AUTHENTICATED);
}

static void cram_md5(struct fixture *f)
{
    login(f, "tim", "tanstaaftanstaaf");
}

static void plain(struct fixture *f)
{
    login(f, "alice", "secret");
}

static void external(struct fixture *f)
{
    static const char *const named[] = {"external", NULL};
    const struct client_credentials nobody = {.mechanisms = named};
    assert_ok(f, client_login(f->c, &nobody, &f->err));
}

static const struct client_credentials bearer = {.user = "alice", .token = "tok"};

static void token(struct fixture *f)
{
    assert_ok(f, client_login(f->c, &bearer, &f->err));
}

static void law10_token_refused(struct fixture *f)
{
    f->options.port = 993;
    assert_ok(f, fixture_open(f, fixture_stream(f)));
    assert_error(f, client_login(f->c, &bearer, &f->err), ERR_AUTH, SCOPE_ACCOUNT, "status 401");
    assert_non_null(strstr(f->err.text, "https://mail.google.com/"));
    assert_null(strstr(f->err.text, "tok"));
}

static void no_way(struct fixture *f)
{
    const struct client_credentials alice = {.user = "alice", .password = "secret"};
    assert_error(f, client_login(f->c, &alice, &f->err), ERR_AUTH, SCOPE_ACCOUNT,
                 "login is switched off by the server");
    assert_non_null(strstr(f->err.text, "scram-sha-256 is not offered by the server"));
    assert_null(strstr(f->err.text, "xoauth2"));
}

/* ---- a peer that knows the password of alice ---- */

struct peer {
    struct stream *stream;
    struct tls_context *tls;
    pthread_t thread;
    const char *offers;
    const char *password;     /* that it believes in */
    enum sasl_mechanism used; /* SASL_MECHANISMS: none */
    bool lies;                /* says OK at once, and proves nothing */
};

static void say(struct peer *peer, const char *text)
{
    struct error err = ERROR_INIT;
    (void)stream_write(peer->stream, text, strlen(text), &err);
    (void)stream_flush(peer->stream, &err);
}

static bool hear(struct peer *peer, char *line, size_t size)
{
    struct error err = ERROR_INIT;
    size_t len = 0;
    while (len + 1 < size && stream_read(peer->stream, line + len, 1, &err) == 1) {
        if (line[len++] == '\n') {
            line[len - 2] = '\0';
            return true;
        }
    }
    return false;
}

static bool find_password(void *self, struct str user, struct buf *out)
{
    buf_add_cstr(out, self);
    return str_eq(user, STR("alice"));
}

static void challenge(struct peer *peer, const struct buf *what)
{
    struct buf line = BUF_INIT(4000);
    buf_add_cstr(&line, "+ ");
    base64_encode(&line, buf_str(what));
    buf_add_cstr(&line, "\r\n");
    say(peer, line.data);
    buf_free(&line);
}

/* From the initial response to the end; true: proved. */
static bool exchange(struct peer *peer, struct sasl_server *server, const char *initial)
{
    struct buf response = BUF_INIT(4000);
    struct buf out = BUF_INIT(4000);
    struct error err = ERROR_INIT;
    enum sasl_step step = SASL_STEP_MORE;
    char line[4000];
    bool ok = base64_decode(&response, str_from(initial));
    while (ok && step == SASL_STEP_MORE) {
        ok = sasl_server_step(server, buf_str(&response), &out, &step, &err) == 0;
        if (!ok || (step == SASL_STEP_DONE && (out.len == 0 || peer->lies))) {
            break;
        }
        challenge(peer, &out);
        buf_clear(&response);
        ok = hear(peer, line, sizeof line) && base64_decode(&response, str_from(line));
    }
    buf_free(&response);
    buf_free(&out);
    return ok;
}

static void converse(struct peer *peer)
{
    char line[4000];
    char hello[200];
    unsigned char binding[TLS_EXPORTER_BYTES];
    bool bound = stream_tls_exporter(peer->stream, binding);
    const struct sasl_passwords passwords = {find_password, (void *)(uintptr_t)peer->password};
    struct sasl_server *server = NULL;
    struct error err = ERROR_INIT;
    snprintf(hello, sizeof hello, "* OK [CAPABILITY IMAP4rev1 SASL-IR %s] hi\r\n", peer->offers);
    say(peer, hello);
    static const char verb[] = "A1 AUTHENTICATE ";
    if (!hear(peer, line, sizeof line) || strncmp(line, verb, strlen(verb)) != 0) {
        return;
    }
    struct str rest = str_from(line + strlen(verb));
    struct str name = STR_EMPTY;
    (void)str_split(&rest, ' ', &name);
    struct str binds = bound ? str_make((const char *)binding, sizeof binding) : STR_EMPTY;
    if (!sasl_mechanism_parse(name, &peer->used) ||
        sasl_server_new(peer->used, &passwords, binds, &server, &err) < 0) {
        return;
    }
    bool ok = exchange(peer, server, rest.ptr);
    say(peer, ok ? "A1 OK in\r\n" : "A1 NO [AUTHENTICATIONFAILED] no\r\n");
    sasl_server_free(&server);
    if (ok && hear(peer, line, sizeof line)) {
        say(peer, "* CAPABILITY IMAP4rev1\r\nA2 OK done\r\n");
    }
}

static void *peer_run(void *arg)
{
    struct peer *peer = arg;
    struct error err = ERROR_INIT;
    stream_set_deadline(peer->stream, clock_deadline(&clock_system, 10000));
    if (peer->tls == NULL || stream_push_tls_server(peer->stream, peer->tls, &err) == 0) {
        converse(peer);
    }
    stream_close(&peer->stream);
    return NULL;
}

static int log_in_to(struct peer *peer, bool tls, const char *password, struct error *err)
{
    struct buf pem = BUF_INIT(10000);
    char path[] = "/tmp/test_sasl.XXXXXX";
    struct tls_context *context = NULL;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    if (tls) {
        int fd = mkstemp(path);
        const struct tls_options trust = {.ca_file = path};
        assert_int_equal(tls_self_signed_context("localhost", &pem, &peer->tls, err), 0);
        assert_int_equal(write(fd, pem.data, pem.len), pem.len);
        assert_int_equal(tls_client_context(&trust, &context, err), 0);
        (void)close(fd);
        (void)unlink(path);
    }
    peer->used = SASL_MECHANISMS;
    peer->stream = stream_from_fd(fds[1], NULL, &clock_system);
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_run, peer), 0);
    const struct client_options options = {
        .host = "localhost",
        .security = tls ? SECURITY_IMPLICIT_TLS : SECURITY_NONE,
        .tls = context,
        .timeout_ms = 10000,
    };
    const struct client_credentials alice = {.user = "alice", .password = password};
    struct client *c = NULL;
    struct stream *ours = stream_from_fd(fds[0], NULL, &clock_system);
    int result = client_open(ours, &options, &c, err);
    if (result == 0) {
        result = client_login(c, &alice, err);
    }
    client_close(&c);
    assert_int_equal(pthread_join(peer->thread, NULL), 0);
    tls_context_free(&peer->tls);
    tls_context_free(&context);
    buf_free(&pem);
    return result;
}

#define ALL "AUTH=PLAIN AUTH=CRAM-MD5 AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-256 "

static void the_strongest_is_chosen(void **state)
{
    static const struct {
        const char *offers;
        bool tls;
        enum sasl_mechanism used;
    } rows[] = {
        {ALL "AUTH=SCRAM-SHA-256-PLUS", true, SASL_SCRAM_SHA_256_PLUS},
        {ALL "AUTH=SCRAM-SHA-256-PLUS", false, SASL_SCRAM_SHA_256},
        {ALL, true, SASL_SCRAM_SHA_256},
        {"AUTH=PLAIN AUTH=SCRAM-SHA-1", false, SASL_SCRAM_SHA_1},
        {"AUTH=PLAIN AUTH=CRAM-MD5", true, SASL_CRAM_MD5},
        {"AUTH=PLAIN", true, SASL_PLAIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct peer peer = {.offers = rows[i].offers, .password = "secret"};
        struct error err = ERROR_INIT;
        int result = log_in_to(&peer, rows[i].tls, "secret", &err);
        if (result < 0) {
            fail_msg("%s: %s", rows[i].offers, err.text);
        }
        assert_int_equal(peer.used, rows[i].used);
    }
}

static void a_wrong_password_is_refused(void **state)
{
    static const char *const offers[] = {"AUTH=SCRAM-SHA-256", "AUTH=SCRAM-SHA-1", "AUTH=CRAM-MD5"};
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        struct peer peer = {.offers = offers[i], .password = "secret"};
        struct error err = ERROR_INIT;
        assert_int_equal(log_in_to(&peer, false, "guess", &err), -ERR_AUTH);
        assert_int_equal(err.scope, SCOPE_ACCOUNT);
        assert_null(strstr(err.text, "guess"));
    }
}

static void law7_a_server_that_proves_nothing(void **state)
{
    struct peer peer = {.offers = "AUTH=SCRAM-SHA-256", .password = "secret", .lies = true};
    struct error err = ERROR_INIT;
    assert_int_equal(log_in_to(&peer, true, "secret", &err), -ERR_AUTH);
    assert_non_null(strstr(err.text, "not proved"));
}

static const struct fixture_case cases[] = {
    {"CRAM-MD5 before PLAIN", cram_md5, 0},
    {"the mechanism LOGIN where the command is off", plain, 0},
    {"words in the first continuation", plain, 0},
    {"EXTERNAL, named", external, 0},
    {"XOAUTH2", token, 0},
    {"XOAUTH2, a token that is not taken", law10_token_refused, FIXTURE_UNOPENED},
    {"OAUTHBEARER, a token that is not taken", law10_token_refused, FIXTURE_UNOPENED},
    {"no way to log in", no_way, 0},
};

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strongest_is_chosen),
        cmocka_unit_test(a_wrong_password_is_refused),
        cmocka_unit_test(law7_a_server_that_proves_nothing),
    };
    int failed = cmocka_run_group_tests_name("peers", tests, NULL, NULL);
    return failed + fixture_main("sasl.txt", cases, sizeof cases / sizeof cases[0]);
}
