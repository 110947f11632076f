/* Any bytes as a message: its structure is written and read again, its sections lie within it. */
#include "base/alloc.h"
#include "imap/mime.h"
#include "imap/mime_decode.h"
#include "fuzz/fuzz.h"

static void require_within(struct str part, struct str message)
{
    FUZZ_REQUIRE(part.len == 0 ||
                     (part.ptr >= message.ptr && part.ptr + part.len <= message.ptr + message.len),
                 message);
}

static void look_at_parts(struct arena *arena, const struct mime_part *part, struct str message)
{
    struct str decoded;
    require_within(part->header, message);
    require_within(part->body, message);
    if (mime_decode_transfer(arena, part->encoding, part->body, &decoded)) {
        FUZZ_REQUIRE(decoded.len <= part->body.len, message);
    }
    size_t count = 0;
    for (const struct mime_part *child = part->children; child != NULL; child = child->next) {
        look_at_parts(arena, child, message);
        count++;
    }
    FUZZ_REQUIRE(count == part->children_len, message);
}

static void look_at_header(struct arena *arena, struct str header)
{
    struct str rest = header, name, field;
    int64_t time_s;
    int32_t zone_s;
    while (mime_next_field(&rest, &name, &field)) {
        FUZZ_REQUIRE(field.len > 0 && name.len < field.len, header);
        struct str value = mime_field(arena, header, name);
        struct imap_addresses addresses;
        mime_addresses(arena, value, &addresses);
        (void)mime_date(value, &time_s, &zone_s);
        FUZZ_REQUIRE(str_is_utf8(mime_decode_words(arena, value)), header);
        if (arena_used(arena) > (size_t)16 * 1024 * 1024) {
            break;
        }
    }
}

static void try_sections(struct arena *arena, const struct mime_part *message)
{
    static const struct section sections[] = {
        {.part = SECTION_WHOLE},
        {.part = SECTION_HEADER},
        {.part = SECTION_TEXT, .has_partial = true, .offset = 3, .count = 7},
        {.part = SECTION_WHOLE, .path = {1}, .path_len = 1},
        {.part = SECTION_MIME, .path = {2}, .path_len = 1},
        {.part = SECTION_HEADER, .path = {1, 1}, .path_len = 2},
        {.part = SECTION_TEXT, .path = {2, 1}, .path_len = 2},
    };
    struct str names[] = {STR("subject"), STR("x")};
    struct section fields = {.part = SECTION_HEADER_FIELDS, .fields = names, .fields_len = 2};
    struct str out;
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (mime_section(arena, message, &sections[i], &out)) {
            (void)mime_partial(out, &sections[i]);
        }
        if (sections[i].part == SECTION_WHOLE) {
            (void)mime_binary(arena, message, &sections[i], &out);
        }
    }
    FUZZ_REQUIRE(mime_section(arena, message, &fields, &out), STR_EMPTY);
    fields.part = SECTION_HEADER_FIELDS_NOT;
    FUZZ_REQUIRE(mime_section(arena, message, &fields, &out), STR_EMPTY);
}

static void try_round_trip(struct arena *arena, const struct mime_part *message, bool extended)
{
    struct body_part structure, again;
    struct envelope envelope, envelope_again;
    struct error err = ERROR_INIT;
    struct writer w, w2;
    writer_init(&w, WRITER_LITERAL_SERVER, false, (size_t)64 << 20);
    writer_init(&w2, WRITER_LITERAL_SERVER, false, (size_t)64 << 20);
    mime_bodystructure(arena, message, &structure);
    mime_envelope(arena, message, &envelope);
    bodystructure_write(&w, &structure, extended);
    writer_sp(&w);
    envelope_write(&w, &envelope);
    FUZZ_REQUIRE(writer_finish(&w, &err) == 0, str_from(err.text));
    struct reader *r = fuzz_reader_memory(buf_str(&w.buf));
    reader_begin(r, arena);
    FUZZ_REQUIRE(bodystructure_read(r, arena, &again) && reader_expect_sp(r) &&
                     envelope_read(r, arena, &envelope_again) && reader_at_end(r),
                 buf_str(&w.buf));
    bodystructure_write(&w2, &again, extended);
    writer_sp(&w2);
    envelope_write(&w2, &envelope_again);
    FUZZ_REQUIRE(str_eq(buf_str(&w.buf), buf_str(&w2.buf)), buf_str(&w.buf));
    reader_free(&r);
    writer_free(&w);
    writer_free(&w2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_copy(data, size);
    AUTO_ARENA struct arena *arena = arena_new();
    struct mime_part *message = mime_parse(arena, input);
    look_at_parts(arena, message, input);
    look_at_header(arena, message->header);
    try_sections(arena, message);
    try_round_trip(arena, message, true);
    try_round_trip(arena, message, false);
    struct str preview = mime_preview(arena, message);
    FUZZ_REQUIRE(str_is_utf8(preview) && preview.len <= 800, preview);
    xfree(&input.ptr);
    return 0;
}
