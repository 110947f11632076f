#include "imap/mime_decode.h"
#include "base/base64.h"
#include "wire/chars.h"
#include <errno.h>
#include <iconv.h>

/* RFC 2047 allows 75 characters; what mail holds is sometimes longer. */
#define WORD_BYTES ((size_t)1024)
#define CHARSET_BYTES ((size_t)40)
/* U+FFFD */
#define REPLACEMENT "\xef\xbf\xbd"

/* ---- transfer encodings ---- */

bool mime_decode_base64(struct arena *arena, struct str text, struct str *out)
{
    struct buf clean AUTO_BUF = BUF_INIT(text.len + 4);
    struct buf bytes AUTO_BUF = BUF_INIT(text.len + 4);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c != '\r' && c != '\n' && c != ' ' && c != '\t') {
            buf_add_byte(&clean, c);
        }
    }
    while (clean.len % 4 != 0) {
        buf_add_byte(&clean, '=');
    }
    if (!base64_decode(&bytes, buf_str(&clean))) {
        return false;
    }
    *out = arena_str(arena, buf_str(&bytes));
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)char_upper((unsigned char)c);
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "=41" at `s`; -1 for what is none. */
static int hex_pair(struct str s)
{
    if (s.len < 3) {
        return -1;
    }
    int high = hex_digit(s.ptr[1]);
    int low = hex_digit(s.ptr[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Bytes of a line end at `s`, white space before it included; 0 if there is none. */
static size_t soft_break(struct str s)
{
    size_t n = 0;
    while (n < s.len && (s.ptr[n] == ' ' || s.ptr[n] == '\t')) {
        n++;
    }
    if (n < s.len && s.ptr[n] == '\r') {
        n++;
    }
    return n < s.len && s.ptr[n] == '\n' ? n + 1 : 0;
}

struct str mime_decode_quoted_printable(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    size_t i = 0;
    while (i < text.len) {
        char c = text.ptr[i];
        if (c != '=') {
            out[len++] = c;
            i++;
            continue;
        }
        struct str rest = str_from_offset(text, i);
        int byte = hex_pair(rest);
        size_t line_end = byte < 0 ? soft_break(str_from_offset(rest, 1)) : 0;
        if (byte >= 0) {
            out[len++] = (char)byte;
            i += 3;
        } else if (line_end > 0) {
            i += 1 + line_end;
        } else {
            i += rest.len == 1 ? 1 : 0; /* at the very end: a soft break cut off */
            if (rest.len > 1) {
                out[len++] = c;
                i++;
            }
        }
    }
    return str_make(out, len);
}

bool mime_decode_transfer(struct arena *arena, struct str encoding, struct str body,
                          struct str *out)
{
    if (str_eq_nocase(encoding, STR("base64"))) {
        return mime_decode_base64(arena, body, out);
    }
    if (str_eq_nocase(encoding, STR("quoted-printable"))) {
        *out = mime_decode_quoted_printable(arena, body);
        return true;
    }
    *out = body;
    return str_eq_nocase(encoding, STR("7bit")) || str_eq_nocase(encoding, STR("8bit")) ||
           str_eq_nocase(encoding, STR("binary"));
}

/* ---- character sets ---- */

static struct str clean_utf8(struct arena *arena, struct str bytes)
{
    if (str_is_utf8(bytes)) {
        return bytes;
    }
    struct buf out AUTO_BUF = BUF_INIT(3 * bytes.len);
    for (size_t i = 0; i < bytes.len;) {
        size_t n = str_utf8_char(str_sub(bytes, i, 4));
        buf_add_str(&out, n > 0 ? str_sub(bytes, i, n) : STR(REPLACEMENT));
        i += n > 0 ? n : 1;
    }
    return arena_str(arena, buf_str(&out));
}

/* Names of character sets only: iconv takes options and paths in them. */
static bool charset_is_name(struct str charset)
{
    for (size_t i = 0; i < charset.len; i++) {
        if (!char_is(charset.ptr[i], CHAR_NAME) && charset.ptr[i] != ':') {
            return false;
        }
    }
    return charset.len > 0 && charset.len <= CHARSET_BYTES;
}

static struct str convert(struct arena *arena, iconv_t conversion, struct str bytes)
{
    struct buf out AUTO_BUF = BUF_INIT(4 * bytes.len + 16);
    char *in = arena_alloc(arena, bytes.len + 1); /* iconv's argument is not const */
    size_t left = bytes.len;
    memcpy(in, bytes.ptr, left);
    while (left > 0 && !out.overflowed) {
        char piece[1024];
        char *to = piece;
        size_t room = sizeof piece;
        size_t r = iconv(conversion, &in, &left, &to, &room);
        buf_add(&out, piece, (size_t)(to - piece));
        if (r == (size_t)-1 && errno != E2BIG && left > 0) {
            buf_add_cstr(&out, REPLACEMENT);
            in++;
            left--;
        }
    }
    return arena_str(arena, buf_str(&out));
}

struct str mime_to_utf8(struct arena *arena, struct str charset, struct str bytes)
{
    if (str_is_ascii(bytes) && !str_starts_nocase(charset, STR("utf-16")) &&
        !str_starts_nocase(charset, STR("utf-7")) && !str_starts_nocase(charset, STR("iso-2022"))) {
        return bytes;
    }
    if (str_eq_nocase(charset, STR("utf-8")) || str_eq_nocase(charset, STR("us-ascii")) ||
        !charset_is_name(charset)) {
        return clean_utf8(arena, bytes);
    }
    iconv_t conversion = iconv_open("UTF-8", arena_str(arena, charset).ptr);
    if (conversion == (iconv_t)-1) {
        return clean_utf8(arena, bytes);
    }
    struct str out = convert(arena, conversion, bytes);
    (void)iconv_close(conversion);
    return clean_utf8(arena, out);
}

/* ---- encoded words ---- */

struct encoded_word {
    struct str charset;
    struct str text;
    bool base64;
};

/* The index of `c` in the first `limit` bytes; s.len if it is not there. */
static size_t find_within(struct str s, size_t limit, char c)
{
    struct str near = str_sub(s, 0, limit);
    ptrdiff_t at = str_find(near, c);
    return at < 0 ? s.len : (size_t)at;
}

/* "=?utf-8*de?Q?text?=" at the beginning of `s`; returns its length, or 0. */
static size_t word_parse(struct str s, struct encoded_word *out)
{
    if (!str_starts(s, STR("=?"))) {
        return 0;
    }
    struct str rest = str_from_offset(s, 2);
    size_t n = find_within(rest, CHARSET_BYTES + 20, '?');
    if (n == rest.len || rest.len < n + 4 || rest.ptr[n + 2] != '?') {
        return 0;
    }
    out->charset = str_sub(rest, 0, n);
    ptrdiff_t language = str_find(out->charset, '*'); /* RFC 2231 section 5 */
    if (language >= 0) {
        out->charset.len = (size_t)language;
    }
    char encoding = (char)char_upper((unsigned char)rest.ptr[n + 1]);
    out->base64 = encoding == 'B';
    if (encoding != 'B' && encoding != 'Q') {
        return 0;
    }
    rest = str_from_offset(rest, n + 3);
    size_t end = find_within(rest, WORD_BYTES, '?');
    if (end + 1 >= rest.len || rest.ptr[end + 1] != '=') {
        return 0;
    }
    out->text = str_sub(rest, 0, end);
    return (size_t)(rest.ptr + end + 2 - s.ptr);
}

/* Appends the bytes it stands for; those of broken base64 are its own text. */
static void word_decode(struct arena *arena, const struct encoded_word *word, struct buf *out)
{
    struct str bytes = word->text;
    if (word->base64) {
        (void)mime_decode_base64(arena, word->text, &bytes);
        buf_add_str(out, bytes);
        return;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        int byte = bytes.ptr[i] == '=' ? hex_pair(str_from_offset(bytes, i)) : -1;
        if (byte >= 0) {
            buf_add_byte(out, (char)byte);
            i += 2;
        } else {
            buf_add_byte(out, (char)(bytes.ptr[i] == '_' ? ' ' : bytes.ptr[i]));
        }
    }
}

static size_t count_spaces(struct str s)
{
    size_t n = 0;
    while (n < s.len && (s.ptr[n] == ' ' || s.ptr[n] == '\t')) {
        n++;
    }
    return n;
}

/* A run of words of one charset, whose characters may be split between them; returns its length. */
static size_t run_decode(struct arena *arena, struct str s, struct buf *out)
{
    struct encoded_word first;
    struct encoded_word word;
    struct buf bytes AUTO_BUF = BUF_INIT(s.len);
    size_t done = word_parse(s, &first);
    if (done == 0) {
        return 0;
    }
    word_decode(arena, &first, &bytes);
    for (;;) {
        struct str rest = str_from_offset(s, done);
        size_t spaces = count_spaces(rest);
        size_t n = word_parse(str_from_offset(rest, spaces), &word);
        if (n == 0) {
            break;
        }
        done += spaces; /* white space between encoded words is none */
        if (!str_eq_nocase(word.charset, first.charset)) {
            break;
        }
        word_decode(arena, &word, &bytes);
        done += n;
    }
    buf_add_str(out, mime_to_utf8(arena, first.charset, buf_str(&bytes)));
    return done;
}

struct str mime_decode_words(struct arena *arena, struct str value)
{
    if (str_find(value, '=') < 0) {
        return clean_utf8(arena, value);
    }
    struct buf out AUTO_BUF = BUF_INIT(4 * value.len + 16);
    for (size_t i = 0; i < value.len;) {
        struct str rest = str_from_offset(value, i);
        size_t plain = find_within(rest, rest.len, '=');
        buf_add_str(&out, str_sub(rest, 0, plain));
        size_t n = run_decode(arena, str_from_offset(rest, plain), &out);
        if (n == 0 && plain < rest.len) {
            buf_add_byte(&out, '=');
            n = 1;
        }
        i += plain + n;
    }
    return clean_utf8(arena, arena_str(arena, buf_str(&out)));
}
