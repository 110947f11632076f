#pragma once
/* The table of search keys; for the search_*.c files only. */
#include "imap/search.h"

enum search_argument {
    SEARCH_ARGUMENT_NONE,
    SEARCH_ARGUMENT_ONE_KEY,
    SEARCH_ARGUMENT_TWO_KEYS,
    SEARCH_ARGUMENT_SET,
    SEARCH_ARGUMENT_KEYWORD,
    SEARCH_ARGUMENT_SIZE,    /* 64 bits */
    SEARCH_ARGUMENT_SECONDS, /* 32 bits, not 0 */
    SEARCH_ARGUMENT_UID,
    SEARCH_ARGUMENT_DAY,
    SEARCH_ARGUMENT_TEXT,
    SEARCH_ARGUMENT_ID, /* an atom */
    SEARCH_ARGUMENT_FIELD_TEXT,
    SEARCH_ARGUMENT_MODSEQ,
};
struct search_row {
    const char *name;
    enum search_kind kind;
    enum search_argument argument;
    enum imap_flag flag; /* 0: none */
    const char *field;   /* of FROM and the like */
};
/* Case-insensitive; NULL if unknown. */
const struct search_row *search_row_find(struct str name);
/* What the row itself tells of a key. */
void search_row_fill(const struct search_row *row, struct search_key *key);
