#pragma once
/* Listening sockets. */
#include "base/error.h"
#include <stdint.h>

/* Bind and listen on `host`:`port` (0 picks one). *fd_out is the caller's, non-blocking. */
int listen_tcp(const char *host, uint16_t port, int *fd_out, uint16_t *port_out, struct error *err);
