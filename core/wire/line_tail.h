#pragma once
/* The end of a line that goes by in pieces, to see whether a literal follows it. */
#include "base/str.h"

struct line_tail {
    char bytes[48]; /* the header of a literal, zero-padded as some servers do */
    size_t len;
};

void line_tail_clear(struct line_tail *tail);
void line_tail_add(struct line_tail *tail, struct str piece);
/* Whether the line, with its line end or without, ends with `{n}` or `{n+}`; *sync tells `{n}`. */
bool line_tail_literal(const struct line_tail *tail, uint64_t *size, bool *sync);
