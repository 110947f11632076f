#include "imap/store.h"
#include "imap/modseq.h"

static bool store_read_modifiers(struct reader *r, struct store_params *out)
{
    if (!reader_accept(r, '(')) {
        return true;
    }
    (void)reader_accept_sp(r);
    if (!reader_accept_word(r, "UNCHANGEDSINCE")) {
        return reader_expected(r, "UNCHANGEDSINCE");
    }
    out->has_unchanged_since = true;
    if (!reader_expect_sp(r) || !modseq_read(r, &out->unchanged_since)) {
        return false;
    }
    (void)reader_accept_sp(r);
    return reader_expect(r, ')') && reader_expect_sp(r);
}

bool store_params_read(struct reader *r, struct arena *arena, struct store_params *out)
{
    *out = (struct store_params){0};
    if (!store_read_modifiers(r, out)) {
        return false;
    }
    if (reader_accept(r, '+')) {
        out->mode = STORE_ADD;
    } else if (reader_accept(r, '-')) {
        out->mode = STORE_REMOVE;
    }
    out->silent = reader_accept_word(r, "FLAGS.SILENT");
    if (!out->silent && !reader_accept_word(r, "FLAGS")) {
        return reader_expected(r, "FLAGS");
    }
    return reader_expect_sp(r) && flags_read_bare(r, arena, &out->flags);
}

void store_params_write(struct writer *w, const struct store_params *params)
{
    static const char *const names[] = {
        [STORE_SET] = "FLAGS", [STORE_ADD] = "+FLAGS", [STORE_REMOVE] = "-FLAGS"};
    if (params->has_unchanged_since) {
        writer_cstr(w, "(UNCHANGEDSINCE ");
        writer_number(w, params->unchanged_since);
        writer_cstr(w, ") ");
    }
    writer_cstr(w, names[params->mode]);
    writer_cstr(w, params->silent ? ".SILENT " : " ");
    flags_write(w, &params->flags);
}
