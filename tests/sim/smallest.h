#pragma once
/* A script that failed, as small as it can be. Each is tried in a process of its own: an assertion
 * may end it. */
#include "sim/script.h"

/* The folder of the index for the process `number` of this program, made; the world begins in it.
 * Exits where that cannot be. */
void smallest_begin_world(unsigned number);
/* Of a process that may have been killed in it: removes the folder. */
void smallest_clean_up(long pid, unsigned number);

/* Tells on standard output what happens, when asked to; true if all went as it must. */
bool smallest_try(const struct script *script, bool tell);
/* The script of a seed, made small unless `whole`, and what happens in it. */
void smallest_tell(uint64_t seed, bool whole);
