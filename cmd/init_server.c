#include "base/clock.h"
#include "net/srv.h"
#include "cmd/init.h"

#define DNS_MS 10000

static void add(struct server_guesses *out, const char *host, uint16_t port, enum config_tls tls)
{
    out->items[out->len++] = (struct server_guess){.host = host, .port = port, .tls = tls};
}

/* "mail.example.org" lies in "example.org". */
static bool is_within(struct str host, struct str domain)
{
    if (host.len <= domain.len) {
        return str_eq_nocase(host, domain);
    }
    struct str end = str_from_offset(host, host.len - domain.len);
    return host.ptr[host.len - domain.len - 1] == '.' && str_eq_nocase(end, domain);
}

int server_guess(const char *domain, const char *dns, const struct wake *wake, struct arena *arena,
                 struct server_guesses *out, struct error *err)
{
    const struct srv_options options = {.server = dns,
                                        .deadline_ms = clock_deadline(&clock_system, DNS_MS),
                                        .clock = &clock_system,
                                        .wake = wake};
    struct srv_target target;
    *out = (struct server_guesses){0};
    int r = srv_find_imap(domain, &options, &target, err);
    if (r == 0) {
        add(out, arena_strdup(arena, target.host), target.port,
            target.implicit_tls ? CONFIG_TLS_IMPLICIT : CONFIG_TLS_STARTTLS);
        out->items[0].foreign = !is_within(str_from(target.host), str_from(domain));
        return 0;
    }
    if (err->code == ERR_CANCELLED || err->code == ERR_USAGE) {
        return r;
    }
    error_clear(err);
    add(out, arena_printf(arena, "imap.%s", domain), 0, CONFIG_TLS_IMPLICIT);
    add(out, arena_printf(arena, "mail.%s", domain), 0, CONFIG_TLS_IMPLICIT);
    add(out, arena_printf(arena, "imap.%s", domain), 0, CONFIG_TLS_STARTTLS);
    return 0;
}
