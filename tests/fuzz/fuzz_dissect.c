/* The dissector: from memory as from a stream, and each unit it understood written and read again.
 */
#include "base/alloc.h"
#include "core/imap/unit_text.h"
#include "fuzz/fuzz.h"

struct summary {
    uint64_t hash, end;
};

static int note_unit(void *self, const struct dissect_unit *unit, struct error *err)
{
    struct summary *s = self;
    (void)err;
    s->hash = s->hash * 31 + unit->offset * 7 + unit->length * 3 + (uint64_t)unit->kind +
              (uint64_t)unit->value * 13 + str_hash(unit->name) + str_hash(unit->text);
    s->end = unit->offset + unit->length > s->end ? unit->offset + unit->length : s->end;
    return 0;
}

static int note_literal(void *self, uint64_t at, struct str piece, struct error *err)
{
    (void)self;
    (void)err;
    FUZZ_REQUIRE(at + piece.len >= at, piece);
    return 0;
}

static void as_a_stream(struct str input)
{
    struct error err = ERROR_INIT;
    uint64_t bad[2];
    struct summary streamed = {0}, whole = {0};
    struct fuzz_source pieces = fuzz_source_of(input);
    const struct reader_source source = {fuzz_source_read, &pieces};
    const struct dissect_visitor stream = {note_unit, note_literal, &streamed};
    const struct dissect_visitor memory = {note_unit, note_literal, &whole};
    FUZZ_REQUIRE(dissect(&source, &stream, &bad[0], &err) == 0, input);
    FUZZ_REQUIRE(dissect_memory(input, &memory, &bad[1], &err) == 0, input);
    FUZZ_REQUIRE(bad[0] == bad[1] && streamed.hash == whole.hash, input);
    FUZZ_REQUIRE(whole.end <= input.len, input);
}

static void written_again(struct str input)
{
    struct buf once AUTO_BUF = BUF_INIT(4000000);
    struct buf twice AUTO_BUF = BUF_INIT(4000000);
    bool prefixed = str_starts(input, STR("S: ")) || str_starts(input, STR("C: "));
    if (!prefixed && units_write(input, &once) && memmem(once.data, once.len, "ERROR", 5) == NULL) {
        FUZZ_REQUIRE(units_write(buf_str(&once), &twice), buf_str(&once));
        FUZZ_REQUIRE(str_eq(buf_str(&once), buf_str(&twice)), buf_str(&once));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_copy(data, size);
    (void)looks_like_imap(input);
    as_a_stream(input);
    written_again(input);
    xfree(&input.ptr);
    return 0;
}
