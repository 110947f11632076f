#pragma once
/* A window over results (RFC 9394): 1:100 counts from the oldest, -1:-100 from the newest. */
#include "wire/reader.h"
#include "wire/writer.h"

struct partial_range {
    bool from_end;
    uint32_t first, last; /* 1 is the first; 0: no window was asked for */
};

/* In either order; first <= last afterwards. Both ends must have one sign. */
bool partial_range_read(struct reader *r, struct partial_range *out);
void partial_range_write(struct writer *w, const struct partial_range *range);
/* Which of `count` results, ascending, are in the window: indices [*begin, *end). Empty where none
 * are. */
void partial_range_apply(const struct partial_range *range, size_t count, size_t *begin,
                         size_t *end);
