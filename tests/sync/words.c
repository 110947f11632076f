#include "sync/words.h"

#include <stdlib.h>
#include <string.h>

static int by_word(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

void words_sort(struct words *words)
{
    if (words->len > 1) {
        qsort(words->items, words->len, sizeof *words->items, by_word);
    }
}
