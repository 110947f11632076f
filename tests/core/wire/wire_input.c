#include "core/wire/wire_input.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

const struct reader_limits wire_test_limits = {
    .token_bytes = 100000, .literal_bytes = 1000000, .depth = 10, .unit_bytes = 400000};

const size_t wire_chunks[4] = {0, 1, 2, 7};

static ssize_t wire_read(void *self, void *out, size_t size, struct error *err)
{
    struct wire_input *in = self;
    struct str rest = str_from_offset(in->data, in->at);
    if (rest.len == 0 && in->end != NULL) {
        *err = *in->end;
        return -(ssize_t)in->end->code;
    }
    size_t n = rest.len < size ? rest.len : size;
    n = in->chunk != 0 && n > in->chunk ? in->chunk : n;
    if (n > 0) {
        memcpy(out, rest.ptr, n);
    }
    in->at += n;
    return (ssize_t)n;
}

void wire_open(struct wire_input *in, struct str data, size_t chunk)
{
    wire_open_limits(in, data, chunk, &wire_test_limits);
}

void wire_open_limits(struct wire_input *in, struct str data, size_t chunk,
                      const struct reader_limits *limits)
{
    *in = (struct wire_input){.data = data, .chunk = chunk, .arena = arena_new()};
    in->reader = reader_new(&(struct reader_source){wire_read, in}, limits);
    reader_begin(in->reader, in->arena);
}

void wire_close(struct wire_input *in)
{
    reader_free(&in->reader);
    arena_free(&in->arena);
}

void wire_assert_good(const struct wire_input *in, const char *name)
{
    struct error err = ERROR_INIT;
    if (reader_check(in->reader, &err) != 0) {
        fail_msg("%s: %s", name, err.text);
    }
}

struct str wire_rest(const struct wire_input *in)
{
    return str_from_offset(in->data, (size_t)reader_offset(in->reader));
}
