#include "imap/vanished.h"

bool vanished_read(struct reader *r, bool *earlier, struct seqset *uids)
{
    *uids = (struct seqset){0};
    (void)reader_accept_sp(r);
    *earlier = reader_accept(r, '(');
    if (*earlier && (!reader_accept_word(r, "EARLIER") || !reader_accept(r, ')'))) {
        return reader_expected(r, "\"(EARLIER)\"");
    }
    (void)reader_accept_sp(r);
    while (reader_accept(r, '0')) {
        (void)(reader_accept(r, ':') || reader_accept(r, ','));
    }
    if (reader_at_crlf(r)) {
        return true;
    }
    return seqset_read_uids(r, uids);
}

void vanished_write(struct writer *w, bool earlier, const struct seqset *uids)
{
    writer_cstr(w, earlier ? "VANISHED (EARLIER) " : "VANISHED ");
    seqset_write(w, uids);
}
