#include "imap/modseq.h"

bool modseq_read(struct reader *r, uint64_t *out)
{
    bool negative = reader_accept(r, '-');
    uint64_t value;
    if (!reader_expect_number64(r, &value)) {
        return false;
    }
    if (value > MODSEQ_MAX) {
        return reader_fail(r, "the MODSEQ %llu is out of range", (unsigned long long)value);
    }
    *out = negative ? 0 : value;
    return true;
}
