#pragma once
/* SOCKS5 (RFC 1928, RFC 1929), as a client; the proxy looks names up. */
#include "net/stream.h"

struct socks_proxy {
    char *host;
    uint16_t port;
    char *user; /* NULL: none */
    char *password;
};

/* "socks5://[USER:PASSWORD@]HOST[:PORT]", also socks5h; %XX in user and password, an address of
 * IPv6 in brackets, port 1080. ERR_CONFIG, without the password. Free with socks_proxy_free. */
int socks_proxy_parse(const char *text, struct socks_proxy *out, struct error *err);
void socks_proxy_free(struct socks_proxy *proxy);

/* Has the proxy at the other end of `stream` connect it to `host`. ERR_NETWORK with its reason,
 * ERR_PROTOCOL where it is no such proxy, ERR_AUTH where it refuses the user. */
int socks_connect(struct stream *stream, const struct socks_proxy *proxy, const char *host,
                  uint16_t port, struct error *err);
