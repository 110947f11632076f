#include "fuzz/fuzz.h"
#include "base/alloc.h"
#include <stdio.h>
#include <stdlib.h>

#define WRITTEN_MAX ((size_t)4 * 1024 * 1024)

static const struct reader_limits limits = {
    .token_bytes = 65536, .literal_bytes = 262144, .depth = 100, .unit_bytes = 262144};

void fuzz_broken(const char *file, int line, const char *what, struct str shown)
{
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n%.*s\n", file, line, what, STR_ARG(shown));
    abort();
}

struct str fuzz_copy(const uint8_t *data, size_t size)
{
    return str_make(xmemdup(data, size), size);
}

struct fuzz_source fuzz_source_of(struct str input)
{
    static const size_t chunks[] = {SIZE_MAX, 1, 2, 7, 64};
    return (struct fuzz_source){input, chunks[input.len % (sizeof chunks / sizeof chunks[0])]};
}

ssize_t fuzz_source_read(void *self, void *out, size_t size, struct error *err)
{
    struct fuzz_source *source = self;
    size_t n = source->rest.len < size ? source->rest.len : size;
    (void)err;
    n = n < source->chunk ? n : source->chunk;
    if (n > 0) {
        memcpy(out, source->rest.ptr, n);
    }
    source->rest = str_from_offset(source->rest, n);
    return (ssize_t)n;
}

struct reader *fuzz_reader_memory(struct str input)
{
    return reader_new_memory(input, &limits);
}

struct reader *fuzz_reader_stream(struct fuzz_source *source)
{
    return reader_new(&(struct reader_source){fuzz_source_read, source}, &limits);
}

/* Frees `r`. *end: how much was consumed. */
static bool read_and_write(fuzz_codec *codec, struct reader *r, struct writer *w, uint64_t *end)
{
    AUTO_ARENA struct arena *arena = arena_new();
    reader_begin(r, arena);
    bool good = codec(r, arena, w);
    FUZZ_REQUIRE(good == !reader_failed(r), buf_str(&w->buf));
    *end = reader_offset(r);
    reader_free(&r);
    return good;
}

static void open_writer(struct writer *w)
{
    writer_init(w, WRITER_LITERAL_SERVER, false, WRITTEN_MAX);
    writer_cstr(w, "");
}

void fuzz_codec_run(fuzz_codec *codec, struct str input)
{
    struct error err = ERROR_INIT;
    struct fuzz_source source = fuzz_source_of(input);
    struct writer memory, stream, again;
    uint64_t memory_end, stream_end, again_end;
    open_writer(&memory);
    open_writer(&stream);
    open_writer(&again);
    bool good = read_and_write(codec, fuzz_reader_memory(input), &memory, &memory_end);
    bool streamed = read_and_write(codec, fuzz_reader_stream(&source), &stream, &stream_end);
    FUZZ_REQUIRE(good == streamed, input);
    if (good && writer_finish(&memory, &err) == 0) {
        FUZZ_REQUIRE(memory_end == stream_end && memory_end <= input.len, input);
        FUZZ_REQUIRE(str_eq(buf_str(&memory.buf), buf_str(&stream.buf)), input);
        size_t len = memory.buf.len;
        writer_crlf(&memory); /* what goes up to the line end needs one */
        struct str text = fuzz_copy((const uint8_t *)memory.buf.data, memory.buf.len);
        FUZZ_REQUIRE(read_and_write(codec, fuzz_reader_memory(text), &again, &again_end), text);
        FUZZ_REQUIRE(again_end == len, text);
        FUZZ_REQUIRE(str_eq(str_sub(text, 0, len), buf_str(&again.buf)), text);
        xfree(&text.ptr);
    }
    writer_free(&memory);
    writer_free(&stream);
    writer_free(&again);
}

void fuzz_codecs_run(const struct fuzz_codec_row *rows, size_t len, struct str input)
{
    for (size_t i = 0; input.len > 0 && i < len; i++) {
        if (rows[i].letter == input.ptr[0]) {
            fuzz_codec_run(rows[i].codec, str_from_offset(input, 1));
        }
    }
}
