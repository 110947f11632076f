#include "core/client/endless.h"

/* What comes next, without end where there is none. */
static struct str next_piece(struct endless *e)
{
    for (; e->part < 3; e->part++, e->at = 0, e->said = 0) {
        struct str piece = e->part == 0   ? str_from(e->before)
                           : e->part == 1 ? e->item
                                          : str_from(e->after);
        if (e->at == piece.len) {
            e->said++;
            e->at = 0;
        }
        if (piece.len > 0 && e->said < (e->part == 1 ? e->times : 1)) {
            return str_from_offset(piece, e->at);
        }
    }
    return STR_EMPTY;
}

ssize_t endless_read(void *self, void *out, size_t size, struct error *err)
{
    struct endless *e = self;
    size_t filled = 0;
    while (filled < size) {
        struct str piece = next_piece(e);
        size_t n = piece.len < size - filled ? piece.len : size - filled;
        if (n == 0) {
            break;
        }
        memcpy((char *)out + filled, piece.ptr, n);
        e->at += n;
        filled += n;
    }
    return (ssize_t)filled;
}

static ssize_t layer_read(struct stream_layer *layer, void *out, size_t size,
                          enum stream_want *want, struct error *err)
{
    return endless_read(layer->self, out, size, err);
}

static ssize_t layer_write(struct stream_layer *layer, const void *data, size_t size,
                           enum stream_want *want, struct error *err)
{
    return (ssize_t)size;
}

static int layer_wait(struct stream_layer *layer, unsigned want, int64_t deadline_ms,
                      const struct wake *wake, const struct clock *clock, struct error *err)
{
    return 0;
}

static void layer_close(struct stream_layer *layer)
{
}

struct stream *endless_stream(struct endless *e)
{
    static const struct stream_layer_ops ops = {"endless", layer_read, layer_write,
                                                NULL,      layer_wait, layer_close};
    return stream_from_layer(&ops, e, NULL, &clock_system);
}
