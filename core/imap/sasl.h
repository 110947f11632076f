#pragma once
/*
 * SASL exchanges, both sides, without the base64 and lines around them (RFC 4422): libgsasl, and
 * XOAUTH2 and OAUTHBEARER (sasl_oauth.c). Errors never hold secrets.
 */
#include "base/buf.h"

enum sasl_mechanism {
    SASL_PLAIN,
    SASL_LOGIN,
    SASL_CRAM_MD5,
    SASL_SCRAM_SHA_1,
    SASL_SCRAM_SHA_256,
    SASL_SCRAM_SHA_256_PLUS,
    SASL_EXTERNAL,
    SASL_GSSAPI,
    SASL_XOAUTH2,
    SASL_OAUTHBEARER,
    SASL_MECHANISMS
};
const char *sasl_mechanism_name(enum sasl_mechanism mechanism);
/* By name, case-insensitive. */
bool sasl_mechanism_parse(struct str name, enum sasl_mechanism *out);
/* Whether the secret itself crosses the wire. */
bool sasl_is_clear_text(enum sasl_mechanism mechanism);
/* Whether this build's libgsasl has it, for that side. */
bool sasl_client_supports(enum sasl_mechanism mechanism);
bool sasl_server_supports(enum sasl_mechanism mechanism);

/* Borrowed for as long as the exchange lives. NULL or empty where a mechanism needs none. */
struct sasl_credentials {
    const char *user;
    const char *authorize_as; /* another identity to act as; NULL: none, and of GSSAPI `user`, if
                                 one is given, as a ticket alone does not tell whose mailboxes */
    const char *password;
    const char *token; /* XOAUTH2, OAUTHBEARER */
    const char *host;  /* the server's name: GSSAPI, OAUTHBEARER */
    unsigned port;
    struct str channel_binding; /* 32 bytes of tls-exporter (RFC 9266): -PLUS */
};

enum sasl_step {
    SASL_STEP_MORE, /* the peer's answer is awaited */
    SASL_STEP_DONE, /* this side has nothing more to check: a client then waits for the tagged OK,
                       a server says it */
};

struct sasl_client;
/* ERR_UNSUPPORTED where the mechanism is not built in, ERR_AUTH where something it needs is
 * missing. */
int sasl_client_new(enum sasl_mechanism mechanism, const struct sasl_credentials *credentials,
                    struct sasl_client **out, struct error *err);
void sasl_client_free(struct sasl_client **client);
/* Whether the client speaks first: its response to an empty challenge is the initial response. */
bool sasl_client_goes_first(const struct sasl_client *client);
/* `challenge` as decoded; the response, to be encoded, replaces what `out` holds. ERR_AUTH where
 * the server's proof is wrong, its words are none, the iterations are over LIMIT_SCRAM_ITERATIONS,
 * or XOAUTH2 and OAUTHBEARER were told an error: then *out still holds what must be sent to end the
 * exchange, and sasl_client_error has the words. */
int sasl_client_step(struct sasl_client *client, struct str challenge, struct buf *out,
                     enum sasl_step *step_out, struct error *err);
/* Whether all that this side must check was checked: false for SCRAM whose server proved nothing.
 * To be asked at the tagged OK. */
bool sasl_client_is_complete(const struct sasl_client *client);
/* What an OAuth server told in its error challenge, in words; NULL: nothing. */
const char *sasl_client_error(const struct sasl_client *client);

/* "status 401, scope https://mail.google.com/" from the JSON of XOAUTH2 and OAUTHBEARER (RFC 7628
 * section 3.2.2), printable and bounded. */
void sasl_oauth_error_words(struct str json, char *out, size_t size);
void sasl_oauth_payload(enum sasl_mechanism mechanism, const struct sasl_credentials *credentials,
                        struct buf *out);

/* ---- the server's side: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256(-PLUS) ---- */

/* The password of `user` in `out`; false if there is no such user: the exchange goes on and fails
 * at its end. */
struct sasl_passwords {
    bool (*find)(void *self, struct str user, struct buf *out);
    void *self;
};
struct sasl_server;
/* `channel_binding`: of -PLUS, copied; empty for all others. */
int sasl_server_new(enum sasl_mechanism mechanism, const struct sasl_passwords *passwords,
                    struct str channel_binding, struct sasl_server **out, struct error *err);
void sasl_server_free(struct sasl_server **server);
/* `response` as decoded; for a mechanism in which the client goes first, its initial response,
 * else the empty string to get the first challenge. MORE: *out is to be sent as a challenge. DONE:
 * sasl_server_user may be trusted, and what *out holds, if anything, is to be sent as a last
 * challenge that the client answers with an empty line. ERR_AUTH: wrong. */
int sasl_server_step(struct sasl_server *server, struct str response, struct buf *out,
                     enum sasl_step *step_out, struct error *err);
bool sasl_server_client_goes_first(const struct sasl_server *server);
/* Who was authenticated; "" before that. */
const char *sasl_server_user(const struct sasl_server *server);
