#include "imap/mailbox_name.h"
#include <assert.h>

/* Base 64 with `,` for `/`, and no padding. */
static const char base64_digits[64] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int base64_value(char c)
{
    const char *at = memchr(base64_digits, c, sizeof base64_digits);
    return at == NULL ? -1 : (int)(at - base64_digits);
}

static bool is_direct(char c)
{
    return c >= ' ' && c <= '~' && c != '&';
}

/* ---- encoding ---- */

struct utf7_writer {
    char *text;
    size_t len;
    uint32_t bits; /* not yet written, right-aligned */
    unsigned bits_len;
    bool shifted;
};

static void utf7_put16(struct utf7_writer *w, uint32_t unit)
{
    if (!w->shifted) {
        w->text[w->len++] = '&';
        w->shifted = true;
    }
    w->bits = w->bits << 16 | unit;
    w->bits_len += 16;
    while (w->bits_len >= 6) {
        w->bits_len -= 6;
        w->text[w->len++] = base64_digits[w->bits >> w->bits_len & 63];
    }
}

static void utf7_unshift(struct utf7_writer *w)
{
    if (!w->shifted) {
        return;
    }
    if (w->bits_len > 0) {
        w->text[w->len++] = base64_digits[w->bits << (6 - w->bits_len) & 63];
    }
    w->text[w->len++] = '-';
    w->bits = w->bits_len = 0;
    w->shifted = false;
}

static uint32_t utf8_code_point(const char *p, size_t len)
{
    static const unsigned char lead_mask[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)p[0] & lead_mask[len];
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | ((unsigned char)p[i] & 0x3f);
    }
    return code;
}

bool mailbox_name_encode(struct arena *arena, struct str utf8, struct str *out)
{
    /* A byte outside ASCII's printable part makes at most 5: `&`, three digits, `-`. */
    struct utf7_writer w = {.text = arena_array(arena, utf8.len + 1, 5)};
    size_t i = 0;
    while (i < utf8.len) {
        size_t n = str_utf8_char(str_from_offset(utf8, i));
        if (n == 0) {
            return false;
        }
        char c = utf8.ptr[i];
        if (is_direct(c) || c == '&') {
            utf7_unshift(&w);
            w.text[w.len++] = c;
            if (c == '&') {
                w.text[w.len++] = '-';
            }
        } else {
            uint32_t code = utf8_code_point(utf8.ptr + i, n);
            if (code >= 0x10000) {
                utf7_put16(&w, 0xd800 + ((code - 0x10000) >> 10));
                code = 0xdc00 + ((code - 0x10000) & 0x3ff);
            }
            utf7_put16(&w, code);
        }
        i += n;
    }
    utf7_unshift(&w);
    assert(w.len <= 5 * utf8.len);
    *out = str_make(w.text, w.len);
    return true;
}

/* ---- decoding ---- */

static size_t utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(lead[len] | code);
    return len;
}

/* The base 64 part of `s`, up to `-`, as UTF-8 behind `out`. */
static bool utf7_decode_shifted(struct str s, char *out, size_t *len)
{
    uint32_t bits = 0;
    unsigned bits_len = 0;
    uint32_t high = 0; /* a surrogate waiting for its second half */
    for (size_t i = 0; i < s.len; i++) {
        int value = base64_value(s.ptr[i]);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        bits_len += 6;
        if (bits_len < 16) {
            continue;
        }
        bits_len -= 16;
        uint32_t unit = bits >> bits_len & 0xffff;
        bool is_low = unit >= 0xdc00 && unit <= 0xdfff;
        if (unit == 0 || is_low != (high != 0)) {
            return false;
        }
        if (unit >= 0xd800 && unit <= 0xdbff) {
            high = unit;
            continue;
        }
        *len += utf8_put(out + *len,
                         is_low ? 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00) : unit);
        high = 0;
    }
    return high == 0;
}

static bool utf7_decode(struct str name, char *out, size_t *len)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] != '&') {
            out[(*len)++] = name.ptr[i];
            continue;
        }
        struct str rest = str_from_offset(name, i + 1);
        ptrdiff_t end = str_find(rest, '-');
        if (end < 0) {
            return false;
        }
        if (end == 0) {
            out[(*len)++] = '&';
        } else if (!utf7_decode_shifted(str_sub(rest, 0, (size_t)end), out, len)) {
            return false;
        }
        i += (size_t)end + 1;
    }
    return true;
}

bool mailbox_name_decode(struct arena *arena, struct str name, struct str *out)
{
    /* Eight digits are three UTF-16 units, and those at most nine bytes of UTF-8. */
    char *text = arena_array(arena, name.len + 1, 2);
    size_t len = 0;
    struct str again;
    *out = name;
    if (!utf7_decode(name, text, &len)) {
        return false;
    }
    assert(len <= 2 * name.len);
    if (!mailbox_name_encode(arena, str_make(text, len), &again) || !str_eq(again, name)) {
        return false;
    }
    text[len] = '\0';
    *out = str_make(text, len);
    return true;
}

/* ---- comparing ---- */

bool mailbox_name_is_inbox(struct str name)
{
    return str_eq_nocase(name, STR("INBOX"));
}

bool mailbox_name_matches(struct str name, struct str pattern, char delimiter)
{
    if (mailbox_name_is_inbox(name) && mailbox_name_is_inbox(pattern)) {
        return true;
    }
    /* Where to try again with one more byte for the last `*` and the last `%` behind it. */
    size_t star_at = SIZE_MAX, star_name = 0;
    size_t percent_at = SIZE_MAX, percent_name = 0;
    size_t p = 0, n = 0;
    while (p < pattern.len || n < name.len) {
        char c = p < pattern.len ? pattern.ptr[p] : '\0';
        if (p < pattern.len && c == '*') {
            star_at = ++p;
            star_name = n;
            percent_at = SIZE_MAX;
        } else if (p < pattern.len && c == '%') {
            percent_at = ++p;
            percent_name = n;
        } else if (p < pattern.len && n < name.len && c == name.ptr[n]) {
            p++;
            n++;
        } else if (percent_at != SIZE_MAX && percent_name < name.len &&
                   (delimiter == 0 || name.ptr[percent_name] != delimiter)) {
            p = percent_at;
            n = ++percent_name;
        } else if (star_at != SIZE_MAX && star_name < name.len) {
            p = star_at;
            n = ++star_name;
            percent_at = SIZE_MAX;
        } else {
            return false;
        }
    }
    return true;
}
