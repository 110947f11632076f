#include "core/imap/imap_case.h"
#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void imap_case_run(const struct imap_case *c, size_t chunk)
{
    struct wire_input in;
    struct writer w;
    struct error err = ERROR_INIT;
    wire_open(&in, str_from(c->input), chunk);
    writer_init(&w, WRITER_LITERAL_SERVER, false, 100000);
    writer_cstr(&w, "");
    bool good = c->call(in.reader, in.arena, &w);
    assert_int_equal(good, !reader_failed(in.reader));
    if (c->expected == NULL) {
        if (good) {
            fail_msg("%s (reads of %zu): read as %s", c->name, chunk, w.buf.data);
        }
    } else {
        wire_assert_good(&in, c->name);
        if (writer_finish(&w, &err) != 0) {
            fail_msg("%s: %s", c->name, err.text);
        }
        if (strcmp(w.buf.data, c->expected) != 0 || wire_rest(&in).len != 0) {
            fail_msg("%s (reads of %zu): read as %s, then \"%.*s\"", c->name, chunk, w.buf.data,
                     STR_ARG(wire_rest(&in)));
        }
    }
    writer_free(&w);
    wire_close(&in);
}

void imap_cases_run(const struct imap_case *cases, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof wire_chunks / sizeof wire_chunks[0]; k++) {
            imap_case_run(&cases[i], wire_chunks[k]);
        }
    }
}
