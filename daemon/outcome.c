#include "daemon/outcome.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HINT_MOST_MS (24 * 60 * MINUTE_MS)

static const struct {
    const char *name;
    struct backoff backoff;
} FATE_ROWS[FATES] = {
    [FATE_OK] = {"ok", {SECOND_MS, SECOND_MS}},
    [FATE_STOPPED] = {"stopped", {SECOND_MS, SECOND_MS}},
    [FATE_NETWORK] = {"network", {2 * SECOND_MS, 5 * MINUTE_MS}},
    [FATE_BUSY] = {"busy", {MINUTE_MS, 15 * MINUTE_MS}},
    [FATE_REFUSED] = {"refused", {5 * MINUTE_MS, 60 * MINUTE_MS}},
    [FATE_PROTOCOL] = {"protocol", {20 * SECOND_MS, 15 * MINUTE_MS}},
    [FATE_LOCAL] = {"local", {10 * SECOND_MS, 5 * MINUTE_MS}},
    [FATE_LACKING] = {"lacking", {SECOND_MS, SECOND_MS}},
    [FATE_PARTIAL] = {"partial", {30 * SECOND_MS, 15 * MINUTE_MS}},
};

static const enum fate BY_CODE[] = {
    [ERR_NONE] = FATE_OK,         [ERR_NETWORK] = FATE_NETWORK,     [ERR_TLS] = FATE_NETWORK,
    [ERR_TIMEOUT] = FATE_NETWORK, [ERR_CANCELLED] = FATE_STOPPED,   [ERR_PROTOCOL] = FATE_PROTOCOL,
    [ERR_NO] = FATE_PROTOCOL,     [ERR_BAD] = FATE_PROTOCOL,        [ERR_BYE] = FATE_NETWORK,
    [ERR_STATE] = FATE_PROTOCOL,  [ERR_CAPABILITY] = FATE_PROTOCOL, [ERR_AUTH] = FATE_REFUSED,
    [ERR_CONFIG] = FATE_LOCAL,    [ERR_USAGE] = FATE_LOCAL,         [ERR_WRITE] = FATE_LOCAL,
    [ERR_READ] = FATE_LOCAL,      [ERR_NOT_FOUND] = FATE_LOCAL,     [ERR_EXISTS] = FATE_LOCAL,
    [ERR_CHANGED] = FATE_LOCAL,   [ERR_REFUSED] = FATE_LOCAL,       [ERR_DAMAGED] = FATE_LOCAL,
    [ERR_LOCKED] = FATE_LOCAL,    [ERR_UNSUPPORTED] = FATE_LOCAL,   [ERR_SKIPPED] = FATE_LOCAL,
    [ERR_DEFECT] = FATE_LOCAL,
};

/* RFC 5530, RFC 9051: what is said of a passing state of the server. */
static const char *const BUSY_CODES[] = {"LIMIT", "INUSE", "UNAVAILABLE", "SERVERBUG"};
static const char *const BUSY_WORDS[] = {"throttled", "Suggested Backoff Time",
                                         "too many simultaneous connections",
                                         "Maximum number of connections"};

static bool says_busy(const struct error *err)
{
    for (size_t i = 0; i < sizeof BUSY_CODES / sizeof *BUSY_CODES; i++)
        if (strcasecmp(err->response_code, BUSY_CODES[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof BUSY_WORDS / sizeof *BUSY_WORDS; i++)
        if (strcasestr(err->text, BUSY_WORDS[i]) != NULL)
            return true;
    return false;
}

enum fate fate_of(const struct error *err)
{
    bool peer = err->code == ERR_NO || err->code == ERR_BAD || err->code == ERR_BYE;
    if (peer && says_busy(err))
        return FATE_BUSY;
    return BY_CODE[err->code];
}

const char *fate_name(enum fate fate)
{
    return FATE_ROWS[fate].name;
}

const struct backoff *fate_backoff(enum fate fate)
{
    return &FATE_ROWS[fate].backoff;
}

int64_t hint_ms(const struct error *err)
{
    static const char words[] = "Suggested Backoff Time";
    const char *at = strcasestr(err->text, words);
    if (at == NULL)
        return 0;
    at += strlen(words);
    while (*at != '\0' && !isdigit((unsigned char)*at))
        at++;
    int64_t value = 0;
    for (; isdigit((unsigned char)*at) && value <= HINT_MOST_MS; at++)
        value = value * 10 + (*at - '0');
    while (*at == ' ')
        at++;
    if (strncasecmp(at, "s", 1) == 0)
        value = value > HINT_MOST_MS / SECOND_MS ? HINT_MOST_MS : value * SECOND_MS;
    return value > HINT_MOST_MS ? HINT_MOST_MS : value;
}

bool fate_is_limit(const struct error *err)
{
    return fate_of(err) == FATE_BUSY && (strcasecmp(err->response_code, "LIMIT") == 0 ||
                                         strcasestr(err->text, "connections") != NULL);
}
