#pragma once
/* Numbers as SEARCH and SORT tell them; for search_result.c and sort.c. */
#include "base/vec.h"
#include "wire/reader.h"

VEC_STRUCT(search_numbers, uint32_t);

/* Up to the line end, with "(MODSEQ n)". The caller frees *out, also after a failure. */
bool search_numbers_read(struct reader *r, struct search_numbers *out, uint64_t *modseq);
