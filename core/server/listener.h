#pragma once
/* Sockets for sessions: a thread that accepts and a thread per connection. */
#include "net/tls.h"
#include "server/session.h"

struct listener;
struct listener_options {
    const char *host;
    uint16_t port; /* 0 picks one */
    bool implicit_tls;
    struct tls_context *tls; /* NULL: no TLS; borrowed */
    struct session_options session;
    unsigned max_connections;
};
int listener_start(const struct backend *backend, const struct listener_options *options,
                   struct listener **out, struct error *err);
uint16_t listener_port(const struct listener *l);
/* Ends all sessions and waits for their threads. */
void listener_stop(struct listener **l);
struct session_counters listener_counters(const struct listener *l);
