/* LOGIN AUTHENTICATE (RFC 9051 section 6.2, RFC 4422) */
#include "base/alloc.h"
#include "base/base64.h"
#include "imap/sasl.h"
#include "server/session_private.h"

/* What the next line from the client is. */
enum exchange_state {
    EXCHANGE_RESPONSE,   /* to be judged */
    EXCHANGE_LAST,       /* empty: the mechanism has ended well */
    EXCHANGE_OAUTH_ERROR /* whatever it is: the token was refused */
};

struct auth_exchange {
    enum sasl_mechanism mechanism;
    enum exchange_state state;
    struct sasl_server *server; /* NULL for PLAIN, XOAUTH2 and OAUTHBEARER */
};

void auth_exchange_free(struct auth_exchange **exchange)
{
    if (*exchange != NULL) {
        sasl_server_free(&(*exchange)->server);
    }
    xfree(exchange);
}

static void refuse_login(struct session *s, struct command *c, enum response_code code,
                         const char *text)
{
    s->failed_logins++;
    reply_no(c, code, text);
}

/* password.ptr NULL: it was proved already. */
static void log_in(struct session *s, struct command *c, struct str user, struct str password)
{
    struct backend_user *logged_in = NULL;
    struct error err = ERROR_INIT;
    if (s->backend.ops->login(s->backend.self, user, password, &logged_in, &err) < 0) {
        s->failed_logins++;
        reply_error(c, &err);
        return;
    }
    session_logged_in(s, logged_in);
    reply_set(c, STATUS_OK, CODE_CAPABILITY, "Logged in");
    session_capabilities(s, &c->reply.capabilities);
}

void handle_login(struct session *s, struct command *c)
{
    struct str user;
    struct str password;
    if (!reader_expect_sp(c->reader) || !reader_expect_astring(c->reader, &user) ||
        !reader_expect_sp(c->reader) || !reader_expect_astring(c->reader, &password) ||
        !reader_expect_crlf(c->reader)) {
        return;
    }
    if (!session_may_login(s)) {
        reply_no(c, CODE_PRIVACYREQUIRED, "Not without TLS");
    } else {
        log_in(s, c, user, password);
    }
}

/* ---- mechanisms ---- */

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static void plain(struct session *s, struct command *c, struct str message)
{
    struct str authzid;
    struct str user;
    struct str rest = message;
    if (!str_split(&rest, '\0', &authzid) || !str_split(&rest, '\0', &user) || user.len == 0 ||
        str_find(rest, '\0') >= 0) {
        refuse_login(s, c, CODE_AUTHENTICATIONFAILED, "Not a PLAIN message");
    } else if (authzid.len > 0 && !str_eq(authzid, user)) {
        refuse_login(s, c, CODE_AUTHORIZATIONFAILED, "Nobody may act for another user");
    } else {
        log_in(s, c, user, arena_str(c->arena, rest));
    }
}

/* A challenge; the exchange waits for its answer. */
static void challenge(struct session *s, struct command *c, struct str bytes)
{
    struct buf encoded AUTO_BUF = BUF_INIT(2 * LIMIT_SERVER_LINE_BYTES);
    base64_encode(&encoded, bytes);
    writer_format(&s->out, "+ %.*s\r\n", STR_ARG(buf_str(&encoded)));
    session_set_mode(s, MODE_SASL);
    c->deferred = true;
}

/* RFC 5801 section 4: in a name "=2C" stands for a comma, "=3D" for an equals sign. */
static struct str unescape_name(struct arena *arena, struct str name)
{
    char *out = arena_alloc(arena, name.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        struct str rest = str_from_offset(name, i);
        bool comma = str_starts_nocase(rest, STR("=2C"));
        if (comma || str_starts_nocase(rest, STR("=3D"))) {
            out[len++] = comma ? ',' : '=';
            i += 2;
        } else {
            out[len++] = name.ptr[i];
        }
    }
    return str_make(out, len);
}

/* XOAUTH2's "user=U^Aauth=Bearer T^A^A"; OAUTHBEARER's "n,a=U,^A…" (RFC 7628 section 3.1). */
static bool oauth_parse(struct arena *arena, enum sasl_mechanism mechanism, struct str message,
                        struct str *user, struct str *token)
{
    struct str rest = message;
    struct str part;
    struct str word;
    *user = *token = STR_EMPTY;
    if (mechanism == SASL_OAUTHBEARER && str_split(&rest, '\1', &part)) {
        while (str_split(&part, ',', &word)) {
            if (str_starts(word, STR("a="))) {
                *user = unescape_name(arena, str_from_offset(word, 2));
            }
        }
    }
    while (str_split(&rest, '\1', &part)) {
        if (mechanism == SASL_XOAUTH2 && str_starts(part, STR("user="))) {
            *user = str_from_offset(part, 5);
        }
        if (str_starts_nocase(part, STR("auth=Bearer "))) {
            *token = str_trim(str_from_offset(part, 12));
        }
    }
    return user->len > 0 && token->len > 0;
}

static void oauth(struct session *s, struct command *c, struct str message)
{
    struct str user;
    struct str token;
    if (oauth_parse(c->arena, s->auth->mechanism, message, &user, &token) &&
        s->backend.auth->token(s->backend.self, user, token)) {
        log_in(s, c, user, (struct str){NULL, 0});
        return;
    }
    s->auth->state = EXCHANGE_OAUTH_ERROR;
    challenge(s, c, STR("{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"mail\"}"));
}

static void step_server(struct session *s, struct command *c, struct str message)
{
    struct buf out AUTO_BUF = BUF_INIT(LIMIT_SERVER_LINE_BYTES);
    struct error err = ERROR_INIT;
    enum sasl_step step = SASL_STEP_MORE;
    if (sasl_server_step(s->auth->server, message, &out, &step, &err) < 0) {
        refuse_login(s, c, CODE_AUTHENTICATIONFAILED, "Wrong user name or password");
    } else if (step == SASL_STEP_MORE) {
        challenge(s, c, buf_str(&out));
    } else if (out.len > 0) {
        s->auth->state = EXCHANGE_LAST;
        challenge(s, c, buf_str(&out));
    } else {
        log_in(s, c, str_from(sasl_server_user(s->auth->server)), (struct str){NULL, 0});
    }
}

/* ---- the exchange ---- */

/* A decoded response of the client. */
static void respond(struct session *s, struct command *c, struct str message)
{
    switch (s->auth->state) {
    case EXCHANGE_LAST:
        log_in(s, c, str_from(sasl_server_user(s->auth->server)), (struct str){NULL, 0});
        return;
    case EXCHANGE_OAUTH_ERROR:
        refuse_login(s, c, CODE_AUTHENTICATIONFAILED, "The token is not good");
        return;
    case EXCHANGE_RESPONSE:
        break;
    }
    if (s->auth->mechanism == SASL_PLAIN) {
        plain(s, c, message);
    } else if (s->auth->server == NULL) {
        oauth(s, c, message);
    } else {
        step_server(s, c, message);
    }
}

static void respond_encoded(struct session *s, struct command *c, struct str encoded)
{
    struct buf decoded AUTO_BUF = BUF_INIT(LIMIT_SERVER_LINE_BYTES);
    if (!base64_decode(&decoded, encoded)) {
        reply_bad(c, "Not base64");
        return;
    }
    respond(s, c, decoded.len > 0 ? buf_str(&decoded) : STR_EMPTY);
}

/* The order of the capabilities is that of the mechanisms. */
_Static_assert(CAP_AUTH_OAUTHBEARER - CAP_AUTH_PLAIN == SASL_OAUTHBEARER, "AUTH= in another order");

static bool is_by_sasl_server(enum sasl_mechanism mechanism)
{
    return mechanism == SASL_LOGIN || mechanism == SASL_CRAM_MD5 || mechanism == SASL_SCRAM_SHA_1 ||
           mechanism == SASL_SCRAM_SHA_256 || mechanism == SASL_SCRAM_SHA_256_PLUS;
}

void auth_capabilities(const struct session *s, struct capabilities *caps)
{
    bool logged_in = (s->state & STATES_AUTH) != 0;
    for (unsigned i = 0; i < SASL_MECHANISMS; i++) {
        enum sasl_mechanism mechanism = (enum sasl_mechanism)i;
        bool secret = sasl_is_clear_text(mechanism);
        bool bound = mechanism == SASL_SCRAM_SHA_256_PLUS;
        if (logged_in || (secret && !session_may_login(s)) ||
            (bound && s->channel_binding_len == 0) ||
            (is_by_sasl_server(mechanism) && !sasl_server_supports(mechanism))) {
            capabilities_set(caps, (enum capability)(CAP_AUTH_PLAIN + i), false);
        }
    }
}

/* False with the reply. */
static bool mechanism_allowed(struct session *s, struct command *c, struct str name, bool initial,
                              enum sasl_mechanism *out)
{
    struct capabilities offered;
    session_capabilities(s, &offered);
    if (!sasl_mechanism_parse(name, out) || *out == SASL_EXTERNAL || *out == SASL_GSSAPI ||
        !session_offers(s, (enum capability)(CAP_AUTH_PLAIN + *out))) {
        reply_no(c, CODE_CANNOT, "Unknown mechanism");
        return false;
    }
    if (sasl_is_clear_text(*out) && !session_may_login(s)) {
        reply_no(c, CODE_PRIVACYREQUIRED, "Not without TLS");
        return false;
    }
    if (!capabilities_have(&offered, (enum capability)(CAP_AUTH_PLAIN + *out))) {
        reply_no(c, CODE_CANNOT, "Not on this connection");
        return false;
    }
    if (initial && !session_offers(s, CAP_SASL_IR)) {
        reply_bad(c, "Initial responses are not on offer");
        return false;
    }
    return true;
}

static int exchange_new(struct session *s, enum sasl_mechanism mechanism, struct error *err)
{
    const struct sasl_passwords passwords = {
        s->backend.auth != NULL ? s->backend.auth->password : NULL, s->backend.self};
    struct str binding = str_make(s->channel_binding, s->channel_binding_len);
    s->auth = xcalloc(1, sizeof *s->auth);
    s->auth->mechanism = mechanism;
    s->auth->state = EXCHANGE_RESPONSE;
    if (!is_by_sasl_server(mechanism)) {
        return 0;
    }
    return sasl_server_new(mechanism, &passwords,
                           mechanism == SASL_SCRAM_SHA_256_PLUS ? binding : STR_EMPTY,
                           &s->auth->server, err);
}

static void begin(struct session *s, struct command *c, enum sasl_mechanism mechanism,
                  struct str initial)
{
    struct error err = ERROR_INIT;
    if (exchange_new(s, mechanism, &err) < 0) {
        reply_error(c, &err);
        return;
    }
    bool client_first = s->auth->server == NULL || sasl_server_client_goes_first(s->auth->server);
    if (!client_first && initial.ptr != NULL) {
        reply_bad(c, "In this mechanism the server speaks first");
    } else if (!client_first) {
        step_server(s, c, STR_EMPTY);
    } else if (initial.ptr == NULL) {
        challenge(s, c, STR_EMPTY);
    } else {
        respond_encoded(s, c, str_eq(initial, STR("=")) ? STR_EMPTY : initial);
    }
}

void handle_authenticate(struct session *s, struct command *c)
{
    enum sasl_mechanism mechanism;
    struct str name;
    struct str initial = {NULL, 0};
    if (!reader_expect_sp(c->reader) || !reader_expect_atom(c->reader, &name)) {
        return;
    }
    if (reader_accept_sp(c->reader) && !reader_expect_until(c->reader, " ", &initial)) {
        return;
    }
    if (!reader_expect_crlf(c->reader) ||
        !mechanism_allowed(s, c, name, initial.ptr != NULL, &mechanism)) {
        return;
    }
    begin(s, c, mechanism, initial);
    if (s->mode != MODE_SASL) {
        auth_exchange_free(&s->auth);
    }
}

void auth_continue(struct session *s, struct str line)
{
    struct command *c = &s->command;
    c->deferred = false;
    if (str_eq(line, STR("*"))) {
        reply_bad(c, "AUTHENTICATE given up");
    } else {
        respond_encoded(s, c, line);
    }
    if (s->mode != MODE_SASL) {
        auth_exchange_free(&s->auth);
        conn_finish(s, c);
    }
}
