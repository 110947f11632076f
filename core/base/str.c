#include "base/str.h"

static unsigned char fold(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + 32) : byte;
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len && str_starts_nocase(a, b);
}

int str_cmp(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_make(s.ptr, prefix.len), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    if (s.len < prefix.len) {
        return false;
    }
    for (size_t i = 0; i < prefix.len; i++) {
        if (fold(s.ptr[i]) != fold(prefix.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_from_offset(s, s.len - suffix.len), suffix);
}

struct str str_from_offset(struct str s, size_t start)
{
    if (start == 0 || s.len == 0) {
        return s;
    }
    size_t skip = start < s.len ? start : s.len;
    return str_make(s.ptr + skip, s.len - skip);
}

struct str str_sub(struct str s, size_t start, size_t len)
{
    struct str rest = str_from_offset(s, start);
    return str_make(rest.ptr, len < rest.len ? len : rest.len);
}

ptrdiff_t str_find(struct str s, char c)
{
    const char *found = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);
    return found == NULL ? -1 : found - s.ptr;
}

ptrdiff_t str_rfind(struct str s, char c)
{
    const char *found = s.len == 0 ? NULL : memrchr(s.ptr, c, s.len);
    return found == NULL ? -1 : found - s.ptr;
}

bool str_split(struct str *rest, char c, struct str *head)
{
    if (rest->len == 0) {
        return false;
    }
    ptrdiff_t at = str_find(*rest, c);
    if (at < 0) {
        *head = *rest;
        *rest = str_from_offset(*rest, rest->len);
        return true;
    }
    *head = str_make(rest->ptr, (size_t)at);
    *rest = str_from_offset(*rest, (size_t)at + 1);
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s = str_from_offset(s, 1);
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool str_to_u64(struct str s, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            return false;
        }
    }
    if (s.len == 0) {
        return false;
    }
    *out = value;
    return true;
}

bool str_to_u32(struct str s, uint32_t *out)
{
    uint64_t value;
    if (!str_to_u64(s, &value) || value > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

/* Length by the first byte, and the range of the second, which is where overlong forms, surrogates
 * and what lies beyond U+10FFFF show (Unicode, table 3-7). */
struct utf8_form {
    unsigned char first_min, first_max, len, second_min, second_max;
};

static const struct utf8_form utf8_forms[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* NULL for a byte that begins no character. */
static const struct utf8_form *utf8_form_of(unsigned char first)
{
    for (size_t i = 0; i < sizeof utf8_forms / sizeof *utf8_forms; i++) {
        if (first >= utf8_forms[i].first_min && first <= utf8_forms[i].first_max) {
            return &utf8_forms[i];
        }
    }
    return NULL;
}

/* How many of the bytes of `form` stand in `s`, the first included. */
static size_t utf8_matched(struct str s, const struct utf8_form *form)
{
    size_t n = 1;
    for (; n < form->len && n < s.len; n++) {
        unsigned char byte = (unsigned char)s.ptr[n];
        unsigned char min = n == 1 ? form->second_min : 0x80;
        unsigned char max = n == 1 ? form->second_max : 0xbf;
        if (byte < min || byte > max) {
            break;
        }
    }
    return n;
}

size_t str_utf8_char(struct str s)
{
    const struct utf8_form *form = s.len == 0 ? NULL : utf8_form_of((unsigned char)s.ptr[0]);
    if (form == NULL || utf8_matched(s, form) < form->len) {
        return 0;
    }
    return form->len;
}

bool str_is_utf8(struct str s)
{
    size_t i = 0;
    while (i < s.len) {
        size_t len = str_utf8_char(str_from_offset(s, i));
        if (len == 0) {
            return false;
        }
        i += len;
    }
    return true;
}

bool str_is_ascii(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* Whether `s` is a beginning of a character and nothing else. */
static bool utf8_cut_off(struct str s)
{
    const struct utf8_form *form = utf8_form_of((unsigned char)s.ptr[0]);
    return form != NULL && s.len < form->len && utf8_matched(s, form) == s.len;
}

static bool is_control(struct str character)
{
    unsigned char first = (unsigned char)character.ptr[0];
    if (character.len == 1) {
        return first < 0x20 || first == 0x7f;
    }
    return character.len == 2 && first == 0xc2 && (unsigned char)character.ptr[1] < 0xa0;
}

size_t str_make_printable(char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        struct str rest = str_make(text + i, len - i);
        size_t n = str_utf8_char(rest);
        if (n == 0 && utf8_cut_off(rest)) {
            return i;
        }
        if (n == 0) {
            text[i] = '?';
            n = 1;
        } else if (is_control(str_make(rest.ptr, n))) {
            memset(text + i, ' ', n);
        }
        i += n;
    }
    return len;
}

uint64_t str_hash(struct str s)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < s.len; i++) {
        hash = (hash ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}
