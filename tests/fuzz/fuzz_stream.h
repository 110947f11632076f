#pragma once
/* A stream whose other end is bytes in memory. */
#include "net/stream.h"
#include "fuzz/fuzz.h"

/* `source` is borrowed for the stream's life; `written` (may be NULL) keeps what is written. Its
 * clock stands still. */
struct stream *fuzz_stream(struct fuzz_source *source, struct buf *written);
extern const struct clock fuzz_clock;
