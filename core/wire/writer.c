#include "wire/writer.h"
#include "base/alloc.h"
#include "base/vec.h"
#include "wire/chars.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* RFC 7888 section 5. */
#define LITERAL_MINUS_BYTES 4096
/* Longer strings go as literals: some servers bound a quoted string far below a line. */
#define QUOTED_BYTES 1024

void writer_init(struct writer *w, enum writer_literals literals, bool utf8, size_t max)
{
    *w = (struct writer){.literals = literals, .utf8 = utf8};
    buf_init(&w->buf, max);
}

void writer_free(struct writer *w)
{
    buf_free(&w->buf);
    xfree(&w->breaks);
    w->breaks_len = w->breaks_cap = 0;
    xfree(&w->failure);
}

void writer_clear(struct writer *w)
{
    buf_clear(&w->buf);
    w->breaks_len = 0;
    xfree(&w->failure);
}

void writer_fail(struct writer *w, const char *format, ...)
{
    if (w->failure != NULL) {
        return;
    }
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    w->failure = xstrdup(text);
}

int writer_finish(const struct writer *w, struct error *err)
{
    if (w->failure != NULL) {
        return error_set(err, ERR_STATE, SCOPE_MESSAGE, "cannot be written: %s", w->failure);
    }
    if (w->buf.overflowed) {
        return error_set(err, ERR_STATE, SCOPE_MESSAGE, "cannot be written: more than %zu bytes",
                         w->buf.max);
    }
    return 0;
}

/* ---- plain bytes ---- */

void writer_raw(struct writer *w, struct str s)
{
    buf_add_str(&w->buf, s);
}

void writer_cstr(struct writer *w, const char *text)
{
    buf_add_cstr(&w->buf, text);
}

void writer_format(struct writer *w, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *to = len < 0 ? NULL : buf_reserve(&w->buf, (size_t)len);
    if (to != NULL) {
        (void)vsnprintf(to, (size_t)len + 1, format, again);
        buf_commit(&w->buf, (size_t)len);
    }
    va_end(again);
    va_end(args);
}

void writer_byte(struct writer *w, char c)
{
    buf_add_byte(&w->buf, c);
}

void writer_sp(struct writer *w)
{
    buf_add_byte(&w->buf, ' ');
}

void writer_crlf(struct writer *w)
{
    buf_add(&w->buf, "\r\n", 2);
}

void writer_number(struct writer *w, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buf_add(&w->buf, digits + at, sizeof digits - at);
}

/* ---- strings ---- */

static bool all_are(struct str s, unsigned classes)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!char_is(s.ptr[i], classes)) {
            return false;
        }
    }
    return true;
}

void writer_atom(struct writer *w, struct str s)
{
    if (s.len == 0 || !all_are(s, CHAR_ATOM)) {
        writer_fail(w, "\"%.*s\" is no atom", STR_ARG(s));
        return;
    }
    writer_raw(w, s);
}

static bool can_be_quoted(const struct writer *w, struct str s)
{
    if (s.len > QUOTED_BYTES || !all_are(s, CHAR_QUOTABLE | CHAR_8BIT)) {
        return false;
    }
    return str_is_ascii(s) || (w->utf8 && str_is_utf8(s));
}

static void writer_quoted(struct writer *w, struct str s)
{
    writer_byte(w, '"');
    size_t done = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\') {
            writer_raw(w, str_sub(s, done, i - done));
            writer_byte(w, '\\');
            done = i;
        }
    }
    writer_raw(w, str_from_offset(s, done));
    writer_byte(w, '"');
}

void writer_string(struct writer *w, struct str s)
{
    if (s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL) {
        writer_fail(w, "a string with a NUL in it");
        return;
    }
    if (can_be_quoted(w, s)) {
        writer_quoted(w, s);
        return;
    }
    writer_literal_header(w, s.len, false);
    writer_raw(w, s);
}

static void writer_run_or_string(struct writer *w, struct str s, unsigned classes)
{
    if (s.len > 0 && s.len <= QUOTED_BYTES && all_are(s, classes) &&
        !str_eq_nocase(s, STR("NIL"))) {
        writer_raw(w, s);
        return;
    }
    writer_string(w, s);
}

void writer_astring(struct writer *w, struct str s)
{
    writer_run_or_string(w, s, CHAR_ASTRING);
}

void writer_list_mailbox(struct writer *w, struct str pattern)
{
    writer_run_or_string(w, pattern, CHAR_LIST);
}

void writer_nstring(struct writer *w, struct str s)
{
    if (s.ptr == NULL) {
        writer_cstr(w, "NIL");
        return;
    }
    writer_string(w, s);
}

void writer_text(struct writer *w, struct str s)
{
    if (!all_are(s, CHAR_QUOTABLE | CHAR_8BIT)) {
        writer_fail(w, "a text with a line end or NUL in it");
        return;
    }
    writer_raw(w, s);
}

void writer_literal_header(struct writer *w, uint64_t size, bool binary)
{
    bool plus = w->literals == WRITER_LITERAL_PLUS ||
                (w->literals == WRITER_LITERAL_MINUS && size <= LITERAL_MINUS_BYTES);
    writer_cstr(w, binary ? "~{" : "{");
    writer_number(w, size);
    writer_cstr(w, plus ? "+}\r\n" : "}\r\n");
    if (!plus && w->literals != WRITER_LITERAL_SERVER) {
        w->breaks = vec_grow_(w->breaks, &w->breaks_cap, w->breaks_len, 1, sizeof *w->breaks);
        w->breaks[w->breaks_len++] = w->buf.len;
    }
}
