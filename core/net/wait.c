#include "net/wait.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

/* For poll: -1 is for ever. */
static int remaining_ms(int64_t deadline_ms, const struct clock *clock)
{
    if (deadline_ms == DEADLINE_NEVER) {
        return -1;
    }
    int64_t left = deadline_ms - clock_monotonic_ms(clock);
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int wait_cancelled(struct error *err)
{
    return error_set(err, ERR_CANCELLED, SCOPE_CANCELLED, "stopped on request");
}

int wait_ready(struct pollfd *fds, size_t count, int64_t deadline_ms, const struct wake *wake,
               const struct clock *clock, struct error *err)
{
    struct pollfd all[WAIT_FDS_MAX + 1];
    assert(count <= WAIT_FDS_MAX);
    memcpy(all, fds, count * sizeof *fds);
    /* poll leaves negative descriptors out. */
    all[count] = (struct pollfd){.fd = wake == NULL ? -1 : wake->fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(all, count + 1, remaining_ms(deadline_ms, clock));
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) {
        return error_set_errno(err, ERR_NETWORK, SCOPE_CONNECTION, errno, "cannot poll");
    }
    if (all[count].revents != 0) {
        return wait_cancelled(err);
    }
    if (ready == 0) {
        return error_set(err, ERR_TIMEOUT, SCOPE_CONNECTION, "no answer in time");
    }
    memcpy(fds, all, count * sizeof *fds);
    return 0;
}
