#include "base/alloc.h"
#include "net/stream_private.h"
#include "net/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0) {
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
}

static bool is_socket(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 && S_ISSOCK(found.st_mode);
}

void fd_pair_init(struct fd_pair *pair, int in_fd, int out_fd)
{
    set_nonblocking(in_fd);
    set_nonblocking(out_fd);
    *pair = (struct fd_pair){in_fd, out_fd, is_socket(out_fd)};
}

void fd_pair_close(struct fd_pair *pair)
{
    if (pair->out >= 0 && pair->out != pair->in) {
        (void)close(pair->out);
    }
    if (pair->in >= 0) {
        (void)close(pair->in);
    }
    pair->in = pair->out = -1;
}

static int lost(struct error *err, int os_errno)
{
    return error_set_errno(err, ERR_NETWORK, SCOPE_CONNECTION, os_errno, "connection lost");
}

ssize_t fd_pair_try_read(struct stream_layer *layer, void *out, size_t size, enum stream_want *want,
                         struct error *err)
{
    const struct fd_pair *pair = layer->self;
    ssize_t got;
    do {
        got = read(pair->in, out, size);
    } while (got < 0 && errno == EINTR);
    if (got >= 0) {
        return got;
    }
    if (errno == EAGAIN) {
        *want = STREAM_WANT_READ;
        return STREAM_AGAIN;
    }
    return lost(err, errno);
}

ssize_t fd_pair_try_write(struct stream_layer *layer, const void *data, size_t size,
                          enum stream_want *want, struct error *err)
{
    const struct fd_pair *pair = layer->self;
    ssize_t taken;
    do {
        taken = pair->out_is_socket ? send(pair->out, data, size, MSG_NOSIGNAL)
                                    : write(pair->out, data, size);
    } while (taken < 0 && errno == EINTR);
    if (taken >= 0) {
        return taken;
    }
    if (errno == EAGAIN) {
        *want = STREAM_WANT_WRITE;
        return STREAM_AGAIN;
    }
    return lost(err, errno);
}

int fd_pair_wait(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
                 const struct wake *wake, const struct clock *clock, struct error *err)
{
    const struct fd_pair *pair = layer->self;
    short in_events = want & STREAM_WANT_READ ? POLLIN : 0;
    short out_events = want & STREAM_WANT_WRITE ? POLLOUT : 0;
    if (pair->in == pair->out) {
        struct pollfd one = {.fd = pair->in, .events = (short)(in_events | out_events)};
        return wait_ready(&one, 1, deadline_ms, wake, clock, err);
    }
    /* A descriptor that is not wanted is left out: POLLHUP alone would end each wait at once. */
    struct pollfd two[2] = {
        {.fd = in_events != 0 ? pair->in : -1, .events = in_events},
        {.fd = out_events != 0 ? pair->out : -1, .events = out_events},
    };
    return wait_ready(two, 2, deadline_ms, wake, clock, err);
}

static void close_pair(struct stream_layer *layer)
{
    fd_pair_close(layer->self);
    xfree(&layer->self);
}

static const struct stream_layer_ops fd_ops = {
    .name = "fd",
    .try_read = fd_pair_try_read,
    .try_write = fd_pair_try_write,
    .wait = fd_pair_wait,
    .close = close_pair,
};

struct stream *stream_from_pipes(int in_fd, int out_fd, const struct wake *wake,
                                 const struct clock *clock)
{
    struct fd_pair *pair = xmalloc(sizeof *pair);
    fd_pair_init(pair, in_fd, out_fd);
    struct stream *stream = stream_from_layer(&fd_ops, pair, wake, clock);
    stream->fd = in_fd;
    return stream;
}

struct stream *stream_from_fd(int fd, const struct wake *wake, const struct clock *clock)
{
    return stream_from_pipes(fd, fd, wake, clock);
}
