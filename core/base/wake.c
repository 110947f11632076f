#include "base/wake.h"
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int wake_init(struct wake *wake, struct error *err)
{
    wake->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake->fd < 0) {
        return error_set_errno(err, ERR_READ, SCOPE_ACCOUNT, errno, "cannot make an eventfd");
    }
    return 0;
}

void wake_close(struct wake *wake)
{
    if (wake->fd >= 0) {
        (void)close(wake->fd);
    }
    wake->fd = -1;
}

void wake_signal(const struct wake *wake)
{
    /* From a signal handler too: errno is kept. EAGAIN means that it is signalled already. */
    int saved_errno = errno;
    uint64_t one = 1;
    ssize_t ignored = write(wake->fd, &one, sizeof one);
    (void)ignored;
    errno = saved_errno;
}

bool wake_is_signalled(const struct wake *wake)
{
    struct pollfd pfd = {.fd = wake->fd, .events = POLLIN};
    return poll(&pfd, 1, 0) == 1;
}

void wake_clear(const struct wake *wake)
{
    uint64_t count;
    ssize_t ignored = read(wake->fd, &count, sizeof count);
    (void)ignored;
}
