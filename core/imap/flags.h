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
    FLAG_RECENT = 32,   /* never written */
    FLAG_WILDCARD = 64, /* \* in PERMANENTFLAGS; never written */
};

struct imap_flags {
    unsigned system;      /* enum imap_flag */
    struct str *keywords; /* as spelt; other \Flags too */
    size_t keywords_len;
};

/* "(\Seen foo)"; in the reader's arena. Tolerates extra spaces and quoted flags. */
bool flags_read(struct reader *r, struct arena *arena, struct imap_flags *out);
/* With parentheses. */
void flags_write(struct writer *w, const struct imap_flags *flags);
/* Case-insensitive. */
bool flags_have_keyword(const struct imap_flags *flags, struct str keyword);
