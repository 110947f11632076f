#include "store/message_digest.h"
#include "base/alloc.h"
#include <assert.h>

/* In lower case, sorted for the eye. None is longer than NAME_MAX_BYTES. */
static const char *const left_out[] = {
    "content-length",
    "lines",
    "status",
    "x-evolution",
    "x-evolution-source",
    "x-imap",
    "x-imapbase",
    "x-keywords",
    "x-mozilla-keys",
    "x-mozilla-status",
    "x-mozilla-status2",
    "x-offlineimap",
    "x-status",
    "x-tuid",
    "x-uid",
    "x-uidl",
};
#define NAME_MAX_BYTES 24

enum place {
    AT_LINE_START, /* of the header; the first bytes of the line are in `name` */
    IN_KEPT_LINE,
    IN_LEFT_LINE,
    IN_BODY,
};

struct message_digester {
    struct digester *header;
    struct digester *body;
    enum place place;
    bool leaving; /* the field that a continuation line would belong to is left out */
    char name[NAME_MAX_BYTES];
    size_t name_len;
    struct message_traits traits;
};

struct message_digester *message_digester_new(void)
{
    struct message_digester *d = xcalloc(1, sizeof *d);
    d->header = digester_new();
    d->body = digester_new();
    d->place = AT_LINE_START;
    return d;
}

void message_digester_free(struct message_digester **d)
{
    if (*d == NULL) {
        return;
    }
    digester_free(&(*d)->header);
    digester_free(&(*d)->body);
    xfree(d);
}

static void begin(struct message_digester *d)
{
    d->place = AT_LINE_START;
    d->leaving = false;
    d->name_len = 0;
    d->traits = (struct message_traits){0};
}

void message_digester_reset(struct message_digester *d)
{
    digester_reset(d->header);
    digester_reset(d->body);
    begin(d);
}

static bool is_left_out(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        if (str_eq_nocase(str_make(name, len), str_from(left_out[i]))) {
            return true;
        }
    }
    return false;
}

/* What was gathered of the line is decided on; it belongs to the header if it is kept. */
static void decide(struct message_digester *d, bool leaving)
{
    d->leaving = leaving;
    d->place = leaving ? IN_LEFT_LINE : IN_KEPT_LINE;
    if (!leaving) {
        digester_add(d->header, d->name, d->name_len);
    } else {
        d->traits.left_out_bytes += d->name_len;
    }
    d->name_len = 0;
}

static bool is_of_sync_tool(const char *name, size_t len)
{
    struct str given = str_make(name, len);
    return str_eq_nocase(given, STR("x-tuid")) || str_eq_nocase(given, STR("x-offlineimap"));
}

/* One byte at the start of a line, until it is known what line it is. */
static void gather(struct message_digester *d, char c)
{
    if (d->name_len == 0 && (c == ' ' || c == '\t')) {
        d->name[d->name_len++] = c;
        decide(d, d->leaving);
        return;
    }
    if (c == '\n' && (d->name_len == 0 || (d->name_len == 1 && d->name[0] == '\r'))) {
        d->place = IN_BODY;
        d->name_len = 0;
        return;
    }
    bool leaving = c == ':' && is_left_out(d->name, d->name_len);
    d->traits.from_sync_tool |= leaving && is_of_sync_tool(d->name, d->name_len);
    assert(d->name_len < sizeof d->name);
    d->name[d->name_len++] = c;
    if (c == ':' || c == '\n' || d->name_len == sizeof d->name) {
        decide(d, leaving);
    }
    if (c == '\n') {
        d->place = AT_LINE_START;
    }
}

void message_digester_add(struct message_digester *d, const void *data, size_t len)
{
    const char *at = data;
    const char *end = at + len;
    while (at < end && d->place != IN_BODY) {
        if (d->place == AT_LINE_START) {
            gather(d, *at++);
            continue;
        }
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline == NULL ? end : newline + 1;
        if (d->place == IN_KEPT_LINE) {
            digester_add(d->header, at, (size_t)(next - at));
        } else {
            d->traits.left_out_bytes += (size_t)(next - at);
        }
        if (newline != NULL) {
            d->place = AT_LINE_START;
        }
        at = next;
    }
    if (at < end) {
        digester_add(d->body, at, (size_t)(end - at));
    }
}

struct message_traits message_digester_traits(const struct message_digester *d)
{
    return d->traits;
}

void message_digester_finish(struct message_digester *d, struct digest *header, struct digest *body)
{
    digester_add(d->header, d->name, d->name_len);
    *header = digester_finish(d->header);
    *body = digester_finish(d->body);
    begin(d);
}
