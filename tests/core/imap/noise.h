#pragma once
/* Bytes changed, cut and doubled at random. Seeded. */
#include "core/wire/dice.h"
#include <stddef.h>

/* Damages `len` bytes of `text` in up to four places; returns the new length, at most `max`. */
size_t noise_damage(struct dice *dice, char *text, size_t len, size_t max);
