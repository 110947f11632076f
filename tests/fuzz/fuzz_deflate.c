/* COMPRESS=DEFLATE: damaged input ends with an error; what was deflated is inflated as it was. */
#include "base/alloc.h"
#include "fuzz/fuzz_stream.h"

/* A few KiB can be a great deal of zeros. */
#define INFLATED_MAX ((size_t)256 * 1024)

/* Everything until the end, an error, or INFLATED_MAX; returns the last read. */
static ssize_t drain(struct stream *stream, struct buf *out, size_t piece)
{
    struct error err = ERROR_INIT;
    char bytes[4096];
    ssize_t got;
    while ((got = stream_read(stream, bytes, piece, &err)) > 0) {
        buf_add(out, bytes, (size_t)got);
        if (out->overflowed || out->len == out->max) {
            break;
        }
    }
    FUZZ_REQUIRE(got >= 0 || err.text[0] != '\0', STR_EMPTY);
    return got;
}

static void inflate_any(struct str input)
{
    struct error err = ERROR_INIT;
    struct buf a AUTO_BUF = BUF_INIT(INFLATED_MAX);
    struct buf b AUTO_BUF = BUF_INIT(INFLATED_MAX);
    struct fuzz_source whole = {input, SIZE_MAX}, pieces = {input, 3};
    struct stream *one = fuzz_stream(&whole, NULL);
    struct stream *two = fuzz_stream(&pieces, NULL);
    FUZZ_REQUIRE(stream_push_deflate(one, &err) == 0 && stream_push_deflate(two, &err) == 0, input);
    ssize_t end_a = drain(one, &a, 4096);
    ssize_t end_b = drain(two, &b, 61);
    if (!a.overflowed && !b.overflowed && end_a == 0) {
        FUZZ_REQUIRE(end_b == 0 && str_eq(buf_str(&a), buf_str(&b)), input);
    }
    stream_close(&one);
    stream_close(&two);
}

static void deflate_then_inflate(struct str input)
{
    struct error err = ERROR_INIT;
    struct buf deflated AUTO_BUF = BUF_INIT((size_t)1 << 20);
    struct buf inflated AUTO_BUF = BUF_INIT((size_t)1 << 20);
    struct fuzz_source nothing = {STR_EMPTY, 1};
    struct stream *out = fuzz_stream(&nothing, &deflated);
    size_t half = input.len / 2;
    FUZZ_REQUIRE(stream_push_deflate(out, &err) == 0, input);
    FUZZ_REQUIRE(stream_write(out, input.ptr, half, &err) == 0 && stream_flush(out, &err) == 0 &&
                     stream_write(out, input.ptr + half, input.len - half, &err) == 0 &&
                     stream_flush(out, &err) == 0,
                 input);
    stream_close(&out);
    struct fuzz_source source = {buf_str(&deflated), 1 + input.len % 9};
    struct stream *in = fuzz_stream(&source, NULL);
    FUZZ_REQUIRE(stream_push_deflate(in, &err) == 0, input);
    (void)drain(in, &inflated, 1000);
    FUZZ_REQUIRE(str_eq(buf_str(&inflated), input), input);
    stream_close(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = fuzz_copy(data, size);
    if (str_starts(input, STR("w"))) {
        deflate_then_inflate(str_from_offset(input, 1));
    } else {
        inflate_any(str_from_offset(input, 1));
    }
    xfree(&input.ptr);
    return 0;
}
