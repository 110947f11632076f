#pragma once
/*
 * The pull decoder of the IMAP grammar, for responses and for commands.
 *
 * accept_* tries: it consumes and returns true, or consumes nothing and returns false.
 * expect_* must:  it consumes and returns true, or sets the reader's error and returns false.
 * After the first error everything returns false and consumes nothing, so that a parser may chain
 * calls with && and look at the error once, with reader_check.
 *
 * Strings handed out live in the arena given to the reader, until the caller resets it; they are
 * NUL-terminated behind their end. Input comes from the source in large pieces; literals can be
 * taken piece by piece as views into the buffer without being copied or held.
 *
 * Tolerated, as servers in the field send it: runs of spaces, also before the line end; missing
 * text after a response code, zero-padded literal sizes, NIL for any string, 8-bit bytes in quoted
 * strings and atoms, a backslash before any character of a quoted string, bare LF at the end of a
 * line, `{n+}` from a server. Refused: numbers out of range, nesting deeper than `limits.depth`,
 * tokens and literals over the limits, CR, LF and NUL in quoted strings, controls in atoms.
 */
#include "base/arena.h"
#include "base/error.h"
#include "wire/chars.h"
#include <sys/types.h>

struct reader;

/* More input: bytes put into `out` (> 0), 0 at the end, negative with *err set. It is asked again
 * after a 0, so that a session may be fed bit by bit. */
struct reader_source {
    ssize_t (*read)(void *self, void *out, size_t size, struct error *err);
    void *self;
};

struct reader_limits {
    size_t token_bytes;     /* one atom, quoted string, or literal read whole */
    uint64_t literal_bytes; /* one literal read piece by piece */
    unsigned depth;         /* nested parentheses */
    size_t unit_bytes;      /* one response or command without streamed literals */
};

struct reader *reader_new(const struct reader_source *source, const struct reader_limits *limits);
/* Over bytes in memory, which are borrowed as long as it lives and are not copied: strings handed
 * out are views into them where they can be, and then not NUL-terminated. */
struct reader *reader_new_memory(struct str input, const struct reader_limits *limits);
void reader_free(struct reader **r);
/* Begin a response or command: results go to `arena` from now on. Clears no error. Call it before
 * anything that gives out strings. */
void reader_begin(struct reader *r, struct arena *arena);

bool reader_failed(const struct reader *r);
/* 0, or the first error, of SCOPE_CONNECTION: ERR_PROTOCOL with what was expected, what stood there
 * and the offset; ERR_NETWORK where the input ended in the middle; or the source's own error. */
int reader_check(const struct reader *r, struct error *err);
/* Set the error from a parser's own judgement (a number out of range for its meaning). Returns
 * false. */
bool reader_fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Set the error "expected WHAT, found …". Returns false. */
bool reader_expected(struct reader *r, const char *what);
/* Bytes consumed since reader_new. */
uint64_t reader_offset(const struct reader *r);
/* Whether the source has ended and everything was consumed. Reads if the buffer is empty. */
bool reader_at_end(struct reader *r);
/* Bytes buffered but not consumed; moved out (for a new stream layer): a view that lasts until the
 * next call. */
struct str reader_take_buffered(struct reader *r);
bool reader_has_buffered(const struct reader *r);

/* How deep parentheses may be nested: `limits.depth`, for parsers that count them. */
unsigned reader_depth_max(const struct reader *r);

/* The next byte without consuming it, or -1. */
int reader_peek(struct reader *r);
bool reader_accept(struct reader *r, char c);
bool reader_expect(struct reader *r, char c);
/* One or more spaces. */
bool reader_accept_sp(struct reader *r);
bool reader_expect_sp(struct reader *r);
/* Within "(", before each element: true where spaces, if any, and ")" ended the list. */
bool reader_list_ended(struct reader *r);
/* Spaces before it are passed over. */
bool reader_expect_crlf(struct reader *r);
/* At CR LF or LF. */
bool reader_at_crlf(struct reader *r);
/* The word (case-insensitive), only if a non-atom character follows. */
bool reader_accept_word(struct reader *r, const char *word);

bool reader_expect_tag(struct reader *r, struct str *out);
bool reader_expect_atom(struct reader *r, struct str *out);
/* An atom or quoted string or literal; `NIL` is the three letters. */
bool reader_expect_astring(struct reader *r, struct str *out);
/* NIL gives the empty string. */
bool reader_expect_string(struct reader *r, struct str *out);
/* NIL gives out->ptr == NULL. */
bool reader_expect_nstring(struct reader *r, struct str *out);
/* NIL, a string or an atom, as servers send where a string should be; NIL, and a list in its place,
 * which is passed over, give out->ptr == NULL. */
bool reader_expect_loose_nstring(struct reader *r, struct str *out);
/* list-mailbox: list characters or a string; also bare backslashes and braces. */
bool reader_expect_list_mailbox(struct reader *r, struct str *out);
/* Numbers; no letter or point may follow: 9.3736e+06 is none. */
bool reader_expect_number(struct reader *r, uint32_t *out);
bool reader_expect_number64(struct reader *r, uint64_t *out);
bool reader_expect_nz_number(struct reader *r, uint32_t *out);
/* A number64 that some servers write as 9.3736e+06: for sizes only. */
bool reader_expect_size(struct reader *r, uint64_t *out);
/* Characters up to one of `stops` or the line end, at least one. */
bool reader_expect_until(struct reader *r, const char *stops, struct str *out);
/* The longest run of characters of `classes` (a set of enum char_class), at least one, as a view
 * that lasts until the next call and is not NUL-terminated: for names that are looked up and
 * forgotten. */
bool reader_expect_view(struct reader *r, unsigned classes, struct str *out);
/* Everything up to, not including, the line end; may be empty. */
bool reader_expect_text(struct reader *r, struct str *out);
/* `{n}`, `{n+}` and the line end behind it. After this the literal's bytes must be consumed. */
struct reader_literal {
    uint64_t size;
    bool binary; /* ~{n} (RFC 3516) */
    bool sync;   /* the peer waits for a continuation */
};
bool reader_accept_literal(struct reader *r, struct reader_literal *out);
/* The next piece of the literal under way, as a view valid until the next call; empty at its end.
 */
bool reader_literal_piece(struct reader *r, struct str *out);
/* Any one value: atom, string, parenthesised list (bounded), with its literals. */
bool reader_skip_value(struct reader *r);
/* Any values and brackets up to, not including, the line end; unbalanced ones too. */
bool reader_skip_line(struct reader *r);
