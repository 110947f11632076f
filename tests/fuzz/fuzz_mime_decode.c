/* Transfer encodings, character sets and encoded words. */
#include "base/alloc.h"
#include "base/base64.h"
#include "imap/mime_decode.h"
#include "fuzz/fuzz.h"

static void try_base64(struct arena *arena, struct str text)
{
    struct buf encoded AUTO_BUF = BUF_INIT(1000000);
    struct str out;
    if (mime_decode_base64(arena, text, &out)) {
        FUZZ_REQUIRE(out.len <= text.len, text);
    }
    base64_encode(&encoded, text);
    FUZZ_REQUIRE(mime_decode_base64(arena, buf_str(&encoded), &out) && str_eq(out, text), text);
}

/* "CHARSET\nBYTES" */
static void try_charset(struct arena *arena, struct str input)
{
    struct str bytes = input, charset;
    if (str_split(&bytes, '\n', &charset)) {
        FUZZ_REQUIRE(str_is_utf8(mime_to_utf8(arena, charset, bytes)), input);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_copy(data, size);
    struct str rest = str_from_offset(input, 1);
    AUTO_ARENA struct arena *arena = arena_new();
    if (str_starts(input, STR("6"))) {
        try_base64(arena, rest);
    } else if (str_starts(input, STR("q"))) {
        FUZZ_REQUIRE(mime_decode_quoted_printable(arena, rest).len <= rest.len, rest);
    } else if (str_starts(input, STR("w"))) {
        FUZZ_REQUIRE(str_is_utf8(mime_decode_words(arena, rest)), rest);
    } else if (str_starts(input, STR("c"))) {
        try_charset(arena, rest);
    }
    xfree(&input.ptr);
    return 0;
}
