#pragma once
/* Logged-in connections to an account's server, and what they share. */
#include "client/client.h"
#include "config/config.h"

/* What the connections of an account share: what is trusted, the TLS session, the secrets once read
 * and which of them the server refused. Thread-safe. */
struct dialer;
/* All is borrowed for its life; `trace` may be NULL. */
struct dialer *dialer_new(const struct config_account *account, const struct clock *clock,
                          const struct tap_sink *trace);
/* After its connections. NULL is ignored. */
void dialer_free(struct dialer **dialer);

struct connection;

/*
 * Dials (or runs the tunnel), upgrades, reads the secret and logs in. A refused secret is read
 * again and tried once more if it is another one; the same is never sent twice. `wake` may be NULL,
 * and is borrowed for the connection's life, as the dialer is. Errors have SCOPE_ACCOUNT or
 * SCOPE_CANCELLED.
 */
int connection_open(struct dialer *dialer, const struct wake *wake, struct connection **out,
                    struct error *err);
struct client *connection_client(struct connection *connection);
/* LOGOUT where the connection still works; frees. */
void connection_close(struct connection **connection);
/* Closes without a word. */
void connection_abandon(struct connection **connection);
/* As connection_close, and tells the counts, LOGOUT included. */
struct client_counters connection_finish(struct connection **connection);
