#pragma once
/*
 * One server session: bytes in, bytes out, with no socket and no clock inside. The owner moves the
 * bytes: over a socket (listener.h), or to a client in the same thread (lockstep).
 */
#include "base/buf.h"
#include "imap/capability.h"
#include "server/backend.h"
#include "server/fault.h"

struct session;

struct session_options {
    struct capabilities
        capabilities;     /* offered, as session_default_capabilities less what is off */
    bool tls_available;   /* STARTTLS can be done by the owner */
    bool tls_active;      /* implicit TLS, or loopback counts as safe */
    bool allow_plaintext; /* LOGIN without TLS */
    bool preauth;         /* greet with PREAUTH as `preauth_user` */
    const char *preauth_user;
    bool recent;                  /* sessions of IMAP4rev1 are told \Recent */
    const char *namespace_prefix; /* e.g. "INBOX."; NULL: none */
    unsigned notify_limit;        /* 0: LIMIT_SERVER_NOTIFICATIONS */
    struct fault_script *faults;  /* borrowed; NULL: none */
};

/* Everything this server can do. */
void session_default_capabilities(struct capabilities *out);

/* Exact counts, for tests. */
struct session_counters {
    uint64_t commands;
    uint64_t changing_commands; /* rows with COMMAND_CHANGES_DATA */
    uint64_t round_trips; /* how often the client waited for an answer: see session_peer_waits */
    uint64_t bytes_in, bytes_out;
};

struct session *session_new(const struct backend *backend, const struct session_options *options);
void session_free(struct session **session);

/* What the owner must do after a step. */
enum session_next {
    SESSION_READ,     /* send the output, wait for input */
    SESSION_MORE,     /* send the output, then feed again with nothing: the answer goes on */
    SESSION_STARTTLS, /* send the output, then handshake, then session_tls_done */
    SESSION_COMPRESS, /* send the output, then deflate both ways, then go on */
    SESSION_CLOSE,    /* send the output, then close */
    SESSION_CUT,      /* close at once, sending what is there (a fault) */
};
/* Takes input (may be empty: the greeting, or news for an idling client) and appends output. */
enum session_next session_feed(struct session *session, struct str input, struct buf *out);
void session_tls_done(struct session *session);
/* What binds SCRAM-SHA-256-PLUS to the TLS connection: the 32 bytes of tls-exporter (RFC 9266). */
void session_set_channel_binding(struct session *session, struct str binding);
/* After SESSION_COMPRESS: input that was fed but belongs to the deflated stream, for stream_unread.
 * Borrowed until the next feed. */
struct str session_unread(const struct session *session);
/* How long the owner must hold the output of the last feed back (a fault); 0 when asked again. */
int64_t session_take_delay_ms(struct session *session);
/* Whether an empty feed may bring news: the client is in IDLE, or has used NOTIFY. */
bool session_is_idling(const struct session *session);
/* The owner has handed over all output and the client has nothing more to say: a round trip, if it
 * said something since the last one. */
void session_peer_waits(struct session *session);
struct session_counters session_counters(const struct session *session);
