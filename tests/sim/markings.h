#pragma once
/* What a message carries besides its text, on either side: a bit each, enum maildir_flag first, and
 * then two keywords. */
#include <stddef.h>

#define MARKINGS 8
#define MARKING_LETTERS "DFPRSTwl"
#define MARKING_FLAGGED 2
#define MARKING_TRASHED 32
/* Those that are flags of IMAP and letters of Maildir. */
#define MARKINGS_SYSTEM 63
#define MARKINGS_KEYWORDS 2
extern const char *const marking_keywords[MARKINGS_KEYWORDS];
/* The bit of keyword `k`. */
#define MARKING_OF(k) (64u << (k))
