#include "cmd/prompt_words.h"
#include "base/alloc.h"
#include "base/buf.h"

/* Where a word is read. */
enum quoting { QUOTING_NONE, QUOTING_SINGLE, QUOTING_DOUBLE };

/* One word, from a character that is no space; *at goes behind it. */
static bool read_word(const char **at, struct buf *out)
{
    enum quoting quoting = QUOTING_NONE;
    for (; **at != '\0' && (quoting != QUOTING_NONE || **at != ' '); ++*at) {
        char c = **at;
        if (quoting == QUOTING_NONE && (c == '\'' || c == '"')) {
            quoting = c == '"' ? QUOTING_DOUBLE : QUOTING_SINGLE;
        } else if ((quoting == QUOTING_SINGLE && c == '\'') ||
                   (quoting == QUOTING_DOUBLE && c == '"')) {
            quoting = QUOTING_NONE;
        } else {
            /* A backslash before a letter is a flag's: \Seen. */
            bool escapes = quoting != QUOTING_SINGLE && c == '\\' && (*at)[1] != '\0' &&
                           strchr("\"'\\ ", (*at)[1]) != NULL;
            *at += escapes;
            buf_add_byte(out, **at);
        }
    }
    return quoting == QUOTING_NONE;
}

bool prompt_words_split(struct arena *arena, const char *line, struct prompt_words *out)
{
    size_t cap = 0;
    *out = (struct prompt_words){0};
    while (*line != '\0') {
        struct buf word = BUF_INIT(SIZE_MAX / 2);
        if (*line == ' ') {
            line++;
            continue;
        }
        bool well = read_word(&line, &word);
        out->items = arena_grow(arena, out->items, out->len, &cap, sizeof *out->items);
        out->items[out->len++] = arena_strdup(arena, word.len > 0 ? word.data : "");
        buf_free(&word);
        if (!well) {
            return false;
        }
    }
    return true;
}
