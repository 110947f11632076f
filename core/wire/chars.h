#pragma once
/* Character classes of RFC 3501 / RFC 9051 section 9, as one table so that a scan is a load and a
 * test for each byte. */
#include <stdbool.h>
#include <stdint.h>

enum char_class {
    CHAR_ATOM = 1 << 0,      /* ATOM-CHAR */
    CHAR_ASTRING = 1 << 1,   /* ASTRING-CHAR: also `]` */
    CHAR_LIST = 1 << 2,      /* list-char: also `%` and `*` */
    CHAR_TAG = 1 << 3,       /* ASTRING-CHAR without `+` */
    CHAR_QUOTABLE = 1 << 4,  /* may stand in a quoted string: no CR, LF, NUL, 8-bit */
    CHAR_8BIT = 1 << 5,      /* 0x80 to 0xff */
    CHAR_DIGIT = 1 << 6,     /* 0 to 9 */
    CHAR_NAME = 1 << 7,      /* letters, digits, `-`, `.` and `_`: names of items and codes */
    CHAR_WORD = 1 << 8,      /* all but controls, space, parentheses and `"`: flags as servers send
                                them */
    CHAR_IN_QUOTES = 1 << 9, /* stands for itself in a quoted string that is read */
};

extern const uint16_t char_classes[256];

/* Whether `c` is in one of `classes` (a set of enum char_class). */
static inline bool char_is(char c, unsigned classes)
{
    return (char_classes[(unsigned char)c] & classes) != 0;
}

static inline bool char_is_atom(unsigned char c)
{
    return (char_classes[c] & CHAR_ATOM) != 0;
}

static inline bool char_is_astring(unsigned char c)
{
    return (char_classes[c] & CHAR_ASTRING) != 0;
}

static inline bool char_is_list(unsigned char c)
{
    return (char_classes[c] & CHAR_LIST) != 0;
}

static inline bool char_is_tag(unsigned char c)
{
    return (char_classes[c] & CHAR_TAG) != 0;
}

static inline bool char_is_quotable(unsigned char c)
{
    return (char_classes[c] & CHAR_QUOTABLE) != 0;
}

static inline unsigned char char_upper(unsigned char c)
{
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - 32) : c;
}
