#include "net/socks.h"
#include "base/alloc.h"
#include "base/buf.h"
#include <arpa/inet.h>

#define SOCKS_PORT 1080
#define VERSION 5
#define VERSION_OF_PASSWORDS 1
#define METHOD_NONE 0
#define METHOD_PASSWORD 2
#define METHOD_REFUSED 0xff
#define COMMAND_CONNECT 1
#define ADDRESS_IPV4_BYTES 1
#define ADDRESS_NAME 3
#define ADDRESS_IPV6_BYTES 4
#define FIELD_MAX 255

/* ---- the proxy's address ---- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* With %XX; NULL where that is none, or a NUL. */
static char *decode(struct str text)
{
    char *out = xcalloc(text.len + 1, 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        out[len] = text.ptr[i];
        if (text.ptr[i] == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
            if (low < 0 || high + low == 0) {
                xfree(&out);
                return NULL;
            }
            out[len] = (char)(high * 16 + low);
            i += 2;
        }
        len++;
    }
    return out;
}

static bool parse_user(struct str text, struct socks_proxy *out)
{
    struct str password = text;
    struct str user = STR_EMPTY;
    if (!str_split(&password, ':', &user)) {
        return false;
    }
    out->user = decode(user);
    out->password = decode(password);
    return out->user != NULL && out->password != NULL && strlen(out->user) > 0 &&
           strlen(out->user) <= FIELD_MAX && strlen(out->password) <= FIELD_MAX;
}

static bool parse_host(struct str text, struct socks_proxy *out)
{
    struct str host = text;
    struct str port = STR_EMPTY;
    uint32_t number = SOCKS_PORT;
    bool bracketed = str_starts(text, STR("["));
    ptrdiff_t end = bracketed ? str_find(text, ']') : str_rfind(text, ':');
    if (bracketed && end > 0) {
        host = str_sub(text, 1, (size_t)end - 1);
        port = str_from_offset(text, (size_t)end + 1);
    } else if (end >= 0) {
        host = str_sub(text, 0, (size_t)end);
        port = str_from_offset(text, (size_t)end);
    }
    bool well_formed = host.len > 0 && host.len <= FIELD_MAX && !(bracketed && end < 0) &&
                       (port.len == 0 || port.ptr[0] == ':');
    if (port.len > 0) {
        well_formed = well_formed && str_to_u32(str_from_offset(port, 1), &number);
    }
    if (!well_formed || number == 0 || number > UINT16_MAX) {
        return false;
    }
    out->host = xstrndup(host.ptr, host.len);
    out->port = (uint16_t)number;
    return true;
}

int socks_proxy_parse(const char *text, struct socks_proxy *out, struct error *err)
{
    struct str rest = str_from(text);
    *out = (struct socks_proxy){0};
    bool known =
        str_starts_nocase(rest, STR("socks5://")) || str_starts_nocase(rest, STR("socks5h://"));
    bool ok = known;
    if (known) {
        rest = str_from_offset(rest, (size_t)str_find(rest, '/') + 2);
        if (str_ends(rest, STR("/"))) {
            rest.len--;
        }
        ptrdiff_t at = str_rfind(rest, '@');
        ok = at < 0 || parse_user(str_sub(rest, 0, (size_t)at), out);
        ok = ok && parse_host(str_from_offset(rest, (size_t)(at + 1)), out);
    }
    if (!ok) {
        socks_proxy_free(out);
        return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT,
                         "the proxy must be written socks5://[USER:PASSWORD@]HOST[:PORT]");
    }
    return 0;
}

void socks_proxy_free(struct socks_proxy *proxy)
{
    if (proxy->password != NULL) {
        explicit_bzero(proxy->password, strlen(proxy->password));
    }
    xfree(&proxy->host);
    xfree(&proxy->user);
    xfree(&proxy->password);
}

/* ---- the conversation ---- */

static int not_socks(struct error *err)
{
    return error_set(err, ERR_PROTOCOL, SCOPE_CONNECTION, "it does not speak SOCKS5");
}

static int read_bytes(struct stream *stream, unsigned char *out, size_t size, struct error *err)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = stream_read(stream, out + have, size - have, err);
        if (got == 0) {
            return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "it closed the connection");
        }
        if (got < 0) {
            return (int)got;
        }
        have += (size_t)got;
    }
    return 0;
}

static int send_password(struct stream *stream, const struct socks_proxy *proxy, struct error *err)
{
    struct buf request = BUF_INIT(2 * (FIELD_MAX + 1) + 1);
    (void)buf_reserve(&request, request.max);
    buf_add_byte(&request, VERSION_OF_PASSWORDS);
    buf_add_byte(&request, (char)strlen(proxy->user));
    buf_add_cstr(&request, proxy->user);
    buf_add_byte(&request, (char)strlen(proxy->password));
    buf_add_cstr(&request, proxy->password);
    int rc = stream_write(stream, request.data, request.len, err);
    explicit_bzero(request.data, request.cap);
    buf_free(&request);
    unsigned char answer[2];
    if (rc < 0 || (rc = read_bytes(stream, answer, sizeof answer, err)) < 0) {
        return rc;
    }
    return answer[1] == 0 ? 0
                          : error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "it refuses user or password");
}

static int greet(struct stream *stream, const struct socks_proxy *proxy, struct error *err)
{
    const unsigned char plain[] = {VERSION, 1, METHOD_NONE};
    const unsigned char either[] = {VERSION, 2, METHOD_NONE, METHOD_PASSWORD};
    unsigned char answer[2];
    int rc = proxy->user == NULL ? stream_write(stream, plain, sizeof plain, err)
                                 : stream_write(stream, either, sizeof either, err);
    if (rc < 0 || (rc = read_bytes(stream, answer, sizeof answer, err)) < 0) {
        return rc;
    }
    if (answer[0] != VERSION) {
        return not_socks(err);
    }
    if (answer[1] == METHOD_PASSWORD && proxy->user != NULL) {
        return send_password(stream, proxy, err);
    }
    if (answer[1] == METHOD_REFUSED) {
        return error_set(err, ERR_AUTH, SCOPE_ACCOUNT, "it wants a user and password%s",
                         proxy->user == NULL ? "" : " of another kind");
    }
    return answer[1] == METHOD_NONE ? 0 : not_socks(err);
}

static void add_address(struct buf *request, const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        buf_add_byte(request, ADDRESS_IPV4_BYTES);
        buf_add(request, &v4, sizeof v4);
    } else if (inet_pton(AF_INET6, host, &v6) == 1) {
        buf_add_byte(request, ADDRESS_IPV6_BYTES);
        buf_add(request, &v6, sizeof v6);
    } else {
        buf_add_byte(request, ADDRESS_NAME);
        buf_add_byte(request, (char)strlen(host));
        buf_add_cstr(request, host);
    }
}

static const char *reason(unsigned char reply)
{
    static const char *const words[] = {
        "",
        "general failure",
        "not allowed by its rules",
        "network unreachable",
        "host unreachable",
        "connection refused",
        "no answer in time",
        "it cannot connect",
        "it does not know this kind of address",
    };
    return reply < sizeof words / sizeof *words ? words[reply] : "unknown reason";
}

/* The address that the proxy tells as its own is of no use. */
static int read_reply(struct stream *stream, struct error *err)
{
    unsigned char head[4];
    unsigned char rest[1 + FIELD_MAX + 2];
    int rc = read_bytes(stream, head, sizeof head, err);
    if (rc < 0) {
        return rc;
    }
    if (head[0] != VERSION) {
        return not_socks(err);
    }
    if (head[1] != 0) {
        return error_set(err, ERR_NETWORK, SCOPE_CONNECTION, "%s", reason(head[1]));
    }
    size_t size = head[3] == ADDRESS_IPV4_BYTES ? 4 : head[3] == ADDRESS_IPV6_BYTES ? 16 : 0;
    if (head[3] == ADDRESS_NAME) {
        rc = read_bytes(stream, rest, 1, err);
        size = rest[0];
    } else if (size == 0) {
        return not_socks(err);
    }
    return rc < 0 ? rc : read_bytes(stream, rest, size + 2, err);
}

int socks_connect(struct stream *stream, const struct socks_proxy *proxy, const char *host,
                  uint16_t port, struct error *err)
{
    AUTO_BUF struct buf request = BUF_INIT(FIELD_MAX + 10);
    if (strlen(host) > FIELD_MAX) {
        return error_set(err, ERR_CONFIG, SCOPE_ACCOUNT, "%s is too long a name for SOCKS5", host);
    }
    int rc = greet(stream, proxy, err);
    if (rc < 0) {
        return rc;
    }
    buf_add_byte(&request, VERSION);
    buf_add_byte(&request, COMMAND_CONNECT);
    buf_add_byte(&request, '\0');
    add_address(&request, host);
    buf_add_byte(&request, (char)(port >> 8));
    buf_add_byte(&request, (char)(port & 0xff));
    rc = stream_write(stream, request.data, request.len, err);
    return rc < 0 ? rc : read_reply(stream, err);
}
