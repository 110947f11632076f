#pragma once
/* Message flags (RFC 9051 section 2.3.2). */
#include "wire/reader.h"
#include "wire/writer.h"

enum imap_flag {
    FLAG_ANSWERED = 1,
    FLAG_FLAGGED = 2,
    FLAG_DELETED = 4,
    FLAG_SEEN = 8,
    FLAG_DRAFT = 16,
    FLAG_RECENT = 32,   /* only servers tell it, in FETCH */
    FLAG_WILDCARD = 64, /* \* in PERMANENTFLAGS; written there only */
};

struct imap_flags {
    unsigned system;      /* enum imap_flag */
    struct str *keywords; /* as spelt; other \Flags too */
    size_t keywords_len;
};

/* "(\Seen foo)"; in `arena`. Tolerates extra spaces, quoted flags, and `]` and 8-bit bytes in
 * keywords. */
bool flags_read(struct reader *r, struct arena *arena, struct imap_flags *out);
/* As STORE takes them: in parentheses, or one and more flags up to the line end without. */
bool flags_read_bare(struct reader *r, struct arena *arena, struct imap_flags *out);
/* With parentheses, without \*: of FETCH. */
void flags_write_told(struct writer *w, const struct imap_flags *flags);
/* With parentheses, without \Recent and \*. */
void flags_write(struct writer *w, const struct imap_flags *flags);
/* As PERMANENTFLAGS: with \*. */
void flags_write_permanent(struct writer *w, const struct imap_flags *flags);
/* Case-insensitive. */
bool flags_have_keyword(const struct imap_flags *flags, struct str keyword);
/* Whether flags_write can express it: not empty, no spaces, parentheses, quotes, wildcards,
 * controls or 8-bit bytes; a backslash only in front. */
bool flags_keyword_is_valid(struct str keyword);
