#pragma once
/* Sockets for sessions: a thread that accepts and a thread per connection. */
#include "net/tls.h"
#include "server/session.h"

struct listener;
/* session.tls_available and tls_active are set by the listener from `tls` and `implicit_tls`; a
 * tls_active given stays, e.g. where loopback counts as safe. */
struct listener_options {
    const char *host;
    uint16_t port; /* 0 picks one */
    bool implicit_tls;
    struct tls_context *tls; /* NULL: no TLS; borrowed */
    struct session_options session;
    unsigned max_connections; /* 0: LIMIT_SERVER_CONNECTIONS */
};
int listener_start(const struct backend *backend, const struct listener_options *options,
                   struct listener **out, struct error *err);
uint16_t listener_port(const struct listener *l);
/* Ends all sessions and waits for their threads. */
void listener_stop(struct listener **l);
/* Of all sessions so far. */
struct session_counters listener_counters(struct listener *l);
