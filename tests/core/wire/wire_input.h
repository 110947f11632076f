#pragma once
/* A reader over bytes in memory, for the tests of every layer that reads the grammar. */
#include "wire/reader.h"

struct wire_input {
    struct reader *reader;
    struct arena *arena;
    struct str data;
    size_t at;
    size_t chunk;            /* at most so many bytes in one read; 0: no bound */
    const struct error *end; /* what comes behind the data; NULL: the end of the input */
};

/* Small, so that tests can go over them. */
extern const struct reader_limits wire_test_limits;

/* `data` is borrowed. A unit has begun. */
void wire_open(struct wire_input *in, struct str data, size_t chunk);
void wire_open_limits(struct wire_input *in, struct str data, size_t chunk,
                      const struct reader_limits *limits);
void wire_close(struct wire_input *in);
/* Fails the test unless the reader has no error; shows the error. */
void wire_assert_good(const struct wire_input *in, const char *name);
/* How much is not consumed. */
struct str wire_rest(const struct wire_input *in);

/* Sizes of reads that put a boundary everywhere and nowhere. */
extern const size_t wire_chunks[4];
