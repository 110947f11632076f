#pragma once
/* poll() with a wake and a deadline, under everything here that waits. */
#include "base/clock.h"
#include "base/error.h"
#include "base/wake.h"
#include <poll.h>
#include <stddef.h>

#define WAIT_FDS_MAX 16

/* 0 when something is ready (see revents), else ERR_CANCELLED, ERR_TIMEOUT or ERR_NETWORK. `wake`
 * may be NULL. A signalled wake comes first, readiness before the deadline. */
int wait_ready(struct pollfd *fds, size_t count, int64_t deadline_ms, const struct wake *wake,
               const struct clock *clock, struct error *err);
/* The error of a signalled wake. */
int wait_cancelled(struct error *err);
