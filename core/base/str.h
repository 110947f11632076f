#pragma once
/* Borrowed slices of bytes. A str owns nothing, may hold NUL, and is not NUL-terminated unless its
 * maker says so. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* The same in the initializer of a static table, where C wants a constant. */
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define STR_EMPTY ((struct str){"", 0})
/* For "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline struct str str_from(const char *text)
{
    return (struct str){text, strlen(text)};
}

static inline struct str str_make(const char *ptr, size_t len)
{
    return (struct str){ptr, len};
}

bool str_eq(struct str a, struct str b);
/* ASCII case folded. */
bool str_eq_nocase(struct str a, struct str b);
/* memcmp order; a shorter prefix sorts first. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* From `start` (clamped) to the end. */
struct str str_from_offset(struct str s, size_t start);
struct str str_sub(struct str s, size_t start, size_t len);
/* Index of the first `c`, or -1. */
ptrdiff_t str_find(struct str s, char c);
ptrdiff_t str_rfind(struct str s, char c);
/* Cuts the part before the first `c` off `*rest` into `*head` and drops `c`. When there is no `c`,
 * `*head` is the whole and `*rest` becomes empty. Returns false when `*rest` was empty already. */
bool str_split(struct str *rest, char c, struct str *head);
struct str str_trim(struct str s);
/* Decimal digits only, the whole slice, no overflow. */
bool str_to_u32(struct str s, uint32_t *out);
bool str_to_u64(struct str s, uint64_t *out);
/* Well-formed UTF-8 (no overlong forms, no surrogates). */
bool str_is_utf8(struct str s);
bool str_is_ascii(struct str s);
/* Bytes of the well-formed UTF-8 character that `s` begins with; 0 if it begins with none. */
size_t str_utf8_char(struct str s);
/* Makes bytes from anywhere fit to be shown on one line, in place: control characters (C0, DEL, C1)
 * become spaces, bytes that are not UTF-8 `?`. A character cut off at the end is cut off whole.
 * Returns the length that remains. */
size_t str_make_printable(char *text, size_t len);
/* FNV-1a, 64 bits: hash tables and index keys, not for secrets. Stable across versions. */
uint64_t str_hash(struct str s);
