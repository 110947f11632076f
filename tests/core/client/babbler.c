#include "core/client/babbler.h"
#include "base/alloc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ROUNDS 5000

static struct str good;
static bool (*converse)(struct stream *stream);

struct babbler {
    char *bytes;
    size_t len, at;
};

static ssize_t babbler_read(struct stream_layer *layer, void *out, size_t size,
                            enum stream_want *want, struct error *err)
{
    struct babbler *b = layer->self;
    size_t left = b->len - b->at;
    size_t got = left < size ? left : size;
    (void)want;
    (void)err;
    memcpy(out, b->bytes + b->at, got);
    b->at += got;
    return (ssize_t)got;
}

static ssize_t babbler_write(struct stream_layer *layer, const void *data, size_t size,
                             enum stream_want *want, struct error *err)
{
    (void)layer;
    (void)data;
    (void)want;
    (void)err;
    return (ssize_t)size;
}

static int babbler_wait(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
                        const struct wake *wake, const struct clock *clock, struct error *err)
{
    (void)layer;
    (void)want;
    (void)deadline_ms;
    (void)wake;
    (void)clock;
    (void)err;
    return 0;
}

static void babbler_close(struct stream_layer *layer)
{
    struct babbler *b = layer->self;
    free(b->bytes);
    xfree(&layer->self);
}

static const struct stream_layer_ops babbler_ops = {"babbler", babbler_read, babbler_write,
                                                    NULL,      babbler_wait, babbler_close};

/* The first `len` bytes. */
static struct babbler *babbler_new(size_t len)
{
    struct babbler *b = xcalloc(1, sizeof *b);
    b->bytes = xmemdup(good.ptr, good.len);
    b->len = len;
    return b;
}

static bool run(struct babbler *b)
{
    return converse(stream_from_layer(&babbler_ops, b, NULL, &clock_system));
}

static void unchanged(void **state)
{
    (void)state;
    assert_true(run(babbler_new(good.len)));
}

static void law7_cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t len = 0; len < good.len; len++) {
        assert_false(run(babbler_new(len)));
    }
}

/* xorshift32: repeatable. */
static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void law7_bytes_changed(void **state)
{
    (void)state;
    static const char likely[] = "(){}[]\"\\ \r\n0129*+AEU";
    uint32_t seed = 2463534242;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct babbler *b = babbler_new(good.len);
        for (unsigned changes = 1 + next_random(&seed) % 3; changes > 0; changes--) {
            size_t at = next_random(&seed) % b->len;
            b->bytes[at] = next_random(&seed) % 4 == 0
                               ? (char)next_random(&seed)
                               : likely[next_random(&seed) % (sizeof likely - 1)];
        }
        (void)run(b);
    }
}

int babbler_main(struct str said, bool (*converse_with)(struct stream *stream))
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unchanged),
        cmocka_unit_test(law7_cut_at_every_byte),
        cmocka_unit_test(law7_bytes_changed),
    };
    good = said;
    converse = converse_with;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
