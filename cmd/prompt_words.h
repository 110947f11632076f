#pragma once
/* A line taken apart as a shell would. */
#include "base/arena.h"

struct prompt_words {
    const char **items; /* in the arena */
    size_t len;
};
/* Words between spaces. '…' and "…" hold spaces; outside of '…' a backslash before a quote, a space
 * or a backslash takes it as it is. False for a quote that does not end. */
bool prompt_words_split(struct arena *arena, const char *line, struct prompt_words *out);
