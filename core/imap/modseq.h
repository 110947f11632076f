#pragma once
/* mod-sequence-value (RFC 7162 section 7): 63 bits. */
#include "wire/reader.h"

#define MODSEQ_MAX ((uint64_t)INT64_MAX)

/* A negative number, as one server sends where it knows none, reads as 0; above MODSEQ_MAX is
 * refused. */
bool modseq_read(struct reader *r, uint64_t *out);
