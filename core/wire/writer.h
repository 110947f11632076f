#pragma once
/*
 * The encoder of the IMAP grammar. It writes into memory and defers errors: nothing fails before
 * writer_finish, which says so if a value could not be expressed (NUL in an atom, over the
 * maximum).
 *
 * A string is written as an atom where that is allowed and asked for, quoted, or as a literal. A
 * synchronizing literal makes a break: the sender transmits up to the break, waits for the peer's
 * continuation, and goes on.
 */
#include "base/buf.h"

enum writer_literals {
    WRITER_LITERAL_SYNC,   /* {n} always */
    WRITER_LITERAL_MINUS,  /* {n+} up to 4096 bytes (RFC 7888) */
    WRITER_LITERAL_PLUS,   /* {n+} always */
    WRITER_LITERAL_SERVER, /* {n} without waiting: servers do not wait */
};

struct writer {
    struct buf buf;
    enum writer_literals literals;
    bool utf8;      /* 8-bit UTF-8 may stand in quoted strings (RFC 9755, IMAP4rev2) */
    size_t *breaks; /* offsets into buf behind which the sender waits; ascending */
    size_t breaks_len, breaks_cap;
    char *failure; /* first thing that could not be written */
};

void writer_init(struct writer *w, enum writer_literals literals, bool utf8, size_t max);
void writer_free(struct writer *w);
void writer_clear(struct writer *w);

/* As they are, unchecked: for bytes that are known to be right. */
void writer_raw(struct writer *w, struct str s);
void writer_cstr(struct writer *w, const char *text);
void writer_format(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void writer_byte(struct writer *w, char c);
void writer_sp(struct writer *w);
void writer_crlf(struct writer *w);
void writer_number(struct writer *w, uint64_t n);
void writer_atom(struct writer *w, struct str s);
/* An atom where it can be one and is not `NIL`, else as writer_string. */
void writer_astring(struct writer *w, struct str s);
/* Quoted, or a literal where it is long, 8-bit without `utf8`, or holds CR or LF. NUL fails. */
void writer_string(struct writer *w, struct str s);
/* s.ptr == NULL is NIL. */
void writer_nstring(struct writer *w, struct str s);
void writer_list_mailbox(struct writer *w, struct str pattern);
/* The header of a literal whose bytes the sender supplies: `{n}` or `{n+}` and CRLF, with a break
 * where the peer must answer first. `binary` writes ~{n}. */
void writer_literal_header(struct writer *w, uint64_t size, bool binary);

/* Characters up to the line end, as a status text: CR, LF and NUL fail. */
void writer_text(struct writer *w, struct str s);
/* Note that something cannot be written; the first note stays. */
void writer_fail(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 0, or ERR_STATE with what could not be written. */
int writer_finish(const struct writer *w, struct error *err);
