/* FETCH: what is asked, sections, and what is told, its bodies streamed. */
#include "base/alloc.h"
#include "imap/fetch.h"
#include "fuzz/fuzz.h"

static bool request_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct fetch_request value;
    if (!fetch_request_read(r, arena, &value)) {
        return false;
    }
    fetch_request_write(w, &value);
    return true;
}

static bool section_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct section value;
    if (!section_read(r, arena, &value)) {
        return false;
    }
    section_write(w, &value);
    return true;
}

/* Writes the bodies again as they come. The third of each three is refused. */
struct bodies {
    struct writer *w;
    struct buf bytes;
    unsigned count;
    bool open;
    uint64_t size;
};

static bool body_begin(void *self, const struct fetch_data *so_far, const struct section *section,
                       uint64_t size, struct error *err)
{
    struct bodies *b = self;
    FUZZ_REQUIRE(!b->open, STR_EMPTY);
    (void)so_far;
    b->open = true;
    b->size = size;
    buf_clear(&b->bytes);
    section_item_write(b->w, section, false);
    if (++b->count % 3 == 0) {
        (void)error_set(err, ERR_WRITE, SCOPE_MESSAGE, "refused");
        return false;
    }
    return true;
}

static bool body_piece(void *self, struct str data, struct error *err)
{
    struct bodies *b = self;
    (void)err;
    buf_add_str(&b->bytes, data);
    FUZZ_REQUIRE(b->open && b->bytes.len <= b->size, data);
    return true;
}

static bool body_end(void *self, struct error *err)
{
    struct bodies *b = self;
    (void)err;
    FUZZ_REQUIRE(b->open && b->bytes.len == b->size, buf_str(&b->bytes));
    b->open = false;
    writer_sp(b->w);
    writer_literal_header(b->w, b->size, false);
    writer_raw(b->w, buf_str(&b->bytes));
    writer_sp(b->w);
    return true;
}

static bool data_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct bodies bodies = {.w = w, .bytes = BUF_INIT(1000000)};
    const struct fetch_sink sink = {body_begin, body_piece, body_end, &bodies};
    struct fetch_data value = {0};
    struct error refusal = ERROR_INIT;
    writer_byte(w, '(');
    bool good = fetch_data_read(r, arena, &sink, &value, &refusal);
    if (bodies.open) {
        writer_fail(w, "a body that was refused");
    }
    bool nil = (value.have & FETCH_BODY_SECTION) != 0 && value.body_is_nil;
    if (good && nil) {
        writer_fail(w, "a body that is not there");
    }
    buf_free(&bodies.bytes);
    if (good) {
        fetch_data_write_items(w, &value);
        writer_byte(w, ')');
    }
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_codec_row rows[] = {
        {'q', request_codec}, {'s', section_codec}, {'d', data_codec}};
    struct str input = fuzz_copy(data, size);
    fuzz_codecs_run(rows, sizeof rows / sizeof rows[0], input);
    xfree(&input.ptr);
    return 0;
}
