#pragma once
/*
 * What the fuzzers share. Each file fuzz_<name>.c has the entry point of libFuzzer; with clang and
 * MAILDIRD_FUZZ it is a libFuzzer program, else driver.c runs it over a corpus and its mutations.
 */
#include "base/arena.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* One input: returns 0. Ends the process where a promise is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what does not hold, with `shown` (may be empty), and ends the process. */
_Noreturn void fuzz_broken(const char *file, int line, const char *what, struct str shown);
#define FUZZ_REQUIRE(condition, shown)                                                             \
    ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition, (shown)))

/* The input in memory of its exact size, so that nothing is read behind its end unseen; the caller
 * frees with xfree(&input.ptr). */
struct str fuzz_copy(const uint8_t *data, size_t size);

/* Bytes that come in pieces of a size that the input's length decides. */
struct fuzz_source {
    struct str rest;
    size_t chunk;
};
struct fuzz_source fuzz_source_of(struct str input);
ssize_t fuzz_source_read(void *self, void *out, size_t size, struct error *err);

/* A reader as the client's, with small limits. */
struct reader *fuzz_reader_memory(struct str input);
struct reader *fuzz_reader_stream(struct fuzz_source *source);

/* Reads a value and writes it; false where it was refused. */
typedef bool fuzz_codec(struct reader *r, struct arena *arena, struct writer *w);
/* What is read from memory is read from a stream as well; and what is written is read back, whole
 * and as the same. `input` ends with a line end or not. */
void fuzz_codec_run(fuzz_codec *codec, struct str input);

/* The first byte chooses one of several. */
struct fuzz_codec_row {
    char letter;
    fuzz_codec *codec;
};
void fuzz_codecs_run(const struct fuzz_codec_row *rows, size_t len, struct str input);
