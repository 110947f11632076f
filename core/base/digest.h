#pragma once
/* 128-bit content digests: SHA-256 cut to its first 16 bytes (FIPS 180-4). */
#include "base/str.h"

struct digest {
    uint8_t bytes[16];
};

struct digester; /* running computation */

struct digester *digester_new(void);
void digester_free(struct digester **d);
/* Begin anew. */
void digester_reset(struct digester *d);
void digester_add(struct digester *d, const void *data, size_t len);
/* The digest of what was added since the last reset; resets. */
struct digest digester_finish(struct digester *d);

bool digest_eq(const struct digest *a, const struct digest *b);
/* All zero, as where it was never told: of no content. */
bool digest_is_none(const struct digest *d);
/* 32 lower-case hexadecimal digits and a NUL. */
void digest_to_hex(const struct digest *d, char out[33]);
