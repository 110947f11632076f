#include "wire/reader_private.h"
#include <assert.h>

/* What a literal's header can take, zero-padded as some servers do: `~{…+}` CR LF. */
#define LITERAL_HEADER_BYTES ((size_t)48)

/* As sent by servers, atoms may hold 8-bit bytes. */
#define READ_ATOM (CHAR_ATOM | CHAR_8BIT)
#define READ_ASTRING (CHAR_ASTRING | CHAR_8BIT)

/* For good: in the arena, or in the caller's memory. */
static struct str reader_keep(struct reader *r, struct str view)
{
    return r->borrowed ? view : arena_str(r->arena, view);
}

static struct str reader_take(struct reader *r, size_t n)
{
    assert(r->arena != NULL && n <= reader_held(r));
    struct str token = reader_keep(r, str_make(r->pos, n));
    r->pos += n;
    return token;
}

int reader_peek(struct reader *r)
{
    return r->pos < r->end || reader_fill(r) ? (unsigned char)*r->pos : -1;
}

bool reader_accept(struct reader *r, char c)
{
    if ((r->pos < r->end || reader_fill(r)) && *r->pos == c) {
        r->pos++;
        return true;
    }
    return false;
}

bool reader_expect(struct reader *r, char c)
{
    if (reader_accept(r, c)) {
        return true;
    }
    const char what[] = {'"', c, '"', '\0'};
    return reader_expected(r, what);
}

bool reader_accept_sp(struct reader *r)
{
    if (!reader_accept(r, ' ')) {
        return false;
    }
    while (reader_accept(r, ' ')) {
    }
    return true;
}

bool reader_expect_sp(struct reader *r)
{
    return reader_accept_sp(r) || reader_expected(r, "a space");
}

bool reader_list_ended(struct reader *r)
{
    (void)reader_accept_sp(r);
    return reader_accept(r, ')');
}

/* The bytes of the line end at pos: 2, 1, or 0 if there is none. */
static size_t reader_line_end(struct reader *r)
{
    if (r->pos == r->end && !reader_fill(r)) {
        return 0;
    }
    if (*r->pos == '\n') {
        return 1;
    }
    return *r->pos == '\r' && reader_ensure(r, 2) && r->pos[1] == '\n' ? 2 : 0;
}

bool reader_at_crlf(struct reader *r)
{
    return reader_line_end(r) != 0;
}

bool reader_expect_crlf(struct reader *r)
{
    (void)reader_accept_sp(r);
    size_t n = reader_line_end(r);
    if (n == 0) {
        return reader_expected(r, "the end of the line");
    }
    r->pos += n;
    return true;
}

bool reader_accept_word(struct reader *r, const char *word)
{
    size_t n = 0;
    for (; word[n] != '\0'; n++) {
        if (!reader_ensure(r, n + 1) ||
            char_upper((unsigned char)r->pos[n]) != char_upper((unsigned char)word[n])) {
            return false;
        }
    }
    if (reader_ensure(r, n + 1) && char_is(r->pos[n], READ_ATOM)) {
        return false;
    }
    if (r->failed) {
        return false;
    }
    r->pos += n;
    return true;
}

/* ---- runs ---- */

static bool reader_expect_run(struct reader *r, unsigned classes, const char *what, struct str *out)
{
    size_t n;
    if (!reader_run(r, 0, classes, &n)) {
        return false;
    }
    if (n == 0) {
        return reader_expected(r, what);
    }
    *out = reader_take(r, n);
    return true;
}

bool reader_expect_tag(struct reader *r, struct str *out)
{
    return reader_expect_run(r, CHAR_TAG, "a tag", out);
}

bool reader_expect_atom(struct reader *r, struct str *out)
{
    return reader_expect_run(r, READ_ATOM, "an atom", out);
}

bool reader_expect_view(struct reader *r, unsigned classes, struct str *out)
{
    size_t n;
    if (!reader_run(r, 0, classes, &n)) {
        return false;
    }
    if (n == 0) {
        return reader_expected(r, "a name");
    }
    *out = str_make(r->pos, n);
    r->pos += n;
    return true;
}

bool reader_expect_until(struct reader *r, const char *stops, struct str *out)
{
    size_t n = 0;
    while (reader_ensure(r, n + 1) && r->pos[n] != '\0' && r->pos[n] != '\r' && r->pos[n] != '\n' &&
           strchr(stops, r->pos[n]) == NULL) {
        n++;
        if (n > r->limits.token_bytes) {
            return reader_fail(r, "a token of more than %zu bytes", r->limits.token_bytes);
        }
    }
    if (n == 0 || r->failed) {
        return reader_expected(r, "text");
    }
    *out = reader_take(r, n);
    return true;
}

bool reader_expect_text(struct reader *r, struct str *out)
{
    size_t n = 0;
    const char *lf = NULL;
    do {
        if (n > r->limits.token_bytes) {
            return reader_fail(r, "a line of more than %zu bytes", r->limits.token_bytes);
        }
        lf = memchr(r->pos + n, '\n', reader_held(r) - n);
        n = lf != NULL ? (size_t)(lf - r->pos) : reader_held(r);
    } while (lf == NULL && reader_fill(r));
    if (r->failed) {
        return false;
    }
    if (n > 0 && r->pos[n - 1] == '\r') {
        n--;
    }
    *out = reader_take(r, n);
    return true;
}

/* ---- numbers ---- */

static bool reader_digits(struct reader *r, uint64_t *out)
{
    size_t n;
    if (!reader_run(r, 0, CHAR_DIGIT, &n)) {
        return false;
    }
    if (n == 0) {
        return reader_expected(r, "a number");
    }
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(r->pos[i] - '0'), &value)) {
            return reader_fail(r, "a number out of range");
        }
    }
    r->pos += n;
    *out = value;
    return true;
}

bool reader_expect_number64(struct reader *r, uint64_t *out)
{
    if (!reader_digits(r, out)) {
        return false;
    }
    int c = reader_peek(r);
    if (c >= 0 && char_is((char)c, CHAR_NAME)) {
        return reader_expected(r, "the end of a number");
    }
    return true;
}

bool reader_expect_number(struct reader *r, uint32_t *out)
{
    uint64_t value;
    if (!reader_expect_number64(r, &value)) {
        return false;
    }
    if (value > UINT32_MAX) {
        return reader_fail(r, "the number %llu is out of range", (unsigned long long)value);
    }
    *out = (uint32_t)value;
    return true;
}

bool reader_expect_nz_number(struct reader *r, uint32_t *out)
{
    uint32_t value = 0;
    if (!reader_expect_number(r, &value)) {
        return false;
    }
    if (value == 0) {
        return reader_fail(r, "a zero where none may be");
    }
    *out = value;
    return true;
}

/* `value` * 10^exponent, rounded down. False when it does not fit. */
static bool scale10(uint64_t value, int exponent, uint64_t *out)
{
    for (; exponent < 0 && value > 0; exponent++) {
        value /= 10;
    }
    for (; exponent > 0 && value > 0; exponent--) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

/* Behind the integral part: ".3736e+06", each part where it is. */
static bool reader_float_rest(struct reader *r, uint64_t *value)
{
    int exponent = 0;
    if (reader_accept(r, '.')) {
        int c;
        while ((c = reader_peek(r)) >= '0' && c <= '9') {
            uint64_t more;
            if (!__builtin_mul_overflow(*value, UINT64_C(10), &more) &&
                !__builtin_add_overflow(more, (uint64_t)(c - '0'), &more)) {
                *value = more;
                exponent--;
            }
            (void)reader_accept(r, (char)c);
        }
    }
    if (reader_accept(r, 'e') || reader_accept(r, 'E')) {
        bool minus = reader_accept(r, '-');
        uint64_t power;
        if (!minus) {
            (void)reader_accept(r, '+');
        }
        if (!reader_digits(r, &power)) {
            return false;
        }
        if (power > 400) {
            return reader_fail(r, "a number out of range");
        }
        exponent += minus ? -(int)power : (int)power;
    }
    return scale10(*value, exponent, value) || reader_fail(r, "a number out of range");
}

bool reader_expect_size(struct reader *r, uint64_t *out)
{
    return reader_digits(r, out) && reader_float_rest(r, out);
}

/* ---- strings ---- */

static struct str reader_unescape(struct reader *r, struct str quoted)
{
    char *text = arena_alloc(r->arena, quoted.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < quoted.len; i++) {
        if (quoted.ptr[i] == '\\') {
            i++;
        }
        text[len++] = quoted.ptr[i];
    }
    return str_make(text, len);
}

/* At the opening quote. */
static bool reader_expect_quoted(struct reader *r, struct str *out)
{
    size_t n = 1;
    bool escaped = false;
    for (;;) {
        size_t run;
        if (!reader_run(r, n, CHAR_IN_QUOTES, &run)) {
            return false;
        }
        n += run;
        if (!reader_ensure(r, n + 1) || r->pos[n] == '"') {
            break;
        }
        if (r->pos[n] != '\\' || !reader_ensure(r, n + 2) ||
            !char_is(r->pos[n + 1], CHAR_QUOTABLE | CHAR_8BIT)) {
            break;
        }
        escaped = true;
        n += 2;
    }
    if (r->failed) {
        return false;
    }
    if (reader_held(r) <= n || r->pos[n] != '"') {
        r->pos += n;
        return reader_expected(r, "the closing quote of a string");
    }
    struct str inner = str_make(r->pos + 1, n - 1);
    *out = escaped ? reader_unescape(r, inner) : reader_keep(r, inner);
    r->pos += n + 1;
    return true;
}

/* The header's length at pos, or 0 if there is none. */
static size_t literal_header(struct reader *r, struct reader_literal *out, bool *overflow)
{
    size_t n = 0;
    *out = (struct reader_literal){.sync = true};
    *overflow = false;
    if (reader_ensure(r, 1) && r->pos[0] == '~') {
        out->binary = true;
        n++;
    }
    if (!reader_ensure(r, n + 1) || r->pos[n] != '{') {
        return 0;
    }
    size_t digits = ++n;
    while (reader_ensure(r, n + 1) && char_is(r->pos[n], CHAR_DIGIT) && n < LITERAL_HEADER_BYTES) {
        *overflow |= __builtin_mul_overflow(out->size, UINT64_C(10), &out->size) ||
                     __builtin_add_overflow(out->size, (uint64_t)(r->pos[n] - '0'), &out->size);
        n++;
    }
    bool any = n > digits;
    if (reader_ensure(r, n + 1) && r->pos[n] == '+') {
        out->sync = false;
        n++;
    }
    if (!any || !reader_ensure(r, n + 2) || r->pos[n] != '}') {
        return 0;
    }
    n++;
    if (r->pos[n] == '\r' && reader_ensure(r, n + 2)) {
        n++;
    }
    return r->pos[n] == '\n' ? n + 1 : 0;
}

bool reader_accept_literal(struct reader *r, struct reader_literal *out)
{
    assert(r->failed || r->literal_left == 0);
    bool overflow;
    size_t n = literal_header(r, out, &overflow);
    if (n == 0 || r->failed) {
        return false;
    }
    r->pos += n;
    r->literal_left = overflow ? UINT64_MAX : out->size;
    if (overflow || out->size > r->limits.literal_bytes) {
        return reader_fail(r, "a literal of more than %llu bytes",
                           (unsigned long long)r->limits.literal_bytes);
    }
    return true;
}

/* A view of what is there of the literal under way. */
static bool reader_take_piece(struct reader *r, struct str *out)
{
    if (r->literal_left == 0) {
        *out = STR_EMPTY;
        return !r->failed;
    }
    if (r->pos == r->end && !reader_fill(r)) {
        return reader_ended_in_literal(r);
    }
    size_t n = reader_held(r) < r->literal_left ? reader_held(r) : (size_t)r->literal_left;
    *out = str_make(r->pos, n);
    r->pos += n;
    r->literal_left -= n;
    return true;
}

bool reader_literal_piece(struct reader *r, struct str *out)
{
    if (!reader_take_piece(r, out)) {
        return false;
    }
    r->unit_start += out->len;
    return true;
}

static bool reader_whole_literal(struct reader *r, const struct reader_literal *literal,
                                 struct str *out)
{
    if (literal->size > r->limits.token_bytes) {
        return reader_fail(r, "a literal of %llu bytes where at most %zu are taken",
                           (unsigned long long)literal->size, r->limits.token_bytes);
    }
    size_t size = (size_t)literal->size;
    if (r->borrowed) {
        return reader_take_piece(r, out) && (out->len == size || reader_ended_in_literal(r));
    }
    char *bytes = arena_alloc(r->arena, size + 1);
    struct str piece = STR_EMPTY;
    for (size_t at = 0; at < size; at += piece.len) {
        if (!reader_take_piece(r, &piece)) {
            return false;
        }
        memcpy(bytes + at, piece.ptr, piece.len);
    }
    *out = str_make(bytes, size);
    return true;
}

/* A quoted string or literal if one begins here; *found tells. */
static bool reader_maybe_string(struct reader *r, struct str *out, bool *found)
{
    struct reader_literal literal;
    *found = true;
    int c = reader_peek(r);
    if (c == '"') {
        return reader_expect_quoted(r, out);
    }
    if ((c == '{' || c == '~') && reader_accept_literal(r, &literal)) {
        return reader_whole_literal(r, &literal, out);
    }
    *found = false;
    return !r->failed;
}

bool reader_expect_astring(struct reader *r, struct str *out)
{
    bool found;
    if (!reader_maybe_string(r, out, &found)) {
        return false;
    }
    return found || reader_expect_run(r, READ_ASTRING, "a string", out);
}

bool reader_expect_list_mailbox(struct reader *r, struct str *out)
{
    bool found;
    if (!reader_maybe_string(r, out, &found)) {
        return false;
    }
    return found || reader_expect_run(r, CHAR_WORD, "a mailbox name", out);
}

bool reader_expect_nstring(struct reader *r, struct str *out)
{
    bool found;
    if (!reader_maybe_string(r, out, &found)) {
        return false;
    }
    if (found) {
        return true;
    }
    *out = str_make(NULL, 0);
    return reader_accept_word(r, "NIL") || reader_expected(r, "a string or NIL");
}

bool reader_expect_string(struct reader *r, struct str *out)
{
    if (!reader_expect_nstring(r, out)) {
        return false;
    }
    if (out->ptr == NULL) {
        *out = STR_EMPTY;
    }
    return true;
}

bool reader_expect_loose_nstring(struct reader *r, struct str *out)
{
    *out = str_make(NULL, 0);
    if (reader_accept_word(r, "NIL")) {
        return true;
    }
    if (reader_peek(r) == '(') {
        return reader_skip_value(r);
    }
    return reader_expect_list_mailbox(r, out);
}
