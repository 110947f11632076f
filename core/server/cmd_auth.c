/* LOGIN AUTHENTICATE */
#include "base/base64.h"
#include "server/session_private.h"

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

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static void plain(struct session *s, struct command *c, struct str encoded)
{
    struct buf decoded AUTO_BUF = BUF_INIT(LIMIT_SERVER_LINE_BYTES);
    struct str authzid;
    struct str user;
    if (!base64_decode(&decoded, encoded)) {
        reply_bad(c, "Not base64");
        return;
    }
    struct str rest = buf_str(&decoded);
    if (!str_split(&rest, '\0', &authzid) || !str_split(&rest, '\0', &user) || user.len == 0 ||
        str_find(rest, '\0') >= 0) {
        s->failed_logins++;
        reply_no(c, CODE_AUTHENTICATIONFAILED, "Not a PLAIN message");
        return;
    }
    if (authzid.len > 0 && !str_eq(authzid, user)) {
        s->failed_logins++;
        reply_no(c, CODE_AUTHORIZATIONFAILED, "Nobody may act for another user");
        return;
    }
    log_in(s, c, user, arena_str(c->arena, rest));
}

void handle_authenticate(struct session *s, struct command *c)
{
    struct str mechanism;
    struct str initial = {NULL, 0};
    if (!reader_expect_sp(c->reader) || !reader_expect_atom(c->reader, &mechanism)) {
        return;
    }
    if (reader_accept_sp(c->reader) && !reader_expect_until(c->reader, " ", &initial)) {
        return;
    }
    if (!reader_expect_crlf(c->reader)) {
        return;
    }
    if (!session_offers(s, CAP_AUTH_PLAIN) || !str_eq_nocase(mechanism, STR("PLAIN"))) {
        reply_no(c, CODE_CANNOT, "Unknown mechanism");
        return;
    }
    if (!session_may_login(s)) {
        reply_no(c, CODE_PRIVACYREQUIRED, "Not without TLS");
        return;
    }
    if (initial.ptr != NULL && !session_offers(s, CAP_SASL_IR)) {
        reply_bad(c, "Initial responses are not on offer");
        return;
    }
    if (initial.ptr != NULL) {
        plain(s, c, str_eq(initial, STR("=")) ? STR_EMPTY : initial);
        return;
    }
    writer_cstr(&s->out, "+ \r\n");
    session_set_mode(s, MODE_SASL);
    c->deferred = true;
}

void auth_continue(struct session *s, struct str line)
{
    struct command *c = &s->command;
    c->deferred = false;
    if (str_eq(line, STR("*"))) {
        reply_bad(c, "AUTHENTICATE given up");
    } else {
        plain(s, c, line);
    }
    conn_finish(s, c);
}
