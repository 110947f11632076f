/* The grammar itself: strings, numbers and literals from memory and in pieces, both ways. */
#include "base/alloc.h"
#include "wire/line_tail.h"
#include "fuzz/fuzz.h"

static bool astring_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct str value;
    (void)arena;
    if (!reader_expect_astring(r, &value)) {
        return false;
    }
    writer_astring(w, value);
    return true;
}

static bool nstring_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct str value;
    (void)arena;
    if (!reader_expect_nstring(r, &value)) {
        return false;
    }
    writer_nstring(w, value);
    return true;
}

static bool loose_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct str value;
    (void)arena;
    if (!reader_expect_loose_nstring(r, &value)) {
        return false;
    }
    writer_nstring(w, value);
    return true;
}

static bool list_mailbox_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct str value;
    (void)arena;
    if (!reader_expect_list_mailbox(r, &value)) {
        return false;
    }
    writer_list_mailbox(w, value);
    return true;
}

static bool atom_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct str value;
    (void)arena;
    if (!reader_expect_atom(r, &value)) {
        return false;
    }
    writer_atom(w, value);
    return true;
}

static bool text_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct str value;
    (void)arena;
    if (!(reader_expect_text(r, &value) && reader_expect_crlf(r))) {
        return false;
    }
    writer_text(w, value);
    writer_crlf(w);
    return true;
}

static bool numbers_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    uint32_t small, nonzero;
    uint64_t large, size;
    (void)arena;
    if (!(reader_expect_number(r, &small) && reader_expect_sp(r) &&
          reader_expect_nz_number(r, &nonzero) && reader_expect_sp(r) &&
          reader_expect_number64(r, &large) && reader_expect_sp(r) &&
          reader_expect_size(r, &size))) {
        return false;
    }
    FUZZ_REQUIRE(nonzero != 0, STR_EMPTY);
    writer_format(w, "%u %u %llu %llu", small, nonzero, (unsigned long long)large,
                  (unsigned long long)size);
    return true;
}

/* Literals one after another, piece by piece, whatever stands between them. */
static bool literals_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    struct reader_literal literal;
    struct str piece;
    (void)arena;
    while (reader_accept_literal(r, &literal)) {
        uint64_t got = 0;
        writer_literal_header(w, literal.size, literal.binary);
        do {
            if (!reader_literal_piece(r, &piece)) {
                return false;
            }
            got += piece.len;
            writer_raw(w, piece);
        } while (piece.len > 0);
        FUZZ_REQUIRE(got == literal.size, STR_EMPTY);
        (void)reader_accept_sp(r);
    }
    if (reader_failed(r) || !reader_skip_line(r) || !reader_expect_crlf(r)) {
        return false;
    }
    writer_crlf(w);
    return true;
}

static bool value_codec(struct reader *r, struct arena *arena, struct writer *w)
{
    (void)arena;
    if (!(reader_skip_value(r) && reader_expect_crlf(r))) {
        return false;
    }
    writer_cstr(w, "x\r\n");
    return true;
}

/* Whatever bytes: what is written as a string is read back as these bytes, or is refused. */
static void write_then_read(struct str bytes)
{
    struct writer w;
    struct error err = ERROR_INIT;
    AUTO_ARENA struct arena *arena = arena_new();
    writer_init(&w, WRITER_LITERAL_PLUS, bytes.len % 2 == 0, 1000000);
    writer_astring(&w, bytes);
    writer_sp(&w);
    writer_string(&w, bytes);
    writer_sp(&w);
    writer_nstring(&w, bytes);
    writer_crlf(&w);
    bool nul = memchr(bytes.ptr, 0, bytes.len) != NULL;
    FUZZ_REQUIRE((writer_finish(&w, &err) == 0) == !nul, bytes);
    if (!nul) {
        struct str a, b, c;
        struct reader *r = fuzz_reader_memory(buf_str(&w.buf));
        reader_begin(r, arena);
        FUZZ_REQUIRE(reader_expect_astring(r, &a) && reader_expect_sp(r) &&
                         reader_expect_string(r, &b) && reader_expect_sp(r) &&
                         reader_expect_nstring(r, &c) && reader_expect_crlf(r) && reader_at_end(r),
                     bytes);
        FUZZ_REQUIRE(str_eq(a, bytes) && str_eq(b, bytes) && str_eq(c, bytes), bytes);
        reader_free(&r);
    }
    writer_free(&w);
}

/* A line's end is the same however the line came. */
static void tails(struct str line)
{
    struct line_tail whole, pieces;
    uint64_t size[2];
    bool sync[2];
    line_tail_clear(&whole);
    line_tail_clear(&pieces);
    line_tail_add(&whole, line);
    for (size_t at = 0; at < line.len; at += 3) {
        line_tail_add(&pieces, str_sub(line, at, 3));
    }
    bool good = line_tail_literal(&whole, &size[0], &sync[0]);
    FUZZ_REQUIRE(line_tail_literal(&pieces, &size[1], &sync[1]) == good, line);
    FUZZ_REQUIRE(!good || (size[0] == size[1] && sync[0] == sync[1]), line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_codec_row rows[] = {
        {'a', astring_codec},      {'n', nstring_codec},  {'o', loose_codec},
        {'m', list_mailbox_codec}, {'A', atom_codec},     {'t', text_codec},
        {'0', numbers_codec},      {'L', literals_codec}, {'v', value_codec},
    };
    struct str input = fuzz_copy(data, size);
    struct str rest = str_from_offset(input, 1);
    fuzz_codecs_run(rows, sizeof rows / sizeof rows[0], input);
    if (str_starts(input, STR("w"))) {
        write_then_read(rest);
    } else if (str_starts(input, STR("z"))) {
        tails(rest);
    }
    xfree(&input.ptr);
    return 0;
}
