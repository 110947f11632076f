#include "imap/partial.h"
#include <assert.h>

/* Digits alone: a `:` follows the first. */
static bool partial_read_end(struct reader *r, bool minus, uint32_t *out)
{
    if (minus && !reader_expect(r, '-')) {
        return false;
    }
    return reader_expect_nz_number(r, out);
}

bool partial_range_read(struct reader *r, struct partial_range *out)
{
    uint32_t a;
    uint32_t b;
    bool minus = reader_peek(r) == '-';
    if (!partial_read_end(r, minus, &a) || !reader_expect(r, ':') ||
        !partial_read_end(r, minus, &b)) {
        return false;
    }
    *out = (struct partial_range){minus, a < b ? a : b, a < b ? b : a};
    return true;
}

void partial_range_write(struct writer *w, const struct partial_range *range)
{
    const char *minus = range->from_end ? "-" : "";
    assert(range->first != 0 && range->first <= range->last);
    writer_format(w, "%s%u:%s%u", minus, range->first, minus, range->last);
}

void partial_range_apply(const struct partial_range *range, size_t count, size_t *begin,
                         size_t *end)
{
    size_t first = range->first - 1 < count ? range->first - 1 : count;
    size_t last = range->last < count ? range->last : count;
    *begin = range->from_end ? count - last : first;
    *end = range->from_end ? count - first : last;
}
