#include "net/listen.h"
#include "base/str.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64

static uint16_t port_of(int fd)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0) {
        return 0;
    }
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, &bound, sizeof v4);
    memcpy(&v6, &bound, sizeof v6);
    return ntohs(bound.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
}

/* The descriptor, or -1 with errno. */
static int listen_on(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int os_errno = errno;
        (void)close(fd);
        errno = os_errno;
        return -1;
    }
    return fd;
}

int listen_tcp(const char *host, uint16_t port, int *fd_out, uint16_t *port_out, struct error *err)
{
    char service[8];
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int status = getaddrinfo(host, service, &hints, &addresses);
    if (status != 0) {
        return error_set(err, ERR_NETWORK, SCOPE_ACCOUNT, "cannot listen on %s: %s", host,
                         gai_strerror(status));
    }
    int fd = -1;
    for (const struct addrinfo *a = addresses; a != NULL && fd < 0; a = a->ai_next) {
        fd = listen_on(a);
    }
    int os_errno = errno;
    freeaddrinfo(addresses);
    if (fd < 0) {
        return error_set_errno(err, ERR_NETWORK, SCOPE_ACCOUNT, os_errno, "cannot listen on %s:%u",
                               host, (unsigned)port);
    }
    *fd_out = fd;
    *port_out = port_of(fd);
    return 0;
}
