#include "wire/reader_private.h"

/* Consumes a run of `classes` of any length. True if there was at least one byte. */
static bool skip_run(struct reader *r, unsigned classes)
{
    bool any = false;
    while (r->pos < r->end || reader_fill(r)) {
        const char *p = r->pos;
        while (p < r->end && char_is(*p, classes)) {
            p++;
        }
        any = any || p > r->pos;
        r->pos = p;
        if (p < r->end) {
            break;
        }
    }
    return any && !r->failed;
}

/* Behind the opening quote, to behind the closing one. An unterminated string ends before the line
 * end; false then. */
static bool skip_quoted(struct reader *r)
{
    for (;;) {
        (void)skip_run(r, CHAR_IN_QUOTES);
        if (reader_accept(r, '"')) {
            return true;
        }
        if (!reader_accept(r, '\\')) {
            return false;
        }
        if (reader_accept(r, '"') || reader_accept(r, '\\')) {
            continue;
        }
    }
}

/* A literal if one begins here. False if there is none, or on an error. */
static bool skip_literal(struct reader *r)
{
    struct reader_literal literal;
    int c = reader_peek(r);
    if ((c != '{' && c != '~') || !reader_accept_literal(r, &literal)) {
        return false;
    }
    struct str piece;
    do {
        if (!reader_literal_piece(r, &piece)) {
            return false;
        }
    } while (piece.len != 0);
    return true;
}

static bool skip_simple(struct reader *r)
{
    if (reader_accept(r, '"')) {
        return skip_quoted(r) || reader_expected(r, "the closing quote of a string");
    }
    return skip_literal(r) || skip_run(r, CHAR_WORD) || reader_expected(r, "a value");
}

bool reader_skip_value(struct reader *r)
{
    unsigned depth = 0;
    do {
        if (depth > 0) {
            (void)reader_accept_sp(r);
        }
        if (depth > 0 && reader_accept(r, ')')) {
            depth--;
        } else if (reader_accept(r, '(')) {
            depth++;
            if (depth > r->limits.depth) {
                return reader_fail(r, "more than %u nested parentheses", r->limits.depth);
            }
        } else if (!skip_simple(r)) {
            return false;
        }
    } while (depth > 0);
    return true;
}

bool reader_skip_line(struct reader *r)
{
    while (!reader_at_crlf(r)) {
        if (reader_accept(r, '"')) {
            (void)skip_quoted(r);
        } else if (!skip_literal(r) && !skip_run(r, CHAR_WORD)) {
            /* A space, a parenthesis, or what belongs to no value. */
            int c = reader_peek(r);
            if (c < 0) {
                return reader_expected(r, "the end of the line");
            }
            (void)reader_accept(r, (char)c);
        }
    }
    return true;
}
