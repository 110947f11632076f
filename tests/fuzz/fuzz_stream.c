#include "fuzz/fuzz_stream.h"
#include "base/alloc.h"

struct fuzz_layer {
    struct fuzz_source *source;
    struct buf *written;
};

static int64_t stands_still(void *self)
{
    (void)self;
    return INT64_C(1750000000000);
}

const struct clock fuzz_clock = {stands_still, stands_still, NULL};

static ssize_t layer_read(struct stream_layer *layer, void *out, size_t size,
                          enum stream_want *want, struct error *err)
{
    struct fuzz_layer *l = layer->self;
    (void)want;
    return fuzz_source_read(l->source, out, size, err);
}

static ssize_t layer_write(struct stream_layer *layer, const void *data, size_t size,
                           enum stream_want *want, struct error *err)
{
    struct fuzz_layer *l = layer->self;
    (void)want;
    (void)err;
    if (l->written != NULL) {
        buf_add(l->written, data, size);
    }
    return (ssize_t)size;
}

static int layer_wait(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
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

static void layer_close(struct stream_layer *layer)
{
    xfree(&layer->self);
}

struct stream *fuzz_stream(struct fuzz_source *source, struct buf *written)
{
    static const struct stream_layer_ops ops = {"fuzz", layer_read, layer_write,
                                                NULL,   layer_wait, layer_close};
    struct fuzz_layer *l = xcalloc(1, sizeof *l);
    *l = (struct fuzz_layer){source, written};
    return stream_from_layer(&ops, l, NULL, &fuzz_clock);
}
