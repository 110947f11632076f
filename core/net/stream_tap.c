#include "base/alloc.h"
#include "net/stream_private.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define LINE_MAX_BYTES (16 * 1024)
#define LITERAL_SHOWN_BYTES 4096

/* How much of `{n}`, `{n+}` or `{n-}` at the end of a line has been seen. */
enum literal_scan { SCAN_TEXT, SCAN_DIGITS, SCAN_SIGN, SCAN_CLOSED };

/* One direction. */
struct side {
    char direction;
    struct buf line;
    uint64_t cut;     /* bytes of the line beyond its maximum */
    bool hidden_part; /* something of the line was left out as a secret */
    enum literal_scan scan;
    uint64_t literal_size; /* as far as scanned */
    uint64_t literal_left; /* bytes of a literal still to come, in which nothing is scanned for */
    bool literal_shown;
};

struct tap {
    const struct tap_sink *sink;
    struct side client;
    struct side server;
    bool hide;
};

static void emit(struct tap *tap, struct side *side)
{
    if (side->line.len > 0 && side->line.data[side->line.len - 1] == '\r') {
        side->line.len--;
    }
    /* The room for these words is beyond the maximum for the line's own bytes. */
    if (side->hidden_part) {
        bool apart = side->line.len == 0 || side->line.data[side->line.len - 1] == ' ';
        buf_add_cstr(&side->line, apart ? "[hidden]" : " [hidden]");
    }
    if (side->cut > 0) {
        buf_addf(&side->line, "[and %" PRIu64 " bytes]", side->cut);
    }
    tap->sink->line(tap->sink->self, side->direction, buf_str(&side->line));
    buf_clear(&side->line);
    side->cut = 0;
    side->hidden_part = false;
}

static bool side_is_empty(const struct side *side)
{
    return side->line.len == 0 && side->cut == 0 && !side->hidden_part;
}

static void scan(struct side *side, char c)
{
    if (c == '{') {
        side->scan = SCAN_DIGITS;
        side->literal_size = 0;
    } else if (side->scan == SCAN_DIGITS && c >= '0' && c <= '9' &&
               side->literal_size < UINT64_MAX / 100) {
        side->literal_size = side->literal_size * 10 + (uint64_t)(c - '0');
    } else if (side->scan == SCAN_DIGITS && (c == '+' || c == '-')) {
        side->scan = SCAN_SIGN;
    } else if ((side->scan == SCAN_DIGITS || side->scan == SCAN_SIGN) && c == '}') {
        side->scan = SCAN_CLOSED;
    } else if (side->scan != SCAN_CLOSED || c != '\r') {
        side->scan = SCAN_TEXT;
    }
}

static void begin_literal(struct tap *tap, struct side *side)
{
    side->scan = SCAN_TEXT;
    side->literal_left = side->literal_size;
    side->literal_shown = side->literal_size <= LITERAL_SHOWN_BYTES;
    if (!side->literal_shown) {
        buf_addf(&side->line, "[literal of %" PRIu64 " bytes]", side->literal_size);
        emit(tap, side);
    }
}

static void show_byte(struct tap *tap, struct side *side, char c)
{
    if (c == '\n') {
        emit(tap, side);
    } else if (side->line.len < LINE_MAX_BYTES) {
        buf_add_byte(&side->line, c);
    } else {
        side->cut++;
    }
}

static void side_bytes(struct tap *tap, struct side *side, struct str bytes)
{
    while (bytes.len > 0) {
        if (side->literal_left > 0 && !side->literal_shown) {
            size_t skip = side->literal_left < bytes.len ? (size_t)side->literal_left : bytes.len;
            side->literal_left -= skip;
            bytes = str_from_offset(bytes, skip);
            continue;
        }
        char c = bytes.ptr[0];
        bytes = str_from_offset(bytes, 1);
        bool line_ends_in_literal = c == '\n' && side->scan == SCAN_CLOSED;
        show_byte(tap, side, c);
        if (side->literal_left > 0) {
            side->literal_left--;
        } else if (line_ends_in_literal) {
            begin_literal(tap, side);
        } else {
            scan(side, c);
        }
    }
}

/* Only where lines end is looked at. */
static void hidden_bytes(struct tap *tap, struct side *side, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        side->hidden_part = true;
        if (bytes.ptr[i] == '\n') {
            emit(tap, side);
        }
    }
}

void tap_input(struct tap *tap, struct str bytes)
{
    side_bytes(tap, &tap->server, bytes);
}

void tap_output(struct tap *tap, struct str bytes)
{
    if (tap->hide) {
        hidden_bytes(tap, &tap->client, bytes);
    } else {
        side_bytes(tap, &tap->client, bytes);
    }
}

void tap_unread(struct tap *tap, struct str bytes)
{
    /* Compressed bytes behind an OK passed as if they were text. They come again, inflated. */
    struct side *side = &tap->server;
    size_t len = bytes.len < side->line.len ? bytes.len : side->line.len;
    side->line.len -= len;
    side->cut = 0;
    side->scan = SCAN_TEXT;
    side->literal_left = 0;
}

void tap_hide(struct tap *tap, bool hide)
{
    struct side *side = &tap->client;
    if (!hide && side->hidden_part) {
        emit(tap, side);
    }
    tap->hide = hide;
    side->scan = SCAN_TEXT;
    side->literal_left = 0;
}

void tap_free(struct tap **tap)
{
    if (*tap == NULL) {
        return;
    }
    struct side *sides[] = {&(*tap)->client, &(*tap)->server};
    for (size_t i = 0; i < 2; i++) {
        if (!side_is_empty(sides[i])) {
            emit(*tap, sides[i]);
        }
        buf_free(&sides[i]->line);
    }
    xfree(tap);
}

struct tap *stream_push_tap(struct stream *stream, const struct tap_sink *sink)
{
    assert(stream->tap == NULL);
    struct tap *tap = xcalloc(1, sizeof *tap);
    tap->sink = sink;
    tap->client.direction = 'C';
    tap->server.direction = 'S';
    buf_init(&tap->client.line, LINE_MAX_BYTES + 256);
    buf_init(&tap->server.line, LINE_MAX_BYTES + 256);
    stream->tap = tap;
    return tap;
}
