#pragma once
/* A logged-in connection to an account's server, with what it borrows. */
#include "client/client.h"
#include "config/config.h"

struct connection;

/* Dials (or runs the tunnel), upgrades, reads the secret and logs in. `wake` and `trace` may be
 * NULL; all are borrowed for the connection's life. Errors have SCOPE_ACCOUNT or SCOPE_CANCELLED.
 */
int connection_open(const struct config_account *account, const struct clock *clock,
                    const struct wake *wake, const struct tap_sink *trace, struct connection **out,
                    struct error *err);
struct client *connection_client(struct connection *connection);
/* LOGOUT where the connection still works; frees. */
void connection_close(struct connection **connection);
/* As connection_close, and tells the counts, LOGOUT included. */
struct client_counters connection_finish(struct connection **connection);
