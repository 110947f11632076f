#pragma once
/* How one unit is read; for the dissect*.c files only. */
#include "imap/dissect.h"

/* In a trace, in the place of a secret. */
#define DISSECT_HIDDEN "[hidden]"

struct dissect_reader {
    struct reader *r;
    struct arena *arena;
    const struct dissect_visitor *visitor;
    struct dissect_unit *unit;
    struct error *err; /* of the visitor */
    bool stopped;      /* it has failed */
    /* the literal under way */
    struct dissect_literal *literal;
    char *kept;      /* its bytes; NULL where it is too large */
    uint64_t passed; /* of it */
    struct dissect_literal *literals;
    size_t literals_len, literals_cap;
};

/* From the first byte of a unit, up to and with its line end. */
bool dissect_read_response(struct dissect_reader *d);
bool dissect_read_command(struct dissect_reader *d);

/* A literal begins; gets its bytes, in order. False when the visitor has failed. */
void dissect_literal_begin(struct dissect_reader *d, const struct section *section, uint64_t size);
bool dissect_literal_piece(struct dissect_reader *d, struct str piece);
/* Whether servers say it, in any case of letters. */
bool dissect_is_response(struct str name);
/* The rest of the unit as it is, with its literals as far as DISSECT_LITERAL_KEPT_BYTES. */
bool dissect_read_text(struct dissect_reader *d);
/* Words up to the line end. */
bool dissect_read_words(struct dissect_reader *d);
