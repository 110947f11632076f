/* Every SASL mechanism, against the vocabulary's client side. */
#include "base/base64.h"
#include "imap/sasl.h"
#include "core/server/conversation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char binding[32] = "a binding of thirty-two octets.";

struct attempt {
    const char *name;
    enum sasl_mechanism mechanism;
    const char *password, *token;
    bool bound, sasl_ir;
    const char *answer;
};

static void say(struct session *session, struct str text, struct buf *out)
{
    buf_clear(out);
    while (session_feed(session, text, out) == SESSION_MORE) {
        text = STR_EMPTY;
    }
}

static void add_response(struct buf *line, const struct buf *response)
{
    struct str bytes = response->len > 0 ? buf_str(response) : STR_EMPTY;
    base64_encode(line, bytes);
    buf_add_cstr(line, "\r\n");
}

/* Answers challenges until the tagged reply is in `out`. */
static void exchange(struct session *session, struct sasl_client *client, struct buf *out)
{
    struct buf challenge AUTO_BUF = BUF_INIT(65536);
    struct buf response AUTO_BUF = BUF_INIT(65536);
    struct buf line AUTO_BUF = BUF_INIT(65536);
    enum sasl_step step = SASL_STEP_MORE;
    while (str_starts(buf_str(out), STR("+ "))) {
        struct error err = ERROR_INIT;
        struct str text = str_trim(str_from_offset(buf_str(out), 2));
        text.len -= str_ends(text, STR("\r\n")) ? 2 : 0;
        buf_clear(&challenge);
        buf_clear(&line);
        assert_true(base64_decode(&challenge, text));
        /* An error of OAuth still has an answer to send. */
        (void)sasl_client_step(client, challenge.len > 0 ? buf_str(&challenge) : STR_EMPTY,
                               &response, &step, &err);
        add_response(&line, &response);
        say(session, buf_str(&line), out);
    }
}

static void attempt(const struct attempt *a)
{
    struct conversation c;
    struct error err = ERROR_INIT;
    struct sasl_client *client = NULL;
    struct buf out AUTO_BUF = BUF_INIT(65536);
    struct buf line AUTO_BUF = BUF_INIT(65536);
    const struct sasl_credentials credentials = {
        .user = "u",
        .password = a->password,
        .token = a->token,
        .host = "h",
        .port = 143,
        .channel_binding = a->bound ? str_make(binding, sizeof binding) : STR_EMPTY};
    conversation_init(&c);
    mem_backend_set_token(c.env.backend, "u", "good");
    struct backend vtable = mem_backend_vtable(c.env.backend);
    struct session *session = session_new(&vtable, &c.env.options);
    session_set_channel_binding(session, str_make(binding, a->bound ? sizeof binding : 0));
    assert_int_equal(sasl_client_new(a->mechanism, &credentials, &client, &err), 0);
    say(session, STR_EMPTY, &out);
    buf_addf(&line, "a AUTHENTICATE %s", sasl_mechanism_name(a->mechanism));
    if (a->sasl_ir && sasl_client_goes_first(client)) {
        struct buf response AUTO_BUF = BUF_INIT(65536);
        enum sasl_step step;
        assert_int_equal(sasl_client_step(client, STR_EMPTY, &response, &step, &err), 0);
        buf_add_byte(&line, ' ');
        add_response(&line, &response);
    } else {
        buf_add_cstr(&line, "\r\n");
    }
    say(session, buf_str(&line), &out);
    exchange(session, client, &out);
    if (!str_starts(buf_str(&out), str_from(a->answer))) {
        fail_msg("%s: \"%.*s\" instead of \"%s\"", a->name, STR_ARG(buf_str(&out)), a->answer);
    }
    sasl_client_free(&client);
    session_free(&session);
    conversation_free(&c);
}

#define GOOD "a OK [CAPABILITY "
#define BAD_LOGIN "a NO [AUTHENTICATIONFAILED]"

static void mechanisms(void **state)
{
    static const struct attempt attempts[] = {
        {"PLAIN", SASL_PLAIN, "p", NULL, false, false, GOOD},
        {"PLAIN at once", SASL_PLAIN, "p", NULL, false, true, GOOD},
        {"LOGIN", SASL_LOGIN, "p", NULL, false, false, GOOD},
        {"LOGIN, wrong", SASL_LOGIN, "x", NULL, false, false, BAD_LOGIN},
        {"CRAM-MD5", SASL_CRAM_MD5, "p", NULL, false, false, GOOD},
        {"CRAM-MD5, wrong", SASL_CRAM_MD5, "x", NULL, false, false, BAD_LOGIN},
        {"SCRAM-SHA-1", SASL_SCRAM_SHA_1, "p", NULL, false, true, GOOD},
        {"SCRAM-SHA-256", SASL_SCRAM_SHA_256, "p", NULL, false, false, GOOD},
        {"SCRAM-SHA-256 at once", SASL_SCRAM_SHA_256, "p", NULL, false, true, GOOD},
        {"SCRAM-SHA-256, wrong", SASL_SCRAM_SHA_256, "x", NULL, false, true, BAD_LOGIN},
        {"bound", SASL_SCRAM_SHA_256_PLUS, "p", NULL, true, true, GOOD},
        {"bound, wrong", SASL_SCRAM_SHA_256_PLUS, "x", NULL, true, true, BAD_LOGIN},
        {"XOAUTH2", SASL_XOAUTH2, NULL, "good", false, true, GOOD},
        {"XOAUTH2, wrong", SASL_XOAUTH2, NULL, "old", false, true, BAD_LOGIN},
        {"OAUTHBEARER", SASL_OAUTHBEARER, NULL, "good", false, false, GOOD},
        {"OAUTHBEARER, wrong", SASL_OAUTHBEARER, NULL, "old", false, true, BAD_LOGIN},
    };
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        if (sasl_client_supports(attempts[i].mechanism)) {
            attempt(&attempts[i]);
        }
    }
}

static void refusals(void **state)
{
    static const struct script scripts[] = {
        {"without TLS there is nothing to bind to",
         "1< * OK …\n1> a AUTHENTICATE SCRAM-SHA-256-PLUS\n1< a NO [CANNOT] …\n"},
        {"not a mechanism of servers",
         "1< * OK …\n1> a AUTHENTICATE EXTERNAL\n1< a NO [CANNOT] …\n"},
        {"given up", "1< * OK …\n1> a AUTHENTICATE CRAM-MD5\n1< + …\n1> *\n1< a BAD …\n"
                     "1> b LOGIN u p\n1< b OK …\n"},
        {"no base64", "1< * OK …\n1> a AUTHENTICATE SCRAM-SHA-256\n1< + \n1> !\n1< a BAD …\n"},
        {"nonsense", "1< * OK …\n1> a AUTHENTICATE SCRAM-SHA-256 bm9uc2Vuc2U=\n"
                     "1< a NO [AUTHENTICATIONFAILED] …\n"},
        {"the server speaks first", "1< * OK …\n1> a AUTHENTICATE CRAM-MD5 eA==\n1< a BAD …\n"},
        {"OAuth's error is told, and answered",
         "1< * OK …\n1> a AUTHENTICATE XOAUTH2 eA==\n1< + eyJzdGF0dXMiOiI0MDEi…\n1> \n"
         "1< a NO [AUTHENTICATIONFAILED] …\n"},
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct conversation c;
        conversation_init(&c);
        c.raw = true;
        conversation_play(&c, scripts[i].name, scripts[i].text);
        conversation_free(&c);
    }
}

static void off(void **state)
{
    for (unsigned i = SASL_PLAIN; i < SASL_MECHANISMS; i++) {
        struct conversation c;
        char *script AUTO_FREE = xasprintf("1< * OK …\n1> a AUTHENTICATE %s\n1< a NO [CANNOT] …\n",
                                           sasl_mechanism_name((enum sasl_mechanism)i));
        conversation_init(&c);
        c.raw = true;
        capabilities_set(&c.env.options.capabilities, (enum capability)(CAP_AUTH_PLAIN + i), false);
        conversation_play(&c, script, script);
        conversation_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mechanisms), cmocka_unit_test(refusals),
                                       cmocka_unit_test(off)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
