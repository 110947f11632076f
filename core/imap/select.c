#include "imap/select.h"
#include "imap/modseq.h"

void select_params_write(struct writer *w, const struct select_params *params)
{
    if (params->qresync) {
        writer_cstr(w, " (QRESYNC (");
        writer_number(w, params->uidvalidity);
        writer_sp(w);
        writer_number(w, params->modseq);
        if (seqset_has_star(&params->known_uids)) {
            writer_fail(w, "a `*` in QRESYNC's known UIDs"); /* RFC 7162 section 3.2.5 */
        } else if (!seqset_is_empty(&params->known_uids)) {
            writer_sp(w);
            seqset_write(w, &params->known_uids);
        }
        writer_cstr(w, "))");
    } else if (params->condstore) {
        writer_cstr(w, " (CONDSTORE)");
    }
}

/* "(67890007 20050715194045000 41,43:211 (1,5 41,211))"; the sequence match data only saves bytes
 * and is passed over. */
static bool select_read_qresync(struct reader *r, struct select_params *out)
{
    out->qresync = true;
    if (!reader_expect_sp(r) || !reader_expect(r, '(') ||
        !reader_expect_nz_number(r, &out->uidvalidity) || !reader_expect_sp(r) ||
        !modseq_read(r, &out->modseq)) {
        return false;
    }
    if (out->modseq == 0) {
        return reader_fail(r, "a MODSEQ of 0 in QRESYNC");
    }
    if (reader_accept_sp(r) && reader_peek(r) != '(') {
        if (!seqset_read_uids(r, &out->known_uids)) {
            return false;
        }
        (void)reader_accept_sp(r);
    }
    if (reader_peek(r) == '(' && !reader_skip_value(r)) {
        return false;
    }
    return reader_expect(r, ')');
}

static bool select_read_param(struct reader *r, struct select_params *out)
{
    if (reader_accept_word(r, "CONDSTORE")) {
        out->condstore = true;
        return true;
    }
    if (!out->qresync && reader_accept_word(r, "QRESYNC")) {
        return select_read_qresync(r, out);
    }
    return reader_expected(r, "CONDSTORE, or QRESYNC once");
}

bool select_params_read(struct reader *r, struct select_params *out)
{
    *out = (struct select_params){0};
    if (!reader_accept_sp(r) || reader_at_crlf(r)) {
        return !reader_failed(r);
    }
    bool good = reader_expect(r, '(');
    do {
        (void)reader_accept_sp(r);
        good = good && select_read_param(r, out);
        (void)reader_accept_sp(r);
    } while (good && !reader_accept(r, ')'));
    if (!good) {
        seqset_free(&out->known_uids);
    }
    return good;
}
