#pragma once
/* "Did you mean": the nearest of some words, for the configuration and the command line. */
#include <stddef.h>

struct suggest {
    const char *word; /* what was written */
    const char *best; /* the nearest so far; NULL: nothing is near enough */
    size_t best_distance;
};

void suggest_begin(struct suggest *s, const char *word);
void suggest_offer(struct suggest *s, const char *candidate);
