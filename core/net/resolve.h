#pragma once
/* Name lookup that can be given up: getaddrinfo runs in a thread of its own. */
#include "net/dial.h"
#include <netdb.h>

/* The addresses of options->host for a TCP connection to options->port, in the order in which to
 * try them; freeaddrinfo is the caller's. */
int resolve(const struct dial_options *options, struct addrinfo **out, struct error *err);
