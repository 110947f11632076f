#pragma once
/*
 * The control socket: varlink, interface org.maildird (org.maildird.varlink beside this file), on
 * the daemon's event loop. Only the user's own processes are heard. A client that goes away stops
 * nothing.
 */
#include "daemon/supervisor.h"
#include <systemd/sd-event.h>

struct control;

/* Listens at `path` (mode 0600; its directory is made, 0700). ERR_LOCKED when another daemon
 * listens there; a socket that nobody listens on is replaced. All is borrowed. */
int control_start(const char *path, sd_event *event, struct supervisor *supervisor,
                  struct control **out, struct error *err);
/* Drops all clients and removes the socket. NULL is ignored. */
void control_stop(struct control **control);
