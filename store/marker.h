#pragma once
/*
 * The root marker: a small file `.maildird` in the Maildir's root that says whose Maildir this is
 * and which generation of the index last wrote here. A Maildir without its marker (an unmounted
 * disk, an emptied directory) is never written to; a generation behind the index's is a restored
 * backup.
 */
#include "base/error.h"
#include <stdint.h>

struct marker {
    char account[256];
    char identity[33]; /* hexadecimal digest made when account and Maildir met first */
    uint64_t generation;
};

/* 1 found, 0 absent, negative on error (ERR_READ when it cannot be understood). */
int marker_read(const char *root, struct marker *out, struct error *err);
/* Durable on return. */
int marker_write(const char *root, const struct marker *marker, struct error *err);
