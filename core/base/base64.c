#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct str data)
{
    const unsigned char *in = (const unsigned char *)data.ptr;
    size_t groups = data.len / 3 + (data.len % 3 != 0);
    char *to = buf_reserve(out, groups * 4);
    if (to == NULL) {
        return;
    }
    size_t i = 0;
    for (; i + 3 <= data.len; i += 3) {
        *to++ = alphabet[in[i] >> 2];
        *to++ = alphabet[(in[i] & 3) << 4 | in[i + 1] >> 4];
        *to++ = alphabet[(in[i + 1] & 15) << 2 | in[i + 2] >> 6];
        *to++ = alphabet[in[i + 2] & 63];
    }
    if (i < data.len) {
        bool two = data.len - i == 2;
        unsigned second = two ? in[i + 1] : 0;
        *to++ = alphabet[in[i] >> 2];
        *to++ = alphabet[(in[i] & 3U) << 4 | second >> 4];
        *to++ = two ? alphabet[(second & 15) << 2] : '=';
        *to = '=';
    }
    buf_commit(out, groups * 4);
}

/* 0 to 63, or -1. */
static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters into three bytes of which `count` are meant; the bits left over must be zero. */
static bool decode_group(const char *in, size_t count, char out[3])
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i <= count ? sextet(in[i]) : in[i] == '=' ? 0 : -1;
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
    }
    out[0] = (char)(bits >> 16);
    out[1] = (char)(bits >> 8);
    out[2] = (char)bits;
    uint32_t unused = count == 3 ? 0 : count == 2 ? 0xff : 0xffff;
    return (bits & unused) == 0;
}

bool base64_decode(struct buf *out, struct str text)
{
    if (text.len % 4 != 0) {
        return false;
    }
    size_t groups = text.len / 4;
    size_t old_len = out->len;
    for (size_t g = 0; g < groups; g++) {
        const char *in = text.ptr + g * 4;
        size_t count = 3;
        if (g + 1 == groups && in[3] == '=') {
            count = in[2] == '=' ? 1 : 2;
        }
        char bytes[3];
        if (!decode_group(in, count, bytes)) {
            out->len = old_len;
            return false;
        }
        buf_add(out, bytes, count);
    }
    return true;
}
