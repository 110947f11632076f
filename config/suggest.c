#include "config/suggest.h"
#include <stdbool.h>
#include <string.h>

/* Longer words are not typing errors of ours. */
#define WORD_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Letters put in, left out, changed, or two neighbours swapped (optimal string alignment). */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_len; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + change);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < now[j]) {
                now[j] = before[j - 2] + 1;
            }
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b_len];
}

void suggest_begin(struct suggest *s, const char *word)
{
    *s = (struct suggest){.word = word};
    s->best_distance = strlen(word) / 3 + 2; /* one more than is near enough */
}

void suggest_offer(struct suggest *s, const char *candidate)
{
    size_t word_len = strlen(s->word);
    size_t len = strlen(candidate);
    if (word_len == 0 || word_len > WORD_MAX || len > WORD_MAX) {
        return;
    }
    size_t common = word_len < len ? word_len : len;
    bool begins_alike = common >= 3 && memcmp(s->word, candidate, common) == 0;
    size_t d = begins_alike ? 1 : distance(s->word, word_len, candidate, len);
    size_t longer = word_len > len ? word_len : len;
    if (d < s->best_distance && d < longer) {
        s->best = candidate;
        s->best_distance = d;
    }
}
