#pragma once
/* Making a connection: name lookup (in a thread of its own, so that it can be cancelled), addresses
 * tried in turn, a SOCKS5 proxy, a tunnel command. */
#include "net/stream.h"

enum address_family { ADDRESS_ANY, ADDRESS_IPV4, ADDRESS_IPV6 };

/* When a dead peer is noticed; 0: the default. */
struct dial_keepalive {
    int idle_s;            /* silence before the first probe: 120 */
    int interval_s;        /* between probes: 20 */
    int count;             /* probes without an answer: 3 */
    int unacknowledged_ms; /* TCP_USER_TIMEOUT: 90000 */
};

struct dial_options {
    const char *host;
    uint16_t port;
    enum address_family family;
    const char *tunnel; /* NULL, or a command for sh whose standard input and output are the peer */
    const char *proxy;  /* NULL, or as socks_proxy_parse has it: it looks up `host` then */
    struct dial_keepalive keepalive;
    int64_t deadline_ms;
    const struct wake *wake; /* may be NULL */
    const struct clock *clock;
};

/* A connected stream with keep-alive and TCP_NODELAY. Errors: ERR_NETWORK naming host, port and,
 * for several addresses, what each said; of a proxy that it is its; ERR_TIMEOUT; ERR_CANCELLED;
 * ERR_CONFIG for a proxy that is none. The stream keeps the deadline
 * until another one is set. */
int dial(const struct dial_options *options, struct stream **out, struct error *err);
/* How long the connect() that succeeded took, for `compress: auto`; 0 for tunnels. */
int64_t stream_connect_us(const struct stream *stream);

/* True for 127.0.0.0/8, ::1 and "localhost". */
bool host_is_loopback(const char *host);
