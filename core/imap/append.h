#pragma once
/* APPEND's arguments before the message (RFC 9051 section 6.3.12). */
#include "imap/date.h"
#include "imap/flags.h"

struct append_params {
    struct imap_flags flags;
    bool has_date;
    struct imap_date date;
};
/* " (flags) "date"" each where it applies, ending with the SP before the literal. An empty flag
 * list is left out: some servers refuse it. */
void append_params_write(struct writer *w, const struct append_params *params);
/* Behind the mailbox name, up to the literal. An impossible date is refused. */
bool append_params_read(struct reader *r, struct arena *arena, struct append_params *out);

/* How the message itself comes, behind the parameters. */
enum append_data {
    APPEND_LITERAL,      /* a literal or literal8; the reader stands at it */
    APPEND_UTF8_LITERAL, /* "UTF8 (" before it and ")" behind it (RFC 6855) */
    APPEND_CATENATE,     /* "CATENATE (", which is refused */
};
/* Consumes "UTF8 (" and the like, nothing before a literal. CATENATE is left to the caller to
 * answer. */
bool append_data_read(struct reader *r, enum append_data *out);
