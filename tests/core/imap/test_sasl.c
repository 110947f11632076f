#include "imap/limits.h"
#include "imap/sasl.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define BINDING STR("0123456789abcdef0123456789abcdef")

static bool find_password(void *self, struct str user, struct buf *out)
{
    const char *password = self;
    if (!str_eq(user, STR("alice"))) {
        return false;
    }
    buf_add_cstr(out, password);
    return true;
}

struct talk {
    enum sasl_mechanism mechanism;
    struct sasl_credentials credentials;
    const char *password; /* the server's */
    struct str binding;   /* the server's */
};

struct outcome {
    int client, server; /* what the last step of each returned */
    bool complete;
    char user[32];
    char words[ERROR_TEXT_MAX];
};

static const struct talk good_talk = {
    .credentials = {.user = "alice", .password = "secr\"et=,", .host = "mail.example"},
    .password = "secr\"et=,",
};

/* Client and server, turn by turn, as AUTHENTICATE lets them. */
static struct outcome run(const struct talk *talk)
{
    struct outcome o = {0};
    struct error err = ERROR_INIT;
    struct sasl_client *client = NULL;
    struct sasl_server *server = NULL;
    struct buf challenge AUTO_BUF = BUF_INIT(10000);
    struct buf response AUTO_BUF = BUF_INIT(10000);
    union {
        const char *in;
        void *out;
    } self = {.in = talk->password};
    const struct sasl_passwords passwords = {find_password, self.out};
    enum sasl_step server_step = SASL_STEP_MORE;
    enum sasl_step client_step = SASL_STEP_MORE;
    assert_int_equal(sasl_client_new(talk->mechanism, &talk->credentials, &client, &err), 0);
    assert_int_equal(sasl_server_new(talk->mechanism, &passwords, talk->binding, &server, &err), 0);
    assert_int_equal(sasl_client_goes_first(client), sasl_server_client_goes_first(server));
    if (!sasl_client_goes_first(client)) {
        o.server = sasl_server_step(server, STR_EMPTY, &challenge, &server_step, &err);
    }
    while (o.server == 0 && (server_step == SASL_STEP_MORE || challenge.len > 0)) {
        bool last = server_step == SASL_STEP_DONE;
        o.client = sasl_client_step(client, buf_str(&challenge), &response, &client_step, &err);
        if (o.client != 0 || last) {
            break;
        }
        o.server = sasl_server_step(server, buf_str(&response), &challenge, &server_step, &err);
    }
    o.complete = sasl_client_is_complete(client);
    (void)snprintf(o.user, sizeof o.user, "%s", sasl_server_user(server));
    (void)snprintf(o.words, sizeof o.words, "%s", err.text);
    sasl_client_free(&client);
    sasl_server_free(&server);
    return o;
}

static const enum sasl_mechanism offered[] = {SASL_PLAIN,         SASL_LOGIN,
                                              SASL_CRAM_MD5,      SASL_SCRAM_SHA_1,
                                              SASL_SCRAM_SHA_256, SASL_SCRAM_SHA_256_PLUS};
#define OFFERED (sizeof offered / sizeof offered[0])

static void both_sides_agree(void **state)
{
    for (size_t i = 0; i < OFFERED; i++) {
        struct talk talk = good_talk;
        talk.mechanism = offered[i];
        assert_true(sasl_client_supports(offered[i]));
        assert_true(sasl_server_supports(offered[i]));
        if (offered[i] == SASL_SCRAM_SHA_256_PLUS) {
            talk.binding = talk.credentials.channel_binding = BINDING;
        }
        struct outcome o = run(&talk);
        if (o.client != 0 || o.server != 0) {
            fail_msg("%s: %s", sasl_mechanism_name(offered[i]), o.words);
        }
        assert_true(o.complete);
        assert_string_equal(o.user, "alice");
    }
}

static void law10_wrong_passwords_are_refused_without_being_told(void **state)
{
    for (size_t i = 0; i < OFFERED; i++) {
        for (unsigned k = 0; k < 2; k++) {
            struct talk talk = good_talk;
            talk.mechanism = offered[i];
            talk.binding = talk.credentials.channel_binding = BINDING;
            if (k == 0) {
                talk.credentials.password = "wrong-hunter2";
            } else {
                talk.credentials.user = "mallory";
            }
            struct outcome o = run(&talk);
            assert_int_equal(o.server, -ERR_AUTH);
            assert_string_equal(o.user, "");
            assert_null(strstr(o.words, "hunter2"));
            assert_null(strstr(o.words, "secr"));
        }
    }
}

static void another_identity_is_refused(void **state)
{
    struct talk talk = good_talk;
    talk.mechanism = SASL_PLAIN;
    talk.credentials.authorize_as = "root";
    assert_int_equal(run(&talk).server, -ERR_AUTH);
}

/* A man in the middle has another TLS connection. */
static void law7_channel_binding_is_checked(void **state)
{
    struct talk talk = good_talk;
    talk.mechanism = SASL_SCRAM_SHA_256_PLUS;
    talk.binding = BINDING;
    talk.credentials.channel_binding = STR("another one, of the same length!");
    assert_int_equal(run(&talk).server, -ERR_AUTH);
    talk.credentials.channel_binding = BINDING;
    assert_int_equal(run(&talk).server, 0);
}

static void what_is_missing_is_told(void **state)
{
    static const struct {
        enum sasl_mechanism mechanism;
        struct sasl_credentials credentials;
        const char *words;
    } cases[] = {
        {SASL_PLAIN, {.user = "a"}, "PLAIN needs a password"},
        {SASL_SCRAM_SHA_256, {.password = "a"}, "SCRAM-SHA-256 needs a user name"},
        {SASL_SCRAM_SHA_256_PLUS,
         {.user = "a", .password = "b"},
         "SCRAM-SHA-256-PLUS needs TLS 1.3 around it"},
        {SASL_XOAUTH2, {.user = "a"}, "XOAUTH2 needs a token"},
        {SASL_GSSAPI, {.user = "a"}, "GSSAPI needs the server's name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = ERROR_INIT;
        struct sasl_client *client = NULL;
        assert_int_equal(sasl_client_new(cases[i].mechanism, &cases[i].credentials, &client, &err),
                         -ERR_AUTH);
        assert_null(client);
        assert_string_equal(err.text, cases[i].words);
    }
}

static void external_tells_the_identity(void **state)
{
    const struct sasl_credentials credentials = {.authorize_as = "alice"};
    struct error err = ERROR_INIT;
    struct sasl_client *client;
    enum sasl_step step;
    struct buf out AUTO_BUF = BUF_INIT(100);
    assert_int_equal(sasl_client_new(SASL_EXTERNAL, &credentials, &client, &err), 0);
    assert_int_equal(sasl_client_step(client, STR_EMPTY, &out, &step, &err), 0);
    assert_true(str_eq(buf_str(&out), STR("alice")));
    sasl_client_free(&client);
}

static void law7_iterations_are_bounded(void **state)
{
    static const struct {
        const char *iterations;
        bool good;
    } cases[] = {{"4096", true}, {"2000001", false}, {"99999999999999999999", false}, {"x", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = ERROR_INIT;
        struct sasl_client *client;
        enum sasl_step step;
        struct buf out AUTO_BUF = BUF_INIT(1000);
        char challenge[256];
        assert_int_equal(sasl_client_new(SASL_SCRAM_SHA_256, &good_talk.credentials, &client, &err),
                         0);
        assert_int_equal(sasl_client_step(client, STR_EMPTY, &out, &step, &err), 0);
        const char *nonce = strstr(out.data, "r=");
        assert_non_null(nonce);
        (void)snprintf(challenge, sizeof challenge, "%sxyz,s=QSXCR+Q6sek8bf92,i=%s", nonce,
                       cases[i].iterations);
        int r = sasl_client_step(client, str_from(challenge), &out, &step, &err);
        assert_int_equal(r, cases[i].good ? 0 : -ERR_AUTH);
        assert_false(sasl_client_is_complete(client));
        sasl_client_free(&client);
    }
}

/* RFC 7677 section 3: a server that does not know the password proves nothing. */
static void law7_a_server_without_proof_is_not_believed(void **state)
{
    struct error err = ERROR_INIT;
    struct sasl_client *client;
    enum sasl_step step;
    struct buf out AUTO_BUF = BUF_INIT(1000);
    char challenge[256];
    assert_int_equal(sasl_client_new(SASL_SCRAM_SHA_256, &good_talk.credentials, &client, &err), 0);
    assert_int_equal(sasl_client_step(client, STR_EMPTY, &out, &step, &err), 0);
    (void)snprintf(challenge, sizeof challenge, "%sxyz,s=QSXCR+Q6sek8bf92,i=4096",
                   strstr(out.data, "r="));
    assert_int_equal(sasl_client_step(client, str_from(challenge), &out, &step, &err), 0);
    assert_int_equal(step, SASL_STEP_MORE);
    assert_false(sasl_client_is_complete(client));
    assert_int_equal(sasl_client_step(client, STR("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
                                      &out, &step, &err),
                     -ERR_AUTH);
    assert_false(sasl_client_is_complete(client));
    sasl_client_free(&client);
}

/* ---- OAuth ---- */

static void oauth_payloads(void **state)
{
    static const struct sasl_credentials credentials = {.user = "a=b,c@example.com",
                                                        .token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRh",
                                                        .host = "server.example.com",
                                                        .port = 993};
    static const struct {
        enum sasl_mechanism mechanism;
        const char *payload;
        const char *answer; /* to an error */
    } cases[] = {
        {SASL_XOAUTH2, "user=a=b,c@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRh\1\1",
         ""},
        {SASL_OAUTHBEARER,
         "n,a=a=3Db=2Cc@example.com,\1host=server.example.com\1port=993\1auth=Bearer "
         "ya29.vF9dft4qmTc2Nvb3RlckBhdHRh\1\1",
         "\1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = ERROR_INIT;
        struct sasl_client *client;
        enum sasl_step step;
        struct buf out AUTO_BUF = BUF_INIT(1000);
        assert_int_equal(sasl_client_new(cases[i].mechanism, &credentials, &client, &err), 0);
        assert_true(sasl_client_goes_first(client));
        assert_int_equal(sasl_client_step(client, STR_EMPTY, &out, &step, &err), 0);
        assert_string_equal(out.data, cases[i].payload);
        assert_true(sasl_client_is_complete(client));
        assert_int_equal(sasl_client_step(client,
                                          STR("{\"status\":\"401\",\"schemes\":\"bearer mac\","
                                              "\"scope\":\"https://mail.google.com/\"}"),
                                          &out, &step, &err),
                         -ERR_AUTH);
        assert_true(str_eq(buf_str(&out), str_from(cases[i].answer)));
        assert_false(sasl_client_is_complete(client));
        assert_string_equal(sasl_client_error(client),
                            "status 401, scope https://mail.google.com/, schemes bearer mac");
        assert_null(strstr(err.text, "ya29"));
        sasl_client_free(&client);
    }
}

static void oauth_errors_in_words(void **state)
{
    static const struct {
        const char *json;
        const char *words;
    } cases[] = {
        {"", "the server gives no reason"},
        {"{\"status\":400}", "status 400"},
        {"{\"error\":\"invalid_token\",\"status\":[1]}", "error invalid_token"},
        {"{\"status\":\"a\\nb\"}", "status a b"},
        {"not json\r\n", "not json  "},
        {"[[[[[[", "[[[[[["},
        {"{}", "{}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[64];
        sasl_oauth_error_words(str_from(cases[i].json), words, sizeof words);
        assert_string_equal(words, cases[i].words);
    }
    char small[5];
    sasl_oauth_error_words(STR("0123456789"), small, sizeof small);
    assert_string_equal(small, "0123");
}

static void names(void **state)
{
    for (unsigned i = 0; i < SASL_MECHANISMS; i++) {
        enum sasl_mechanism found;
        assert_true(
            sasl_mechanism_parse(str_from(sasl_mechanism_name((enum sasl_mechanism)i)), &found));
        assert_int_equal(found, i);
    }
    enum sasl_mechanism ignored;
    assert_false(sasl_mechanism_parse(STR("DIGEST-MD5"), &ignored));
    assert_true(sasl_is_clear_text(SASL_OAUTHBEARER));
    assert_false(sasl_is_clear_text(SASL_CRAM_MD5));
    assert_false(sasl_server_supports(SASL_XOAUTH2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(law10_wrong_passwords_are_refused_without_being_told),
        cmocka_unit_test(another_identity_is_refused),
        cmocka_unit_test(law7_channel_binding_is_checked),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(external_tells_the_identity),
        cmocka_unit_test(law7_iterations_are_bounded),
        cmocka_unit_test(law7_a_server_without_proof_is_not_believed),
        cmocka_unit_test(oauth_payloads),
        cmocka_unit_test(oauth_errors_in_words),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
