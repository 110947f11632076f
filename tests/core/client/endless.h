#pragma once
/* A server that says a great deal, made as it goes and nowhere stored, whatever it hears. */
#include "net/stream.h"

/* `before`, `item` so many times, `after`, and then the end. */
struct endless {
    const char *before;
    struct str item;
    uint64_t times;
    const char *after;
    size_t at; /* in what is being said */
    uint64_t said;
    unsigned part;
};

/* `e` is borrowed for the stream's life. */
struct stream *endless_stream(struct endless *e);
/* As a source of bytes. */
ssize_t endless_read(void *self, void *out, size_t size, struct error *err);
