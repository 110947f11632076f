#pragma once
/* Where a domain says that its IMAP server is (RFC 6186, RFC 2782). DNS proves nothing: whoever
 * uses a host of another domain asks a person first. */
#include "base/clock.h"
#include "base/error.h"
#include "base/wake.h"
#include <stdint.h>

#define SRV_HOST_MAX 256

struct srv_target {
    char host[SRV_HOST_MAX];
    uint16_t port;
    bool implicit_tls; /* _imaps; else _imap, with STARTTLS */
};

struct srv_options {
    const char *server; /* "127.0.0.1:5353", asked instead of the system's; NULL: the system's */
    int64_t deadline_ms;
    const struct clock *clock;
    const struct wake *wake; /* may be NULL */
};

/* The target of the best priority and weight: of _imaps._tcp, else of _imap._tcp. ERR_NOT_FOUND
 * where there is none, ERR_NETWORK where no name server answers, ERR_TIMEOUT, ERR_CANCELLED,
 * ERR_USAGE for a `server` that is no address or cannot be chosen on this system. */
int srv_find_imap(const char *domain, const struct srv_options *options, struct srv_target *out,
                  struct error *err);
