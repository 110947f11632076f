#include "imap/append.h"

void append_params_write(struct writer *w, const struct append_params *params)
{
    /* Also where it is empty: Twisted's server fails without it. */
    writer_sp(w);
    flags_write(w, &params->flags);
    if (params->has_date) {
        writer_sp(w);
        imap_date_write(w, &params->date);
    }
    writer_sp(w);
}

bool append_params_read(struct reader *r, struct arena *arena, struct append_params *out)
{
    struct str date;
    *out = (struct append_params){0};
    if (!reader_expect_sp(r)) {
        return false;
    }
    if (reader_peek(r) == '(' && (!flags_read(r, arena, &out->flags) || !reader_expect_sp(r))) {
        return false;
    }
    if (reader_peek(r) != '"') {
        return !reader_failed(r);
    }
    out->has_date = true;
    if (!reader_expect_string(r, &date) || !reader_expect_sp(r)) {
        return false;
    }
    return imap_date_parse(date, &out->date) || reader_fail(r, "the date \"%.*s\"", STR_ARG(date));
}

bool append_data_read(struct reader *r, enum append_data *out)
{
    *out = APPEND_LITERAL;
    if (reader_accept_word(r, "UTF8")) {
        *out = APPEND_UTF8_LITERAL;
    } else if (reader_accept_word(r, "CATENATE")) {
        *out = APPEND_CATENATE;
    } else {
        return !reader_failed(r);
    }
    (void)reader_accept_sp(r);
    return reader_expect(r, '(');
}
