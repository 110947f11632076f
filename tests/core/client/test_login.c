/* Greeting, STARTTLS, authentication, and what is asked for once after it. */
#include "base/buf.h"
#include "core/client/fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct id_field id_items[] = {{STR_INIT("name"), STR_INIT("maildird")}};
static struct id_field id_copy[1];
static struct id_fields own_id;

static const struct client_credentials alice = {.user = "alice", .password = "secret"};

static int open_with_id(struct fixture *f)
{
    memcpy(id_copy, id_items, sizeof id_copy);
    own_id = (struct id_fields){id_copy, 1};
    f->options.id = &own_id;
    f->options.qresync = true;
    return fixture_open(f, fixture_stream(f));
}

static void logs_in(struct fixture *f)
{
    assert_ok(f, open_with_id(f));
    assert_ok(f, client_login(f->c, &alice, &f->err));
    assert_int_equal(client_state(f->c), STATE_AUTHENTICATED);
}

static void budget_login_takes_two_turns_behind_the_greeting(struct fixture *f)
{
    logs_in(f);
    assert_true(client_enabled(f->c, CAP_QRESYNC));
    assert_true(client_enabled(f->c, CAP_CONDSTORE));
    assert_true(client_has(f->c, CAP_UIDPLUS));
    assert_int_equal(client_namespaces(f->c)->personal.len, 1);
    assert_text(client_namespaces(f->c)->personal.items[0].prefix, "INBOX.");
    assert_int_equal(client_namespaces(f->c)->personal.items[0].delimiter, '.');
    struct client_counters counters = client_counters(f->c);
    assert_int_equal(counters.round_trips, 2);
    assert_int_equal(counters.commands, 5);
}

static void capabilities_asked(struct fixture *f)
{
    logs_in(f);
    assert_true(client_enabled(f->c, CAP_CONDSTORE));
    assert_false(client_enabled(f->c, CAP_QRESYNC));
    assert_int_equal(client_counters(f->c).round_trips, 5);
}

static void login_with(struct fixture *f, const char *password)
{
    const struct client_credentials credentials = {.user = "alice", .password = password};
    assert_ok(f, client_login(f->c, &credentials, &f->err));
    assert_int_equal(client_namespaces(f->c)->personal.len, 0);
}

static void password_quoted(struct fixture *f)
{
    login_with(f, "se\"c\\r*et{1}");
}

static void password_literal(struct fixture *f)
{
    login_with(f, "\xc3\xa4"
                  "bc!");
}

static void literal_refused(struct fixture *f)
{
    const struct client_credentials credentials = {.user = "alice", .password = "\xc3\xa4-bc"};
    assert_error(f, client_login(f->c, &credentials, &f->err), ERR_BAD, SCOPE_CONNECTION,
                 "no literals here");
}

static void refusals_tolerated(struct fixture *f)
{
    logs_in(f);
    assert_false(client_enabled(f->c, CAP_QRESYNC));
    assert_null(client_failure(f->c));
}

static void wrong_password(struct fixture *f)
{
    assert_error(f, client_login(f->c, &alice, &f->err), ERR_AUTH, SCOPE_ACCOUNT,
                 "Authentication failed.");
    assert_string_equal(f->err.response_code, "AUTHENTICATIONFAILED");
    assert_non_null(client_failure(f->c));
    struct error again = ERROR_INIT;
    assert_int_equal(client_login(f->c, &alice, &again), -ERR_AUTH);
}

static void refused_for_now(struct fixture *f)
{
    assert_error(f, client_login(f->c, &alice, &f->err), ERR_NO, SCOPE_CONNECTION,
                 "[UNAVAILABLE] the directory");
}

static void login_bad(struct fixture *f)
{
    assert_error(f, client_login(f->c, &alice, &f->err), ERR_BAD, SCOPE_CONNECTION, "throttled");
}

static void login_bye(struct fixture *f)
{
    assert_error(f, client_login(f->c, &alice, &f->err), ERR_BYE, SCOPE_CONNECTION,
                 "too many connections");
}

static void cancelled_exchange(struct fixture *f)
{
    assert_error(f, client_login(f->c, &alice, &f->err), ERR_AUTH, SCOPE_ACCOUNT, "cancelled");
}

static void login_disabled(struct fixture *f)
{
    assert_error(f, client_login(f->c, &alice, &f->err), ERR_AUTH, SCOPE_ACCOUNT,
                 "login is switched off by the server");
}

static void law10_no_password_in_clear_text(struct fixture *f)
{
    f->options.plaintext_ok = false;
    assert_ok(f, fixture_open(f, fixture_stream(f)));
    assert_error(f, client_login(f->c, &alice, &f->err), ERR_AUTH, SCOPE_ACCOUNT, "not encrypted");
}

static void mechanism_named(struct fixture *f)
{
    static const char *const names[] = {"scram-sha-256", NULL};
    const struct client_credentials credentials = {
        .user = "alice", .password = "secret", .mechanisms = names};
    assert_error(f, client_login(f->c, &credentials, &f->err), ERR_AUTH, SCOPE_ACCOUNT,
                 "no way to log in");
}

static void with_authzid(struct fixture *f)
{
    const struct client_credentials credentials = {
        .user = "alice", .authzid = "bob", .password = "secret"};
    assert_ok(f, client_login(f->c, &credentials, &f->err));
}

static void logs_in_plainly(struct fixture *f)
{
    assert_ok(f, client_login(f->c, &alice, &f->err));
}

static int open_starttls(struct fixture *f)
{
    struct error err = ERROR_INIT;
    struct tls_context *tls = NULL;
    const struct tls_options options = {.system_ca = false};
    assert_int_equal(tls_client_context(&options, &tls, &err), 0);
    f->options.security = SECURITY_STARTTLS;
    f->options.tls = tls;
    int result = fixture_open(f, fixture_stream(f));
    tls_context_free(&tls);
    return result;
}

static void preauth_refused(struct fixture *f)
{
    assert_error(f, open_starttls(f), ERR_CAPABILITY, SCOPE_CONNECTION, "PREAUTH");
}

static void starttls_missing(struct fixture *f)
{
    assert_error(f, open_starttls(f), ERR_CAPABILITY, SCOPE_CONNECTION, "STARTTLS");
}

static void starttls_refused(struct fixture *f)
{
    assert_error(f, open_starttls(f), ERR_CAPABILITY, SCOPE_CONNECTION, "no certificate");
}

static void law7_starttls_injection(struct fixture *f)
{
    assert_error(f, open_starttls(f), ERR_PROTOCOL, SCOPE_CONNECTION, "STARTTLS");
}

static void greeting_bye(struct fixture *f)
{
    assert_error(f, fixture_open(f, fixture_stream(f)), ERR_BYE, SCOPE_CONNECTION,
                 "too many users");
    assert_string_equal(f->err.response_code, "UNAVAILABLE");
}

static void greeting_wrong(struct fixture *f)
{
    assert_error(f, fixture_open(f, fixture_stream(f)), ERR_PROTOCOL, SCOPE_CONNECTION, "");
}

static void greeting_closed(struct fixture *f)
{
    assert_error(f, fixture_open(f, fixture_stream(f)), ERR_NETWORK, SCOPE_CONNECTION,
                 "mail.example closed the connection");
}

static void law9_greeting_silent(struct fixture *f)
{
    assert_error(f, fixture_open(f, fixture_stream(f)), ERR_TIMEOUT, SCOPE_CONNECTION, "");
}

static void greeting_cancelled(struct fixture *f)
{
    assert_error(f, fixture_open(f, fixture_stream(f)), ERR_CANCELLED, SCOPE_CANCELLED, "");
}

static void disabled(struct fixture *f)
{
    static const char *const names[] = {"QRESYNC", "LITERAL+", "X-UNHEARD-OF", NULL};
    f->options.disable = names;
    f->options.qresync = true;
    assert_ok(f, fixture_open(f, fixture_stream(f)));
    assert_ok(f, client_login(f->c, &alice, &f->err));
    assert_false(client_has(f->c, CAP_QRESYNC));
    assert_false(client_has(f->c, CAP_LITERAL_PLUS));
    assert_true(client_has(f->c, CAP_CONDSTORE));
}

static void rev2(struct fixture *f)
{
    logs_in_plainly(f);
    assert_true(client_has(f->c, CAP_UIDPLUS));
    assert_true(client_has(f->c, CAP_LIST_STATUS));
    assert_false(client_has(f->c, CAP_CONDSTORE));
}

static void compress_refused(struct fixture *f)
{
    f->options.compress = true;
    assert_ok(f, fixture_open(f, fixture_stream(f)));
    logs_in_plainly(f);
    assert_false(client_is_compressed(f->c));
}

static void logs_out(struct fixture *f)
{
    client_logout(&f->c, NULL);
    assert_null(f->c);
}

static void silent_after_failure(struct fixture *f)
{
    struct error err = ERROR_INIT;
    assert_error(f, client_noop(f->c, &f->err), ERR_BYE, SCOPE_CONNECTION, "gone");
    assert_int_equal(client_state(f->c), STATE_LOGOUT);
    assert_int_equal(client_noop(f->c, &err), -ERR_BYE);
    assert_int_equal(client_failure(f->c)->code, ERR_BYE);
    client_logout(&f->c, NULL);
}

static struct buf trace;

static void trace_line(void *self, char direction, struct str line)
{
    (void)self;
    buf_addf(&trace, "%c %.*s\n", direction, STR_ARG(line));
}

static void law10_secrets_are_not_traced(struct fixture *f)
{
    const struct tap_sink sink = {.line = trace_line};
    buf_init(&trace, 10000);
    f->options.trace = &sink;
    assert_ok(f, fixture_open(f, fixture_stream(f)));
    logs_in_plainly(f);
    client_close(&f->c);
    assert_non_null(strstr(trace.data, "C A1 AUTHENTICATE [hidden]\n"));
    assert_non_null(strstr(trace.data, "C [hidden]\n"));
    assert_non_null(strstr(trace.data, "C A2 CAPABILITY\n"));
    assert_null(strstr(trace.data, "AGFsaWNl"));
    buf_free(&trace);
}

static const struct fixture_case cases[] = {
    {"greeting with capabilities, PLAIN with an initial response",
     budget_login_takes_two_turns_behind_the_greeting, FIXTURE_UNOPENED},
    {"capabilities told only when asked", capabilities_asked, FIXTURE_UNOPENED},
    {"the LOGIN command, an awkward password quoted", password_quoted, 0},
    {"the LOGIN command, an 8-bit password as a literal", password_literal, 0},
    {"the LOGIN command, an 8-bit password as a literal without waiting", password_literal, 0},
    {"a literal of LOGIN refused", literal_refused, 0},
    {"ID, ENABLE and NAMESPACE refused", refusals_tolerated, FIXTURE_UNOPENED},
    {"wrong password", wrong_password, 0},
    {"login refused for now", refused_for_now, 0},
    {"login answered with BAD", login_bad, 0},
    {"login answered with BYE", login_bye, 0},
    {"PLAIN asked for more than there is", cancelled_exchange, 0},
    {"LOGINDISABLED", login_disabled, 0},
    {"only mechanisms that were not named", mechanism_named, 0},
    {"only mechanisms that were not named", law10_no_password_in_clear_text, FIXTURE_UNOPENED},
    {"an authzid", with_authzid, 0},
    {"PREAUTH", logs_in_plainly, 0},
    {"PREAUTH where STARTTLS was required", preauth_refused, FIXTURE_UNOPENED},
    {"STARTTLS not offered", starttls_missing, FIXTURE_UNOPENED},
    {"STARTTLS refused", starttls_refused, FIXTURE_UNOPENED},
    {"STARTTLS with injected answers", law7_starttls_injection, FIXTURE_UNOPENED | FIXTURE_WHOLE},
    {"greeting BYE", greeting_bye, FIXTURE_UNOPENED},
    {"greeting NO", greeting_wrong, FIXTURE_UNOPENED},
    {"no greeting at all", greeting_wrong, FIXTURE_UNOPENED | FIXTURE_WHOLE},
    {"closed before the greeting", greeting_closed, FIXTURE_UNOPENED},
    {"no answer", law9_greeting_silent, FIXTURE_UNOPENED},
    {"cancelled while waiting for the greeting", greeting_cancelled, FIXTURE_UNOPENED},
    {"disabled capabilities", disabled, FIXTURE_UNOPENED},
    {"IMAP4rev2 alone", rev2, 0},
    {"COMPRESS refused", compress_refused, FIXTURE_UNOPENED},
    {"LOGOUT", logs_out, 0},
    {"LOGOUT and the server just closes", logs_out, 0},
    {"nothing is said after a failure", silent_after_failure, 0},
    {"secrets in a trace", law10_secrets_are_not_traced, FIXTURE_UNOPENED},
};

int main(void)
{
    return fixture_main("login.txt", cases, sizeof cases / sizeof cases[0]);
}
