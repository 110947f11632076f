#include "net/dial.h"
#include "base/alloc.h"
#include "net/resolve.h"
#include "net/socks.h"
#include "net/stream_private.h"
#include "net/wait.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* More addresses than this are not tried. */
#define ATTEMPTS_MAX 8
/* The next address is tried when this one has not connected by then (RFC 8305 section 5). */
#define NEXT_ADDRESS_MS 250
#define ATTEMPT_NAME_MAX (INET6_ADDRSTRLEN + 16)

/* A dead peer is noticed within three minutes, idle or not. */
#define KEEPALIVE_IDLE_S 120
#define KEEPALIVE_INTERVAL_S 20
#define KEEPALIVE_COUNT 3
#define UNACKNOWLEDGED_MS 90000

enum attempt_state { ATTEMPT_WAITING, ATTEMPT_CONNECTING, ATTEMPT_FAILED, ATTEMPT_CONNECTED };

struct attempt {
    const struct addrinfo *address;
    enum attempt_state state;
    int fd; /* while connecting or connected */
    int os_errno;
    int64_t started_us;
};

struct dialing {
    const struct dial_options *options;
    struct attempt attempts[ATTEMPTS_MAX];
    size_t count;
    size_t started;
    int64_t next_start_ms; /* when the next address has its turn */
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Families take turns, in the order of the system's preference (RFC 8305 section 4). */
static void order_attempts(struct dialing *d, const struct addrinfo *addresses)
{
    const struct addrinfo *same = addresses;
    const struct addrinfo *other = addresses;
    int family = addresses->ai_family;
    bool turn_of_same = true;
    while (d->count < ATTEMPTS_MAX) {
        while (same != NULL && same->ai_family != family) {
            same = same->ai_next;
        }
        while (other != NULL && other->ai_family == family) {
            other = other->ai_next;
        }
        const struct addrinfo **from = turn_of_same ? &same : &other;
        if (*from == NULL) {
            from = turn_of_same ? &other : &same;
        }
        if (*from == NULL) {
            return;
        }
        d->attempts[d->count++] = (struct attempt){.address = *from, .fd = -1};
        *from = (*from)->ai_next;
        turn_of_same = !turn_of_same;
    }
}

static void attempt_end(struct attempt *attempt, enum attempt_state state, int os_errno)
{
    assert(attempt->state != ATTEMPT_FAILED);
    attempt->state = state;
    attempt->os_errno = os_errno;
    if (state == ATTEMPT_FAILED && attempt->fd >= 0) {
        (void)close(attempt->fd);
        attempt->fd = -1;
    }
}

static void attempt_start(struct attempt *attempt)
{
    const struct addrinfo *address = attempt->address;
    attempt->started_us = now_us();
    attempt->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (attempt->fd < 0 ||
        (connect(attempt->fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)) {
        attempt_end(attempt, ATTEMPT_FAILED, errno);
        return;
    }
    attempt->state = ATTEMPT_CONNECTING;
}

/* The descriptor is writable: connected, or failed. */
static void attempt_finish(struct attempt *attempt)
{
    int os_errno = 0;
    socklen_t size = sizeof os_errno;
    if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &os_errno, &size) < 0) {
        os_errno = errno;
    }
    attempt_end(attempt, os_errno == 0 ? ATTEMPT_CONNECTED : ATTEMPT_FAILED, os_errno);
}

static size_t in_flight(const struct dialing *d)
{
    size_t count = 0;
    for (size_t i = 0; i < d->started; i++) {
        count += d->attempts[i].state == ATTEMPT_CONNECTING;
    }
    return count;
}

/* Until an attempt ends, or the next address has its turn. */
static int wait_attempts(struct dialing *d, struct error *err)
{
    const struct dial_options *o = d->options;
    struct pollfd fds[ATTEMPTS_MAX];
    for (size_t i = 0; i < d->started; i++) {
        bool connecting = d->attempts[i].state == ATTEMPT_CONNECTING;
        fds[i] = (struct pollfd){.fd = connecting ? d->attempts[i].fd : -1, .events = POLLOUT};
    }
    bool more = d->started < d->count && d->next_start_ms < o->deadline_ms;
    int rc = wait_ready(fds, d->started, more ? d->next_start_ms : o->deadline_ms, o->wake,
                        o->clock, err);
    if (rc == -ERR_TIMEOUT && more) {
        error_clear(err);
        d->next_start_ms = INT64_MIN;
        return 0;
    }
    for (size_t i = 0; rc == 0 && i < d->started; i++) {
        if (fds[i].revents != 0) {
            attempt_finish(&d->attempts[i]);
        }
    }
    return rc;
}

static struct attempt *connected_attempt(struct dialing *d)
{
    for (size_t i = 0; i < d->started; i++) {
        if (d->attempts[i].state == ATTEMPT_CONNECTED) {
            return &d->attempts[i];
        }
    }
    return NULL;
}

/* 0: an attempt is connected, or all failed. */
static int connect_any(struct dialing *d, struct error *err)
{
    for (;;) {
        bool due = clock_monotonic_ms(d->options->clock) >= d->next_start_ms;
        if (d->started < d->count && (due || in_flight(d) == 0)) {
            attempt_start(&d->attempts[d->started++]);
            d->next_start_ms = clock_deadline(d->options->clock, NEXT_ADDRESS_MS);
            continue;
        }
        if (in_flight(d) == 0) {
            return 0;
        }
        int rc = wait_attempts(d, err);
        if (rc < 0 || connected_attempt(d) != NULL) {
            return rc;
        }
    }
}

static void attempt_name(const struct attempt *attempt, char out[ATTEMPT_NAME_MAX])
{
    if (getnameinfo(attempt->address->ai_addr, attempt->address->ai_addrlen, out, ATTEMPT_NAME_MAX,
                    NULL, 0, NI_NUMERICHOST) != 0) {
        memcpy(out, "?", 2);
    }
}

/* What each address said, behind where it was to lead. */
static int fail(const struct dialing *d, enum error_code code, struct error *err)
{
    AUTO_BUF struct buf said = BUF_INIT(ERROR_TEXT_MAX);
    int os_errno = 0;
    for (size_t i = 0; i < d->started; i++) {
        const struct attempt *attempt = &d->attempts[i];
        char name[ATTEMPT_NAME_MAX];
        attempt_name(attempt, name);
        buf_addf(&said, "%s%s: %s", i == 0 ? "" : "; ", name,
                 attempt->state == ATTEMPT_FAILED ? strerror(attempt->os_errno)
                                                  : "no answer in time");
        os_errno = attempt->os_errno != 0 ? attempt->os_errno : os_errno;
    }
    bool ipv6_literal = strchr(d->options->host, ':') != NULL;
    int rc = error_set(err, code, SCOPE_CONNECTION, "cannot connect to %s%s%s:%u: %.*s",
                       ipv6_literal ? "[" : "", d->options->host, ipv6_literal ? "]" : "",
                       (unsigned)d->options->port, STR_ARG(buf_str(&said)));
    err->os_errno = os_errno;
    return rc;
}

static int or_default(int wanted, int otherwise)
{
    return wanted > 0 ? wanted : otherwise;
}

/* Options that fail to be set cost nothing but late notice of a dead peer. */
static void set_options(int fd, const struct dial_keepalive *wanted)
{
    const struct {
        int level;
        int name;
        int value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, or_default(wanted->idle_s, KEEPALIVE_IDLE_S)},
        {IPPROTO_TCP, TCP_KEEPINTVL, or_default(wanted->interval_s, KEEPALIVE_INTERVAL_S)},
        {IPPROTO_TCP, TCP_KEEPCNT, or_default(wanted->count, KEEPALIVE_COUNT)},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, or_default(wanted->unacknowledged_ms, UNACKNOWLEDGED_MS)},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                         sizeof options[i].value);
    }
}

static struct stream *stream_of(const struct dialing *d, struct attempt *attempt)
{
    int64_t took_us = now_us() - attempt->started_us;
    set_options(attempt->fd, &d->options->keepalive);
    struct stream *stream = stream_from_fd(attempt->fd, d->options->wake, d->options->clock);
    stream->connect_us = took_us > 0 ? took_us : 1;
    attempt->fd = -1;
    return stream;
}

static int dial_tcp(const struct dial_options *options, struct stream **out, struct error *err)
{
    struct addrinfo *addresses = NULL;
    int rc = resolve(options, &addresses, err);
    if (rc < 0) {
        return rc;
    }
    struct dialing d = {.options = options, .next_start_ms = INT64_MIN};
    order_attempts(&d, addresses);
    rc = connect_any(&d, err);
    struct attempt *winner = connected_attempt(&d);
    if (rc == -ERR_TIMEOUT) {
        rc = fail(&d, ERR_TIMEOUT, err);
    } else if (rc == 0 && winner == NULL) {
        rc = fail(&d, ERR_NETWORK, err);
    } else if (rc == 0) {
        *out = stream_of(&d, winner);
    }
    for (size_t i = 0; i < d.started; i++) {
        if (d.attempts[i].fd >= 0) {
            (void)close(d.attempts[i].fd);
        }
    }
    freeaddrinfo(addresses);
    return rc;
}

static int dial_proxy(const struct dial_options *options, struct stream **out, struct error *err)
{
    struct socks_proxy proxy;
    int rc = socks_proxy_parse(options->proxy, &proxy, err);
    if (rc < 0) {
        return rc;
    }
    struct dial_options to_proxy = *options;
    to_proxy.host = proxy.host;
    to_proxy.port = proxy.port;
    rc = dial_tcp(&to_proxy, out, err);
    if (rc == 0) {
        stream_set_deadline(*out, options->deadline_ms);
        rc = socks_connect(*out, &proxy, options->host, options->port, err);
        if (rc < 0) {
            stream_close(out);
            (void)error_wrap(err, "to %s:%u", options->host, (unsigned)options->port);
        }
    }
    if (rc < 0 && rc != -ERR_CANCELLED) {
        (void)error_wrap(err, "by the proxy %s", proxy.host);
    }
    socks_proxy_free(&proxy);
    return rc;
}

int dial(const struct dial_options *options, struct stream **out, struct error *err)
{
    int rc = options->tunnel != NULL
                 ? tunnel_open(options->tunnel, options->wake, options->clock, out, err)
             : options->proxy != NULL ? dial_proxy(options, out, err)
                                      : dial_tcp(options, out, err);
    if (rc == 0) {
        stream_set_deadline(*out, options->deadline_ms);
    }
    return rc;
}

bool host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return strcasecmp(host, "localhost") == 0;
}
