#pragma once
/* Words in the order in which they are told. */
#include "base/vec.h"

VEC_STRUCT(words, const char *);

void words_sort(struct words *words);
