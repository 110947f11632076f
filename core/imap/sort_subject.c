/* The base subject (RFC 5256 section 2.1), each step in one pass over what is left. */
#include "imap/sort.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Every run of white space as one space. */
static struct str collapse(struct arena *arena, struct str s)
{
    char *out = arena_alloc(arena, s.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool space = is_space(c) || c == '\r' || c == '\n';
        if (!space || len == 0 || out[len - 1] != ' ') {
            out[len++] = space ? ' ' : c;
        }
    }
    return str_make(out, len);
}

static struct str skip_spaces(struct str s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s = str_from_offset(s, 1);
    }
    return s;
}

/* subj-trailer, as often as it is there. */
static struct str drop_trailers(struct str s, bool *reply)
{
    for (;;) {
        if (s.len > 0 && is_space(s.ptr[s.len - 1])) {
            s.len--;
        } else if (s.len >= 5 && str_eq_nocase(str_from_offset(s, s.len - 5), STR("(fwd)"))) {
            s.len -= 5;
            *reply = true;
        } else {
            return s;
        }
    }
}

/* subj-blob with the white space behind it; nothing if there is none. */
static struct str drop_blob(struct str s)
{
    if (s.len == 0 || s.ptr[0] != '[') {
        return s;
    }
    for (size_t i = 1; i < s.len && s.ptr[i] != '['; i++) {
        if (s.ptr[i] == ']') {
            return skip_spaces(str_from_offset(s, i + 1));
        }
    }
    return s;
}

/* subj-refwd. */
static bool drop_refwd(struct str *s)
{
    static const struct str words[] = {{"re", 2}, {"fwd", 3}, {"fw", 2}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!str_starts_nocase(*s, words[i])) {
            continue;
        }
        struct str rest = drop_blob(skip_spaces(str_from_offset(*s, words[i].len)));
        if (rest.len > 0 && rest.ptr[0] == ':') {
            *s = str_from_offset(rest, 1);
            return true;
        }
    }
    return false;
}

/* Leaders and blobs. The blobs in front are one run: either a "Re:" ends it, and all of it is a
 * leader, or it goes as far as something is left. */
static struct str drop_leaders(struct str s, bool *reply)
{
    for (;;) {
        s = skip_spaces(s);
        struct str last = s;
        struct str behind = s;
        for (struct str next = drop_blob(behind); next.len != behind.len;
             next = drop_blob(behind)) {
            last = behind;
            behind = next;
        }
        if (drop_refwd(&behind)) {
            s = behind;
            *reply = true;
            continue;
        }
        return behind.len > 0 ? behind : last;
    }
}

struct str sort_base_subject(struct arena *arena, struct str subject, bool *reply)
{
    struct str s = collapse(arena, subject);
    *reply = false;
    for (;;) {
        s = drop_leaders(drop_trailers(s, reply), reply);
        if (!str_starts_nocase(s, STR("[fwd:")) || !str_ends(s, STR("]"))) {
            return s;
        }
        s = str_sub(s, 5, s.len - 6);
        *reply = true;
    }
}
